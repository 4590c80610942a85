use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use headstart_sys::confine::{ConfineError, Outcome};

use super::{PROBE, World, skipped};

#[test]
fn files_elsewhere_cannot_be_read_changed_or_listed() {
    if skipped() {
        return;
    }
    let world = World::new();
    let file = world.path("home/file");
    assert_eq!(world.says(&["read", &file]), "EACCES");
    assert_eq!(world.says(&["write", &file]), "EACCES");
    assert_eq!(world.says(&["shorten", &file]), "EACCES");
    assert_eq!(world.says(&["write", &world.path("home/new")]), "EACCES");
    assert_eq!(world.says(&["list", &world.path("home")]), "EACCES");
    assert_eq!(world.says(&["change-mode", &file]), "EPERM");
    assert_eq!(world.says(&["read", "/etc/passwd"]), "EACCES");
    assert_eq!(world.says(&["list", "/proc"]), "EACCES");
    assert_eq!(fs::read_to_string(file).unwrap(), "content");
}

#[test]
fn the_bundle_is_read_and_not_changed() {
    if skipped() {
        return;
    }
    let world = World::new();
    assert_eq!(world.says(&["read", "file"]), "ok");
    assert_eq!(world.says(&["list", "."]), "ok");
    assert_eq!(world.says(&["write", "file"]), "EACCES");
    assert_eq!(world.says(&["write", "new"]), "EACCES");
}

#[test]
fn the_group_folder_is_changed() {
    if skipped() {
        return;
    }
    let world = World::new();
    let (file, new) = (world.path("group/file"), world.path("group/new"));
    assert_eq!(world.says(&["write", &file]), "ok");
    assert_eq!(world.says(&["move", &file, &new]), "ok");
    assert_eq!(world.says(&["change-own-mode", &new]), "ok");
    assert_eq!(world.says(&["move", &new, &world.path("home/new")]), "EACCES");
    assert_eq!(fs::read_to_string(new).unwrap(), "written");
}

#[test]
fn a_link_in_the_group_folder_does_not_lead_out() {
    if skipped() {
        return;
    }
    let world = World::new();
    let link = world.path("group/link");
    std::os::unix::fs::symlink(world.path("home/file"), &link).unwrap();
    assert_eq!(world.says(&["read", &link]), "EACCES");
    assert_eq!(world.says(&["write", &link]), "EACCES");
}

#[test]
fn it_becomes_programs_of_the_system_and_no_others() {
    if skipped() {
        return;
    }
    let world = World::new();
    let outside = world.path("group/program");
    fs::copy(PROBE, &outside).unwrap();
    assert_eq!(world.says(&["run-in-place", &outside, "say", "hello"]), "EACCES");
    assert_eq!(
        world.says(&["run-in-place", "/bin/sh", "-c", "echo from the shell"]),
        "from the shell"
    );
    // As confined as before.
    let script = format!("read line < {}", world.path("home/file"));
    let (said, end) = world.attempt(&["run-in-place", "/bin/sh", "-c", &script]);
    assert!(said.contains("ermission denied"), "{said}");
    assert_ne!(end.outcome, Outcome::Exit(0));
}

#[test]
fn a_program_that_is_not_there_is_an_error_that_names_it() {
    let world = World::new();
    let missing = world.path("bundle/missing");
    match world.start(Path::new(&missing), &[]).map(|_| ()) {
        Err(ConfineError::Program { executable, source }) => {
            assert_eq!(executable, Path::new(&missing));
            assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_that_was_not_granted_is_an_error_that_names_it() {
    if skipped() {
        return;
    }
    let world = World::new();
    let outside = world.path("home/program");
    fs::copy(PROBE, &outside).unwrap();
    match world.start(Path::new(&outside), &[]).map(|_| ()) {
        Err(ConfineError::Program { executable, source }) => {
            assert_eq!(executable, Path::new(&outside));
            assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_granted_must_be_there() {
    if skipped() {
        return;
    }
    let mut world = World::new();
    let missing = world.folder.path().join("missing");
    world.confinement.read.push(missing.clone());
    match world.start(Path::new(PROBE), &[]).map(|_| ()) {
        Err(ConfineError::Grant { path, .. }) => assert_eq!(path, missing),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_path_that_depends_on_the_folder_is_refused() {
    let error = World::new().start(Path::new("bin/program"), &[]).map(|_| ()).unwrap_err();
    assert!(matches!(error, ConfineError::NotAbsolute { .. }), "{error:?}");
}

#[test]
fn a_script_runs_if_its_interpreter_is_there() {
    let mut world = World::new();
    world.confinement.read_execute.push(world.folder.path().join("bundle"));
    let shell = world.folder.path().join("bundle/shell");
    fs::write(&shell, "#!/bin/sh\necho a script of $LANG\n").unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(world.start(&shell, &[]).unwrap().finish().0, "a script of C");
    if !Path::new("/usr/bin/python3").exists() {
        return;
    }
    let python = world.folder.path().join("bundle/python");
    fs::write(&python, PYTHON).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let group = world.path("group");
    let (said, end) = world.start(&python, &[&group]).unwrap().finish();
    assert_eq!((said.as_str(), end.outcome), ("3 threads, written, no socket", Outcome::Exit(0)));
}

#[test]
fn an_event_loop_that_wakes_itself_runs_if_pairs_are_granted() {
    const LOOP: &str = "import asyncio; asyncio.run(asyncio.sleep(0)); print('slept')";
    if skipped() || !Path::new("/usr/bin/python3").exists() {
        return;
    }
    let mut world = World::new();
    let run = ["-c", LOOP];
    let python = Path::new("/usr/bin/python3");
    let (said, end) = world.start(python, &run).unwrap().finish();
    assert!(said.contains("PermissionError"), "{said}");
    assert_eq!(end.outcome, Outcome::Exit(1));
    world.confinement.socket_pairs = true;
    assert_eq!(world.start(python, &run).unwrap().finish().0, "slept");
}

const PYTHON: &str = r#"#!/usr/bin/python3
import json, os, random, shutil, socket, sys, threading
said = []
threads = [threading.Thread(target=lambda: said.append(random.random())) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
with open(os.path.join(sys.argv[1], "state.json"), "w") as file:
    json.dump(said, file)
shutil.copyfile("file", os.path.join(sys.argv[1], "copy"))
try:
    os.getxattr("/etc/passwd", "user.x")
except OSError as error:
    assert "not supported" in str(error), error
try:
    socket.socket()
    outcome = "a socket"
except PermissionError:
    outcome = "no socket"
print(f"{len(said)} threads, written, {outcome}")
"#;
