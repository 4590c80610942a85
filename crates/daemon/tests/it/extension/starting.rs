//! Extensions that have to end before they have come to listen.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Bench, stop, until};
use crate::device::Service;

/// A service whose extensions wait at a gate while they are being started.
struct Gated {
    service: Service,
    gate: PathBuf,
}

impl Gated {
    /// The service launches through the file that it was started from: in its place comes one that waits first.
    fn start(bench: &Bench) -> Self {
        let service_program = Path::new(env!("CARGO_BIN_EXE_headstartd"));
        let (program, gate) =
            (bench.folder.path().join("headstartd"), bench.folder.path().join("gate"));
        if std::fs::hard_link(service_program, &program).is_err() {
            std::fs::copy(service_program, &program).unwrap();
        }
        assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
        let service = bench.device.start_program(&program, "C", &[]);
        let waits = bench.folder.path().join("waits");
        let script = format!(
            "#!/bin/sh\nread line < {}\nexec {} \"$@\"\n",
            gate.display(),
            service_program.display()
        );
        std::fs::write(&waits, script).unwrap();
        std::fs::set_permissions(&waits, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&waits, &program).unwrap();
        Self { service, gate }
    }

    /// Waits until an extension stands at the gate.
    fn await_start(&self) -> File {
        File::options().write(true).open(&self.gate).unwrap()
    }
}

fn let_go(mut gate: File) {
    gate.write_all(b"go\n").unwrap();
}

#[test]
fn one_that_is_being_started_ends_when_background_activity_is_switched_off() {
    let bench = Bench::new("");
    let gated = Gated::start(&bench);
    std::thread::scope(|scope| {
        let installs = scope.spawn(|| bench.install());
        let gate = gated.await_start();
        let device = bench.device.connector().device_blocking().unwrap();
        device.set("background-activity", Some("off")).unwrap();
        let_go(gate);
        installs.join().unwrap();
    });
    until("its end", || bench.ends() == ["background activity is not wanted"]);
    assert_eq!(bench.told(), [""; 0], "it was asked all the same");
    stop(&bench, gated.service);
}

/// `Spec: concepts 13`: a container is gone with its app.
#[test]
fn one_that_is_being_started_leaves_nothing_of_an_app_that_is_removed() {
    let bench = Bench::new("");
    let gated = Gated::start(&bench);
    std::thread::scope(|scope| {
        let options = headstart::apps::InstallOptions { dev: true, ..Default::default() };
        let mut installs = bench.apps().install(&bench.device.bundle, options).unwrap();
        let gate = gated.await_start();
        let rest = scope.spawn(move || installs.find_map(Result::err));
        let app = headstart::AppId::new("com.example.game").unwrap();
        bench.apps().uninstall(&app, headstart::apps::Data::Remove).unwrap();
        let_go(gate);
        assert!(rest.join().unwrap().is_some(), "the installation was cancelled");
    });
    let log = stop(&bench, gated.service);
    assert!(!bench.group().exists(), "{log}");
    assert!(!log.contains("extension asked"), "{log}");
}
