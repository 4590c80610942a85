//! Switching what can be read, and removing what nobody reads.

use std::fs::File;

use headstart_model::namespace::Snapshot;
use headstart_model::{AppId, Digest, PackId, PackVersion};
use headstart_store::{Layout, LivePack, Namespaces, Removal};
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
    for number in [1, 2] {
        let target = layout.version(&app, &id, (PackVersion(number), &packed.content));
        install(&packed, &folder.path().join("staging"), &target);
    }
    World { layout, app, pack: id, content: packed.content, _folder: folder }
}

impl World {
    fn live(&self, version: u64) -> LivePack {
        let key = (PackVersion(version), &self.content);
        let folder = LivePack::folder_of(&self.layout, &self.app, &self.pack, key);
        LivePack { id: self.pack.clone(), version: PackVersion(version), language: None, folder }
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
