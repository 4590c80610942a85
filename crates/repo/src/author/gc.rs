//! Freeing what no recent release needs.

use std::collections::{BTreeMap, BTreeSet};

use headstart_model::ChannelName;
use jiff::{SignedDuration, Timestamp};

use crate::author::PublishError;
use crate::author::ledger::{Kept, Ledger, Row};
use crate::author::plan::WritePlan;
use crate::author::prepared::files_of;
use crate::author::published::Published;
use crate::author::reader::Reader;
use crate::author::writer::Writer;
use crate::{disk, layout};

/// Versions of targets and snapshot that stay beside the newest, for devices in the middle of a check.
const DOCUMENTS_KEPT: u64 = 2;

/// What was freed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freed {
    /// The files that were removed, in the order of the folders.
    pub files: Vec<FreedFile>,
    /// Their bytes.
    pub bytes: u64,
}

/// A file that is no longer needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreedFile {
    /// Its path in the repository.
    pub path: String,
    /// Its length.
    pub bytes: u64,
}

impl Writer {
    /// Removes the files of releases that were live last more than `keep` ago, and leftovers of writes that were cut short.
    ///
    /// The ledger forgets the releases first, in a signed step of its own; only then files go. A kill in between leaves
    /// files that the next run removes. The numbers of versions stay taken.
    ///
    /// # Errors
    /// Those of every change: see [`PublishError`]; then nothing was removed, unless removing itself failed.
    pub fn gc(&mut self, keep: SignedDuration, now: Timestamp) -> Result<Freed, PublishError> {
        let mut next = self.reader.without_old_releases(keep, now)?;
        if next.ledger != self.reader.published.ledger {
            let mut plan = WritePlan::default();
            self.plan_documents(&mut plan, &mut next, now)?;
            plan.apply(&self.reader.repo)?;
        }
        let freed = self.reader.others(&next)?;
        for file in &freed.files {
            disk::remove(&self.reader.path_of(&file.path))?;
        }
        self.reader.published = next;
        Ok(freed)
    }
}

impl Reader {
    /// What [`Writer::gc`] would free. Whether the keys would do is not tried. Nothing is locked: what a publication under way has
    /// written so far is named too.
    ///
    /// # Errors
    /// [`PublishError::Repository`] when a catalog that a kept release needs is missing or damaged; [`PublishError::Disk`].
    pub fn try_gc(&mut self, keep: SignedDuration, now: Timestamp) -> Result<Freed, PublishError> {
        let mut next = self.without_old_releases(keep, now)?;
        if next.ledger != self.published.ledger {
            next.count_documents();
        }
        self.others(&next)
    }

    /// What is published, with a ledger that knows no release that was live last more than `keep` before `now`.
    fn without_old_releases(
        &mut self,
        keep: SignedDuration,
        now: Timestamp,
    ) -> Result<Published, PublishError> {
        let since = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        let mut next = self.published.clone();
        next.ledger.rows = rows_live_since(&self.published.ledger.rows, since);
        next.ledger = self.forget_versions(next.ledger)?;
        Ok(next)
    }

    /// Leaves in the ledger the versions that its remaining catalogs list.
    fn forget_versions(&mut self, mut ledger: Ledger) -> Result<Ledger, PublishError> {
        let mut kept: BTreeMap<_, BTreeMap<_, Kept>> = BTreeMap::new();
        for row in &ledger.rows {
            let catalog = self.editions.of_row(row)?;
            let packs = catalog.packs.iter();
            for pack in packs.flat_map(|pack| std::iter::once(pack).chain(&pack.fallbacks)) {
                let place = Kept {
                    version: pack.version,
                    channel: row.channel.clone(),
                    catalog: row.catalog,
                };
                kept.entry(pack.id.clone()).or_default().entry(pack.version).or_insert(place);
            }
        }
        for (id, versions) in &mut ledger.packs {
            let still = kept.remove(id).unwrap_or_default();
            // An entry whose catalog stays is left alone, so that a run that frees nothing changes nothing.
            let catalogs: BTreeSet<_> = ledger.rows.iter().map(|row| row.catalog).collect();
            versions.kept = std::mem::take(&mut versions.kept)
                .into_iter()
                .filter_map(|old| {
                    if catalogs.contains(&old.catalog) {
                        Some(old)
                    } else {
                        still.get(&old.version).cloned()
                    }
                })
                .collect();
        }
        Ok(ledger)
    }

