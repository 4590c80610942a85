//! Who is told what becomes of a download. The points of "Callback routing" (concepts 11) are named here.

use headstart_model::ErrorKind;
use headstart_model::protocol::downloads::{
    AuthenticationMethod, ChallengeAnswer, DownloadChallenge,
};

use crate::record::{Bundle, KeepData, Switch};
use crate::testing::{
    Bench, answer, app_id, file, is_fetch, subject, told, with_extension, with_manifest,
};
use crate::{
    ClientId, Effect, Event, ExtensionAnswer, FileUpdate, Inquiry, Order, Origin, Question,
    Receiver, Reply,
};

/// The connection that is asked the only open question.
fn asked_client(bench: &Bench) -> Option<ClientId> {
    match bench.question().receiver {
        Receiver::Delegate(client) => Some(client),
        Receiver::Extension { .. } => None,
    }
}

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

/// The server of the oldest transfer asks for a credential.
fn challenge(bench: &mut Bench) -> Vec<Effect> {
    let orders = bench.orders();
    let download = orders.iter().find_map(|(_, order)| match order {
        Order::FetchFile(transfer) => Some(transfer.download),
        _ => None,
    });
    let (download, challenge) = (download.expect("it is being fetched"), a_challenge());
    bench.call(|caller| Event::ChallengeRaised { caller, download, challenge })
}

fn a_challenge() -> DownloadChallenge {
    DownloadChallenge {
        origin: "https://cdn.example.com".to_owned(),
        host: "cdn.example.com".to_owned(),
        method: AuthenticationMethod::Basic,
        realm: None,
        previous_failure_count: 0,
        certificate_blake3: None,
    }
}

#[test]
fn point_11_1_events_go_to_the_delegate_of_the_running_app() {
    let mut bench = Bench::launched(with_extension());
    let delegate = bench.attach();
    bench.schedule(vec![file("a"), file("b")]);
    bench.finish(is_fetch);
    bench.fetch_fails(ErrorKind::NotFound);
    assert_eq!(bench.subjects(), ["finished a"], "one after the other");
    assert_eq!(asked_client(&bench), Some(delegate));
    assert_eq!(answer(&bench.heard()), Ok(Reply::Acknowledged));
    assert_eq!(
        (bench.subjects(), asked_client(&bench)),
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
    assert_eq!(asked_client(&bench), Some(last));
    bench.gone(last);
    assert_eq!(asked_client(&bench), Some(first), "the same end is told to the other");
    assert_eq!(bench.subjects(), ["finished a"]);
}

#[test]
fn point_11_2_otherwise_the_extension_is_woken() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a"), file("b")]);
    bench.finish(is_fetch);
    assert_eq!((bench.subjects(), asked_client(&bench)), (vec!["finished a".to_owned()], None));
    bench.heard();
    challenge(&mut bench);
    assert_eq!((bench.subjects(), asked_client(&bench)), (vec!["challenge b".to_owned()], None));
    bench.reply(ExtensionAnswer::Challenge(ChallengeAnswer::PerformDefaultHandling));
    bench.fetch_fails(ErrorKind::NotFound);
    assert_eq!((bench.subjects(), asked_client(&bench)), (vec!["failed b".to_owned()], None));
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
    assert_eq!((bench.subjects(), asked_client(&bench)), (vec!["finished a".to_owned()], None));
    let delegate = bench.attach();
    assert_eq!(bench.subjects(), ["finished a"], "never two at once");
    bench.heard();
    assert_eq!(bench.subjects(), ["finished b"]);
    assert_eq!(asked_client(&bench), Some(delegate), "and the extension hears no more");
    bench.gone(delegate);
    assert_eq!((bench.subjects(), asked_client(&bench)), (vec!["finished b".to_owned()], None));
}

#[test]
fn point_11_3_what_the_extension_did_not_hear_is_told_to_the_delegate() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    let before = unique(&bench.question());
    let delegate = bench.attach();
    bench.extension_fails(3);
    assert_eq!((unique(&bench.question()), asked_client(&bench)), (before, Some(delegate)));
}

#[test]
fn point_11_4_content_requests_go_to_the_extension_though_a_delegate_listens() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(with_manifest());
    bench.attach();
    bench.finish(is_fetch);
    assert_eq!(
        (bench.subjects(), asked_client(&bench)),
        (vec!["downloads Install".to_owned()], None)
    );
}

