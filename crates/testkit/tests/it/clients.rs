//! Callers come, ask, and vanish.

use headstart_engine::record::Freshness;
use headstart_engine::{Class, view};
use headstart_testkit::{Faults, Recipe, seeds};

use crate::{installed, published};

#[test]
fn what_a_caller_asked_for_goes_on_when_it_vanishes() {
    seeds::run("clients::what_a_caller_asked_for_goes_on_when_it_vanishes", |seed| {
        let mut world = installed(seed);
        let packs = if world.rng().chance(500) {
            vec!["extra"]
        } else {
            world.publisher("game").publish(&[("fresh", Recipe::on_demand(30))]);
            vec!["extra", "fresh"]
        };
        let call = world.ensure("game", &packs, Freshness::Any);
        let wait = world.rng().below(200);
        world.run_for(wait);
        if world.is_over(call) {
            return;
        }
        world.vanish(call);
        let waited_for =
            view::downloads(world.state()).into_iter().any(|v| v.class == Class::Foreground);
        assert!(!waited_for, "nobody waits any more");
        world.settle();
        for pack in packs {
            assert_eq!(world.version_read("game", pack), Some(1), "{pack}");
        }
        assert!(world.answer(call).is_none());
    });
}

#[test]
fn a_caller_that_vanishes_takes_nothing_from_the_others() {
    seeds::run("clients::a_caller_that_vanishes_takes_nothing_from_the_others", |seed| {
        let mut world = installed(seed);
        let calls: Vec<_> =
            (0..4).map(|_| world.ensure("game", &["extra"], Freshness::Latest)).collect();
        let wait = world.rng().below(300);
        world.run_for(wait);
        world.vanish(calls[0]);
        for call in &calls[1..] {
            let (available, _) = world.wait_for_packs(*call);
            assert_eq!(available.len(), 1);
        }
    });
}

#[test]
fn a_request_that_was_taken_survives_the_service() {
    seeds::run("clients::a_request_that_was_taken_survives_the_service", |seed| {
        let mut world = installed(seed);
        world.publisher("game").publish(&[("fresh", Recipe::on_demand(30))]);
        let call = world.ensure("game", &["fresh"], Freshness::Any);
        let wait = world.rng().below(400);
        world.run_for(wait);
        world.crash();
        assert!(world.is_over(call), "the connection is gone with the service");
        world.settle();
        assert_eq!(world.version_read("game", "fresh"), Some(1));
    });
}

#[test]
fn what_only_a_catalog_can_tell_is_looked_up_again_after_the_service_died() {
    seeds::run(
        "clients::what_only_a_catalog_can_tell_is_looked_up_again_after_the_service_died",
        |seed| {
            let mut world = installed(seed);
            world.publisher("game").publish(&[("fresh", Recipe::on_demand(30))]);
            world.faults = Faults { network: 1_000, ..Faults::none() };
            let call = world.ensure("game", &["fresh"], Freshness::Any);
            world.vanish(call);
            let wait = world.rng().below(20_000);
            world.run_for(wait);
            if world.rng().chance(500) {
                world.crash();
            }
            world.settle();
            assert_eq!(world.version_read("game", "fresh"), Some(1), "it was asked for");
        },
    );
}

#[test]
fn every_call_is_answered_once_however_bad_the_network() {
    seeds::run("clients::every_call_is_answered_once_however_bad_the_network", |seed| {
        let mut world = published(seed);
        world.faults = Faults::bad_network();
        let mut calls = vec![world.install("game")];
        for _ in 0..6 {
            let wait = world.rng().below(1_000);
            world.run_for(wait);
            let call = match world.rng().below(4) {
                0 => world.ensure("game", &["extra", "levels"], Freshness::Any),
                1 => world.ensure("game", &["extra"], Freshness::Latest),
                2 => world.check("game"),
                _ => world.await_launch("game"),
            };
            calls.push(call);
            if world.rng().chance(300) {
                world.vanish(call);
            }
        }
        world.settle();
        assert!(calls.iter().all(|call| world.is_over(*call)));
    });
}
