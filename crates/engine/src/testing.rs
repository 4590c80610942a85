//! A performer for unit tests: it keeps the rows, checks them after every event, and reports what it is told to.

mod asked;

use std::collections::BTreeMap;

use headstart_model::catalog::{BundleRef, CatalogPack, IndexRef};
use headstart_model::record::{Row, Table};
use headstart_model::{
    AppId, ChannelName, ContentRequest, Digest, DownloadPolicy, Failure, InstallationEventType,
    InstallationEventTypes, PackId, PackVersion, ReleaseNumber,
};

pub(crate) use asked::{
    a_failure, answer, code, essential_file, failed, file, group, is_fetch, is_read, limits,
    listing, number, subject, told, with_extension, with_manifest,
};

use crate::record::{ArchiveEntry, Bundle, BundleFiles, PlanFigures, Trust, Unreadable};
use crate::{
    ArchivedOffer, Caller, ClientId, Device, Effect, EffectId, Event, Inquiry, MonotonicTime, Now,
    Order, PackKey, RequestId, State, WallTime, handle,
};

pub(crate) const SECOND_MS: u64 = 1_000;
pub(crate) const HOUR_MS: u64 = 3_600 * SECOND_MS;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

pub(crate) const DEVICE: Device = Device { seed: 11, platform: None };

pub(crate) fn app_id(id: &str) -> AppId {
    AppId::new(id).expect("a good id")
}

pub(crate) fn key(pack: &str) -> PackKey {
    PackKey::new(app_id("app"), PackId::new(pack).expect("a good id"))
}

pub(crate) fn essential() -> DownloadPolicy {
    DownloadPolicy::Essential(both_events())
}

pub(crate) fn prefetch() -> DownloadPolicy {
    DownloadPolicy::Prefetch(both_events())
}

fn both_events() -> InstallationEventTypes {
    use InstallationEventType::{FirstInstallation, SubsequentUpdate};
    InstallationEventTypes { installation_event_types: vec![FirstInstallation, SubsequentUpdate] }
}

/// A pack of 100 bytes.
pub(crate) fn offer(id: &str, version: u64, policy: DownloadPolicy) -> CatalogPack {
    let content = Digest::of(format!("{id} {version}").as_bytes());
    CatalogPack {
        id: PackId::new(id).expect("a good id"),
        version: PackVersion(version),
        download_policy: policy,
        platforms: Vec::new(),
        language: None,
        user_info: None,
        download_size: 100,
        installed_size: 100,
        file_count: 1,
        content,
        index: IndexRef { digest: content, structure_bytes: 1, names_bytes: 1 },
        full: BundleRef { digest: content, bytes: 99 },
        deltas: Vec::new(),
        former: None,
        app_versions: None,
        fallbacks: Vec::new(),
    }
}

pub(crate) fn bundle(version: &str) -> Bundle {
    Bundle {
        path: "/bundle".to_owned(),
        version: version.to_owned(),
        group: None,
        repository: Some("https://assets.example".to_owned()),
        repository_mirrors: Vec::new(),
        channel: ChannelName::production(),
        trust: Trust::Ordinary,
        files: BundleFiles::InPlace,
        languages: Vec::new(),
        manifest: None,
        download_manifest: None,
        extension: false,
        restrictions: None,
        groups: BTreeMap::new(),
    }
}

pub(crate) const PLAN: PlanFigures =
    PlanFigures { total_bytes: 100, remaining_bytes: 100, disk_bytes: 100 };

pub(crate) struct Bench {
    pub(crate) state: State,
    pub(crate) now_ms: u64,
    pub(crate) catalog: (ReleaseNumber, Vec<CatalogPack>),
    /// Packs whose archives cannot be looked at when the plain manifest is read, and why.
    pub(crate) unreadable: BTreeMap<PackId, Failure>,
    /// Where the archives lie that the plain manifest lists.
    pub(crate) archive_host: &'static str,
    rows: BTreeMap<(Table, String), String>,
    orders: BTreeMap<EffectId, Order>,
    /// Effects that were told to stop and do not run.
    ended: Vec<EffectId>,
    /// What was asked and has not been answered, oldest first.
    questions: Vec<Inquiry>,
    next_number: u64,
}

