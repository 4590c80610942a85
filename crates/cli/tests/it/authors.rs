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
fn each_version_in_a_download_manifest_can_have_an_address_of_its_own() {
    let world = World::with_sources();
    world.pack("Level1");
    let base = ["--download-base-url", "https://assets.example.com/packs/{version}"];
    let run = |task: &[&str], base: &[&str]| {
        world.run(&[&["download-manifest"][..], task, base].concat()).succeeds()
    };
    run(&["create", "Level1.assetpack", "-o", "manifest.json"], &base);
    let address = || {
        let listed = std::fs::read(world.path("manifest.json")).expect("written");
        let listed: serde_json::Value = serde_json::from_slice(&listed).expect("JSON");
        listed["assetPacks"][0]["url"].as_str().expect("a URL").to_owned()
    };
    assert_eq!(address(), "https://assets.example.com/packs/0/Level1");
    let update = ["update", "manifest.json", "Level1.assetpack"];
    let told = run(&update, &base);
    assert_eq!(address(), "https://assets.example.com/packs/1/Level1");
    assert!(!told.err.contains("address"), "{}", told.err);
    let told = run(&update, &[]);
    assert_eq!(address(), "https://assets.example.com/packs/1/Level1");
    assert!(told.err.contains("takes the address of the version before it"), "{}", told.err);
}

#[test]
fn a_download_manifest_tells_apps_what_its_author_said_and_keeps_what_others_put_there() {
    let world = World::with_sources();
    world.write(
        "pack.jsonc",
        r#"{ "assetPackID": "Level1", "downloadPolicy": { "onDemand": {} }, "platforms": ["linux"],
             "language": "ja", "userInfo": { "chapter": [1, { "b": 1, "a": 2 }] },
             "fileSelectors": [{ "directory": "." }], "sourceRoot": "src" }"#,
    );
    world.pack("Level1");
    let create = |base: &str, versions: &[&str]| {
        let archives = ["Level1.assetpack", "--download-base-url", base, "-o", "manifest.json"];
        let arguments = [&["download-manifest", "create"][..], &archives, versions].concat();
        world.json(&arguments)
    };
    // A slash at the end makes no difference, and a base may have folders.
    for base in ["https://a.example/packs", "https://a.example/packs/"] {
        let made = create(base, &[]).succeeds().last();
        assert_eq!(made["assetPacks"][0]["url"], "https://a.example/packs/Level1");
        assert_eq!(made["assetPacks"][0]["version"], 0, "where no version is given");
    }
    create("https://a.example", &["--versions", "1", "2"]).fails(2, "usage", "usage");
    create("https://a.example/?x=1", &[]).fails(2, "usage", "usage");

    let read = || -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(world.path("manifest.json")).unwrap()).unwrap()
    };
    let mut listed = read();
    let pack = &listed["assetPacks"][0];
    assert_eq!(pack["userInfo"], serde_json::json!({ "chapter": [1, { "a": 2, "b": 1 }] }));
    assert_eq!((&pack["language"], &pack["platforms"][0]), (&"ja".into(), &"linux".into()));
    assert_eq!(pack["host"], serde_json::json!({ "thirdParty": {} }));
    // Another maker's keys, and packs that are not named, stay as they are.
    listed["madeBy"] = "somebody".into();
    listed["assetPacks"][0]["zone"] = serde_json::json!({ "b": 1 });
    let mut other = listed["assetPacks"][0].clone();
    other["id"] = "Other".into();
    other["version"] = 7.into();
    listed["assetPacks"].as_array_mut().unwrap().push(other.clone());
    world.write("manifest.json", listed.to_string());
    world.json(&["download-manifest", "update", "manifest.json", "Level1.assetpack"]).succeeds();
    let updated = read();
    assert_eq!(updated["madeBy"], "somebody");
    assert_eq!(updated["assetPacks"][0]["zone"], serde_json::json!({ "b": 1 }));
    assert_eq!(updated["assetPacks"][0]["version"], 1);
    assert_eq!(updated["assetPacks"][1], other);
    // What apps see of it.
    let group = headstart::AppGroupId::new("group.com.example.game").unwrap();
    let path = world.path("manifest.json");
    let manifest = headstart::AssetPackManifest::from_url(path.to_str().unwrap(), &group).unwrap();
    let level = manifest.asset_pack("Level1").unwrap();
    assert_eq!(
        (level.version().0, level.user_info().unwrap()["chapter"][0].as_u64()),
        (1, Some(1))
    );
    assert_eq!(level.archive_url(), Some("https://a.example/packs/Level1"));
    assert_eq!(level.trust(), headstart::Trust::TransportOnly);
    assert_eq!(manifest.asset_pack("Other").unwrap().version().0, 7);
}

#[test]
fn a_malformed_download_manifest_is_named_and_left_as_it_is() {
    let world = World::with_sources();
    world.pack("Level1");
    let entry = r#"{"id": "a", "url": "https://a.example/a", "version": 3, "downloadSize": 10,
        "downloadPolicy": {"onDemand": {}}}"#;
    let twice = format!(r#"{{"assetPacks": [{entry}, {entry}]}}"#);
    let negative = format!(r#"{{"assetPacks": [{}]}}"#, entry.replace('3', "-3"));
    let last = format!(r#"{{"assetPacks": [{}]}}"#, entry.replace('3', &u64::MAX.to_string()));
    let last = last.replace("\"a\"", "\"Level1\"");
    let update = ["download-manifest", "update", "manifest.json", "Level1.assetpack"];
    for text in ["", "[]", "{}", r#"{"assetPacks": {}}"#, &twice, &negative, &last] {
        world.write("manifest.json", text);
        world.json(&update).fails(2, "invalidInput", "downloadManifestRefused");
        assert_eq!(std::fs::read_to_string(world.path("manifest.json")).unwrap(), text);
    }
    world.json(&["download-manifest", "update", "none.json", "Level1.assetpack"]).fails(
        2,
        "invalidInput",
        "manifestMissing",
    );
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
