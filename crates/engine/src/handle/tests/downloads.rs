//! The life of a single download. The rows of the table "What happens at each failure" (concepts 4.4) are named here; of those
//! that need a real service (a manifest that is not https, a size that differs, time and memory of an extension) the half
//! that the engine decides.

use headstart_model::download::{DownloadPriority, DownloadStatus, UrlDownload};
use headstart_model::protocol::downloads::QueueAction;
use headstart_model::{ContentRequest, ErrorKind};

use crate::record::{Bundle, KeepData, Setting, Switch};
use crate::testing::{
    Bench, answer, app_id, code, essential_file, file, is_fetch, limits, number, told,
    with_extension, with_manifest,
};
use crate::{
    Class, Effect, Event, ExtensionAnswer, FileLimit, FileUpdate, Network, Notice, Order, Power,
    Question, Reply, view,
};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// The failures told among these effects, by identifier.
fn failed(effects: &[Effect]) -> Vec<(String, String)> {
    let failures = told(effects).into_iter().filter_map(|(identifier, update)| match update {
        FileUpdate::Failed(failure) => Some((identifier, failure.code.as_str().to_owned())),
        _ => None,
    });
    failures.collect()
}

fn bytes_moved(bench: &mut Bench, bytes_done: u64) -> Vec<Effect> {
    let effect = bench.order(is_fetch);
    bench.hear(Event::BytesMoved { effect, bytes_done })
}

fn bytes_done(bench: &Bench) -> u64 {
    view::queue(&bench.state, None, None, 10)[0].bytes_done
}

#[test]
fn row_4_4_the_manifest_fails_and_the_extension_is_told() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(with_manifest());
    let effects = bench.fetch_fails(ErrorKind::NotFound);
    assert!(effects.iter().any(|effect| matches!(
        effect,
        Effect::Answer { outcome: Ok(Reply::Launchable { .. }), .. }
    )));
    assert_eq!(bench.subjects(), ["failed manifest"], "and no content request is made");
    bench.heard();
    // What an installation brings is owed, and tried again.
    bench.pass(2 * HOUR);
    assert_eq!(bench.fetching(), ["manifest"]);
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Install"]);
}

#[test]
fn row_4_4_a_manifest_that_cannot_be_reached_is_tried_a_few_times_while_an_installation_waits() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(with_manifest());
    for _ in 0..2 {
        bench.fetch_fails(ErrorKind::Network);
        assert!(!bench.may_launch() && bench.subjects().is_empty());
        bench.pass(5 * SECOND);
    }
    bench.fetch_fails(ErrorKind::Network);
    assert!(bench.may_launch(), "a few seconds are all that it waits");
    assert_eq!(bench.subjects(), ["failed manifest"]);
}

#[test]
fn row_4_4_the_manifest_is_refused_by_the_allowance_check_with_203() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(Bundle { restrictions: Some(limits(0, 0)), ..with_manifest() });
    assert!(bench.fetching().is_empty() && bench.may_launch());
    let Question::Failed { failure, .. } = bench.question().question else { panic!("told") };
    assert_eq!(number(&failure), 203);
}

#[test]
fn row_4_4_an_extension_that_returns_nothing_lets_the_installation_complete() {
    let mut bench = Bench::asking(with_manifest());
    assert!(!bench.may_launch());
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    assert!(bench.may_launch() && bench.fetching().is_empty());
}

#[test]
fn row_4_4_an_extension_that_is_ended_is_asked_three_times_and_then_done_without() {
    let mut bench = Bench::asking(with_manifest());
    for _ in 0..2 {
        bench.extension_fails(1);
        assert!(bench.subjects().is_empty() && !bench.may_launch());
        bench.pass(5 * SECOND);
        assert_eq!(bench.subjects(), ["downloads Install"]);
    }
    bench.extension_fails(1);
    assert!(bench.may_launch());
    bench.pass(2 * HOUR);
    assert!(bench.subjects().is_empty(), "it is not asked about this again");
}

#[test]
fn row_4_4_an_essential_download_handed_to_the_manager_gives_109() {
    let mut bench = Bench::launched(with_extension());
    assert_eq!(code(&bench.schedule(vec![essential_file("a")])), 109);
}

