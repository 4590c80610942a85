//! From a folder of assets to an archive.

use crate::golden::{assert_golden, assert_progress};
use crate::world::World;

#[test]
fn the_template_is_a_manifest_that_can_be_evaluated() {
    let world = World::new();
    assert_golden(&world, "template", &world.json(&["template", "-o", "pack.jsonc"]).succeeds());
    let text = std::fs::read_to_string(world.path("pack.jsonc")).expect("written");
    assert_eq!(world.run(&["template"]).succeeds().out, text);
    let again = world.json(&["template", "-o", "pack.jsonc"]);
    again.fails(1, "conflict", "fileExists");
    // Only its files are missing.
    world.json(&["evaluate", "pack.jsonc"]).fails(2, "invalidInput", "selectionRefused");
}

#[test]
fn evaluate_lists_what_is_matched_and_packs_nothing() {
    let world = World::with_sources();
    let ran = world.json(&["evaluate", "pack.jsonc"]).succeeds();
    assert_golden(&world, "evaluate", &ran);
    let text = world.run(&["evaluate", "pack.jsonc"]).succeeds().out;
    assert!(text.contains("textures/sky.bin") && text.contains("Level1: 3 files"), "{text}");
    let elsewhere = world.json(&["evaluate", "pack.jsonc", "--source-root", "src/text"]).succeeds();
    assert_eq!(elsewhere.last()["files"][0]["path"], "story.txt");
}

#[test]
fn pack_tells_how_far_it_is_and_what_came_of_it() {
    let world = World::with_sources();
    let ran = world.json(&["pack", "pack.jsonc", "-o", "Level1.assetpack"]).succeeds();
    assert_golden(&world, "pack", &ran);
    assert_progress(&ran);
    assert_eq!(ran.last()["event"], "done");
}

#[test]
fn the_same_sources_give_the_same_archive() {
    let world = World::with_sources();
    let (one, other) = (world.pack("one"), world.pack("other"));
    assert!(std::fs::read(one).expect("written") == std::fs::read(other).expect("written"));
}

#[test]
fn an_archive_that_would_hold_its_own_predecessor_is_refused() {
    let world = World::with_sources();
    let arguments = ["pack", "pack.jsonc", "-o", "src/Level1.assetpack"];
    world.run(&arguments).succeeds();
    world.json(&arguments).fails(2, "invalidInput", "outputSelected");
}

#[test]
fn a_download_manifest_is_made_and_updated() {
    let world = World::with_sources();
    world.pack("Level1");
    let create = [
        "download-manifest",
        "create",
        "Level1.assetpack",
        "--download-base-url",
        "https://assets.example.com/packs",
        "-o",
        "manifest.json",
        "--versions",
        "4",
    ];
    assert_golden(&world, "download-manifest-create", &world.json(&create).succeeds());
    let update = ["download-manifest", "update", "manifest.json", "Level1.assetpack"];
    assert_golden(&world, "download-manifest-update", &world.json(&update).succeeds());
    let listed = std::fs::read(world.path("manifest.json")).expect("written");
    let listed: serde_json::Value = serde_json::from_slice(&listed).expect("JSON");
    assert_eq!(listed["assetPacks"][0]["version"], 5);
    assert_eq!(listed["assetPacks"][0]["url"], "https://assets.example.com/packs/Level1");
}

#[test]
fn a_new_pack_in_a_download_manifest_needs_a_base_url() {
    let world = World::with_sources();
    world.pack("Level1");
    world.write("manifest.json", r#"{"assetPacks": []}"#);
    let update = ["download-manifest", "update", "manifest.json", "Level1.assetpack"];
    world.json(&update).fails(2, "usage", "usage");
    world.write("manifest.json", "[]");
    world.json(&update).fails(2, "invalidInput", "downloadManifestRefused");
}
