//! The disk is full.

use headstart_engine::record::Freshness;
use headstart_engine::{Fact, Reply, explain};
use headstart_model::ErrorKind;
use headstart_testkit::{Recipe, seeds};

use crate::{installed, published};

#[test]
fn who_cannot_wait_is_told_how_much_is_missing() {
    seeds::run("space::who_cannot_wait_is_told_how_much_is_missing", |seed| {
        let mut world = installed(seed);
        world.publisher("game").publish(&[("huge", Recipe::on_demand(500))]);
        world.set_disk_room(Some(400));
        let call = world.ensure("game", &["huge"], Freshness::Any);
        let (_, failed) = world.wait_for_packs(call);
        let failure = failed.into_values().next().expect("it does not fit");
        assert_eq!(failure.kind, ErrorKind::NoSpace);
        assert!(failure.message.contains("500 bytes are needed"), "{}", failure.message);
        assert_eq!(world.version_read("game", "core"), Some(1), "what is there stays");
    });
}

#[test]
fn the_background_waits_for_room_and_lets_smaller_packs_pass() {
    seeds::run("space::the_background_waits_for_room_and_lets_smaller_packs_pass", |seed| {
        let mut world = published(seed);
        world
            .publisher("game")
            .publish(&[("huge", Recipe::prefetch(2_000)), ("small", Recipe::prefetch(30))]);
        world.set_disk_room(Some(600));
        world.install("game");
        world.run_for(60_000);
        assert_eq!(world.version_read("game", "small"), Some(1));
        let key = world.key("game", "huge");
        let explanation = explain(world.state(), &key, world.now()).expect("it is offered");
        let waits_for_room =
            explanation.reasons.iter().any(|r| matches!(r.fact, Fact::NotEnoughDisk { .. }));
        assert!(waits_for_room, "{:?}", explanation.reasons);
        world.set_disk_room(Some(10_000));
        world.run_until("the huge pack", |world| world.version_read("game", "huge").is_some());
        world.settle();
    });
}

#[test]
fn an_essential_pack_that_does_not_fit_does_not_block_the_app() {
    seeds::run("space::an_essential_pack_that_does_not_fit_does_not_block_the_app", |seed| {
        let mut world = published(seed);
        world.set_disk_room(Some(40));
        let call = world.install("game");
        let answer = world.wait_for(call).expect("the app itself is installed");
        let Reply::Launchable { missed, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(missed.values().map(|f| f.kind).collect::<Vec<_>>(), [ErrorKind::NoSpace]);
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(1));
    });
}

#[test]
fn a_disk_that_fills_up_meanwhile_only_delays() {
    seeds::run("space::a_disk_that_fills_up_meanwhile_only_delays", |seed| {
        let mut world = published(seed);
        world.install("game");
        for _ in 0..4 {
            let wait = world.rng().below(400);
            world.run_for(wait);
            let room = world.rng().below(300);
            world.set_disk_room(Some(room));
        }
        world.run_for(60_000);
        world.settle();
        assert!(world.may_launch("game"));
        assert_eq!(world.version_read("game", "levels"), Some(1));
        assert_eq!(world.version_read("game", "core"), Some(1));
    });
}
