use super::*;
use std::io::Read;

struct Place {
    _all: tempfile::TempDir,
    folder: Folder,
}

/// `outside/secret`, and beside it `served/` with files, links and a FIFO.
fn place() -> Place {
    let all = tempfile::tempdir().unwrap();
    let (outside, served) = (all.path().join("outside"), all.path().join("served"));
    std::fs::create_dir_all(served.join("sub")).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    std::fs::write(served.join("a.txt"), "hello").unwrap();
    std::fs::write(served.join(".hidden"), "hidden").unwrap();
    std::fs::write(served.join("sub/b"), "below").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(outside.join("secret"), served.join("absolute")).unwrap();
        symlink("../outside/secret", served.join("relative")).unwrap();
        symlink("../outside", served.join("folder")).unwrap();
        symlink("/proc/self/root/etc/passwd", served.join("magic")).unwrap();
        symlink("loop", served.join("loop")).unwrap();
        symlink("../a.txt", served.join("sub/within")).unwrap();
    }
    let folder = Folder::new(&served).unwrap();
    Place { _all: all, folder }
}

fn find(folder: &Folder, path: &str) -> Result<Resource, FindError> {
    let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
    folder.find(&segments)
}

fn is_absent(folder: &Folder, path: &str) -> bool {
    matches!(find(folder, path), Err(FindError::NotFound))
}

fn read(file: io::Result<File>) -> String {
    let mut text = String::new();
    file.unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn files_of_the_folder_and_below_are_found() {
    let place = place();
    let resource = find(&place.folder, "a.txt").unwrap();
    assert_eq!(resource.body.len(), 5);
    assert_eq!(resource.content_type, "text/plain; charset=utf-8");
    assert!(find(&place.folder, "sub/b").is_ok());
}

#[test]
fn folders_hidden_names_and_missing_ones_are_absent() {
    let place = place();
    for path in ["sub", ".hidden", "none", "a.txt/b", "", "sub/", "a.txt/"] {
        assert!(is_absent(&place.folder, path), "{path:?}");
    }
    assert!(is_absent(&place.folder, &"x".repeat(300)));
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_absent_and_links_within_are_followed() {
    let place = place();
    for path in ["absolute", "relative", "folder/secret", "magic", "loop"] {
        assert!(is_absent(&place.folder, path), "{path}");
        assert!(open_canonical(place.folder.path(), path).is_err(), "{path}");
    }
    assert_eq!(find(&place.folder, "sub/within").unwrap().body.len(), 5);
}

#[cfg(target_os = "linux")]
#[test]
fn fifo_is_absent_and_does_not_hang() {
    let place = place();
    let fifo = place.folder.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(is_absent(&place.folder, "fifo"));
    assert!(open_canonical(place.folder.path(), "fifo").is_err());
}

#[test]
fn both_ways_of_opening_find_the_same_file() {
    let place = place();
    assert_eq!(read(open_beneath(place.folder.path(), "sub/b")), "below");
    assert_eq!(read(open_canonical(place.folder.path(), "sub/b")), "below");
}

#[test]
fn folder_that_is_replaced_is_served_in_its_new_form() {
    let place = place();
    let root = place.folder.path().to_owned();
    std::fs::rename(&root, root.with_extension("old")).unwrap();
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("new"), "new").unwrap();
    assert!(find(&place.folder, "new").is_ok());
    assert!(is_absent(&place.folder, "a.txt"));
}

#[test]
fn what_is_no_folder_cannot_be_mounted() {
    let place = place();
    let file = place.folder.path().join("a.txt");
    assert!(matches!(Folder::new(&file), Err(FolderError::NotAFolder { .. })));
    let missing = place.folder.path().join("none");
    let error = Folder::new(&missing).unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
    assert!(matches!(error, FolderError::Unreadable { .. }));
}
