//! From an archive to a pack that is ready to be published: its parts as files, and the deltas from earlier versions.

mod error;
mod staging;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use headstart_model::catalog::{CatalogPack, DeltaRef};
use headstart_model::{AppVersions, PackVersion};
use headstart_pack::delta::{self, DeltaSummary};
use headstart_pack::{Level, ScratchChunks};
use headstart_sys::{Action, FileError};

use crate::author::change::Standing;
use crate::author::index::{self, Index};
use crate::author::prepared::{PreparedPack, Staged};
use crate::author::reader::Reader;

pub use error::PrepareError;
use staging::Opened;

/// How packs are made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preparation {
    /// A folder of the caller's for the files, empty at first; they are needed until the packs are published.
    pub staging: PathBuf,
    /// From how many earlier versions delta bundles are made. `Spec: cli, repo publish`: 3 by default.
    pub deltas: usize,
    /// How much work goes into making the deltas small.
    pub level: Level,
    /// The versions of the app that the pack is for, whatever its manifest says of them; none leaves it to the manifest.
    pub app_versions: Option<AppVersions>,
}

/// What is being done to a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub doing: Doing,
    /// Plain bytes that are done.
    pub bytes_done: u64,
    /// Plain bytes there are at most.
    pub bytes_total: u64,
}

/// What is done to a pack while it is made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doing {
    /// Its blocks are read and checked.
    Checking,
    /// A delta bundle is made.
    MakingDelta {
        /// The version it starts from.
        from: PackVersion,
    },
}

/// Hears of each step; breaking off ends the preparation with [`PrepareError::Cancelled`].
pub type Steps<'a> = &'a mut dyn FnMut(Step) -> ControlFlow<()>;

impl Reader {
    /// Makes the pack in `archive` ready to be published.
    ///
    /// Every byte of the archive is read and checked, so that nothing is published that devices would refuse. If the pack is
    /// the same as its newest version, nothing is staged. A delta that would save less than a twentieth is left out.
    ///
    /// # Errors
    /// [`PrepareError`]. Files that were staged before stay for the caller to remove.
    pub fn prepare(
        &mut self,
        archive: &Path,
        how: &Preparation,
        steps: Steps<'_>,
    ) -> Result<PreparedPack, PrepareError> {
        let mut opened = Opened::open(archive)?;
        let mut pack = opened.describe(&how.staging);
        if how.app_versions.is_some() {
            pack.app_versions.clone_from(&how.app_versions);
        }
        let offer = self.decide_version(&pack).map_err(PrepareError::Repository)?;
        if offer.standing == Standing::Known {
            return Ok(self.as_published(pack, &offer.pack));
        }
        opened.stage(&pack)?;
        let mut chunks = opened.extract(&how.staging, steps)?;
        let full_bytes = pack.index.named.structure_bytes.saturating_add(pack.full.named.bytes);
        let mut deltas = Vec::new();
        for former in self.versions(&pack.id, how.deltas).map_err(PrepareError::Repository)? {
            let made = self.make_delta(&former, &opened, &mut chunks, how, steps)?;
            // One that saves next to nothing is not worth its place in the repository and in every catalog.
            if made.named.bytes < full_bytes / 20 * 19 {
                deltas.push(made);
            }
        }
        Ok(PreparedPack { deltas, ..pack })
    }

    /// The pack as it lies in the repository already.
    fn as_published(&self, pack: PreparedPack, published: &CatalogPack) -> PreparedPack {
        let path = self.path_of(&published.index_path());
        let index = Staged { path, named: published.index.clone() };
        let path = self.path_of(&headstart_model::catalog::bundle_path(&published.full.digest));
        PreparedPack { index, full: Staged { path, named: published.full.clone() }, ..pack }
    }

    fn make_delta(
        &self,
        former: &CatalogPack,
        opened: &Opened,
        chunks: &mut ScratchChunks,
        how: &Preparation,
        steps: Steps<'_>,
    ) -> Result<Staged<DeltaRef>, PrepareError> {
        let from = former.version;
        let damaged =
            |source| PrepareError::Former { id: former.id.clone(), version: from, source };
        let Index { complete, table } = index::read(&self.repo, former).map_err(damaged)?;
        let bundle = self.path_of(&headstart_model::catalog::bundle_path(&former.full.digest));
        let mut bundle = File::open(&bundle).map_err(|error| damaged(error.into()))?;
        let scratch = staging::scratch(&how.staging)?;
        let path = how.staging.join(format!("{}-from-{from}.delta", former.id));
        let mut out = File::create(&path).map_err(|e| FileError::new(Action::Create, &path, e))?;
        let bytes_total = opened.complete().tree().unique_bytes();
        let step = Step { doing: Doing::MakingDelta { from }, bytes_done: 0, bytes_total };
        let version = (&complete, &table);
        let mut old =
            staging::extract(version, (&mut bundle, scratch), (step, &mut *steps), damaged)?;
        let mut progress = |bytes_done| {
            steps(Step { doing: Doing::MakingDelta { from }, bytes_done, bytes_total })
        };
        let summary = delta::build_delta(
            delta::Version { complete: &complete, chunks: &mut old },
            delta::Version { complete: opened.complete(), chunks },
            (how.level, opened.launch_set()),
            (&mut staging::scratch(&how.staging)?, &mut out),
            &mut progress,
        )
        .map_err(|source| PrepareError::delta(&former.id, from, source))?;
        Ok(Staged { path, named: name(former, &summary) })
    }
}

fn name(former: &CatalogPack, summary: &DeltaSummary) -> DeltaRef {
    DeltaRef {
        from: former.version,
        from_content: former.content,
        digest: summary.digest,
        bytes: summary.bytes,
        structure_digest: summary.structure_digest,
        structure_bytes: summary.structure_bytes,
    }
}
