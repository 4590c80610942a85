//! Content requests that could not be carried out yet: what brings them back, and what does not (concepts 3, 4.4).

use headstart_model::{
    ChannelName, ContentRequest, DownloadPolicy, ErrorKind, InstallationEventType,
    InstallationEventTypes, Language,
};

use crate::record::{BUDGET_MS, Bundle, Switch};
use crate::testing::{Bench, app_id, bundle, essential, file, is_fetch, key, offer, with_manifest};
use crate::{Effect, Event, ExtensionAnswer, FactsChange, Network, Order, Power};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

/// What the service says of the device twice a minute: all of it is as it was.
fn as_before() -> FactsChange {
    FactsChange {
        network: Some(Network::Online),
        disk_free_bytes: Some(u64::MAX),
        power: Some(Power::Normal),
        ..FactsChange::default()
    }
}

fn is_attempt(order: &Order) -> bool {
    matches!(order, Order::FetchFile(_) | Order::FetchCatalog { .. })
}

fn attempts(bench: &Bench) -> usize {
    bench.orders().iter().filter(|(_, order)| is_attempt(order)).count()
}

/// A bench on which an app was installed whose content could not be looked up: the server does not have it.
fn without_content(bundle: Bundle) -> Bench {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(bundle);
    let (effect, order) = bench.orders().remove(0);
    let failure = crate::testing::a_failure(ErrorKind::NotFound);
    bench.hear(match order {
        Order::FetchCatalog { .. } => Event::CatalogFailed { effect, failure },
        _ => Event::TransferFailed { effect, failure },
    });
    assert!(bench.may_launch() && attempts(&bench) == 0);
    bench
}

#[test]
fn what_is_owed_waits_for_its_time_whatever_is_said_again_of_the_device() {
    for bundle in [with_manifest(), bundle("1")] {
        let mut bench = without_content(bundle.clone());
        for _ in 0..10 {
            assert_eq!(bench.hear(Event::FactsChanged { news: as_before() }), Vec::new());
        }
        bench.pass(2 * HOUR);
        assert_eq!(attempts(&bench), 1, "its time has come");
        let mut bench = without_content(bundle);
        bench.power(Power::Low);
        bench.power(Power::Normal);
        assert_eq!(attempts(&bench), 1, "what may have kept it from coming has gone");
    }
}

/// A bench on which such an app was launched and has said that its person reads German.
fn reading() -> Bench {
    let mut bench = Bench::asking(with_manifest());
    nothing(&mut bench);
    bench.launch();
    read(&mut bench, "de");
    bench.finish_everything();
    assert!(bench.subjects().is_empty());
    bench
}

fn read(bench: &mut Bench, language: &str) {
    let languages = vec![language.parse::<Language>().expect("a tag")];
    bench.hear(Event::LanguagesTold { app: app_id("app"), languages });
}

fn nothing(bench: &mut Bench) {
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
}

/// The manifest comes, and the extension is asked about a change of the language, once.
fn is_asked_about_the_language(bench: &mut Bench) {
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads LanguageChange"]);
    nothing(bench);
    bench.finish_everything();
    assert!(bench.subjects().is_empty(), "once");
}

#[test]
fn a_change_of_the_language_comes_after_the_request_that_goes_first() {
    let mut bench = reading();
    bench.request(ContentRequest::Periodic);
    read(&mut bench, "fr");
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Periodic"]);
    bench.restart();
    assert_eq!(bench.subjects(), ["downloads Periodic"]);
    nothing(&mut bench);
    is_asked_about_the_language(&mut bench);
}

#[test]
fn a_change_of_the_language_while_the_app_is_updated_is_asked_about_when_that_has_ended() {
    let mut bench = reading();
    let (app, bundle) = (app_id("app"), Bundle { version: "2".to_owned(), ..with_manifest() });
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) });
    read(&mut bench, "fr");
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Update"]);
    nothing(&mut bench);
    assert!(bench.may_launch());
    is_asked_about_the_language(&mut bench);
}

