//! Where the connections of a downloader extension come from: see `docs/format/socket.md`.

use std::sync::{Arc, OnceLock};

use headstart_model::ErrorKind;
use headstart_model::protocol::service::Hello;

use crate::connection::Connection;
use crate::environment::{self, PORT_VARIABLE};
use crate::error::Error;
use crate::link::rest::Rest;
use crate::wire;

/// The port, and the connections that came through it and rest. The service hands out only few in a
/// run, so everything in the process shares them.
#[derive(Debug)]
pub(crate) struct Port {
    port: wire::Port,
    rest: Rest,
}

/// Where a connector takes its connections from.
#[derive(Debug, Clone, Default)]
pub(crate) enum PortChoice {
    /// From the port that this process was started with; from the socket when there is none.
    #[default]
    OfProcess,
    /// From this port.
    Given(Arc<Port>),
    /// From the socket.
    None,
}

impl Port {
    /// The port that this process was started with; none when it is no extension that the service
    /// started.
    pub(crate) fn of_process() -> Result<Option<Arc<Self>>, Error> {
        static PORT: OnceLock<Result<Option<Arc<Port>>, Error>> = OnceLock::new();
        PORT.get_or_init(|| {
            let Some(number) = environment::port() else { return Ok(None) };
            let number = number.to_str().and_then(|text| text.parse().ok()).unwrap_or(-1);
            match wire::Port::inherited(number) {
                Ok(port) => Ok(Some(Arc::new(Self::over(port)))),
                Err(error) => Err(unusable(&error)),
            }
        })
        .clone()
    }

    pub(crate) const fn over(port: wire::Port) -> Self {
        Self { port, rest: Rest::of_extension() }
    }

    pub(crate) fn connect(&self, hello: &Hello) -> Result<Connection, Error> {
        Connection::through(&self.port, hello)
    }

    pub(crate) const fn rest(&self) -> &Rest {
        &self.rest
    }
}

impl PortChoice {
    pub(crate) fn find(&self) -> Result<Option<Arc<Port>>, Error> {
        match self {
            Self::OfProcess => Port::of_process(),
            Self::Given(port) => Ok(Some(Arc::clone(port))),
            Self::None => Ok(None),
        }
    }
}

fn unusable(error: &std::io::Error) -> Error {
    let text = format!("{PORT_VARIABLE} names nothing through which the service can be reached");
    Error::new(ErrorKind::Usage, "extensionPortUnusable", text)
        .caused_by(error)
        .with_hint("only the service sets it, in the extensions that it starts")
}
