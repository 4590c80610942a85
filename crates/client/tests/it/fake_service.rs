//! A service that answers as a test tells it to, over a real socket.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use headstart::{AppId, Connector, Start};
use headstart_model::Failure;
use headstart_model::protocol::dispatch::{Call, decode_call};
use headstart_model::protocol::error::CallError;
use headstart_model::protocol::framer::Framer;
use headstart_model::protocol::message::{Position, encode_error, encode_reply};
use headstart_model::protocol::service::{Hello, Welcome};
use headstart_model::protocol::{CALL_BYTES_MAX, Method};
use tempfile::TempDir;

/// What happens to the connection after a call.
pub(crate) enum Then {
    KeepOpen,
    HangUp,
}

/// The service's end of a connection.
pub(crate) struct Peer {
    stream: UnixStream,
}

impl Peer {
    pub(crate) fn reply<M: Method>(&mut self, reply: &M::Reply) {
        self.send(&encode_reply::<M>(reply, Position::Last).unwrap());
    }

    pub(crate) fn reply_and_go_on<M: Method>(&mut self, reply: &M::Reply) {
        self.send(&encode_reply::<M>(reply, Position::Between).unwrap());
    }

    pub(crate) fn fail(&mut self, failure: Failure) {
        self.send(&encode_error(&CallError::Failed(failure)).unwrap());
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // The client may have gone: that is for the test to notice.
        let _gone = self.stream.write_all(bytes);
    }

    /// Waits until the client closes its end.
    pub(crate) fn wait_for_end(&mut self) {
        while let Ok(1..) = self.stream.read(&mut [0; 64]) {}
    }
}

type Script = dyn Fn(&Call, &mut Peer) -> Then + Send + Sync;

/// What every connection of a service shares.
pub(crate) struct State {
    home: PathBuf,
    app: Option<AppId>,
    script: Box<Script>,
    calls: Mutex<Vec<Call>>,
    hellos: Mutex<Vec<Hello>>,
    connections: AtomicUsize,
    open: Mutex<Option<Vec<UnixStream>>>,
}

impl State {
    pub(crate) fn new(
        home: &Path,
        app: Option<AppId>,
        script: impl Fn(&Call, &mut Peer) -> Then + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            home: home.to_owned(),
            app,
            script: Box::new(script),
            calls: Mutex::default(),
            hellos: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: Mutex::new(Some(Vec::new())),
        })
    }

    /// Every call but hellos, in the order in which they came.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Serves a connection on a thread of its own. False when the service has ended.
    pub(crate) fn take(self: &Arc<Self>, stream: UnixStream) -> bool {
        match &mut *self.open.lock().unwrap() {
            Some(open) => open.push(stream.try_clone().unwrap()),
            None => return false,
        }
        self.connections.fetch_add(1, Ordering::SeqCst);
        let state = Arc::clone(self);
        std::thread::spawn(move || serve(&state, stream));
        true
    }

    /// Closes every connection, and takes no more.
    pub(crate) fn end(&self) {
        for stream in self.open.lock().unwrap().take().unwrap_or_default() {
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Listens until it is dropped.
pub(crate) struct FakeService {
    state: Arc<State>,
    socket: PathBuf,
}

/// A home in a folder of its own, with a socket whose path is short enough.
pub(crate) struct Device {
    folder: TempDir,
}

impl Device {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder }
    }

    /// Without links, as the library names it.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home").canonicalize().unwrap()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A connector that never starts a service.
    pub(crate) fn connector(&self) -> Connector {
        Connector::new().home(self.home()).socket(self.socket()).start(Start::Never)
    }
}

impl FakeService {
    /// Listens on the socket of `device`, and takes every client for `com.example.game`.
    pub(crate) fn start(
        device: &Device,
        script: impl Fn(&Call, &mut Peer) -> Then + Send + Sync + 'static,
    ) -> Self {
        let app = Some(AppId::new("com.example.game").unwrap());
        Self::listen(&device.socket(), &device.home(), app, script)
    }

    pub(crate) fn listen(
        socket: &Path,
        home: &Path,
        app: Option<AppId>,
        script: impl Fn(&Call, &mut Peer) -> Then + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let state = State::new(home, app, script);
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if !shared.take(stream.unwrap()) {
                    return;
                }
            }
        });
        Self { state, socket: socket.to_owned() }
    }

    /// Every call but hellos, in the order in which they came.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.calls()
    }

    pub(crate) fn hellos(&self) -> Vec<Hello> {
        self.state.hellos.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections()
    }
}

/// Closes every connection, and leaves the socket's file behind, as a service that was killed does.
impl Drop for FakeService {
    fn drop(&mut self) {
        self.state.end();
        // Wakes the thread that accepts, which then gives the listener up.
        drop(UnixStream::connect(&self.socket));
        let _absent = std::fs::remove_file(&self.socket);
    }
}

fn serve(state: &State, stream: UnixStream) {
    let mut reader = stream.try_clone().unwrap();
    let mut peer = Peer { stream };
    let mut framer = Framer::new(CALL_BYTES_MAX);
    let mut buffer = [0; 4096];
    loop {
        while let Some(frame) = framer.next_frame().unwrap() {
            let call = decode_call(frame).unwrap().call.unwrap();
            if let Call::Hello(hello) = call {
                state.hellos.lock().unwrap().push(hello);
                peer.reply::<Hello>(&welcome(state));
                continue;
            }
            state.calls.lock().unwrap().push(call.clone());
            if let Then::HangUp = (state.script)(&call, &mut peer) {
                let _closed = peer.stream.shutdown(Shutdown::Both);
                return;
            }
        }
        match reader.read(&mut buffer) {
            Ok(count @ 1..) => framer.push(&buffer[..count]),
            _ => return,
        }
    }
}

fn welcome(state: &State) -> Welcome {
    Welcome {
        protocol: 1,
        service_version: "0.0.0".to_owned(),
        home: state.home.to_str().unwrap().to_owned(),
        pid: 1,
        uptime_seconds: 0,
        app: state.app.clone(),
    }
}
