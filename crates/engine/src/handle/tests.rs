//! What holds for every event.

use headstart_model::{DownloadPolicy, ErrorKind, Failure, ServerOrigin};
use proptest::prelude::*;

use crate::record::{Freshness, KeepData};
use crate::testing::{Bench, PLAN, app_id, bundle, essential, key, offer, prefetch};
use crate::{
    CancelTarget, Effect, EffectId, Event, FactsChange, Network, Order, PackUpdate, Reply, view,
};

mod allowances;
mod around_extension;
mod beside_signed;
mod challenges;
mod downloads;
mod errors;
mod exclusive;
mod extension;
mod failures;
mod groups;
mod growth;
mod installation;
mod lasting;
mod leases;
mod managed_extension;
mod owed_requests;
mod replaced;
mod routing;
mod server_headers;
mod unreadable;
mod unsigned;

fn failure(kind: ErrorKind) -> Failure {
    Failure::new(kind, "test", "it failed")
}

/// Every way in which an effect can be reported.
fn reports(effect: EffectId) -> Vec<Event> {
    let failure = failure(ErrorKind::Network);
    vec![
        Event::FilesMoved { effect, bytes_done: 1, bytes_total: 2 },
        Event::AppPrepared { effect },
        Event::PrepareFailed { effect, failure: failure.clone() },
        Event::CatalogFetched {
            effect,
            release: headstart_model::ReleaseNumber(9),
            packs: Vec::new(),
        },
        Event::CatalogUnchanged { effect },
        Event::ManifestRead { effect, packs: Vec::new(), unreadable: Vec::new(), tag: None },
        Event::ArchiveFetched { effect, bytes: 1, pack: Box::new(offer("core", 9, essential())) },
        Event::CatalogFailed { effect, failure: failure.clone() },
        Event::PlanMade { effect, plan: PLAN },
        Event::BytesMoved { effect, bytes_done: 1 },
        Event::BytesArriving { effect, bytes: 1 },
        Event::ServerHeaderLearned {
            effect,
            server: ServerOrigin::of("https://a.example").expect("a server"),
            headers: [("x-token", "1")].into_iter().collect(),
        },
        Event::LengthKnown { effect, bytes_total: 1 },
        Event::TransferFinished { effect },
        Event::TransferFailed { effect, failure: failure.clone() },
        Event::Stopped { effect },
        Event::Switched { effect },
        Event::SwitchFailed { effect, failure: failure.clone(), damaged: Vec::new() },
        Event::Removed { effect },
        Event::VersionInUse { effect },
        Event::RemovalFailed { effect, failure },
    ]
}

#[test]
fn reports_of_effects_that_are_not_owed_change_nothing() {
    let mut bench = Bench::installed(vec![offer("core", 1, essential())]);
    let past = bench.state.records().counters.next_effect;
    let before = bench.state.records().clone();
    for effect in [EffectId(0), EffectId(past - 1), EffectId(past)] {
        for event in reports(effect) {
            let effects = bench.hear(event.clone());
            assert!(effects.is_empty(), "{event:?} gives {effects:?}");
        }
    }
    assert_eq!(*bench.state.records(), before);
}

#[test]
fn a_report_that_belongs_to_another_kind_of_effect_changes_nothing() {
    let mut bench = Bench::new(vec![offer("core", 1, essential())]);
    bench.install();
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    let plan = bench.order(|order| matches!(order, Order::Plan(_)));
    let before = bench.state.records().clone();
    for event in reports(plan) {
        let belongs = matches!(
            event,
            Event::PlanMade { .. }
                | Event::TransferFailed { .. }
                | Event::BytesMoved { .. }
                | Event::BytesArriving { .. }
                | Event::ServerHeaderLearned { .. }
                | Event::Stopped { .. }
        );
        if !belongs {
            bench.hear(event);
        }
    }
    assert_eq!(*bench.state.records(), before);
}

#[test]
fn volatile_events_write_nothing() {
    let (mut bench, effect) = Bench::transferring(vec![offer("core", 1, essential())]);
    let now = bench.now();
    let moved = Event::BytesMoved { effect, bytes_done: 40 };
    assert!(crate::handle(&mut bench.state, moved, now).changes.is_empty());
    assert_eq!(view::downloads(&bench.state)[0].bytes_done, 40);
    let news = FactsChange { disk_free_bytes: Some(1 << 40), ..FactsChange::default() };
    assert!(crate::handle(&mut bench.state, Event::FactsChanged { news }, now).changes.is_empty());
}

