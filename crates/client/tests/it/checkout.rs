//! Packs as folders of one's own.

use std::fs;
use std::path::{Path, PathBuf};

use headstart::blocking::AssetPackManager;
use headstart::{Checkout, Error, Overwrite};

use crate::fake_service::Device;
use crate::installed::{Packs, install, pack_folder};
use crate::samples::app;

struct World {
    device: Device,
    folder: tempfile::TempDir,
    packs: AssetPackManager,
}

/// Version 1 of a pack; version 2 changes `a`, leaves `b` the same file, takes `old/c` away and brings `new/d`.
fn world() -> World {
    let device = Device::new();
    let first = [("a", "a of 1"), ("b", "same"), ("old/c", "c of 1"), ("x/y", "y of 1")];
    install(&device.home(), 1, &Packs::default().with("base", 1, &first));
    let packs = device.connector().app(app()).asset_packs_blocking().unwrap();
    World { device, folder: tempfile::tempdir().unwrap(), packs }
}

impl World {
    fn update(&self) {
        let second = [("a", "a of 2"), ("new/d", "d of 2"), ("b", "same"), ("x/y", "y of 2")];
        install(&self.device.home(), 2, &Packs::default().with("base", 2, &second));
        // As the service does: what did not change is the same file.
        let (old, new) = (self.pack(1).join("b"), self.pack(2).join("b"));
        fs::remove_file(&new).unwrap();
        fs::hard_link(old, new).unwrap();
    }

    fn pack(&self, version: u64) -> PathBuf {
        pack_folder(&self.device.home(), "base", version)
    }

    fn dest(&self) -> PathBuf {
        self.folder.path().join("mine")
    }

    fn checkout(&self, overwrite: Overwrite) -> Result<Checkout, Error> {
        self.packs.checkout("base", &self.dest(), overwrite)
    }

    #[track_caller]
    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dest().join(path)).unwrap()
    }

    #[track_caller]
    fn refused(&self, code: &str, named: &str) {
        let before = tree(&self.dest());
        let error = self.checkout(Overwrite::Refused).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(tree(&self.dest()), before, "nothing was done");
    }
}

fn tree(folder: &Path) -> Vec<(PathBuf, Option<String>)> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path.clone());
            }
            let text = fs::read_to_string(&path).ok();
            found.push((path, text));
        }
    }
    found.sort();
    found
}

#[test]
fn a_checkout_has_the_files_writable_and_leaves_the_pack_alone() {
    let world = world();
    let done = world.checkout(Overwrite::Refused).unwrap();
    assert_eq!((done.version.0, done.files, done.written, done.removed), (1, 4, 4, 0));
    assert!(done.kept.is_empty());
    assert_eq!((world.read("a"), world.read("old/c")), ("a of 1".to_owned(), "c of 1".to_owned()));
    fs::write(world.dest().join("a"), "mine").unwrap();
    assert_eq!(fs::read_to_string(world.pack(1).join("a")).unwrap(), "a of 1");
    // The same version again: what somebody changed stays, and nothing is written.
    let again = world.checkout(Overwrite::Refused).unwrap();
    assert_eq!((again.written, again.kept), (0, vec!["a".to_owned()]));
    assert_eq!(world.read("a"), "mine");
    let forced = world.checkout(Overwrite::Allowed).unwrap();
    assert_eq!((forced.written, world.read("a")), (1, "a of 1".to_owned()));
}

#[test]
fn an_update_follows_what_nobody_touched() {
    let world = world();
    world.checkout(Overwrite::Refused).unwrap();
    fs::write(world.dest().join("added"), "mine").unwrap();
    fs::write(world.dest().join("b"), "changed by hand").unwrap();
    fs::remove_file(world.dest().join("old/c")).unwrap();
    world.update();
    let done = world.checkout(Overwrite::Refused).unwrap();
    assert_eq!((done.version.0, done.files, done.written, done.removed), (2, 4, 3, 0));
    assert_eq!(done.kept, ["b"], "the pack's did not change");
    assert_eq!(world.read("a"), "a of 2");
    assert_eq!(world.read("new/d"), "d of 2");
    assert_eq!(world.read("x/y"), "y of 2");
    assert_eq!(world.read("b"), "changed by hand");
    assert_eq!(world.read("added"), "mine");
    assert!(!world.dest().join("old").exists(), "an empty folder that the pack has no more");
}

