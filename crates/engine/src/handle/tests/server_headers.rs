//! Headers for the servers of an app: where they go, and what is tried again when there are others.

use headstart_model::protocol::downloads::{
    AuthenticationMethod, ChallengeAnswer, ChallengeCredential, DownloadChallenge,
};
use headstart_model::{ErrorKind, Headers, ServerOrigin};

use crate::record::{Bundle, KeepData, ServerAccess};
use crate::testing::{
    Bench, a_failure, answer, app_id, bundle, essential, is_fetch, offer, prefetch, with_extension,
    with_manifest,
};
use crate::{Challenged, Effect, EffectId, Event, ExtensionAnswer, Order, Reply};

const OWN: &str = "https://assets.example";

fn token(value: &str) -> Headers {
    [("Authorization", value)].into_iter().collect()
}

impl Bench {
    fn give(&mut self, server: Option<&str>, headers: Headers) -> Vec<Effect> {
        let server = server.map(self::server);
        let app = app_id("app");
        self.call(|caller| Event::ServerHeadersGiven { caller, app, server, headers })
    }

    /// How the servers of the orders that run are reached.
    fn accesses(&self) -> Vec<ServerAccess> {
        let orders = self.orders().into_iter();
        let access = orders.filter_map(|(_, order)| match order {
            Order::FetchCatalog { access, .. } | Order::ReadManifest { access, .. } => Some(access),
            Order::Plan(delivery) | Order::Transfer(delivery) => Some(delivery.access),
            _ => None,
        });
        access.collect()
    }
}

fn server(address: &str) -> ServerOrigin {
    ServerOrigin::of(address).expect("a server")
}

fn is_check(order: &Order) -> bool {
    matches!(order, Order::FetchCatalog { .. })
}

fn is_plan(order: &Order) -> bool {
    matches!(order, Order::Plan(_))
}

fn is_transfer(order: &Order) -> bool {
    matches!(order, Order::Transfer(_))
}

/// The check that runs fails: the server refuses it.
fn refuse(bench: &mut Bench) -> Vec<Effect> {
    let effect = bench.order(is_check);
    bench.hear(Event::CatalogFailed { effect, failure: a_failure(ErrorKind::Refused) })
}

fn stops(effects: &[Effect], id: EffectId) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Stop { id: stopped } if *stopped == id))
}

#[test]
fn what_an_app_is_installed_with_goes_with_every_order_and_outlasts_the_service_and_updates() {
    let mut bench = Bench::new(vec![offer("core", 1, essential())]);
    let (app, headers) = (app_id("app"), token("1"));
    let bundle = |version| Box::new(bundle(version));
    bench.call(|caller| Event::AppInstallRequested { caller, app, bundle: bundle("1"), headers });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    for step in [is_check as fn(&Order) -> bool, is_plan, is_transfer] {
        bench.order(step);
        assert!(bench.accesses().iter().all(|access| access.headers.of(OWN) == token("1")));
        bench.finish(step);
    }
    bench.finish_everything();
    bench.restart();
    bench.update(*bundle("2"));
    assert_eq!(bench.accesses()[0].headers.of(OWN), token("1"));
    assert!(bench.accesses()[0].headers.of("https://elsewhere.example").is_empty());
}

#[test]
fn a_check_that_was_refused_is_made_again_at_once() {
    let mut bench = Bench::new(vec![offer("core", 1, prefetch())]);
    bench.install_bundle(bundle("1"));
    refuse(&mut bench);
    assert!(bench.may_launch() && bench.accesses().is_empty(), "it waits");
    let given = answer(&bench.give(None, token("1")));
    assert_eq!(given, Ok(Reply::Server(server(OWN))));
    assert_eq!(bench.accesses()[0].headers.of(OWN), token("1"));
    bench.finish_everything();
    bench.periodic();
    refuse(&mut bench);
    bench.give(None, token("2"));
    bench.order(is_check);
}

