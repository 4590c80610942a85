//! Questions of servers: who is asked, and what the transfer hears. The point of "Who is told" about them (concepts 11) is named
//! here.

use headstart_model::ContentRequest;
use headstart_model::protocol::downloads::ChallengeAnswer;

use crate::record::{Bundle, KeepData, Switch};
use crate::testing::{
    Bench, HOUR_MS, answer, app_id, file, is_fetch, subject, with_extension, with_manifest,
};
use crate::{Effect, Event, ExtensionAnswer, Order, Reply};

#[test]
fn point_11_5_a_server_s_question_goes_before_the_end_of_another_download() {
    for attended in [true, false] {
        let mut bench = Bench::launched(with_extension());
        if attended {
            bench.attach();
        }
        bench.schedule(vec![file("a"), file("b"), file("c")]);
        bench.finish(is_fetch);
        bench.finish(is_fetch);
        bench.challenge();
        assert_eq!(bench.subjects(), ["finished a"], "one thing at a time");
        bench.heard();
        assert_eq!(bench.subjects(), ["challenge c"]);
        bench.reply(ExtensionAnswer::Challenge(ChallengeAnswer::PerformDefaultHandling));
        assert_eq!(bench.subjects(), ["finished b"]);
    }
}

#[test]
fn the_answer_to_a_challenge_reaches_the_transfer_that_waits() {
    let wanted = ChallengeAnswer::RejectProtectionSpace;
    for attended in [true, false] {
        let mut bench = Bench::launched(with_extension());
        bench.schedule(vec![file("a")]);
        let delegate = attended.then(|| bench.attach());
        bench.challenge();
        assert_eq!(
            (bench.subjects(), bench.asked_client()),
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
fn point_11_5_a_challenge_that_nobody_may_be_asked_about_is_handled_as_by_default() {
    let mut bench = Bench::launched(with_extension());
    let (_, _) = bench.promote(file("a"));
    bench.background(Switch::Off);
    let effects = bench.challenge();
    let default = Ok(Reply::Challenge(ChallengeAnswer::PerformDefaultHandling));
    assert_eq!(answer(&effects), default);
    bench.background(Switch::On);
    bench.challenge();
    assert_eq!(answer(&bench.extension_fails(1)), default);
}

#[test]
fn answers_to_challenges_give_a_content_request_no_further_attempts() {
    let mut bench = Bench::asking(with_manifest());
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    bench.launch();
    bench.schedule(vec![file("a")]);
    bench.request(ContentRequest::Periodic);
    let manifest = |order: &Order| matches!(order, Order::FetchFile(transfer) if transfer.request.identifier == "manifest");
    bench.finish(manifest);
    let mut asked = 0;
    while bench.subjects() == ["downloads Periodic"] {
        asked += 1;
        assert!(asked <= 3, "it is asked without end");
        bench.extension_fails(1);
        // It may be called again, and a server asks before the clock has said so.
        bench.now_ms += HOUR_MS;
        bench.challenge();
        assert_eq!(bench.subjects(), ["challenge a"]);
        bench.reply(ExtensionAnswer::Challenge(ChallengeAnswer::PerformDefaultHandling));
    }
    assert_eq!(asked, 3);
}

#[test]
fn a_challenge_moves_on_with_the_delegate_and_is_called_off_with_the_app() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let delegate = bench.attach();
    bench.challenge();
    bench.gone(delegate);
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["challenge a".to_owned()], None));
    let (app, data) = (app_id("app"), KeepData::Delete);
    let effects = bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    let cancelled = Ok(Reply::Challenge(ChallengeAnswer::CancelAuthenticationChallenge));
    assert_eq!(answer(&effects), cancelled);
}

#[test]
fn a_challenge_of_a_download_that_is_gone_holds_nothing_up() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a"), file("b")]);
    bench.challenge();
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
        (bench.subjects(), bench.asked_client()),
        (vec!["failed c".to_owned()], Some(delegate))
    );
}

#[test]
fn a_challenge_waits_for_the_new_program_while_an_update_puts_it_in_place() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("a")]);
    let (app, bundle) = (app_id("app"), Bundle { version: "2".to_owned(), ..with_extension() });
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) });
    let effects = bench.challenge();
    assert_eq!(effects, Vec::new(), "neither asked nor handled by default");
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    assert_eq!((bench.subjects(), bench.asked_client()), (vec!["challenge a".to_owned()], None));
    // The app itself, if it listens, is the old one still and answers at once.
    let (app, bundle) = (app_id("app"), Bundle { version: "3".to_owned(), ..with_extension() });
    bench.reply(ExtensionAnswer::Challenge(ChallengeAnswer::PerformDefaultHandling));
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) });
    let delegate = bench.attach();
    bench.challenge();
    assert_eq!(bench.asked_client(), Some(delegate));
}
