//! Switching what can be read, and removing what nobody reads.

use std::fs::File;

use headstart_model::namespace::Snapshot;
use headstart_model::{AppId, Digest, PackId, PackPath, PackVersion};
use headstart_store::{InstalledVersion, Layout, LivePack, Namespaces, Removal};
use headstart_sys::identity::FileStamp;
use headstart_sys::lock::{FileLock, Sharing};

use crate::world::{install, pack, sample};

struct World {
    _folder: tempfile::TempDir,
    layout: Layout,
    app: AppId,
    pack: PackId,
    content: Digest,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let (app, id) = (AppId::new("app").unwrap(), PackId::new("level").unwrap());
    let packed = pack(&sample());
    for (pack, numbers) in [(&id, 1..=2), (&PackId::new("other").unwrap(), 1..=1)] {
        for number in numbers {
            let target = layout.version(&app, pack, (PackVersion(number), &packed.content));
            install(&packed, &folder.path().join("staging"), &target);
        }
    }
    World { layout, app, pack: id, content: packed.content, _folder: folder }
}

impl World {
    fn live(&self, version: u64) -> LivePack {
        self.live_pack(&self.pack, version)
    }

    fn other(&self) -> LivePack {
        self.live_pack(&PackId::new("other").unwrap(), 1)
    }

    fn live_pack(&self, pack: &PackId, version: u64) -> LivePack {
        let key = (PackVersion(version), &self.content);
        let folder = LivePack::folder_of(&self.layout, &self.app, pack, key);
        LivePack { id: pack.clone(), version: PackVersion(version), language: None, folder }
    }

    fn damage_record(&self, pack: &LivePack) {
        let record = self.layout.home().join(&pack.folder).join("version.record");
        std::fs::write(record, b"damaged").unwrap();
    }

    fn entry_count(&self, generation: u64) -> u32 {
        let bytes = std::fs::read(self.namespaces().snapshot(generation)).unwrap();
        Snapshot::open(bytes).unwrap().entry_count()
    }

    fn namespaces(&self) -> Namespaces {
        Namespaces::new(&self.layout, &self.app)
    }

    fn remove(&self, version: u64) -> Removal {
        self.namespaces().remove_version(&self.pack, (PackVersion(version), &self.content)).unwrap()
    }
}

#[test]
fn a_switch_makes_exactly_the_named_packs_readable() {
    let world = world();
    let namespaces = world.namespaces();
    assert_eq!(namespaces.current().unwrap(), None);
    assert_eq!(namespaces.switch(vec![world.live(1)]).unwrap(), 1);
    assert_eq!(namespaces.switch(vec![world.live(1)]).unwrap(), 1, "nothing changed");
    assert_eq!(namespaces.switch(vec![world.live(2)]).unwrap(), 2);
    assert_eq!(namespaces.live().unwrap(), [world.live(2)]);
    let snapshot = Snapshot::open(std::fs::read(namespaces.snapshot(2)).unwrap()).unwrap();
    let entry = snapshot.lookup("data/big.bin").unwrap().unwrap();
    let file = world.layout.home().join(entry.pack.root).join(entry.path);
    assert_eq!(std::fs::metadata(file).unwrap().len(), 4_000_000);
    assert!(!namespaces.snapshot(1).exists(), "nobody held the first generation");
}

#[test]
fn a_version_that_somebody_reads_stays_until_they_let_go() {
    let world = world();
    let namespaces = world.namespaces();
    namespaces.switch(vec![world.live(1)]).unwrap();
    let path = namespaces.snapshot(1);
    let lease = FileLock::on_file(File::open(&path).unwrap(), &path, Sharing::Shared).unwrap();
    namespaces.switch(vec![world.live(2)]).unwrap();
    assert_eq!(world.remove(1), Removal::InUse);
    drop(lease);
    assert_eq!(world.remove(1), Removal::Removed);
    assert!(
        !world.layout.version(&world.app, &world.pack, (PackVersion(1), &world.content)).exists()
    );
    assert!(!path.exists());
    assert_eq!(world.remove(1), Removal::Removed, "removing again does no harm");
}

#[test]
fn the_live_version_is_never_removed() {
    let world = world();
    world.namespaces().switch(vec![world.live(2)]).unwrap();
    assert_eq!(world.remove(2), Removal::InUse);
}