#[test]
fn a_check_that_runs_with_an_old_token_is_followed_by_another() {
    let mut bench = Bench::installed(vec![offer("core", 1, prefetch())]);
    bench.periodic();
    let old = bench.order(is_check);
    assert!(stops(&bench.give(None, token("1")), old));
    bench.hear(Event::Stopped { effect: old });
    assert_eq!(bench.accesses()[0].headers.of(OWN), token("1"));
}

#[test]
fn a_download_goes_on_with_the_new_headers_and_is_not_disturbed_by_the_same_ones() {
    let (mut bench, old) = Bench::transferring(vec![offer("core", 1, prefetch())]);
    assert!(stops(&bench.give(None, token("1")), old));
    bench.hear(Event::Stopped { effect: old });
    let new = bench.order(is_transfer);
    assert_eq!(bench.accesses()[0].headers.of(OWN), token("1"));
    assert!(!stops(&bench.give(None, token("1")), new));
    let failure = a_failure(ErrorKind::Refused);
    bench.hear(Event::TransferFailed { effect: new, failure });
    assert!(bench.accesses().is_empty(), "it waits");
    bench.give(None, token("1"));
    assert_eq!(bench.accesses().len(), 1, "whoever gives them means that they are good");
}

#[test]
fn nobody_gets_headers_who_is_no_server() {
    let mut bench = Bench::new(Vec::new());
    let refusal = |effects: &[Effect]| answer(effects).unwrap_err().code.as_str().to_owned();
    assert_eq!(refusal(&bench.give(None, token("1"))), "appNotFound");
    let nowhere = Bundle { repository: Some("file:///srv/repo".to_owned()), ..bundle("1") };
    let (app, bundle, headers) = (app_id("app"), Box::new(nowhere.clone()), token("1"));
    let refused = bench.call(|caller| Event::AppInstallRequested { caller, app, bundle, headers });
    assert_eq!(refusal(&refused), "noServer");
    bench.install_bundle(nowhere);
    assert_eq!(refusal(&bench.give(None, token("1"))), "noServer");
    assert!(answer(&bench.give(Some("https://mirror.example"), token("1"))).is_ok());
}

#[test]
fn the_manifest_of_an_extension_is_asked_for_with_them() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(with_manifest());
    let failed = |bench: &mut Bench| {
        let effect = bench.order(is_fetch);
        bench.hear(Event::TransferFailed { effect, failure: a_failure(ErrorKind::Refused) });
    };
    failed(&mut bench);
    bench.give(None, token("1"));
    let orders = bench.orders();
    let sent = orders.iter().find_map(|(_, order)| match order {
        Order::FetchFile(transfer) => Some(transfer.request.headers.clone()),
        _ => None,
    });
    assert_eq!(sent, Some(token("1").into_map()));
}

/// The server asks the effect for a credential.
fn challenge(bench: &mut Bench, effect: EffectId) -> Vec<Effect> {
    let challenge = DownloadChallenge {
        origin: OWN.to_owned(),
        host: "assets.example".to_owned(),
        method: AuthenticationMethod::Bearer,
        realm: None,
        previous_failure_count: 0,
        certificate_blake3: None,
    };
    let about = Challenged::Content(effect);
    bench.call(|caller| Event::ChallengeRaised { caller, about, challenge })
}

#[test]
fn whoever_may_be_asked_for_a_token_is_asked_about_the_app_s_content() {
    let managed = Bundle { repository: bundle("1").repository, ..with_extension() };
    for attended in [true, false] {
        let mut bench = Bench::launched(managed.clone());
        bench.finish_everything();
        let delegate = attended.then(|| bench.attach());
        bench.periodic();
        let check = bench.order(is_check);
        challenge(&mut bench, check);
        assert_eq!(
            (bench.subjects(), bench.asked_client()),
            (vec!["challenge content".to_owned()], delegate)
        );
        let given = ChallengeAnswer::PerformDefaultHandling;
        let effects = bench.reply(ExtensionAnswer::Challenge(given.clone()));
        let answers = effects.iter().filter(|effect| {
            matches!(effect, Effect::Answer { outcome: Ok(Reply::Challenge(answer)), .. } if *answer == given)
        });
        assert_eq!(answers.count(), 1);
        bench.hear(Event::ServerHeaderLearned {
            effect: check,
            server: server(OWN),
            headers: token("1"),
        });
        bench.finish(is_check);
        bench.periodic();
        assert_eq!(bench.accesses()[0].headers.of(OWN), token("1"), "it is kept");
    }
}

