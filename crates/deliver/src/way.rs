//! Finding a way: tree, block table, and what can be taken over from what is held.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use headstart_model::catalog::{CatalogPack, DeltaRef, bundle_path};
use headstart_model::{Digest, Verified};
use headstart_pack::plan::{Alternative, HeldVersion};
use headstart_pack::{BlockTable, ChunkSet, CompleteTree, FormatError, Tree, limits, section};
use headstart_store::{InstalledVersion, Sharing};
use headstart_transfer::ByteRange;

use crate::access::{ReadError, RepositoryAccess};
use crate::delivery::Goal;
use crate::error::DeliverError;
use crate::receipt::Way;

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

/// Something held, and which of its chunks are the new version's.
#[derive(Debug)]
pub(crate) struct Reusable {
    pub(crate) held: InstalledVersion,
    /// For each new chunk the chunk of `held` with the same bytes.
    pub(crate) same: Vec<Option<u32>>,
    pub(crate) sharing: Sharing,
}

/// A way that can be gone.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) way: Way,
    pub(crate) tree: Tree,
    pub(crate) table: BlockTable,
    /// The bundle file: its path in the repository, its bytes, and where its blocks begin.
    pub(crate) bundle_path: String,
    pub(crate) bundle_bytes: u64,
    pub(crate) head_bytes: u64,
    pub(crate) reusable: Vec<Reusable>,
    pub(crate) index_bytes_down: u64,
}

impl Route {
    /// The chunks that what is held has.
    pub(crate) fn reusable_chunks(&self) -> ChunkSet {
        let mut chunks = ChunkSet::empty(self.tree.chunk_count());
        for reusable in &self.reusable {
            for (chunk, same) in (0..).zip(&reusable.same) {
                if same.is_some() {
                    chunks.insert(chunk);
                }
            }
        }
        chunks
    }
}

/// Fetches what `alternative` needs to know.
pub(crate) async fn explore(
    access: &RepositoryAccess,
    goal: &Goal,
    alternative: &Alternative,
) -> Result<Route, DeliverError> {
    let scout = Scout { access, pack: &goal.pack, folders: &goal.held, cache: &goal.staging };
    match alternative {
        Alternative::Same { held } => scout.same(held),
        Alternative::Delta { held, .. } => scout.delta(held).await,
        Alternative::Matched { .. } => scout.matched().await,
        Alternative::Full { .. } => scout.full().await,
    }
}

/// What is needed to explore a way.
struct Scout<'a> {
    access: &'a RepositoryAccess,
    pack: &'a CatalogPack,
    folders: &'a [HeldFolder],
    /// Where structure sections are kept, so that going on with a broken-off attempt fetches none again.
    cache: &'a Path,
}

