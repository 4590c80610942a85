//! Publishing packs: one release, several packs, all or none of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use headstart_model::catalog::{CatalogPack, FormerRef, FormerVersion, FormerVersions};
use headstart_model::{ChannelName, Digest, PackId, PackVersion};
use jiff::Timestamp;

use crate::author::change::{Draft, Offer, Standing, next_version};
use crate::author::plan::WritePlan;
use crate::author::prepared::PreparedPack;
use crate::author::reader::Reader;
use crate::author::writer::{Committed, Mode, Writer};
use crate::author::{ChangeError, PublishError};
use crate::disk;

/// Earlier versions that a version tells of. `Ours:` with deltas from three versions back, chains from a dozen versions ago
/// are found; each costs a kilobyte, for those devices only that ask.
const FORMER_MAX: usize = 12;

/// A release that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseRequest {
    /// The channel; it comes into being with its first release.
    pub channel: ChannelName,
    /// The share of devices that get it, 0 to 100.
    pub rollout_percent: u8,
    /// The packs to add or replace; the channel's others stay live.
    pub packs: Vec<PreparedPack>,
}

/// What came of a [`ReleaseRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// The release.
    pub committed: Committed,
    /// Its packs that were named, in the order of the request.
    pub packs: Vec<ReleasedPack>,
}

/// One pack of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedPack {
    /// The pack.
    pub id: PackId,
    /// Its version: a new one, or the newest if content and manifest are the same.
    pub version: PackVersion,
    /// Bytes that it adds to the repository.
    pub new_bytes: u64,
    /// Its delta bundles.
    pub deltas: Vec<ReleasedDelta>,
}

/// A pack as it would be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// What the catalog would say of it.
    pub pack: CatalogPack,
    /// Its files: the path in the repository, and where each lies now.
    pub files: Vec<(String, PathBuf)>,
    /// Path and bytes of what it tells of earlier versions.
    pub former: Option<(String, Vec<u8>)>,
}

/// One delta bundle of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasedDelta {
    /// The version that a device has to hold.
    pub from: PackVersion,
    /// Bytes of the bundle.
    pub bytes: u64,
}

impl Writer {
    /// Publishes packs into a channel as one release.
    ///
    /// The files are copied and verified first, then come the signed documents, `metadata/timestamp.json` last: a kill at
    /// any moment leaves the release of before live and whole.
    ///
    /// # Errors
    /// [`ChangeError::Empty`], [`ChangeError::Duplicate`], [`ChangeError::Percent`], [`ChangeError::TooMany`];
    /// [`PublishError::Staged`] when a prepared file changed; and those of every change: see [`PublishError`].
    pub fn publish(
        &mut self,
        request: &ReleaseRequest,
        mode: Mode,
        now: Timestamp,
    ) -> Result<Released, PublishError> {
        let (draft, plan, packs) = self.reader.draft(request, now)?;
        let committed = match draft {
            Some(draft) => self.commit(draft, plan, mode, now)?,
            None => self.reader.unchanged(&request.channel),
        };
        Ok(Released { committed, packs })
    }
}

impl Reader {
    /// What a request comes to, none when it changes nothing; the files that it takes; and its packs, in its order.
    pub(crate) fn draft(
        &mut self,
        request: &ReleaseRequest,
        now: Timestamp,
    ) -> Result<(Option<Draft>, WritePlan, Vec<ReleasedPack>), PublishError> {
        refuse_duplicates(&request.packs)?;
        let mut plan = WritePlan::default();
        let mut offers = Vec::new();
        let mut packs = Vec::new();
        for prepared in &request.packs {
            let offer = self.decide_version(prepared)?;
            let new_bytes = match offer.standing {
                Standing::New => self.plan_files(prepared, &offer, &mut plan)?,
                Standing::Known => 0,
            };
            packs.push(report(&offer.pack, new_bytes));
            offers.push(offer);
        }
        let draft =
            self.published.live(now).publish(&request.channel, request.rollout_percent, offers)?;
        Ok((draft, plan, packs))
    }

