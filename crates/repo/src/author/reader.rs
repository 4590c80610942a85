//! Looking at a repository as its author: what is there, and what a change would make of it. Needs no keys.

use std::path::{Path, PathBuf};

use headstart_model::catalog::{Catalog, CatalogPack};
use headstart_model::{ChannelName, PackId, ReleaseNumber};
use jiff::Timestamp;

use crate::author::change::Draft;
use crate::author::history::own_root;
use crate::author::plan::WritePlan;
use crate::author::prepared::files_of;
use crate::author::publish::{ReleaseRequest, Released};
use crate::author::published::{Editions, Published};
use crate::author::writer::{Committed, Outcome};
use crate::author::{KeyFolder, PublishError};
use crate::{disk, layout};

/// A repository as it was when it was opened. `Ours:` what an update would cost, and what a release would be, are questions for
/// build machines, which need not be able to sign.
///
/// Its methods block: they read files, and large ones when packs are made ready.
#[derive(Debug)]
pub struct Reader {
    pub(crate) repo: PathBuf,
    pub(crate) published: Published,
    pub(crate) editions: Editions,
}

impl Reader {
    /// Checks what is published in the repository in `repo`. Nothing is locked, and nothing is written.
    ///
    /// The first root comes from the folder `keys` where there is one; of it nothing but that root is read. Without it the root
    /// that lies in the repository is believed: what is found then is no proof of who put it there.
    ///
    /// # Errors
    /// [`PublishError::NotARepository`]; [`PublishError::Keys`] when the folder of the keys lies in the repository or its root
    /// cannot be read; [`PublishError::Repository`] when what is published is not as it was signed.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn open(repo: &Path, keys: Option<&Path>) -> Result<Self, PublishError> {
        refuse_other(repo)?;
        let first_root = match keys {
            Some(folder) => KeyFolder::read_first_root(folder, repo)?,
            None => own_root(repo)?,
        };
        Self::with_root(repo, &first_root).await
    }

    pub(crate) async fn with_root(repo: &Path, first_root: &[u8]) -> Result<Self, PublishError> {
        let published = Published::load(repo, first_root).await?;
        Ok(Self { repo: repo.to_owned(), published, editions: Editions::new(repo) })
    }

    /// The catalogs that are live, in the order of the channels' names.
    pub fn catalogs(&self) -> impl Iterator<Item = &Catalog> {
        self.published.catalogs.values()
    }

    /// The newest versions of a pack, highest first, at most `count`: what deltas are made from. A version is here as long
    /// as its files are, also when no channel has it any more.
    ///
    /// # Errors
    /// [`PublishError::Repository`] when a catalog that describes one is missing or damaged.
    pub fn versions(
        &mut self,
        id: &PackId,
        count: usize,
    ) -> Result<Vec<CatalogPack>, PublishError> {
        Ok(self.editions.versions(&self.published.ledger, id, count)?)
    }

    /// What [`Writer::publish`](crate::author::Writer::publish) would make of a request. Whether the keys would do is not tried.
    ///
    /// # Errors
    /// Those of that method but for [`PublishError::Keys`].
    pub fn try_publish(
        &mut self,
        request: &ReleaseRequest,
        now: Timestamp,
    ) -> Result<Released, PublishError> {
        let (draft, plan, packs) = self.draft(request, now)?;
        let committed = match draft {
            Some(draft) => {
                self.refuse_gaps(&draft, &plan)?;
                Committed { release: draft.release, outcome: Outcome::WouldRelease }
            }
            None => self.unchanged(&request.channel),
        };
        Ok(Released { committed, packs })
    }

    pub(crate) fn unchanged(&self, channel: &ChannelName) -> Committed {
        Committed { release: self.live_release(channel), outcome: Outcome::Unchanged }
    }

    fn live_release(&self, channel: &ChannelName) -> ReleaseNumber {
        let live = self.published.catalogs.get(channel).map(|catalog| catalog.release);
        live.unwrap_or(self.published.ledger.newest_release)
    }

    /// Every file that a new catalog names is there in full length, or is about to be written.
    pub(crate) fn refuse_gaps(&self, draft: &Draft, plan: &WritePlan) -> Result<(), PublishError> {
        let planned: std::collections::BTreeSet<&str> =
            plan.writes.iter().map(|write| write.path.as_str()).collect();
        let packs =
            draft.catalogs.iter().flat_map(|catalog| catalog.packs.iter().chain(&catalog.former));
        for file in packs.flat_map(files_of).filter(|file| !planned.contains(file.path.as_str())) {
            if !disk::has_length(&self.path_of(&file.path), file.content.bytes) {
                return Err(PublishError::Gone { path: file.path });
            }
        }
        Ok(())
    }

    /// Where a file of the repository lies on disk.
    pub(crate) fn path_of(&self, path: &str) -> PathBuf {
        layout::join(&self.repo, path).expect("paths of a repository are made of checked names")
    }
}

/// A folder that is no repository is told as such.
pub(crate) fn refuse_other(repo: &Path) -> Result<(), PublishError> {
    if disk::is_file(&repo.join(layout::METADATA).join("timestamp.json")) {
        return Ok(());
    }
    Err(PublishError::NotARepository { path: repo.to_owned() })
}
