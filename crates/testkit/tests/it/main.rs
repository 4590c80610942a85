//! The engine's manual: what it does, told in scenarios that run in the virtual world over 1,000 seeds each.
//!
//! `HEADSTART_SEEDS=N` runs another number of seeds, `HEADSTART_SEED=N` exactly one. The rules of the engine are checked
//! after every event of every scenario (`src/world/rules.rs`).

mod app_versions;
mod archives;
mod chaos;
mod clients;
mod downloads;
mod ensure;
mod install;
mod languages;
mod network;
mod priorities;
mod removal;
mod space;
mod trust;
mod uninstall;
mod update;

use std::sync::OnceLock;

use headstart_testkit::{Recipe, World};

/// A world in which `game` is published: `core` is essential, `levels` is prefetched, `extra` is for whoever asks.
fn published(seed: u64) -> World {
    let mut world = World::new(seed);
    world.publisher("game").publish(&[
        ("core", Recipe::essential(60)),
        ("levels", Recipe::prefetch(90)),
        ("extra", Recipe::on_demand(40)),
    ]);
    world
}

/// The same, with `game` installed and at rest. How it came to that rest is one of a few ways, whatever the seed: what
/// happens during an installation is the subject of other scenarios.
fn installed(seed: u64) -> World {
    static WAYS: [OnceLock<World>; 8] = [const { OnceLock::new() }; 8];
    let way = seed % WAYS.len() as u64;
    let at_rest = || {
        let mut world = published(way);
        world.install("game");
        world.settle();
        world
    };
    let index = usize::try_from(way).expect("a small number");
    WAYS[index].get_or_init(at_rest).branch(seed)
}
