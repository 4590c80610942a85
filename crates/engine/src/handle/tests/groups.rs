//! Whose the containers of app groups are, from the first app that names a group to the last (app-bundle 6, concepts 13).

use headstart_model::protocol::apps::InstallationAction;
use headstart_model::{AppGroupId, AppId, ErrorKind};

use crate::record::{Bundle, FileStage, KeepData, Outcome};
use crate::testing::{Bench, a_failure, answer, app_id, bundle, file, group, with_extension};
use crate::{Effect, Event, Order};

type Groups<'a> = &'a [(&'a str, &'a [&'a str])];

fn bundle_with(groups: Groups<'_>) -> Bundle {
    let entry = |(id, guests): &(&str, &[&str])| -> (AppGroupId, Vec<AppId>) {
        (group(id), guests.iter().map(|guest| app_id(guest)).collect())
    };
    Bundle { repository: None, groups: groups.iter().map(entry).collect(), ..bundle("1") }
}

fn ask(bench: &mut Bench, app: &str, groups: Groups<'_>) -> Vec<Effect> {
    let (app, bundle) = (app_id(app), Box::new(bundle_with(groups)));
    bench.now_ms += 1;
    bench.call(|caller| Event::AppInstallRequested {
        caller,
        app,
        bundle,
        headers: headstart_model::Headers::default(),
    })
}

fn install(bench: &mut Bench, app: &str, groups: Groups<'_>) {
    ask(bench, app, groups);
    let effects = bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    answer(&effects).expect("it is installed");
}

fn assert_refused(bench: &mut Bench, app: &str, groups: Groups<'_>, says: &str) {
    let failure = answer(&ask(bench, app, groups)).expect_err("it is taken");
    assert_eq!(failure.code.as_str(), "groupTaken");
    assert!(failure.message.contains(says), "{failure}");
}

/// Removes an app; the containers that go with it.
fn uninstall(bench: &mut Bench, app: &str, data: KeepData) -> Vec<AppGroupId> {
    let app = app_id(app);
    bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    removed(bench)
}

fn removed(bench: &mut Bench) -> Vec<AppGroupId> {
    let groups = bench.orders().into_iter().find_map(|(_, order)| match order {
        Order::RemoveAppData { groups, .. } => Some(groups),
        _ => None,
    });
    bench.finish_everything();
    groups.expect("it is being removed")
}

const SHARED: Groups<'static> = &[("group.shared", &["guest"])];
const JOINS: Groups<'static> = &[("group.shared", &[])];

#[test]
fn what_an_app_keeps_is_open_to_itself_and_its_guests_alone() {
    let mut bench = Bench::new(Vec::new());
    install(&mut bench, "owner", SHARED);
    assert!(uninstall(&mut bench, "owner", KeepData::Keep).is_empty());
    bench.restart();
    assert_refused(&mut bench, "stranger", JOINS, "keeps");
    install(&mut bench, "guest", JOINS);
    assert!(uninstall(&mut bench, "guest", KeepData::Delete).is_empty(), "it is not the guest's");
    install(&mut bench, "guest", JOINS);
    install(&mut bench, "owner", SHARED);
    assert_refused(&mut bench, "stranger", JOINS, "belongs to app `owner`");
    assert!(uninstall(&mut bench, "guest", KeepData::Keep).is_empty());
    assert_eq!(uninstall(&mut bench, "owner", KeepData::Delete), [group("group.shared")]);
    install(&mut bench, "stranger", JOINS);
}

#[test]
fn a_first_installation_that_fails_leaves_no_container_but_what_was_kept() {
    for kept_before in [false, true] {
        let mut bench = Bench::new(Vec::new());
        if kept_before {
            install(&mut bench, "app", SHARED);
            assert!(uninstall(&mut bench, "app", KeepData::Keep).is_empty());
        }
        ask(&mut bench, "app", SHARED);
        let effect = bench.order(|order| matches!(order, Order::PrepareApp { .. }));
        let app = app_id("app");
        let action = InstallationAction::Cancel;
        bench.call(|caller| Event::InstallationControlled { caller, app, action });
        bench.hear(Event::PrepareFailed { effect, failure: a_failure(ErrorKind::Cancelled) });
        let gone = if kept_before { Vec::new() } else { vec![group("group.shared")] };
        assert_eq!(removed(&mut bench), gone);
        if kept_before {
            assert_refused(&mut bench, "victim", JOINS, "keeps");
        } else {
            install(&mut bench, "victim", JOINS);
        }
    }
}

#[test]
fn whoever_removes_all_leaves_the_group_to_the_member_that_is_left() {
    let mut bench = Bench::new(Vec::new());
    install(&mut bench, "owner", SHARED);
    install(&mut bench, "guest", JOINS);
    assert!(uninstall(&mut bench, "owner", KeepData::Delete).is_empty());
    assert_refused(&mut bench, "owner", SHARED, "belongs to app `guest`");
    assert_eq!(uninstall(&mut bench, "guest", KeepData::Delete), [group("group.shared")]);
}

fn update(bench: &mut Bench, bundle: Bundle) {
    let (app, bundle) = (app_id("app"), Box::new(bundle));
    bench.call(|caller| Event::AppUpdateRequested { caller, app, bundle });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
}

#[test]
fn downloads_for_a_group_that_an_update_drops_are_invalid() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![file("arrived"), file("going")]);
    let names = ["arrived", "going"];
    let ids = names.map(|name| bench.file_id(name));
    let effect = bench.order(
        |order| matches!(order, Order::FetchFile(transfer) if transfer.request.identifier == "arrived"),
    );
    bench.succeed(effect);
    let groups = bundle_with(&[("group.other", &[])]).groups;
    update(&mut bench, Bundle { groups, version: "2".to_owned(), ..with_extension() });
    for id in ids {
        let outcome = bench.state.records().file(id).map(|file| file.stage.clone());
        let Some(FileStage::Concluded(Outcome::Failed(failure))) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(failure.code.as_str(), "downloadInvalid");
    }
    assert!(bench.subjects()[0].starts_with("failed "), "it is told to the new extension");
}

#[test]
fn the_container_of_a_group_that_an_update_drops_stays_the_apps_and_goes_with_it() {
    let mut bench = Bench::launched(with_extension());
    let groups = bundle_with(&[("group.other", &[])]).groups;
    update(&mut bench, Bundle { groups, version: "2".to_owned(), ..with_extension() });
    bench.finish_everything();
    assert_refused(&mut bench, "stranger", &[("group.app", &[])], "keeps");
    let gone = uninstall(&mut bench, "app", KeepData::Delete);
    assert_eq!(gone, [group("group.app"), group("group.other")]);
    install(&mut bench, "stranger", &[("group.app", &[])]);
}
