//! The network comes and goes.

use headstart_engine::{Fact, Network, Reply, explain};
use headstart_model::ErrorKind;
use headstart_testkit::{Faults, seeds};

use crate::{installed, published};

const HOUR_MS: u64 = 60 * 60 * 1000;

#[test]
fn an_installation_without_a_network_ends_within_seconds_and_is_made_up_for() {
    seeds::run(
        "network::an_installation_without_a_network_ends_within_seconds_and_is_made_up_for",
        |seed| {
            let mut world = published(seed);
            let gone_at = world.rng().below(600);
            let call = world.install("game");
            world.run_for(gone_at);
            world.set_network(Network::Offline);
            let since = world.elapsed_ms();
            let answer = world.wait_for(call).expect("the app itself is installed");
            assert!(world.elapsed_ms() - since < 30_000, "{} ms", world.elapsed_ms() - since);
            let Reply::Launchable { missed, catalog, .. } = answer else { panic!("{answer:?}") };
            if world.version_read("game", "core").is_none() {
                let why = missed.into_values().chain(catalog);
                assert_eq!(why.map(|f| f.kind).next(), Some(ErrorKind::Network));
            }
            world.run_for(HOUR_MS);
            world.set_network(Network::Online);
            let back = world.elapsed_ms();
            world.settle();
            assert!(
                world.elapsed_ms() - back < 60_000,
                "the network's return is not slept through"
            );
            assert_eq!(world.version_read("game", "core"), Some(1));
            assert_eq!(world.version_read("game", "levels"), Some(1));
        },
    );
}

#[test]
fn a_missed_essential_pack_is_explained_and_fetched_behind_the_app() {
    seeds::run(
        "network::a_missed_essential_pack_is_explained_and_fetched_behind_the_app",
        |seed| {
            let mut world = published(seed);
            let call = world.install("game");
            world.run_until("the essential download", |world| {
                !headstart_engine::view::downloads(world.state()).is_empty()
            });
            world.faults = Faults { network: 1_000, ..Faults::none() };
            world.wait_for(call).expect("the app itself is installed");
            let key = world.key("game", "core");
            let explanation = explain(world.state(), &key, world.now()).expect("it is offered");
            assert_eq!(explanation.missed.map(|f| f.kind), Some(ErrorKind::Network));
            assert!(matches!(explanation.reasons[0].fact, Fact::BackingOff { .. }));
            assert!(explanation.eta.is_some(), "it says when it tries again");
            world.settle();
            assert_eq!(world.version_read("game", "core"), Some(1));
        },
    );
}

#[test]
fn in_the_background_a_download_waits_as_long_as_it_takes() {
    seeds::run("network::in_the_background_a_download_waits_as_long_as_it_takes", |seed| {
        let mut world = published(seed);
        world.install("game");
        world.run_until("the launch", |world| world.may_launch("game"));
        world.set_network(Network::Offline);
        world.run_for(48 * HOUR_MS);
        if world.version_read("game", "levels").is_none() {
            let key = world.key("game", "levels");
            let explanation = explain(world.state(), &key, world.now()).expect("it is offered");
            assert!(explanation.reasons.iter().any(|reason| reason.fact == Fact::Offline));
        }
        world.settle();
        assert_eq!(world.version_read("game", "levels"), Some(1));
    });
}

#[test]
fn a_bad_connection_only_makes_it_slower() {
    seeds::run("network::a_bad_connection_only_makes_it_slower", |seed| {
        let mut world = installed(seed);
        world.faults = Faults::bad_network();
        world.publisher("game").publish(&[("core", headstart_testkit::Recipe::essential(150))]);
        world.check("game");
        for _ in 0..4 {
            let (away, here) = (world.rng().below(2_000), world.rng().below(2_000));
            world.set_network(Network::Offline);
            world.run_for(away);
            world.set_network(Network::Online);
            world.run_for(here);
        }
        world.settle();
        world.check("game");
        world.settle();
        assert_eq!(world.version_read("game", "core"), Some(2));
    });
}
