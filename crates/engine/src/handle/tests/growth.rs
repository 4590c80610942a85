//! Work per event does not grow with the queue. Counted in steps and effects, not in seconds.

use std::collections::BTreeMap;

use headstart_model::ErrorKind;

use super::failure;
use crate::class::Demand;
use crate::record::{App, Counters, Download, Freshness, Pack, Phase, Records};
use crate::testing::{DEVICE, PLAN, app_id, bundle, offer, prefetch};
use crate::{
    Caller, CancelTarget, ClientId, DownloadId, Effect, EffectId, Event, FactsChange,
    MonotonicTime, Network, Now, Order, PackKey, RequestId, State, WallTime, handle,
};

const APPS: u64 = 20;
const PACKS: u64 = 5_000;
/// What one event may do. The number of transfers that run and the size of a batch are part of it, the queue is not.
const STEPS_MAX: u64 = 100;
const EFFECTS_MAX: usize = 200;

fn app(number: u64) -> headstart_model::AppId {
    app_id(&format!("app-{number:02}"))
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
            let download = Download::new(key.clone(), &offer, Demand::Prefetch, WallTime(0));
            records.downloads.insert(id, download);
            let pack = Pack { offer: Some(offer), download: Some(id), ..Pack::default() };
            records.packs.insert(key, pack);
        }
    }
    records.counters = Counters { next_effect: 1, next_download: APPS * PACKS + 1 };
    State::of(records, DEVICE)
}

struct Meter {
    state: State,
    now_ms: u64,
    running: BTreeMap<EffectId, Order>,
}

impl Meter {
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
            if let Effect::Order { id, order } = effect {
                self.running.insert(id, order);
            }
        }
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
    let mut meter = Meter { state: crowded(), now_ms: 1_000, running: BTreeMap::new() };
    let now = Now { wall: WallTime(1_000), monotonic: MonotonicTime(1_000) };
    for effect in handle(&mut meter.state, Event::Restarted, now).effects {
        if let Effect::Order { id, order } = effect {
            meter.running.insert(id, order);
        }
    }
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