#[test]
fn what_is_arriving_is_shown_and_counts_for_nothing_else() {
    let (mut bench, effect) = Bench::transferring(vec![offer("core", 1, essential())]);
    let shown = |bench: &Bench| view::downloads(&bench.state)[0].bytes_done;
    bench.hear(Event::BytesArriving { effect, bytes: 30 });
    assert_eq!(shown(&bench), 30);
    bench.hear(Event::BytesMoved { effect, bytes_done: 20 });
    assert_eq!(shown(&bench), 30, "it is among what is done by now");
    bench.hear(Event::BytesArriving { effect, bytes: 500 });
    assert_eq!(shown(&bench), 100, "never more than there is");
    // An attempt that brought nothing but what did not hold is one of those after which an essential download has failed.
    for _ in 0..3 {
        let effect = bench.order(|order| matches!(order, Order::Transfer(_) | Order::Plan(_)));
        bench.hear(Event::BytesArriving { effect, bytes: 70 });
        let failure = failure(ErrorKind::Network);
        bench.hear(Event::TransferFailed { effect, failure });
        assert_eq!(shown(&bench), 20);
        bench.pass(60 * 60 * 1_000);
    }
    assert!(bench.may_launch(), "it goes on without");
}

#[test]
fn a_restart_issues_every_owed_effect_again_under_its_id() {
    let mut bench = Bench::new(vec![offer("core", 1, essential()), offer("more", 1, essential())]);
    bench.install();
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    let before = bench.orders();
    assert_eq!(before.len(), 2);
    let effects = bench.restart();
    let again: Vec<_> = effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Order { id, order } => Some((id, order)),
            _ => None,
        })
        .collect();
    assert_eq!(again, before);
}

#[test]
fn an_effect_that_nobody_wants_any_more_is_ended_after_a_restart() {
    let mut bench = Bench::installed(vec![offer("extra", 1, DownloadPolicy::on_demand())]);
    ensure(&mut bench, "extra", Freshness::Any);
    let plan = bench.order(|order| matches!(order, Order::Plan(_)));
    let target = CancelTarget::Pack(app_id("app"), key("extra").pack);
    let effects = bench.call(|caller| Event::CancelRequested { caller, target });
    assert!(effects.contains(&Effect::Stop { id: plan }));
    let effects = bench.restart();
    assert!(effects.contains(&Effect::Stop { id: plan }));
    bench.hear(Event::Stopped { effect: plan });
    bench.finish_everything();
    assert_eq!(bench.state.records().pack(&key("extra")).and_then(|pack| pack.local), None);
}

#[test]
fn a_timer_is_set_for_the_next_attempt() {
    let mut bench = Bench::installed(vec![offer("core", 1, prefetch())]);
    bench.publish(vec![offer("core", 2, prefetch())]);
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    let effect = bench.order(|order| matches!(order, Order::Plan(_)));
    let effects =
        bench.hear(Event::TransferFailed { effect, failure: failure(ErrorKind::Network) });
    let at = effects.iter().find_map(|effect| match effect {
        Effect::SetTimer { at } => Some(at.0),
        _ => None,
    });
    let wait_ms = at.expect("a timer") - bench.now_ms;
    assert!((1_000..=2_000).contains(&wait_ms), "{wait_ms}");
    bench.pass(wait_ms - 1);
    assert!(bench.orders().is_empty(), "not before its time");
    bench.pass(1);
    bench.order(|order| matches!(order, Order::Plan(_)));
}

#[test]
fn a_version_that_is_damaged_at_the_switch_is_fetched_again() {
    let mut bench = Bench::installed(vec![offer("a", 1, prefetch()), offer("b", 1, prefetch())]);
    bench.publish(vec![offer("a", 2, prefetch()), offer("b", 2, prefetch())]);
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    bench.finish(|order| matches!(order, Order::Plan(_)));
    bench.finish(|order| matches!(order, Order::Plan(_)));
    bench.finish(|order| matches!(order, Order::Transfer(_)));
    bench.finish(|order| matches!(order, Order::Transfer(_)));
    let effect = bench.order(|order| matches!(order, Order::Switch { .. }));
    let damaged = vec![key("a").pack];
    let failure = failure(ErrorKind::Untrusted);
    bench.hear(Event::SwitchFailed { effect, failure, damaged });
    assert_eq!(
        view::pack(&bench.state, &key("a")).and_then(|v| v.local_version.map(|v| v.0)),
        Some(1)
    );
    bench.finish_everything();
    assert_eq!(
        view::pack(&bench.state, &key("a")).and_then(|v| v.local_version.map(|v| v.0)),
        Some(2)
    );
}

