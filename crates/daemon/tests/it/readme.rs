//! What the README shows is what runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;

use crate::device::{APP, Device};
use crate::publisher::{Publisher, Web};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

#[test]
fn the_program_of_the_readme_is_the_example() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, after) = readme.split_once("```rust\n").unwrap();
    let (shown, _) = after.split_once("```\n").unwrap();
    let example = root().join("crates/client/examples/wait_for_pack.rs");
    let example = std::fs::read_to_string(example).unwrap();
    // The head is for the lints and the documentation; the program begins after it.
    let (_, program) = example.split_once("\n\n").unwrap();
    assert_eq!(shown, program);
}

/// The example, built if nobody has built it yet.
fn example() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_headstartd")).parent().unwrap();
    let program = beside.join("examples/wait_for_pack");
    if !program.exists() {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--example", "wait_for_pack"])
            .current_dir(root())
            .status()
            .unwrap();
        assert!(status.success());
    }
    program
}

#[test]
fn the_program_of_the_readme_waits_for_the_pack_and_reads_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    let source = folder.path().join("source/music-9/music");
    std::fs::create_dir_all(&source).unwrap();
    std::fs::write(source.join("theme-00.wav"), b"RIFF and some sound").unwrap();
    let archive = publisher.pack_folder("music", r#"{"onDemand":{}}"#, source.parent().unwrap());
    publisher.publish(&[archive], Timestamp::now());
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    let output = Command::new(example())
        .env("HEADSTART_HOME", &device.home)
        .env("HEADSTART_APP", APP)
        .env_remove("HEADSTART_SOCKET")
        .env_remove("XDG_RUNTIME_DIR")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.ends_with("19 bytes of sound, the first are [82, 73, 70, 70]\n"), "{said}");
    service.stop(&device);
}
