//! What each failure of a download means. The first table of "What happens at each failure" (concepts 4.4) is named here.

use headstart_model::{DownloadPolicy, ErrorKind};

use crate::record::{Freshness, Switch};
use crate::testing::{
    Bench, DAY_MS, HOUR_MS, SECOND_MS, answer, app_id, bundle, essential, essential_file, failed,
    file, is_fetch, key, offer, prefetch, with_extension, with_manifest,
};
use crate::{Demand, Effect, Event, ExtensionAnswer, Network, Order, Origin, Reply, view};

/// How urgent a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Essential,
    Foreground,
    Background,
}

const EVERYBODY: [Who; 3] = [Who::Essential, Who::Foreground, Who::Background];

/// A bench on which `a` was scheduled so, and what happened at that.
fn scheduled(who: Who, before: impl FnOnce(&mut Bench)) -> (Bench, Vec<crate::Effect>) {
    let mut bench = match who {
        Who::Essential => Bench::asking(with_manifest()),
        Who::Foreground | Who::Background => Bench::launched(with_extension()),
    };
    before(&mut bench);
    let effects = match who {
        Who::Essential => bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")])),
        Who::Foreground => bench.promote(file("a")).1,
        Who::Background => bench.schedule(vec![file("a")]),
    };
    (bench, effects)
}

fn codes(effects: &[crate::Effect]) -> Vec<String> {
    failed(effects).into_iter().map(|(_, code)| code).collect()
}

#[test]
fn row_4_4_without_a_network_an_essential_download_waits_a_few_seconds() {
    let mut bench = Bench::asking(with_manifest());
    bench.network(Network::Offline);
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
    bench.pass(5 * SECOND_MS);
    assert!(!bench.may_launch());
    let effects = bench.pass(5 * SECOND_MS);
    assert_eq!(failed(&effects), [("a".to_owned(), "offline".to_owned())]);
    assert!(bench.may_launch());
}

#[test]
fn row_4_4_without_a_network_a_nonessential_download_waits_for_it() {
    let mut bench = Bench::launched(with_extension());
    bench.network(Network::Offline);
    bench.schedule(vec![file("a")]);
    bench.pass(6 * DAY_MS);
    assert!(bench.fetching().is_empty());
    bench.network(Network::Online);
    assert_eq!(bench.fetching(), ["a"]);
}

#[test]
fn row_4_4_a_nonessential_download_that_gets_nowhere_is_given_up_after_a_week() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let began = bench.now_ms;
    let mut attempts = 0;
    let effects = loop {
        let effects = bench.fetch_fails(ErrorKind::Unavailable);
        attempts += 1;
        if !failed(&effects).is_empty() {
            break effects;
        }
        assert!(attempts < 1_000, "it is never given up");
        while bench.fetching().is_empty() {
            bench.pass(HOUR_MS);
        }
    };
    assert_eq!(failed(&effects).len(), 1);
    let span = bench.now_ms - began;
    assert!((7 * DAY_MS..8 * DAY_MS).contains(&span) && attempts > 100, "{span} {attempts}");
}

#[test]
fn row_4_4_a_nonessential_download_that_gets_on_is_not_given_up() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    for bytes in 1..=9 {
        bench.pass(6 * DAY_MS);
        bench.bytes_moved(bytes);
        let effects = bench.fetch_fails(ErrorKind::Network);
        assert_eq!(failed(&effects), []);
        bench.pass(HOUR_MS);
        assert_eq!(bench.fetching(), ["a"]);
    }
}

#[test]
fn row_4_4_a_download_that_got_on_before_it_was_stopped_is_not_given_up() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.pass(4 * DAY_MS);
    bench.bytes_moved(10);
    let effect = bench.order(is_fetch);
    bench.background(Switch::Off);
    bench.hear(Event::Stopped { effect });
    bench.background(Switch::On);
    bench.pass(4 * DAY_MS);
    assert_eq!(failed(&bench.fetch_fails(ErrorKind::Network)), [], "half of a week is gone");
    bench.pass(HOUR_MS);
    bench.bytes_moved(20);
    bench.restart();
    bench.pass(4 * DAY_MS);
    bench.bytes_moved(30);
    assert_eq!(failed(&bench.fetch_fails(ErrorKind::Network)), []);
}