#[test]
fn row_4_4_an_essential_download_in_a_periodic_answer_gives_109_and_nothing_is_scheduled() {
    for request in [ContentRequest::Periodic, ContentRequest::LanguageChange] {
        let mut bench = Bench::asking(with_manifest());
        bench.reply(ExtensionAnswer::Downloads(Vec::new()));
        bench.launch();
        bench.request(request);
        bench.finish(is_fetch);
        let list = vec![file("a"), essential_file("b")];
        let effects = bench.reply(ExtensionAnswer::Downloads(list));
        let refused = effects.iter().find_map(|effect| match effect {
            Effect::Tell(Notice::Extension { result: Err(failure), .. }) => Some(number(failure)),
            _ => None,
        });
        assert_eq!(refused, Some(109), "{request:?}");
        assert_eq!(bench.state.records().files().count(), 0);
    }
}

#[test]
fn row_4_4_the_exact_size_is_ordered_and_a_file_that_differs_fails_at_once() {
    let mut bench = Bench::asking(with_manifest());
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
    let orders = bench.orders();
    let limit = orders.iter().find_map(|(_, order)| match order {
        Order::FetchFile(transfer) => Some(transfer.limit),
        _ => None,
    });
    assert_eq!(limit, Some(FileLimit::Exactly(100)));
    let effects = bench.fetch_fails(ErrorKind::InvalidInput);
    assert_eq!(failed(&effects), [("a".to_owned(), "offline".to_owned())]);
    assert!(bench.may_launch(), "it has concluded");
}

#[test]
fn row_4_4_without_a_network_an_essential_download_waits_a_few_seconds() {
    let mut bench = Bench::asking(with_manifest());
    bench.network(Network::Offline);
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
    bench.pass(5 * SECOND);
    assert!(!bench.may_launch());
    let effects = bench.pass(5 * SECOND);
    assert_eq!(failed(&effects), [("a".to_owned(), "offline".to_owned())]);
    assert!(bench.may_launch());
}

#[test]
fn row_4_4_without_a_network_a_nonessential_download_waits_for_it() {
    let mut bench = Bench::launched(with_extension());
    bench.network(Network::Offline);
    bench.schedule(vec![file("a")]);
    bench.pass(6 * DAY);
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
            bench.pass(HOUR);
        }
    };
    assert_eq!(failed(&effects).len(), 1);
    let span = bench.now_ms - began;
    assert!((7 * DAY..8 * DAY).contains(&span) && attempts > 100, "{span} {attempts}");
}

