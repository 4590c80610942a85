//! Updates: with a new version of the app, in between, on request; forwards and back.

use headstart_engine::record::Freshness;
use headstart_engine::{Class, Network, Reply, view};
use headstart_model::download::DownloadStatus;
use headstart_model::{
    ContentRequest, DownloadPolicy, InstallationEventType, InstallationEventTypes,
};
use headstart_testkit::{Faults, Recipe, seeds};

use crate::{installed, published};

#[test]
fn an_update_of_the_app_brings_its_packs_up_to_date_before_the_launch() {
    seeds::run(
        "update::an_update_of_the_app_brings_its_packs_up_to_date_before_the_launch",
        |seed| {
            let mut world = installed(seed);
            let call = world.ensure("game", &["extra"], Freshness::Any);
            world.wait_for_packs(call);
            world.publisher("game").publish(&[
                ("core", Recipe::essential(70)),
                ("extra", Recipe::on_demand(50)),
                ("new", Recipe::prefetch(30)),
            ]);
            let call = world.update("game", "2.0");
            assert!(!world.may_launch("game"));
            world.wait_for(call).expect("nothing goes wrong");
            assert_eq!(world.version_read("game", "core"), Some(2), "essential first");
            world.settle();
            assert_eq!(world.version_read("game", "extra"), Some(2), "what is local follows");
            assert_eq!(world.version_read("game", "new"), Some(1), "the event selects it");
            assert!(!world.has_version("game", "core", 1), "the old version is removed");
        },
    );
}

#[test]
fn a_pack_of_the_first_installation_is_not_fetched_again() {
    seeds::run("update::a_pack_of_the_first_installation_is_not_fetched_again", |seed| {
        let mut world = published(seed);
        let first_only = InstallationEventTypes {
            installation_event_types: vec![InstallationEventType::FirstInstallation],
        };
        let intro = Recipe::of(DownloadPolicy::Essential(first_only), 20);
        world.publisher("game").publish(&[("intro", intro)]);
        world.install("game");
        world.settle();
        assert_eq!(world.version_read("game", "intro"), Some(1));
        let call = world.remove("game", "intro");
        world.wait_for(call).expect("it is local");
        world.update("game", "2.0");
        world.settle();
        assert_eq!(world.version_read("game", "intro"), None);
    });
}

#[test]
fn a_check_updates_what_is_local_and_removes_what_is_obsolete() {
    seeds::run("update::a_check_updates_what_is_local_and_removes_what_is_obsolete", |seed| {
        let mut world = installed(seed);
        world.publisher("game").publish(&[
            ("core", Recipe::essential(70)),
            ("extra", Recipe::on_demand(40)),
            ("surprise", Recipe::essential(10)),
        ]);
        world.publisher("game").withdraw(&["levels"]);
        let call = world.check("game");
        let answer = world.wait_for(call).expect("the server answers");
        let Reply::Checked { updating, removed, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(updating, [world.key("game", "core").pack]);
        assert_eq!(removed, [world.key("game", "levels").pack]);
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(2));
        assert_eq!(world.version_read("game", "levels"), None);
        assert_eq!(world.version_read("game", "extra"), None, "not local, so not updated");
        assert_eq!(
            world.version_read("game", "surprise"),
            None,
            "comes with an installation event"
        );
    });
}

#[test]
fn a_check_sees_what_was_published_before_it_was_made() {
    seeds::run("update::a_check_sees_what_was_published_before_it_was_made", |seed| {
        let mut world = installed(seed);
        // A check that began earlier may have looked before the release.
        world.content_request("game", ContentRequest::Periodic);
        let wait = world.rng().below(130);
        world.run_for(wait);
        world.publisher("game").publish(&[("core", Recipe::essential(70))]);
        let call = world.check("game");
        let answer = world.wait_for(call).expect("the server answers");
        assert!(matches!(answer, Reply::Checked { updating, .. } if updating.len() == 1));
    });
}

#[test]
fn a_day_later_the_device_looks_by_itself() {
    seeds::run("update::a_day_later_the_device_looks_by_itself", |seed| {
        let mut world = installed(seed);
        world.publisher("game").publish(&[("levels", Recipe::prefetch(60))]);
        world.run_for(25 * 60 * 60 * 1000);
        assert_eq!(world.version_read("game", "levels"), Some(2));
    });
}

#[test]
fn going_back_to_an_older_version_takes_devices_down() {
    seeds::run("update::going_back_to_an_older_version_takes_devices_down", |seed| {
        let mut world = installed(seed);
        world.publisher("game").publish(&[("core", Recipe::essential(70))]);
        world.content_request("game", ContentRequest::Periodic);
        let wait = world.rng().below(1_500);
        world.run_for(wait);
        world.publisher("game").roll_back(&[("core", 1)]);
        world.settle();
        let call = world.check("game");
        world.wait_for(call).expect("the server answers");
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(1));
    });
}

#[test]
fn a_download_turns_to_the_release_that_overtakes_it() {
    seeds::run("update::a_download_turns_to_the_release_that_overtakes_it", |seed| {
        let mut world = installed(seed);
        for size in [80, 90, 100] {
            world.publisher("game").publish(&[("core", Recipe::essential(size))]);
            world.content_request("game", ContentRequest::Periodic);
            let wait = world.rng().below(400);
            world.run_for(wait);
        }
        world.settle();
        let call = world.check("game");
        world.wait_for(call).expect("the server answers");
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(4));
        assert!(!world.has_version("game", "core", 3) && !world.has_version("game", "core", 2));
    });
}

