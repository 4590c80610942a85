//! An extension that filters packs, and switches that hold packs back (concepts 5.1, 9; api 4).

use headstart_model::{ContentRequest, DownloadPolicy, PackId};

use crate::record::{BUDGET_MS, Bundle, Setting, Switch};
use crate::testing::{Bench, app_id, bundle, essential, key, offer, prefetch, with_extension};
use crate::{Class, Effect, Event, ExtensionAnswer, FactsChange, Order, Power, Question, view};

fn filtering() -> Bundle {
    Bundle { groups: with_extension().groups, extension: true, ..bundle("1") }
}

fn catalog(version: u64) -> Vec<headstart_model::catalog::CatalogPack> {
    vec![
        offer("core", version, essential()),
        offer("levels", version, prefetch()),
        offer("extra", version, DownloadPolicy::on_demand()),
    ]
}

fn id(pack: &str) -> PackId {
    PackId::new(pack).expect("a good id")
}

/// A bench on which such an extension is being asked at the first installation.
fn asked() -> Bench {
    let mut bench = Bench::new(catalog(1));
    bench.install_bundle(filtering());
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    bench
}

fn on_its_way(bench: &Bench) -> Vec<String> {
    let views = view::downloads(&bench.state);
    let names = views.into_iter().map(|view| match view.subject {
        view::Subject::Pack(pack) => pack.to_string(),
        view::Subject::File(identifier) => identifier,
    });
    names.collect()
}

#[test]
fn the_extension_is_asked_about_what_is_selected_and_what_it_drops_does_not_come() {
    let mut bench = asked();
    let Question::ShouldDownload { request, packs } = bench.question().question else {
        panic!("it is asked about packs")
    };
    assert_eq!(request, ContentRequest::Install);
    let ids: Vec<_> = packs.iter().map(|pack| pack.id.as_str()).collect();
    assert_eq!(ids, ["core", "levels"], "not about what nobody fetches by itself");
    assert!(on_its_way(&bench).is_empty() && !bench.may_launch());
    bench.reply(ExtensionAnswer::Dropped(vec![id("core")]));
    assert!(bench.may_launch(), "nothing essential is left");
    assert_eq!(on_its_way(&bench), ["levels"]);
    bench.finish_everything();
    let local = |pack| view::pack(&bench.state, &key(pack)).and_then(|view| view.local_version);
    assert_eq!((local("core"), local("levels").map(|v| v.0)), (None, Some(1)));
}

#[test]
fn point_11_9_the_end_of_a_pack_asks_nobody() {
    let mut bench = asked();
    bench.reply(ExtensionAnswer::Dropped(Vec::new()));
    bench.attach();
    let failure = crate::testing::a_failure(headstart_model::ErrorKind::NotFound);
    let effect = bench.order(|order| matches!(order, Order::Plan(_)));
    bench.hear(Event::TransferFailed { effect, failure });
    bench.finish_everything();
    assert!(bench.subjects().is_empty(), "{:?}", bench.subjects());
    assert!(
        view::pack(&bench.state, &key("levels")).is_some_and(|pack| pack.local_version.is_some())
    );
}

#[test]
fn a_restart_asks_again_what_was_not_answered() {
    let mut bench = asked();
    bench.restart();
    assert_eq!(bench.subjects(), ["packs Install"]);
    bench.reply(ExtensionAnswer::Dropped(Vec::new()));
    assert_eq!(on_its_way(&bench), ["core", "levels"]);
}

#[test]
fn an_extension_that_fails_wants_everything() {
    let mut bench = asked();
    bench.extension_fails(10);
    assert_eq!(on_its_way(&bench), ["core", "levels"]);
    assert!(!bench.may_launch());
}

#[test]
fn an_extension_without_run_time_wants_everything() {
    let mut bench = asked();
    bench.extension_fails(BUDGET_MS);
    bench.finish_everything();
    bench.publish(catalog(2));
    let app = app_id("app");
    let bundle = Bundle { version: "2".to_owned(), ..filtering() };
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    assert!(bench.subjects().is_empty());
    assert_eq!(on_its_way(&bench), ["core", "levels"]);
}

