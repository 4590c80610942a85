//! Exclusive control: one right per app (concepts 12).

use headstart_model::Failure;

use crate::record::KeepData;
use crate::testing::{Bench, answer, app_id, with_extension};
use crate::{ClientId, Effect, Event, Reply, RequestId};

/// Every answer among these effects.
fn answers(effects: &[Effect]) -> Vec<(RequestId, Result<Reply, Failure>)> {
    let answers = effects.iter().filter_map(|effect| match effect {
        Effect::Answer { request, outcome } => Some((*request, outcome.clone())),
        _ => None,
    });
    answers.collect()
}

/// Somebody asks for the right: the connection, and what is answered at once.
fn acquire(bench: &mut Bench, wait_ms: Option<u64>) -> (ClientId, RequestId, Option<bool>) {
    let app = app_id("app");
    let effects = bench.call(|caller| Event::ExclusiveRequested { caller, app, wait_ms });
    let client = bench.last_client();
    let at_once = answers(&effects).into_iter().next().map(|(_, outcome)| outcome.is_ok());
    (client, RequestId(client.0), at_once)
}

fn given_to(effects: &[Effect]) -> Vec<RequestId> {
    let given =
        answers(effects).into_iter().filter(|(_, outcome)| *outcome == Ok(Reply::ExclusiveControl));
    given.map(|(request, _)| request).collect()
}

#[test]
fn the_right_is_given_in_the_order_of_the_calls() {
    let mut bench = Bench::launched(with_extension());
    let (holder, _, at_once) = acquire(&mut bench, None);
    assert_eq!(at_once, Some(true));
    let (first, second) = (acquire(&mut bench, None), acquire(&mut bench, Some(10_000)));
    assert_eq!((first.2, second.2), (None, None), "they wait");
    let effects = bench.hear(Event::ExclusiveReleased { client: holder });
    assert_eq!(given_to(&effects), [first.1]);
    let effects = bench.hear(Event::ExclusiveReleased { client: holder });
    assert!(given_to(&effects).is_empty(), "what one does not have one cannot give back");
    let effects = bench.hear(Event::ExclusiveReleased { client: first.0 });
    assert_eq!(given_to(&effects), [second.1]);
    bench.pass(20_000);
    assert_eq!(acquire(&mut bench, Some(0)).2, Some(false), "the second one holds it still");
    bench.hear(Event::ExclusiveReleased { client: second.0 });
    assert_eq!(acquire(&mut bench, Some(0)).2, Some(true));
}

#[test]
fn a_date_that_is_now_means_one_attempt() {
    let mut bench = Bench::launched(with_extension());
    assert_eq!(acquire(&mut bench, Some(0)).2, Some(true));
    assert_eq!(acquire(&mut bench, Some(0)).2, Some(false));
    assert_eq!(bench.state.open_requests(), 0);
}

#[test]
fn who_waits_until_a_date_is_told_then_and_no_longer_in_line() {
    let mut bench = Bench::launched(with_extension());
    let (holder, ..) = acquire(&mut bench, None);
    let patient = acquire(&mut bench, Some(60_000));
    let hasty = acquire(&mut bench, Some(1_000));
    assert!(answers(&bench.pass(999)).is_empty());
    let effects = bench.pass(1);
    let [(request, Err(failure))] = &answers(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((*request, failure.code.as_str()), (hasty.1, "exclusiveControlTaken"));
    let effects = bench.hear(Event::ExclusiveReleased { client: holder });
    assert_eq!(given_to(&effects), [patient.1]);
    assert!(answers(&bench.pass(120_000)).is_empty(), "its date means nothing any more");
}

#[test]
fn a_holder_that_dies_frees_the_right_and_one_that_waits_leaves_the_line() {
    let mut bench = Bench::launched(with_extension());
    let (holder, ..) = acquire(&mut bench, None);
    let gone = acquire(&mut bench, Some(60_000));
    let stays = acquire(&mut bench, None);
    assert!(answers(&bench.gone(gone.0)).is_empty());
    assert_eq!(given_to(&bench.gone(holder)), [stays.1]);
    assert_eq!(given_to(&bench.gone(stays.0)), []);
    assert!(answers(&bench.pass(120_000)).is_empty());
    assert_eq!(acquire(&mut bench, Some(0)).2, Some(true));
}

#[test]
fn each_app_has_a_right_of_its_own_and_none_when_it_is_gone() {
    let mut bench = Bench::launched(with_extension());
    let (other, bundle) = (app_id("other"), crate::testing::bundle("1"));
    let of_other = other.clone();
    bench.call(|caller| Event::AppInstallRequested {
        caller,
        app: of_other,
        bundle: Box::new(bundle),
        headers: headstart_model::Headers::default(),
    });
    acquire(&mut bench, None);
    let effects =
        bench.call(|caller| Event::ExclusiveRequested { caller, app: other, wait_ms: Some(0) });
    assert_eq!(answer(&effects), Ok(Reply::ExclusiveControl));
    let waits = acquire(&mut bench, Some(60_000));
    let (app, data) = (app_id("app"), KeepData::Delete);
    let effects = bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    assert!(answers(&effects).iter().any(|(id, outcome)| *id == waits.1 && outcome.is_err()));
    assert_eq!(acquire(&mut bench, None).2, Some(false), "it is being removed");
    let of_app = |bench: &Bench| bench.state.records().app(&app_id("app")).is_some();
    while of_app(&bench) {
        let effect = bench.order(|order| matches!(order, crate::Order::RemoveAppData { .. }));
        bench.succeed(effect);
    }
    bench.launch();
    bench.install_bundle(with_extension());
    assert_eq!(acquire(&mut bench, Some(0)).2, Some(true));
}
