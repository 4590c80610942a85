//! Work per event does not grow with the queue. Counted in steps and effects, not in seconds.

use std::collections::BTreeMap;

use headstart_model::{ErrorKind, ServerOrigin};

use super::failure;
use crate::class::Demand;
use crate::record::{
    App, Counters, Download, FileDownload, FilePurpose, Freshness, Pack, Phase, Records, Switch,
};
use crate::testing::{DEVICE, PLAN, app_id, bundle, file, offer, prefetch, with_extension};
use crate::{
    Caller, CancelTarget, ClientId, DownloadId, Effect, EffectId, Event, ExtensionAnswer,
    FactsChange, Inquiry, MonotonicTime, Network, Now, Order, Origin, PackKey, RequestId, State,
    WallTime, handle,
};

const APPS: u64 = 20;
const PACKS: u64 = 5_000;
/// What one event may do. The number of transfers that run and the size of a batch are part of it, the queue is not.
const STEPS_MAX: u64 = 100;
const EFFECTS_MAX: usize = 200;

fn app(number: u64) -> headstart_model::AppId {
    app_id(&format!("app-{number:02}"))
}

/// A state in which 100,000 single downloads of 20 apps wait.
fn crowded_with_files() -> State {
    let mut records = Records::default();
    for number in 0..APPS {
        let record = App { phase: Phase::Launchable, ..App::new(with_extension(), WallTime(0)) };
        records.apps.insert(app(number), record);
        for index in 0..PACKS {
            let id = DownloadId(number * PACKS + index + 1);
            let wanted = file(&format!("file-{index}"));
            let purpose = FilePurpose::Scheduled;
            let download = FileDownload::new(app(number), wanted, purpose, WallTime(0));
            records.files.insert(id, download);
        }
    }
    records.counters = Counters { next_download: APPS * PACKS + 1, ..Counters::default() };
    State::of(records, DEVICE)
}

/// A state in which 100,000 downloads of 20 apps wait.
fn crowded() -> State {
    let mut records = Records::default();
    let wanted = offer("pack", 1, prefetch());
    for number in 0..APPS {
        let record = App { phase: Phase::Launchable, ..App::new(bundle("1"), WallTime(0)) };
        records.apps.insert(app(number), record);
        for pack in 0..PACKS {
            let mut offer = wanted.clone();
            offer.id = headstart_model::PackId::new(format!("pack-{pack}")).expect("a good id");
            let key = PackKey::new(app(number), offer.id.clone());
            let id = DownloadId(number * PACKS + pack + 1);
            let target = crate::record::LocalVersion::of(&offer);
            let download = Download::new(key.clone(), (target, 100), Demand::Prefetch, WallTime(0));
            records.downloads.insert(id, download);
            let pack = Pack { offer: Some(offer), download: Some(id), ..Pack::default() };
            records.packs.insert(key, pack);
        }
    }
    records.counters = Counters { next_download: APPS * PACKS + 1, ..Counters::default() };
    State::of(records, DEVICE)
}

struct Meter {
    state: State,
    now_ms: u64,
    running: BTreeMap<EffectId, Order>,
    questions: Vec<Inquiry>,
}

impl Meter {
    /// A new life of the service, which may do as much as there is.
    fn of(state: State) -> Self {
        let mut meter =
            Self { state, now_ms: 1_000, running: BTreeMap::new(), questions: Vec::new() };
        let now = Now { wall: WallTime(1_000), monotonic: MonotonicTime(1_000) };
        for effect in handle(&mut meter.state, Event::Restarted, now).effects {
            if let Effect::Order { id, order } = effect {
                meter.running.insert(id, order);
            }
        }
        meter
    }

    /// Hears an event and fails if it does too much.
    fn hear(&mut self, event: Event) {
        let before = self.state.live.steps;
        let now = Now { wall: WallTime(self.now_ms), monotonic: MonotonicTime(self.now_ms) };
        let text = format!("{event:?}");
        let effects = handle(&mut self.state, event, now);
        let (steps, count) =
            (self.state.live.steps - before, effects.changes.len() + effects.effects.len());
        assert!(
            steps <= STEPS_MAX && count <= EFFECTS_MAX,
            "{text}: {steps} steps, {count} effects"
        );
        for effect in effects.effects {
            match effect {
                Effect::Order { id, order } => drop(self.running.insert(id, order)),
                Effect::Ask(inquiry) => self.questions.push(inquiry),
                _ => {}
            }
        }
    }

    fn caller(number: u64) -> Caller {
        Caller { request: RequestId(number), client: ClientId(number) }
    }

    /// Ends the oldest running effect.
    fn end(&mut self, report: impl Fn(EffectId, &Order) -> Event) {
        let (id, order) = self.running.pop_first().expect("something runs");
        self.hear(report(id, &order));
    }
}

