//! The downloader extensions of the tests: one that does what it should, and many that do not.
//!
//! Speaks the protocol by itself, so that it can break it. What it does stands in the file `behaviour` beside it; what came of
//! it goes into the file `told` in the container of its group, a line for each thing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::infinite_loop,
    clippy::print_stdout,
    reason = "a program of the tests: it fails by panicking"
)]
#![cfg(unix)]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use headstart_sys::socket::receive;
use serde_json::{Value, json};

const FOR_EVER: std::time::Duration = std::time::Duration::MAX;

/// A connection to the service.
struct Talk {
    stream: UnixStream,
    pending: Vec<u8>,
}

impl Talk {
    /// Asks the port for a connection, and says hello on it.
    fn open(port: &UnixStream) -> Self {
        (&*port).write_all(b"?").unwrap();
        let mut byte = [0];
        let received = receive(port, &mut byte).unwrap();
        let stream = UnixStream::from(received.descriptor.expect("a connection comes along"));
        let mut talk = Self { stream, pending: Vec::new() };
        let home = std::env::var("HEADSTART_HOME").unwrap();
        let hello = json!({
            "oldestProtocol": 1, "newestProtocol": 1, "home": home,
            "clientName": "probe", "clientPid": 1,
        });
        talk.call("Service.Hello", &hello);
        talk
    }

    fn send(&mut self, method: &str, parameters: &Value, more: bool) {
        let method = format!("io.headstart.{method}");
        let message = json!({ "method": method, "parameters": parameters, "more": more });
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        if self.stream.write_all(&bytes).is_err() {
            std::process::exit(0);
        }
    }

    fn receive(&mut self) -> Value {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == 0) {
                let message = serde_json::from_slice(&self.pending[..end]).unwrap();
                self.pending.drain(..=end);
                return message;
            }
            let mut buffer = [0; 16 * 1024];
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => std::process::exit(0),
                Ok(length) => self.pending.extend_from_slice(&buffer[..length]),
            }
        }
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.send(method, parameters, false);
        self.receive()
    }
}

/// What the extension knows of where it is.
struct Place {
    /// The folder of its program: what it may read.
    bundle: PathBuf,
    /// The container of its group: what it may write.
    group: PathBuf,
    group_id: String,
}

impl Place {
    fn tell(&self, what: &str) {
        let told = self.group.join("told");
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(told).unwrap();
        writeln!(file, "{what}").unwrap();
    }

    fn tell_result<T>(&self, what: &str, result: std::io::Result<T>) {
        match result {
            Ok(_) => self.tell(&format!("{what}: done")),
            Err(error) => self.tell(&format!("{what}: {:?}", error.kind())),
        }
    }
}

fn main() {
    let program = PathBuf::from(std::env::args().next().unwrap());
    let bundle = program.parent().unwrap().to_owned();
    let group = PathBuf::from(std::env::var("HOME").unwrap());
    let group_id = group.file_name().unwrap().to_str().unwrap().to_owned();
    let place = Place { bundle, group, group_id };
    let behaviour = std::fs::read_to_string(place.bundle.join("behaviour")).unwrap_or_default();
    let behaviour = behaviour.trim().to_owned();
    if behaviour == "silent" {
        loop {
            std::thread::park();
        }
    }
    let port = inherited_port();
    let mut questions = Talk::open(&port);
    let mut answers = Talk::open(&port);
    questions.send("Extension.Serve", &json!({}), true);
    loop {
        let message = questions.receive();
        if message.get("error").is_some() {
            return;
        }
        let (kind, question) = message["parameters"].as_object().unwrap().iter().next().unwrap();
        if question.get("call").is_some() {
            place.tell(&format!("asked {kind}"));
            misbehave(&behaviour, &place, &mut questions, &port);
            answer(&behaviour, kind, question, &place, &mut answers);
            match behaviour.as_str() {
                "hold-after" => hold(&port),
                "linger" => linger(&place),
                _ => {}
            }
        } else if kind == "willTerminate" {
            place.tell("willTerminate");
        }
    }
}

