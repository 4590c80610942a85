//! The life of a single download.

use headstart_model::ErrorKind;
use headstart_model::download::{DownloadPriority, DownloadStatus, UrlDownload};
use headstart_model::protocol::downloads::QueueAction;

use crate::record::{KeepData, Setting, Switch};
use crate::testing::{
    Bench, DAY_MS, HOUR_MS, answer, app_id, essential_file, failed, file, is_fetch, with_extension,
    with_manifest,
};
use crate::{Class, Effect, Event, ExtensionAnswer, Order, Power, Question, Reply, view};

fn bytes_done(bench: &Bench) -> u64 {
    view::queue(&bench.state, None, None, 10)[0].bytes_done
}

#[test]
fn a_promotion_goes_on_from_the_same_byte_and_stops_nothing() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.bytes_moved(60);
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
    bench.bytes_moved(30);
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
        bench.bytes_moved(40);
        let order = bench.order(is_fetch);
        let effects = if low { bench.power(Power::Low) } else { bench.background(Switch::Off) };
        assert!(!effects.contains(&Effect::Stop { id: order }), "somebody waits for it");
        assert!(bench.gone(client).contains(&Effect::Stop { id: order }));
        bench.hear(Event::Stopped { effect: order });
        bench.pass(HOUR_MS);
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
    bench.pass(DAY_MS);
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
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.bytes_moved(60);
    bench.room(30);
    bench.fetch_fails(ErrorKind::NoSpace);
    bench.pass(HOUR_MS);
    assert!(bench.fetching().is_empty(), "40 bytes are needed");
    bench.room(50);
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
        headers: headstart_model::Headers::default(),
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
