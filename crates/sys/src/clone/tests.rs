use super::*;
use crate::mode::{self, Executable, Mode, executable_of};

struct Place {
    _folder: tempfile::TempDir,
    from: std::path::PathBuf,
    to: std::path::PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, "content").unwrap();
    mode::make_read_only(&from).unwrap();
    Place { _folder: folder, from, to }
}

#[test]
fn a_clone_has_the_content_and_the_permissions() {
    let place = place();
    let program = Mode { executable: Executable::Yes, ..Mode::READ_ONLY };
    mode::set_mode(&place.from, program).unwrap();
    let how = clone_file(&place.from, &place.to, Allowed::ReflinkOrCopy).unwrap();
    assert!(matches!(how, Cloned::Reflink | Cloned::Copied { bytes: 7 }), "{how:?}");
    assert_eq!(fs::read(&place.to).unwrap(), b"content");
    let metadata = fs::metadata(&place.to).unwrap();
    assert!(metadata.permissions().readonly());
    assert_eq!(executable_of(&metadata), executable_of(&fs::metadata(&place.from).unwrap()));
}

#[test]
fn a_hard_link_is_made_only_where_it_is_allowed() {
    let Place { from, to, _folder } = place();
    let same = |to: &Path| {
        FileStamp::of_path(to).unwrap().is_same_file(&FileStamp::of_path(&from).unwrap())
    };
    clone_file(&from, &to, Allowed::ReflinkOrCopy).unwrap();
    assert!(!same(&to));
    let second = to.with_file_name("second");
    let how = clone_file(&from, &second, Allowed::ReflinkOrHardLink).unwrap();
    assert_eq!(how == Cloned::HardLink, same(&second));
    assert!(matches!(how, Cloned::Reflink | Cloned::HardLink), "{how:?}");
}

#[test]
fn without_reflinks_reflink_only_leaves_nothing() {
    let place = place();
    match clone_file(&place.from, &place.to, Allowed::ReflinkOnly) {
        Ok(how) => assert_eq!(how, Cloned::Reflink),
        Err(CloneError::NotAllowed { path, .. }) => {
            assert_eq!(path, place.from);
            assert!(!place.to.exists());
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn an_existing_target_is_refused_and_kept() {
    let place = place();
    fs::write(&place.to, "mine").unwrap();
    for allowed in [Allowed::ReflinkOnly, Allowed::ReflinkHardLinkOrCopy] {
        let error = clone_file(&place.from, &place.to, allowed).unwrap_err();
        let CloneError::File(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
    assert_eq!(fs::read(&place.to).unwrap(), b"mine");
}

#[test]
fn an_unchanged_file_is_cloned_with_the_stamps_to_record() {
    let place = place();
    for allowed in [Allowed::ReflinkOrCopy, Allowed::ReflinkHardLinkOrCopy] {
        let expected = FileStamp::of_path(&place.from).unwrap();
        let done = clone_unchanged(&place.from, &expected, &place.to, allowed).unwrap();
        assert_eq!(done.source, FileStamp::of_path(&place.from).unwrap());
        assert_eq!(done.target, FileStamp::of_path(&place.to).unwrap());
        fs::remove_file(&place.to).unwrap();
    }
}

#[test]
fn a_changed_file_is_not_cloned() {
    let place = place();
    let before = FileStamp::of_path(&place.from).unwrap();
    fs::remove_file(&place.from).unwrap();
    fs::write(&place.from, "CONTENT").unwrap();
    // Another file may come to the same number and size; its times cannot.
    let expected = FileStamp { modified_ns: before.modified_ns - 1, ..before };
    let error = clone_unchanged(&place.from, &expected, &place.to, Allowed::ReflinkOrCopy);
    assert!(matches!(error, Err(CloneError::Changed { .. })), "{error:?}");
    assert!(!place.to.exists());
}

#[test]
fn content_is_cloned_between_open_files_from_the_start() {
    use std::io::{Read as _, Seek as _};
    let place = place();
    let mut from = File::open(&place.from).unwrap();
    from.read_to_end(&mut Vec::new()).unwrap();
    let mut to = tempfile::tempfile().unwrap();
    clone_content(&from, &to).unwrap();
    let mut content = String::new();
    to.rewind().unwrap();
    to.read_to_string(&mut content).unwrap();
    assert_eq!(content, "content");
}

#[cfg(target_os = "linux")]
#[test]
fn links_folders_and_pipes_are_no_sources() {
    let place = place();
    let folder = place.from.parent().unwrap();
    let (link, pipe) = (folder.join("link"), folder.join("pipe"));
    std::os::unix::fs::symlink(&place.from, &link).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    for source in [folder, &link, &pipe, &folder.join("missing")] {
        let error = clone_file(source, &place.to, Allowed::ReflinkHardLinkOrCopy).unwrap_err();
        let CloneError::File(error) = error else { panic!("{error}") };
        assert_eq!(error.path(), source);
    }
    assert!(!place.to.exists());
}
