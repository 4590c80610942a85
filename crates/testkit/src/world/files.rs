//! Single downloads in the virtual network: what arrives of them lies on the virtual disk until it is discarded.

use headstart_engine::record::LocalVersion;
use headstart_engine::{DownloadId, EffectId, Event, FileLimit, FileTransfer};
use headstart_model::catalog::CatalogPack;
use headstart_model::{AppId, ErrorKind, Failure};

use super::performer::no_connection;
use super::{Happening, World, places};
use crate::publisher::archived;

/// Bytes that arrive in one step of a transfer.
const STEP_BYTES: u64 = 32;
/// The size of a file whose size nobody has named.
const UNNAMED_BYTES: u64 = 100;

impl World {
    pub(super) fn fetch_file(&mut self, id: EffectId, transfer: &FileTransfer) {
        let path = places::file(&transfer.app, transfer.download);
        let done = self.disk.read(&path).map_or(0, |bytes| bytes.len() as u64);
        let total = match transfer.limit {
            FileLimit::Exactly(bytes) => bytes,
            FileLimit::Allowance(_) | FileLimit::Service(_) => UNNAMED_BYTES,
        };
        let more = STEP_BYTES.min(total - done);
        if self.connection_fails() {
            return self.end(id, Event::TransferFailed { effect: id, failure: no_connection() });
        }
        if self.absent_files.contains(&transfer.request.url) {
            let failure = Failure::new(ErrorKind::NotFound, "httpNotFound", "no such file");
            return self.end(id, Event::TransferFailed { effect: id, failure });
        }
        if self.room() < more {
            let failure = Failure::new(ErrorKind::NoSpace, "noSpace", "the disk is full");
            return self.end(id, Event::TransferFailed { effect: id, failure });
        }
        self.disk.append(&path, &vec![0; usize::try_from(more).unwrap_or_default()]);
        let complete = done + more == total;
        if complete || self.rng.chance(300) {
            self.disk.sync_file(&path);
            self.disk.sync_names();
        }
        if complete && let Some((pack, version)) = transfer.request.asset_pack() {
            let described = archived(&pack, version, total);
            return self.build(id, &transfer.app, described);
        }
        if complete {
            return self.end(id, Event::FileFetched { effect: id, bytes: total });
        }
        let life = self.life;
        self.hear(Event::BytesMoved { effect: id, bytes_done: done + more });
        if self.life == life {
            let delay_ms = self.rng.between(5, 60);
            self.schedule(delay_ms, Happening::Step(id));
        }
    }

    /// Builds the version of an archive that has arrived, and hands the archive over.
    fn build(&mut self, id: EffectId, app: &AppId, described: CatalogPack) {
        if self.rng.chance(self.faults.corrupt) {
            let text = "it does not agree with its index";
            let failure = Failure::new(ErrorKind::InvalidInput, "archiveDamaged", text);
            return self.end(id, Event::TransferFailed { effect: id, failure });
        }
        let version = LocalVersion::of(&described);
        let (path, bytes) =
            (places::staging(app, &described.id, &version), version.installed_bytes);
        self.remember(app, &described.id, &version);
        if !self.is_installed(&places::installed(app, &described.id, &version)) {
            self.disk.replace(&path, &places::content(&version.content, 0, bytes));
            self.disk.sync_file(&path);
            self.disk.sync_names();
        }
        if self.falls_over() {
            return;
        }
        if self.rng.chance(self.faults.disk) {
            let failure = Failure::new(ErrorKind::Internal, "io", "it cannot be handed over");
            return self.end(id, Event::TransferFailed { effect: id, failure });
        }
        self.end(id, Event::ArchiveFetched { effect: id, bytes, pack: Box::new(described) });
    }

    /// Whether something lies there of versions of an app that never became readable.
    #[must_use]
    pub fn has_staged(&self, app: &str) -> bool {
        self.disk.paths(&format!("staging/{app}/")).next().is_some()
    }

    pub(super) fn discard_file(&mut self, id: EffectId, download: DownloadId) {
        let of = format!("/{download}");
        let paths = self.disk.paths("files/").filter(|path| path.ends_with(&of));
        for path in paths.map(str::to_owned).collect::<Vec<_>>() {
            self.disk.remove(&path);
        }
        self.disk.sync_names();
        self.end_removal(id);
    }

    /// Whether the file of a single download lies on the disk, whole or in part.
    #[must_use]
    pub fn has_file(&self, app: &str, download: DownloadId) -> bool {
        let app = AppId::new(app).expect("scenarios name apps validly");
        self.disk.read(&places::file(&app, download)).is_some()
    }
}
