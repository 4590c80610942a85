//! The extension of an app whose own server decides: from the content request to its answer (concepts 4.1, 4.2, 10).

use headstart_model::{ContentRequest, ErrorKind};

use crate::record::{
    BUDGET_FREQUENT_MS, BUDGET_MS, Bundle, KeepData, Setting, SourceOverride, Switch, Trust,
};
use crate::testing::{
    Bench, answer, app_id, bundle, essential_file, file, is_fetch, limits, with_extension,
    with_manifest,
};
use crate::{
    Effect, Event, ExtensionAnswer, ExtensionEnd, Fact, Notice, Order, Question, Receiver, Reply,
    view,
};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A bench on which such an app is installed, was launched, and has no downloads.
fn settled() -> Bench {
    let mut bench = Bench::asking(with_manifest());
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    bench.launch();
    bench.finish_everything();
    bench
}

fn update(bench: &mut Bench, bundle: Bundle) -> Vec<Effect> {
    let app = app_id("app");
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) })
}

fn manifest_urls(bench: &Bench) -> Vec<String> {
    let fetches = bench.orders().into_iter().filter_map(|(_, order)| match order {
        Order::FetchFile(transfer) => Some(transfer.request.url),
        _ => None,
    });
    fetches.collect()
}

#[test]
fn the_manifest_is_here_before_the_extension_is_asked_and_gone_after() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(with_manifest());
    assert_eq!(manifest_urls(&bench), ["https://cdn.example.com/manifest.json"]);
    assert!(bench.subjects().is_empty());
    bench.finish(is_fetch);
    let Question::Downloads { request, manifest, file_name, info, .. } = bench.question().question
    else {
        panic!("it is asked for downloads")
    };
    assert_eq!((request, file_name.as_str()), (ContentRequest::Install, "manifest.json"));
    assert_eq!(info.restricted_download_size_remaining, None);
    let effects = bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    let discarded = effects.iter().any(|effect| {
        matches!(effect, Effect::Order { order: Order::DiscardFile { download, .. }, .. } if *download == manifest)
    });
    assert!(discarded);
}

#[test]
fn every_content_request_fetches_the_manifest_anew() {
    let mut bench = settled();
    bench.pass(DAY);
    assert_eq!(bench.fetching(), ["manifest"], "a day has passed");
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Periodic"]);
    bench.reply(ExtensionAnswer::Downloads(vec![file("a")]));
    assert_eq!(bench.fetching(), ["a"]);
    bench.request(ContentRequest::LanguageChange);
    assert_eq!(bench.fetching(), ["a", "manifest"]);
}

#[test]
fn an_update_asks_with_its_own_manifest_whatever_was_under_way() {
    // The extension was being asked, the manifest was on its way, nothing was.
    for under_way in 0..3 {
        let mut bench = settled();
        if under_way > 0 {
            bench.request(ContentRequest::Periodic);
        }
        if under_way > 1 {
            bench.finish(is_fetch);
            assert_eq!(bench.subjects(), ["downloads Periodic"]);
        }
        let manifest = Some("https://cdn.example.com/second.json".to_owned());
        let effects =
            update(&mut bench, Bundle { version: "2".to_owned(), manifest, ..with_manifest() });
        let why = ExtensionEnd::AppUpdated;
        assert!(effects.contains(&Effect::EndExtension { app: app_id("app"), why }));
        assert!(bench.subjects().is_empty(), "nobody is there to be asked");
        if under_way == 1 {
            let effect = bench.order(is_fetch);
            assert!(effects.contains(&Effect::Stop { id: effect }));
            bench.hear(Event::Stopped { effect });
        }
        bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
        assert!(bench.subjects().is_empty() && !bench.may_launch());
        assert_eq!(manifest_urls(&bench), ["https://cdn.example.com/second.json"], "{under_way}");
        bench.finish(is_fetch);
        assert_eq!(bench.subjects(), ["downloads Update"], "{under_way}");
        bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
        assert!(!bench.may_launch(), "an update may have essential downloads");
        bench.finish(is_fetch);
        assert!(bench.may_launch());
    }
}

#[test]
fn an_update_that_fails_leaves_the_content_request_that_was_owed() {
    let mut bench = settled();
    bench.request(ContentRequest::Periodic);
    bench.finish(is_fetch);
    update(&mut bench, Bundle { version: "2".to_owned(), ..with_manifest() });
    let effect = bench.order(|order| matches!(order, Order::PrepareApp { .. }));
    let failure = crate::testing::a_failure(ErrorKind::InvalidInput);
    bench.hear(Event::PrepareFailed { effect, failure });
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Periodic"]);
}