impl Scout<'_> {
    fn open(&self, held: &HeldVersion) -> Result<(InstalledVersion, Sharing), DeliverError> {
        let folder = self
            .folders
            .iter()
            .find(|folder| folder.version == *held)
            .ok_or(DeliverError::Broken)?;
        // Whatever is wrong with it, there is a way that does not start from it.
        let opened = InstalledVersion::open(&folder.folder).map_err(|source| {
            DeliverError::Held { pack: self.pack.id.clone(), source: Box::new(source) }
        })?;
        Ok((opened, folder.sharing))
    }

    fn same(&self, held: &HeldVersion) -> Result<Route, DeliverError> {
        let (held, sharing) = self.open(held)?;
        let tree = held.complete().tree().clone();
        let same = (0..tree.chunk_count()).map(Some).collect();
        Ok(Route {
            way: Way::Same,
            tree,
            table: BlockTable::default(),
            bundle_path: bundle_path(&self.pack.full.digest),
            bundle_bytes: 0,
            head_bytes: 0,
            reusable: vec![Reusable { held, same, sharing }],
            index_bytes_down: 0,
        })
    }

    async fn delta(&self, held: &HeldVersion) -> Result<Route, DeliverError> {
        let delta: &DeltaRef =
            self.pack.delta_from(held.version, &held.content).ok_or(DeliverError::Broken)?;
        let (held, sharing) = self.open(held)?;
        let path = bundle_path(&delta.digest);
        let (head, fetched) =
            self.head(&path, delta.structure_bytes, &delta.structure_digest).await?;
        let structure = section::decode_delta(&head, held.complete().tree())
            .map_err(|source| self.format_error(source))?;
        Ok(Route {
            way: Way::Delta { from: delta.from },
            tree: structure.tree,
            table: structure.table,
            bundle_path: path,
            bundle_bytes: delta.bytes,
            head_bytes: delta.structure_bytes,
            reusable: vec![Reusable { held, same: structure.same_as_old, sharing }],
            index_bytes_down: fetched,
        })
    }

    async fn full(&self) -> Result<Route, DeliverError> {
        let pack = self.pack;
        let bytes = pack.index.structure_bytes;
        let (head, fetched) = self.head(&pack.index_path(), bytes, &pack.index.digest).await?;
        let structure = section::decode_full(&head).map_err(|source| self.format_error(source))?;
        Ok(Route {
            way: Way::Full,
            tree: structure.tree,
            table: structure.table,
            bundle_path: bundle_path(&pack.full.digest),
            bundle_bytes: pack.full.bytes,
            head_bytes: 0,
            reusable: Vec::new(),
            index_bytes_down: fetched,
        })
    }

    /// The whole index, its names compared with those of everything held.
    async fn matched(&self) -> Result<Route, DeliverError> {
        let pack = self.pack;
        let bytes = pack.index.structure_bytes;
        let (head, fetched) = self.head(&pack.index_path(), bytes, &pack.index.digest).await?;
        let structure = section::decode_full(&head).map_err(|source| self.format_error(source))?;
        let (complete, names_fetched) = self.names(structure.tree).await?;
        let mut reusable = Vec::new();
        for folder in self.folders {
            match InstalledVersion::open(&folder.folder) {
                Ok(held) => {
                    let same = by_name(&complete, held.complete());
                    reusable.push(Reusable { held, same, sharing: folder.sharing });
                }
                Err(error) => tracing::warn!(%error, "a version on disk cannot be reused"),
            }
        }
        Ok(Route {
            way: Way::Matched,
            tree: complete.tree().clone(),
            table: structure.table,
            bundle_path: bundle_path(&pack.full.digest),
            bundle_bytes: pack.full.bytes,
            head_bytes: 0,
            reusable,
            index_bytes_down: fetched.saturating_add(names_fetched),
        })
    }

    /// `tree` with the names section, from the cache or fetched, and how many bytes that took. No digest of the section
    /// is promised: it is good when tree and names together are the content that is.
    async fn names(&self, tree: Tree) -> Result<(CompleteTree, u64), DeliverError> {
        let pack = self.pack;
        let (start, bytes) = (pack.index.structure_bytes, pack.index.names_bytes);
        self.within("the length of the names", bytes, NAMES_BYTES_MAX)?;
        let cached = self.cache.join(format!("names-{}", pack.content.short()));
        if let Ok(names) = std::fs::read(&cached)
            && let Ok(complete) = section::decode_names(tree.clone(), &names, &pack.content)
        {
            return Ok((complete, 0));
        }
        let part = ByteRange { start, bytes };
        let names = self.access.part(&pack.index_path(), part).await;
        let names = names.map_err(|error| read_error(pack, error))?;
        let complete = section::decode_names(tree, &names, &pack.content)
            .map_err(|source| self.format_error(source))?;
        self.keep(&cached, &names);
        Ok((complete, bytes))
    }

    /// A structure section, from the cache or fetched, and how many bytes that took.
    async fn head(
        &self,
        path: &str,
        bytes: u64,
        digest: &Digest,
    ) -> Result<(Verified<Vec<u8>>, u64), DeliverError> {
        self.within("the length of the index", bytes, limits::STRUCTURE_BYTES_MAX)?;
        let cached = self.cache.join(format!("index-{}", digest.short()));
        if let Ok(head) = std::fs::read(&cached)
            && let Ok(head) = Verified::check(head, digest)
        {
            return Ok((head, 0));
        }
        let part = ByteRange { start: 0, bytes };
        let head = self.access.part(path, part).await.map_err(|e| read_error(self.pack, e))?;
        let head = verify(self.pack, head, digest)?;
        self.keep(&cached, head.as_bytes());
        Ok((head, bytes))
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

fn by_name(new: &CompleteTree, held: &CompleteTree) -> Vec<Option<u32>> {
    let numbers: HashMap<&Digest, u32> = held.names().iter().zip(0..).collect();
    new.names().iter().map(|name| numbers.get(name).copied()).collect()
}

fn verify(
    pack: &CatalogPack,
    bytes: Vec<u8>,
    digest: &Digest,
) -> Result<Verified<Vec<u8>>, DeliverError> {
    Verified::check(bytes, digest)
        .map_err(|source| DeliverError::Untrusted { pack: pack.id.clone(), source })
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