#[test]
fn row_4_4_a_nonessential_download_that_gets_on_is_not_given_up() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    for bytes in 1..=9 {
        bench.pass(6 * DAY);
        bytes_moved(&mut bench, bytes);
        let effects = bench.fetch_fails(ErrorKind::Network);
        assert_eq!(failed(&effects), []);
        bench.pass(HOUR);
        assert_eq!(bench.fetching(), ["a"]);
    }
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
fn row_4_4_a_domain_that_is_not_allow_listed_gives_202_in_an_answer_too() {
    let mut bench =
        Bench::asking(Bundle { restrictions: Some(limits(1_000, 1_000)), ..with_manifest() });
    let elsewhere =
        UrlDownload { url: "https://other.example/a".to_owned(), ..essential_file("a") };
    let effects = bench.reply(ExtensionAnswer::Downloads(vec![elsewhere, file("b")]));
    let [(identifier, FileUpdate::Failed(failure)), ..] = &told(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((identifier.as_str(), number(failure)), ("a", 202));
    assert!(bench.may_launch(), "it has concluded");
    assert_eq!(bench.fetching(), ["b"], "the others go on");
}

#[test]
fn row_4_4_over_the_allowance_gives_112_in_an_answer_and_the_rest_goes_on() {
    let mut bench =
        Bench::asking(Bundle { restrictions: Some(limits(250, 150)), ..with_manifest() });
    let list = vec![essential_file("a"), essential_file("b"), file("c"), file("d")];
    let effects = bench.reply(ExtensionAnswer::Downloads(list));
    let refused: Vec<_> = told(&effects)
        .into_iter()
        .filter_map(|(identifier, update)| match update {
            FileUpdate::Failed(failure) => Some((identifier, number(&failure))),
            _ => None,
        })
        .collect();
    // The manifest has taken 100 of the 250 already.
    assert_eq!(refused, [("b".to_owned(), 112), ("d".to_owned(), 112)]);
}

#[test]
fn row_4_4_in_low_power_mode_or_without_background_activity_the_extension_is_not_launched() {
    for off in [true, false] {
        let mut bench = Bench::new(Vec::new());
        if off {
            bench.background(Switch::Off);
        } else {
            bench.power(Power::Low);
        }
        bench.install_bundle(with_manifest());
        assert!(bench.subjects().is_empty() && bench.fetching().is_empty() && bench.may_launch());
        bench.launch();
        bench.request(ContentRequest::Periodic);
        assert!(bench.subjects().is_empty() && bench.fetching().is_empty());
        bench.background(Switch::On);
        bench.power(Power::Normal);
        bench.finish(is_fetch);
        assert_eq!(bench.subjects(), ["downloads Install"], "what an installation brings is owed");
    }
}

#[test]
fn row_4_4_an_app_is_launched_before_its_essential_downloads_where_in_app_content_is_off() {
    let mut bench = Bench::new(Vec::new());
    bench.set(Setting::InAppContent(Switch::Off));
    bench.install_bundle(with_manifest());
    assert!(bench.may_launch() && bench.fetching().is_empty() && bench.subjects().is_empty());
    bench.pass(2 * DAY);
    assert!(bench.fetching().is_empty(), "not before the first launch");
    bench.launch();
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Install"]);
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
    assert!(bench.may_launch(), "nothing blocks an app that was launched");
    let class = view::queue(&bench.state, None, None, 1)[0].class;
    assert_eq!(class, Class::Nonessential);
}

#[test]
fn a_promotion_goes_on_from_the_same_byte_and_stops_nothing() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bytes_moved(&mut bench, 60);
    let order = bench.order(is_fetch);
    let (client, effects) = bench.promote(file("a"));
    assert!(effects.contains(&Effect::Reclass { id: order, class: Class::Foreground }));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Stop { .. })));
    assert_eq!((bytes_done(&bench), bench.fetching()), (60, vec!["a".to_owned()]));
    let (_, again) = bench.promote(file("a"));
    assert!(!again.iter().any(|effect| matches!(effect, Effect::Reclass { .. })), "no effect");
    // The second connection holds it there.
    bench.gone(client);
    assert_eq!(view::queue(&bench.state, None, None, 1)[0].class, Class::Foreground);
    let effects = bench.gone(bench.last_client());
    assert!(effects.contains(&Effect::Reclass { id: order, class: Class::Nonessential }));
    assert_eq!(bytes_done(&bench), 60);
}

#[test]
fn a_promotion_ends_a_back_off_and_a_demotion_lets_it_wait_again() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bytes_moved(&mut bench, 30);
    bench.fetch_fails(ErrorKind::Network);
    assert!(bench.fetching().is_empty());
    let (client, _) = bench.promote(file("a"));
    assert_eq!((bench.fetching(), bytes_done(&bench)), (vec!["a".to_owned()], 30));
    bench.gone(client);
    let effects = bench.fetch_fails(ErrorKind::Network);
    assert_eq!(failed(&effects), [], "nobody looks at it any more");
}

#[test]
fn what_is_demoted_while_nothing_may_move_in_the_background_stops() {
    for low in [true, false] {
        let mut bench = Bench::launched(with_extension());
        let (client, _) = bench.promote(file("a"));
        bytes_moved(&mut bench, 40);
        let order = bench.order(is_fetch);
        let effects = if low { bench.power(Power::Low) } else { bench.background(Switch::Off) };
        assert!(!effects.contains(&Effect::Stop { id: order }), "somebody waits for it");
        assert!(bench.gone(client).contains(&Effect::Stop { id: order }));
        bench.hear(Event::Stopped { effect: order });
        bench.pass(HOUR);
        assert!(bench.fetching().is_empty());
        bench.power(Power::Normal);
        bench.background(Switch::On);
        assert_eq!((bench.fetching(), bytes_done(&bench)), (vec!["a".to_owned()], 40));
    }
}