impl Bench {
    pub(crate) fn new(catalog: Vec<CatalogPack>) -> Self {
        let mut bench = Self {
            state: State::new(DEVICE),
            now_ms: 1_000,
            catalog: (ReleaseNumber(1), catalog),
            unreadable: BTreeMap::new(),
            archive_host: "cdn.example.com",
            rows: BTreeMap::new(),
            orders: BTreeMap::new(),
            ended: Vec::new(),
            questions: Vec::new(),
            next_number: 0,
        };
        bench.hear(Event::Restarted);
        bench
    }

    /// A bench on which `app` is installed and nothing is going on.
    pub(crate) fn installed(catalog: Vec<CatalogPack>) -> Self {
        let mut bench = Self::new(catalog);
        bench.install();
        bench.finish_everything();
        bench
    }

    /// A bench on which `app` is being installed and the first pack of the catalog is on its way; its transfer.
    pub(crate) fn transferring(catalog: Vec<CatalogPack>) -> (Self, EffectId) {
        let mut bench = Self::new(catalog);
        bench.install();
        bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
        bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
        bench.finish(|order| matches!(order, Order::Plan(_)));
        let effect = bench.order(|order| matches!(order, Order::Transfer(_)));
        (bench, effect)
    }

    pub(crate) fn now(&self) -> Now {
        Now { wall: WallTime(self.now_ms), monotonic: MonotonicTime(self.now_ms) }
    }

    /// Hears an event, commits, and checks that what was committed is what is known.
    pub(crate) fn hear(&mut self, event: Event) -> Vec<Effect> {
        let now = self.now();
        let effects = handle(&mut self.state, event, now);
        for change in effects.changes {
            match change.body {
                Some(body) => self.rows.insert((change.table, change.key), body),
                None => self.rows.remove(&(change.table, change.key)),
            };
        }
        for effect in &effects.effects {
            match effect {
                Effect::Order { id, order } => drop(self.orders.insert(*id, order.clone())),
                Effect::Stop { id } if !self.orders.contains_key(id) => self.ended.push(*id),
                _ => {}
            }
        }
        let records = self.state.records();
        self.orders.retain(|id, _| records.owed().any(|(owed, _)| owed == *id));
        self.check_load();
        self.note_questions(&effects.effects);
        effects.effects
    }

    pub(crate) fn load(&self) -> State {
        let rows = self.rows.iter().map(|((table, key), body)| Row {
            table: *table,
            key: key.clone(),
            body: body.clone(),
        });
        State::load(rows, DEVICE).expect("own rows")
    }

    /// A new life gives the same records and the same indexes.
    fn check_load(&self) {
        let loaded = self.load();
        assert_eq!(loaded.records(), self.state.records());
        let (left, right) = (&loaded.live, &self.state.live);
        assert_eq!(left.downloads, right.downloads);
        assert_eq!(left.essential, right.essential);
        assert_eq!(left.built, right.built);
        assert_eq!(left.updating, right.updating);
        assert_eq!(left.leaving, right.leaving);
        assert_eq!(left.asked, right.asked);
        assert_eq!(left.owed, right.owed);
        assert_eq!(left.busy, right.busy);
        assert_eq!(left.queue.holds(), right.queue.holds());
        assert!(right.files.is_as_loaded(&left.files), "{:?} {:?}", right.files, left.files);
        assert!(left.active.keys().eq(right.active.keys()));
    }

    /// The service dies and comes back.
    pub(crate) fn restart(&mut self) -> Vec<Effect> {
        self.state = self.load();
        self.orders.clear();
        self.questions.clear();
        self.hear(Event::Restarted)
    }

    pub(crate) fn call(&mut self, event: impl FnOnce(Caller) -> Event) -> Vec<Effect> {
        self.next_number += 1;
        let caller =
            Caller { request: RequestId(self.next_number), client: ClientId(self.next_number) };
        self.hear(event(caller))
    }

    pub(crate) fn install(&mut self) -> Vec<Effect> {
        self.call(|caller| Event::AppInstallRequested {
            caller,
            app: app_id("app"),
            bundle: Box::new(bundle("1")),
            headers: headstart_model::Headers::default(),
        })
    }

    pub(crate) fn publish(&mut self, catalog: Vec<CatalogPack>) {
        self.catalog = (ReleaseNumber(self.catalog.0.0 + 1), catalog);
    }

    pub(crate) fn periodic(&mut self) {
        let request = ContentRequest::Periodic;
        self.hear(Event::ContentRequested { app: app_id("app"), request });
    }

    pub(crate) fn last_client(&self) -> ClientId {
        ClientId(self.next_number)
    }