#[test]
fn a_request_that_goes_first_is_not_lost_behind_the_one_that_is_being_answered() {
    let mut bench = settled();
    bench.request(ContentRequest::Periodic);
    bench.request(ContentRequest::Install);
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Install"], "one manifest serves both");
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    bench.finish_everything();
    bench.request(ContentRequest::Periodic);
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Periodic"]);
    bench.request(ContentRequest::Install);
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Install"]);
}

#[test]
fn an_app_without_a_group_is_launchable_and_says_what_is_missing() {
    let mut bench = Bench::new(Vec::new());
    let groups = std::collections::BTreeMap::new();
    let effects = bench.install_bundle(Bundle { groups, ..with_manifest() });
    let Ok(Reply::Launchable { catalog: Some(failure), .. }) = answer(&effects) else {
        panic!("{effects:?}")
    };
    assert_eq!(failure.code.as_str(), "noGroup");
}

#[test]
fn a_manifest_whose_server_is_not_trusted_holds_nothing_else_up() {
    let mut bench = settled();
    bench.request(ContentRequest::Periodic);
    bench.fetch_fails(ErrorKind::Untrusted);
    assert_eq!(bench.subjects(), ["failed manifest"]);
    bench.heard();
    bench.schedule(vec![file("a")]);
    assert_eq!(bench.fetching(), ["a"]);
}

#[test]
fn a_failed_manifest_is_told_once_as_long_as_nobody_has_taken_note() {
    let mut bench = settled();
    bench.background(Switch::On);
    for _ in 0..2 {
        bench.request(ContentRequest::Periodic);
        bench.fetch_fails(ErrorKind::Network);
    }
    assert_eq!(bench.subjects(), ["failed manifest"]);
    bench.heard();
    assert!(bench.subjects().is_empty());
    bench.finish_everything();
}

#[test]
fn each_manifest_that_failed_has_a_unique_identifier_of_its_own() {
    let mut bench = settled();
    bench.background(Switch::On);
    let mut told = std::collections::BTreeSet::new();
    for _ in 0..2 {
        bench.request(ContentRequest::Periodic);
        bench.fetch_fails(ErrorKind::NotFound);
        let Question::Failed { download, .. } = bench.question().question else { panic!("told") };
        assert_eq!(download.identifier, "manifest");
        told.insert(download.unique_identifier);
        bench.heard();
        bench.finish_everything();
    }
    assert_eq!(told.len(), 2, "who tells repetitions by it hears of both: {told:?}");
}

#[test]
fn ends_that_crashed_the_extension_take_no_attempt_from_a_content_request() {
    let mut bench = settled();
    bench.background(Switch::On);
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    for _ in 0..3 {
        assert_eq!(bench.subjects(), ["finished a"]);
        bench.extension_fails(1);
        bench.pass(60 * 60 * 1_000);
    }
    while bench.fetching().is_empty() {
        // A request by the clock forgives nothing, unlike one that is simulated.
        bench.pass(60 * 60 * 1_000);
    }
    bench.heard();
    bench.finish(is_fetch);
    for _ in 0..3 {
        assert_eq!(bench.subjects(), ["downloads Periodic"]);
        bench.extension_fails(1);
        bench.pass(60 * 60 * 1_000);
    }
    assert!(bench.subjects().is_empty(), "it is done without");
}

#[test]
fn the_provisional_total_is_the_allowance_until_the_extension_has_answered() {
    let totals = |effects: &[Effect]| -> Vec<u64> {
        let told = effects.iter().filter_map(|effect| match effect {
            Effect::Tell(Notice::Installation { progress, .. }) => Some(progress.bytes_total),
            _ => None,
        });
        told.collect()
    };
    let mut bench = Bench::new(Vec::new());
    let restrictions = Some(limits(1_000, 700));
    let effects = bench.install_bundle(Bundle { restrictions, ..with_manifest() });
    assert_eq!(totals(&effects).last(), Some(&700));
    bench.finish(is_fetch);
    let list = vec![essential_file("a"), essential_file("b"), file("c")];
    let effects = bench.reply(ExtensionAnswer::Downloads(list));
    assert_eq!(totals(&effects).last(), Some(&200));
}