/// The descriptor that the service left open. `/dev/fd` needs no unsafe code, but is not granted: a listener's library takes it.
fn inherited_port() -> UnixStream {
    headstart_sys::socket::inherited(
        std::env::var("HEADSTART_EXTENSION_PORT").unwrap().parse().unwrap(),
    )
    .unwrap()
}

/// Has exclusive control nearly always, and never for long.
fn hold_again_and_again(port: &UnixStream) {
    let mut talk = Talk::open(port);
    loop {
        talk.call("Downloads.AcquireExclusiveControl", &json!({}));
        let since = std::time::Instant::now();
        while since.elapsed() < std::time::Duration::from_millis(10) {
            std::hint::spin_loop();
        }
        talk.call("Downloads.ReleaseExclusiveControl", &json!({}));
    }
}

/// Has exclusive control, and computes.
fn hold(port: &UnixStream) {
    let mut talk = Talk::open(port);
    talk.call("Downloads.AcquireExclusiveControl", &json!({}));
    loop {
        std::hint::black_box(&talk);
    }
}

/// Stays, whatever becomes of its connections.
fn linger(place: &Place) {
    place.tell(&format!("pid {}", std::process::id()));
    loop {
        std::thread::park();
    }
}

fn misbehave(behaviour: &str, place: &Place, questions: &mut Talk, port: &UnixStream) {
    match behaviour {
        "loop" => {
            let mut n = 0_u64;
            loop {
                n = std::hint::black_box(n.wrapping_add(1));
            }
        }
        "memory" => {
            let mut held = Vec::new();
            for _ in 0..1024 {
                held.push(std::hint::black_box(vec![1_u8; 1024 * 1024]));
            }
            place.tell(&format!("memory: {} MiB", held.len()));
        }
        "threads" => {
            for _ in 0..100 {
                let thread = std::thread::Builder::new().stack_size(16 * 1024);
                place.tell_result("thread", thread.spawn(|| std::thread::sleep(FOR_EVER)));
            }
            std::thread::sleep(FOR_EVER);
        }
        "fork" => {
            for _ in 0..100 {
                place.tell_result("fork", std::process::Command::new("/bin/true").spawn());
            }
        }
        "socket" => {
            place.tell_result("tcp", std::net::TcpStream::connect("127.0.0.1:1"));
            place.tell_result("udp", std::net::UdpSocket::bind("127.0.0.1:0"));
            place.tell_result("unix", UnixStream::connect("/run/systemd/notify"));
            place.tell_result("listen", std::net::TcpListener::bind("127.0.0.1:0"));
        }
        "read-home" => {
            let home = PathBuf::from(std::env::var("HEADSTART_HOME").unwrap());
            place.tell_result("database", std::fs::read(home.join("headstart.db")));
            place.tell_result("list", std::fs::read_dir(&home));
            place.tell_result("passwd", std::fs::read("/etc/passwd"));
        }
        "write-outside" => {
            let bundle = &place.bundle;
            place.tell_result("bundle", std::fs::write(bundle.join("planted"), b"x"));
            place.tell_result("tmp", std::fs::write("/tmp/headstart-probe-planted", b"x"));
            let above = place.group.parent().unwrap().join("planted");
            place.tell_result("groups", std::fs::write(above, b"x"));
        }
        "attend" => {
            let mut listener = Talk::open(port);
            listener.send("Downloads.Attend", &json!({}), true);
            place.tell(&format!("attend: {}", listener.receive()["parameters"]["code"]));
        }
        "close" => {
            questions.stream.shutdown(std::net::Shutdown::Both).unwrap();
            port.shutdown(std::net::Shutdown::Both).unwrap();
            loop {
                std::thread::park();
            }
        }
        "garbage" => {
            let noise: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8 + 1).collect();
            let _ = questions.stream.write_all(&noise);
            let _ = questions.stream.write_all(&[0; 64]);
            loop {
                std::thread::park();
            }
        }
        "slow" => {
            let since = std::time::Instant::now();
            while since.elapsed() < std::time::Duration::from_millis(500) {
                std::hint::spin_loop();
            }
        }
        "hold" => hold_again_and_again(port),
        "crash" => std::process::abort(),
        "exit" => std::process::exit(3),
        _ => {}
    }
}

