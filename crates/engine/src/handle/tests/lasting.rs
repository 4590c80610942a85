//! What stays as it is, whoever has to mend it, is tried less and less.

use headstart_model::{ErrorKind, Failure};

use crate::record::{Bundle, SourceOverride, Trust};
use crate::testing::{
    Bench, DAY_MS, HOUR_MS, SECOND_MS, a_failure, app_id, bundle, essential, is_read, key, listing,
    offer,
};
use crate::{EffectId, Event, Order};

fn is_check(order: &Order) -> bool {
    matches!(order, Order::FetchCatalog { .. } | Order::ReadManifest { .. })
}

/// The check that runs.
fn check(bench: &Bench) -> Option<EffectId> {
    bench.orders().into_iter().find(|(_, order)| is_check(order)).map(|(id, _)| id)
}

/// Lets everything succeed that runs, except checks.
fn settle_but_checks(bench: &mut Bench) {
    let other = |bench: &Bench| bench.orders().into_iter().find(|(_, order)| !is_check(order));
    while let Some((effect, _)) = other(bench) {
        bench.succeed(effect);
    }
}

/// How many checks end so in so long.
fn checks_in(bench: &mut Bench, span_ms: u64, end: impl Fn(&mut Bench, EffectId)) -> usize {
    let (mut checks, end_ms) = (0, bench.now_ms + span_ms);
    while bench.now_ms < end_ms {
        bench.pass(10 * 60 * SECOND_MS);
        while let Some(effect) = check(bench) {
            checks += 1;
            end(bench, effect);
        }
        bench.settle();
    }
    checks
}

/// How often the manifest is read in so long.
fn reads_in(bench: &mut Bench, span_ms: u64) -> usize {
    checks_in(bench, span_ms, |bench, effect| drop(bench.succeed(effect)))
}

#[test]
fn what_stays_unreadable_is_looked_at_less_and_less_until_something_else_is_listed() {
    let catalog = vec![offer("core", 1, essential()), offer("music", 1, essential())];
    let mut bench = Bench::new(catalog);
    bench.unreadable.insert(key("core").pack, a_failure(ErrorKind::InvalidInput));
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    let first = reads_in(&mut bench, DAY_MS);
    assert!((8..25).contains(&first), "{first} on the first day");
    reads_in(&mut bench, 3 * DAY_MS);
    let later = reads_in(&mut bench, 10 * DAY_MS);
    // One a day as for every app, and one or two for its sake.
    assert!((10..=32).contains(&later), "{later} in ten days");
    // Archives that have moved, perhaps with every answer, are no reason to hurry.
    bench.archive_host = "mirror.example.com";
    bench.periodic();
    bench.finish(is_read);
    assert_eq!(reads_in(&mut bench, 10 * 60 * SECOND_MS), 0);
    assert!((1..=3).contains(&reads_in(&mut bench, 2 * HOUR_MS)));
    // Another version, and a pack less: the author is at work.
    for catalog in [
        vec![offer("core", 1, essential()), offer("music", 2, essential())],
        vec![offer("core", 2, essential()), offer("music", 2, essential())],
        vec![offer("core", 2, essential())],
    ] {
        reads_in(&mut bench, 9 * DAY_MS);
        bench.publish(catalog);
        bench.periodic();
        bench.finish(is_read);
        bench.pass(2 * SECOND_MS);
        bench.order(is_read);
    }
}

#[test]
fn one_archive_that_can_be_read_by_now_is_a_reason_to_look_at_the_others_soon() {
    let mut bench = Bench::new(vec![offer("a", 1, essential()), offer("b", 1, essential())]);
    for pack in ["a", "b"] {
        bench.unreadable.insert(key(pack).pack, a_failure(ErrorKind::NotFound));
    }
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    reads_in(&mut bench, 5 * DAY_MS);
    bench.unreadable.remove(&key("a").pack);
    bench.periodic();
    bench.finish(is_read);
    bench.pass(64 * SECOND_MS);
    bench.order(is_read);
}

