use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use headstart_sys::process::{
    Output, ProcessError, is_alive, replace_by, sibling_program, spawn_background,
};

use crate::child;

/// The child: its task is the file that it writes its answer to.
fn tell_how_it_runs(task: &Path) {
    let own = rustix::process::getpid();
    let leads = rustix::process::getsid(None).unwrap() == own;
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input).unwrap();
    fs::write(task, format!("leads its session: {leads}, input: {}", input.len())).unwrap();
    std::io::stderr().write_all(b"said on the error output\n").unwrap();
}

#[test]
fn a_background_process_leads_its_session_without_input() {
    if let Some(task) = child::task() {
        return tell_how_it_runs(&task);
    }
    let folder = tempfile::tempdir().unwrap();
    let (answer, log) = (folder.path().join("answer"), folder.path().join("log"));
    fs::write(&log, "earlier\n").unwrap();
    let command =
        child::command("process::a_background_process_leads_its_session_without_input", &answer);
    let mut process = spawn_background(command, &Output::AppendTo(log.clone())).unwrap();
    assert!(is_alive(process.pid()));
    assert!(process.wait().unwrap().success());
    assert!(process.ended().unwrap().is_some());
    assert!(!is_alive(process.pid()));
    assert_eq!(fs::read_to_string(&answer).unwrap(), "leads its session: true, input: 0");
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.starts_with("earlier\n") && log.contains("said on the error output"), "{log}");
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_that_were_left_inheritable_do_not_reach_a_background_process() {
    use rustix::io::{FdFlags, fcntl_setfd};
    use std::os::fd::AsRawFd as _;

    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let file = fs::File::create(folder.path().join("inheritable")).unwrap();
    fcntl_setfd(&file, FdFlags::empty()).unwrap();
    let mut command = Command::new("/bin/sh");
    let script = r#"if [ -e /proc/self/fd/"$1" ]; then echo leaked; else echo closed; fi"#;
    command.args(["-c", script, "sh", &file.as_raw_fd().to_string()]);
    let mut process = spawn_background(command, &Output::AppendTo(log.clone())).unwrap();
    assert!(process.wait().unwrap().success());
    assert_eq!(fs::read_to_string(&log).unwrap(), "closed\n");
}

#[test]
fn replaced_by_a_program_the_process_ends_as_that_does() {
    if child::task().is_some() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exit 42"]);
        panic!("{:?}", replace_by(command));
    }
    let mut command =
        child::command("process::replaced_by_a_program_the_process_ends_as_that_does", "");
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(42));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let missing = "/nowhere/headstartd";
    let spawned = spawn_background(Command::new(missing), &Output::Discard).map(drop);
    let replaced = replace_by(Command::new(missing)).map(drop);
    for result in [spawned, replaced] {
        match result {
            Err(ProcessError::Start { program, .. }) => {
                assert_eq!(program.to_str(), Some(missing));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn siblings_are_looked_for_beside_this_program() {
    let own = std::env::current_exe().unwrap();
    let name = own.file_stem().unwrap().to_str().unwrap();
    assert_eq!(sibling_program(name).unwrap(), own);
    let error = sibling_program("headstart-no-such-program").unwrap_err();
    assert!(
        matches!(&error, ProcessError::NoSibling { path } if path.parent() == own.parent()),
        "{error:?}"
    );
}

#[test]
fn numbers_that_no_process_can_have_are_not_alive() {
    assert!(is_alive(std::process::id()));
    assert!(is_alive(1), "the first process may be asked about, though not signalled");
    assert!(!is_alive(0));
    assert!(!is_alive(u32::MAX));
}
