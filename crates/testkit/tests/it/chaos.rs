//! Everything at once: people, publishers and faults, in any order.

use std::collections::BTreeSet;

use headstart_engine::Network;
use headstart_engine::record::{Freshness, KeepData, Phase};
use headstart_engine::view;
use headstart_model::{ContentRequest, Status};
use headstart_testkit::{Faults, Recipe, Standing, World, seeds};

use crate::published;

const PACKS: [&str; 4] = ["core", "levels", "extra", "music"];

/// Where the versions of an app have their packs from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Repository,
    /// A plain download manifest, which nobody signed.
    Listing,
    /// Now this, now that.
    Either,
}

impl Source {
    /// Whether it is a plain download manifest this time.
    fn is_listing(self, world: &mut World) -> bool {
        match self {
            Self::Repository => false,
            Self::Listing => true,
            Self::Either => world.rng().chance(500),
        }
    }

    /// Somebody installs the app.
    fn install(self, world: &mut World) {
        if self.is_listing(world) {
            world.install_listing("game");
        } else {
            world.install("game");
        }
    }

    /// Somebody updates the app.
    fn update(self, world: &mut World, version: &str) {
        if self.is_listing(world) {
            world.update_listing("game", version);
        } else {
            world.update("game", version);
        }
    }
}

/// One thing that somebody does.
fn act(world: &mut World, removed: &mut BTreeSet<&'static str>, source: Source) {
    let chosen = world.rng().below(PACKS.len() as u64);
    let pack = PACKS[usize::try_from(chosen).expect("an index")];
    let size = world.rng().between(10, 150);
    match world.rng().below(16) {
        0 => world.publisher("game").publish(&[(pack, Recipe::essential(size))]),
        1 => world.publisher("game").publish(&[(pack, Recipe::prefetch(size))]),
        2 => world.publisher("game").publish(&[(pack, Recipe::on_demand(size))]),
        3 => world.publisher("game").withdraw(&[pack]),
        4 => {
            let version = world.rng().between(1, 3);
            world.publisher("game").roll_back(&[(pack, version)]);
        }
        5 | 6 => {
            let freshness =
                if world.rng().chance(500) { Freshness::Any } else { Freshness::Latest };
            let call = world.ensure("game", &[pack, "core"], freshness);
            if world.rng().chance(300) {
                world.vanish(call);
            }
        }
        7 => {
            removed.insert(pack);
            world.remove("game", pack);
        }
        8 => {
            removed.insert(pack);
            world.cancel("game", pack);
        }
        9 => {
            world.check("game");
        }
        10 => world.content_request("game", ContentRequest::Periodic),
        11 => {
            let version = format!("{size}.0");
            source.update(world, &version);
        }
        12 => {
            let online = world.rng().chance(600);
            world.set_network(if online { Network::Online } else { Network::Offline });
        }
        13 => {
            let room = world.rng().between(50, 900);
            world.set_disk_room(Some(room));
        }
        14 => world.open_reader("game", pack),
        _ => {
            let sound = world.rng().chance(700);
            world.publisher("game").standing =
                if sound { Standing::Sound } else { Standing::Expired };
        }
    }
}

/// A device on which anything went wrong that can, and then one undisturbed check was made: it has what the newest release says.
fn disturbed(seed: u64, source: Source) -> World {
    let mut world = published(seed);
    world.faults = Faults::everything();
    source.install(&mut world);
    let mut removed = BTreeSet::new();
    for _ in 0..25 {
        let wait = world.rng().below(500);
        world.run_for(wait);
        act(&mut world, &mut removed, source);
    }
    world.publisher("game").standing = Standing::Sound;
    world.settle();
    if world.state().records().apps().next().is_none() {
        source.install(&mut world);
        world.settle();
    }
    let call = world.check("game");
    world.wait_for(call).expect("nothing goes wrong any more");
    world.settle();
    assert_newest(&world);
    world
}

