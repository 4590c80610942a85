//! Finding a way: trees, block tables, and what can be taken over from what is held.

mod mixed;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use headstart_model::catalog::{CatalogPack, DeltaRef, IndexRef, bundle_path};
use headstart_model::{Digest, Verified};
use headstart_pack::plan::{Alternative, HeldVersion};
use headstart_pack::section::Structure;
use headstart_pack::{CompleteTree, FormatError, Tree, limits, section};
use headstart_store::{InstalledVersion, Sharing, StoreError};
use headstart_transfer::{ByteRange, Freshness};

use crate::access::{ReadError, RepositoryAccess};
use crate::delivery::Goal;
use crate::error::DeliverError;
use crate::receipt::Way;
use crate::route::{BundleFile, Delta, Full, IndexUse, Parts, Reusable, Route};

/// Most bytes of a names section: a name for every chunk that a pack can have.
const NAMES_BYTES_MAX: u64 = limits::CHUNKS_MAX * 32;

/// A version in a folder that may be reused.
#[derive(Debug, Clone)]
pub struct HeldFolder {
    /// Which version.
    pub version: HeldVersion,
    /// Its folder, as [`InstalledVersion::open`] takes it.
    pub folder: PathBuf,
    /// Whether files may be shared with it.
    pub sharing: Sharing,
}

/// A way to go, and what was fetched to know it.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) route: Route,
    /// What is taken over, in the order of the route's homes.
    pub(crate) held: Vec<Reusable>,
    pub(crate) index: IndexUse,
}

/// What is believed of versions that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belief {
    /// Their records.
    Records,
    /// Nothing: every chunk is read first.
    Nothing,
}

/// Which way to explore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Direction {
    /// One that the catalog tells.
    To(Alternative),
    /// What is damaged of a version that is held.
    Repair,
}

/// Fetches what `direction` needs to know.
pub(crate) async fn explore(
    spent: &Spent,
    goal: &Goal,
    belief: Belief,
    direction: &Direction,
) -> Result<Explored, DeliverError> {
    let mut scout = Scout {
        access: &spent.access,
        pack: &goal.pack,
        folders: &goal.held,
        beside: goal.beside_worth_it(),
        leftovers: &goal.leftovers,
        cache: &goal.staging,
        belief,
        spent,
    };
    let found = match direction {
        Direction::To(Alternative::Same { held }) => scout.same(held),
        Direction::To(Alternative::Delta { held, .. }) => scout.delta(held).await,
        Direction::To(Alternative::Mixed) => scout.mixed().await,
        Direction::To(Alternative::Full { .. }) => scout.full().await,
        Direction::Repair => scout.repair().await,
    };
    let (route, held) = found?;
    Ok(Explored { route, held, index: spent.sum() })
}

type Found = (Route, Vec<Reusable>);

/// Counts what is fetched to know ways, those included that turn out to be closed.
#[derive(Debug)]
pub(crate) struct Spent {
    /// Counts by itself what comes over a network: every byte, whoever sent it and whatever became of it.
    access: RepositoryAccess,
    /// What was read on this machine instead.
    local_bytes: AtomicU64,
    local_reads: AtomicU64,
}

impl Spent {
    /// Nothing, so far, through `access`.
    pub(crate) fn new(access: &RepositoryAccess) -> Self {
        let zero = AtomicU64::default;
        Self { access: access.part(), local_bytes: zero(), local_reads: zero() }
    }

    fn count_local(&self, bytes: u64) {
        self.local_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.local_reads.fetch_add(1, Ordering::Relaxed);
    }

    fn sum(&self) -> IndexUse {
        let fetched = self.access.tracking().meter().ledger().total();
        IndexUse {
            bytes_down: fetched.body_bytes + self.local_bytes.load(Ordering::Relaxed),
            requests: fetched.requests + self.local_reads.load(Ordering::Relaxed),
        }
    }
}

/// What is needed to explore a way.
struct Scout<'a> {
    access: &'a RepositoryAccess,
    pack: &'a CatalogPack,
    folders: &'a [HeldFolder],
    /// Versions of other packs.
    beside: &'a [HeldFolder],
    /// Half-finished versions of another content.
    leftovers: &'a [PathBuf],
    /// Where structure sections are kept, so that going on with a broken-off attempt fetches none again.
    cache: &'a Path,
    belief: Belief,
    spent: &'a Spent,
}

