//! Programs on the socket that do not keep to the protocol. The service goes on for all others.

use std::io::{BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use headstart::{AppId, Require};
use headstart_model::protocol::CALL_BYTES_MAX;
use headstart_model::protocol::introspection::GetInterfaceDescription;
use headstart_model::protocol::message::{Answer, encode_call};
use headstart_model::protocol::packs::StatusUpdates;
use headstart_model::protocol::service::{Hello, PROTOCOL_NEWEST, PROTOCOL_OLDEST, Status};
use headstart_sys::dirs::Home;
use serde_json::{Value, json};

use super::Bench;
use crate::device::APP;

/// A connection that nothing was said on.
fn connect(bench: &Bench) -> UnixStream {
    let home = Home::at(&bench.device.home).unwrap();
    UnixStream::connect(home.socket().path()).unwrap()
}

/// A connection of a program that the service has met.
fn meet(bench: &Bench) -> BufReader<UnixStream> {
    let mut stream = BufReader::new(connect(bench));
    let hello = Hello {
        oldest_protocol: PROTOCOL_OLDEST,
        newest_protocol: PROTOCOL_NEWEST,
        home: bench.device.home.to_str().unwrap().to_owned(),
        client_name: "peer".to_owned(),
        client_pid: std::process::id(),
        app: Some(AppId::new(APP).unwrap()),
        app_token: None,
        languages: Vec::new(),
    };
    stream.get_mut().write_all(&encode_call(&hello, Answer::Once).unwrap()).unwrap();
    assert_eq!(read_reply(&mut stream)["parameters"]["app"], APP);
    stream
}

/// A call as it should not be.
fn wrong_call(method: &str, parameters: Value) -> Vec<u8> {
    let call = json!({ "method": method, "parameters": parameters });
    let mut bytes = serde_json::to_vec(&call).unwrap();
    bytes.push(0);
    bytes
}

fn status() -> Vec<u8> {
    encode_call(&Status {}, Answer::Once).unwrap()
}

fn updates() -> Vec<u8> {
    encode_call(&StatusUpdates { app: None, pack: None }, Answer::Stream).unwrap()
}

/// Reads until the service hangs up.
fn read_to_end(mut stream: UnixStream) -> Vec<u8> {
    let mut received = Vec::new();
    // A connection that was reset has ended too.
    let _ = stream.read_to_end(&mut received);
    received
}

fn read_reply(stream: &mut impl std::io::BufRead) -> Value {
    let mut frame = Vec::new();
    stream.read_until(0, &mut frame).unwrap();
    assert_eq!(frame.pop(), Some(0), "the service hung up");
    serde_json::from_slice(&frame).unwrap()
}

#[test]
fn garbage_ends_the_connection_and_no_other() {
    let bench = Bench::new();
    let service = bench.installed();
    let noise = crate::publisher::noise(3, 100_000);
    let mut nested = b"[".repeat(100_000);
    nested.push(0);
    let cases: [&[u8]; 6] = [&noise, &nested, b"\0", b"{}\0", b"null\0", b"{\"method\":7}\0"];
    for garbage in cases {
        let mut stream = connect(&bench);
        // The service may hang up before it has read everything.
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(Shutdown::Write);
        read_to_end(stream);
        bench.assert_alive();
    }
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

/// A download as it has to be, but for a priority that there is not.
fn with_priority(priority: i64) -> Value {
    let download = json!({
        "identifier": "level", "uniqueIdentifier": "1", "url": "https://example.com/level",
        "fileSize": 1, "appGroup": "group.example", "priority": priority,
    });
    json!({ "downloads": [download] })
}

#[test]
fn a_connection_that_has_exclusive_control_is_not_given_it_again() {
    let bench = Bench::new();
    let service = bench.installed();
    let mut stream = meet(&bench);
    let acquire = wrong_call("io.headstart.Downloads.AcquireExclusiveControl", json!({}));
    let mut replies = Vec::new();
    for _ in 0..2 {
        stream.get_mut().write_all(&acquire).unwrap();
        replies.push(read_reply(&mut stream));
    }
    assert!(replies[0].get("error").is_none(), "{replies:?}");
    assert_eq!(replies[1]["parameters"]["code"], "downloadInvalid", "{replies:?}");
    service.stop(&bench.device);
}

#[test]
fn what_no_method_takes_is_answered_and_the_connection_goes_on() {
    let bench = Bench::new();
    let service = bench.installed();
    let mut stream = meet(&bench);
    let wrong = [
        (wrong_call("io.headstart.Nothing.Here", json!({})), "InterfaceNotFound"),
        (wrong_call("io.headstart.Packs.Nothing", json!({})), "MethodNotFound"),
        (wrong_call("io.headstart.Packs.Ensure", json!({ "packs": 7 })), "InvalidParameter"),
        (wrong_call("io.headstart.Packs.Explain", json!({ "pack": "../x" })), "InvalidParameter"),
        (wrong_call("io.headstart.Downloads.Schedule", with_priority(1_001)), "InvalidParameter"),
    ];
    for (call, error) in wrong {
        stream.get_mut().write_all(&call).unwrap();
        let reply = read_reply(&mut stream);
        assert!(reply["error"].as_str().unwrap_or_default().ends_with(error), "{reply}");
    }
    stream.get_mut().write_all(&status()).unwrap();
    assert!(read_reply(&mut stream).get("error").is_none());
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn a_message_without_end_ends_the_connection() {
    let bench = Bench::new();
    let service = bench.installed();
    let mut stream = connect(&bench);
    let piece = vec![b'a'; CALL_BYTES_MAX];
    // Twice the limit: somewhere on the way the service hangs up.
    let _ = stream.write_all(&piece).and_then(|()| stream.write_all(&piece));
    assert!(read_to_end(stream).is_empty());
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn thousands_of_calls_at_once_are_all_answered() {
    const CALLS: usize = 5_000;
    let bench = Bench::new();
    let service = bench.installed();
    let mut reader = meet(&bench);
    let mut writer = reader.get_ref().try_clone().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(&status().repeat(CALLS)).unwrap());
    for _ in 0..CALLS {
        assert_eq!(
            read_reply(&mut reader)["parameters"]["home"],
            bench.device.home.to_str().unwrap()
        );
    }
    writing.join().unwrap();
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn whoever_subscribes_and_never_reads_holds_nobody_up() {
    let bench = Bench::new();
    let service = bench.installed();
    let mut silent = meet(&bench);
    // Answers that nobody reads fill the connection, so that soon no update fits into it.
    let describe = GetInterfaceDescription { interface: "io.headstart.Packs".to_owned() };
    let describe = encode_call(&describe, Answer::Once).unwrap();
    silent.get_mut().write_all(&describe).unwrap();
    let bytes = read_reply(&mut silent).to_string().len();
    silent.get_mut().write_all(&describe.repeat(160 * 1024 / bytes)).unwrap();
    silent.get_mut().write_all(&updates()).unwrap();
    let library = bench.device.library().unwrap();
    for _ in 0..25 {
        bench.ensure("spare", Require::AnyVersion).unwrap();
        library.remove("spare").unwrap();
    }
    bench.assert_goes_on(1);
    // It does not keep the service from ending either.
    service.stop(&bench.device);
    drop(silent);
}

#[test]
fn calls_of_those_who_have_gone_take_no_place_from_others() {
    // More than the service has places for.
    const PROGRAMS: usize = 600;
    let bench = Bench::new();
    let service = bench.installed();
    for _ in 0..PROGRAMS {
        let mut stream = meet(&bench);
        // A call that never ends, and more behind it than the service takes in.
        stream.get_mut().write_all(&updates()).unwrap();
        assert_eq!(read_reply(&mut stream)["continues"], true);
        stream.get_mut().write_all(&status().repeat(100)).unwrap();
    }
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}
