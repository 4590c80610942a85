//! Changing a repository: one writer at a time, each change all or nothing.

use std::path::Path;

use headstart_model::catalog::{Catalog, CatalogPack};
use headstart_model::{ChannelName, PackId, ReleaseNumber};
use jiff::Timestamp;

use crate::author::change::{self, Draft};
use crate::author::documents::{Lifetimes, SignedFile, Signer, TargetFile, after};
use crate::author::keys::KeyFolder;
use crate::author::ledger::{Cause, Ledger, Row};
use crate::author::plan::WritePlan;
use crate::author::published::Published;
use crate::author::reader::{Reader, refuse_other};
use crate::author::{ChangeError, PublishError};
use crate::{Sha256, disk, layout};

/// Whether a change is made or only worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Make it.
    Commit,
    /// Work out everything and write nothing.
    DryRun,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is live.
    Released,
    /// There was nothing to change, so nothing was written.
    Unchanged,
    /// It would be live, had it not been a dry run.
    WouldRelease,
}

/// A change and the release that came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The new release; the live one when nothing changed.
    pub release: ReleaseNumber,
    /// What became of the change.
    pub outcome: Outcome,
}

/// The one writer of a repository, from when it is opened until it is dropped.
///
/// Its methods block: they read and write files, and large ones when packs are published.
#[derive(Debug)]
pub struct Writer {
    pub(crate) reader: Reader,
    pub(crate) keys: KeyFolder,
    pub(crate) lifetimes: Lifetimes,
    _lock: disk::Lock,
}

impl Writer {
    /// Locks the repository in `repo` and checks what is published there with the keys in `keys`.
    ///
    /// What is there is trusted only as far as it is signed: the first root comes from the keys folder, so that a
    /// repository that was exchanged behind the author's back is never signed anew.
    ///
    /// # Errors
    /// [`PublishError::NotARepository`], [`PublishError::Locked`]; [`PublishError::Keys`] when the folder lies in the
    /// repository or cannot be read; [`PublishError::Repository`] when what is published is not as it was signed.
    ///
    /// # Cancel safety
    /// Nothing is written; dropping the future lets go of the lock.
    pub async fn open(
        repo: &Path,
        keys: &Path,
        lifetimes: Lifetimes,
    ) -> Result<Self, PublishError> {
        refuse_other(repo)?;
        let keys = KeyFolder::open(keys, repo)?;
        let lock =
            disk::lock(repo)?.ok_or_else(|| PublishError::Locked { path: repo.to_owned() })?;
        for folder in [layout::METADATA, layout::CATALOGS, layout::BUNDLES] {
            disk::remove_leftovers(&repo.join(folder))?;
        }
        let reader = Reader::with_root(repo, keys.first_root()).await?;
        Ok(Self { reader, keys, lifetimes, _lock: lock })
    }