#[test]
fn an_essential_download_fails_comes_again_as_nonessential_and_arrives() {
    let mut bench = Bench::asking(with_manifest());
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a"), essential_file("b")]));
    bench.fetch_fails(ErrorKind::NotFound);
    assert!(!bench.may_launch(), "the other one is not concluded");
    assert!(bench.subjects().is_empty(), "the batch is told after the installation");
    let effects = bench.finish(is_fetch);
    assert!(bench.may_launch());
    let reply = answer(&effects).expect("launchable");
    let Reply::Launchable { downloads, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(downloads[0].0, "a");
    let ended = effects.iter().position(|effect| matches!(effect, Effect::EndExtension { .. }));
    let asked = effects.iter().position(|effect| matches!(effect, Effect::Ask(_)));
    assert!(ended.is_some() && ended < asked, "a new one is told: {effects:?}");
    let Question::Failed { download, .. } = bench.question().question else { panic!("told") };
    let again = download.removing_essential();
    answer(&bench.schedule_as(crate::Origin::Extension, vec![again], false)).expect("scheduled");
    bench.heard();
    assert_eq!(bench.subjects(), ["finished b"]);
    bench.heard();
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["finished a"]);
    bench.heard();
    bench.finish_everything();
    assert_eq!(bench.state.records().files().count(), 0);
}

#[test]
fn nonessential_downloads_wait_for_the_essential_ones() {
    let mut bench = Bench::asking(with_manifest());
    bench.reply(ExtensionAnswer::Downloads(vec![file("a"), essential_file("b"), file("c")]));
    assert_eq!(bench.fetching(), ["b"]);
    bench.finish(is_fetch);
    assert_eq!(bench.fetching(), ["a", "c"]);
}

#[test]
fn the_queue_is_ordered_by_priority_and_then_by_age() {
    let mut bench = Bench::launched(with_extension());
    bench.set(Setting::TransfersMax(Some(1)));
    let of = |identifier: &str, priority| {
        let priority = DownloadPriority::new(priority).expect("a priority");
        UrlDownload { priority, ..file(identifier) }
    };
    bench.schedule(vec![of("running", 0), of("low", -5), of("old", 0), of("young", 0)]);
    bench.schedule(vec![of("high", 5)]);
    let mut order = Vec::new();
    while let [identifier] = &bench.fetching()[..] {
        order.push(identifier.clone());
        bench.finish(is_fetch);
    }
    assert_eq!(order, ["running", "high", "old", "young", "low"]);
}

#[test]
fn a_person_pauses_resumes_promotes_and_cancels() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let (id, order) = (bench.file_id("a"), bench.order(is_fetch));
    let change = |bench: &mut Bench, action| {
        let effects = bench.call(|caller| Event::QueueChangeRequested { caller, id, action });
        assert_eq!(answer(&effects), Ok(Reply::Changed));
        effects
    };
    assert!(change(&mut bench, QueueAction::Pause).contains(&Effect::Stop { id: order }));
    bench.hear(Event::Stopped { effect: order });
    bench.restart();
    bench.pass(DAY);
    assert!(bench.fetching().is_empty(), "it stays paused over a restart");
    change(&mut bench, QueueAction::Resume);
    assert_eq!(bench.fetching(), ["a"]);
    change(&mut bench, QueueAction::Promote);
    assert_eq!(view::queue(&bench.state, None, None, 1)[0].class, Class::Foreground);
    let effects = change(&mut bench, QueueAction::Cancel);
    assert_eq!(failed(&effects), [("a".to_owned(), "cancelled".to_owned())]);
    assert_eq!(bench.subjects(), ["failed a"]);
}