#[test]
fn a_question_about_content_that_nobody_waits_for_any_more_is_not_put() {
    let mut bench = Bench::launched(bundle("1"));
    bench.finish_everything();
    bench.periodic();
    let check = bench.order(is_check);
    let nobody = Ok(Reply::Challenge(ChallengeAnswer::PerformDefaultHandling));
    assert_eq!(answer(&challenge(&mut bench, check)), nobody);
    bench.finish(is_check);
    let gone = Ok(Reply::Challenge(ChallengeAnswer::CancelAuthenticationChallenge));
    assert_eq!(answer(&challenge(&mut bench, check)), gone);
    bench.hear(Event::ChallengeWithdrawn { about: Challenged::Content(check) });
    assert!(bench.subjects().is_empty());
}

#[test]
fn a_token_is_for_everything_that_waits_for_the_same() {
    let catalog = ["a", "b"].map(|id| offer(id, 1, prefetch())).to_vec();
    let managed = Bundle { repository: bundle("1").repository, ..with_extension() };
    let mut bench = Bench::new(catalog);
    bench.install_bundle(managed);
    bench.finish(is_check);
    bench.launch();
    bench.attach();
    bench.hear_all();
    let plans: Vec<_> =
        bench.orders().into_iter().filter(|(_, order)| is_plan(order)).map(|(id, _)| id).collect();
    assert_eq!(plans.len(), 2);
    for plan in plans {
        challenge(&mut bench, plan);
    }
    assert_eq!(bench.subjects(), ["challenge content"], "one at a time");
    let credential = ChallengeCredential::Token { token: "1".to_owned() };
    let given = ChallengeAnswer::UseCredential(credential);
    let effects = bench.reply(ExtensionAnswer::Challenge(given.clone()));
    let answers = effects.iter().filter(|effect| {
        matches!(effect, Effect::Answer { outcome: Ok(Reply::Challenge(answer)), .. } if *answer == given)
    });
    assert_eq!((answers.count(), bench.subjects().len()), (2, 0));
}

#[test]
fn what_was_learned_lets_others_go_on_once_and_is_kept_for_named_servers_alone() {
    let catalog = ["a", "b"].map(|id| offer(id, 1, prefetch())).to_vec();
    let mut bench = Bench::new(catalog);
    bench.install_bundle(bundle("1"));
    bench.finish(is_check);
    let plans = |bench: &Bench| {
        let orders = bench.orders().into_iter();
        orders.filter(|(_, order)| is_plan(order)).map(|(id, _)| id).collect::<Vec<_>>()
    };
    let [a, b] = plans(&bench)[..] else { panic!("two") };
    let refused = |effect| Event::TransferFailed { effect, failure: a_failure(ErrorKind::Refused) };
    bench.hear(refused(a));
    let learn = |effect, address| Event::ServerHeaderLearned {
        effect,
        server: server(address),
        headers: token("1"),
    };
    bench.hear(learn(b, "https://elsewhere.example"));
    assert_eq!(plans(&bench), [b], "where a redirect leads is nobody's business");
    bench.hear(learn(b, OWN));
    let [_, again] = plans(&bench)[..] else { panic!("the other is tried again") };
    bench.hear(refused(again));
    bench.hear(learn(b, OWN));
    assert_eq!(plans(&bench), [b], "it says nothing new");
    let access = bench.accesses().remove(0);
    assert!(access.headers.of("https://elsewhere.example").is_empty());
}

#[test]
fn an_app_that_comes_again_has_none_of_the_headers_that_it_had() {
    let mut bench = Bench::installed(Vec::new());
    bench.give(None, token("1"));
    let (app, data) = (app_id("app"), KeepData::Keep);
    bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    bench.finish_everything();
    bench.install_bundle(bundle("1"));
    assert!(bench.accesses()[0].headers.is_empty());
}
