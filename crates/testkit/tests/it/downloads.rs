//! Single downloads: scheduled by an app or its extension, told to whoever is there.

use headstart_engine::Network;
use headstart_engine::record::KeepData;
use headstart_testkit::{Faults, World, seeds};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A world in which an app with an extension is installed and was launched, and nothing is going on.
fn launched(seed: u64) -> World {
    let mut world = World::new(seed);
    world.install_with_extension("tool", &[]);
    world.settle();
    world.launch("tool");
    world
}

/// One thing that somebody does.
fn act(world: &mut World) {
    let chosen = world.rng().below(NAMES.len() as u64);
    let name = NAMES[usize::try_from(chosen).expect("an index")];
    let size = world.rng().between(10, 150);
    match world.rng().below(10) {
        0..=2 => {
            let hurry = world.rng().chance(300);
            let call = world.schedule_files("tool", &[(name, size)], hurry);
            if world.rng().chance(300) {
                // It was in the foreground for as long as this connection lasts.
                world.vanish(call);
            }
        }
        3 => {
            world.cancel_file("tool", name);
        }
        4 | 5 => {
            world.attach("tool");
        }
        6 => {
            if let Some(client) = world.a_delegate() {
                world.leave(client);
            }
        }
        7 => {
            let online = world.rng().chance(600);
            world.set_network(if online { Network::Online } else { Network::Offline });
        }
        8 => {
            let absent = world.rng().chance(500);
            world.set_absent("tool", name, absent);
        }
        _ => {
            let room = world.rng().between(20, 500);
            world.set_disk_room(Some(room));
        }
    }
}

#[test]
fn whatever_happens_each_download_is_told_until_somebody_has_taken_note() {
    seeds::run(
        "downloads::whatever_happens_each_download_is_told_until_somebody_has_taken_note",
        |seed| {
            let mut world = launched(seed);
            world.faults = Faults::everything();
            for _ in 0..25 {
                let wait = world.rng().below(500);
                world.run_for(wait);
                act(&mut world);
            }
            world.settle();
            for name in NAMES {
                world.set_absent("tool", name, false);
            }
            // Undisturbed, whatever is asked for arrives, and the newest delegate or the extension hears of it.
            if world.rng().chance(500) {
                world.attach("tool");
            }
            let files: Vec<_> = NAMES.iter().map(|name| (*name, 64)).collect();
            let hurry = world.rng().chance(500);
            let call = world.schedule_files("tool", &files, hurry);
            world.wait_for(call).expect("they are all new");
            world.settle();
            for name in NAMES {
                assert_eq!(world.outcome("tool", name), Some(true), "{name}");
            }
        },
    );
}

#[test]
fn what_was_accepted_arrives_though_the_service_dies_and_the_network_is_bad() {
    seeds::run(
        "downloads::what_was_accepted_arrives_though_the_service_dies_and_the_network_is_bad",
        |seed| {
            let mut world = launched(seed);
            let files: Vec<_> = NAMES.iter().map(|name| (*name, 90)).collect();
            let call = world.schedule_files("tool", &files, false);
            world.wait_for(call).expect("they are right");
            world.faults = Faults { network: 150, receivers: 300, ..Faults::crashes() };
            let wait = world.rng().below(20_000);
            world.run_for(wait);
            world.settle();
            for name in NAMES {
                assert_eq!(world.outcome("tool", name), Some(true), "{name}");
            }
        },
    );
}

#[test]
fn an_essential_file_that_fails_comes_again_and_blocks_nothing() {
    seeds::run("downloads::an_essential_file_that_fails_comes_again_and_blocks_nothing", |seed| {
        let mut world = World::new(seed);
        world.set_absent("tool", "late", true);
        let wanted = [("core", 80, true), ("late", 60, true), ("music", 90, false)];
        let call = world.install_with_extension("tool", &wanted);
        world.wait_for(call).expect("it is launchable");
        assert!(world.may_launch("tool"));
        // It is there now, and comes again as one that is not essential.
        world.set_absent("tool", "late", false);
        world.settle();
        for name in ["core", "late", "music"] {
            assert_eq!(world.outcome("tool", name), Some(true), "{name}");
        }
    });
}

#[test]
fn an_installation_with_an_extension_ends_whatever_goes_wrong() {
    seeds::run("downloads::an_installation_with_an_extension_ends_whatever_goes_wrong", |seed| {
        let mut world = World::new(seed);
        world.faults = Faults::everything();
        if world.rng().chance(200) {
            world.set_absent("tool", "manifest.json", true);
        }
        let wanted = [("core", 80, true), ("levels", 60, true), ("music", 90, false)];
        world.install_with_extension("tool", &wanted);
        let wait = world.rng().below(5_000);
        world.run_for(wait);
        world.set_absent("tool", "manifest.json", false);
        world.faults = Faults { receivers: world.faults.receivers, ..Faults::none() };
        if world.state().records().apps().next().is_none() {
            // The power went before it was written down.
            world.install_with_extension("tool", &wanted);
        }
        world.run_until("the end of the installation", |world| world.may_launch("tool"));
        world.settle();
    });
}

#[test]
fn uninstalling_in_the_middle_leaves_nothing_behind() {
    seeds::run("downloads::uninstalling_in_the_middle_leaves_nothing_behind", |seed| {
        let mut world = launched(seed);
        world.faults = Faults { receivers: 200, network: 50, ..Faults::none() };
        world.attach("tool");
        for _ in 0..6 {
            let wait = world.rng().below(300);
            world.run_for(wait);
            act(&mut world);
        }
        world.faults = Faults::none();
        world.set_network(Network::Online);
        let call = world.uninstall("tool", KeepData::Delete);
        world.wait_for(call).expect("nothing goes wrong");
        world.settle();
        assert!(world.state().records().apps().next().is_none());
        assert!(world.state().records().files().next().is_none());
    });
}

#[test]
fn what_is_cancelled_in_the_middle_is_told_and_leaves_nothing_behind() {
    seeds::run(
        "downloads::what_is_cancelled_in_the_middle_is_told_and_leaves_nothing_behind",
        |seed| {
            let mut world = launched(seed);
            world.attach("tool");
            let files: Vec<_> = NAMES.iter().map(|name| (*name, 900)).collect();
            let call = world.schedule_files("tool", &files, true);
            world.wait_for(call).expect("they are right");
            let wait = world.rng().below(300);
            world.run_for(wait);
            for name in NAMES {
                world.cancel_file("tool", name);
            }
            world.settle();
            for name in NAMES {
                assert_eq!(world.outcome("tool", name), Some(false), "{name}");
            }
        },
    );
}
