//! Packs that an app brings by itself, as archives that it downloads (packs 4.2).

use headstart_engine::{Network, view};
use headstart_testkit::{Faults, World, seeds};

const PACKS: [&str; 3] = ["levels", "maps", "music"];

/// A world in which an app with an extension is installed and was launched, and nothing is going on.
fn launched(seed: u64) -> World {
    let mut world = World::new(seed);
    world.install_with_extension("tool", &[]);
    world.settle();
    world.launch("tool");
    world
}

/// The archive of a version, and its size.
const fn archive(pack: &str, version: u64) -> (&str, u64, u64) {
    (pack, version, 20 + 30 * version)
}

/// One thing that somebody does.
fn act(world: &mut World) {
    let chosen = world.rng().below(PACKS.len() as u64);
    let pack = PACKS[usize::try_from(chosen).expect("an index")];
    match world.rng().below(10) {
        0..=3 => {
            let version = world.rng().between(1, 3);
            let hurry = world.rng().chance(300);
            world.schedule_archive("tool", archive(pack, version), hurry);
        }
        4 => {
            world.cancel_file("tool", pack);
        }
        5 => {
            world.remove("tool", pack);
        }
        6 => {
            world.attach("tool");
        }
        7 => {
            if let Some(client) = world.a_delegate() {
                world.leave(client);
            }
        }
        8 => world.open_reader("tool", pack),
        _ => {
            let online = world.rng().chance(600);
            world.set_network(if online { Network::Online } else { Network::Offline });
        }
    }
}

#[test]
fn whatever_happens_an_archive_is_a_pack_that_is_described_or_leaves_nothing() {
    seeds::run(
        "archives::whatever_happens_an_archive_is_a_pack_that_is_described_or_leaves_nothing",
        |seed| {
            let mut world = launched(seed);
            world.faults = Faults::everything();
            for _ in 0..25 {
                let wait = world.rng().below(500);
                world.run_for(wait);
                act(&mut world);
            }
            world.settle();
            assert_packs(&world);
            // Undisturbed, whatever is asked for can be read.
            for pack in PACKS {
                let call = world.schedule_archive("tool", archive(pack, 4), true);
                world.wait_for(call).expect("it is new");
            }
            world.settle();
            assert_packs(&world);
            for pack in PACKS {
                assert_eq!(world.outcome("tool", pack), Some(true), "{pack}");
                assert_eq!(world.version_read("tool", pack), Some(4), "{pack}");
            }
        },
    );
}

/// What is read is on record as what its archive said of it, and nothing else is left.
fn assert_packs(world: &World) {
    for pack in PACKS {
        let record = world.state().records().pack(&world.key("tool", pack));
        let described = record.and_then(|pack| pack.described()).map(|it| it.version.0);
        assert_eq!(world.version_read("tool", pack), described, "{pack}");
        let shown = view::pack(world.state(), &world.key("tool", pack));
        assert_eq!(shown.is_some(), described.is_some(), "{pack}");
    }
    assert!(!world.has_staged("tool"), "something was built that nobody reads");
}
