//! Does what the engine orders, in the virtual network and on the virtual disk, the way the daemon does it.

use headstart_engine::record::{
    ArchiveEntry, LocalVersion, PlanFigures, Repository, SwitchItem, Unreadable,
};
use headstart_engine::{ArchivedOffer, Delivery, EffectId, Event, Order, Supply};
use headstart_model::catalog::CatalogPack;
use headstart_model::{AppId, ErrorKind, Failure, PackId, ReleaseNumber};

use super::{Happening, World, places};
use crate::publisher::Standing;

/// Bytes that arrive in one step of a transfer.
const STEP_BYTES: u64 = 32;

/// An effect that runs.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) order: Order,
    pub(super) stopping: bool,
    /// What the server said when a check asked it.
    seen: Option<(Standing, ReleaseNumber, Vec<CatalogPack>)>,
}

/// The address by which a publisher is known who gives this.
fn publisher_of(supply: &Supply) -> &str {
    match supply {
        Supply::Repository(repository) => &repository.url,
        Supply::Archive(url) => url.rsplit_once('/').map_or(url, |(publisher, _)| publisher),
    }
}

impl World {
    /// Begins an effect; one that runs already goes on.
    pub(super) fn start(&mut self, id: EffectId, order: Order) {
        if self.running.contains_key(&id) {
            return;
        }
        self.check_order(&order);
        let seen = match &order {
            Order::FetchCatalog { repository: Repository { url, .. }, .. }
            | Order::ReadManifest { url, .. } => {
                let publisher = self.publishers.entry(url.clone()).or_default();
                Some((publisher.standing, publisher.release(), publisher.catalog()))
            }
            _ => None,
        };
        self.running.insert(id, Run { order, stopping: false, seen });
        let delay_ms = self.rng.between(5, 120);
        self.schedule(delay_ms, Happening::Step(id));
    }

    pub(super) fn stop(&mut self, id: EffectId) {
        if let Some(run) = self.running.get_mut(&id) {
            run.stopping = true;
        } else {
            self.schedule(1, Happening::Report(Event::Stopped { effect: id }));
        }
    }

    pub(super) fn end(&mut self, id: EffectId, event: Event) {
        self.running.remove(&id);
        self.hear(event);
    }

    /// Gets on with a running effect.
    pub(super) fn get_on(&mut self, id: EffectId) {
        let Some(run) = self.running.get(&id) else { return };
        let order = run.order.clone();
        let stoppable = !matches!(
            order,
            Order::Switch { .. }
                | Order::RemoveVersion { .. }
                | Order::Discard { .. }
                | Order::DiscardFile { .. }
                | Order::RemoveAppData { .. }
        );
        // One that is told to stop may come to its end first.
        if run.stopping && stoppable && self.rng.chance(700) {
            return self.end(id, Event::Stopped { effect: id });
        }
        match order {
            Order::PrepareApp { app, .. } => self.prepare(id, &app),
            Order::FetchCatalog { held, .. } => self.fetch_catalog(id, held),
            Order::ReadManifest { url, known, held, .. } => {
                self.read_manifest(id, &url, &known, held.as_deref());
            }
            Order::Plan(delivery) => self.plan(id, &delivery),
            Order::Transfer(delivery) => self.transfer(id, &delivery),
            Order::Switch { app, items } => self.switch(id, &app, &items),
            Order::RemoveVersion { app, pack, version } => {
                self.remove_version(id, &app, &pack, &version);
            }
            Order::Discard { app, pack } => self.discard(id, &app, &pack),
            Order::FetchFile(transfer) => self.fetch_file(id, &transfer),
            Order::DiscardFile { download, .. } => self.discard_file(id, download),
            Order::RemoveAppData { app, keep, .. } => self.remove_app_data(id, &app, &keep),
        }
    }

    fn prepare(&mut self, id: EffectId, app: &AppId) {
        let registration = places::registration(app);
        self.disk.replace(&registration, b"registered");
        self.disk.sync_file(&registration);
        if self.falls_over() {
            return;
        }
        self.disk.sync_names();
        self.end(id, Event::AppPrepared { effect: id });
    }