    /// Paths of everything that the signed documents lead to.
    fn needed_files(&mut self, next: &Published) -> Result<BTreeSet<String>, PublishError> {
        let mut needed: BTreeSet<String> =
            next.files.iter().map(|(name, file)| layout::target(&file.sha256, name)).collect();
        for row in &next.ledger.rows {
            needed.insert(layout::catalog(&row.catalog, &row.channel));
            let catalog = self.editions.of_row(row)?;
            let packs = catalog.packs.iter().chain(&catalog.former);
            needed.extend(packs.flat_map(files_of).map(|file| file.path));
        }
        Ok(needed)
    }

    /// Everything that `next` does not lead to.
    fn others(&mut self, next: &Published) -> Result<Freed, PublishError> {
        let needed = self.needed_files(next)?;
        let mut freed = Freed::default();
        for folder in [layout::BUNDLES, layout::INDEXES, layout::CATALOGS, layout::METADATA] {
            for (path, bytes) in disk::files_below(&self.repo, folder)? {
                let old = folder == layout::METADATA && is_old_document(next, &path);
                if old || (folder != layout::METADATA && !needed.contains(&path)) {
                    freed.bytes = freed.bytes.saturating_add(bytes);
                    freed.files.push(FreedFile { path, bytes });
                }
            }
        }
        Ok(freed)
    }
}

/// Roots are never old: a device that was away for years follows all of them.
fn is_old_document(next: &Published, path: &str) -> bool {
    let version = |ending: &str| {
        let name = path.strip_prefix(layout::METADATA)?.strip_prefix('/')?;
        name.strip_suffix(ending)?.parse::<u64>().ok()
    };
    let is_old =
        |version: Option<u64>, newest: u64| version.is_some_and(|v| v + DOCUMENTS_KEPT < newest);
    is_old(version(".targets.json"), next.targets.version.get())
        || is_old(version(".snapshot.json"), next.snapshot.version.get())
}

/// The rows of catalogs that were live at some time since `since`: until the next one of their channel took over.
fn rows_live_since(rows: &[Row], since: Timestamp) -> Vec<Row> {
    let mut taken_over: BTreeMap<&ChannelName, Timestamp> = BTreeMap::new();
    let mut kept = Vec::new();
    for row in rows.iter().rev() {
        let until = taken_over.insert(&row.channel, row.at);
        if until.is_none_or(|until| until >= since) {
            kept.push(row.clone());
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use headstart_model::ReleaseNumber;

    use super::*;
    use crate::Sha256;
    use crate::author::Cause;

    fn row(release: u64, channel: &str, at: i64) -> Row {
        Row {
            release: ReleaseNumber(release),
            channel: ChannelName::new(channel).expect("a name"),
            at: Timestamp::from_second(at).expect("a time"),
            cause: Cause::Publish,
            catalog: Sha256::of(&release.to_le_bytes()),
        }
    }

    #[test]
    fn a_release_counts_as_live_until_the_next_one_of_its_channel() {
        let rows = [row(1, "a", 10), row(2, "b", 20), row(3, "a", 30), row(4, "a", 40)];
        let kept = |since| {
            let since = Timestamp::from_second(since).expect("a time");
            rows_live_since(&rows, since).iter().map(|row| row.release.0).collect::<Vec<_>>()
        };
        assert_eq!(kept(30), [1, 2, 3, 4]);
        assert_eq!(kept(31), [2, 3, 4]);
        assert_eq!(kept(1_000), [2, 4]);
    }
}
