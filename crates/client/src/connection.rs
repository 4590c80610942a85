//! One connection to the service: calls out, replies in.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use headstart_model::ErrorKind;
use headstart_model::protocol::framer::Framer;
use headstart_model::protocol::message::{
    Answer, MessageError, Position, Received, ReplyError, decode_reply, encode_call,
};
use headstart_model::protocol::service::{Hello, Welcome};
use headstart_model::protocol::{Method, REPLY_BYTES_MAX};
use headstart_sys::socket::SocketError;

use crate::error::Error;
use crate::wire::{HangUp, Port, Wire};

/// How long the service may take to answer a hello. `Ours:` it answers at once or not at all;
/// everything later may have to wait for a network.
const HELLO_PATIENCE: Duration = Duration::from_secs(10);

const READ_BYTES: usize = 16 * 1024;

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// Nobody listens: a service may be started.
    NobodyListens(Error),
    /// Anything else.
    Other(Error),
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::NobodyListens(error) | ConnectError::Other(error) => error,
        }
    }
}

/// A connection on which both sides have met.
#[derive(Debug)]
pub(crate) struct Connection {
    channel: Channel,
    hang_up: Arc<HangUp>,
    welcome: Welcome,
}

/// Messages over a wire.
#[derive(Debug)]
struct Channel {
    wire: Wire,
    framer: Framer,
    /// Something arrived that was no reply, or nothing will arrive any more.
    broken: bool,
}

impl Connection {
    /// Connects and says hello.
    pub(crate) fn open(socket: &Path, hello: &Hello) -> Result<Self, ConnectError> {
        let wire = Wire::connect(socket).map_err(|error| connect_error(&error))?;
        Self::meet(wire, hello).map_err(ConnectError::Other)
    }

    /// Has the service of an extension hand a connection over, and says hello.
    pub(crate) fn through(port: &Port, hello: &Hello) -> Result<Self, Error> {
        let wire = port.ask().map_err(|error| gone(&error))?;
        Self::meet(wire, hello)
    }

    fn meet(wire: Wire, hello: &Hello) -> Result<Self, Error> {
        let hang_up = wire.hang_up_handle().map_err(|error| gone(&error))?;
        wire.set_patience(Some(HELLO_PATIENCE)).map_err(|error| gone(&error))?;
        let framer = Framer::new(REPLY_BYTES_MAX);
        let mut channel = Channel { wire, framer, broken: false };
        channel.send(hello, Answer::Once)?;
        let welcome = channel.receive::<Hello>()?.reply;
        channel.wire.set_patience(None).map_err(|error| gone(&error))?;
        check_home(&welcome, hello)?;
        Ok(Self { channel, hang_up: Arc::new(hang_up), welcome })
    }

    /// What the service answered to the hello.
    pub(crate) const fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// What ends this connection from another thread.
    pub(crate) const fn hang_up(&self) -> &Arc<HangUp> {
        &self.hang_up
    }

    /// Whether the connection can serve another call.
    pub(crate) fn is_usable(&mut self) -> bool {
        let Channel { wire, framer, broken } = &mut self.channel;
        !*broken && framer.finish().is_ok() && wire.is_quiet()
    }

    pub(crate) fn send<M: Method>(&mut self, call: &M, answer: Answer) -> Result<(), Error> {
        self.channel.send(call, answer)
    }

    /// The next reply to the call of `M` that was sent.
    pub(crate) fn receive<M: Method>(&mut self) -> Result<Received<M::Reply>, Error> {
        self.channel.receive::<M>()
    }

    /// The only reply to a call that takes one.
    pub(crate) fn receive_only<M: Method>(&mut self) -> Result<M::Reply, Error> {
        let Received { reply, position } = self.receive::<M>()?;
        match position {
            Position::Last => Ok(reply),
            Position::Between => {
                self.channel.broken = true;
                Err(unexpected())
            }
        }
    }

    /// Calls, and takes the only reply.
    pub(crate) fn call<M: Method>(&mut self, call: &M) -> Result<M::Reply, Error> {
        self.send(call, Answer::Once)?;
        self.receive_only::<M>()
    }

    /// Waits until the service closes the connection.
    pub(crate) fn wait_for_end(mut self) {
        // What still arrives is of no interest, and an error is an end too.
        while let Ok(1..) = self.channel.wire.read(&mut [0; 64]) {}
    }
}

impl Channel {
    fn send<M: Method>(&mut self, call: &M, answer: Answer) -> Result<(), Error> {
        let bytes = encode_call(call, answer).map_err(|error| Error::of_message(&error))?;
        self.wire.write_all(&bytes).map_err(|error| {
            self.broken = true;
            gone(&error)
        })
    }

    fn receive<M: Method>(&mut self) -> Result<Received<M::Reply>, Error> {
        let result = self.receive_frame(|frame| decode_reply::<M>(frame));
        // A failure of the call leaves the connection as good as it was.
        self.broken = !matches!(result, Ok(Ok(_) | Err(ReplyError::Call(_))));
        Ok(result??)
    }

    fn receive_frame<T>(&mut self, decode: impl FnOnce(&[u8]) -> T) -> Result<T, Error> {
        let mut buffer = [0; READ_BYTES];
        loop {
            let frame = self.framer.next_frame();
            if let Some(frame) = frame.map_err(|e| Error::of_message(&MessageError::Frame(e)))? {
                return Ok(decode(frame));
            }
            let count = self.wire.read(&mut buffer).map_err(|error| gone(&error))?;
            if count == 0 {
                let end = self.framer.finish().err().map_or_else(
                    || io::Error::from(io::ErrorKind::UnexpectedEof),
                    |error| io::Error::new(io::ErrorKind::UnexpectedEof, error),
                );
                return Err(gone(&end));
            }
            self.framer.push(buffer.get(..count).unwrap_or_default());
        }
    }
}

/// The service checks this too; a client that is answered by anything else must not read one home
/// and install into another.
fn check_home(welcome: &Welcome, hello: &Hello) -> Result<(), Error> {
    if welcome.home == hello.home {
        return Ok(());
    }
    let text = format!(
        "the service that listens has the home {}, and this program has {}",
        welcome.home, hello.home
    );
    let hint = "give both the same HEADSTART_HOME, or each its own HEADSTART_SOCKET";
    Err(Error::new(ErrorKind::Conflict, "otherHome", text).with_hint(hint))
}

fn connect_error(error: &SocketError) -> ConnectError {
    let shown = |code| Error::of(ErrorKind::Unavailable, code, error);
    match error {
        SocketError::NobodyListens { .. } => ConnectError::NobodyListens(
            shown("serviceNotRunning").with_hint("start it with `headstart service run`"),
        ),
        SocketError::Unsupported => ConnectError::Other(shown("serviceUnsupported")),
        _ => ConnectError::Other(shown("serviceUnreachable")),
    }
}

/// The connection has ended, or is silent where it must not be.
fn gone(error: &io::Error) -> Error {
    let silent = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
    let (code, message, hint) = if silent {
        let hint = "look at `headstart service logs`, or stop the service";
        ("serviceSilent", "the service does not answer", hint)
    } else {
        let hint = "try again: the service goes on where it was";
        ("serviceGone", "the service ended the connection", hint)
    };
    let mut failure = headstart_model::Failure::new(ErrorKind::Unavailable, code, message);
    failure.causes.push(error.to_string());
    failure.with_hint(hint).into()
}

/// A reply that belongs to the method and not to this place in the conversation.
pub(crate) fn unexpected() -> Error {
    let text = "the service answered out of turn";
    Error::new(ErrorKind::Internal, "protocolViolated", text)
}