    /// A publisher here has each of its packs as an archive, too: its newest version. Archives that are not known are looked at, and
    /// some of them cannot be.
    fn read_manifest(
        &mut self,
        id: EffectId,
        url: &str,
        known: &[ArchivedOffer],
        held: Option<&str>,
    ) {
        let seen = self.running.get_mut(&id).and_then(|run| run.seen.take());
        let Some((Standing::Sound, release, listed)) = seen.filter(|_| !self.connection_fails())
        else {
            return self.end(id, Event::CatalogFailed { effect: id, failure: no_connection() });
        };
        let tag = format!("\"{release}\"");
        if held == Some(tag.as_str()) {
            return self.end(id, Event::CatalogUnchanged { effect: id });
        }
        let (mut packs, mut unreadable) = (Vec::new(), Vec::new());
        for pack in listed {
            let archive = format!("{url}/{}-{}", pack.id, pack.version);
            let is_known = known.iter().any(|it| it.pack.id == pack.id && it.archive == archive);
            if !is_known && self.connection_fails() {
                let (policy, language) = (pack.download_policy, pack.language);
                let entry = Some(ArchiveEntry { version: pack.version, archive });
                let failure = no_connection();
                unreadable.push((pack.id, Unreadable { policy, language, entry, failure }));
            } else {
                packs.push(ArchivedOffer { pack: pack.alone(), archive });
            }
        }
        self.end(id, Event::ManifestRead { effect: id, packs, unreadable, tag: Some(tag) });
    }

    fn fetch_catalog(&mut self, id: EffectId, held: Option<ReleaseNumber>) {
        let seen = self.running.get_mut(&id).and_then(|run| run.seen.take());
        let event = match seen {
            _ if self.connection_fails() => {
                Event::CatalogFailed { effect: id, failure: no_connection() }
            }
            Some((Standing::Expired, ..)) => {
                Event::CatalogFailed { effect: id, failure: expired() }
            }
            Some((Standing::Sound, release, _)) if held == Some(release) => {
                Event::CatalogUnchanged { effect: id }
            }
            Some((Standing::Sound, release, packs)) => {
                Event::CatalogFetched { effect: id, release, packs }
            }
            None => Event::CatalogFailed { effect: id, failure: no_connection() },
        };
        self.end(id, event);
    }

    pub(super) fn connection_fails(&mut self) -> bool {
        !self.online || self.rng.chance(self.faults.network)
    }

    fn plan(&mut self, id: EffectId, delivery: &Delivery) {
        let event = if let Some(failure) = self.trouble(delivery) {
            Event::TransferFailed { effect: id, failure }
        } else {
            let total_bytes = delivery.target.download_size;
            let remaining_bytes = total_bytes - self.staged(delivery);
            let plan = PlanFigures { total_bytes, remaining_bytes, disk_bytes: remaining_bytes };
            Event::PlanMade { effect: id, plan }
        };
        self.end(id, event);
    }

    /// What keeps bytes of a version from arriving now.
    fn trouble(&mut self, delivery: &Delivery) -> Option<Failure> {
        let publisher = self.publishers.get(publisher_of(&delivery.supply))?;
        let (wanted, live) = (delivery.target.version.0, publisher.version(&delivery.target.id));
        // A repository keeps the version before the live one for a while, and the one after it when it was rolled back.
        let kept = live.is_some_and(|live| live.0.abs_diff(wanted) <= 1);
        if self.connection_fails() {
            return Some(no_connection());
        }
        if self.rng.chance(self.faults.corrupt) {
            let text = "a block is not the one that was signed";
            return Some(Failure::new(ErrorKind::Untrusted, "corruptBlock", text));
        }
        (!kept).then(|| {
            Failure::new(ErrorKind::NotFound, "httpNotFound", "the server has no such bundle")
        })
    }

