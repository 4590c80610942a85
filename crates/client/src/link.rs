//! Everything that calls of this process to the service share: where it is, who we are, connections
//! at rest.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use headstart_model::protocol::Method;
use headstart_model::protocol::message::{Answer, Position, Received};
use headstart_model::protocol::service::{
    AppToken, Hello, PROTOCOL_NEWEST, PROTOCOL_OLDEST, Welcome,
};
use headstart_model::{AppId, ErrorKind, Language};
use headstart_sys::dirs::Home;

use crate::connection::{ConnectError, Connection};
use crate::connector::Start;
use crate::error::Error;
use crate::interrupt::{Interrupt, Reuse};
use crate::starting;

pub(crate) mod port;
mod rest;

use port::Port;
use rest::Rest;

/// Where the service is, and who we are to it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) home: Home,
    pub(crate) start: Start,
    /// The service's program, if somebody said which.
    pub(crate) daemon: Option<PathBuf>,
    /// The app that this process says it is.
    pub(crate) claim: Option<AppId>,
    pub(crate) token: Option<AppToken>,
    /// The app that administrative calls are about.
    pub(crate) on_behalf_of: Option<AppId>,
    /// What the person before this process reads, best first.
    pub(crate) languages: Vec<Language>,
    /// Where connections come from in an extension.
    pub(crate) port: Option<Arc<Port>>,
    rest: Rest,
}

/// A [`Link`] with what ends the calls that are made through it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    link: Arc<Link>,
    interrupt: Interrupt,
}

/// The replies to one call, as they come. Dropping it ends the call.
pub(crate) struct Replies<M> {
    caller: Caller,
    connection: Option<Connection>,
    method: std::marker::PhantomData<fn() -> M>,
}

impl Link {
    pub(crate) fn new(home: Home, start: Start) -> Self {
        Self {
            home,
            start,
            daemon: None,
            claim: None,
            token: None,
            on_behalf_of: None,
            languages: Vec::new(),
            port: None,
            rest: Rest::of_app(),
        }
    }

    fn hello(&self) -> Result<Hello, Error> {
        let home = self.home.root().to_str().ok_or_else(|| {
            let text =
                format!("the path of the home {} is not Unicode", self.home.root().display());
            Error::new(ErrorKind::Usage, "homeNotUnicode", text)
                .with_hint("set HEADSTART_HOME to another folder")
        })?;
        let own = std::env::current_exe().ok();
        let name = own.as_deref().and_then(std::path::Path::file_name).map(OsString::from);
        Ok(Hello {
            oldest_protocol: PROTOCOL_OLDEST,
            newest_protocol: PROTOCOL_NEWEST,
            home: home.to_owned(),
            client_name: name.unwrap_or_default().to_string_lossy().into_owned(),
            client_pid: std::process::id(),
            app: self.claim.clone(),
            app_token: self.token.clone(),
            languages: self.languages.clone(),
        })
    }

    /// A new connection to a service that runs already.
    pub(crate) fn connect_to_running(&self) -> Result<Connection, ConnectError> {
        let hello = self.hello().map_err(ConnectError::Other)?;
        if let Some(port) = &self.port {
            return port.connect(&hello).map_err(ConnectError::Other);
        }
        let socket = self.home.socket();
        socket.check().map_err(|error| {
            ConnectError::Other(Error::of(ErrorKind::Refused, "socketUnsafe", &error))
        })?;
        Connection::open(socket.path(), &hello)
    }

    fn connect(&self) -> Result<Connection, Error> {
        match self.connect_to_running() {
            Err(ConnectError::NobodyListens(_)) if self.start == Start::IfNeeded => {
                starting::start(self)
            }
            result => result.map_err(Error::from),
        }
    }

    /// In an extension, all of the process share what rests: it gets few connections in a run.
    fn rest(&self) -> &Rest {
        self.port.as_ref().map_or(&self.rest, |port| port.rest())
    }

    /// A connection for one caller, until it [gives it back](Self::give_back) or drops it.
    pub(crate) fn take(&self) -> Result<Connection, Error> {
        self.rest().take().map_or_else(|| self.connect(), Ok)
    }

