use std::fs;
use std::io::{Read as _, Write as _};

use super::*;

fn root() -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("root")).unwrap();
    let root = Root::open(&folder.path().join("root")).unwrap();
    (folder, root)
}

fn path(text: &str) -> &Path {
    Path::new(text)
}

fn put(root: &Root, at: &str, content: &str) {
    root.create_file(path(at), Mode::SHARED).unwrap().write_all(content.as_bytes()).unwrap();
}

fn get(root: &Root, at: &str) -> String {
    let mut content = String::new();
    root.open_file(path(at)).unwrap().read_to_string(&mut content).unwrap();
    content
}

#[test]
fn files_are_made_found_listed_renamed_and_removed() {
    let (_folder, root) = root();
    root.create_folders(path("a/b"), Access::Shared).unwrap();
    root.create_folders(path("a/b"), Access::Shared).unwrap();
    put(&root, "a/b/z", "z");
    put(&root, "a/b/y", "yy");
    assert_eq!(get(&root, "a/b/z"), "z");
    let facts = root.facts(path("a/b/y")).unwrap().unwrap();
    assert_eq!((facts.kind, facts.stamp.size_bytes), (Kind::File, 2));
    assert_eq!(facts.stamp, FileStamp::of_path(&root.path().join("a/b/y")).unwrap());
    root.rename(path("a/b/y"), path("a/x")).unwrap();
    root.sync_folder(path("a")).unwrap();
    root.sync_folder(path("")).unwrap();
    let names: Vec<_> = root.entries(path("a")).unwrap();
    let expected = [("b", Kind::Folder), ("x", Kind::File)];
    assert_eq!(names, expected.map(|(name, kind)| Entry { name: name.into(), kind }));
    root.remove_file(path("a/x")).unwrap();
    assert_eq!(root.facts(path("a/x")).unwrap(), None);
    root.remove_tree(path("a")).unwrap();
    root.remove_tree(path("a")).unwrap();
    root.remove_tree(path("a/b/c")).unwrap();
    assert!(root.entries(path("")).unwrap().is_empty());
}

#[test]
fn paths_that_could_lead_outside_by_their_words_are_refused() {
    let (_folder, root) = root();
    for (bad, fault) in [
        ("..", PathFault::StepsBack),
        ("a/../../b", PathFault::StepsBack),
        ("/etc/passwd", PathFault::Absolute),
        ("", PathFault::Empty),
        (".", PathFault::Empty),
    ] {
        let error = root.create_file(path(bad), Mode::SHARED).unwrap_err();
        assert!(
            matches!(&error, BeneathError::Path { fault: found, .. } if *found == fault),
            "{bad}: {error:?}"
        );
    }
    assert!(matches!(
        root.create_folders(path("../x"), Access::Shared),
        Err(BeneathError::Path { .. })
    ));
}

#[test]
fn what_exists_is_not_replaced() {
    let (_folder, root) = root();
    put(&root, "file", "mine");
    assert!(root.create_file(path("file"), Mode::SHARED).unwrap_err().is_taken());
    assert_eq!(get(&root, "file"), "mine");
    let error = root.create_folders(path("file/inner"), Access::Shared).unwrap_err();
    assert!(matches!(&error, BeneathError::NotAFolder { path } if path.ends_with("root/file")));
    let error = root.open_file(path("file/inner")).unwrap_err();
    assert!(matches!(error, BeneathError::NotAFolder { .. }));
}

#[test]
fn a_folder_is_no_file_and_nothing_is_missing() {
    let (_folder, root) = root();
    root.create_folders(path("folder"), Access::Shared).unwrap();
    let error = root.open_file(path("folder")).unwrap_err();
    assert!(matches!(error, BeneathError::NotAFile { .. }), "{error:?}");
    assert!(root.open_file(path("missing")).unwrap_err().is_missing());
    assert!(root.open_file(path("missing/inner")).unwrap_err().is_missing());
    assert!(root.open_folder(path("missing")).unwrap_err().is_missing());
}