#[test]
fn a_version_that_is_read_stays_until_its_readers_go() {
    seeds::run("update::a_version_that_is_read_stays_until_its_readers_go", |seed| {
        let mut world = installed(seed);
        world.open_reader("game", "core");
        world.publisher("game").publish(&[("core", Recipe::essential(70))]);
        world.content_request("game", ContentRequest::Periodic);
        world.run_for(60_000);
        assert_eq!(world.version_read("game", "core"), Some(2), "the switch does not wait");
        assert!(world.has_version("game", "core", 1), "somebody reads it");
        world.close_readers();
        world.settle();
        assert!(!world.has_version("game", "core", 1));
    });
}

#[test]
fn a_version_that_is_still_read_comes_back_without_a_download() {
    seeds::run("update::a_version_that_is_still_read_comes_back_without_a_download", |seed| {
        let mut world = installed(seed);
        world.open_reader("game", "core");
        world.publisher("game").publish(&[("core", Recipe::essential(70))]);
        world.content_request("game", ContentRequest::Periodic);
        world.run_for(60_000);
        world.publisher("game").roll_back(&[("core", 1)]);
        let wait = world.rng().below(5_000);
        world.run_for(wait);
        let call = world.check("game");
        world.wait_for(call).expect("the server answers");
        world.run_for(5_000);
        assert_eq!(world.version_read("game", "core"), Some(1));
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(1));
    });
}

#[test]
fn an_update_survives_whatever_goes_wrong() {
    seeds::run("update::an_update_survives_whatever_goes_wrong", |seed| {
        let mut world = installed(seed);
        world
            .publisher("game")
            .publish(&[("core", Recipe::essential(70)), ("levels", Recipe::prefetch(80))]);
        world.faults = Faults::everything();
        world.update("game", "2.0");
        world.run_for(5_000);
        assert!(world.version_read("game", "core").is_some(), "never without a version");
        world.settle();
        world.check("game");
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(2));
        assert_eq!(world.version_read("game", "levels"), Some(2));
    });
}

#[test]
fn the_packs_of_a_release_become_live_together_however_fast_releases_follow() {
    seeds::run(
        "update::the_packs_of_a_release_become_live_together_however_fast_releases_follow",
        |seed| {
            let mut world = installed(seed);
            let call = world.ensure("game", &["extra"], Freshness::Any);
            world.wait_for_packs(call);
            let packs = ["core", "levels", "extra"];
            for edition in 0..6_u64 {
                let size = |pack: u64| 60 + 17 * ((edition + pack) % 3);
                world.publisher("game").publish(&[
                    ("core", Recipe::essential(size(0))),
                    ("levels", Recipe::prefetch(size(1))),
                    ("extra", Recipe::on_demand(size(2))),
                ]);
                // Now the whole app checks, now somebody waits for one pack alone.
                match world.rng().below(3) {
                    0 => drop(world.check("game")),
                    1 => drop(world.ensure("game", &["extra"], Freshness::Latest)),
                    _ => world.content_request("game", ContentRequest::Periodic),
                }
                let steps = world.rng().below(60);
                for _ in 0..steps {
                    world.run_for(25);
                    let read = packs.map(|pack| world.version_read("game", pack));
                    assert!(read.iter().all(|version| *version == read[0]), "a mixture: {read:?}");
                }
            }
            let call = world.ensure("game", &["levels"], Freshness::Latest);
            assert_eq!(world.wait_for_packs(call).0.len(), 1);
            for pack in packs {
                assert_eq!(world.version_read("game", pack), Some(7), "{pack}");
            }
        },
    );
}

#[test]
fn a_cancelled_update_does_not_hold_the_others_back() {
    seeds::run("update::a_cancelled_update_does_not_hold_the_others_back", |seed| {
        let mut world = installed(seed);
        let next = [("core", Recipe::essential(70)), ("levels", Recipe::prefetch(600))];
        world.publisher("game").publish(&next);
        let call = world.check("game");
        world.wait_for(call).expect("the server answers");
        let call = world.cancel("game", "levels");
        world.wait_for(call).expect("it is on its way");
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(2));
        assert_eq!(world.version_read("game", "levels"), Some(1));
        let call = world.check("game");
        world.wait_for(call).expect("the server answers");
        world.settle();
        assert_eq!(
            world.version_read("game", "levels"),
            Some(2),
            "the next check takes it up again"
        );
    });
}

#[test]
fn who_waits_for_one_update_lifts_the_others_and_is_told_when_they_fail() {
    seeds::run(
        "update::who_waits_for_one_update_lifts_the_others_and_is_told_when_they_fail",
        |seed| {
            let mut world = installed(seed);
            let next = [("core", Recipe::essential(60)), ("levels", Recipe::prefetch(3_000))];
            world.publisher("game").publish(&next);
            let call = world.ensure("game", &["core"], Freshness::Latest);
            world.run_until("both updates", |world| view::downloads(world.state()).len() == 2);
            let classes = view::downloads(world.state()).into_iter().map(|view| view.class);
            assert!(classes.into_iter().all(|class| class == Class::Foreground));
            world.run_until("the small one", |world| {
                view::downloads(world.state())
                    .iter()
                    .any(|view| view.status == DownloadStatus::Finished)
            });
            assert!(world.answer(call).is_none(), "it is complete and not live");
            world.set_network(Network::Offline);
            let (available, failed) = world.wait_for_packs(call);
            assert_eq!((available.len(), failed.len()), (0, 1));
            assert_eq!(world.version_read("game", "core"), Some(1), "no half of a release");
            world.set_network(Network::Online);
            world.settle();
            assert_eq!(world.version_read("game", "core"), Some(2));
            assert_eq!(world.version_read("game", "levels"), Some(2));
        },
    );
}