#[test]
fn updates_of_one_release_switch_together() {
    let mut bench = Bench::installed(vec![
        offer("a", 1, prefetch()),
        offer("b", 1, prefetch()),
        offer("c", 1, prefetch()),
    ]);
    bench.publish(vec![
        offer("a", 2, prefetch()),
        offer("b", 2, prefetch()),
        offer("c", 2, prefetch()),
    ]);
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    for _ in 0..3 {
        bench.finish(|order| matches!(order, Order::Plan(_)));
    }
    for _ in 0..3 {
        let orders = bench.orders();
        let switches = orders.iter().any(|(_, order)| matches!(order, Order::Switch { .. }));
        assert!(!switches, "the first ones built wait for the last");
        let at = bench.now();
        let explained = crate::explain(&bench.state, &key("a"), at).expect("it is on its way");
        let facts: Vec<_> = explained.reasons.into_iter().map(|reason| reason.fact).collect();
        if matches!(explained.state, crate::PackState::Installing) {
            assert_eq!(facts, [crate::Fact::ReleaseIncomplete]);
        }
        bench.finish(|order| matches!(order, Order::Transfer(_)));
    }
    let switch = bench.order(|order| matches!(order, Order::Switch { .. }));
    let orders = bench.orders();
    let items = orders.iter().find_map(|(id, order)| match order {
        Order::Switch { items, .. } if *id == switch => Some(items.len()),
        _ => None,
    });
    assert_eq!(items, Some(3));
}

#[test]
fn a_refused_call_is_answered_at_once() {
    let mut bench = Bench::new(Vec::new());
    let effects =
        bench.call(|caller| Event::CheckForUpdatesRequested { caller, app: app_id("no") });
    let [Effect::Answer { outcome: Err(failure), .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(failure.code.as_str(), "appNotFound");
    assert!(bench.state.records().apps().next().is_none());
}

#[test]
fn an_app_without_a_repository_is_launchable_when_its_files_are_in_place() {
    let mut bench = Bench::new(Vec::new());
    let bundle = crate::record::Bundle { repository: None, ..bundle("1") };
    bench.call(|caller| Event::AppInstallRequested {
        caller,
        app: app_id("app"),
        bundle: Box::new(bundle),
        headers: headstart_model::Headers::default(),
    });
    let effects = bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    assert!(effects.iter().any(|effect| matches!(
        effect,
        Effect::Answer { outcome: Ok(Reply::Launchable { .. }), .. }
    )));
    assert!(bench.orders().is_empty());
}

/// Whether the installation is told that it failed: when the preparation fails, and when the removal after it has ended so.
fn failed_after_preparation(end: impl Fn(EffectId) -> Event) -> [bool; 2] {
    let mut bench = Bench::new(Vec::new());
    bench.install();
    let effect = bench.order(|order| matches!(order, Order::PrepareApp { .. }));
    let failed = Event::PrepareFailed { effect, failure: failure(ErrorKind::InvalidInput) };
    let first = bench.hear(failed);
    let effect = bench.order(|order| matches!(order, Order::RemoveAppData { .. }));
    let second = bench.hear(end(effect));
    [first, second].map(|effects| {
        effects.iter().any(|effect| match effect {
            Effect::Answer { outcome: Err(told), .. } => told.kind == ErrorKind::InvalidInput,
            _ => false,
        })
    })
}

#[test]
fn a_failed_preparation_leaves_no_app_behind_and_keeps_an_updated_one() {
    let mut bench = Bench::new(Vec::new());
    bench.install();
    let effect = bench.order(|order| matches!(order, Order::PrepareApp { .. }));
    bench.hear(Event::PrepareFailed { effect, failure: failure(ErrorKind::InvalidInput) });
    bench.finish_everything();
    assert!(bench.state.records().apps().next().is_none());
    // Told when nothing is left, so that it can be tried again at once.
    assert_eq!(failed_after_preparation(|effect| Event::Removed { effect }), [false, true]);
    // What cannot be removed does not keep them waiting.
    let not_removed =
        |effect| Event::RemovalFailed { effect, failure: failure(ErrorKind::Internal) };
    assert_eq!(failed_after_preparation(not_removed), [false, true]);

    let mut bench = Bench::installed(vec![offer("core", 1, essential())]);
    let app = app_id("app");
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle("2")) });
    let effect = bench.order(|order| matches!(order, Order::PrepareApp { .. }));
    bench.hear(Event::PrepareFailed { effect, failure: failure(ErrorKind::InvalidInput) });
    let app = view::app(&bench.state, &app_id("app")).expect("it is still there");
    assert_eq!((app.version.as_str(), app.state), ("1", view::AppState::Launchable));
}