fn answer(behaviour: &str, kind: &str, question: &Value, place: &Place, answers: &mut Talk) {
    let call = &question["call"];
    match kind {
        "downloadsRequested" if behaviour == "many" => {
            for page in 0..2_000 {
                let one = |n: u64| {
                    download(place, &format!("d{page}-{n}"), "https://localhost/x", 1, false)
                };
                let page: Vec<_> = (0..500).map(one).collect();
                let given = json!({ "call": call, "downloads": page, "more": true });
                if answers.call("Extension.Return", &given).get("error").is_some() {
                    place.tell("many: refused");
                    return;
                }
            }
        }
        "downloadsRequested" => {
            let manifest = question["manifest"].as_str().unwrap();
            let wanted = named_in(&std::fs::read_to_string(manifest).unwrap(), place);
            place.tell(&format!("named {}", wanted.len()));
            let pages: Vec<_> = wanted.chunks(1_000).collect();
            for (at, page) in pages.iter().enumerate() {
                let more = at + 1 < pages.len();
                let given = json!({ "call": call, "downloads": page, "more": more });
                answers.call("Extension.Return", &given);
            }
            if pages.is_empty() {
                answers.call("Extension.Return", &json!({ "call": call }));
            }
        }
        "failed" => {
            let identifier = question["download"]["identifier"].as_str().unwrap();
            place.tell(&format!("failed {identifier} {}", question["failure"]["code"]));
            if question["download"]["essential"] == json!(true) {
                let mut again = question["download"].clone();
                again["essential"] = json!(false);
                let reply = answers.call("Downloads.Schedule", &json!({ "downloads": [again] }));
                place.tell(&format!("scheduled again: {}", reply.get("error").is_none()));
            }
            answers.call("Extension.Return", &json!({ "call": call }));
        }
        "finished" => {
            let identifier = question["download"]["identifier"].as_str().unwrap();
            let file = Path::new(question["file"].as_str().unwrap());
            let moved = std::fs::rename(file, place.group.join(identifier));
            place.tell_result(&format!("finished {identifier}"), moved);
            answers.call("Extension.Return", &json!({ "call": call }));
        }
        "shouldDownload" => {
            let ids = question["packs"].as_array().unwrap().iter().map(|pack| &pack["id"]);
            let dropped: Vec<_> = ids.filter(|id| **id == json!(behaviour)).collect();
            answers.call("Extension.Return", &json!({ "call": call, "dropped": dropped }));
        }
        _ => {
            answers.call("Extension.Return", &json!({ "call": call }));
        }
    }
}

fn download(place: &Place, identifier: &str, url: &str, size: u64, essential: bool) -> Value {
    json!({
        "identifier": identifier, "uniqueIdentifier": format!("u-{identifier}"), "kind": "url",
        "url": url, "fileSize": size, "essential": essential, "appGroup": place.group_id,
        "priority": 0,
    })
}

/// One download a line: identifier, URL, size or `?`, and `essential` or not; `pack=VERSION` for the archive of a pack.
fn named_in(manifest: &str, place: &Place) -> Vec<Value> {
    let lines = manifest.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    lines
        .map(|words| {
            let essential = words.get(3) == Some(&"essential");
            let size = words[2].parse().unwrap_or(0);
            let mut named = download(place, words[0], words[1], size, essential);
            if let Some(version) = words.iter().find_map(|word| word.strip_prefix("pack=")) {
                named["kind"] = json!("assetPack");
                named["packVersion"] = json!(version.parse::<u64>().unwrap());
            }
            if words[2] == "?" {
                named.as_object_mut().unwrap().remove("fileSize");
            }
            named
        })
        .collect()
}
