use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::*;
use crate::mode::{Access, Mode};

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_committed_file_is_there_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings");
    write_file(&path, b"one", Mode::PRIVATE).unwrap();
    write_file(&path, b"two", Mode::PRIVATE).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(names(folder.path()), BTreeSet::from(["settings".to_owned()]));
}

#[test]
fn a_dropped_file_leaves_nothing_and_the_old_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings");
    write_file(&path, b"old", Mode::SHARED).unwrap();
    let mut file = DurableFile::create(&path, Mode::SHARED).unwrap();
    file.write_all(b"half of the new").unwrap();
    assert_eq!(names(folder.path()).len(), 2);
    drop(file);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), BTreeSet::from(["settings".to_owned()]));
}

#[test]
fn commit_new_never_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root");
    let create = || DurableFile::create(&path, Mode::SHARED).unwrap();
    let (mut first, mut second) = (create(), create());
    first.write_all(b"first").unwrap();
    second.write_all(b"second").unwrap();
    first.commit_new().unwrap();
    let error = second.commit_new().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(names(folder.path()).len(), 1);
}

#[cfg(unix)]
#[test]
fn an_output_goes_where_its_links_lead() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("far")).unwrap();
    symlink("far/second", path("first")).unwrap();
    symlink("../file", path("far/second")).unwrap();
    // Nothing is there yet, then something is.
    for content in [b"one", b"two"] {
        let place = follow_links(&path("first")).unwrap();
        write_file(&place, content, Mode::SHARED).unwrap();
        assert_eq!(fs::read(path("file")).unwrap(), content);
        assert!(fs::symlink_metadata(path("first")).unwrap().is_symlink());
    }
    assert_eq!(names(folder.path()).len(), 3, "the link, its folder and the file");
    symlink(path("file"), path("absolute")).unwrap();
    assert_eq!(follow_links(&path("absolute")).unwrap(), path("file"));
    assert_eq!(follow_links(&path("plain")).unwrap(), path("plain"));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_are_refused() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    symlink("there", path("here")).unwrap();
    symlink("here", path("there")).unwrap();
    let error = follow_links(&path("here")).unwrap_err();
    assert_eq!((error.kind(), error.path()), (std::io::ErrorKind::InvalidInput, &*path("here")));
    let device = follow_links(Path::new("/dev/null")).unwrap();
    assert!(DurableFile::create(&device, Mode::SHARED).is_err(), "others use it by that name");
}

#[test]
fn a_missing_folder_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("file");
    let error = write_file(&path, b"", Mode::SHARED).unwrap_err();
    assert!(error.is_missing());
    assert_eq!(error.path(), path);
}

#[test]
fn leftovers_are_swept_and_other_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    write_file(&path, b"x", Mode::SHARED).unwrap();
    for name in [".headstart-abc.tmp", ".headstart-def.tmp", "other.tmp", ".headstart-notes"] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    fs::create_dir(folder.path().join(".headstart-folder.tmp")).unwrap();
    assert_eq!(remove_leftovers(folder.path()).unwrap(), 2);
    let left = ["kept", "other.tmp", ".headstart-notes", ".headstart-folder.tmp"];
    assert_eq!(names(folder.path()), left.map(str::to_owned).into());
}

#[test]
fn what_a_durable_file_leaves_when_killed_counts_as_a_leftover() {
    let folder = tempfile::tempdir().unwrap();
    let file = DurableFile::create(&folder.path().join("x"), Mode::SHARED).unwrap();
    // As after a kill: the destructor never ran.
    std::mem::forget(file);
    assert_eq!(remove_leftovers(folder.path()).unwrap(), 1);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_folder_is_renamed_with_all_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("staging/v2"), folder.path().join("packs/v2"));
    create_folders(&from.join("inner"), Access::Private).unwrap();
    create_folders(to.parent().unwrap(), Access::Shared).unwrap();
    fs::write(from.join("inner/file"), "x").unwrap();
    sync_tree(&from).unwrap();
    rename_durably(&from, &to).unwrap();
    assert_eq!(fs::read(to.join("inner/file")).unwrap(), b"x");
    assert!(!from.exists());
}

#[test]
fn a_rename_does_not_replace_a_folder_that_holds_something() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("new"), folder.path().join("old"));
    for path in [&from, &to] {
        fs::create_dir(path).unwrap();
        fs::write(path.join("file"), path.as_os_str().as_encoded_bytes()).unwrap();
    }
    assert_eq!(rename_durably(&from, &to).unwrap_err().path(), from);
    assert_eq!(fs::read(to.join("file")).unwrap(), to.as_os_str().as_encoded_bytes());
}