impl Scout<'_> {
    fn open(&self, held: &HeldVersion) -> Result<Reusable, DeliverError> {
        let folder = self
            .folders
            .iter()
            .find(|folder| folder.version == *held)
            .ok_or(DeliverError::Broken)?;
        // Whatever is wrong with it, there is a way that does not start from it.
        open_folder(folder, self.belief).map_err(|source| DeliverError::Held {
            pack: self.pack.id.clone(),
            source: Box::new(source),
        })
    }

    fn route(&self, parts: &Parts, way: Way, held: &[Reusable]) -> Result<Route, DeliverError> {
        let route = parts.route(way, &self.pack.content, held);
        route.ok_or_else(|| {
            self.format_error(FormatError::Rule { what: "the bundles do not fit together" })
        })
    }

    fn same(&self, held: &HeldVersion) -> Result<Found, DeliverError> {
        let held = vec![self.open(held)?];
        let complete = held.first().map(|reusable| reusable.held.complete().clone());
        let parts = Parts { complete, ..Parts::default() };
        Ok((self.route(&parts, Way::Same, &held)?, held))
    }

    async fn delta(&mut self, version: &HeldVersion) -> Result<Found, DeliverError> {
        let delta =
            self.pack.delta_from(version.version, &version.content).ok_or(DeliverError::Broken)?;
        let held = vec![self.open(version)?];
        let old =
            held.first().map(|held| held.held.complete().tree()).ok_or(DeliverError::Broken)?;
        let delta = self.read_delta(delta, self.pack.content, old).await?;
        let parts = Parts { deltas: vec![delta], ..Parts::default() };
        Ok((self.route(&parts, Way::Delta { from: version.version }, &held)?, held))
    }

    async fn full(&mut self) -> Result<Found, DeliverError> {
        let (tree, full) = self.read_full().await?;
        let parts = Parts { tree: Some(tree), full: Some(full), ..Parts::default() };
        Ok((self.route(&parts, Way::Full, &[])?, Vec::new()))
    }

    /// The tree wanted, and the full bundle.
    async fn read_full(&mut self) -> Result<(Tree, Full), DeliverError> {
        let pack = self.pack;
        let Structure { tree, table } = self.structure(&pack.index_path(), &pack.index).await?;
        let file = BundleFile {
            digest: pack.full.digest,
            path: bundle_path(&pack.full.digest),
            bytes: pack.full.bytes,
            head_bytes: 0,
        };
        Ok((tree, Full { file, table }))
    }

    async fn structure(&mut self, path: &str, index: &IndexRef) -> Result<Structure, DeliverError> {
        let head = self.head(path, index.structure_bytes, &index.digest).await?;
        section::decode_full(&head).map_err(|source| self.format_error(source))
    }

    /// The head of a delta bundle that starts from the version with the tree `old` and leads to the content `to`.
    async fn read_delta(
        &mut self,
        delta: &DeltaRef,
        to: Digest,
        old: &Tree,
    ) -> Result<Delta, DeliverError> {
        let path = bundle_path(&delta.digest);
        let head = self.head(&path, delta.structure_bytes, &delta.structure_digest).await?;
        let structure =
            section::decode_delta(&head, old).map_err(|source| self.format_error(source))?;
        let (digest, bytes, head_bytes) = (delta.digest, delta.bytes, delta.structure_bytes);
        let file = BundleFile { digest, path, bytes, head_bytes };
        Ok(Delta { file, from: delta.from_content, to, structure })
    }

    /// `tree` with the names section that follows it in the index at `path`. No digest of the section is promised: it is good when
    /// tree and names together are the content that is.
    async fn names(
        &mut self,
        tree: Tree,
        (path, index): (&str, &IndexRef),
        content: &Digest,
    ) -> Result<CompleteTree, DeliverError> {
        let (start, bytes) = (index.structure_bytes, index.names_bytes);
        self.within("the length of the names", bytes, NAMES_BYTES_MAX)?;
        let cached = self.cache.join(format!("names-{}", content.short()));
        if let Ok(names) = std::fs::read(&cached)
            && let Ok(complete) = section::decode_names(tree.clone(), &names, content)
        {
            return Ok(complete);
        }
        let check = |names: Vec<u8>| {
            let complete = section::decode_names(tree.clone(), &names, content);
            Ok((complete.map_err(|source| self.format_error(source))?, names))
        };
        let (complete, names) = self.good_part(path, ByteRange { start, bytes }, check).await?;
        self.keep(&cached, &names);
        Ok(complete)
    }

    /// A structure section, from the cache or fetched.
    async fn head(
        &mut self,
        path: &str,
        bytes: u64,
        digest: &Digest,
    ) -> Result<Verified<Vec<u8>>, DeliverError> {
        self.within("the length of the index", bytes, limits::STRUCTURE_BYTES_MAX)?;
        self.small_file(path, bytes, digest).await
    }

    /// The first `bytes` of a file, which have this digest.
    async fn small_file(
        &mut self,
        path: &str,
        bytes: u64,
        digest: &Digest,
    ) -> Result<Verified<Vec<u8>>, DeliverError> {
        let cached = self.cache.join(format!("index-{}", digest.short()));
        if let Ok(head) = std::fs::read(&cached)
            && let Ok(head) = Verified::check(head, digest)
        {
            return Ok(head);
        }
        let check = |bytes| {
            Verified::check(bytes, digest)
                .map_err(|source| DeliverError::Untrusted { pack: self.pack.id.clone(), source })
        };
        let head = self.good_part(path, ByteRange { start: 0, bytes }, check).await?;
        self.keep(&cached, head.as_bytes());
        Ok(head)
    }

    /// A part of a file that `check` finds good, from whichever place has it. What is wrong is asked for once more, from the server
    /// itself: a cache on the way may have spoilt it.
    async fn good_part<T>(
        &self,
        path: &str,
        part: ByteRange,
        check: impl Fn(Vec<u8>) -> Result<T, DeliverError>,
    ) -> Result<T, DeliverError> {
        let check = &check;
        let ask = |place, access: RepositoryAccess| async move {
            let read = |freshness| self.read((place, &access), path, (part, freshness));
            match check(read(Freshness::Any).await?) {
                Err(_) if access.is_remote(place) => check(read(Freshness::FromServer).await?),
                found => found,
            }
        };
        self.access.ask_places(ask).await
    }

    async fn read(
        &self,
        (place, access): (usize, &RepositoryAccess),
        path: &str,
        (part, freshness): (ByteRange, Freshness),
    ) -> Result<Vec<u8>, DeliverError> {
        let read = access.read(place, path, (part, freshness)).await;
        let read = read.map_err(|error| read_error(self.pack, error))?;
        if part.bytes > 0 && !access.is_remote(place) {
            self.spent.count_local(read.len() as u64);
        }
        Ok(read)
    }

    /// Only to save bytes later: a cache that cannot be written costs a second fetch.
    fn keep(&self, path: &Path, bytes: &[u8]) {
        let kept = std::fs::create_dir_all(self.cache).and_then(|()| std::fs::write(path, bytes));
        if let Err(error) = kept {
            tracing::debug!(%error, "an index is not kept");
        }
    }

    /// Before anything is asked for: the catalog is signed, and may still promise more than the format allows.
    fn within(&self, what: &'static str, found: u64, limit: u64) -> Result<(), DeliverError> {
        if found > limit {
            return Err(self.format_error(FormatError::Limit { what, found, limit }));
        }
        Ok(())
    }

    fn format_error(&self, source: FormatError) -> DeliverError {
        DeliverError::Format { pack: self.pack.id.clone(), source }
    }
}

fn open_folder(folder: &HeldFolder, belief: Belief) -> Result<Reusable, StoreError> {
    let mut held = InstalledVersion::open(&folder.folder)?;
    let intact = match belief {
        // What was handed over is not held any more.
        Belief::Records => held.left(),
        Belief::Nothing => {
            held.distrust();
            Some(held.intact())
        }
    };
    Ok(Reusable { held, sharing: folder.sharing, intact })
}

fn read_error(pack: &CatalogPack, error: ReadError) -> DeliverError {
    let pack = pack.id.clone();
    match error {
        ReadError::Transfer(source) => DeliverError::Transfer { pack, source: Box::new(source) },
        ReadError::Folder(source) => DeliverError::Folder { pack, source },
    }
}

#[cfg(test)]
mod tests;
