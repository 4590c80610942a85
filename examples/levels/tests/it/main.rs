//! The game on a device of its own, with a real service and a real server on loopback.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(missing_docs, unreachable_pub, reason = "nobody uses a test")]

mod server;
mod world;

use world::World;

/// `Spec: concepts 12 and 14`: the game starts when all that it needs has concluded, well or not; what failed comes later.
#[test]
fn an_essential_level_that_fails_holds_nothing_up_and_arrives_later() {
    let world = World::new(&[
        ("harbour", 400_000, true),
        ("lighthouse", 30_000, true),
        ("cellar", 20_000, false),
    ]);
    world.server.refuse("lighthouse");
    let (code, told) = world.ends(&["app", "install", "bundle", "--dev"]);
    assert!(told.contains("`lighthouse` is missing"), "{told}");
    assert!(told.contains("can be launched") && code != 0, "{code}: {told}");
    world.until_kept("harbour", 400_000);
    world.until_listed("on its way lighthouse");
    // What nobody waits for comes by itself, now that the server has it.
    world.server.refuse("");
    for (level, bytes) in [("harbour", 400_000), ("lighthouse", 30_000), ("cellar", 20_000)] {
        world.until_kept(level, bytes);
    }
    assert_eq!(world.game(&["lighthouse"]), "playing lighthouse, 30000 bytes\n");
}

#[test]
fn a_manifest_that_is_none_leaves_a_game_without_levels() {
    let world = World::new(&[]);
    world.server.put("levels.json", b"not a manifest".to_vec());
    world.headstart(&["app", "install", "bundle", "--dev"]);
    assert_eq!(world.game(&[]), "");
}
