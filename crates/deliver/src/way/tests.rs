use headstart_model::catalog::{BundleRef, IndexRef};
use headstart_model::{DownloadPolicy, PackId, PackPath, PackVersion};
use headstart_pack::{BlockTable, TreeBuilder};
use headstart_store::Finish;
use headstart_sys::mode::Access;
use headstart_transfer::{Client, ClientConfig, Tracking};

use super::*;
use crate::access::Location;

struct World {
    folder: tempfile::TempDir,
    access: RepositoryAccess,
    pack: CatalogPack,
    index: Vec<u8>,
}

impl World {
    /// A pack of one file in three chunks; its index is published when [`publish`](Self::publish) is called.
    fn new() -> Self {
        let mut builder = TreeBuilder::new();
        let names = (0..3_u8).map(|n| (Digest::of(&[n]), 8192));
        builder.file(&PackPath::new("f").expect("fine"), false, names).expect("small");
        let complete = builder.finish();
        let structure = section::encode_full(complete.tree(), &BlockTable::default());
        let structure = structure.expect("small");
        let names = section::encode_names(&complete);
        let size = |bytes: &[u8]| u64::try_from(bytes.len()).expect("small");
        let pack = CatalogPack {
            id: PackId::new("p").expect("a good id"),
            version: PackVersion(1),
            download_policy: DownloadPolicy::on_demand(),
            platforms: Vec::new(),
            language: None,
            user_info: None,
            download_size: 10,
            installed_size: 3 * 8192,
            file_count: 1,
            content: complete.content(),
            index: IndexRef {
                digest: Digest::of(&structure),
                structure_bytes: size(&structure),
                names_bytes: size(&names),
            },
            full: BundleRef { digest: Digest::of(b"bundle"), bytes: 6 },
            deltas: Vec::new(),
            former: None,
            app_versions: None,
            fallbacks: Vec::new(),
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let client = Client::new(ClientConfig::default(), 0).expect("a client");
        let location = Location::Folder(folder.path().join("repository"));
        let access = RepositoryAccess::new(location, client, Tracking::new("test"));
        Self { access, pack, index: [structure, names].concat(), folder }
    }

    fn index_path(&self) -> PathBuf {
        self.folder.path().join("repository").join(self.pack.index_path())
    }

    fn publish(&self) {
        let path = self.index_path();
        std::fs::create_dir_all(path.parent().expect("below the root")).expect("room");
        std::fs::write(path, &self.index).expect("room");
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn goal(&self, held: &[HeldFolder]) -> Goal {
        Goal {
            pack: self.pack.clone(),
            held: held.to_vec(),
            beside: Vec::new(),
            leftovers: Vec::new(),
            staging: self.cache(),
            finish: Finish {
                folder: self.folder.path().join("done"),
                access: Access::Shared,
                about: Vec::new(),
            },
        }
    }

    async fn explore(
        &self,
        held: &[HeldFolder],
        way: &Alternative,
    ) -> Result<Explored, DeliverError> {
        let direction = Direction::To(way.clone());
        explore(&Spent::new(&self.access), &self.goal(held), Belief::Records, &direction).await
    }

    /// A folder with one of the chunks.
    fn seed(&self) -> HeldFolder {
        let seed = self.folder.path().join("seed");
        std::fs::create_dir_all(&seed).expect("room");
        std::fs::write(seed.join("f"), b"something").expect("room");
        crate::seed::scan_seed(&seed, &self.folder.path().join("record"), &self.pack)
            .expect("readable")
    }
}

const MIXED: Alternative = Alternative::Mixed;
const FULL: Alternative = Alternative::Full { bytes: 0 };

#[tokio::test]
async fn an_index_that_was_fetched_is_not_fetched_again() {
    let world = World::new();
    world.publish();
    let IndexRef { structure_bytes, names_bytes, .. } = world.pack.index;
    let bytes_down = |explored: Explored| explored.index.bytes_down;
    let explored = world.explore(&[], &FULL).await.expect("published");
    assert_eq!(bytes_down(explored), structure_bytes);
    let seed = [world.seed()];
    let explored = world.explore(&seed, &MIXED).await.expect("published");
    assert_eq!(bytes_down(explored), names_bytes, "the structure was there");
    std::fs::remove_file(world.index_path()).expect("published");
    let explored = world.explore(&seed, &MIXED).await.expect("kept");
    assert_eq!((explored.index.bytes_down, explored.index.requests), (0, 0));
}

#[tokio::test]
async fn a_damaged_cache_costs_a_second_fetch_and_nothing_else() {
    let world = World::new();
    world.publish();
    let seed = [world.seed()];
    world.explore(&seed, &MIXED).await.expect("published");
    for entry in std::fs::read_dir(world.cache()).expect("kept") {
        std::fs::write(entry.expect("readable").path(), b"damaged").expect("room");
    }
    let explored = world.explore(&seed, &MIXED).await.expect("published");
    assert_eq!(explored.index.bytes_down, u64::try_from(world.index.len()).expect("small"));
}

#[tokio::test]
async fn names_of_other_content_are_refused() {
    let mut world = World::new();
    *world.index.last_mut().expect("not empty") ^= 1;
    world.publish();
    let refused = world.explore(&[world.seed()], &MIXED).await;
    assert!(matches!(refused, Err(DeliverError::Format { .. })), "{refused:?}");
}

#[tokio::test]
async fn lengths_above_the_format_are_refused_before_anything_is_asked_for() {
    // Nothing is published: whoever asks gets another error.
    let mut world = World::new();
    world.pack.index.structure_bytes = limits::STRUCTURE_BYTES_MAX + 1;
    let refused = world.explore(&[], &FULL).await.expect_err("too long");
    let is_limit = |error: &DeliverError| {
        matches!(error, DeliverError::Format { source: FormatError::Limit { .. }, .. })
    };
    assert!(is_limit(&refused), "{refused:?}");
    let mut world = World::new();
    world.publish();
    world.explore(&[], &FULL).await.expect("published");
    std::fs::remove_file(world.index_path()).expect("published");
    world.pack.index.names_bytes = NAMES_BYTES_MAX + 1;
    let refused = world.explore(&[world.seed()], &MIXED).await.expect_err("too long");
    assert!(is_limit(&refused), "{refused:?}");
}

#[tokio::test]
async fn a_version_without_a_record_closes_only_the_ways_that_start_from_it() {
    let world = World::new();
    let version = HeldVersion { version: PackVersion(1), content: world.pack.content };
    let folder = world.folder.path().join("held");
    let held = HeldFolder {
        version: version.clone(),
        folder: folder.clone(),
        sharing: Sharing::HardLinks,
    };
    let same = Alternative::Same { held: version };
    for record in [None, Some(b"damaged")] {
        if let Some(record) = record {
            std::fs::create_dir_all(&folder).expect("room");
            std::fs::write(folder.join("version.record"), record).expect("room");
        }
        let error = world.explore(std::slice::from_ref(&held), &same).await.expect_err("no record");
        assert!(matches!(error, DeliverError::Held { .. }), "{error:?}");
        assert!(error.is_of_this_way());
    }
    world.publish();
    let explored = world.explore(&[held], &MIXED).await.expect("another way");
    assert!(explored.held.is_empty());
}