#[test]
fn a_change_of_the_language_outlasts_a_manifest_that_cannot_be_had_and_a_switch() {
    let mut bench = reading();
    read(&mut bench, "fr");
    bench.fetch_fails(ErrorKind::Network);
    bench.hear_all();
    bench.pass(2 * HOUR);
    is_asked_about_the_language(&mut bench);
    bench.background(Switch::Off);
    read(&mut bench, "it");
    assert_eq!((bench.fetching().len(), bench.subjects().len()), (0, 0));
    bench.background(Switch::On);
    is_asked_about_the_language(&mut bench);
}

#[test]
fn a_change_of_the_language_that_the_extension_does_not_answer_is_over_after_three_times() {
    let mut bench = reading();
    read(&mut bench, "fr");
    bench.finish(is_fetch);
    for _ in 0..3 {
        assert_eq!(bench.subjects(), ["downloads LanguageChange"]);
        bench.extension_fails(1);
        bench.pass(HOUR);
    }
    bench.finish_everything();
    assert!(bench.subjects().is_empty());
}

#[test]
fn a_change_of_the_language_is_asked_about_when_there_is_run_time_again() {
    let mut bench = reading();
    bench.schedule(vec![file("a")]);
    bench.finish(is_fetch);
    bench.extension_fails(BUDGET_MS);
    bench.pass(HOUR);
    read(&mut bench, "fr");
    bench.finish(is_fetch);
    assert!(bench.subjects().is_empty(), "its day is over");
    bench.pass(22 * HOUR);
    assert!(bench.subjects().is_empty() && bench.fetching().is_empty());
    bench.pass(HOUR);
    assert_eq!(bench.subjects(), ["finished a"], "a new day");
    bench.heard();
    is_asked_about_the_language(&mut bench);
}

#[test]
fn an_extension_that_something_stands_in_the_way_of_is_asked_again_until_that_has_gone() {
    let mut bench = reading();
    bench.request(ContentRequest::Periodic);
    bench.finish(is_fetch);
    for _ in 0..10 {
        assert_eq!(bench.subjects(), ["downloads Periodic"]);
        bench.extension_fails_as(ErrorKind::Conflict, 1);
        bench.pass(HOUR);
    }
    nothing(&mut bench);
    bench.finish_everything();
    assert!(bench.subjects().is_empty());
}

#[test]
fn a_first_installation_that_never_saw_a_catalog_stays_one_when_its_bundle_is_corrected() {
    let mut bench = without_content(bundle("1"));
    let first = InstallationEventTypes {
        installation_event_types: vec![InstallationEventType::FirstInstallation],
    };
    bench.publish(vec![offer("pack", 1, DownloadPolicy::Essential(first))]);
    let channel = ChannelName::new("beta").expect("a channel");
    let (app, corrected) = (app_id("app"), Box::new(Bundle { channel, ..bundle("1") }));
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: corrected });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    assert!(!bench.may_launch(), "what is essential at the first installation is waited for");
    bench.finish_everything();
    assert!(bench.may_launch() && bench.state.records().packs[&key("pack")].local.is_some());
}

#[test]
fn what_a_check_of_the_former_source_brings_counts_no_more() {
    let is_check = |order: &Order| matches!(order, Order::FetchCatalog { .. });
    let mut bench = Bench::installed(vec![offer("pack", 1, essential())]);
    bench.finish_everything();
    bench.periodic();
    let former = bench.order(is_check);
    let repository = Some("https://other.example".to_owned());
    let (app, moved) = (app_id("app"), Box::new(Bundle { repository, ..bundle("2") }));
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: moved });
    let effects = bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    assert!(effects.contains(&Effect::Stop { id: former }));
    bench.hear(Event::CatalogUnchanged { effect: former });
    let orders = bench.orders();
    let [(_, Order::FetchCatalog { repository, .. })] = orders.as_slice() else {
        panic!("nothing is removed or fetched: {orders:?}");
    };
    assert_eq!(repository.url, "https://other.example");
    assert!(bench.state.records().packs[&key("pack")].local.is_some());
    bench.finish_everything();
    assert!(bench.may_launch());
}