#[test]
fn point_11_5_the_file_stays_until_the_callback_is_acknowledged() {
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
fn point_11_6_every_download_is_told_with_what_it_was_scheduled_as() {
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
fn an_end_is_told_over_restarts_until_it_is_acknowledged() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    let first = bench.question();
    bench.now_ms += 1;
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
fn an_acknowledgement_that_does_not_count_is_refused() {
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

#[test]
fn a_delegate_that_goes_in_the_middle_of_its_callback_is_followed_by_the_next() {
    let mut bench = Bench::launched(with_extension());
    let first = bench.attach();
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    assert_eq!(asked_client(&bench), Some(first));
    // One that came since must not make the question be forgotten.
    let second = bench.attach();
    bench.gone(first);
    assert_eq!(
        (bench.subjects(), asked_client(&bench)),
        (vec!["finished a".to_owned()], Some(second))
    );
    bench.gone(second);
    assert_eq!((bench.subjects(), asked_client(&bench)), (vec!["finished a".to_owned()], None));
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
    assert_eq!((bench.question().call, asked_client(&bench)), (call, Some(first)));
    bench.heard();
    bench.finish_everything();
    assert_eq!(bench.state.records().files().count(), 0, "its answer counts");
}

#[test]
fn the_answer_to_a_challenge_reaches_the_transfer_that_waits() {
    let wanted = ChallengeAnswer::RejectProtectionSpace;
    for attended in [true, false] {
        let mut bench = Bench::launched(with_extension());
        bench.schedule(vec![file("a")]);
        let delegate = attended.then(|| bench.attach());
        challenge(&mut bench);
        assert_eq!(
            (bench.subjects(), asked_client(&bench)),
            (vec!["challenge a".to_owned()], delegate)
        );
        let effects = bench.reply(ExtensionAnswer::Challenge(wanted.clone()));
        let answers = effects.iter().filter(|effect| {
            matches!(effect, Effect::Answer { outcome: Ok(Reply::Challenge(answer)), .. } if *answer == wanted)
        });
        assert_eq!(answers.count(), 1);
    }
}

#[test]
fn a_challenge_that_nobody_may_be_asked_about_is_handled_as_by_default() {
    let mut bench = Bench::launched(with_extension());
    let (_, _) = bench.promote(file("a"));
    bench.background(Switch::Off);
    let effects = challenge(&mut bench);
    let default = Ok(Reply::Challenge(ChallengeAnswer::PerformDefaultHandling));
    assert_eq!(answer(&effects), default);
    bench.background(Switch::On);
    challenge(&mut bench);
    assert_eq!(answer(&bench.extension_fails(1)), default);
}

#[test]
fn a_challenge_moves_on_with_the_delegate_and_is_called_off_with_the_app() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let delegate = bench.attach();
    challenge(&mut bench);
    bench.gone(delegate);
    assert_eq!((bench.subjects(), asked_client(&bench)), (vec!["challenge a".to_owned()], None));
    let (app, data) = (app_id("app"), KeepData::Delete);
    let effects = bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    let cancelled = Ok(Reply::Challenge(ChallengeAnswer::CancelAuthenticationChallenge));
    assert_eq!(answer(&effects), cancelled);
}

#[test]
fn a_challenge_waits_for_the_new_program_while_an_update_puts_it_in_place() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let (app, bundle) = (app_id("app"), Bundle { version: "2".to_owned(), ..with_extension() });
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) });
    let effects = challenge(&mut bench);
    assert_eq!(effects, Vec::new(), "neither asked nor handled by default");
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    assert_eq!((bench.subjects(), asked_client(&bench)), (vec!["challenge a".to_owned()], None));
    // The app itself, if it listens, is the old one still and answers at once.
    let (app, bundle) = (app_id("app"), Bundle { version: "3".to_owned(), ..with_extension() });
    bench.reply(ExtensionAnswer::Challenge(ChallengeAnswer::PerformDefaultHandling));
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) });
    let delegate = bench.attach();
    challenge(&mut bench);
    assert_eq!(asked_client(&bench), Some(delegate));
}

#[test]
fn a_challenge_of_a_download_that_is_gone_holds_nothing_up() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a"), file("b")]);
    challenge(&mut bench);
    assert_eq!(bench.subjects(), ["challenge a"]);
    // The app comes, hears that `a` was cancelled, and only then the extension is ended in the middle of its answer.
    let delegate = bench.attach();
    bench.cancel("a");
    assert_eq!(subject(bench.questions().last().expect("told")), "failed a");
    let index = bench.questions().len() - 1;
    bench.reply_to(index, ExtensionAnswer::Heard);
    let effect = bench.order(
        |order| matches!(order, Order::FetchFile(transfer) if transfer.request.identifier == "b"),
    );
    bench.hear(Event::FileFetched { effect, bytes: 100 });
    let last = bench.questions().len() - 1;
    bench.reply_to(last, ExtensionAnswer::Heard);
    bench.schedule(vec![file("c")]);
    let effects = bench.background(Switch::Off);
    let cancelled = Reply::Challenge(ChallengeAnswer::CancelAuthenticationChallenge);
    assert!(effects.iter().any(
        |effect| matches!(effect, Effect::Answer { outcome: Ok(reply), .. } if *reply == cancelled)
    ));
    bench.cancel("c");
    assert_eq!(
        (bench.subjects(), asked_client(&bench)),
        (vec!["failed c".to_owned()], Some(delegate))
    );
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