    fn take_of_running(&self) -> Result<Connection, Error> {
        match self.rest().take() {
            Some(connection) => Ok(connection),
            None => Ok(self.connect_to_running()?),
        }
    }

    pub(crate) fn give_back(&self, connection: Connection) {
        self.rest().put(connection);
    }
}

impl Caller {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link, interrupt: Interrupt::default() }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The same link, for calls that `interrupt` ends.
    pub(crate) fn with(&self, interrupt: Interrupt) -> Self {
        Self { link: Arc::clone(&self.link), interrupt }
    }

    /// The app that these calls are about, as far as that is known without the service.
    pub(crate) fn known_app(&self) -> Option<&AppId> {
        self.link.on_behalf_of.as_ref().or(self.link.claim.as_ref())
    }

    /// The `app` of administrative calls.
    pub(crate) fn on_behalf_of(&self) -> Option<AppId> {
        self.link.on_behalf_of.clone()
    }

    /// Meets the service, starting it where that is allowed.
    pub(crate) fn meet(&self) -> Result<Welcome, Error> {
        let connection = self.open()?;
        let welcome = connection.welcome().clone();
        self.close(connection);
        Ok(welcome)
    }

    /// Calls, and takes one reply.
    pub(crate) fn call<M: Method>(&self, call: &M) -> Result<M::Reply, Error> {
        self.call_on(self.open()?, call)
    }

    /// As [`call`](Self::call), and starts no service.
    pub(crate) fn call_running<M: Method>(&self, call: &M) -> Result<M::Reply, Error> {
        let connection = self.link.take_of_running()?;
        self.interrupt.begin(connection.hang_up())?;
        self.call_on(connection, call)
    }

    /// Calls on a connection that may rest afterwards.
    fn call_on<M: Method>(&self, mut connection: Connection, call: &M) -> Result<M::Reply, Error> {
        let result = connection.call(call);
        self.close(connection);
        result
    }

    /// Calls, and takes replies as they come.
    pub(crate) fn stream<M: Method>(&self, call: &M) -> Result<Replies<M>, Error> {
        self.stream_on(self.open()?, call)
    }

    /// As [`stream`](Self::stream), and starts no service.
    pub(crate) fn stream_running<M: Method>(&self, call: &M) -> Result<Replies<M>, Error> {
        let connection = self.link.take_of_running()?;
        self.interrupt.begin(connection.hang_up())?;
        self.stream_on(connection, call)
    }

    fn stream_on<M: Method>(
        &self,
        mut connection: Connection,
        call: &M,
    ) -> Result<Replies<M>, Error> {
        connection.send(call, Answer::Stream)?;
        Ok(Replies {
            caller: self.clone(),
            connection: Some(connection),
            method: std::marker::PhantomData,
        })
    }

    /// Calls a service that runs already, and takes one reply; none when none runs.
    pub(crate) fn call_if_running<M: Method>(
        &self,
        call: &M,
    ) -> Result<Option<(Connection, M::Reply)>, Error> {
        let mut connection = match self.link.connect_to_running() {
            Ok(connection) => connection,
            Err(ConnectError::NobodyListens(_)) => return Ok(None),
            Err(ConnectError::Other(error)) => return Err(error),
        };
        self.interrupt.begin(connection.hang_up())?;
        let reply = connection.call(call)?;
        Ok(Some((connection, reply)))
    }

    /// Takes a connection that these calls may be ended on.
    pub(crate) fn open(&self) -> Result<Connection, Error> {
        let connection = self.link.take()?;
        self.interrupt.begin(connection.hang_up())?;
        Ok(connection)
    }

    fn close(&self, connection: Connection) {
        if self.still_open() {
            self.link.give_back(connection);
        }
    }

    /// To be called when nobody waits on a connection of [`open`](Self::open) any more: whether it
    /// can still be used.
    pub(crate) fn still_open(&self) -> bool {
        self.interrupt.end() == Reuse::Open
    }
}

impl<M: Method> Iterator for Replies<M> {
    type Item = Result<M::Reply, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut connection = self.connection.take()?;
        let received = connection.receive::<M>();
        match &received {
            Ok(Received { position: Position::Between, .. }) => self.connection = Some(connection),
            _ => self.caller.close(connection),
        }
        Some(received.map(|received| received.reply))
    }
}