#[test]
fn the_damaged_record_of_a_pack_that_stays_does_not_hinder_the_others() {
    let world = world();
    let namespaces = world.namespaces();
    namespaces.switch(vec![world.other(), world.live(1)]).unwrap();
    let entries = world.entry_count(1);
    world.damage_record(&world.other());
    assert_eq!(namespaces.switch(vec![world.other(), world.live(2)]).unwrap(), 2);
    assert_eq!(world.entry_count(2), entries, "nothing of the other pack is missing");
    assert_eq!(namespaces.live().unwrap(), [world.live(2), world.other()]);
}

#[test]
fn the_damaged_record_of_a_pack_that_comes_stops_the_switch() {
    let world = world();
    let namespaces = world.namespaces();
    namespaces.switch(vec![world.live(1)]).unwrap();
    world.damage_record(&world.live(2));
    assert!(namespaces.switch(vec![world.live(2)]).is_err());
    assert_eq!(namespaces.live().unwrap(), [world.live(1)]);
}

#[test]
fn a_damaged_snapshot_is_made_anew_from_the_records() {
    let world = world();
    let namespaces = world.namespaces();
    namespaces.switch(vec![world.live(1)]).unwrap();
    let entries = world.entry_count(1);
    let path = namespaces.snapshot(1);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(namespaces.switch(vec![world.live(1)]).unwrap(), 2);
    let snapshot = Snapshot::open(std::fs::read(namespaces.snapshot(2)).unwrap()).unwrap();
    snapshot.verify().unwrap();
    assert_eq!(snapshot.entry_count(), entries);
}

#[test]
fn a_switch_that_happened_does_not_fail_for_what_is_left_lying() {
    let world = world();
    let namespaces = world.namespaces();
    namespaces.switch(vec![world.live(1)]).unwrap();
    // An old generation that cannot be removed as a file.
    std::fs::create_dir(namespaces.snapshot(0)).unwrap();
    assert!(namespaces.sweep().is_err(), "it stands in the way of sweeping");
    assert_eq!(namespaces.switch(vec![world.live(2)]).unwrap(), 2);
    assert_eq!(namespaces.live().unwrap(), [world.live(2)]);
}

#[test]
fn half_a_removed_version_is_never_taken_for_one_and_goes_the_next_time() {
    let world = world();
    world.namespaces().switch(vec![world.live(2)]).unwrap();
    let first = world.layout.home().join(world.live(1).folder);
    let gone = first.with_file_name(".gone-left");
    std::fs::create_dir_all(gone.join("files")).unwrap();
    assert_eq!(world.remove(1), Removal::Removed);
    let pack = first.parent().unwrap();
    let left: Vec<_> = std::fs::read_dir(pack).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [world.layout.home().join(world.live(2).folder)]);
}

#[test]
fn versions_that_nobody_names_go_and_the_live_one_needs_no_reading_afterwards() {
    let world = world();
    let namespaces = world.namespaces();
    let path = namespaces.snapshot(1);
    namespaces.switch(vec![world.live(1)]).unwrap();
    let lease = FileLock::on_file(File::open(&path).unwrap(), &path, Sharing::Shared).unwrap();
    namespaces.switch(vec![world.live(2)]).unwrap();
    let folder = |version| world.layout.home().join(world.live(version).folder);
    // A file that the two share, as updates make it.
    let [old, new] = [1, 2].map(|version| folder(version).join("files/data/big.bin"));
    std::fs::remove_file(&old).unwrap();
    std::fs::hard_link(&new, &old).unwrap();
    let live = InstalledVersion::open(&folder(2)).unwrap();
    let files = live.complete().tree().files();
    let stamp = |path: &PackPath| FileStamp::of_path(&live.files().join(path.as_str())).unwrap();
    let stamps: Vec<_> = files.map(|(_, path, _)| stamp(path)).collect();
    InstalledVersion::write_record(&folder(2), live.complete(), &stamps).unwrap();
    namespaces.remove_unnamed_versions(&world.pack).unwrap();
    assert!(folder(1).exists(), "somebody still reads it");
    drop(lease);
    namespaces.remove_unnamed_versions(&world.pack).unwrap();
    assert!(!folder(1).exists() && folder(2).exists());
    assert!(InstalledVersion::open(&folder(2)).unwrap().is_unchanged());
}
