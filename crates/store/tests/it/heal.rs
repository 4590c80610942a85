//! Damaged files of a version in place give way to undamaged ones.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use headstart_model::{Digest, PackPath};
use headstart_pack::TreeBuilder;
use headstart_store::{InstalledVersion, heal, sweep_repairs};
use headstart_sys::identity::FileStamp;
use headstart_sys::mode::{Mode, set_mode};

use crate::world::{Packed, assert_files, install, pack, sample};

struct World {
    home: tempfile::TempDir,
    packed: Packed,
}

fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let packed = pack(&sample());
    let world = World { home, packed };
    world.install("1");
    world
}

impl World {
    fn install(&self, name: &str) -> InstalledVersion {
        install(&self.packed, &self.home.path().join("staging"), &self.home.path().join(name))
    }

    fn heal(&self) -> Vec<PackPath> {
        let whole = self.install("whole");
        heal(&self.home.path().join("1"), whole).unwrap()
    }

    fn file(&self, path: &str) -> std::path::PathBuf {
        self.home.path().join("1/files").join(path)
    }
}

fn spoil(file: &Path) {
    set_mode(file, Mode::PRIVATE).unwrap();
    let mut bytes = std::fs::read(file).unwrap();
    bytes[0] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn only_what_is_damaged_is_replaced_and_nothing_is_read_again_afterwards() {
    let world = world();
    spoil(&world.file("data/big.bin"));
    std::fs::remove_file(world.file("run.sh")).unwrap();
    let untouched = std::fs::metadata(world.file("data/other.bin")).unwrap().ino();
    let damaged = world.heal();
    assert_eq!(
        damaged.iter().map(PackPath::as_str).collect::<Vec<_>>(),
        ["data/big.bin", "run.sh"]
    );
    let version = InstalledVersion::open(&world.home.path().join("1")).unwrap();
    assert_files(&version.files(), &sample());
    assert!(version.is_unchanged(), "every file has the stamp of the record");
    assert_eq!(std::fs::metadata(world.file("data/other.bin")).unwrap().ino(), untouched);
    assert!(!world.home.path().join("whole").exists());
}

#[test]
fn folders_that_vanished_or_became_something_else_are_made_again() {
    let world = world();
    std::fs::remove_dir_all(world.file("data")).unwrap();
    std::os::unix::fs::symlink("/etc", world.file("data")).unwrap();
    std::fs::remove_dir(world.file("hollow")).unwrap();
    std::fs::remove_file(world.file("empty")).unwrap();
    std::fs::create_dir_all(world.file("empty/below")).unwrap();
    assert_eq!(world.heal().len(), 4);
    assert_files(&world.home.path().join("1/files"), &sample());
    assert!(world.file("hollow").is_dir());
}

#[test]
fn a_version_with_names_that_some_platform_takes_for_one_is_read_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = TreeBuilder::new();
    let (names, bytes) = (["ΣΑΣ.txt", "σας.txt"], b"both");
    std::fs::create_dir(folder.path().join("files")).unwrap();
    let mut stamps = Vec::new();
    for name in names {
        let chunk = [(Digest::of(bytes), 4)];
        builder.file(&PackPath::new(name).unwrap(), false, chunk).unwrap();
        let file = folder.path().join("files").join(name);
        std::fs::write(&file, bytes).unwrap();
        stamps.push(FileStamp::of_path(&file).unwrap());
    }
    let complete = builder.finish();
    InstalledVersion::write_record(folder.path(), &complete, &stamps).unwrap();
    let version = InstalledVersion::open(folder.path()).unwrap();
    assert_eq!(version.complete(), &complete);
    assert!(version.verify().is_empty());
}

#[test]
fn a_lost_record_is_written_anew() {
    let world = world();
    std::fs::write(world.home.path().join("1/version.record"), b"damaged").unwrap();
    assert!(world.heal().is_empty(), "the files are good");
    assert!(InstalledVersion::open(&world.home.path().join("1")).unwrap().verify().is_empty());
}

#[test]
fn sweeping_leaves_only_what_is_kept() {
    let world = world();
    let repairs = world.home.path().join("repairs");
    std::fs::create_dir_all(repairs.join("1/staging")).unwrap();
    std::fs::create_dir_all(repairs.join("2/whole")).unwrap();
    sweep_repairs(&repairs, Some(&repairs.join("2"))).unwrap();
    assert!(!repairs.join("1").exists() && repairs.join("2/whole").exists());
    sweep_repairs(&repairs, None).unwrap();
    sweep_repairs(&repairs, None).unwrap();
    assert!(!repairs.exists());
}
