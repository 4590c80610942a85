//! What a delivery costs, said beforehand.

use std::path::Path;

use headstart_model::PackVersion;
use headstart_pack::{FileNode, Tree};
use headstart_store::{Sharing, StoreError, whole_files};
use headstart_sys::clone::{Allowed, clone_file};
use headstart_sys::identity::FileStamp;
use headstart_sys::{Action, FileError};
use serde::Serialize;

use crate::route::{Reusable, Route, index};
use crate::site::Site;

/// The way that a delivery takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// The content is here already, under another version or name.
    Same,
    /// The delta bundle from a version that is held.
    Delta {
        /// That version.
        from: PackVersion,
    },
    /// Several delta bundles one after the other, by way of versions that are no longer offered.
    Chain {
        /// The version that the first of them starts from.
        from: PackVersion,
        /// How many there are.
        deltas: u32,
    },
    /// Whatever of several bundles completes what is held at the least cost.
    Mixed,
    /// What is damaged of a version that is held, from the full bundle.
    Repair,
    /// The full bundle.
    Full,
}

/// What a delivery costs from where it stands, in bytes. A transfer without failures, on a device where what is held is undamaged,
/// measures the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The way taken.
    pub way: Way,
    /// Requests for blocks over one connection; those for indexes were made already. Connections side by side take over parts
    /// of each other's ranges, which makes more requests of the same bytes.
    pub requests: u64,
    /// Bytes of blocks still to be fetched, gaps in requests included.
    pub bytes_down: u64,
    /// Bytes of the whole transfer, those that earlier attempts fetched included.
    pub bytes_total: u64,
    /// Bytes that were fetched to know all this: indexes, names, heads of bundles. Every byte that came counts: also of a place
    /// that another one was faster than, of an answer that broke off or was wrong, and for a way that turned out to be closed.
    pub index_bytes_down: u64,
    /// Requests that were made to know all this, those in vain included.
    pub index_requests: u64,
    /// Bytes of different chunks that come from what is held, or were fetched by an earlier attempt.
    pub bytes_reused: u64,
    /// Bytes that will be written: of files, as far as they cannot share those of a version held, of chunks that are kept for a while,
    /// and of opened forms that are made again of files held, to read chunks from them.
    pub bytes_written: u64,
    /// Bytes that the delivery takes on disk at its height, beside what it has there already. Blocks that wait for others never add
    /// to it: they are as large as what they become, at most.
    pub peak_extra_disk: u64,
}

/// Bytes of files that [`Site::take_over`] and the blocks will write; and for each entry that is taken over whole, what of them is for it.
pub(crate) fn file_bytes_written(
    site: &Site,
    route: &Route,
    held: &[Reusable],
    staging: &Path,
) -> Result<(u64, Vec<Option<u64>>), StoreError> {
    let mut sharing = SharingProbe::new(staging);
    let mut whole: Vec<Option<u64>> = vec![None; route.tree.entries().len()];
    for (number, reusable) in held.iter().enumerate() {
        let same = route.same(number);
        for file in whole_files(&route.tree, &reusable.held, &same, reusable.sharing) {
            let Some(slot) = whole.get_mut(index(file.entry)).filter(|slot| slot.is_none()) else {
                continue;
            };
            let shared = sharing.is_possible(&reusable.held.files(), file.sharing)?;
            *slot = Some(if shared { 0 } else { file.bytes });
        }
    }
    Ok((written(&route.tree, &whole, site), whole))
}

fn written(tree: &Tree, whole: &[Option<u64>], site: &Site) -> u64 {
    let held = site.assembly().held();
    let of_file = |entry: usize, file: &FileNode| {
        let missing = tree.chunks_of(file).iter().filter(|chunk| !held.contains(**chunk));
        let chunks = || missing.map(|chunk| u64::from(tree.chunk_bytes(*chunk))).sum::<u64>();
        // An opened file is made of its opened form at the end.
        let made = if file.opened.is_some() { file.size } else { 0 };
        let missing = || chunks() + made;
        whole.get(entry).copied().flatten().unwrap_or_else(missing)
    };
    tree.files().map(|(entry, _, file)| of_file(entry, file)).sum()
}

/// Finds out whether files may share their bytes here; asks the disk once for each kind.
struct SharingProbe<'a> {
    staging: &'a Path,
    hard_links: Option<bool>,
    reflinks: Option<bool>,
}

impl<'a> SharingProbe<'a> {
    const fn new(staging: &'a Path) -> Self {
        Self { staging, hard_links: None, reflinks: None }
    }

    fn is_possible(&mut self, files: &Path, sharing: Sharing) -> Result<bool, StoreError> {
        if !is_same_disk(files, self.staging) {
            return Ok(false);
        }
        let (known, allowed) = match sharing {
            Sharing::HardLinks => (self.hard_links, Allowed::ReflinkOrHardLink),
            Sharing::Independent => (self.reflinks, Allowed::ReflinkOnly),
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let found = try_cloning(self.staging, allowed)?;
        match sharing {
            Sharing::HardLinks => self.hard_links = Some(found),
            Sharing::Independent => self.reflinks = Some(found),
        }
        Ok(found)
    }
}

fn try_cloning(staging: &Path, allowed: Allowed) -> Result<bool, StoreError> {
    let (probe, clone) = (staging.join("probe"), staging.join("probe-clone"));
    // What a kill left here is in the way.
    let remove = || [&probe, &clone].map(std::fs::remove_file);
    let _ = remove();
    std::fs::write(&probe, b"probe").map_err(|e| FileError::new(Action::Write, &probe, e))?;
    let found = clone_file(&probe, &clone, allowed).is_ok();
    let _ = remove();
    Ok(found)
}

/// Where a disk cannot be told, it is taken for the same: whoever asks only wants to know what it would cost.
fn is_same_disk(files: &Path, staging: &Path) -> bool {
    let device =
        |path: &Path| std::fs::metadata(path).ok().map(|facts| FileStamp::of(&facts).device);
    device(files).is_none_or(|held| device(staging).is_none_or(|own| held == own))
}