#[test]
fn the_progress_of_the_manifest_reaches_the_installer() {
    let fraction = |effects: &[Effect]| -> Option<u32> {
        let mut told = effects.iter().filter_map(|effect| match effect {
            Effect::Tell(Notice::Installation { progress, .. }) => Some(progress.fraction_ppm),
            _ => None,
        });
        told.next_back()
    };
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(with_manifest());
    let effect = bench.order(is_fetch);
    let unknown = fraction(&bench.hear(Event::BytesMoved { effect, bytes_done: 10 }));
    assert_eq!(unknown, Some(100_000), "10 bytes of nobody knows how many");
    bench.hear(Event::LengthKnown { effect, bytes_total: 100 });
    let half = fraction(&bench.hear(Event::BytesMoved { effect, bytes_done: 50 }));
    assert_eq!(half, Some(125_000), "half of the phase");
    assert_eq!(fraction(&bench.finish(is_fetch)), Some(150_000));
    assert_eq!(bench.subjects(), ["downloads Install"]);
    // Without an installation nobody is told.
    let mut bench = settled();
    bench.request(ContentRequest::Periodic);
    let effect = bench.order(is_fetch);
    bench.hear(Event::LengthKnown { effect, bytes_total: 100 });
    assert_eq!(fraction(&bench.hear(Event::BytesMoved { effect, bytes_done: 50 })), None);
}

#[test]
fn time_of_calls_is_counted_and_a_day_later_there_is_a_new_budget() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    assert_eq!(bench.question().receiver, Receiver::Extension { budget_ms: BUDGET_MS });
    bench.extension_fails(BUDGET_MS);
    bench.pass(HOUR);
    assert!(bench.subjects().is_empty(), "the budget is used up");
    let explained = crate::explain_download(&bench.state, bench.file_id("a"), bench.now());
    let facts: Vec<_> = explained.expect("on record").reasons.into_iter().map(|r| r.fact).collect();
    let used = Fact::ExtensionBudget { used_ms: BUDGET_MS, allowed_ms: BUDGET_MS };
    assert_eq!(facts, [Fact::Untold, used]);
    bench.pass(22 * HOUR);
    assert!(bench.subjects().is_empty());
    bench.pass(HOUR);
    assert_eq!(bench.subjects(), ["finished a"], "the timer of the new day");
    bench.heard();
    let left = view::extension(&bench.state, &app_id("app"), bench.now()).expect("installed");
    assert_eq!((left.used_ms, left.allowed_ms, left.held_back), (5, BUDGET_MS, None));
}

#[test]
fn an_app_that_is_used_often_has_more_time() {
    let mut bench = Bench::launched(with_extension());
    for _ in 0..4 {
        bench.pass(DAY);
        bench.hear(Event::AppUsed { app: app_id("app") });
    }
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    assert_eq!(bench.question().receiver, Receiver::Extension { budget_ms: BUDGET_FREQUENT_MS });
}

#[test]
fn a_simulated_request_resets_the_budget_and_the_back_off() {
    let mut bench = settled();
    bench.request(ContentRequest::Periodic);
    bench.finish(is_fetch);
    bench.extension_fails(BUDGET_MS);
    assert!(bench.subjects().is_empty());
    bench.request(ContentRequest::Periodic);
    assert_eq!(bench.subjects(), ["downloads Periodic"]);
    assert_eq!(bench.question().receiver, Receiver::Extension { budget_ms: BUDGET_MS });
}

#[test]
fn an_installation_does_not_wait_for_a_budget_and_late_answers_block_nothing() {
    let mut bench = settled();
    bench.request(ContentRequest::Periodic);
    bench.finish(is_fetch);
    bench.extension_fails(2 * BUDGET_MS);
    update(&mut bench, Bundle { version: "2".to_owned(), ..with_manifest() });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(is_fetch);
    assert!(bench.may_launch() && bench.subjects().is_empty());
    while bench.subjects().is_empty() {
        bench.pass(HOUR);
    }
    assert_eq!(bench.subjects(), ["downloads Update"], "it is asked when it may be again");
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
    assert!(bench.may_launch(), "what comes late blocks nothing");
    let view = &view::queue(&bench.state, None, None, 1)[0];
    assert!(!view.essential);
}

#[test]
fn an_installation_does_not_wait_for_the_back_off_of_the_version_before() {
    let mut bench = settled();
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    for _ in 0..15 {
        bench.extension_fails(1);
        while bench.subjects().is_empty() {
            bench.pass(HOUR);
        }
    }
    bench.extension_fails(1);
    update(&mut bench, Bundle { version: "2".to_owned(), ..with_manifest() });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Update"]);
    bench.extension_fails(1);
    bench.pass(5_000);
    assert_eq!(bench.subjects(), ["downloads Update"], "it has its three attempts");
}

