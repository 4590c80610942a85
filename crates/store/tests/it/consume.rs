//! Files that are handed over.

use std::path::PathBuf;

use headstart_model::namespace::Snapshot;
use headstart_model::{AppId, Digest, PackId, PackPath, PackVersion};
use headstart_store::{HandedOver, InstalledVersion, Layout, LivePack, Namespaces};

use crate::world::{install, pack, sample};

const FILE: &str = "data/other.bin";

struct World {
    folder: tempfile::TempDir,
    layout: Layout,
    app: AppId,
    pack: PackId,
    content: Digest,
}

/// One version of one pack, live.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let (app, id) = (AppId::new("app").unwrap(), PackId::new("level").unwrap());
    let packed = pack(&sample());
    let target = layout.version(&app, &id, (PackVersion(1), &packed.content));
    install(&packed, &folder.path().join("staging"), &target);
    let world = World { layout, app, pack: id, content: packed.content, folder };
    let key = (PackVersion(1), &world.content);
    let live = LivePack {
        id: world.pack.clone(),
        version: key.0,
        language: None,
        folder: LivePack::folder_of(&world.layout, &world.app, &world.pack, key),
    };
    world.namespaces().switch(vec![live]).unwrap();
    world
}

impl World {
    fn namespaces(&self) -> Namespaces {
        Namespaces::new(&self.layout, &self.app)
    }

    fn version(&self) -> PathBuf {
        self.layout.version(&self.app, &self.pack, (PackVersion(1), &self.content))
    }

    fn file(&self) -> PathBuf {
        self.version().join("files").join(FILE)
    }

    fn place(&self) -> PathBuf {
        self.layout.handed_over(&self.app, &self.pack, &PackPath::new(FILE).unwrap())
    }

    fn consume(&self, path: &str) -> Option<HandedOver> {
        let path = PackPath::new(path).unwrap();
        self.namespaces().consume(&self.pack, &path, &self.place()).unwrap()
    }

    fn note(&self, progress: &str) {
        let list = format!(r#"{{"{FILE}":"{progress}"}}"#);
        std::fs::write(self.version().join("consumed.json"), list).unwrap();
    }

    fn is_in_namespace(&self) -> bool {
        let generation = self.namespaces().current().unwrap().unwrap();
        let bytes = std::fs::read(self.namespaces().snapshot(generation)).unwrap();
        Snapshot::open(bytes).unwrap().lookup(FILE).unwrap().is_some()
    }

    #[track_caller]
    fn assert_handed_over(&self) {
        assert!(std::fs::read(self.place()).unwrap() == sample()[FILE]);
        assert!(!std::fs::metadata(self.place()).unwrap().permissions().readonly());
        assert!(!self.is_in_namespace() && !self.file().exists());
        assert!(InstalledVersion::open(&self.version()).unwrap().verify().is_empty());
    }
}

#[test]
fn a_file_is_moved_out_of_the_namespace_and_out_of_the_pack() {
    let world = world();
    assert_eq!(world.consume(FILE), Some(HandedOver::Moved));
    world.assert_handed_over();
    // Until it is taken the same call gives it again; afterwards it is gone.
    assert_eq!(world.consume(FILE), Some(HandedOver::Before));
    std::fs::remove_file(world.place()).unwrap();
    assert_eq!(world.consume(FILE), None);
    for other in ["data", "data/none", "hollow"] {
        assert_eq!(world.consume(other), None, "{other}");
    }
    let nobody = PackId::new("nobody").unwrap();
    let path = PackPath::new(FILE).unwrap();
    assert_eq!(world.namespaces().consume(&nobody, &path, &world.place()).unwrap(), None);
}

#[test]
fn while_an_older_generation_is_held_the_file_stays_where_it_was() {
    let world = world();
    let lease = world.namespaces().lease().unwrap().unwrap();
    assert_eq!(world.consume(FILE), Some(HandedOver::Cloned));
    assert!(world.file().exists() && !world.is_in_namespace());
    std::fs::remove_file(world.place()).unwrap();
    assert_eq!(world.consume(FILE), None, "it was handed over, though it lies there");
    world.namespaces().sweep_consumed().unwrap();
    assert!(world.file().exists());
    drop(lease);
    world.namespaces().sweep_consumed().unwrap();
    assert!(!world.file().exists());
}

#[test]
fn a_file_that_another_version_shares_is_not_given_away_with_it() {
    let world = world();
    let other = world.folder.path().join("other");
    std::fs::hard_link(world.file(), &other).unwrap();
    assert_eq!(world.consume(FILE), Some(HandedOver::Cloned));
    world.assert_handed_over();
    std::fs::write(world.place(), b"changed").unwrap();
    assert!(std::fs::read(other).unwrap() == sample()[FILE]);
}

#[test]
fn a_kill_at_any_step_loses_no_file() {
    // Noted, and nothing else.
    let world1 = world();
    world1.note("begun");
    assert!(world1.is_in_namespace());
    assert_eq!(world1.consume(FILE), Some(HandedOver::Moved));
    world1.assert_handed_over();
    // Handed over, and not noted.
    let world2 = world();
    assert_eq!(world2.consume(FILE), Some(HandedOver::Moved));
    world2.note("begun");
    assert_eq!(world2.consume(FILE), Some(HandedOver::Before));
    world2.assert_handed_over();
}

#[test]
fn a_damaged_list_is_none_and_the_file_is_missed() {
    let world = world();
    world.consume(FILE);
    std::fs::write(world.version().join("consumed.json"), b"{").unwrap();
    let damaged = InstalledVersion::open(&world.version()).unwrap().verify();
    assert_eq!(damaged.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), [FILE]);
}
