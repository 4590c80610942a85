//! A person controls an installation (concepts 8), and groups belong to whom they belong.

use headstart_model::protocol::apps::InstallationAction;
use headstart_model::{AppGroupId, AppId, Failure};

use crate::record::{Bundle, InstallStage, KeepData};
use crate::testing::{
    Bench, answer, app_id, bundle, essential, essential_file, file, group, is_fetch, offer,
    with_extension, with_manifest,
};
use crate::{Effect, Event, ExtensionAnswer, Order, Reply, view};

fn control(bench: &mut Bench, action: InstallationAction) -> Vec<Effect> {
    let app = app_id("app");
    bench.call(|caller| Event::InstallationControlled { caller, app, action })
}

fn update(bench: &mut Bench, bundle: Bundle) -> Vec<Effect> {
    let app = app_id("app");
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) })
}

fn failures(effects: &[Effect]) -> Vec<&Failure> {
    let answers = effects.iter().filter_map(|effect| match effect {
        Effect::Answer { outcome, .. } => outcome.as_ref().err(),
        _ => None,
    });
    answers.collect()
}

#[test]
fn a_pause_stops_what_is_essential_and_lets_the_rest_be() {
    let mut bench = Bench::asking(with_manifest());
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a"), file("b")]));
    let effect = bench.order(is_fetch);
    bench.hear(Event::BytesMoved { effect, bytes_done: 70 });
    let effects = control(&mut bench, InstallationAction::Pause);
    assert!(effects.contains(&Effect::Stop { id: effect }));
    bench.hear(Event::Stopped { effect });
    bench.restart();
    assert!(!bench.fetching().contains(&"a".to_owned()), "also after a restart");
    assert!(!bench.may_launch());
    let effects = control(&mut bench, InstallationAction::Resume);
    assert_eq!(answer(&effects), Ok(Reply::Changed));
    assert!(bench.fetching().contains(&"a".to_owned()));
    let effect = bench.order(
        |order| matches!(order, Order::FetchFile(transfer) if transfer.request.identifier == "a"),
    );
    bench.succeed(effect);
    assert!(bench.may_launch());
}

#[test]
fn a_paused_installation_of_packs_goes_on_from_where_it_was() {
    let (mut bench, effect) = Bench::transferring(vec![offer("core", 1, essential())]);
    bench.hear(Event::BytesMoved { effect, bytes_done: 60 });
    control(&mut bench, InstallationAction::Pause);
    bench.hear(Event::Stopped { effect });
    assert!(bench.orders().is_empty());
    assert_eq!(view::downloads(&bench.state)[0].bytes_done, 60);
    control(&mut bench, InstallationAction::Resume);
    bench.finish_everything();
    assert!(bench.may_launch());
}

#[test]
fn a_cancelled_first_installation_is_undone() {
    for stage in [InstallStage::Files, InstallStage::Install, InstallStage::Essential] {
        let mut bench = Bench::new(Vec::new());
        let app = app_id("app");
        let bundle = with_manifest();
        bench.call(|caller| Event::AppInstallRequested {
            caller,
            app,
            bundle: Box::new(bundle),
            headers: headstart_model::Headers::default(),
        });
        if stage > InstallStage::Files {
            bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
        }
        if stage > InstallStage::Install {
            bench.finish(is_fetch);
            bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
        }
        let effects = control(&mut bench, InstallationAction::Cancel);
        let told = failures(&effects);
        assert_eq!(told.len(), 1, "{stage:?} {effects:?}");
        assert_eq!(told[0].code.as_str(), "cancelled");
        for (effect, order) in bench.orders() {
            if is_fetch(&order) || matches!(order, Order::PrepareApp { .. }) {
                bench.hear(Event::Stopped { effect });
            }
        }
        bench.finish_everything();
        let records = bench.state.records();
        assert_eq!((records.apps().count(), records.files().count()), (0, 0), "{stage:?}");
    }
}

#[test]
fn a_cancelled_update_goes_on_without_what_has_not_arrived() {
    let mut bench = Bench::asking(with_manifest());
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    bench.launch();
    bench.finish_everything();
    update(&mut bench, Bundle { version: "2".to_owned(), ..with_manifest() });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(is_fetch);
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a"), file("b")]));
    assert!(!bench.may_launch());
    control(&mut bench, InstallationAction::Pause);
    let effects = control(&mut bench, InstallationAction::Cancel);
    assert!(bench.may_launch());
    let reply = effects.iter().find_map(|effect| match effect {
        Effect::Answer { outcome: Ok(Reply::Launchable { downloads, .. }), .. } => Some(downloads),
        _ => None,
    });
    assert_eq!(reply.map(|downloads| downloads[0].0.as_str()), Some("a"));
    assert_eq!(bench.subjects(), ["failed a"]);
}

