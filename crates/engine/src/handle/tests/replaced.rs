//! What is offered may have been replaced since: by a newer release, by another archive in its place.

use headstart_model::catalog::CatalogPack;
use headstart_model::{AppVersions, DownloadPolicy, ErrorKind, Failure};

use crate::record::Freshness;
use crate::testing::{
    Bench, HOUR_MS, a_failure, app_id, bundle, essential, is_read, key, listing, offer, prefetch,
};
use crate::{Effect, Event, Order, Reply, view};

fn on_demand(version: u64) -> CatalogPack {
    offer("core", version, DownloadPolicy::on_demand())
}

fn is_catalog(order: &Order) -> bool {
    matches!(order, Order::FetchCatalog { .. })
}

fn is_plan(order: &Order) -> bool {
    matches!(order, Order::Plan(_))
}

fn ensure(bench: &mut Bench, freshness: Freshness) -> Vec<Effect> {
    let (app, packs, terms) = (app_id("app"), vec![key("core").pack], freshness.into());
    bench.call(|caller| Event::EnsureRequested { caller, app, packs, terms })
}

/// The oldest plan fails so.
fn plan_fails(bench: &mut Bench, kind: ErrorKind) -> Vec<Effect> {
    let effect = bench.order(is_plan);
    bench.hear(Event::TransferFailed { effect, failure: a_failure(kind) })
}

fn failures(effects: &[Effect]) -> Vec<Failure> {
    let answers = effects.iter().filter_map(|effect| match effect {
        Effect::Answer { outcome: Ok(Reply::Ensured { failed, .. }), .. } => Some(failed),
        _ => None,
    });
    answers.flat_map(|failed| failed.values().cloned()).collect()
}

fn local(bench: &Bench, pack: &str) -> Option<u64> {
    view::pack(&bench.state, &key(pack))?.local_version.map(|version| version.0)
}

fn downloads(bench: &Bench) -> usize {
    bench.state.records().downloads().count()
}

/// A bench whose app knows the first release.
fn of_the_first_release() -> Bench {
    let mut bench = Bench::new(vec![on_demand(1)]);
    bench.install_bundle(bundle("1"));
    bench.finish(is_catalog);
    bench
}

#[test]
fn everybody_who_waits_for_a_freed_version_gets_that_of_the_newest_release_by_one_check() {
    let mut bench = of_the_first_release();
    ensure(&mut bench, Freshness::Any);
    ensure(&mut bench, Freshness::Any);
    bench.publish(vec![on_demand(2)]);
    let effects = plan_fails(&mut bench, ErrorKind::NotFound);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Answer { .. })), "{effects:?}");
    bench.finish(is_catalog);
    assert!(!bench.orders().iter().any(|(_, order)| is_catalog(order)), "one check serves both");
    bench.settle();
    assert_eq!(local(&bench, "core"), Some(2));
}

#[test]
fn without_the_newest_release_the_caller_hears_what_was_not_there_and_nothing_goes_on() {
    let mut bench = of_the_first_release();
    ensure(&mut bench, Freshness::Any);
    plan_fails(&mut bench, ErrorKind::NotFound);
    let effect = bench.order(is_catalog);
    let failure = a_failure(ErrorKind::Network);
    let effects = bench.hear(Event::CatalogFailed { effect, failure });
    assert_eq!(failures(&effects), [a_failure(ErrorKind::NotFound)]);
    assert_eq!(downloads(&bench), 0, "it existed for the caller alone");
}

#[test]
fn an_archive_that_was_replaced_is_looked_at_anew_though_its_download_has_ended() {
    let mut bench = Bench::new(vec![on_demand(1)]);
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    bench.finish_everything();
    // The caller has seen the manifest, which says the same as before.
    ensure(&mut bench, Freshness::Latest);
    bench.finish(is_read);
    let effects = plan_fails(&mut bench, ErrorKind::Untrusted);
    assert_eq!((failures(&effects).len(), downloads(&bench)), (1, 0));
    let orders = bench.orders();
    let Some((_, Order::ReadManifest { known, held, .. })) = orders.last() else {
        panic!("{orders:?}")
    };
    assert!(known.is_empty() && held.is_none(), "{known:?} {held:?}");
    bench.finish(is_read);
    // From then on it is known again.
    bench.periodic();
    let orders = bench.orders();
    let Some((_, Order::ReadManifest { known, held, .. })) = orders.last() else {
        panic!("{orders:?}")
    };
    assert_eq!((known.len(), held.is_some()), (1, true));
}

#[test]
fn a_catalog_that_was_asked_for_before_the_app_changed_does_not_decide_what_the_update_brings() {
    let range = ">=2";
    let versions = AppVersions::new(range).expect("a range");
    let core = CatalogPack { app_versions: Some(versions), ..offer("core", 1, essential()) };
    let mut bench = Bench::new(vec![core, offer("maps", 1, prefetch())]);
    bench.install_bundle(bundle("1"));
    bench.finish(is_catalog);
    bench.finish_everything();
    assert_eq!((local(&bench, "core"), local(&bench, "maps")), (None, Some(1)));
    bench.periodic();
    let check = bench.order(is_catalog);
    bench.update(bundle("2"));
    bench.hear(Event::CatalogUnchanged { effect: check });
    bench.finish(is_catalog);
    bench.settle();
    assert_eq!(local(&bench, "core"), Some(1), "it is for this version of the app");
}

#[test]
fn an_archive_that_is_never_there_does_not_keep_other_packs_from_their_updates() {
    let mut bench = Bench::new(vec![offer("maps", 1, prefetch()), offer("core", 1, essential())]);
    bench.unreadable.insert(key("core").pack, a_failure(ErrorKind::NotFound));
    bench.install_bundle(listing("1"));
    bench.settle();
    assert_eq!(local(&bench, "maps"), Some(1));
    bench.publish(vec![offer("maps", 2, prefetch()), offer("core", 1, essential())]);
    for _ in 0..50 {
        bench.pass(HOUR_MS);
        bench.settle();
    }
    assert_eq!(local(&bench, "maps"), Some(2), "a day has passed");
}

#[test]
fn a_signature_that_comes_while_a_step_is_made_vouches_for_what_the_step_brings() {
    let is_transfer = |order: &Order| matches!(order, Order::Transfer(_));
    let is_switch = |order: &Order| matches!(order, Order::Switch { .. });
    let mut bench = Bench::new(vec![offer("core", 1, prefetch())]);
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    bench.finish(is_plan);
    bench.finish(is_transfer);
    let step = bench.order(is_switch);
    // The app goes over to a repository, which has the very same.
    bench.update(bundle("2"));
    bench.finish(is_catalog);
    bench.succeed(step);
    bench.settle();
    let pack = bench.state.records().pack(&key("core")).expect("it is known");
    assert!(pack.local.expect("it is here").trust.is_signed());
}
