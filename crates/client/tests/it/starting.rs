//! Starting the service when none listens. The program that is started is a script, which reports
//! to the test through a named pipe; the test then listens in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use headstart::{Connector, ErrorKind, Start};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::service::{ServiceStatus, Status};

use crate::fake_service::{Device, FakeService, Then};

fn script(device: &Device, text: &str) -> PathBuf {
    let path = device.file("daemon");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn pipe(device: &Device, name: &str) -> PathBuf {
    let path = device.file(name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

fn connector(device: &Device, daemon: &Path) -> Connector {
    device.connector().start(Start::IfNeeded).daemon(daemon)
}

fn status() -> ServiceStatus {
    ServiceStatus { pid: 1, version: "0.1.0".to_owned(), home: "/".to_owned(), uptime_seconds: 0 }
}

#[test]
fn clients_that_find_nobody_start_one_service_and_wait_until_it_listens() {
    let device = Device::new();
    let (begun, end) = (pipe(&device, "begun"), pipe(&device, "end"));
    let started = device.file("started");
    let daemon = script(
        &device,
        &format!(
            "echo \"$HEADSTART_HOME $HEADSTART_SOCKET $HEADSTART_APP $(pwd)\" >> '{}'\n\
             echo \"$NOTIFY_SOCKET\" > '{}'\ncat '{}'",
            started.display(),
            begun.display(),
            end.display(),
        ),
    );
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|_| {
                let app = crate::samples::app();
                let service = connector(&device, &daemon).app(app).service_blocking().unwrap();
                scope.spawn(move || service.start().unwrap())
            })
            .collect();
        // Opening the pipe waits for the script.
        let notify = fs::read_to_string(&begun).unwrap();
        let _service = FakeService::start(&device, |call, peer| {
            assert!(matches!(call, Call::ServiceStatus(_)));
            peer.reply::<Status>(&status());
            Then::KeepOpen
        });
        let socket = UnixDatagram::unbound().unwrap();
        socket.send_to(b"STATUS=almost", notify.trim_end()).unwrap();
        socket.send_to(b"MAINPID=1\nREADY=1", notify.trim_end()).unwrap();
        for client in clients {
            assert_eq!(client.join().unwrap(), status());
        }
        assert!(!Path::new(notify.trim_end()).exists(), "the socket for the report is gone");
    });
    let home = device.home();
    let line = format!("{} {}  {}\n", home.display(), device.socket().display(), home.display());
    assert_eq!(fs::read_to_string(started).unwrap(), line, "one start, without our app");
    fs::write(end, "").unwrap();
}

#[test]
fn a_service_that_ends_at_once_is_told_with_its_last_words() {
    let device = Device::new();
    let daemon = script(&device, "echo starting; echo 'the database is newer' >&2; exit 3");
    let service = connector(&device, &daemon).service_blocking().unwrap();
    for _ in 0..2 {
        let error = service.start().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "serviceStartFailed"));
        let failure = error.failure();
        assert!(failure.message.contains("exit status: 3"), "{failure}");
        assert_eq!(failure.causes, ["the database is newer"]);
        assert!(failure.hint.contains("headstartd.out"), "{}", failure.hint);
    }
}

#[test]
fn a_program_that_cannot_be_run_is_named() {
    let device = Device::new();
    let daemon = device.file("missing");
    let service = connector(&device, &daemon).service_blocking().unwrap();
    let error = service.start().unwrap_err();
    assert_eq!(error.code(), "serviceStartFailed");
    assert!(error.to_string().contains(daemon.to_str().unwrap()), "{error}");
}
