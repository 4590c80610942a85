//! Who is told how a download ended. The points of "Who is told" (concepts 11) are named here.

use headstart_model::ErrorKind;
use headstart_model::download::UrlDownload;
use headstart_model::protocol::downloads::ChallengeAnswer;

use crate::record::{Bundle, Switch};
use crate::testing::{
    Bench, answer, app_id, essential_file, file, group, is_fetch, told, with_extension,
    with_manifest,
};
use crate::{Effect, Event, ExtensionAnswer, FileUpdate, Inquiry, Order, Origin, Question, Reply};

fn unique(inquiry: &Inquiry) -> String {
    match &inquiry.question {
        Question::Finished { download, .. } | Question::Failed { download, .. } => {
            download.unique_identifier.clone()
        }
        other => panic!("{other:?}"),
    }
}

fn discards(bench: &Bench) -> bool {
    bench.orders().iter().any(|(_, order)| matches!(order, Order::DiscardFile { .. }))
}

#[test]
fn point_11_1_events_go_to_the_delegate_of_the_running_app() {
    let mut bench = Bench::launched(with_extension());
    let delegate = bench.attach();
    bench.schedule(vec![file("a"), file("b")]);
    bench.finish(is_fetch);
    bench.fetch_fails(ErrorKind::NotFound);
    assert_eq!(bench.subjects(), ["finished a"], "one after the other");
    assert_eq!(bench.asked_client(), Some(delegate));
    assert_eq!(answer(&bench.heard()), Ok(Reply::Acknowledged));
    assert_eq!(
        (bench.subjects(), bench.asked_client()),
        (vec!["failed b".to_owned()], Some(delegate))
    );
    bench.heard();
    bench.finish_everything();
    assert_eq!(bench.state.records().files().count(), 0);
}

#[test]
fn point_11_1_the_process_that_came_last_is_told() {
    let mut bench = Bench::launched(with_extension());
    let first = bench.attach();
    let last = bench.attach();
    bench.schedule(vec![file("a"), file("b")]);
    bench.finish(is_fetch);
    assert_eq!(bench.asked_client(), Some(last));
    bench.gone(last);
    assert_eq!(bench.asked_client(), Some(first), "the same end is told to the other");
    assert_eq!(bench.subjects(), ["finished a"]);
}

#[test]
fn point_11_2_otherwise_the_extension_is_woken() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a"), file("b")]);
    bench.finish(is_fetch);
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["finished a".to_owned()], None));
    bench.heard();
    bench.challenge();
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["challenge b".to_owned()], None));
    bench.reply(ExtensionAnswer::Challenge(ChallengeAnswer::PerformDefaultHandling));
    bench.fetch_fails(ErrorKind::NotFound);
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["failed b".to_owned()], None));
}

#[test]
fn point_11_2_begin_pause_and_progress_wake_nobody() {
    let mut bench = Bench::launched(with_extension());
    let effects = bench.schedule(vec![file("a")]);
    assert!(told(&effects).contains(&("a".to_owned(), FileUpdate::Began)));
    let effect = bench.order(is_fetch);
    let effects = bench.hear(Event::BytesMoved { effect, bytes_done: 10 });
    assert!(matches!(told(&effects)[..], [(_, FileUpdate::Downloading { bytes_new: 10, .. })]));
    bench.background(Switch::Off);
    let effects = bench.hear(Event::Stopped { effect });
    assert!(matches!(told(&effects)[..], [(_, FileUpdate::Paused(_))]), "{effects:?}");
    assert!(bench.subjects().is_empty());
}

#[test]
fn point_11_3_the_delegate_replaces_the_extension() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a"), file("b")]);
    bench.finish(is_fetch);
    bench.finish(is_fetch);
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["finished a".to_owned()], None));
    let delegate = bench.attach();
    assert_eq!(bench.subjects(), ["finished a"], "never two at once");
    bench.heard();
    assert_eq!(bench.subjects(), ["finished b"]);
    assert_eq!(bench.asked_client(), Some(delegate), "and the extension hears no more");
    bench.gone(delegate);
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["finished b".to_owned()], None));
}

