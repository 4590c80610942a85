//! The errors of single downloads, each by the number that the specification gives it (api 10). 56 (the connection is
//! broken) is never given: the library has codes of its own for that.

use std::collections::BTreeMap;

use headstart_model::ErrorKind;
use headstart_model::download::{DownloadKind, UrlDownload};
use headstart_model::protocol::downloads::QueueAction;

use crate::record::{Bundle, Setting, Switch};
use crate::testing::{
    Bench, answer, app_id, code, essential_file, failed, file, group, is_fetch, limits, number,
    told, with_extension, with_manifest,
};
use crate::{Event, ExtensionAnswer, FileUpdate, Network, Origin, Power, view};

#[test]
fn error_0_a_download_that_cannot_be_right() {
    let mut bench = Bench::launched(with_extension());
    let wrong = [
        UrlDownload { file_size: Some(0), ..file("a") },
        UrlDownload { identifier: String::new(), ..file("a") },
        UrlDownload { url: "http://cdn.example.com/a".to_owned(), ..file("a") },
        UrlDownload { url: "http://127.0.0.1/a".to_owned(), ..file("a") },
        UrlDownload { app_group: group("group.of.others"), ..file("a") },
        UrlDownload { kind: DownloadKind::Manifest, ..file("a") },
        UrlDownload { method: "POST".to_owned(), ..file("a") },
        UrlDownload {
            headers: BTreeMap::from([("Range".to_owned(), "bytes=0-".to_owned())]),
            ..file("a")
        },
    ];
    for download in wrong {
        for foreground in [false, true] {
            let list = vec![file("good"), download.clone()];
            assert_eq!(code(&bench.schedule_as(Origin::App, list, foreground)), 0, "{download:?}");
        }
    }
    assert_eq!(bench.state.records().files().count(), 0, "all of them or none");
}

#[test]
fn error_50_what_an_extension_may_not_call() {
    let mut bench = Bench::asking(with_manifest());
    let foreground = bench.schedule_as(Origin::Extension, vec![file("a")], true);
    assert_eq!(code(&foreground), 50, "an extension starts nothing in the foreground");
    let meanwhile = bench.schedule_as(Origin::Extension, vec![file("a")], false);
    assert_eq!(code(&meanwhile), 50, "everything has to be in the answer");
    answer(&bench.schedule(vec![file("b")])).expect("the app itself may");
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    answer(&bench.schedule_as(Origin::Extension, vec![file("a")], false)).expect("now it may");
}

#[test]
fn error_51_only_a_process_of_the_app_starts_in_the_foreground() {
    let mut bench = Bench::launched(with_extension());
    assert_eq!(code(&bench.schedule_as(Origin::Administration, vec![file("a")], true)), 51);
    answer(&bench.schedule_as(Origin::Administration, vec![file("a")], false)).expect("scheduled");
}

#[test]
fn error_55_an_app_without_an_extension_is_not_accepted() {
    let mut bench = Bench::launched(Bundle { extension: false, ..with_extension() });
    assert_eq!(code(&bench.schedule(vec![file("a")])), 55);
}

#[test]
fn error_100_the_same_identifier_is_scheduled_already() {
    let mut bench = Bench::launched(with_extension());
    assert_eq!(code(&bench.schedule(vec![file("a"), file("a")])), 100, "twice in one call");
    assert!(bench.fetching().is_empty());
    answer(&bench.schedule(vec![file("a")])).expect("scheduled");
    assert_eq!(code(&bench.schedule(vec![file("b"), file("a")])), 100);
    assert_eq!(bench.fetching(), ["a"], "nothing of the second call");
    bench.finish(is_fetch);
    answer(&bench.schedule(vec![file("a")])).expect("one that has ended is not scheduled any more");
}

#[test]
fn error_101_what_is_not_scheduled_or_has_ended_cannot_be_cancelled() {
    let mut bench = Bench::launched(with_extension());
    assert_eq!(code(&bench.cancel("a")), 101);
    bench.schedule(vec![file("a")]);
    let id = bench.file_id("a");
    bench.finish(is_fetch);
    assert_eq!(code(&bench.cancel("a")), 101);
    for action in
        [QueueAction::Pause, QueueAction::Resume, QueueAction::Promote, QueueAction::Cancel]
    {
        let effects = bench.call(|caller| Event::QueueChangeRequested { caller, id, action });
        let failure = answer(&effects).expect_err("it has ended");
        assert_eq!(failure.code.as_str(), "notScheduled", "{action:?}");
    }
}

