use std::fs;
use std::num::NonZeroU64;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use headstart_sys::crash;
use headstart_sys::durable::{remove_leftovers, write_file};
use headstart_sys::mode::Mode;

use crate::child;

/// Writing one file passes this many points.
const POINTS: u64 = 4;

/// The child: its task is a folder and the number of the deadly point.
fn write_and_die(task: &Path) {
    let nth = task.file_name().unwrap().to_str().unwrap().parse().unwrap();
    crash::arm(NonZeroU64::new(nth).unwrap());
    let path = task.parent().unwrap().join("file");
    write_file(&path, b"the new content", Mode::SHARED).unwrap();
    assert_eq!(crash::passed(), POINTS);
}

/// Runs a child of `test` that replaces `file` in `folder` and dies at its `nth` crash point.
fn run(test: &str, folder: &Path, nth: u64) -> ExitStatus {
    let task = folder.join(nth.to_string());
    child::command(test, task).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
}

#[test]
fn killed_at_any_step_the_file_is_the_old_or_the_new_one() {
    if let Some(task) = child::task() {
        return write_and_die(&task);
    }
    let test = "crash::killed_at_any_step_the_file_is_the_old_or_the_new_one";
    for nth in 1..=POINTS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_file(&path, b"old", Mode::SHARED).unwrap();

        let status = run(test, folder.path(), nth);
        assert_eq!(status.signal(), Some(9), "point {nth}: {status}");

        let renamed = nth >= 3;
        let expected: &[u8] = if renamed { b"the new content" } else { b"old" };
        assert_eq!(fs::read(&path).unwrap(), expected, "point {nth}");
        let leftovers = remove_leftovers(folder.path()).unwrap();
        assert_eq!(leftovers, u64::from(!renamed), "point {nth}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn armed_beyond_its_last_step_a_process_ends_well() {
    if let Some(task) = child::task() {
        return write_and_die(&task);
    }
    let test = "crash::armed_beyond_its_last_step_a_process_ends_well";
    let folder = tempfile::tempdir().unwrap();
    let status = run(test, folder.path(), POINTS + 1);
    assert!(status.success(), "{status}");
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"the new content");
}

#[test]
fn unarmed_points_are_counted_and_harmless() {
    let before = crash::passed();
    for _ in 0..1000 {
        crash::point("test.point");
    }
    assert!(crash::passed() >= before + 1000);
}