#[test]
fn point_11_3_what_the_extension_did_not_hear_is_told_to_the_delegate() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    let before = unique(&bench.question());
    let delegate = bench.attach();
    bench.extension_fails(3);
    assert_eq!((unique(&bench.question()), bench.asked_client()), (before, Some(delegate)));
}

#[test]
fn content_requests_go_to_the_extension_though_a_delegate_listens() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(with_manifest());
    bench.attach();
    bench.finish(is_fetch);
    assert_eq!(
        (bench.subjects(), bench.asked_client()),
        (vec!["downloads Install".to_owned()], None)
    );
}

#[test]
fn point_11_4_the_file_stays_until_the_callback_is_acknowledged() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    for _ in 0..3 {
        bench.extension_fails(1);
        bench.pass(60 * 60 * 1_000);
        assert!(!discards(&bench));
        assert_eq!(bench.subjects(), ["finished a"], "it is told again");
    }
    let effects = bench.heard();
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Order { order: Order::DiscardFile { .. }, .. }))
    );
}

#[test]
fn point_11_6_a_listener_that_never_acknowledges_holds_back_what_comes_after_it() {
    let mut bench = Bench::launched(with_extension());
    let delegate = bench.attach();
    bench.schedule(vec![file("a"), file("b")]);
    bench.finish(is_fetch);
    bench.finish(is_fetch);
    bench.pass(7 * 24 * 60 * 60 * 1_000);
    assert_eq!(
        (bench.subjects(), bench.asked_client()),
        (vec!["finished a".to_owned()], Some(delegate))
    );
    bench.gone(delegate);
    bench.heard();
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["finished b".to_owned()], None));
}

#[test]
fn point_11_7_while_an_app_is_installed_only_a_listener_hears_of_ends() {
    for attended in [true, false] {
        let mut bench = Bench::asking(with_manifest());
        let list = vec![essential_file("a"), essential_file("b")];
        bench.reply(ExtensionAnswer::Downloads(list));
        if attended {
            bench.attach();
        }
        bench.finish(is_fetch);
        let during: &[&str] = if attended { &["finished a"] } else { &[] };
        assert_eq!(bench.subjects(), during);
        assert!(!bench.may_launch());
        bench.finish(is_fetch);
        assert_eq!(bench.subjects(), ["finished a"], "the installation has ended");
    }
}

#[test]
fn point_11_8_app_and_extension_hear_of_what_the_other_has_scheduled() {
    for (origin, attended) in [(Origin::App, false), (Origin::Extension, true)] {
        let mut bench = Bench::launched(with_extension());
        let delegate = attended.then(|| bench.attach());
        bench.schedule_as(origin, vec![file("a")], false);
        bench.finish(is_fetch);
        assert_eq!(
            (bench.subjects(), bench.asked_client()),
            (vec!["finished a".to_owned()], delegate)
        );
    }
}

#[test]
fn point_11_8_every_download_is_told_with_what_it_was_scheduled_as() {
    let mut bench = Bench::launched(with_extension());
    bench.attach();
    bench.schedule(vec![file("a"), file("b")]);
    for _ in 0..2 {
        bench.finish(is_fetch);
    }
    for identifier in ["a", "b"] {
        let Question::Finished { download, file_name, .. } = bench.question().question else {
            panic!("it has arrived")
        };
        assert_eq!((download, file_name.as_str()), (file(identifier), identifier));
        bench.heard();
    }
}

#[test]
fn point_11_4_an_end_is_told_over_restarts_until_it_is_acknowledged() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    let first = bench.question();
    // As on a device whose clock begins anew with it.
    bench.restart();
    let second = bench.question();
    assert_eq!(unique(&first), unique(&second), "whoever heard it twice can tell");
    assert_ne!(first.call, second.call);
    let app = app_id("app");
    let late = Event::ExtensionReturned {
        app,
        call: first.call,
        answer: ExtensionAnswer::Heard,
        used_ms: 1,
    };
    bench.hear(late);
    assert_eq!(bench.subjects(), ["finished a"], "an answer of an earlier life means nothing");
    bench.heard();
    bench.finish_everything();
    let effects = bench.restart();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Ask(_))));
}

