//! Packs for some versions of the app: an old build is never given what breaks it.

use headstart_engine::record::Freshness;
use headstart_engine::{Reply, explain, view};
use headstart_model::Status;
use headstart_testkit::{Recipe, World, seeds};

use crate::installed;

fn status(world: &World, pack: &str) -> Status {
    view::status(world.state(), &world.key("game", pack))
}

fn facts(world: &World, pack: &str) -> Vec<&'static str> {
    let explained = explain(world.state(), &world.key("game", pack), world.now()).expect("known");
    explained.reasons.iter().map(|reason| reason.fact.name()).collect()
}

#[test]
fn an_old_build_keeps_what_it_has_and_is_told_why() {
    seeds::run("app_versions::an_old_build_keeps_what_it_has_and_is_told_why", |seed| {
        let mut world = installed(seed);
        // Fetched by nobody before: the old one cannot be told from none at all.
        let newer = Recipe::on_demand(50).for_app(">=2");
        world.publisher("game").publish(&[("fresh", newer)]);
        world.publisher("game").publish(&[("core", Recipe::essential(70).for_app(">=2"))]);
        world.publisher("game").publish(&[("core", Recipe::essential(80).for_app(">=3"))]);
        let call = world.check("game");
        let answer = world.wait_for(call).expect("the server answers");
        let Reply::Checked { updating, removed, withheld } = answer else { panic!("{answer:?}") };
        assert!(updating.is_empty() && removed.is_empty(), "{updating:?} {removed:?}");
        let [one] = withheld.as_slice() else { panic!("{withheld:?}") };
        assert_eq!((one.version.0, one.app_versions.to_string()), (3, ">=3".to_owned()));
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(1));
        assert_eq!(facts(&world, "core"), ["otherAppVersion"]);
        assert!(status(&world, "core").contains(Status::UP_TO_DATE), "it has what is for it");
        let call = world.ensure("game", &["fresh"], Freshness::Any);
        let answer = world.wait_for(call).expect("an answer");
        let Reply::Ensured { failed, .. } = answer else { panic!("{answer:?}") };
        let codes: Vec<_> = failed.values().map(|failure| failure.code.to_string()).collect();
        assert_eq!(codes, ["otherAppVersion"]);
        assert_eq!(facts(&world, "fresh"), ["otherAppVersion"]);
        assert_eq!(status(&world, "fresh"), Status::EMPTY);
    });
}

#[test]
fn a_pack_that_is_for_newer_builds_only_is_not_obsolete() {
    seeds::run("app_versions::a_pack_that_is_for_newer_builds_only_is_not_obsolete", |seed| {
        let mut world = installed(seed);
        // Withdrawn, and published anew for newer builds: nothing is left for this one.
        world.publisher("game").withdraw(&["levels"]);
        world.publisher("game").forget(&["levels"]);
        world.publisher("game").publish(&[("levels", Recipe::prefetch(60).for_app(">=2"))]);
        let call = world.check("game");
        world.wait_for(call).expect("the server answers");
        world.settle();
        assert!(world.version_read("game", "levels").is_some(), "it keeps what it has");
        assert!(!status(&world, "levels").contains(Status::OBSOLETE));
    });
}

#[test]
fn a_new_build_gets_what_was_withheld_and_an_older_one_goes_back() {
    seeds::run(
        "app_versions::a_new_build_gets_what_was_withheld_and_an_older_one_goes_back",
        |seed| {
            let mut world = installed(seed);
            world.publisher("game").publish(&[("core", Recipe::essential(70).for_app(">=2"))]);
            let call = world.check("game");
            world.wait_for(call).expect("the server answers");
            world.settle();
            assert_eq!(world.version_read("game", "core"), Some(1));
            // The release is the one that is held; the build is another.
            let call = world.update("game", "2.0");
            world.wait_for(call).expect("nothing goes wrong");
            assert_eq!(world.version_read("game", "core"), Some(2), "before the launch");
            world.settle();
            assert!(facts(&world, "core").is_empty());
            let call = world.update("game", "1.5");
            world.wait_for(call).expect("nothing goes wrong");
            assert_eq!(world.version_read("game", "core"), Some(1), "what is for that one");
            world.settle();
        },
    );
}

#[test]
fn an_essential_pack_for_other_builds_is_missed_with_the_reason_and_blocks_nothing() {
    seeds::run(
        "app_versions::an_essential_pack_for_other_builds_is_missed_with_the_reason_and_blocks_nothing",
        |seed| {
            let mut world = World::new(seed);
            world.publisher("game").publish(&[("core", Recipe::essential(70).for_app(">=2"))]);
            let call = world.install("game");
            let answer = world.wait_for(call).expect("nothing goes wrong");
            let Reply::Launchable { missed, .. } = answer else { panic!("{answer:?}") };
            let codes: Vec<_> = missed.values().map(|failure| failure.code.to_string()).collect();
            assert_eq!(codes, ["otherAppVersion"]);
            world.settle();
            assert_eq!(world.version_read("game", "core"), None);
        },
    );
}

#[test]
fn a_download_for_the_old_build_ends_when_the_app_is_replaced() {
    seeds::run(
        "app_versions::a_download_for_the_old_build_ends_when_the_app_is_replaced",
        |seed| {
            let mut world = installed(seed);
            world.publisher("game").publish(&[("maps", Recipe::on_demand(90_000).for_app("<2"))]);
            world.ensure("game", &["maps"], Freshness::Any);
            let wait = world.rng().below(400);
            world.run_for(wait);
            world.update("game", "2.0");
            world.settle();
            // It may have arrived before the app was replaced; then it stays until there is one for the new build.
            if world.version_read("game", "maps").is_none() {
                assert_eq!(facts(&world, "maps"), ["otherAppVersion"]);
            }
            world.publisher("game").publish(&[("maps", Recipe::on_demand(90))]);
            let call = world.ensure("game", &["maps"], Freshness::Latest);
            world.wait_for_packs(call);
            assert_eq!(world.version_read("game", "maps"), Some(2));
        },
    );
}
