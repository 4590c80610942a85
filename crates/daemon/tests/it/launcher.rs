//! The service as the launcher of what it runs confined.
#![cfg(unix)]

use std::io::Read as _;
use std::path::Path;

use headstart_sys::confine::{Confinement, Program, spawn, system_libraries};

#[test]
fn the_service_launches_programs_confined_through_itself() {
    let service = Path::new(env!("CARGO_BIN_EXE_headstartd"));
    let (mut output, into) = std::io::pipe().unwrap();
    let program = Program {
        executable: "/bin/sh".into(),
        arguments: vec!["-c".into(), "echo said by the program".into()],
        folder: "/".into(),
        environment: Vec::new(),
        channel: std::fs::File::open("/dev/null").unwrap().into(),
        output: into.into(),
    };
    let confinement = Confinement { read_execute: system_libraries(), ..Confinement::default() };
    let confined = spawn(service, program, &confinement).unwrap();
    let mut said = String::new();
    output.read_to_string(&mut said).unwrap();
    assert_eq!(said, "said by the program\n");
    let _ = confined.wait();
}