/// 102 would say that a download could not be started, and leave open why.
#[test]
fn error_102_is_never_given_what_keeps_a_download_from_starting_has_its_own_code() {
    let mut bench = Bench::launched(with_extension());
    bench.network(Network::Offline);
    let (_, effects) = bench.promote(file("a"));
    assert_eq!(failed(&effects), [("a".to_owned(), "offline".to_owned())]);
    bench.network(Network::Online);
    bench.room(30);
    let (_, effects) = bench.promote(file("b"));
    assert_eq!(failed(&effects), [("b".to_owned(), "noSpace".to_owned())]);
}

/// 103 would say that a download has failed already: one that has failed is not scheduled any more.
#[test]
fn error_103_is_never_given_what_has_failed_may_be_scheduled_anew() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.fetch_fails(ErrorKind::NotFound);
    assert_eq!(bench.subjects(), ["failed a"], "nobody has taken note of it");
    assert_eq!(code(&bench.cancel("a")), 101);
    answer(&bench.schedule(vec![file("a")])).expect("scheduled");
    assert_eq!(bench.fetching(), ["a"]);
}

#[test]
fn error_109_essential_downloads_come_from_the_extension_at_installation_alone() {
    let mut bench = Bench::launched(with_extension());
    for origin in [Origin::App, Origin::Extension, Origin::Administration] {
        assert_eq!(code(&bench.schedule_as(origin, vec![essential_file("a")], false)), 109);
    }
    assert_eq!(code(&bench.schedule_as(Origin::App, vec![essential_file("a")], true)), 109);
}

#[test]
fn error_111_nothing_is_scheduled_while_there_is_no_background_activity() {
    let mut bench = Bench::launched(with_extension());
    let app = app_id("app");
    for off in [None, Some(app.clone())] {
        bench.set(Setting::BackgroundActivity(off.clone(), Switch::Off));
        assert_eq!(code(&bench.schedule(vec![file("a")])), 111, "{off:?}");
        bench.set(Setting::BackgroundActivity(off, Switch::On));
    }
    bench.power(Power::Low);
    assert_eq!(code(&bench.schedule(vec![file("a")])), 111);
    let (_, effects) = bench.promote(file("a"));
    answer(&effects).expect("somebody waits for what is started in the foreground");
    assert_eq!(bench.fetching(), ["a"]);
    bench.power(Power::Normal);
    answer(&bench.schedule(vec![file("b")])).expect("scheduled");
}

/// A bench on which an app was installed and never launched, with these allowances.
fn restricted(allowance: u64, essential: u64) -> Bench {
    let mut bench = Bench::new(Vec::new());
    let restrictions = Some(limits(allowance, essential));
    bench.install_bundle(Bundle { restrictions, ..with_extension() });
    bench
}

#[test]
fn error_112_before_the_first_launch_the_sum_has_to_fit_when_it_is_scheduled() {
    let mut bench = restricted(250, 0);
    let three = vec![file("a"), file("b"), file("c")];
    assert_eq!(code(&bench.schedule(three.clone())), 112, "the list counts as a whole");
    answer(&bench.schedule(three[..2].to_vec())).expect("200 of 250");
    assert_eq!(code(&bench.schedule_as(Origin::App, vec![file("c")], true)), 112);
    bench.cancel("a");
    answer(&bench.schedule(vec![file("c")])).expect("what was not transferred is given back");
    assert_eq!(code(&bench.schedule(vec![file("d")])), 112);
    bench.launch();
    answer(&bench.schedule(vec![file("d")])).expect("the first launch lifts the limit");
}

