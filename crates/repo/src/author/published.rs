//! What is published: the signed documents of a repository in a folder, and everything that they name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use headstart_model::catalog::{Catalog, CatalogPack};
use headstart_model::{ChannelName, PackId, PackVersion};
use tough::ExpirationEnforcement;
use tough::schema::{self, Root, Snapshot};

use crate::author::change::Live;
use crate::author::documents::{TargetFile, after};
use crate::author::ledger::{Ledger, Row};
use crate::fetch::FolderFetch;
use crate::load::{self, Known, Loaded};
use crate::{FetchError, RepoError, Sha256, disk, layout};

/// The published state of a repository.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub(crate) root: Root,
    pub(crate) timestamp: schema::Timestamp,
    pub(crate) snapshot: Snapshot,
    pub(crate) targets: schema::Targets,
    /// The files that the targets name, by the name of the target.
    pub(crate) files: BTreeMap<String, TargetFile>,
    pub(crate) ledger: Ledger,
    pub(crate) catalogs: BTreeMap<ChannelName, Catalog>,
}

impl Published {
    /// Reads and checks the repository in `repo`, whose first root is `first_root`.
    ///
    /// Expiry does not count: whoever has to refresh an expired repository must be able to read it.
    pub(crate) async fn load(repo: &Path, first_root: &[u8]) -> Result<Self, RepoError> {
        let fetch = Arc::new(FolderFetch::new(repo));
        let loaded =
            load::load(first_root, fetch, Known::default(), ExpirationEnforcement::Unsafe).await?;
        Self::read(&loaded).await
    }

    async fn read(loaded: &Loaded) -> Result<Self, RepoError> {
        let documents = loaded.repository();
        let targets = documents.targets().signed.clone();
        let mut files = BTreeMap::new();
        let mut ledger = None;
        let mut catalogs = BTreeMap::new();
        for name in targets.targets.keys().map(tough::TargetName::raw) {
            let Some((sha256, bytes)) = loaded.read_target(name).await? else { continue };
            files.insert(name.to_owned(), TargetFile { sha256, length: bytes.len() as u64 });
            if name == layout::LEDGER_TARGET {
                ledger = Some(read_ledger(&layout::target(&sha256, name), &bytes)?);
            } else if let Some(channel) =
                name.strip_suffix(".json").and_then(|n| ChannelName::new(n).ok())
            {
                let catalog = read_catalog(&channel, &bytes)?;
                catalogs.insert(channel, catalog);
            }
        }
        let missing = || RepoError::Altered { path: layout::targets(targets.version.get()) };
        Ok(Self {
            root: documents.root().signed.clone(),
            timestamp: documents.timestamp().signed.clone(),
            snapshot: documents.snapshot().signed.clone(),
            ledger: ledger.ok_or_else(missing)?,
            targets,
            files,
            catalogs,
        })
    }

    /// Has the targets name the ledger as it is. Gives the path and the bytes of its file.
    pub(crate) fn name_ledger(&mut self) -> (String, Vec<u8>) {
        let bytes = self.ledger.to_json();
        let file = TargetFile::of(&bytes);
        self.files.insert(layout::LEDGER_TARGET.to_owned(), file);
        (layout::target(&file.sha256, layout::LEDGER_TARGET), bytes)
    }

    /// As if the documents were signed anew for the ledger as it is: only their numbers, and what the targets name.
    pub(crate) fn count_documents(&mut self) {
        self.name_ledger();
        self.targets.version = after(self.targets.version);
        self.snapshot.version = after(self.snapshot.version);
        self.timestamp.version = after(self.timestamp.version);
    }

    /// What pure decisions go by.
    pub(crate) fn live(&self, now: jiff::Timestamp) -> Live<'_> {
        Live { catalogs: &self.catalogs, next_release: self.ledger.next_release(), now }
    }
}

fn read_ledger(path: &str, bytes: &[u8]) -> Result<Ledger, RepoError> {
    Ledger::from_json(bytes)
        .map_err(|source| RepoError::Malformed { path: path.to_owned(), source: Box::new(source) })
}

fn read_catalog(channel: &ChannelName, bytes: &[u8]) -> Result<Catalog, RepoError> {
    let catalog = Catalog::from_json(bytes)
        .map_err(|source| RepoError::Catalog { channel: channel.clone(), source })?;
    if catalog.channel == *channel {
        Ok(catalog)
    } else {
        Err(RepoError::Altered { path: layout::catalog(&Sha256::of(bytes), channel) })
    }
}

/// Reads editions of catalogs that the ledger names, each once.
#[derive(Debug)]
pub(crate) struct Editions {
    repo: PathBuf,
    read: BTreeMap<Sha256, Catalog>,
}

impl Editions {
    pub(crate) fn new(repo: &Path) -> Self {
        Self { repo: repo.to_owned(), read: BTreeMap::new() }
    }

    /// The edition with this digest, which came from the signed ledger.
    pub(crate) fn edition(
        &mut self,
        channel: &ChannelName,
        sha256: &Sha256,
    ) -> Result<&Catalog, RepoError> {
        match self.read.entry(*sha256) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(read_edition(&self.repo, channel, sha256)?)),
        }
    }

    pub(crate) fn of_row(&mut self, row: &Row) -> Result<&Catalog, RepoError> {
        self.edition(&row.channel, &row.catalog)
    }

    /// The versions of a pack whose files are still there, highest first, at most `count`.
    pub(crate) fn versions(
        &mut self,
        ledger: &Ledger,
        id: &PackId,
        count: usize,
    ) -> Result<Vec<CatalogPack>, RepoError> {
        let kept = ledger.packs.get(id).map(|versions| versions.kept.clone()).unwrap_or_default();
        let mut found = Vec::new();
        for kept in kept.iter().take(count) {
            let catalog = self.edition(&kept.channel, &kept.catalog)?;
            found.extend(find_version(catalog, id, kept.version).cloned());
        }
        Ok(found)
    }
}

fn read_edition(repo: &Path, channel: &ChannelName, sha256: &Sha256) -> Result<Catalog, RepoError> {
    let path = layout::catalog(sha256, channel);
    let file = layout::join(repo, &path).expect("the name of a catalog is made of checked names");
    let bytes = match disk::read_if_there(&file) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(RepoError::Fetch { path, source: FetchError::NotFound }),
        Err(error) => {
            return Err(RepoError::Fetch { path, source: FetchError::Failed(Box::new(error)) });
        }
    };
    if Sha256::of(&bytes) != *sha256 {
        return Err(RepoError::Altered { path });
    }
    read_catalog(channel, &bytes)
}

fn find_version<'a>(
    catalog: &'a Catalog,
    id: &PackId,
    version: PackVersion,
) -> Option<&'a CatalogPack> {
    let packs = catalog.packs.iter().filter(|pack| pack.id == *id);
    let mut all = packs.flat_map(|pack| std::iter::once(pack).chain(&pack.fallbacks));
    all.find(|pack| pack.version == version)
}
