//! What must hold whatever happens: the rules of the engine, looked at after every event.

use std::collections::{BTreeMap, BTreeSet};

use headstart_engine::record::Phase;
use headstart_engine::view::{self, AppState};
use headstart_engine::{
    Class, DownloadId, Fact, FileUpdate, Notice, Order, PackUpdate, explain_download,
};
use headstart_model::download::DownloadStatus;
use headstart_model::{AppId, PackId};

use super::{World, places};

/// One event in this many has its rows read back and compared; every crash does so too.
const ROUND_TRIP_EVERY: u64 = 64;

/// What has been seen so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    concluded: BTreeSet<DownloadId>,
    /// Bytes done by download and version.
    progress: BTreeMap<(DownloadId, u64), u64>,
    fractions: BTreeMap<AppId, u32>,
}

impl Watch {
    /// Progress may fall when what was not synced is lost.
    pub(super) fn forget_progress(&mut self) {
        self.progress.clear();
        self.fractions.clear();
    }
}

impl World {
    /// Rules 2 and 3: a download concludes once and says nothing afterwards; progress never falls.
    pub(super) fn check_notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Pack { download, version, update, .. } => {
                assert!(
                    !self.watch.concluded.contains(download),
                    "download {download} has concluded and tells {update:?}"
                );
                match update {
                    PackUpdate::Finished | PackUpdate::Failed(_) => {
                        self.watch.concluded.insert(*download);
                    }
                    PackUpdate::Downloading { bytes_done, bytes_total, .. } => {
                        assert!(bytes_done <= bytes_total);
                        let before =
                            self.watch.progress.insert((*download, version.0), *bytes_done);
                        assert!(before <= Some(*bytes_done), "progress falls from {before:?}");
                    }
                    PackUpdate::Began | PackUpdate::Paused(_) => {}
                }
            }
            Notice::File { id, update, .. } => {
                assert!(!self.watch.concluded.contains(id), "{id} has ended and tells {update:?}");
                match update {
                    FileUpdate::Finished | FileUpdate::Failed(_) => {
                        self.watch.concluded.insert(*id);
                    }
                    FileUpdate::Downloading { bytes_done, .. } => {
                        let before = self.watch.progress.insert((*id, 0), *bytes_done);
                        assert!(before <= Some(*bytes_done), "progress falls from {before:?}");
                    }
                    FileUpdate::Began | FileUpdate::Paused(_) => {}
                }
            }
            Notice::Extension { .. } => {}
            Notice::Installation { app, progress } => {
                let ppm = progress.fraction_ppm;
                let before = self.watch.fractions.insert(app.clone(), ppm);
                assert!(before <= Some(ppm) && ppm <= 1_000_000, "{before:?} and then {ppm}");
            }
            Notice::Launchable { app, .. } => {
                self.watch.fractions.remove(app);
            }
        }
    }

    /// What a performer may rely on when it gets an order.
    pub(super) fn check_order(&mut self, order: &Order) {
        if let Order::RemoveAppData { app, .. } = order {
            self.watch.fractions.remove(app);
        }
        // Rule 4: the live version is never removed.
        if let Order::RemoveVersion { app, pack, version } = order {
            let key = headstart_engine::PackKey::new(app.clone(), pack.clone());
            let local = self.state.records().pack(&key).and_then(|pack| pack.local);
            assert!(local != Some(*version), "{key} {} is live and to be removed", version.version);
        }
        // Nothing works in the staging folder of a pack while something else does.
        let place = staging_of(order);
        let mut others = self.running.values().map(|run| &run.order);
        if let Some(place) = place {
            let other = others.find(|other| staging_of(other).as_ref() == Some(&place));
            assert!(other.is_none(), "{order:?} begins while {other:?} runs");
        }
    }

    pub(super) fn check_event(&self) {
        self.check_classes();
        for app in view::apps(&self.state) {
            let pending = !app.essential_pending.is_empty() || !app.essential_downloads.is_empty();
            match (app.state, app.stage) {
                (AppState::Installing, Some(headstart_engine::record::InstallStage::Essential)) => {
                    assert!(pending, "{} waits for nothing", app.id);
                }
                (AppState::Launchable, _) => {
                    assert!(!pending, "{} is launchable too early", app.id);
                }
                _ => {}
            }
        }
    }

    /// Rule 1: no essential download waits behind one that is not.
    fn check_classes(&self) {
        let views = view::queue(&self.state, None, None, usize::MAX);
        let class_of = |id: DownloadId| views.iter().find(|v| v.id == id).map(|view| view.class);
        let mut moving = Vec::new();
        for run in self.running.values().filter(|run| !run.stopping) {
            if let Order::Plan(delivery) | Order::Transfer(delivery) = &run.order {
                moving.push(class_of(delivery.download));
            }
            if let Order::FetchFile(transfer) = &run.order {
                moving.push(class_of(transfer.download));
            }
        }
        let allowed = self.state.facts().transfers_max as usize;
        assert!(moving.len() <= allowed, "{} transfers run", moving.len());
        if !self.state.facts().is_online() {
            return;
        }
        let essential = moving.iter().filter(|class| **class == Some(Class::Essential)).count();
        let background = moving.iter().flatten().any(|class| class.is_background());
        assert!(essential == 0 || !background, "the background runs beside essential downloads");
        let open = |view: &&view::DownloadView| {
            !matches!(view.status, DownloadStatus::Finished | DownloadStatus::Failed)
        };
        let essentials = views.iter().filter(|view| view.class == Class::Essential);
        for view in essentials.filter(open) {
            let explained = explain_download(&self.state, view.id, self.now());
            let reasons = explained.expect("it is on its way").reasons;
            let crowded = !reasons.is_empty()
                && reasons.iter().all(|r| matches!(r.fact, Fact::SlotsBusy { .. }));
            let stopping = self.running.values().filter(|run| run.stopping).count();
            assert!(
                !crowded || essential + stopping >= allowed.min(moving.len() + stopping),
                "{} waits behind what is not essential",
                view.id
            );
        }
    }

    /// Rule 5's other half: what is written is what is known.
    pub(super) fn check_round_trip(&mut self) {
        if self.rng.below(ROUND_TRIP_EVERY) == 0 {
            assert_eq!(self.load().records(), self.state.records(), "rows and records differ");
        }
    }

    /// Whatever happened, an app reads whole versions only, and every version on record is there.
    pub(super) fn check_disk(&self) {
        for (app, record) in self.state.records().apps() {
            for path in self.namespace(app).values() {
                assert!(self.is_installed(path), "{app} reads {path}, which is not whole");
            }
            let changing = record.switch.is_some() || matches!(record.phase, Phase::Removing(_));
            for (key, pack) in self.state.records().packs_of(app).filter(|_| !changing) {
                let known = pack.local.map(|v| places::installed(app, &key.pack, &v));
                let read = self.namespace(app).get(&key.pack).cloned();
                assert_eq!(known, read, "what is on record of {key} is not what is read");
            }
        }
    }

    pub(super) fn is_installed(&self, path: &str) -> bool {
        let Some((digest, bytes)) = self.contents.get(path) else { return false };
        self.disk.read(path) == Some(&places::content(digest, 0, *bytes)[..])
    }

    /// What an app reads: the paths of its packs.
    pub(super) fn namespace(&self, app: &AppId) -> BTreeMap<PackId, String> {
        let text = self.disk.read(&places::namespace(app)).unwrap_or_default();
        let text = std::str::from_utf8(text).expect("a namespace is text");
        let entries = text.lines().filter_map(|line| line.split_once(' '));
        entries.map(|(pack, path)| (places::pack_id(pack), path.to_owned())).collect()
    }

    /// The version of a pack that an app reads.
    #[must_use]
    pub fn version_read(&self, app: &str, pack: &str) -> Option<u64> {
        let namespace = self.namespace(&places::app_id(app));
        let path = namespace.get(&places::pack_id(pack))?;
        assert!(self.is_installed(path), "{path} is not whole");
        let (_, name) = path.rsplit_once('/')?;
        name.parse().ok()
    }

    /// Whether a version of a pack is on the disk, read by the namespace or not.
    #[must_use]
    pub fn has_version(&self, app: &str, pack: &str, version: u64) -> bool {
        self.disk.read(&format!("packs/{app}/{pack}/{version}")).is_some()
    }

    /// Somebody reads the present version of a pack until [`Self::close_readers`].
    pub fn open_reader(&mut self, app: &str, pack: &str) {
        let namespace = self.namespace(&places::app_id(app));
        self.leases.extend(namespace.get(&places::pack_id(pack)).cloned());
    }

    /// Every reader goes.
    pub fn close_readers(&mut self) {
        self.leases.clear();
    }

    /// The packs that an app can read: whether a signature vouches for each.
    #[must_use]
    pub fn signed_packs(&self, app: &str) -> BTreeMap<String, bool> {
        let app = places::app_id(app);
        let packs =
            self.state.records().packs_of(&app).filter_map(|(key, pack)| {
                Some((key.pack.to_string(), pack.local?.trust.is_signed()))
            });
        packs.collect()
    }

    /// Nothing is owed and nothing is on its way.
    pub(super) fn is_at_rest(&self) -> bool {
        let records = self.state.records();
        records.packs().all(|(_, pack)| {
            pack.asked.is_none() && pack.unreadable.is_none() && pack.owed.is_none()
        }) && records.owed().next().is_none()
            && records.downloads().next().is_none()
            && records.files().next().is_none()
            && self.hearing.inquiries.is_empty()
            && records.apps().all(|(_, app)| {
                app.content_request.is_none()
                    && app.asking.is_none()
                    && !app.languages.changed
                    && matches!(app.phase, Phase::Launchable)
            })
    }

    /// What keeps the world from its rest, for the message of a failed test.
    pub(super) fn unrest(&self) -> String {
        let owed: Vec<_> = self.state.records().owed().collect();
        let downloads = view::queue(&self.state, None, None, usize::MAX);
        let apps = view::apps(&self.state);
        format!(
            "asked: {:?}; owed: {owed:?}; downloads: {downloads:?}; apps: {apps:?}",
            self.hearing.inquiries
        )
    }

    /// Rules 2 and 6 at rest: every call has ended, and nothing is left but what is installed or offered.
    pub(super) fn check_rest(&self) {
        self.check_calls_ended();
        self.check_disk();
        assert_eq!(self.state.open_requests(), 0, "calls are left");
        assert_eq!(self.load().records(), self.state.records(), "rows and records differ");
        for (key, pack) in self.state.records().packs() {
            assert!(pack.retired.is_empty(), "{key} is not at rest");
            let known = pack.offer.is_some() || pack.local.is_some() || pack.withheld.is_some();
            assert!(known, "{key} is an empty row");
        }
        let files: Vec<_> = self.disk.paths("files/").collect();
        assert!(files.is_empty(), "files are left that nobody waits for: {files:?}");
        let staged: Vec<_> = self.disk.paths("staging/").collect();
        let retired = self.disk.paths("packs/").count();
        let live = self.state.records().packs().filter(|(_, pack)| pack.local.is_some()).count();
        assert_eq!(retired, live, "versions are left that nobody reads; staged: {staged:?}");
    }
}

/// The pack in whose staging folder an order works.
fn staging_of(order: &Order) -> Option<(AppId, PackId)> {
    match order {
        Order::Plan(delivery) | Order::Transfer(delivery) => {
            Some((delivery.app.clone(), delivery.target.id.clone()))
        }
        Order::Discard { app, pack } => Some((app.clone(), pack.clone())),
        _ => None,
    }
}
