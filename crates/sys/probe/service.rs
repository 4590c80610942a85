//! A service that starts a confined program and is then killed.

use std::fs::File;
use std::io::{Read as _, stdin, stdout};
use std::os::fd::AsFd as _;
use std::path::Path;

use headstart_sys::confine::{Confinement, Program, spawn, system_libraries};

/// Starts this very program confined, with this one's output, and waits for its input to end.
pub(crate) fn serve(own: &Path) {
    let mut read_execute = system_libraries();
    read_execute.push(own.to_owned());
    let program = Program {
        executable: own.to_owned(),
        arguments: vec!["ignore-all-and-wait".into()],
        folder: "/".into(),
        environment: Vec::new(),
        channel: File::open("/dev/null").expect("a channel").into(),
        output: stdout().as_fd().try_clone_to_owned().expect("a descriptor"),
    };
    let confined = spawn(own, program, &Confinement { read_execute, ..Confinement::default() })
        .expect("a confined program");
    let _ = stdin().read(&mut [0]);
    drop(confined);
}
