//! Folders of which several packs have a part, given as one place.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use headstart::Language;
use headstart::blocking::AssetPackManager;
use headstart_sys::lock::{FileLock, Sharing};

use crate::fake_service::Device;
use crate::installed::{Packs, install, pack_folder};
use crate::samples::app;

fn manager(device: &Device) -> AssetPackManager {
    device.connector().app(app()).asset_packs_blocking().unwrap()
}

fn shelf(device: &Device) -> PathBuf {
    device.home().join("apps").join(app().as_str()).join("merged")
}

/// Every file below a folder, with its text; links are followed.
fn tree(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn sample(device: &Device) -> AssetPackManager {
    let base = [("maps/island/a", "a"), ("maps/island/b", "b of base"), ("maps/only/deep/x", "x")];
    let level = [("maps/island/b", "b of level"), ("maps/island/c", "c"), ("maps/cave", "cave")];
    let packs = Packs::default()
        .with("base", 1, &base)
        .with("level", 1, &level)
        .with("odd", 1, &[("maps/cave/inside", "hidden"), ("maps/only/deep", "hidden too")])
        .with_language("voices-de", 1, Some("de"), &[("voices/hello", "hallo")])
        .with_language("voices-de-more", 1, Some("de"), &[("voices/bye", "tschuess")])
        .with_language("voices-ja", 1, Some("ja"), &[("voices/hello", "konnichiwa")]);
    install(&device.home(), 1, &packs);
    manager(device)
}

#[test]
fn a_folder_of_several_packs_is_one_place_with_the_files_of_all() {
    let device = Device::new();
    let packs = sample(&device);
    let maps = packs.path("maps").unwrap();
    assert!(maps.ends_with("maps"), "{}", maps.display());
    let files = [
        ("cave", "cave"),
        ("island/a", "a"),
        ("island/b", "b of base"),
        ("island/c", "c"),
        ("only/deep/x", "x"),
    ];
    assert_eq!(tree(&maps), pairs(&files));
    assert_eq!(
        tree(&packs.path("maps/island").unwrap()),
        pairs(
            &files[1..4]
                .iter()
                .map(|(name, text)| (name.strip_prefix("island/").unwrap(), *text))
                .collect::<Vec<_>>()
        )
    );
    assert_eq!(packs.path("maps").unwrap(), maps, "it is made once");
    // A folder that one pack alone has is given as it is.
    assert_eq!(
        packs.path("maps/only/deep").unwrap(),
        pack_folder(&device.home(), "base", 1).join("maps/only/deep")
    );
    assert_eq!(
        packs.path_in("level", "maps").unwrap(),
        pack_folder(&device.home(), "level", 1).join("maps")
    );
}

#[test]
fn a_folder_for_a_language_has_the_files_of_that_language_only() {
    let device = Device::new();
    let packs = sample(&device);
    let (de, ja) = (Language::new("de").unwrap(), Language::new("ja").unwrap());
    let german = packs.path_for(&de, "voices").unwrap();
    assert_eq!(tree(&german), pairs(&[("bye", "tschuess"), ("hello", "hallo")]));
    let japanese = packs.path_for(&ja, "voices").unwrap();
    assert_eq!(tree(&japanese), pairs(&[("hello", "konnichiwa")]));
    let all = packs.path("voices").unwrap();
    assert_eq!(tree(&all), pairs(&[("bye", "tschuess"), ("hello", "hallo")]));
    assert_ne!(all, german, "each is a place of its own");
}

#[test]
fn a_merged_folder_stays_as_it_was_until_it_is_released_and_goes_then() {
    let device = Device::new();
    let packs = sample(&device);
    let maps = packs.path("maps").unwrap();
    install(&device.home(), 2, &Packs::default().with("base", 2, &[("maps/new", "new")]));
    assert_eq!(tree(&packs.path("maps").unwrap()), pairs(&[("new", "new")]));
    assert_eq!(tree(&maps).len(), 5, "who was given the old one reads the old files");
    packs.release_paths();
    assert_eq!(fs::read_dir(shelf(&device)).unwrap().count(), 0);
    assert_eq!(
        fs::read(pack_folder(&device.home(), "base", 1).join("maps/island/a")).unwrap(),
        b"a"
    );
}

#[test]
fn what_a_killed_process_left_is_removed_by_the_next_and_what_lives_is_not() {
    let device = Device::new();
    let packs = sample(&device);
    let shelf = shelf(&device);
    fs::create_dir_all(shelf.join("1/0/maps")).unwrap();
    symlink(
        pack_folder(&device.home(), "base", 1).join("maps/island"),
        shelf.join("1/0/maps/link"),
    )
    .unwrap();
    fs::write(shelf.join("1.lock"), "").unwrap();
    fs::create_dir_all(shelf.join("2/0/maps")).unwrap();
    let alive = FileLock::acquire(&shelf.join("2.lock"), Sharing::Exclusive).unwrap();
    // A name that would lead out of the folder.
    fs::write(shelf.join("...lock"), "").unwrap();
    packs.path("maps").unwrap();
    assert!(!shelf.join("1").exists() && !shelf.join("1.lock").exists());
    assert!(shelf.join("2/0/maps").is_dir());
    assert!(
        pack_folder(&device.home(), "base", 1).join("maps/island/a").is_file(),
        "links are not followed"
    );
    assert!(device.home().join("apps").is_dir());
    drop(alive);
}

#[test]
fn two_managers_of_one_process_have_folders_of_their_own() {
    let device = Device::new();
    let (one, two) = (sample(&device), manager(&device));
    let (first, second) = (one.path("maps").unwrap(), two.path("maps").unwrap());
    assert_ne!(first, second);
    drop(one);
    assert!(!first.exists());
    assert_eq!(tree(&second).len(), 5);
}

#[test]
fn a_place_that_cannot_be_made_is_an_error_with_a_way_out() {
    let device = Device::new();
    let packs = sample(&device);
    fs::write(shelf(&device), "in the way").unwrap();
    let error = packs.path("maps").unwrap_err();
    assert_eq!(error.code(), "mergedFolderFailed");
    assert!(error.hint().unwrap().contains("name the pack"));
    assert!(packs.path_in("base", "maps").unwrap().is_dir());
    fs::remove_file(shelf(&device)).unwrap();
    assert_eq!(tree(&packs.path("maps").unwrap()).len(), 5);
}

#[test]
fn files_that_hide_each_other_are_told_and_languages_do_not() {
    let device = Device::new();
    let packs = sample(&device);
    let found = packs.namespace().unwrap().collisions().unwrap();
    let found: Vec<_> =
        found.iter().map(|c| (c.path.as_str(), c.read.as_str(), c.hidden.join(","))).collect();
    let expected = [
        ("maps/cave", "level", "odd".to_owned()),
        ("maps/island/b", "base", "level".to_owned()),
        ("maps/only/deep", "base", "odd".to_owned()),
    ];
    assert_eq!(found, expected);
}