    fn staged(&self, delivery: &Delivery) -> u64 {
        let version = LocalVersion::of(&delivery.target);
        let path = places::staging(&delivery.app, &delivery.target.id, &version);
        self.disk.read(&path).map_or(0, |bytes| bytes.len() as u64)
    }

    fn transfer(&mut self, id: EffectId, delivery: &Delivery) {
        let version = LocalVersion::of(&delivery.target);
        let (total, done) = (delivery.target.download_size, self.staged(delivery));
        let more = STEP_BYTES.min(total - done);
        if let Some(failure) = self.trouble(delivery) {
            return self.end(id, Event::TransferFailed { effect: id, failure });
        }
        if self.room() < more {
            let failure = Failure::new(ErrorKind::NoSpace, "noSpace", "the disk is full");
            return self.end(id, Event::TransferFailed { effect: id, failure });
        }
        let path = places::staging(&delivery.app, &delivery.target.id, &version);
        self.remember(&delivery.app, &delivery.target.id, &version);
        self.disk.append(&path, &places::content(&version.content, done, done + more));
        let complete = done + more == total;
        if complete || self.rng.chance(300) {
            self.disk.sync_file(&path);
            self.disk.sync_names();
        }
        if complete {
            return self.end(id, Event::TransferFinished { effect: id });
        }
        let life = self.life;
        self.hear(Event::BytesMoved { effect: id, bytes_done: done + more });
        if self.life == life {
            let delay_ms = self.rng.between(5, 60);
            self.schedule(delay_ms, Happening::Step(id));
        }
    }

    pub(super) fn remember(&mut self, app: &AppId, pack: &PackId, version: &LocalVersion) {
        let known = (version.content, version.installed_bytes);
        self.contents.insert(places::installed(app, pack, version), known);
    }

    /// Makes versions live: each into its place, then one rename that all readers see.
    fn switch(&mut self, id: EffectId, app: &AppId, items: &[SwitchItem]) {
        if self.rng.chance(self.faults.disk) {
            let failure = Failure::new(ErrorKind::Internal, "io", "the disk does not answer");
            return self.end(id, Event::SwitchFailed { effect: id, failure, damaged: Vec::new() });
        }
        let damaged: Vec<_> = items.iter().filter_map(|item| self.damaged(app, item)).collect();
        if !damaged.is_empty() {
            let text = "what is staged is not what was verified";
            let failure = Failure::new(ErrorKind::Untrusted, "damaged", text);
            return self.end(id, Event::SwitchFailed { effect: id, failure, damaged });
        }
        for item in items {
            if let Some(version) = &item.to {
                let staging = places::staging(app, &item.pack, version);
                self.disk.rename(&staging, &places::installed(app, &item.pack, version));
            }
            if self.falls_over() {
                return;
            }
        }
        if !self.write_namespace(app, items) {
            return;
        }
        for item in items {
            self.clear_staging(app, &item.pack);
        }
        self.disk.sync_names();
        self.check_disk();
        self.end(id, Event::Switched { effect: id });
    }

    /// Looks whether the version of an item is whole, installed or staged; one that is not is thrown away.
    fn damaged(&mut self, app: &AppId, item: &SwitchItem) -> Option<PackId> {
        let version = item.to.as_ref()?;
        self.remember(app, &item.pack, version);
        if self.is_installed(&places::installed(app, &item.pack, version)) {
            return None;
        }
        let staging = places::staging(app, &item.pack, version);
        let whole = places::content(&version.content, 0, version.installed_bytes);
        let is_whole = self.disk.read(&staging) == Some(&whole[..]);
        if is_whole && !self.rng.chance(self.faults.damage) {
            return None;
        }
        self.disk.remove(&staging);
        Some(item.pack.clone())
    }