    /// The version that `prepared` gets, and whether that version is new.
    pub(crate) fn decide_version(
        &mut self,
        prepared: &PreparedPack,
    ) -> Result<Offer, PublishError> {
        let newest = self.published.ledger.packs.get(&prepared.id).map(|versions| versions.newest);
        let known = self.versions(&prepared.id, 1)?.pop();
        let is_newest =
            |known: &CatalogPack| Some(known.version) == newest && prepared.is_same_as(known);
        if let Some(pack) = known.filter(is_newest) {
            return Ok(Offer { pack, standing: Standing::Known, former: None });
        }
        let former = self.former_versions(&prepared.id)?;
        let mut pack = prepared.describe(next_version(newest));
        pack.former = former
            .as_deref()
            .map(|bytes| FormerRef { digest: Digest::of(bytes), bytes: size(bytes) });
        Ok(Offer { pack, standing: Standing::New, former })
    }

    /// What the next version of a pack tells of those before; none when there is no other.
    fn former_versions(&mut self, id: &PackId) -> Result<Option<Vec<u8>>, PublishError> {
        let former = |pack: CatalogPack| FormerVersion {
            version: pack.version,
            content: pack.content,
            index: pack.index,
            deltas: pack.deltas,
        };
        let versions: Vec<_> = self.versions(id, FORMER_MAX)?.into_iter().map(former).collect();
        let former = FormerVersions { format: FormerVersions::FORMAT, versions };
        Ok((!former.versions.is_empty()).then(|| former.to_json()))
    }

    /// How a pack would be published now, with every file that it needs beside those that the repository has: for whoever
    /// wants to know beforehand what it costs devices.
    ///
    /// # Errors
    /// [`PublishError::Repository`] when a catalog of an earlier version is missing or damaged.
    pub fn preview(&mut self, prepared: &PreparedPack) -> Result<Preview, PublishError> {
        let Offer { pack, standing, former } = self.decide_version(prepared)?;
        let files = match standing {
            Standing::New => prepared.files(&pack),
            Standing::Known => Vec::new(),
        };
        let files = files.into_iter().map(|(from, file)| (file.path, from)).collect();
        let former = pack.former_path().zip(former);
        Ok(Preview { pack, files, former })
    }

    /// Plans the files of a new version; returns the bytes of those that the repository does not have yet.
    fn plan_files(
        &self,
        prepared: &PreparedPack,
        offer: &Offer,
        plan: &mut WritePlan,
    ) -> Result<u64, PublishError> {
        let mut new_bytes = 0_u64;
        if let Some((path, bytes)) = offer.pack.former_path().zip(offer.former.clone()) {
            new_bytes = size(&bytes);
            plan.bytes(path, bytes);
        }
        for (from, file) in prepared.files(&offer.pack) {
            if !disk::has_length(&from, file.content.bytes) {
                return Err(PublishError::Staged { path: from });
            }
            if !disk::has_length(&self.path_of(&file.path), file.content.bytes) {
                new_bytes = new_bytes.saturating_add(file.content.bytes);
            }
            plan.staged(file.path, from, file.content);
        }
        Ok(new_bytes)
    }
}

fn size(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

fn refuse_duplicates(packs: &[PreparedPack]) -> Result<(), ChangeError> {
    if packs.is_empty() {
        return Err(ChangeError::Empty);
    }
    let mut seen = BTreeSet::new();
    match packs.iter().find(|pack| !seen.insert(&pack.id)) {
        Some(pack) => Err(ChangeError::Duplicate { id: pack.id.clone() }),
        None => Ok(()),
    }
}

fn report(pack: &CatalogPack, new_bytes: u64) -> ReleasedPack {
    let deltas = pack
        .deltas
        .iter()
        .map(|delta| ReleasedDelta { from: delta.from, bytes: delta.bytes })
        .collect();
    ReleasedPack { id: pack.id.clone(), version: pack.version, new_bytes, deltas }
}
