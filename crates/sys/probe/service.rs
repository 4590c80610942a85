//! What a service does: it starts confined programs.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, stdin, stdout};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use headstart_sys::confine::{Confinement, Program, spawn, system_libraries};

/// Starts this very program confined, with this one's output, and waits for its input to end.
pub(crate) fn serve(own: &Path) {
    let nothing = File::open("/dev/null").expect("a channel").into();
    let confined = spawn(own, program(own, &["ignore-all-and-wait"], nothing), &confinement(own))
        .expect("a confined program");
    let _ = stdin().read(&mut [0]);
    drop(confined);
}

/// Starts this very program confined through `launcher`, again and again, and says how long it took
/// until its `main` ran, beside how long it takes unconfined.
pub(crate) fn measure(own: &Path, launcher: &Path, times: usize) {
    let confinement = confinement(own);
    let mut confined: Vec<Duration> = (0..times)
        .map(|_| {
            let (mut channel, theirs) = UnixStream::pair().expect("a channel");
            let program = program(own, &["hold", "0"], theirs.into());
            let started = Instant::now();
            let running = spawn(launcher, program, &confinement).expect("a confined program");
            channel.read_exact(&mut [0]).expect("a word");
            let took = started.elapsed();
            drop((channel, running));
            took
        })
        .collect();
    let mut plain: Vec<Duration> = (0..times)
        .map(|_| {
            let started = Instant::now();
            let mut child = std::process::Command::new(own)
                .args(["say", "x"])
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("a program");
            child.stdout.take().expect("its output").read_exact(&mut [0]).expect("a word");
            let took = started.elapsed();
            child.wait().expect("an end");
            took
        })
        .collect();
    for (name, took) in [("confined", &mut confined), ("plain", &mut plain)] {
        took.sort_unstable();
        println!(
            "{name}: median {:?}, 95th of a hundred {:?}",
            took[times / 2],
            took[times * 95 / 100]
        );
    }
}

fn confinement(own: &Path) -> Confinement {
    let mut read_execute = system_libraries();
    read_execute.push(own.to_owned());
    Confinement { read_execute, ..Confinement::default() }
}

fn program(own: &Path, arguments: &[&str], channel: OwnedFd) -> Program {
    Program {
        executable: own.to_owned(),
        arguments: arguments.iter().map(OsString::from).collect(),
        folder: "/".into(),
        environment: Vec::new(),
        channel,
        output: stdout().as_fd().try_clone_to_owned().expect("a descriptor"),
    }
}