#[test]
fn an_archive_that_comes_and_goes_is_no_reason_to_hurry() {
    let mut bench = Bench::new(vec![offer("a", 1, essential()), offer("b", 1, essential())]);
    for pack in ["a", "b"] {
        bench.unreadable.insert(key(pack).pack, a_failure(ErrorKind::InvalidInput));
    }
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    reads_in(&mut bench, DAY_MS);
    let (mut reads, end_ms) = (0, bench.now_ms + HOUR_MS);
    bench.periodic();
    while bench.now_ms < end_ms {
        if let Some(effect) = check(&bench) {
            reads += 1;
            if bench.unreadable.remove(&key("a").pack).is_none() {
                bench.unreadable.insert(key("a").pack, a_failure(ErrorKind::Unavailable));
            }
            bench.succeed(effect);
        }
        settle_but_checks(&mut bench);
        bench.pass(SECOND_MS);
    }
    assert!((30..=100).contains(&reads), "{reads} in an hour");
}

#[test]
fn lists_that_do_not_agree_are_not_read_in_haste() {
    let lists =
        [1, 2].map(|version| vec![offer("a", version, essential()), offer("b", 1, essential())]);
    let mut bench = Bench::new(lists[0].clone());
    bench.unreadable.insert(key("b").pack, a_failure(ErrorKind::Network));
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    let mut reads = 0;
    for _ in 0..3_600 {
        bench.pass(SECOND_MS);
        if let Some(effect) = check(&bench) {
            reads += 1;
            bench.publish(lists[reads % 2].clone());
            bench.succeed(effect);
        }
        settle_but_checks(&mut bench);
    }
    assert!((30..=130).contains(&reads), "{reads} in an hour");
}

#[test]
fn an_archive_that_only_the_network_keeps_away_is_looked_at_every_hour() {
    let a_day = |kinds: [ErrorKind; 2]| {
        let mut bench = Bench::new(vec![offer("a", 1, essential()), offer("b", 1, essential())]);
        for (pack, kind) in ["a", "b"].into_iter().zip(kinds) {
            bench.unreadable.insert(key(pack).pack, a_failure(kind));
        }
        bench.install_bundle(listing("1"));
        bench.finish(is_read);
        reads_in(&mut bench, 5 * DAY_MS);
        reads_in(&mut bench, 4 * DAY_MS) / 4
    };
    for kind in [ErrorKind::Network, ErrorKind::Unavailable] {
        assert!((24..=60).contains(&a_day([ErrorKind::InvalidInput, kind])), "{kind:?}");
    }
    assert!((1..=3).contains(&a_day([ErrorKind::InvalidInput, ErrorKind::NotFound])));
}

#[test]
fn a_repository_that_somebody_has_to_mend_is_asked_less_and_less() {
    let checks_a_day = |kind| {
        let mut bench = Bench::new(Vec::new());
        bench.install();
        bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
        let fail = |bench: &mut Bench, effect| {
            let failure = Failure::new(kind, "test", "it is not there");
            bench.hear(Event::CatalogFailed { effect, failure });
        };
        checks_in(&mut bench, 5 * DAY_MS, fail);
        checks_in(&mut bench, 4 * DAY_MS, fail) / 4
    };
    for kind in [ErrorKind::NotFound, ErrorKind::InvalidInput, ErrorKind::Untrusted] {
        assert!((1..=3).contains(&checks_a_day(kind)), "{kind:?}");
    }
    // One that may come back by itself is not waited for longer than an hour.
    for kind in [ErrorKind::Network, ErrorKind::Unavailable, ErrorKind::NoSpace] {
        assert!((24..=60).contains(&checks_a_day(kind)), "{kind:?}");
    }
}

#[test]
fn another_source_is_asked_as_if_none_had_failed_before() {
    for updated in [false, true] {
        let fail = |bench: &mut Bench, effect| {
            let failure = a_failure(ErrorKind::NotFound);
            bench.hear(Event::CatalogFailed { effect, failure });
        };
        let mut bench = Bench::new(Vec::new());
        bench.install_bundle(Bundle { trust: Trust::Development, ..bundle("1") });
        checks_in(&mut bench, 5 * DAY_MS, fail);
        assert_eq!(check(&bench), None);
        let other = "https://other.example".to_owned();
        if updated {
            bench.update(Bundle { repository: Some(other), ..bundle("2") });
        } else {
            let (app, source) = (app_id("app"), Some(SourceOverride::Repository(other)));
            bench.call(|caller| Event::SourceOverridden { caller, app, source });
        }
        let effect = check(&bench).expect("the first request is owed still");
        fail(&mut bench, effect);
        bench.pass(2 * SECOND_MS);
        assert!(check(&bench).is_some(), "{updated}");
    }
}