    /// The effects that run, oldest first.
    pub(crate) fn orders(&self) -> Vec<(EffectId, Order)> {
        self.orders.iter().map(|(id, order)| (*id, order.clone())).collect()
    }

    /// The oldest effect that runs and is of this kind.
    pub(crate) fn order(&self, kind: impl Fn(&Order) -> bool) -> EffectId {
        let found = self.orders.iter().find(|(_, order)| kind(order));
        *found.expect("such an effect runs").0
    }

    /// Lets the oldest effect of this kind succeed.
    pub(crate) fn finish(&mut self, kind: impl Fn(&Order) -> bool) -> Vec<Effect> {
        let effect = self.order(kind);
        self.succeed(effect)
    }

    pub(crate) fn succeed(&mut self, effect: EffectId) -> Vec<Effect> {
        let event = match &self.orders[&effect] {
            Order::PrepareApp { .. } => Event::AppPrepared { effect },
            Order::FetchCatalog { held, .. } if *held == Some(self.catalog.0) => {
                Event::CatalogUnchanged { effect }
            }
            Order::FetchCatalog { .. } => {
                let (release, packs) = self.catalog.clone();
                Event::CatalogFetched { effect, release, packs }
            }
            Order::ReadManifest { held, .. } => {
                let tag = Some(format!("\"{}\"", self.catalog.0));
                if *held == tag {
                    Event::CatalogUnchanged { effect }
                } else {
                    let (packs, unreadable) = self.manifest();
                    Event::ManifestRead { effect, packs, unreadable, tag }
                }
            }
            Order::Plan(_) => Event::PlanMade { effect, plan: PLAN },
            Order::Transfer(_) => Event::TransferFinished { effect },
            Order::Switch { .. } => Event::Switched { effect },
            Order::FetchFile(transfer) => {
                let bytes = transfer.request.file_size.unwrap_or(100);
                match transfer.request.asset_pack() {
                    None => Event::FileFetched { effect, bytes },
                    Some((id, version)) => {
                        let pack = offer(id.as_str(), version.0, DownloadPolicy::on_demand());
                        Event::ArchiveFetched { effect, bytes, pack: Box::new(pack) }
                    }
                }
            }
            Order::RemoveVersion { .. }
            | Order::Discard { .. }
            | Order::DiscardFile { .. }
            | Order::RemoveAppData { .. } => Event::Removed { effect },
        };
        self.hear(event)
    }

    /// What there is to read of the packs of the catalog.
    fn manifest(&self) -> (Vec<ArchivedOffer>, Vec<(PackId, Unreadable)>) {
        let (mut packs, mut unreadable) = (Vec::new(), Vec::new());
        for pack in self.catalog.1.clone() {
            let archive = format!("https://{}/{}-{}", self.archive_host, pack.id, pack.version);
            if let Some(failure) = self.unreadable.get(&pack.id).cloned() {
                let (policy, language) = (pack.download_policy, pack.language);
                let entry = Some(ArchiveEntry { version: pack.version, archive });
                unreadable.push((pack.id, Unreadable { policy, language, entry, failure }));
            } else {
                packs.push(ArchivedOffer { pack, archive });
            }
        }
        (packs, unreadable)
    }

    /// Lets everything succeed that runs, without letting time pass.
    pub(crate) fn settle(&mut self) {
        while let Some(effect) = self.orders.keys().next().copied() {
            self.succeed(effect);
        }
    }

    /// Lets every effect succeed, and time pass, until nothing is owed and nothing is on its way.
    pub(crate) fn finish_everything(&mut self) {
        for _ in 0..1_000 {
            if let Some(effect) = self.ended.pop() {
                self.hear(Event::Stopped { effect });
            } else if let Some(effect) = self.orders.keys().next().copied() {
                self.succeed(effect);
            } else if self.is_at_rest() {
                return;
            } else {
                self.pass(60 * 60 * 1_000);
            }
        }
        panic!("no rest: {:?}", self.state.records());
    }

    fn is_at_rest(&self) -> bool {
        let records = self.state.records();
        records.downloads().next().is_none()
            && records.owed().next().is_none()
            && records.files().all(|(_, file)| file.outcome().is_some())
            && records
                .apps()
                .all(|(_, app)| app.content_request.is_none() && !app.languages.changed)
            && records.packs().all(|(_, pack)| pack.asked.is_none())
    }

    pub(crate) fn pass(&mut self, span_ms: u64) -> Vec<Effect> {
        self.now_ms += span_ms;
        self.hear(Event::TimerDue)
    }
}
