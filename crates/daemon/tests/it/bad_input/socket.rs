//! The socket goes, or leads somewhere else.

use std::process::Command;

use headstart::{ErrorKind, Require, Start};
use headstart_model::catalog::bundle_path;
use headstart_serve::{FaultKind, FaultPlan, FaultRule, Frequency};
use headstart_sys::dirs::Home;

use super::{Bench, assert_told};
use crate::device::Device;

#[test]
fn without_its_socket_a_service_is_said_not_to_run_and_comes_back() {
    let bench = Bench::new();
    let service = bench.installed();
    let home = Home::at(&bench.device.home).unwrap();
    let signal = |name: &str| {
        // The shell's own `kill`: the program is not on every machine.
        let kill =
            Command::new("sh").args(["-c", &format!("kill {name} {}", service.pid())]).status();
        assert!(kill.unwrap().success());
    };
    // Held, so that it does not make its socket again before it is missed.
    signal("-STOP");
    std::fs::remove_file(home.socket().path()).unwrap();
    let error = bench.device.apps().unwrap().list().unwrap_err();
    let told = (ErrorKind::Unavailable, "serviceNotRunning");
    assert_told(error.failure(), told, home.socket().path().to_str().unwrap());
    // Reading needs no service.
    bench.assert_reads("base", 1);
    signal("-CONT");

    // A program that may start the service waits until it is there again.
    let daemon = env!("CARGO_BIN_EXE_headstartd");
    let connector = bench.device.connector().start(Start::IfNeeded).daemon(daemon);
    let status = connector.service_blocking().unwrap().start().unwrap();
    assert_eq!(status.pid, service.pid(), "it is the same service");
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn a_service_that_is_killed_in_a_call_is_told_and_goes_on_afterwards() {
    let bench = Bench::new();
    let service = bench.installed();
    let bundle = Bench::url_path(&bundle_path(&bench.published("music").full.digest));
    let rule = FaultRule::new(FaultKind::Stall, Frequency::Always).on_paths(bundle);
    bench.web.faults.set_plan(FaultPlan::new(7).with(rule));
    let mut updates = bench.device.library().unwrap().status_updates_for("music").unwrap();
    let failure = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| bench.ensure("music", Require::AnyVersion).unwrap_err());
        // Once it has begun, the request is on record.
        updates.next().unwrap().unwrap();
        service.kill();
        waiting.join().unwrap()
    });
    assert_told(&failure, (ErrorKind::Unavailable, "serviceGone"), "service");
    let error = updates.find_map(Result::err).unwrap();
    assert_told(error.failure(), (ErrorKind::Unavailable, "serviceGone"), "service");
    bench.assert_reads("base", 1);

    bench.web.faults.clear();
    let service = bench.device.start(&[]);
    bench.ensure("music", Require::AnyVersion).unwrap();
    bench.assert_reads("music", 1);
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn the_service_of_another_home_is_not_talked_to() {
    let bench = Bench::new();
    let service = bench.installed();
    let home = Home::at(&bench.device.home).unwrap();
    let elsewhere = bench.folder.path().join("other-home");
    let root = bench.publisher.root();
    let bundle = bench.folder.path().join("other-bundle");
    let device = Device::of_app(crate::device::APP, &elsewhere, &bundle, ("", &root));
    let connector = device.connector().socket(home.socket().path());
    let error = connector.apps_blocking().unwrap().list().unwrap_err();
    assert_told(error.failure(), (ErrorKind::Conflict, "otherHome"), "other-home");
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn a_second_service_of_the_same_home_ends_and_says_why() {
    let bench = Bench::new();
    let service = bench.installed();
    let mut second = bench.device.start(&[]);
    assert!(!second.ready);
    let (status, log) = second.wait();
    assert!(!status.success());
    assert!(log.contains("another service"), "{log}");
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}
