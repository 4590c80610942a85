//! A service that answers as a test says, for what a real one tells only by chance or after hours.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use headstart_model::Failure;
use headstart_model::protocol::dispatch::{Call, decode_call};
use headstart_model::protocol::error::CallError;
use headstart_model::protocol::framer::Framer;
use headstart_model::protocol::message::{Position, encode_error, encode_reply};
use headstart_model::protocol::service::{Hello, Welcome};
use headstart_model::protocol::{CALL_BYTES_MAX, Method};

use crate::world::{Ran, World};

/// The service's end of a connection.
pub struct Peer {
    stream: UnixStream,
}

impl Peer {
    pub fn reply<M: Method>(&mut self, reply: &M::Reply) {
        self.send(&encode_reply::<M>(reply, Position::Last).unwrap());
    }

    pub fn reply_and_go_on<M: Method>(&mut self, reply: &M::Reply) {
        self.send(&encode_reply::<M>(reply, Position::Between).unwrap());
    }

    pub fn fail(&mut self, failure: Failure) {
        self.send(&encode_error(&CallError::Failed(failure)).unwrap());
    }

    fn send(&mut self, bytes: &[u8]) {
        // The command may have ended: that is for the test to notice.
        let _gone = self.stream.write_all(bytes);
    }
}

type Script = dyn Fn(Call, &mut Peer) + Send + Sync;

/// Listens for as long as the test runs.
pub struct FakeService<'w> {
    world: &'w World,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl<'w> FakeService<'w> {
    pub fn start(
        world: &'w World,
        script: impl Fn(Call, &mut Peer) + Send + Sync + 'static,
    ) -> Self {
        std::fs::create_dir_all(world.path("home")).unwrap();
        let home = world.path("home").canonicalize().unwrap().to_str().unwrap().to_owned();
        let listener = UnixListener::bind(world.path("socket")).unwrap();
        let calls = Arc::new(Mutex::default());
        let (heard, script): (_, Arc<Script>) = (Arc::clone(&calls), Arc::new(script));
        std::thread::spawn(move || {
            // Ends with the test.
            for stream in listener.incoming().flatten() {
                let (home, heard, script) = (home.clone(), Arc::clone(&heard), Arc::clone(&script));
                std::thread::spawn(move || serve(&home, &heard, &*script, stream));
            }
        });
        Self { world, calls }
    }

    /// The binary, told where this service listens.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(arguments);
        command.env("HEADSTART_SOCKET", self.world.path("socket")).arg("--no-start");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    pub fn json(&self, arguments: &[&str]) -> Ran {
        self.run(&[arguments, &["--json"]].concat())
    }

    /// Every call but hellos, in the order in which they came.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

fn serve(home: &str, heard: &Mutex<Vec<Call>>, script: &Script, stream: UnixStream) {
    let mut reader = stream.try_clone().unwrap();
    let mut peer = Peer { stream };
    let mut framer = Framer::new(CALL_BYTES_MAX);
    let mut buffer = [0; 4096];
    loop {
        while let Some(frame) = framer.next_frame().unwrap() {
            let call = decode_call(frame).unwrap().call.unwrap();
            if let Call::Hello(_) = call {
                peer.reply::<Hello>(&Welcome {
                    protocol: 1,
                    service_version: "0.0.0".to_owned(),
                    home: home.to_owned(),
                    pid: 1,
                    uptime_seconds: 0,
                    app: None,
                });
                continue;
            }
            heard.lock().unwrap().push(call.clone());
            script(call, &mut peer);
        }
        match reader.read(&mut buffer) {
            Ok(count @ 1..) => framer.push(&buffer[..count]),
            _ => return,
        }
    }
}
