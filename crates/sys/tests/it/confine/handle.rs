use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;

use headstart_sys::confine::{ConfineError, Confinement, Outcome, Program, spawn};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::{PROBE, Running, World};

/// Waits for a change of state without taking it from who reaps.
fn wait_until(running: &Running, change: WaitIdOptions) {
    let pid = Pid::from_raw(running.confined.pid().cast_signed()).unwrap();
    waitid(WaitId::Pid(pid), change | WaitIdOptions::NOWAIT).unwrap().unwrap();
}

/// The letter that the kernel has for the state of the process.
fn state(running: &Running) -> char {
    let stat = fs::read_to_string(format!("/proc/{}/stat", running.confined.pid())).unwrap();
    stat.rsplit(") ").next().unwrap().chars().next().unwrap()
}

#[test]
fn suspended_it_stands_still_until_it_is_resumed() {
    let mut running = World::new().probe(&["wait"]);
    assert_eq!(running.wait_for_line(), "waiting");
    running.confined.suspend();
    wait_until(&running, WaitIdOptions::STOPPED);
    assert_eq!(state(&running), 'T');
    running.confined.resume();
    wait_until(&running, WaitIdOptions::CONTINUED);
    assert_ne!(state(&running), 'T');
}

#[test]
fn asked_to_end_it_ends_even_if_suspended() {
    let mut running = World::new().probe(&["wait"]);
    assert_eq!(running.wait_for_line(), "waiting");
    running.confined.suspend();
    wait_until(&running, WaitIdOptions::STOPPED);
    running.confined.terminate();
    assert_eq!(running.confined.wait().outcome, Outcome::Signal(libc::SIGTERM));
}

#[test]
fn many_may_wait_for_the_same_end() {
    let mut running = World::new().probe(&["ignore-all-and-wait"]);
    assert_eq!(running.wait_for_line(), "waiting");
    assert_eq!(running.confined.wait_for(std::time::Duration::ZERO), None);
    let confined = &running.confined;
    let ends = std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| confined.wait())).collect();
        confined.terminate();
        confined.kill();
        waiting.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(ends.iter().all(|end| end.outcome == Outcome::Signal(libc::SIGKILL)), "{ends:?}");
    assert_eq!(confined.end(), Some(ends[0]));
}

#[test]
fn dropped_it_is_killed() {
    use std::io::Read as _;
    let mut running = World::new().probe(&["ignore-all-and-wait"]);
    assert_eq!(running.wait_for_line(), "waiting");
    drop(running.confined);
    // The pipe ends when nobody has it any more.
    assert_eq!(running.output.read(&mut [0]).unwrap(), 0);
}

#[test]
fn for_a_debugger_it_stops_before_it_begins() {
    let mut world = World::new();
    world.confinement.wait_for_debugger = true;
    let running = world.probe(&["say", "hello"]);
    wait_until(&running, WaitIdOptions::STOPPED);
    assert_eq!(state(&running), 'T');
    running.confined.resume();
    assert_eq!(running.finish().0, "hello");
}

fn program() -> Program {
    let nothing = || OwnedFd::from(fs::File::open("/dev/null").unwrap());
    Program {
        executable: PROBE.into(),
        arguments: Vec::new(),
        folder: "/".into(),
        environment: Vec::new(),
        channel: nothing(),
        output: nothing(),
    }
}

#[test]
fn a_launcher_that_is_not_there_or_is_none_is_named() {
    let missing = Path::new("/nowhere/launcher");
    let error = spawn(missing, program(), &Confinement::default()).unwrap_err();
    assert!(matches!(&error, ConfineError::Launcher { launcher, .. } if launcher == missing));
    let none = Path::new("/bin/true");
    let error = spawn(none, program(), &Confinement::default()).unwrap_err();
    assert!(matches!(&error, ConfineError::NoAnswer { launcher, .. } if launcher == none));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = Path::new("/nowhere/bundle");
    let program = Program { folder: folder.into(), ..program() };
    let error = spawn(Path::new(PROBE), program, &Confinement::default()).unwrap_err();
    assert!(matches!(&error, ConfineError::Folder { folder: named, .. } if named == folder));
}

#[test]
fn arguments_without_end_are_refused() {
    let arguments = vec!["x".repeat(4 << 20).into()];
    let program = Program { arguments, ..program() };
    let error = spawn(Path::new(PROBE), program, &Confinement::default()).unwrap_err();
    assert!(matches!(error, ConfineError::TooLong { .. }), "{error:?}");
}

#[test]
fn a_launcher_without_a_plan_ends() {
    use headstart_sys::confine::{LAUNCH_ARGUMENT, NOT_STARTED};
    let status =
        Command::new(PROBE).arg(LAUNCH_ARGUMENT).stdin(std::process::Stdio::null()).status();
    assert_eq!(status.unwrap().code(), Some(NOT_STARTED.into()));
}