    /// What names the repository.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256 {
        Sha256::of(self.keys.first_root())
    }

    /// What is there, and what packs are made ready with.
    pub fn reader(&mut self) -> &mut Reader {
        &mut self.reader
    }

    /// Changes the share of devices that get the live release of a channel. The release keeps its number.
    ///
    /// # Errors
    /// [`ChangeError::UnknownChannel`], [`ChangeError::Percent`], and those of every change: see [`PublishError`].
    pub fn rollout(
        &mut self,
        channel: &ChannelName,
        percent: u8,
        now: Timestamp,
    ) -> Result<Committed, PublishError> {
        let before = self.packs_for_all_before(channel)?;
        let draft = self.reader.published.live(now).rollout(channel, percent, before)?;
        self.commit_if_any(draft, channel, now)
    }

    /// Gives the channel `to` the packs of the channel `from`, as a release for all devices.
    ///
    /// # Errors
    /// [`ChangeError::UnknownChannel`], and those of every change.
    pub fn promote(
        &mut self,
        from: &ChannelName,
        to: &ChannelName,
        now: Timestamp,
    ) -> Result<Committed, PublishError> {
        let draft = self.reader.published.live(now).promote(from, to)?;
        self.commit_if_any(draft, to, now)
    }

    /// Gives a channel the packs of an earlier release again, as a new release for all devices: they go down. Without
    /// `to`, the release before the one that it shows now.
    ///
    /// # Errors
    /// [`ChangeError::UnknownChannel`], [`ChangeError::UnknownRelease`], [`ChangeError::NothingBefore`];
    /// [`PublishError::Gone`] when files of that release are missing; and those of every change.
    pub fn rollback(
        &mut self,
        channel: &ChannelName,
        to: Option<ReleaseNumber>,
        now: Timestamp,
    ) -> Result<Committed, PublishError> {
        let Some(live) = self.reader.published.catalogs.get(channel) else {
            return Err(ChangeError::UnknownChannel { channel: channel.clone() }.into());
        };
        let rows: Vec<&Row> = self.reader.published.ledger.of_channel(channel).collect();
        let row = match to {
            Some(release) => rows
                .iter()
                .find(|row| row.release == release)
                .ok_or_else(|| ChangeError::UnknownRelease { channel: channel.clone(), release })?,
            None => &change::before(&rows)
                .ok_or_else(|| ChangeError::NothingBefore { channel: channel.clone() })?,
        };
        let packs = self.reader.editions.of_row(row)?.packs.clone();
        if live.packs == packs && live.rollout_percent == 100 {
            return Ok(Committed { release: live.release, outcome: Outcome::Unchanged });
        }
        let shown = change::shown_by(&rows, row.release);
        let draft = self.reader.published.live(now).rollback(channel, shown, packs)?;
        self.commit(draft, WritePlan::default(), Mode::Commit, now)
    }

    /// Withdraws packs from every channel. Devices that have them keep them, and see them as obsolete.
    ///
    /// # Errors
    /// [`ChangeError::UnknownPack`], [`ChangeError::Empty`], and those of every change.
    pub fn remove(&mut self, ids: &[PackId], now: Timestamp) -> Result<Committed, PublishError> {
        let draft = self.reader.published.live(now).remove(ids)?;
        self.commit(draft, WritePlan::default(), Mode::Commit, now)
    }

    /// The packs of the last release of a channel that was for all devices, before the one that is live.
    fn packs_for_all_before(
        &mut self,
        channel: &ChannelName,
    ) -> Result<Vec<CatalogPack>, PublishError> {
        let Some(live) = self.reader.published.catalogs.get(channel).map(|live| live.release)
        else {
            return Ok(Vec::new());
        };
        for row in self.reader.published.ledger.of_channel(channel).filter(|row| row.release < live)
        {
            let edition = self.reader.editions.of_row(row)?;
            if edition.rollout_percent == 100 {
                return Ok(edition.packs.clone());
            }
        }
        Ok(Vec::new())
    }

    fn commit_if_any(
        &mut self,
        draft: Option<Draft>,
        channel: &ChannelName,
        now: Timestamp,
    ) -> Result<Committed, PublishError> {
        match draft {
            Some(draft) => self.commit(draft, WritePlan::default(), Mode::Commit, now),
            None => Ok(self.reader.unchanged(channel)),
        }
    }

    /// Makes a draft live, after the files in `plan`.
    pub(crate) fn commit(
        &mut self,
        draft: Draft,
        plan: WritePlan,
        mode: Mode,
        now: Timestamp,
    ) -> Result<Committed, PublishError> {
        let release = draft.release;
        let (plan, next) = self.plan(draft, plan, now)?;
        if mode == Mode::DryRun {
            return Ok(Committed { release, outcome: Outcome::WouldRelease });
        }
        plan.apply(&self.reader.repo)?;
        self.reader.published = next;
        tracing::info!(repo = %self.reader.repo.display(), %release, "released");
        Ok(Committed { release, outcome: Outcome::Released })
    }

    /// The files of a draft, in order, and what is published once all of them are written.
    pub(crate) fn plan(
        &self,
        draft: Draft,
        mut plan: WritePlan,
        now: Timestamp,
    ) -> Result<(WritePlan, Published), PublishError> {
        self.reader.refuse_gaps(&draft, &plan)?;
        let mut next = self.reader.published.clone();
        for catalog in draft.catalogs {
            let bytes = catalog.to_json();
            let file = TargetFile::of(&bytes);
            plan.bytes(layout::catalog(&file.sha256, &catalog.channel), bytes);
            next.files.insert(layout::catalog_target(&catalog.channel), file);
            note(&mut next.ledger, &catalog, &draft.cause, file.sha256, now, &draft.new_versions);
            next.catalogs.insert(catalog.channel.clone(), catalog);
        }
        self.plan_documents(&mut plan, &mut next, now)?;
        Ok((plan, next))
    }

    /// Ledger, targets, snapshot and timestamp of `next`, in the order in which they are written.
    pub(crate) fn plan_documents(
        &self,
        plan: &mut WritePlan,
        next: &mut Published,
        now: Timestamp,
    ) -> Result<(), PublishError> {
        let (path, ledger) = next.name_ledger();
        plan.bytes(path, ledger);
        let signer = Signer { root: &next.root, keys: &self.keys, lifetimes: self.lifetimes, now };
        let targets = signer.targets(after(next.targets.version), &next.files)?;
        let snapshot = signer.snapshot(after(next.snapshot.version), &targets)?;
        let timestamp = signer.timestamp(after(next.timestamp.version), &snapshot)?;
        plan.bytes(layout::targets(targets.signed.signed.version.get()), targets.bytes);
        plan.bytes(layout::snapshot(snapshot.signed.signed.version.get()), snapshot.bytes);
        plan.bytes(layout::TIMESTAMP, timestamp.bytes);
        next.targets = targets.signed.signed;
        next.snapshot = snapshot.signed.signed;
        next.timestamp = timestamp.signed.signed;
        Ok(())
    }

    /// Signs a timestamp for the snapshot that is published, and makes it live.
    pub(crate) fn sign_timestamp(&mut self, now: Timestamp) -> Result<(), PublishError> {
        let snapshot = self.reader.published.timestamp.meta.get("snapshot.json").cloned();
        let snapshot = snapshot.expect("a timestamp that was loaded names its snapshot");
        let signer = Signer {
            root: &self.reader.published.root,
            keys: &self.keys,
            lifetimes: self.lifetimes,
            now,
        };
        let timestamp: SignedFile<_> =
            signer.timestamp_of(after(self.reader.published.timestamp.version), snapshot)?;
        let mut plan = WritePlan::default();
        plan.bytes(layout::TIMESTAMP, timestamp.bytes);
        plan.apply(&self.reader.repo)?;
        self.reader.published.timestamp = timestamp.signed.signed;
        Ok(())
    }
}

fn note(
    ledger: &mut Ledger,
    catalog: &Catalog,
    cause: &Cause,
    sha256: Sha256,
    now: Timestamp,
    new_versions: &[(PackId, headstart_model::PackVersion)],
) {
    let row = Row {
        release: catalog.release,
        channel: catalog.channel.clone(),
        at: now,
        cause: cause.clone(),
        catalog: sha256,
    };
    ledger.note(row, new_versions);
}