#[test]
fn progress_tells_the_rate_of_this_attempt() {
    let (mut bench, effect) = Bench::transferring(vec![offer("core", 1, essential())]);
    bench.now_ms += 500;
    let effects = bench.hear(Event::BytesMoved { effect, bytes_done: 50 });
    let told = effects.iter().find_map(|effect| match effect {
        Effect::Tell(crate::Notice::Pack { update, .. }) => Some(update.clone()),
        _ => None,
    });
    let rate = Some(100);
    assert_eq!(
        told,
        Some(PackUpdate::Downloading { bytes_done: 50, bytes_total: 100, bytes_per_second: rate })
    );
    let explained = crate::explain(&bench.state, &key("core"), bench.now()).expect("on its way");
    assert_eq!(explained.eta.map(|at| at.0), Some(bench.now_ms + 500));
}

fn ensure(bench: &mut Bench, pack: &str, freshness: Freshness) {
    let packs = vec![key(pack).pack];
    let terms = freshness.into();
    bench.call(|caller| Event::EnsureRequested { caller, app: app_id("app"), packs, terms });
}

const PACKS: [&str; 3] = ["a", "b", "c"];

/// Does one of the things that can happen, chosen by three numbers.
fn happen(bench: &mut Bench, (what, which, how): (u8, u8, u8)) {
    let pack = PACKS[usize::from(which) % PACKS.len()];
    let app = app_id("app");
    match what % 20 {
        0 => drop(bench.install()),
        1 => {
            let bundle = bundle(pack);
            bench.call(|caller| Event::AppUpdateRequested {
                caller,
                app,
                bundle: Box::new(bundle),
            });
        }
        2 if how % 4 == 0 => {
            let data = if which % 2 == 0 { KeepData::Keep } else { KeepData::Delete };
            bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
        }
        3 => ensure(bench, pack, Freshness::Any),
        4 => ensure(bench, pack, Freshness::Latest),
        5 => drop(bench.call(|caller| Event::CheckForUpdatesRequested { caller, app })),
        6 => {
            let pack = key(pack).pack;
            bench.call(|caller| Event::RemoveRequested { caller, app, pack });
        }
        7 => {
            let target = CancelTarget::Pack(app, key(pack).pack);
            bench.call(|caller| Event::CancelRequested { caller, target });
        }
        8 => {
            let client = bench.last_client();
            bench.hear(Event::ClientGone { client });
        }
        9 => {
            let network = Some(if how % 2 == 0 { Network::Online } else { Network::Offline });
            let news = FactsChange { network, ..FactsChange::default() };
            bench.hear(Event::FactsChanged { news });
        }
        10 => {
            let free = crate::DISK_RESERVE_BYTES + u64::from(how);
            let news = FactsChange { disk_free_bytes: Some(free), ..FactsChange::default() };
            bench.hear(Event::FactsChanged { news });
        }
        11 => drop(bench.pass(u64::from(how) * 500)),
        12 => drop(bench.restart()),
        13 => publish(bench, which, how),
        _ => report(bench, which, how),
    }
}

fn publish(bench: &mut Bench, which: u8, how: u8) {
    let policies = [essential(), prefetch(), DownloadPolicy::on_demand()];
    let packs = PACKS.iter().zip(policies).enumerate().filter(|(n, _)| which >> n & 1 == 1);
    let offers = packs.map(|(n, (id, policy))| offer(id, u64::from(how >> n & 1) + 1, policy));
    let offers = offers.collect();
    bench.publish(offers);
}

/// Reports on one of the effects that run: mostly success, else any other way in which it can end.
fn report(bench: &mut Bench, which: u8, how: u8) {
    let orders = bench.orders();
    let Some((effect, _)) = orders.get(usize::from(which) % orders.len().max(1)) else { return };
    if !how.is_multiple_of(3) {
        bench.succeed(*effect);
        return;
    }
    let reports = reports(*effect);
    bench.hear(reports[usize::from(how / 3) % reports.len()].clone());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The bench compares rows, records and indexes after each event.
    #[test]
    fn whatever_happens_the_rows_say_what_is_known_and_it_comes_to_rest(
        events in proptest::collection::vec(any::<(u8, u8, u8)>(), 1..60),
    ) {
        let mut bench = Bench::new(vec![offer("a", 1, essential()), offer("b", 1, prefetch())]);
        bench.install();
        for event in events {
            happen(&mut bench, event);
        }
        let news = FactsChange {
            network: Some(Network::Online),
            disk_free_bytes: Some(1 << 40),
            transfers_max: None,
            ..FactsChange::default()
        };
        bench.hear(Event::FactsChanged { news });
        bench.finish_everything();
        prop_assert_eq!(bench.state.open_requests(), 0);
    }
}