#[test]
fn a_local_pack_that_is_dropped_is_kept_up_to_date_all_the_same() {
    let mut bench = asked();
    bench.reply(ExtensionAnswer::Dropped(Vec::new()));
    bench.finish_everything();
    bench.publish(catalog(2));
    let app = app_id("app");
    let bundle = Bundle { version: "2".to_owned(), ..filtering() };
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    bench.reply(ExtensionAnswer::Dropped(vec![id("core"), id("levels")]));
    assert!(bench.may_launch(), "nothing blocks");
    bench.finish_everything();
    let version = view::pack(&bench.state, &key("core")).and_then(|view| view.local_version);
    assert_eq!(version.map(|version| version.0), Some(2));
}

#[test]
fn a_periodic_request_keeps_packs_up_to_date_and_asks_nobody() {
    let mut bench = asked();
    bench.reply(ExtensionAnswer::Dropped(Vec::new()));
    bench.finish_everything();
    bench.publish(catalog(2));
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    assert!(bench.subjects().is_empty());
    assert_eq!(on_its_way(&bench), ["core", "levels"]);
}

#[test]
fn an_answer_that_comes_after_the_installation_went_on_blocks_nothing() {
    let mut bench = asked();
    let app = app_id("app");
    bench.call(|caller| Event::AppUninstallRequested {
        caller,
        app: app.clone(),
        data: crate::record::KeepData::Keep,
    });
    let question = bench.question();
    let late = Event::ExtensionReturned {
        app,
        call: question.call,
        answer: ExtensionAnswer::Dropped(Vec::new()),
        used_ms: 1,
    };
    bench.hear(late);
    bench.finish_everything();
    assert_eq!(bench.state.records().apps().count(), 0);
}

#[test]
fn with_in_app_content_off_packs_come_after_the_first_launch() {
    let mut bench = Bench::new(catalog(1));
    bench.set(Setting::InAppContent(Switch::Off));
    bench.install_bundle(filtering());
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    assert!(bench.may_launch() && bench.subjects().is_empty() && on_its_way(&bench).is_empty());
    bench.launch();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    assert_eq!(bench.subjects(), ["packs Install"]);
    bench.reply(ExtensionAnswer::Dropped(Vec::new()));
    bench.finish_everything();
    let version = view::pack(&bench.state, &key("core")).and_then(|view| view.local_version);
    assert_eq!(version.map(|version| version.0), Some(1));
}

#[test]
fn switches_stop_packs_that_nobody_waits_for() {
    for low in [true, false] {
        let mut bench = Bench::installed(vec![offer("core", 1, prefetch())]);
        bench.publish(vec![offer("core", 2, prefetch())]);
        bench.periodic();
        bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
        let effect = bench.order(|order| matches!(order, Order::Plan(_)));
        let effects = if low { bench.power(Power::Low) } else { bench.background(Switch::Off) };
        assert!(effects.contains(&Effect::Stop { id: effect }));
        bench.hear(Event::Stopped { effect });
        assert!(bench.orders().is_empty());
        // Somebody waits for it, and ceases to.
        bench.call(|caller| Event::EnsureRequested {
            caller,
            app: app_id("app"),
            packs: vec![id("core")],
            terms: crate::record::Freshness::Latest.into(),
        });
        for (effect, order) in bench.orders() {
            if matches!(order, Order::FetchCatalog { .. }) {
                bench.succeed(effect);
            }
        }
        assert_eq!(view::downloads(&bench.state)[0].class, Class::Foreground);
        let effect = bench.order(|order| matches!(order, Order::Plan(_)));
        let effects = bench.gone(bench.last_client());
        assert!(effects.contains(&Effect::Stop { id: effect }), "{effects:?}");
        bench.hear(Event::Stopped { effect });
        let news = FactsChange { power: Some(Power::Normal), ..FactsChange::default() };
        bench.hear(Event::FactsChanged { news });
        bench.background(Switch::On);
        bench.finish_everything();
        let version = view::pack(&bench.state, &key("core")).and_then(|view| view.local_version);
        assert_eq!(version.map(|version| version.0), Some(2));
    }
}