#[test]
fn a_cancelled_download_is_told_and_what_it_left_goes_after_its_transfer_has_ended() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let order = bench.order(is_fetch);
    let effects = bench.cancel("a");
    assert_eq!(answer(&effects), Ok(Reply::Cancelled));
    assert!(effects.contains(&Effect::Stop { id: order }));
    let is_discard = |order: &Order| matches!(order, Order::DiscardFile { .. });
    let discards = |bench: &Bench| {
        bench.orders().iter().any(|(_, order)| matches!(order, Order::DiscardFile { .. }))
    };
    bench.heard();
    assert_eq!(bench.state.records().files().count(), 0);
    assert!(!discards(&bench), "the transfer may still write");
    bench.restart();
    assert!(!discards(&bench), "neither is it known that it has ended");
    bench.hear(Event::Stopped { effect: order });
    bench.finish(is_discard);
    bench.finish_everything();
}

#[test]
fn a_download_that_lacks_disk_space_for_what_is_left_of_it_gets_it() {
    let room = |bytes: u64| Event::FactsChanged {
        news: crate::FactsChange {
            disk_free_bytes: Some(crate::DISK_RESERVE_BYTES + bytes),
            ..crate::FactsChange::default()
        },
    };
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bytes_moved(&mut bench, 60);
    bench.hear(room(30));
    bench.fetch_fails(ErrorKind::NoSpace);
    bench.pass(HOUR);
    assert!(bench.fetching().is_empty(), "40 bytes are needed");
    bench.hear(room(50));
    assert_eq!(bench.fetching(), ["a"]);
    bench.finish(is_fetch);
    bench.hear_all();
    bench.finish_everything();
}

#[test]
fn uninstalling_forgets_every_download_and_question() {
    let mut bench = Bench::launched(with_extension());
    let delegate = bench.attach();
    bench.schedule(vec![file("a"), file("b")]);
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["finished a"]);
    let app = app_id("app");
    let data = KeepData::Delete;
    let effects = bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Stop { .. })));
    let order = bench.order(is_fetch);
    bench.hear(Event::Stopped { effect: order });
    bench.finish_everything();
    let records = bench.state.records();
    assert_eq!((records.apps().count(), records.files().count()), (0, 0));
    bench.gone(delegate);
    assert!(bench.state.live.calls.of(&app_id("app")).is_none());
}

#[test]
fn a_switch_for_one_app_outlasts_its_removal_and_holds_up_nobody_else() {
    let mut bench = Bench::launched(with_extension());
    let app = app_id("app");
    bench.set(Setting::BackgroundActivity(Some(app.clone()), Switch::Off));
    let data = KeepData::Delete;
    bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    bench.finish_everything();
    bench.install_bundle(with_extension());
    bench.launch();
    let (client, _) = bench.promote(file("a"));
    bench.gone(client);
    let order = bench.order(is_fetch);
    bench.hear(Event::Stopped { effect: order });
    let (other, mut bundle) = (app_id("other"), with_extension());
    bundle.groups =
        std::collections::BTreeMap::from([(crate::testing::group("group.other"), Vec::new())]);
    bench.call(|caller| Event::AppInstallRequested {
        caller,
        app: other.clone(),
        bundle: Box::new(bundle),
    });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    let download = UrlDownload { app_group: crate::testing::group("group.other"), ..file("b") };
    let effects = bench.call(|caller| Event::DownloadsScheduled {
        caller,
        app: other,
        origin: crate::Origin::App,
        downloads: vec![download],
        foreground: false,
    });
    answer(&effects).expect("its own switch is on");
    assert_eq!(bench.fetching(), ["b"]);
}

#[test]
fn what_is_current_is_what_has_not_ended() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a"), file("b"), file("c"), file("d")]);
    bench.finish(is_fetch);
    let current = view::current(&bench.state, &app_id("app"), None, 10);
    let states: Vec<_> =
        current.iter().map(|view| (view.download.identifier.as_str(), view.status)).collect();
    let running = DownloadStatus::Downloading;
    assert_eq!(states, [("b", running), ("c", running), ("d", running)]);
    let page = view::current(&bench.state, &app_id("app"), Some(current[0].id), 1);
    assert_eq!(page[0].download.identifier, "c");
}