#[test]
fn a_file_in_the_way_of_a_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = create_folders(&file.join("inner"), Access::Shared).unwrap_err();
    assert_eq!(error.path(), file);
}

#[test]
fn walking_syncs_a_tree_and_names_what_fails() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    fs::write(folder.path().join("a/b/c"), "x").unwrap();
    super::tree::sync_each(folder.path()).unwrap();
    let missing = folder.path().join("missing");
    assert_eq!(super::tree::sync_each(&missing).unwrap_err().path(), missing);
    assert_eq!(sync_tree(&missing).unwrap_err().path(), missing);
}

#[test]
fn removing_what_is_missing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    remove_tree(&folder.path().join("missing")).unwrap();
    remove_tree(&folder.path().join("missing/below")).unwrap();
}

#[cfg(unix)]
mod unix {
    use crate::mode::Executable;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn committed_permissions_are_exact() {
        let folder = tempfile::tempdir().unwrap();
        for access in [Access::Private, Access::Shared, Access::ReadOnly] {
            for executable in [Executable::Yes, Executable::No] {
                let mode = Mode { access, executable };
                let path = folder.path().join("file");
                write_file(&path, b"x", mode).unwrap();
                let bits = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                assert_eq!(bits, mode.bits());
            }
        }
    }

    #[test]
    fn removal_takes_links_and_not_what_they_name() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, outside) = (folder.path().join("tree"), folder.path().join("outside"));
        fs::create_dir_all(tree.join("inner")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "x").unwrap();
        symlink(&outside, tree.join("inner/folder-link")).unwrap();
        symlink(outside.join("file"), tree.join("file-link")).unwrap();
        symlink("nowhere", tree.join("dangling")).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"x");

        let link = folder.path().join("link");
        symlink(&outside, &link).unwrap();
        remove_tree(&link).unwrap();
        assert_eq!(names(folder.path()), BTreeSet::from(["outside".to_owned()]));
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"x");
    }

    #[test]
    fn removal_takes_trees_deeper_than_any_path_may_be() {
        use rustix::fs::{CWD, Mode as Bits, OFlags, mkdirat, openat};

        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        fs::create_dir(&tree).unwrap();
        let mut at = openat(CWD, &tree, flags, Bits::empty()).unwrap();
        for depth in 0..3000 {
            if depth % 100 == 0 {
                fs::write(format!("/dev/fd/{}/file", std::os::fd::AsRawFd::as_raw_fd(&at)), "x")
                    .unwrap();
            }
            mkdirat(&at, "folder", Bits::RWXU).unwrap();
            at = openat(&at, "folder", flags, Bits::empty()).unwrap();
        }
        drop(at);
        remove_tree(&tree).unwrap();
        assert!(names(folder.path()).is_empty());
    }

    /// Runs `test` on a thread to which permissions apply, even if the tests run as root.
    #[cfg(target_os = "linux")]
    fn with_permissions_enforced(test: impl FnOnce() + Send) {
        use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut sets = capabilities(None).unwrap();
                sets.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
                set_capabilities(None, sets).unwrap();
                test();
            });
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn removal_takes_read_only_and_unreadable_folders() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        for inner in ["read-only/deeper", "unreadable/deeper"] {
            fs::create_dir_all(tree.join(inner)).unwrap();
            write_file(&tree.join(inner).join("file"), b"x", Mode::READ_ONLY).unwrap();
        }
        for (inner, bits) in [
            ("read-only/deeper", 0o555),
            ("read-only", 0o555),
            ("unreadable/deeper", 0o000),
            ("unreadable", 0o300),
        ] {
            fs::set_permissions(tree.join(inner), fs::Permissions::from_mode(bits)).unwrap();
        }
        with_permissions_enforced(|| {
            assert!(fs::remove_dir_all(&tree).is_err(), "permissions do not apply here");
            remove_tree(&tree).unwrap();
        });
        assert!(names(folder.path()).is_empty());
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let error = write_file(&socket, b"bytes", Mode::PRIVATE).expect_err("somebody listens there");
    assert!(error.to_string().contains("socket"), "{error}");
    assert!(std::os::unix::net::UnixStream::connect(&socket).is_ok(), "it is there still");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}