    /// Writes an app's namespace anew; false when the power went.
    fn write_namespace(&mut self, app: &AppId, items: &[SwitchItem]) -> bool {
        let mut entries = self.namespace(app);
        for item in items {
            match &item.to {
                Some(version) => {
                    entries.insert(item.pack.clone(), places::installed(app, &item.pack, version))
                }
                None => entries.remove(&item.pack),
            };
        }
        let lines: Vec<_> = entries.iter().map(|(pack, path)| format!("{pack} {path}")).collect();
        let text = lines.join("\n");
        let (path, fresh) = (places::namespace(app), format!("{}.new", places::namespace(app)));
        self.disk.replace(&fresh, text.as_bytes());
        self.disk.sync_file(&fresh);
        if self.falls_over() {
            return false;
        }
        self.disk.rename(&fresh, &path);
        if self.falls_over() {
            return false;
        }
        self.disk.sync_names();
        true
    }

    fn clear_staging(&mut self, app: &AppId, pack: &PackId) {
        let prefix = places::staging_of(app, pack);
        for path in self.disk.paths(&prefix).map(str::to_owned).collect::<Vec<_>>() {
            self.disk.remove(&path);
        }
    }

    fn remove_version(&mut self, id: EffectId, app: &AppId, pack: &PackId, version: &LocalVersion) {
        let path = places::installed(app, pack, version);
        if self.leases.contains(&path) {
            return self.end(id, Event::VersionInUse { effect: id });
        }
        if self.rng.chance(self.faults.disk) {
            let failure = Failure::new(ErrorKind::Internal, "io", "the disk does not answer");
            return self.end(id, Event::RemovalFailed { effect: id, failure });
        }
        assert!(
            self.namespace(app).get(pack) != Some(&path),
            "{path} is live and is being removed"
        );
        self.disk.remove(&path);
        self.disk.sync_names();
        self.end_removal(id);
    }

    fn discard(&mut self, id: EffectId, app: &AppId, pack: &PackId) {
        if self.rng.chance(self.faults.disk) {
            let failure = Failure::new(ErrorKind::Internal, "io", "the disk does not answer");
            return self.end(id, Event::RemovalFailed { effect: id, failure });
        }
        self.clear_staging(app, pack);
        // What a step had put in its place before it broke off, and no namespace names.
        let live = self.namespace(app).get(pack).cloned();
        let folder = format!("packs/{app}/{pack}/");
        for path in self.disk.paths(&folder).map(str::to_owned).collect::<Vec<_>>() {
            if live.as_ref() != Some(&path) && !self.leases.contains(&path) {
                self.disk.remove(&path);
            }
        }
        self.disk.sync_names();
        self.end_removal(id);
    }

    pub(super) fn end_removal(&mut self, id: EffectId) {
        let life = self.life;
        self.end(id, Event::Removed { effect: id });
        if self.disk_room.is_some() && self.life == life {
            self.tell_facts();
        }
    }

    fn remove_app_data(&mut self, id: EffectId, app: &AppId, keep: &[(PackId, LocalVersion)]) {
        let kept: Vec<String> =
            keep.iter().map(|(pack, version)| places::installed(app, pack, version)).collect();
        let gone: Vec<SwitchItem> = self
            .namespace(app)
            .iter()
            .filter(|(_, path)| !kept.contains(path))
            .map(|(pack, _)| SwitchItem { pack: pack.clone(), to: None })
            .collect();
        if !self.write_namespace(app, &gone) {
            return;
        }
        let folders = [format!("staging/{app}/"), format!("packs/{app}/"), format!("files/{app}/")];
        for folder in folders {
            let paths: Vec<_> = self.disk.paths(&folder).map(str::to_owned).collect();
            for path in paths.into_iter().filter(|path| !kept.contains(path)) {
                self.disk.remove(&path);
            }
        }
        self.disk.remove(&places::registration(app));
        self.disk.sync_names();
        self.end_removal(id);
    }
}

pub(super) fn no_connection() -> Failure {
    Failure::new(ErrorKind::Network, "connect", "the server cannot be reached")
}

fn expired() -> Failure {
    Failure::new(ErrorKind::Untrusted, "metadataExpired", "the repository's metadata has expired")
}