#[test]
fn a_cancelled_update_of_files_leaves_the_version_that_was_there() {
    let mut bench = Bench::launched(with_extension());
    update(&mut bench, Bundle { version: "2".to_owned(), ..with_extension() });
    let effect = bench.order(|order| matches!(order, Order::PrepareApp { .. }));
    let effects = control(&mut bench, InstallationAction::Cancel);
    assert!(effects.contains(&Effect::Stop { id: effect }));
    let effects = bench.hear(Event::Stopped { effect });
    assert_eq!(failures(&effects)[0].code.as_str(), "cancelled");
    let app = bench.state.records().app(&app_id("app")).expect("installed");
    assert_eq!(app.bundle.version, "1");
    assert!(bench.may_launch());
}

#[test]
fn an_update_whose_files_were_in_place_before_it_was_cancelled_ends_without_content() {
    for restarts in [false, true] {
        let mut bench = Bench::asking(with_manifest());
        bench.reply(ExtensionAnswer::Downloads(Vec::new()));
        bench.launch();
        bench.finish_everything();
        update(&mut bench, Bundle { version: "2".to_owned(), ..with_manifest() });
        control(&mut bench, InstallationAction::Cancel);
        if restarts {
            let effects = bench.restart();
            let stop = bench.order(|order| matches!(order, Order::PrepareApp { .. }));
            assert!(effects.contains(&Effect::Stop { id: stop }), "the word is kept");
        }
        bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
        assert!(bench.may_launch(), "nothing is waited for");
        let app = bench.state.records().app(&app_id("app")).expect("installed");
        assert_eq!(app.bundle.version, "2", "its files are there");
        bench.finish(is_fetch);
        bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
        assert!(bench.may_launch() && bench.fetching() == ["a"], "content comes in the background");
    }
}

#[test]
fn what_is_not_being_installed_cannot_be_controlled() {
    let mut bench = Bench::launched(with_extension());
    for action in
        [InstallationAction::Pause, InstallationAction::Resume, InstallationAction::Cancel]
    {
        assert_eq!(failures(&control(&mut bench, action)).len(), 1);
    }
}

fn install(bench: &mut Bench, app: &str, groups: &[(&str, &[&str])]) -> Vec<Effect> {
    let entry = |(id, guests): &(&str, &[&str])| -> (AppGroupId, Vec<AppId>) {
        (group(id), guests.iter().map(|guest| app_id(guest)).collect())
    };
    let groups = groups.iter().map(entry).collect();
    let bundle = Bundle { repository: None, groups, ..bundle("1") };
    let app = app_id(app);
    let mut effects = bench.call(|caller| Event::AppInstallRequested {
        caller,
        app,
        bundle: Box::new(bundle),
        headers: headstart_model::Headers::default(),
    });
    if effects.iter().any(|effect| matches!(effect, Effect::Order { .. })) {
        effects.extend(bench.finish(|order| matches!(order, Order::PrepareApp { .. })));
    }
    bench.now_ms += 1;
    effects
}

#[test]
fn a_group_belongs_to_the_app_that_came_with_it_and_others_join_by_its_leave() {
    let mut bench = Bench::new(Vec::new());
    answer(&install(&mut bench, "owner", &[("group.shared", &["guest"])])).expect("it is free");
    let refused = install(&mut bench, "stranger", &[("group.shared", &[])]);
    answer(&refused).expect_err("the owner does not name it");
    let claimed = install(&mut bench, "stranger", &[("group.shared", &["stranger", "owner"])]);
    answer(&claimed).expect_err("naming others makes no owner");
    answer(&install(&mut bench, "guest", &[("group.shared", &[])])).expect("it is named");
    let (app, data) = (app_id("owner"), KeepData::Delete);
    bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    let orders = bench.orders();
    let left = orders.iter().find_map(|(_, order)| match order {
        Order::RemoveAppData { groups, .. } => Some(groups.clone()),
        _ => None,
    });
    assert_eq!(left, Some(Vec::new()), "the guest still uses it");
    bench.finish_everything();
    let (app, data) = (app_id("guest"), KeepData::Delete);
    bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    let orders = bench.orders();
    let left = orders.iter().find_map(|(_, order)| match order {
        Order::RemoveAppData { groups, .. } => Some(groups.clone()),
        _ => None,
    });
    assert_eq!(left, Some(vec![group("group.shared")]), "nobody is left");
}