#[test]
fn what_somebody_changed_is_never_lost_unasked() {
    let world = world();
    world.checkout(Overwrite::Refused).unwrap();
    fs::write(world.dest().join("a"), "mine").unwrap();
    world.update();
    world.refused("checkoutConflict", "`a`");
    // Taken away by somebody, changed by the update: that is for somebody to say, too.
    fs::remove_file(world.dest().join("a")).unwrap();
    world.refused("checkoutConflict", "`a`");
    // In the way of a new file; changed, where the pack has it no more.
    fs::create_dir(world.dest().join("new")).unwrap();
    fs::write(world.dest().join("new/d"), "mine too").unwrap();
    fs::write(world.dest().join("old/c"), "mine as well").unwrap();
    world.refused("checkoutConflict", "`a`, `new/d`, `old/c`");
    let done = world.checkout(Overwrite::Allowed).unwrap();
    assert_eq!((world.read("a"), world.read("new/d")), ("a of 2".into(), "d of 2".into()));
    assert!(!world.dest().join("old/c").exists(), "{done:?}");
    // From here on it is as it was checked out.
    assert_eq!(world.checkout(Overwrite::Refused).unwrap().written, 0);
}

#[test]
fn folders_and_files_may_change_places() {
    let world = world();
    world.checkout(Overwrite::Refused).unwrap();
    let files = [("a/inside", "a is a folder"), ("x", "x is a file")];
    install(&world.device.home(), 3, &Packs::default().with("base", 3, &files));
    fs::write(world.dest().join("x/mine"), "mine").unwrap();
    world.refused("checkoutConflict", "`x`");
    fs::remove_file(world.dest().join("x/mine")).unwrap();
    world.checkout(Overwrite::Refused).unwrap();
    assert_eq!((world.read("a/inside"), world.read("x")), (files[0].1.into(), files[1].1.into()));
}

#[test]
fn a_link_within_the_folder_leads_nobody_out_of_it() {
    let world = world();
    world.checkout(Overwrite::Refused).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("y"), "theirs").unwrap();
    fs::remove_dir_all(world.dest().join("x")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), world.dest().join("x")).unwrap();
    world.update();
    world.refused("checkoutConflict", "`x/y`");
    world.checkout(Overwrite::Allowed).unwrap();
    assert_eq!(world.read("x/y"), "y of 2");
    assert_eq!(fs::read_to_string(elsewhere.path().join("y")).unwrap(), "theirs");
}

#[test]
fn folders_that_are_not_for_this_are_refused() {
    let world = world();
    let home = world.device.home();
    for inside in [home.join("mine"), home.clone(), world.pack(1)] {
        let error = world.packs.checkout("base", &inside, Overwrite::Allowed).unwrap_err();
        assert_eq!(error.code(), "checkoutDestination", "{}", inside.display());
    }
    fs::create_dir(world.dest()).unwrap();
    fs::write(world.dest().join("a"), "mine").unwrap();
    world.refused("checkoutDestination", "no checkout made");
    assert_eq!(world.checkout(Overwrite::Allowed).unwrap().written, 4);
    let packs = Packs::default().with("base", 1, &[("a", "a")]).with("other", 1, &[("a", "a")]);
    install(&home, 4, &packs);
    let other = world.packs.checkout("other", &world.dest(), Overwrite::Allowed).unwrap_err();
    assert!(other.to_string().contains("pack `base`"), "{other}");
    let file = world.folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    assert!(world.packs.checkout("base", &file, Overwrite::Allowed).is_err());
    let cloned = world.folder.path().join("cloned.headstart/trust");
    fs::create_dir_all(cloned).unwrap();
    let error =
        world.packs.checkout("base", &world.folder.path().join("cloned"), Overwrite::Allowed);
    assert!(error.unwrap_err().to_string().contains("headstart clone"));
    let error = world.packs.checkout("nothing", &world.dest(), Overwrite::Refused).unwrap_err();
    assert_eq!(error.code(), "assetPackNotFound");
}

#[test]
fn one_that_was_broken_off_is_gone_on_with_and_nothing_is_taken_for_somebodys() {
    let world = world();
    world.checkout(Overwrite::Refused).unwrap();
    let record = world.folder.path().join("mine.headstart/checkout.json");
    let before = fs::read(&record).unwrap();
    world.update();
    // Everything was put in place, and only the last record is missing: the one before names both.
    world.checkout(Overwrite::Refused).unwrap();
    let mut both: serde_json::Value = serde_json::from_slice(&before).unwrap();
    let after: serde_json::Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    for (path, placed) in after["files"].as_object().unwrap() {
        let placed = placed[0].clone();
        match both["files"].get_mut(path) {
            Some(known) => known.as_array_mut().unwrap().push(placed),
            None => both["files"][path] = serde_json::json!([placed]),
        }
    }
    fs::write(&record, both.to_string()).unwrap();
    let again = world.checkout(Overwrite::Refused).unwrap();
    assert_eq!((again.version.0, again.kept.len()), (2, 0));
    assert_eq!(world.read("a"), "a of 2");
}
