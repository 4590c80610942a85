//! The service's end of an extension's port: hands connections over that are answered as a test
//! tells it.

use std::io::Read as _;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use headstart::{AppId, Connector};
use headstart_model::protocol::dispatch::Call;
use headstart_sys::socket::send_with_descriptor;

use crate::fake_service::{Device, Peer, State, Then};

/// Connections that a run of an extension gets, as the service hands them out.
const CONNECTIONS_MAX: usize = 16;

/// Serves until it is dropped.
pub(crate) struct FakePort {
    state: Arc<State>,
    port: UnixStream,
}

impl FakePort {
    /// A port on `device`, and a connector of the extension that has its other end.
    pub(crate) fn start(
        device: &Device,
        script: impl Fn(&Call, &mut Peer) -> Then + Send + Sync + 'static,
    ) -> (Self, Connector) {
        let (port, theirs) = Self::open(device, script);
        (port, device.connector().extension_port(theirs))
    }

    /// A port on `device`, and the end of it that an extension is started with.
    pub(crate) fn open(
        device: &Device,
        script: impl Fn(&Call, &mut Peer) -> Then + Send + Sync + 'static,
    ) -> (Self, OwnedFd) {
        let app = AppId::new("com.example.game").unwrap();
        let state = State::new(&device.home(), Some(app), script);
        let (ours, theirs) = UnixStream::pair().unwrap();
        let port = ours.try_clone().unwrap();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || hand_out(&shared, ours));
        (Self { state, port }, OwnedFd::from(theirs))
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.calls()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections()
    }
}

impl Drop for FakePort {
    fn drop(&mut self) {
        self.state.end();
        let _closed = self.port.shutdown(Shutdown::Both);
    }
}

fn hand_out(state: &Arc<State>, mut port: UnixStream) {
    while let Ok(()) = port.read_exact(&mut [0]) {
        if state.connections() == CONNECTIONS_MAX {
            std::io::Write::write_all(&mut port, &[0]).unwrap();
            continue;
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        if !state.take(ours) || send_with_descriptor(&port, &[0], theirs.as_fd()).is_err() {
            return;
        }
    }
}
