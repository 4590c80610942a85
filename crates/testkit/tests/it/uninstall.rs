//! An app goes, whatever is going on.

use headstart_engine::Reply;
use headstart_engine::record::{Freshness, KeepData};
use headstart_testkit::{Faults, Recipe, World, seeds};

use crate::{installed, published};

fn is_gone(world: &World) -> bool {
    world.state().records().apps().next().is_none()
}

#[test]
fn an_app_can_be_removed_at_any_moment() {
    seeds::run("uninstall::an_app_can_be_removed_at_any_moment", |seed| {
        let mut world = published(seed);
        let install = world.install("game");
        let wait = world.rng().below(1_500);
        world.run_for(wait);
        world.ensure("game", &["extra"], Freshness::Latest);
        let removal = world.uninstall("game", KeepData::Delete);
        assert!(world.is_over(install), "whoever waited is told");
        assert_eq!(world.wait_for(removal), Ok(Reply::Uninstalled));
        assert!(is_gone(&world));
        assert!(world.state().records().packs().next().is_none(), "no row is left");
        world.settle();
    });
}

#[test]
fn kept_packs_are_taken_over_by_the_next_installation() {
    seeds::run("uninstall::kept_packs_are_taken_over_by_the_next_installation", |seed| {
        let mut world = installed(seed);
        let updated = world.rng().chance(500);
        let removal = world.uninstall("game", KeepData::Keep);
        assert_eq!(world.wait_for(removal), Ok(Reply::Uninstalled));
        assert_eq!(world.version_read("game", "core"), Some(1), "it is still there");
        if updated {
            world.publisher("game").publish(&[("core", Recipe::essential(70))]);
        }
        let notices = world.notices().len();
        let call = world.install("game");
        world.wait_for(call).expect("nothing goes wrong");
        assert_eq!(world.version_read("game", "core"), Some(if updated { 2 } else { 1 }));
        let fetched = world.notices()[notices..].iter().any(|(_, notice)| {
            matches!(notice, headstart_engine::Notice::Pack { pack, .. } if pack.as_str() == "core")
        });
        assert_eq!(fetched, updated, "what is there is not fetched");
        world.settle();
    });
}

#[test]
fn a_removal_that_was_begun_is_finished_after_a_crash() {
    seeds::run("uninstall::a_removal_that_was_begun_is_finished_after_a_crash", |seed| {
        let mut world = published(seed);
        world.install("game");
        let wait = world.rng().below(1_000);
        world.run_for(wait);
        world.faults = Faults::crashes();
        while !is_gone(&world) {
            world.uninstall("game", KeepData::Delete);
            world.run_for(2_000);
        }
        world.settle();
        assert!(world.state().records().packs().next().is_none());
        world.install("game");
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(1), "it can be installed again");
    });
}