#[test]
fn row_4_4_without_a_network_a_foreground_download_fails_at_once() {
    let mut bench = Bench::launched(with_extension());
    bench.network(Network::Offline);
    let (_, effects) = bench.promote(file("a"));
    answer(&effects).expect("the call itself is right");
    assert_eq!(failed(&effects), [("a".to_owned(), "offline".to_owned())]);
    bench.network(Network::Online);
    bench.promote(file("b"));
    let effects = bench.fetch_fails(ErrorKind::Network);
    assert_eq!(failed(&effects), [("b".to_owned(), "offline".to_owned())]);
}

#[test]
fn row_4_4_a_file_that_is_not_there_fails_at_once() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let effects = bench.fetch_fails(ErrorKind::NotFound);
    assert_eq!(failed(&effects), [("a".to_owned(), "offline".to_owned())]);
    assert_eq!(bench.subjects(), ["failed a"]);
}

#[test]
fn row_4_4_a_server_error_is_tried_again_with_a_growing_wait() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let mut waits = Vec::new();
    for _ in 0..6 {
        bench.fetch_fails(ErrorKind::Unavailable);
        let began = bench.now_ms;
        while bench.fetching().is_empty() {
            bench.pass(100);
        }
        waits.push(bench.now_ms - began);
    }
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{waits:?}");
    assert!(waits[0] <= 2_100, "{waits:?}");
}

#[test]
fn row_4_4_what_somebody_waits_for_fails_with_its_first_attempt() {
    for kind in [ErrorKind::Network, ErrorKind::Unavailable] {
        let (mut bench, _) = scheduled(Who::Foreground, |_| {});
        assert_eq!(codes(&bench.fetch_fails(kind)), ["offline"], "{kind:?}");
    }
}

#[test]
fn row_4_4_an_essential_download_is_tried_three_times_within_seconds() {
    let (mut bench, _) = scheduled(Who::Essential, |_| {});
    for _ in 0..2 {
        assert_eq!(failed(&bench.fetch_fails(ErrorKind::Network)), []);
        assert!(bench.fetching().is_empty() && !bench.may_launch());
        bench.pass(4 * SECOND_MS);
        assert_eq!(bench.fetching(), ["a"]);
    }
    assert_eq!(codes(&bench.fetch_fails(ErrorKind::Network)), ["offline"]);
    assert!(bench.may_launch(), "it has concluded");
}

#[test]
fn row_4_4_on_a_full_disk_who_cannot_wait_fails_and_the_rest_waits_for_room() {
    for who in EVERYBODY {
        let (mut bench, effects) = scheduled(who, |bench| drop(bench.room(30)));
        assert!(bench.fetching().is_empty(), "{who:?}");
        if who == Who::Background {
            assert_eq!(failed(&effects), []);
            bench.pass(6 * DAY_MS);
            bench.room(200);
            assert_eq!(bench.fetching(), ["a"]);
        } else {
            assert_eq!(codes(&effects), ["noSpace"], "{who:?}");
        }
    }
}

#[test]
fn row_4_4_what_fails_in_a_way_that_stays_fails_at_once_whoever_waits() {
    let kinds =
        [ErrorKind::NotFound, ErrorKind::Refused, ErrorKind::InvalidInput, ErrorKind::Untrusted];
    for (who, kind) in EVERYBODY.into_iter().flat_map(|who| kinds.map(|kind| (who, kind))) {
        let (mut bench, _) = scheduled(who, |_| {});
        assert_eq!(codes(&bench.fetch_fails(kind)).len(), 1, "{who:?} {kind:?}");
        bench.hear_all();
        bench.finish_everything();
        assert_eq!(bench.state.records().files().count(), 0, "{who:?} {kind:?}");
    }
}

/// The plan of the only download finds that the server does not have it.
fn not_on_the_server(bench: &mut Bench) -> Vec<crate::Effect> {
    let effect = bench.order(|order| matches!(order, Order::Plan(_)));
    let failure = crate::testing::a_failure(ErrorKind::NotFound);
    bench.hear(Event::TransferFailed { effect, failure })
}

fn asks_for_the_catalog(bench: &Bench) -> bool {
    bench.orders().iter().any(|(_, order)| matches!(order, Order::FetchCatalog { .. }))
}