#[test]
fn error_113_a_number_that_was_a_download_once() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a"), file("2")]);
    let id = bench.file_id("a");
    let found = |bench: &Bench, name: &str| {
        view::find_download(&bench.state, Some(&app_id("app")), name)
            .map_err(|failure| number(&failure))
    };
    assert_eq!(found(&bench, &id.to_string()), Ok(id));
    bench.finish(is_fetch);
    assert_eq!(found(&bench, &id.to_string()), Ok(id), "nobody has taken note of its end");
    bench.heard();
    assert_eq!(found(&bench, &id.to_string()), Err(113));
    assert_eq!(found(&bench, "a"), Err(101), "an identifier says nothing of the past");
    assert_eq!(found(&bench, "1000"), Err(101), "no download ever had this number");
    let named = bench.file_id("2");
    bench.finish(is_fetch);
    bench.schedule(vec![file(&id.to_string())]);
    assert!(
        found(&bench, &id.to_string()).is_ok_and(|other| other != named),
        "it is an identifier"
    );
}

#[test]
fn error_202_before_the_first_launch_the_host_has_to_be_listed() {
    let mut bench = restricted(1_000, 0);
    let elsewhere = UrlDownload { url: "https://other.example/a".to_owned(), ..file("a") };
    assert_eq!(code(&bench.schedule(vec![elsewhere.clone()])), 202);
    assert_eq!(code(&bench.schedule_as(Origin::App, vec![elsewhere.clone()], true)), 202);
    bench.launch();
    answer(&bench.schedule(vec![elsewhere])).expect("the first launch lifts the limit");
}

fn unsized_file(identifier: &str) -> UrlDownload {
    UrlDownload { file_size: None, ..file(identifier) }
}

#[test]
fn error_203_nothing_is_left_of_the_allowance_when_a_download_starts() {
    let mut bench = restricted(100, 0);
    answer(&bench.schedule(vec![file("a")])).expect("all that there is");
    assert_eq!(code(&bench.schedule(vec![unsized_file("b")])), 203);
    let effect = bench.order(is_fetch);
    bench.cancel("a");
    bench.hear(Event::Stopped { effect });
    bench.set(Setting::TransfersMax(Some(1)));
    answer(&bench.schedule(vec![unsized_file("b"), unsized_file("c")])).expect("nobody knows");
    let effects = bench.finish(|order| match order {
        crate::Order::FetchFile(transfer) => transfer.request.identifier == "b",
        _ => false,
    });
    let failed = told(&effects).into_iter().find_map(|(identifier, update)| match update {
        FileUpdate::Failed(failure) => Some((identifier, number(&failure))),
        _ => None,
    });
    assert_eq!(failed, Some(("c".to_owned(), 203)), "{effects:?}");
}

#[test]
fn error_204_files_of_unknown_size_do_not_exceed_the_allowance_together() {
    let mut bench = restricted(150, 0);
    answer(&bench.schedule(vec![unsized_file("b"), unsized_file("c")])).expect("nobody knows");
    assert_eq!(bench.fetching(), ["b", "c"]);
    bench.finish(is_fetch);
    let effects = bench.finish(is_fetch);
    let [(identifier, FileUpdate::Failed(failure))] = &told(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((identifier.as_str(), number(failure)), ("c", 204));
}

#[test]
fn error_206_nothing_comes_before_the_first_launch_where_in_app_content_is_off() {
    let mut bench = restricted(1_000, 0);
    bench.set(Setting::InAppContent(Switch::Off));
    assert_eq!(code(&bench.schedule(vec![file("a")])), 206);
    assert_eq!(code(&bench.schedule_as(Origin::App, vec![file("a")], true)), 206);
    bench.launch();
    answer(&bench.schedule(vec![file("a")])).expect("the app was launched");
}

#[test]
fn a_list_that_is_too_long_is_refused_as_a_whole() {
    let mut bench = Bench::launched(with_extension());
    let many = (0..=200_000_u32).map(|n| file(&n.to_string())).collect();
    let failure = answer(&bench.schedule(many)).expect_err("too many");
    assert_eq!(failure.code.as_str(), "tooManyDownloads");
    assert_eq!(bench.state.records().files().count(), 0);
}

#[test]
fn calls_for_an_app_that_is_not_there_are_refused() {
    let mut bench = Bench::new(Vec::new());
    let failure = answer(&bench.schedule(vec![file("a")])).expect_err("no such app");
    assert_eq!(failure.code.as_str(), "appNotFound");
}