fn success(effect: EffectId, order: &Order) -> Event {
    match order {
        Order::Plan(_) => Event::PlanMade { effect, plan: PLAN },
        Order::Transfer(_) => Event::TransferFinished { effect },
        Order::Switch { .. } => Event::Switched { effect },
        Order::FetchFile(_) => Event::FileFetched { effect, bytes: 100 },
        _ => Event::Removed { effect },
    }
}

fn network(network: Network) -> Event {
    Event::FactsChanged { news: FactsChange { network: Some(network), ..FactsChange::default() } }
}

fn room(bytes: u64) -> Event {
    let disk_free_bytes = Some(crate::DISK_RESERVE_BYTES + bytes);
    Event::FactsChanged { news: FactsChange { disk_free_bytes, ..FactsChange::default() } }
}

#[test]
fn no_event_grows_with_a_queue_of_a_hundred_thousand() {
    let mut meter = Meter::of(crowded());
    assert_eq!(meter.running.len(), 3, "no more than may run");
    for _ in 0..60 {
        meter.end(success);
    }
    // A server that fails fills the line of those that back off.
    for _ in 0..300 {
        meter.end(|effect, _| Event::TransferFailed {
            effect,
            failure: failure(ErrorKind::Network),
        });
    }
    for _ in 0..4 {
        meter.hear(network(Network::Offline));
        meter.now_ms += 600_000;
        meter.hear(Event::TimerDue);
        meter.hear(network(Network::Online));
        meter.hear(Event::TimerDue);
    }
    // A token for a private repository lets those go on that were refused.
    for _ in 0..300 {
        meter.end(|effect, _| Event::TransferFailed {
            effect,
            failure: failure(ErrorKind::Refused),
        });
    }
    for number in 0..4 {
        let headers = [("authorization", number.to_string())].into_iter().collect();
        let (caller, app) = (Meter::caller(number), app(number % APPS));
        let server = ServerOrigin::of("https://assets.example");
        meter.hear(Event::ServerHeadersGiven { caller, app, server, headers });
        meter.now_ms += 1;
        meter.hear(Event::TimerDue);
    }
    // A full disk sets those aside whose need is known; room brings them back.
    meter.hear(room(50));
    for _ in 0..60 {
        meter.end(success);
    }
    meter.hear(room(1 << 40));
    for number in 0..20 {
        let packs = vec![
            headstart_model::PackId::new(format!("pack-{}", 4_000 + number)).expect("a good id"),
        ];
        let caller = Caller { request: RequestId(number), client: ClientId(number) };
        let (app, terms) = (app(number % APPS), Freshness::Any.into());
        meter.hear(Event::EnsureRequested { caller, app, packs, terms });
        meter.hear(Event::ClientGone { client: ClientId(number) });
        let caller = Caller { request: RequestId(100 + number), client: ClientId(number) };
        let target = CancelTarget::Download(DownloadId(90_000 + number));
        meter.hear(Event::CancelRequested { caller, target });
    }
}

#[test]
fn no_event_grows_with_a_queue_of_a_hundred_thousand_single_downloads() {
    let mut meter = Meter::of(crowded_with_files());
    assert_eq!(meter.running.len(), 3, "no more than may run");
    for _ in 0..60 {
        meter.end(success);
    }
    for _ in 0..100 {
        meter.end(|effect, order| match order {
            Order::FetchFile(_) => {
                Event::TransferFailed { effect, failure: failure(ErrorKind::Network) }
            }
            _ => success(effect, order),
        });
    }
    assert!(!meter.questions.is_empty());
    while let Some(Inquiry { app, call, .. }) = meter.questions.pop() {
        let answer = ExtensionAnswer::Heard;
        meter.hear(Event::ExtensionReturned { app, call, answer, used_ms: 1 });
    }
    meter.hear(network(Network::Offline));
    meter.now_ms += 600_000;
    meter.hear(Event::TimerDue);
    meter.hear(network(Network::Online));
    meter.hear(Event::TimerDue);
    for (number, switch) in [(1, Switch::Off), (2, Switch::On)] {
        let setting = crate::record::Setting::BackgroundActivity(None, switch);
        meter.hear(Event::SettingChanged { caller: Meter::caller(number), setting });
    }
    meter.hear(room(50));
    meter.hear(room(1 << 40));
    for number in 10..30 {
        let identifier = format!("file-{}", 4_000 + number);
        let caller = Meter::caller(number);
        meter.hear(Event::DownloadsScheduled {
            caller,
            app: app(number % APPS),
            origin: Origin::App,
            downloads: vec![file(&identifier), file(&format!("new-{number}"))],
            foreground: true,
        });
        meter.hear(Event::DelegateAttached { client: caller.client, app: app(number % APPS) });
        meter.hear(Event::FileCancelRequested {
            caller: Meter::caller(100 + number),
            app: app(number % APPS),
            identifier,
        });
        meter.hear(Event::ClientGone { client: caller.client });
    }
}