#[test]
fn point_11_3_a_delegate_that_goes_in_the_middle_of_its_callback_is_followed_by_the_next() {
    let mut bench = Bench::launched(with_extension());
    let first = bench.attach();
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    assert_eq!(bench.asked_client(), Some(first));
    // One that came since must not make the question be forgotten.
    let second = bench.attach();
    bench.gone(first);
    assert_eq!(
        (bench.subjects(), bench.asked_client()),
        (vec!["finished a".to_owned()], Some(second))
    );
    bench.gone(second);
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["finished a".to_owned()], None));
}

#[test]
fn an_end_that_always_crashes_the_extension_holds_no_other_up() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("bad"), file("good"), file("fine")]);
    for _ in 0..3 {
        bench.finish(is_fetch);
    }
    let mut heard = Vec::new();
    for _ in 0..6 {
        let [subject] = &bench.subjects()[..] else { break };
        heard.push(subject.clone());
        if subject == "finished bad" {
            bench.extension_fails(1);
        } else {
            bench.heard();
        }
        bench.pass(60 * 60 * 1_000);
    }
    let in_turn = ["finished bad", "finished good", "finished fine", "finished bad"];
    assert_eq!(heard[..4], in_turn);
    bench.heard();
    bench.finish_everything();
    assert_eq!(bench.state.live.calls.of(&app_id("app")).map(|calls| calls.last_told), None);
}

#[test]
fn who_listens_for_another_app_hears_nothing_more_of_the_first() {
    let mut bench = Bench::launched(with_extension());
    let other = app_id("other");
    let groups = std::collections::BTreeMap::from([(group("group.other"), Vec::new())]);
    let (app, bundle) = (other.clone(), Box::new(Bundle { groups, ..with_extension() }));
    bench.call(|caller| Event::AppInstallRequested {
        caller,
        app,
        bundle,
        headers: headstart_model::Headers::default(),
    });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    let client = bench.attach();
    bench.hear(Event::DelegateAttached { client, app: other.clone() });
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["finished a".to_owned()], None));
    bench.heard();
    let download = UrlDownload { app_group: group("group.other"), ..file("b") };
    bench.call(|caller| Event::DownloadsScheduled {
        caller,
        app: other.clone(),
        origin: Origin::App,
        downloads: vec![download],
        foreground: false,
    });
    bench.finish(is_fetch);
    assert_eq!(
        (bench.subjects(), bench.asked_client()),
        (vec!["finished b".to_owned()], Some(client))
    );
    bench.gone(client);
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["finished b".to_owned()], None));
}

#[test]
fn a_delegate_that_comes_and_goes_takes_nothing_from_the_one_that_is_asked() {
    let mut bench = Bench::launched(with_extension());
    let first = bench.attach();
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    let call = bench.question().call;
    let second = bench.attach();
    bench.gone(second);
    assert_eq!((bench.question().call, bench.asked_client()), (call, Some(first)));
    bench.heard();
    bench.finish_everything();
    assert_eq!(bench.state.records().files().count(), 0, "its answer counts");
}

#[test]
fn point_11_4_an_acknowledgement_that_does_not_count_is_refused() {
    let mut bench = Bench::launched(with_extension());
    bench.attach();
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    let call = bench.question().call;
    bench.now_ms += 1;
    bench.restart();
    let delegate = bench.attach();
    let acknowledge = |bench: &mut Bench| {
        let app = app_id("app");
        let event = |caller| Event::Acknowledged { caller, app, call, answer: None };
        bench.call_of(delegate, event)
    };
    let refused = answer(&acknowledge(&mut bench)).expect_err("that life is over");
    assert_eq!(refused.code.as_str(), "notAsked");
    assert!(bench.subjects().contains(&"finished a".to_owned()), "it is told again");
}
