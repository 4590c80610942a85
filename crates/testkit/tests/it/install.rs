//! Installation: essential packs first, prefetch behind them, on demand not at all.

use headstart_engine::record::InstallStage;
use headstart_engine::{Notice, PackUpdate, Reply};
use headstart_model::{DownloadPolicy, InstallationEventType, InstallationEventTypes, Platform};
use headstart_testkit::{Faults, Recipe, World, seeds};

use crate::published;

#[test]
fn an_app_is_launchable_when_its_essential_packs_have_arrived() {
    seeds::run("install::an_app_is_launchable_when_its_essential_packs_have_arrived", |seed| {
        let mut world = published(seed);
        let call = world.install("game");
        world.run_until("the launch", |world| world.may_launch("game"));
        assert_eq!(world.version_read("game", "core"), Some(1));
        let answer = world.wait_for(call).expect("nothing goes wrong");
        assert!(
            matches!(answer, Reply::Launchable { missed, catalog: None, .. } if missed.is_empty())
        );
        world.settle();
        assert_eq!(world.version_read("game", "levels"), Some(1), "prefetch goes on");
        assert_eq!(world.version_read("game", "extra"), None, "nobody asked");
    });
}

#[test]
fn prefetch_begins_only_when_no_essential_pack_moves() {
    seeds::run("install::prefetch_begins_only_when_no_essential_pack_moves", |seed| {
        let mut world = World::new(seed);
        let essential = ["a", "b", "c", "d", "e"];
        let mut packs: Vec<_> = essential.map(|id| (id, Recipe::essential(50))).to_vec();
        packs.push(("prefetched", Recipe::prefetch(50)));
        world.publisher("game").publish(&packs);
        world.install("game");
        world.settle();
        let told = |pack: &str, wanted: fn(&PackUpdate) -> bool| {
            world.notices().iter().position(|(_, notice)| {
                matches!(notice, Notice::Pack { pack: named, update, .. }
                    if named.as_str() == pack && wanted(update))
            })
        };
        let prefetch_began = told("prefetched", |update| *update == PackUpdate::Began);
        for pack in essential {
            assert!(told(pack, |update| *update == PackUpdate::Began) < prefetch_began, "{pack}");
        }
    });
}

#[test]
fn one_progress_rises_through_the_phases() {
    seeds::run("install::one_progress_rises_through_the_phases", |seed| {
        let mut world = published(seed);
        world.install("game");
        world.settle();
        let mut stages: Vec<InstallStage> = world
            .notices()
            .iter()
            .filter_map(|(_, notice)| match notice {
                Notice::Installation { progress, .. } => Some(progress.stage),
                _ => None,
            })
            .collect();
        assert!(stages.is_sorted(), "phases do not go back");
        stages.dedup();
        let phases = [InstallStage::Files, InstallStage::Install, InstallStage::Essential];
        assert_eq!(stages, phases);
    });
}

#[test]
fn packs_for_another_platform_or_event_are_left_alone() {
    seeds::run("install::packs_for_another_platform_or_event_are_left_alone", |seed| {
        let mut world = published(seed);
        let updates_only = InstallationEventTypes {
            installation_event_types: vec![InstallationEventType::SubsequentUpdate],
        };
        world.publisher("game").publish(&[
            ("console", Recipe { platforms: vec![Platform::Tvos], ..Recipe::essential(10) }),
            ("later", Recipe::of(DownloadPolicy::Essential(updates_only), 10)),
        ]);
        world.install("game");
        world.settle();
        assert_eq!(world.version_read("game", "console"), None);
        assert_eq!(world.version_read("game", "later"), None);
    });
}

#[test]
fn a_machine_that_dies_goes_on_where_it_was() {
    seeds::run("install::a_machine_that_dies_goes_on_where_it_was", |seed| {
        let mut world = published(seed);
        world.faults = Faults::crashes();
        let bundle_known = |world: &World| world.state().records().apps().next().is_some();
        while !bundle_known(&world) {
            // A call that was lost with the service is made again; from then on the service does it alone.
            world.install("game");
        }
        world.run_for(3_000);
        world.settle();
        assert!(world.may_launch("game"));
        assert_eq!(world.version_read("game", "core"), Some(1));
        assert_eq!(world.version_read("game", "levels"), Some(1));
    });
}

#[test]
fn an_installation_can_be_asked_for_again_and_joined() {
    seeds::run("install::an_installation_can_be_asked_for_again_and_joined", |seed| {
        let mut world = published(seed);
        let first = world.install("game");
        let wait = world.rng().below(600);
        world.run_for(wait);
        if world.may_launch("game") {
            return;
        }
        let (again, waiting) = (world.install("game"), world.await_launch("game"));
        for call in [first, again, waiting] {
            world.wait_for(call).expect("all are answered alike");
        }
        let failure = {
            let call = world.install("game");
            world.wait_for(call).expect_err("it is installed")
        };
        assert_eq!(failure.code.as_str(), "alreadyInstalled");
    });
}
