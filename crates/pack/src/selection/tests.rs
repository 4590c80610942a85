use std::fs;
use std::path::{Path, PathBuf};

use headstart_model::PathError;
use headstart_model::packaging::PackagingManifest;
use tempfile::TempDir;

use super::*;

fn manifest(selectors: &str) -> PackagingManifest {
    let text = format!(
        r#"{{"assetPackID": "p", "downloadPolicy": {{"onDemand": {{}}}}, "platforms": [], "fileSelectors": [{selectors}]}}"#
    );
    PackagingManifest::parse(&text).expect(selectors)
}

/// A folder with these files, each holding its own path; a path that ends in `/` is an empty folder.
fn folder(paths: &[&str]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for path in paths {
        let place = folder.path().join(path);
        if path.ends_with('/') {
            fs::create_dir_all(&place).expect(path);
        } else {
            fs::create_dir_all(place.parent().expect("below the folder")).expect(path);
            fs::write(&place, path).expect(path);
        }
    }
    folder
}

fn run(selectors: &str, root: &Path) -> Result<Selection, SelectionError> {
    select(&manifest(selectors), root)
}

/// What is selected: files as they are called in the pack, folders with a `/`.
fn names(selectors: &str, root: &TempDir) -> Vec<String> {
    let selection = run(selectors, root.path()).expect(selectors);
    let files = selection.files.iter().map(|file| file.path.to_string());
    let folders = selection.folders.iter().map(|folder| format!("{}/", folder.path));
    let mut names: Vec<String> = files.chain(folders).collect();
    names.sort();
    names
}