#[test]
fn whatever_happens_the_rules_hold_and_everything_arrives_in_the_end() {
    seeds::run(
        "chaos::whatever_happens_the_rules_hold_and_everything_arrives_in_the_end",
        |seed| {
            disturbed(seed, Source::Repository);
        },
    );
}

/// The device has what the newest release says.
fn assert_newest(world: &World) {
    assert!(world.may_launch("game"));
    for pack in PACKS {
        let flags = view::status(world.state(), &world.key("game", pack));
        let stale = Status::OUT_OF_DATE;
        assert!(!flags.contains(stale) && !flags.contains(Status::OBSOLETE), "{pack}");
        assert_eq!(
            world.version_read("game", pack).is_some(),
            flags.contains(Status::DOWNLOADED),
            "{pack}"
        );
    }
}

#[test]
fn a_plain_manifest_is_followed_whatever_happens() {
    seeds::run("chaos::a_plain_manifest_is_followed_whatever_happens", |seed| {
        let world = disturbed(seed, Source::Listing);
        assert!(world.signed_packs("game").into_values().all(|signed| !signed));
    });
}

#[test]
fn wherever_packs_come_from_nothing_unsigned_stays_beside_what_is_signed() {
    seeds::run(
        "chaos::wherever_packs_come_from_nothing_unsigned_stays_beside_what_is_signed",
        |seed| {
            let mut world = published(seed);
            world.faults = Faults::everything();
            world.install_listing("game");
            let mut removed = BTreeSet::new();
            for turn in 0..25 {
                let wait = world.rng().below(800);
                world.run_for(wait);
                act(&mut world, &mut removed, Source::Either);
                if turn % 4 == 3 {
                    Source::Either.update(&mut world, &format!("{turn}.1"));
                }
            }
            world.publisher("game").standing = Standing::Sound;
            world.faults = Faults::none();
            world.set_disk_room(None);
            world.set_network(Network::Online);
            world.close_readers();
            if world.state().records().apps().next().is_none() {
                return;
            }
            world.run_until("the end of the last update", |world| {
                world.may_launch("game") && world.state().records().owed().next().is_none()
            });
            let of = world.signed_packs("game");
            let signed = of.values().filter(|signed| **signed).count();
            assert!(signed == 0 || signed == of.len(), "{of:?}");
            // From a repository everything is signed in the end.
            world.update("game", "99");
            world.settle();
            let call = world.check("game");
            world.wait_for(call).expect("nothing goes wrong any more");
            world.settle();
            assert_newest(&world);
            let of = world.signed_packs("game");
            assert!(of.values().all(|signed| *signed), "{of:?}");
        },
    );
}

#[test]
fn installing_and_removing_over_and_over_leaves_nothing_behind() {
    seeds::run("chaos::installing_and_removing_over_and_over_leaves_nothing_behind", |seed| {
        let mut world = published(seed);
        world.faults = Faults { network: 50, disk: 50, crash: 5, ..Faults::none() };
        for _ in 0..4 {
            world.install("game");
            let wait = world.rng().below(900);
            world.run_for(wait);
            let data = if world.rng().chance(500) { KeepData::Keep } else { KeepData::Delete };
            world.uninstall("game", data);
            let wait = world.rng().below(900);
            world.run_for(wait);
        }
        world.faults = Faults::none();
        let idle = |world: &World| {
            let mut apps = world.state().records().apps();
            apps.all(|(_, app)| !matches!(app.phase, Phase::Removing(_)))
        };
        world.run_until("the last removal", idle);
        if world.state().records().apps().next().is_some() {
            world.settle();
            let call = world.uninstall("game", KeepData::Delete);
            world.wait_for(call).expect("nothing goes wrong");
        } else {
            world.install("game");
            world.settle();
            let call = world.uninstall("game", KeepData::Delete);
            world.wait_for(call).expect("nothing goes wrong");
        }
        world.settle();
        assert!(world.state().records().packs().next().is_none());
        assert!(world.state().records().downloads().next().is_none());
    });
}