#[test]
fn row_4_4_a_pack_that_is_not_on_the_server_has_the_catalog_asked_for_again() {
    let is_catalog = |order: &Order| matches!(order, Order::FetchCatalog { .. });
    for (who, policy) in [
        (Who::Essential, essential()),
        (Who::Foreground, DownloadPolicy::on_demand()),
        (Who::Background, prefetch()),
    ] {
        let mut bench = Bench::new(vec![offer("core", 1, policy)]);
        bench.install_bundle(bundle("1"));
        bench.finish(is_catalog);
        if who == Who::Foreground {
            let (packs, terms) = (vec![key("core").pack], Freshness::Any.into());
            let app = app_id("app");
            bench.call(|caller| Event::EnsureRequested { caller, app, packs, terms });
        }
        assert!(!asks_for_the_catalog(&bench), "{who:?}");
        let mut effects = not_on_the_server(&mut bench);
        assert!(asks_for_the_catalog(&bench) && bench.may_launch(), "{who:?}");
        if who == Who::Foreground {
            // The newest catalog decides, and it offers the same.
            bench.finish(is_catalog);
            effects = not_on_the_server(&mut bench);
        }
        let open: Vec<_> = bench.state.records().downloads().map(|(_, d)| d.demand).collect();
        match who {
            Who::Essential => {
                let Ok(Reply::Launchable { missed, .. }) = answer(&effects) else {
                    panic!("{effects:?}")
                };
                assert_eq!((missed.len(), open), (1, vec![Demand::Missed]));
            }
            Who::Foreground => {
                let Ok(Reply::Ensured { failed, .. }) = answer(&effects) else {
                    panic!("{effects:?}")
                };
                assert_eq!((failed.len(), open.len()), (1, 0));
            }
            Who::Background => assert_eq!(open.len(), 1, "it is tried again"),
        }
        bench.finish(is_catalog);
        bench.finish_everything();
        let local = view::pack(&bench.state, &key("core")).and_then(|view| view.local_version);
        assert_eq!(local.is_some(), who != Who::Foreground, "{who:?}");
    }
}

#[test]
fn what_the_extension_schedules_again_and_again_when_it_fails_comes_ever_more_slowly() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let mut waits = Vec::new();
    for _ in 0..8 {
        bench.fetch_fails(ErrorKind::NotFound);
        assert_eq!(bench.subjects(), ["failed a"]);
        let again = bench.schedule_as(Origin::Extension, vec![file("a"), file("b")], false);
        answer(&again).expect("it is scheduled");
        bench.heard();
        assert_eq!(bench.fetching(), ["b"], "another one is fetched at once");
        bench.finish(is_fetch);
        bench.heard();
        bench.finish(|order| matches!(order, Order::DiscardFile { .. }));
        bench.finish(|order| matches!(order, Order::DiscardFile { .. }));
        let began_ms = bench.now_ms;
        while bench.fetching().is_empty() {
            bench.pass(500);
        }
        waits.push(bench.now_ms - began_ms);
    }
    assert!(waits.is_sorted() && waits[0] <= 2_000 && waits[7] > 60_000, "{waits:?}");
    // The app itself runs, and its person waits.
    bench.attach();
    bench.fetch_fails(ErrorKind::NotFound);
    bench.schedule(vec![file("a")]);
    assert_eq!(bench.fetching(), ["a"]);
}

#[test]
fn what_runs_when_the_network_goes_stops_and_waits_or_fails_by_what_it_is_for() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let effect = bench.order(is_fetch);
    let stops = |effects: &[Effect]| effects.contains(&Effect::Stop { id: effect });
    assert!(stops(&bench.network(Network::Offline)));
    assert!(!stops(&bench.network(Network::Offline)), "once");
    assert_eq!(failed(&bench.hear(Event::Stopped { effect })), []);
    assert!(bench.fetching().is_empty());
    bench.network(Network::Online);
    assert_eq!(bench.fetching(), ["a"]);

    bench.promote(file("b"));
    let all = bench.orders();
    bench.network(Network::Offline);
    let mut told = Vec::new();
    for (effect, _) in all.into_iter().filter(|(_, order)| is_fetch(order)) {
        told.extend(failed(&bench.hear(Event::Stopped { effect })));
    }
    assert_eq!(told, [("b".to_owned(), "offline".to_owned())]);
}