#[test]
fn a_file_keeps_its_path_and_its_facts() {
    let root = folder(&["a/b.txt", "c"]);
    let selection = run(r#"{"file": "a/b.txt"}"#, root.path()).expect("one file");
    let file = SelectedFile {
        path: PackPath::new("a/b.txt").expect("a path"),
        source: root.path().join("a/b.txt"),
        size: 7,
        executable: false,
    };
    assert_eq!(selection.files, [file]);
    assert_eq!(selection.total_bytes(), 7);
    assert_eq!(names(r#"{"file": "./a//b.txt"}"#, &root), ["a/", "a/b.txt"]);
}

#[test]
fn a_folder_is_selected_with_everything_in_it() {
    let root = folder(&["d/x", "d/.hidden", "d/.DS_Store", "d/e/", "d/f/g/", "other"]);
    let expected = ["d/", "d/.DS_Store", "d/.hidden", "d/e/", "d/f/", "d/f/g/", "d/x"];
    assert_eq!(names(r#"{"directory": "d"}"#, &root), expected);
}

#[test]
fn a_dot_is_the_whole_source_root() {
    let root = folder(&["x", "d/y", "e/"]);
    assert_eq!(names(r#"{"directory": "."}"#, &root), ["d/", "d/y", "e/", "x"]);
}

#[test]
fn an_empty_source_root_is_an_empty_selection() {
    assert!(names(r#"{"directory": "."}"#, &folder(&[])).is_empty());
}

#[test]
fn a_pattern_selects_files_only() {
    let root = folder(&["a.wav", "s/b.wav", "s/t/c.wav", "s/t/d.png", "s/x.wav/"]);
    assert_eq!(names(r#"{"filePattern": "*.wav"}"#, &root), ["a.wav"]);
    assert_eq!(names(r#"{"filePattern": "s/*.wav"}"#, &root), ["s/", "s/b.wav"]);
    let all = ["a.wav", "s/", "s/b.wav", "s/t/", "s/t/c.wav"];
    assert_eq!(names(r#"{"filePattern": "**/*.wav"}"#, &root), all);
    assert_eq!(names(r#"{"filePattern": "s/t/c.wav"}"#, &root), ["s/", "s/t/", "s/t/c.wav"]);
    assert_eq!(names(r#"{"filePattern": "*/*/[a-c]*"}"#, &root), ["s/", "s/t/", "s/t/c.wav"]);
}

#[test]
fn destinations_move_files_and_contents_of_folders() {
    let root = folder(&["b/one.dat", "b/s/two.dat", "b/e/"]);
    let file = r#"{"fileSource": "b/one.dat", "fileDestination": "x/y"}"#;
    assert_eq!(names(file, &root), ["x/", "x/y"]);
    let into = r#"{"directorySource": "b", "directoryDestination": "z/w"}"#;
    let expected = ["z/", "z/w/", "z/w/e/", "z/w/one.dat", "z/w/s/", "z/w/s/two.dat"];
    assert_eq!(names(into, &root), expected);
    let top = r#"{"directorySource": "b", "directoryDestination": "."}"#;
    assert_eq!(names(top, &root), ["e/", "one.dat", "s/", "s/two.dat"]);
    let whole = r#"{"directorySource": ".", "directoryDestination": "v"}"#;
    assert_eq!(
        names(whole, &root),
        ["v/", "v/b/", "v/b/e/", "v/b/one.dat", "v/b/s/", "v/b/s/two.dat"]
    );
}

#[test]
fn exclusions_win_wherever_they_stand() {
    let root = folder(&["d/a.txt", "d/b.psd", "d/tmp/c", "d/tmp/t/e", "d/k/b.psd"]);
    let selectors = r#"{"fileExclusion": "**/*.psd"}, {"directory": "d"}, {"fileExclusion": "d/tmp"}, {"file": "d/b.psd"}"#;
    assert_eq!(names(selectors, &root), ["d/", "d/a.txt", "d/k/"]);
    let below =
        r#"{"directory": "d"}, {"fileExclusion": "d/tmp/**"}, {"fileExclusion": "d/k/b.psd"}"#;
    assert_eq!(names(below, &root), ["d/", "d/a.txt", "d/b.psd", "d/k/", "d/tmp/"]);
}

#[test]
fn exclusions_name_the_source_not_the_destination() {
    let root = folder(&["s/a", "s/b"]);
    let selectors = r#"{"directorySource": "s", "directoryDestination": "t"}, {"fileExclusion": "s/a"}, {"fileExclusion": "t/b"}"#;
    assert_eq!(names(selectors, &root), ["t/", "t/b"]);
    let selection = run(selectors, root.path()).expect("fine");
    assert_eq!(selection.unused_exclusions, ["t/b"]);
}

#[test]
fn a_selector_that_matches_nothing_is_named() {
    let root = folder(&["d/x", "e/"]);
    for selector in [
        r#"{"file": "y"}"#,
        r#"{"file": "d/x/y"}"#,
        r#"{"file": "D/x"}"#,
        r#"{"directory": "f"}"#,
        r#"{"filePattern": "e/*"}"#,
        r#"{"filePattern": "f/*"}"#,
        r#"{"filePattern": "d/x/*"}"#,
        r#"{"filePattern": "d"}"#,
        r#"{"fileSource": "y", "fileDestination": "z"}"#,
        r#"{"directorySource": "y", "directoryDestination": "z"}"#,
    ] {
        let error = run(selector, root.path()).expect_err(selector);
        assert!(matches!(error, SelectionError::NothingMatches { .. }), "{selector}: {error}");
    }
    let error = run(r#"{"filePattern": "e/*"}"#, root.path()).expect_err("nothing there");
    let shown = format!("`filePattern` `e/*` matches nothing in `{}`", root.path().display());
    assert_eq!(error.to_string(), shown);
}

#[test]
fn files_that_are_all_excluded_still_match() {
    let root = folder(&["d/x"]);
    assert!(names(r#"{"filePattern": "d/*"}, {"fileExclusion": "d"}"#, &root).is_empty());
}

#[test]
fn a_selector_of_the_other_kind_is_told_which_to_use() {
    let root = folder(&["d/x"]);
    for (selector, expected) in [
        (r#"{"file": "d"}"#, "directory"),
        (r#"{"directory": "d/x"}"#, "file"),
        (r#"{"fileSource": "d", "fileDestination": "e"}"#, "directorySource"),
        (r#"{"directorySource": "d/x", "directoryDestination": "e"}"#, "fileSource"),
    ] {
        match run(selector, root.path()).expect_err(selector) {
            SelectionError::WrongKind { instead, .. } => assert_eq!(instead, expected),
            error => panic!("{selector}: {error}"),
        }
    }
}

#[test]
fn the_same_file_twice_is_in_the_pack_once() {
    let root = folder(&["d/x"]);
    let selectors = r#"{"file": "d/x"}, {"directory": "d"}, {"filePattern": "**/x"}, {"fileSource": "d/x", "fileDestination": "d/x"}"#;
    assert_eq!(names(selectors, &root), ["d/", "d/x"]);
}

#[test]
fn two_sources_for_one_path_are_both_named() {
    let root = folder(&["a", "b", "d/x", "e/x"]);
    let files = r#"{"file": "a"}, {"fileSource": "b", "fileDestination": "a"}"#;
    match run(files, root.path()).expect_err(files) {
        SelectionError::TwoSources { path, first, second } => {
            assert_eq!(path.as_str(), "a");
            assert_eq!((first, second), (root.path().join("a"), root.path().join("b")));
        }
        error => panic!("{error}"),
    }
    let folders = r#"{"directory": "d"}, {"directorySource": "e", "directoryDestination": "d"}"#;
    assert!(matches!(run(folders, root.path()), Err(SelectionError::TwoSources { .. })));
    for both in [
        r#"{"file": "a"}, {"fileSource": "b", "fileDestination": "a/b"}"#,
        r#"{"directory": "d"}, {"fileSource": "b", "fileDestination": "d"}"#,
    ] {
        let error = run(both, root.path()).expect_err(both);
        assert!(matches!(error, SelectionError::TwoSources { .. }), "{both}: {error}");
    }
}

#[test]
fn two_folders_may_be_put_together() {
    let root = folder(&["d/x", "e/y"]);
    let selectors = r#"{"directory": "d"}, {"directorySource": "e", "directoryDestination": "d"}"#;
    assert_eq!(names(selectors, &root), ["d/", "d/x", "d/y"]);
}

#[test]
fn paths_that_differ_by_case_only_are_refused() {
    let root = folder(&["a", "b/x", "c/y"]);
    for selectors in [
        r#"{"file": "a"}, {"fileSource": "b/x", "fileDestination": "A"}"#,
        r#"{"file": "b/x"}, {"fileSource": "c/y", "fileDestination": "B/y"}"#,
    ] {
        let error = run(selectors, root.path()).expect_err(selectors);
        assert!(matches!(error, SelectionError::CaseOnly { .. }), "{selectors}: {error}");
    }
}

#[test]
fn a_source_root_that_is_no_folder_is_named() {
    let root = folder(&["a"]);
    for place in ["a", "missing"] {
        let error = run(r#"{"directory": "."}"#, &root.path().join(place)).expect_err(place);
        assert!(matches!(error, SelectionError::SourceRoot { .. }), "{place}: {error}");
    }
}

#[test]
fn selections_are_sorted_whatever_the_order_of_selectors() {
    let root = folder(&["b/2", "b/1", "a/3", "c"]);
    let one =
        run(r#"{"file": "c"}, {"directory": "b"}, {"file": "a/3"}"#, root.path()).expect("fine");
    let two = run(r#"{"directory": "."}"#, root.path()).expect("fine");
    assert_eq!(one, two);
    assert!(one.files.is_sorted_by(|a, b| a.path < b.path));
    assert!(one.folders.is_sorted_by(|a, b| a.path < b.path));
}

#[test]
fn the_source_root_is_the_given_one_or_the_manifests_or_its_folder() {
    let plain = manifest(r#"{"directory": "."}"#);
    let text = String::from_utf8(plain.to_json()).expect("JSON is text");
    let text = text.replace("\"platforms\"", "\"sourceRoot\":\"../assets\",\"platforms\"");
    let rooted = PackagingManifest::parse(&text).expect("with a source root");
    let file = Path::new("packs/level1.json");
    let path = PathBuf::from;
    assert_eq!(source_root(&plain, file, None), path("packs"));
    assert_eq!(source_root(&plain, Path::new("level1.json"), None), path("."));
    assert_eq!(source_root(&rooted, file, None), path("packs/../assets"));
    assert_eq!(source_root(&rooted, file, Some(Path::new("given"))), path("given"));
}

#[test]
fn names_that_some_platform_cannot_store_are_refused_unless_placed() {
    let root = folder(&["d/aux.txt"]);
    match run(r#"{"directory": "d"}"#, root.path()).expect_err("a device name") {
        SelectionError::Path { path, source: PathError::DeviceName { .. } } => {
            assert_eq!(path, root.path().join("d/aux.txt"));
        }
        error => panic!("{error}"),
    }
    let placed = r#"{"fileSource": "d/aux.txt", "fileDestination": "d/auxiliary.txt"}"#;
    assert_eq!(names(placed, &root), ["d/", "d/auxiliary.txt"]);
    assert_eq!(names(r#"{"directory": "d"}, {"fileExclusion": "**/aux.txt"}"#, &root), ["d/"]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_executable_bit_of_the_owner_counts() {
        let root = folder(&["tool", "text"]);
        for (name, mode) in [("tool", 0o744), ("text", 0o655)] {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(root.path().join(name), permissions).expect(name);
        }
        let selection = run(r#"{"directory": "."}"#, root.path()).expect("two files");
        let bits: Vec<(&str, bool)> =
            selection.files.iter().map(|file| (file.path.as_str(), file.executable)).collect();
        assert_eq!(bits, [("text", false), ("tool", true)]);
    }

    #[test]
    fn links_are_refused_and_never_followed() {
        let root = folder(&["real/x", "d/y"]);
        symlink("../real/x", root.path().join("d/link")).expect("a link to a file");
        symlink("real", root.path().join("folder")).expect("a link to a folder");
        symlink("nowhere", root.path().join("dangling")).expect("a link to nothing");
        for selector in [
            r#"{"directory": "d"}"#,
            r#"{"directory": "."}"#,
            r#"{"directory": "folder"}"#,
            r#"{"directorySource": "folder", "directoryDestination": "."}"#,
            r#"{"file": "d/link"}"#,
            r#"{"file": "folder/x"}"#,
            r#"{"file": "dangling"}"#,
            r#"{"filePattern": "d/*"}"#,
            r#"{"filePattern": "folder/*"}"#,
            r#"{"fileSource": "d/link", "fileDestination": "z"}"#,
        ] {
            let error = run(selector, root.path()).expect_err(selector);
            let link = matches!(error, SelectionError::NotRegular { kind: "a symbolic link", .. });
            assert!(link, "{selector}: {error}");
        }
        let excluded = r#"{"directory": "."}, {"fileExclusion": "d/link"}, {"fileExclusion": "folder"}, {"fileExclusion": "dangling"}"#;
        assert_eq!(names(excluded, &root), ["d/", "d/y", "real/", "real/x"]);
        assert!(names(r#"{"directory": "folder"}, {"fileExclusion": "folder"}"#, &root).is_empty());
        assert_eq!(names(r#"{"filePattern": "d/y"}"#, &root), ["d/", "d/y"]);
    }

    #[test]
    fn the_source_root_itself_may_be_a_link() {
        let root = folder(&["real/x"]);
        let link = root.path().join("link");
        symlink("real", &link).expect("a link");
        let selection = run(r#"{"directory": "."}"#, &link).expect("the root may be a link");
        assert_eq!(selection.files.len(), 1);
    }

    #[test]
    fn a_socket_is_refused() {
        let root = folder(&["x"]);
        let _socket = UnixListener::bind(root.path().join("socket")).expect("a socket");
        let error = run(r#"{"directory": "."}"#, root.path()).expect_err("a socket is no file");
        assert!(matches!(error, SelectionError::NotRegular { kind: "a socket", .. }), "{error}");
    }
}

/// These file systems keep names as they are given, byte by byte.
#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn names_are_brought_into_one_normal_form() {
        let root = folder(&["e\u{301}/o\u{308}.txt"]);
        for selector in
            [r#"{"directory": "é"}"#, r#"{"file": "é/ö.txt"}"#, r#"{"filePattern": "é/[ö].txt"}"#]
        {
            assert_eq!(names(selector, &root), ["é/", "é/ö.txt"]);
        }
        let selection = run(r#"{"directory": "."}"#, root.path()).expect("one file");
        let source = root.path().join("e\u{301}/o\u{308}.txt");
        assert_eq!(selection.files.first().map(|file| &file.source), Some(&source));
    }

    #[test]
    fn two_names_with_one_normal_form_are_refused() {
        let root = folder(&["é", "e\u{301}"]);
        for selector in [r#"{"file": "é"}"#, r#"{"directory": "."}"#] {
            let error = run(selector, root.path()).expect_err(selector);
            assert!(matches!(error, SelectionError::TwoSources { .. }), "{selector}: {error}");
        }
    }

    #[test]
    fn names_that_differ_by_case_on_disk_are_refused() {
        let root = folder(&["Ä", "ä"]);
        let error = run(r#"{"directory": "."}"#, root.path()).expect_err("one key");
        assert!(matches!(error, SelectionError::CaseOnly { .. }), "{error}");
    }

    #[test]
    fn a_name_that_is_not_unicode_is_refused_unless_excluded() {
        let root = folder(&["d/x"]);
        let bad = root.path().join("d").join(OsStr::from_bytes(b"bad\xff.txt"));
        fs::write(&bad, "").expect("any bytes are a name");
        for selector in [r#"{"directory": "d"}"#, r#"{"filePattern": "d/*.txt"}"#] {
            match run(selector, root.path()).expect_err(selector) {
                SelectionError::NotUnicode { path } => assert_eq!(path, bad),
                error => panic!("{selector}: {error}"),
            }
        }
        assert_eq!(names(r#"{"filePattern": "d/x"}"#, &root), ["d/", "d/x"]);
        assert_eq!(
            names(r#"{"directory": "d"}, {"fileExclusion": "d/bad*"}"#, &root),
            ["d/", "d/x"]
        );
    }

    #[test]
    fn a_name_with_a_backslash_is_refused() {
        let root = folder(&["d/a\\b"]);
        let error = run(r#"{"directory": "d"}"#, root.path()).expect_err("no platform but some");
        assert!(matches!(error, SelectionError::Path { .. }), "{error}");
    }
}