#[test]
fn a_root_below_a_root_is_reached_by_its_own_paths() {
    let (_folder, root) = root();
    root.create_folders(path("a/b"), Access::Shared).unwrap();
    put(&root, "a/b/c", "content");
    let inner = root.open_folder(path("a/b")).unwrap();
    assert_eq!(get(&inner, "c"), "content");
    assert_eq!(inner.path(), root.path().join("a/b"));
    assert!(matches!(inner.open_file(path("../b/c")), Err(BeneathError::Path { .. })));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// A root with links to a folder and a file outside, and a folder outside with one file.
    fn trap() -> (tempfile::TempDir, Root) {
        let (folder, root) = root();
        let outside = folder.path().join("outside");
        fs::create_dir_all(outside.join("inner")).unwrap();
        fs::write(outside.join("secret"), "secret").unwrap();
        root.create_folders(path("a/real"), Access::Shared).unwrap();
        symlink(&outside, root.path().join("a/link")).unwrap();
        symlink(outside.join("secret"), root.path().join("a/secret")).unwrap();
        symlink("real", root.path().join("a/within")).unwrap();
        symlink("nowhere", root.path().join("a/dangling")).unwrap();
        (folder, root)
    }

    fn assert_link<T: std::fmt::Debug>(result: Result<T, BeneathError>, at: &str) {
        match result {
            Err(BeneathError::Link { path }) => assert!(path.ends_with(at), "{}", path.display()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn links_on_the_way_are_refused_and_named() {
        let (folder, root) = trap();
        assert_link(root.open_file(path("a/link/secret")), "a/link");
        assert_link(root.create_file(path("a/link/new"), Mode::SHARED), "a/link");
        assert_link(root.create_folders(path("a/link/inner/new"), Access::Shared), "a/link");
        assert_link(root.create_folders(path("a/link"), Access::Shared), "a/link");
        assert_link(root.open_folder(path("a/link/inner")), "a/link");
        assert_link(root.entries(path("a/link")), "a/link");
        assert_link(root.facts(path("a/link/secret")), "a/link");
        assert_link(root.remove_file(path("a/link/secret")), "a/link");
        assert_link(root.remove_tree(path("a/link/inner")), "a/link");
        assert_link(root.rename(path("a/real"), path("a/link/moved")), "a/link");
        assert_link(root.open_folder(path("a/within")), "a/within");
        assert_link(
            root.walk_by_steps(&Names::of_folder(path("a/link/inner"), path("")).unwrap()),
            "a/link",
        );
        let outside = fs::read_dir(folder.path().join("outside")).unwrap().count();
        assert_eq!(outside, 2);
    }

    #[test]
    fn links_at_the_end_are_refused_and_never_written_through() {
        let (folder, root) = trap();
        assert_link(root.open_file(path("a/secret")), "a/secret");
        assert_link(root.open_file(path("a/dangling")), "a/dangling");
        for link in ["a/secret", "a/dangling", "a/link"] {
            assert!(root.create_file(path(link), Mode::SHARED).unwrap_err().is_taken());
        }
        assert_eq!(root.facts(path("a/link")).unwrap().unwrap().kind, Kind::Symlink);
        assert!(!root.path().join("a/nowhere").exists());
        assert_eq!(fs::read(folder.path().join("outside/secret")).unwrap(), b"secret");
    }

    #[test]
    fn removing_takes_the_links_and_leaves_what_they_name() {
        let (folder, root) = trap();
        root.remove_file(path("a/secret")).unwrap();
        root.remove_tree(path("a/link")).unwrap();
        root.remove_tree(path("a")).unwrap();
        assert_eq!(fs::read(folder.path().join("outside/secret")).unwrap(), b"secret");
        assert!(folder.path().join("outside/inner").is_dir());
    }

    #[test]
    fn a_root_that_is_moved_away_is_still_the_root() {
        let (folder, root) = trap();
        let moved = folder.path().join("moved");
        fs::rename(root.path(), &moved).unwrap();
        symlink(folder.path().join("outside"), root.path()).unwrap();
        put(&root, "new", "x");
        assert!(moved.join("new").is_file());
        assert!(!folder.path().join("outside/new").exists());
    }

    #[test]
    fn both_ways_to_walk_come_to_the_same_folder() {
        let (_folder, root) = trap();
        put(&root, "a/real/file", "x");
        let names = Names::of_folder(path("a/./real"), path("")).unwrap();
        let stepped = root.walk_by_steps(&names).unwrap();
        let walked = root.walk(&names).unwrap();
        let name = OsStr::new("file");
        assert_eq!(stepped.facts(name).unwrap(), walked.facts(name).unwrap());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_neither_waited_for_nor_opened() {
        let (_folder, root) = root();
        let at = root.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &at,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        assert!(matches!(root.open_file(path("pipe")), Err(BeneathError::NotAFile { .. })));
        assert_eq!(root.facts(path("pipe")).unwrap().unwrap().kind, Kind::Other);
    }

    #[test]
    fn new_files_have_the_executable_bit_that_was_asked_for() {
        let (_folder, root) = root();
        let program = Mode { access: Access::Shared, executable: Executable::Yes };
        root.create_file(path("program"), program).unwrap();
        root.create_file(path("data"), Mode::SHARED).unwrap();
        let bits =
            |name| fs::metadata(root.path().join(name)).unwrap().permissions().mode() & 0o100;
        assert_eq!((bits("program"), bits("data")), (0o100, 0));
        let facts = |name| root.facts(path(name)).unwrap().unwrap().executable;
        assert_eq!((facts("program"), facts("data")), (Executable::Yes, Executable::No));
    }
}