#[test]
fn ten_thousand_downloads_are_taken_in_one_answer() {
    let mut bench = Bench::asking(with_manifest());
    let list = (0..10_000_u32).map(|n| file(&n.to_string())).collect();
    let before = bench.state.live.steps;
    let effects = bench.reply(ExtensionAnswer::Downloads(list));
    let scheduled = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Tell(Notice::Extension { result: Ok(10_000), .. })));
    assert!(scheduled);
    assert!(bench.state.live.steps - before < 100, "{}", bench.state.live.steps - before);
    assert_eq!(bench.state.records().files().count(), 10_000);
    assert!(bench.may_launch());
}

#[test]
fn an_answer_may_name_what_is_scheduled_already() {
    let mut bench = settled();
    bench.schedule(vec![file("a")]);
    bench.request(ContentRequest::Periodic);
    bench.finish(|order| {
        matches!(order, Order::FetchFile(transfer) if transfer.request.identifier == "manifest")
    });
    let effects = bench.reply(ExtensionAnswer::Downloads(vec![file("a"), file("b")]));
    let result = effects.iter().find_map(|effect| match effect {
        Effect::Tell(Notice::Extension { result, .. }) => Some(result.clone()),
        _ => None,
    });
    assert_eq!(result, Some(Ok(1)));
    assert_eq!(bench.fetching(), ["a", "b"]);
}

#[test]
fn an_answer_that_cannot_be_right_schedules_nothing_and_is_shown() {
    let mut bench = settled();
    bench.request(ContentRequest::Periodic);
    bench.finish(is_fetch);
    let failure = crate::testing::a_failure(ErrorKind::InvalidInput);
    bench.reply(ExtensionAnswer::Refused(failure.clone()));
    let shown = view::extension(&bench.state, &app_id("app"), bench.now()).expect("installed");
    assert_eq!(shown.failure, Some(failure));
    bench.finish_everything();
    assert!(bench.subjects().is_empty(), "it is not asked again for this");
}

#[test]
fn another_source_makes_what_the_first_one_offered_void() {
    let mut bench = Bench::asking(Bundle { trust: Trust::Development, ..with_manifest() });
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    bench.launch();
    bench.request(ContentRequest::Periodic);
    let app = app_id("app");
    let other = "https://cdn.example.com/other.json";
    let source = Some(SourceOverride::Manifest(other.to_owned()));
    bench.call(|caller| Event::SourceOverridden { caller, app, source });
    let effect = bench.order(is_fetch);
    bench.hear(Event::Stopped { effect });
    bench.finish_everything();
    bench.request(ContentRequest::Periodic);
    assert_eq!(manifest_urls(&bench), [other]);
    let mut ordinary = settled();
    let app = app_id("app");
    let effects = ordinary.call(|caller| Event::SourceOverridden { caller, app, source: None });
    assert!(answer(&effects).is_err(), "only for development");
}

#[test]
fn switches_end_an_extension_that_runs_and_removal_does_so_for_good() {
    let mut bench = settled();
    bench.request(ContentRequest::Periodic);
    bench.finish(is_fetch);
    let call = bench.question().call;
    let effects = bench.background(Switch::Off);
    let app = app_id("app");
    assert!(effects.contains(&Effect::Forget { app: app.clone(), call }));
    let why = ExtensionEnd::NotAllowed;
    assert!(effects.contains(&Effect::EndExtension { app: app.clone(), why }));
    assert!(bench.subjects().is_empty());
    bench.background(Switch::On);
    let data = KeepData::Delete;
    let effects = bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    let why = ExtensionEnd::AppRemoved;
    assert!(effects.contains(&Effect::EndExtension { app: app_id("app"), why }));
    bench.finish_everything();
}

#[test]
fn a_periodic_request_that_may_not_be_made_is_dropped() {
    let mut bench = settled();
    bench.set(Setting::BackgroundActivity(Some(app_id("app")), Switch::Off));
    bench.request(ContentRequest::Periodic);
    assert!(bench.fetching().is_empty());
    bench.set(Setting::BackgroundActivity(Some(app_id("app")), Switch::On));
    assert!(bench.fetching().is_empty(), "the next one comes at its time");
    bench.pass(DAY);
    assert_eq!(bench.fetching(), ["manifest"]);
    assert_ne!(with_manifest(), bundle("1"));
}
