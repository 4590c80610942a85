//! From a folder of assets to a device's folder and its update, over TLS and a slow link, byte by byte.

use crate::world::{World, assert_same_tree, noise};

#[test]
fn packs_published_served_cloned_and_updated_are_the_sources() {
    let world = World::with_sources();
    for number in 0..60 {
        let text = format!("{{\"level\": {number}, \"name\": \"Level {number}\"}}\n").repeat(40);
        world.write(&format!("src/levels/{number}/level.json"), text);
        world.write(&format!("src/levels/{number}/map.bin"), noise(100 + number, 20_000));
    }
    world.pack("v1");
    world.run(&["repo", "init", "repo", "--keys", "keys"]).succeeds();
    world.run(&["repo", "publish", "repo", "v1.assetpack", "--keys", "keys"]).succeeds();
    let server = world.serve(&["repo", "--tls", "auto", "--latency", "2ms"]);
    let clone = ["clone", &server.url, "Level1", "dest", "--root", "repo/metadata/root.json"];
    let first = world.json(&clone).succeeds().last();
    assert_same_tree(&world.path("src"), &world.path("dest"));

    // Every kind of change: new, removed, renamed, edited, grown.
    world.write("src/levels/new/level.json", "{}");
    std::fs::remove_dir_all(world.path("src/levels/7")).expect("there");
    std::fs::rename(world.path("src/levels/8"), world.path("src/levels/eight")).expect("there");
    world.write("src/levels/9/level.json", "{\"level\": 9, \"name\": \"Nine\"}");
    let mut sky = std::fs::read(world.path("src/textures/sky.bin")).expect("there");
    sky.extend(noise(7, 1_000));
    world.write("src/textures/sky.bin", sky);
    std::fs::create_dir(world.path("src/levels/none")).expect("a folder");
    world.pack("v2");
    world.run(&["repo", "publish", "repo", "v2.assetpack", "--keys", "keys"]).succeeds();
    let second = world.json(&clone).succeeds().last();
    assert_same_tree(&world.path("src"), &world.path("dest"));
    let bytes = |done: &serde_json::Value| done["bytesDown"].as_u64().expect("a number");
    assert!(bytes(&second) * 50 < bytes(&first), "{first} {second}");
    assert_eq!((&first["version"], &second["version"]), (&1.into(), &2.into()));
    server.stop();
}
