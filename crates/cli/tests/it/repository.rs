//! The author's side of a repository.

use crate::golden::{assert_golden, assert_progress};
use crate::world::World;

#[test]
fn a_repository_is_made_filled_and_changed() {
    let world = World::with_sources();
    world.pack("v1");
    let run = |name: &str, arguments: &[&str]| {
        let ran = world.json(arguments).succeeds();
        assert_golden(&world, name, &ran);
        ran
    };
    run("repo-init", &["repo", "init", "repo"]);
    run("repo-list-empty", &["repo", "list", "repo"]);
    assert_progress(&run("repo-publish", &["repo", "publish", "repo", "v1.assetpack"]));
    run("repo-publish-unchanged", &["repo", "publish", "repo", "v1.assetpack"]);
    world.write("src/text/second.txt", "It goes on.\n");
    world.pack("v2");
    run("repo-receipt", &["repo", "receipt", "repo", "v2.assetpack"]);
    run("repo-publish-dry-run", &["repo", "publish", "repo", "v2.assetpack", "--dry-run"]);
    run("repo-publish-second", &["repo", "publish", "repo", "v2.assetpack", "--rollout", "10"]);
    run("repo-rollout", &["repo", "rollout", "repo", "100"]);
    run("repo-promote", &["repo", "promote", "repo", "production", "beta"]);
    run("repo-rollback", &["repo", "rollback", "repo"]);
    run("repo-list", &["repo", "list", "repo"]);
    run("repo-log", &["repo", "log", "repo"]);
    run("repo-refresh", &["repo", "refresh", "repo"]);
    run("repo-verify", &["repo", "verify", "repo"]);
    run("repo-remove", &["repo", "remove", "repo", "Level1"]);
    run("repo-gc", &["repo", "gc", "repo", "--keep", "0s"]);
    run("repo-key-list", &["repo", "key", "list", "repo"]);
    run("repo-key-rotate", &["repo", "key", "rotate", "repo", "online"]);
    world.run(&["repo", "verify", "repo"]).succeeds();
}

#[test]
fn every_listing_is_for_people_too() {
    let world = World::with_repository();
    let text = |arguments: &[&str]| world.run(arguments).succeeds().out;
    assert!(text(&["repo", "list", "repo"]).contains("Level1 1"));
    assert!(text(&["repo", "log", "repo"]).contains("publish"));
    assert!(text(&["repo", "key", "list", "repo"]).contains("online"));
    assert!(text(&["repo", "verify", "repo"]).starts_with("whole"));
    assert!(text(&["repo", "publish", "repo", "v1.assetpack"]).starts_with("nothing to change"));
}

#[test]
fn an_update_over_budget_fails_before_it_is_published() {
    let world = World::with_repository();
    world.write("src/textures/new.bin", crate::world::noise(9, 400_000));
    world.pack("v2");
    let ran = world.json(&["repo", "receipt", "repo", "v2.assetpack", "--budget", "100k"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let cost = &ran.last()["packs"][0];
    let down = cost["bytesDown"].as_u64().expect("a number");
    assert!((400_000..500_000).contains(&down), "{cost}");
    world.json(&["repo", "receipt", "repo", "v2.assetpack", "--budget", "1M"]).succeeds();
    assert_eq!(
        world.json(&["repo", "list", "repo"]).last()["channels"][0]["packs"][0]["version"],
        1
    );
}

#[test]
fn a_receipt_says_what_a_clone_then_costs() {
    let world = World::with_repository();
    let server = world.serve(&["repo"]);
    world.run(&["clone", &server.url, "Level1", "dest"]).succeeds();
    world.write("src/textures/new.bin", crate::world::noise(9, 400_000));
    world.pack("v2");
    let receipt = world.json(&["repo", "receipt", "repo", "v2.assetpack"]).succeeds().last();
    world.run(&["repo", "publish", "repo", "v2.assetpack"]).succeeds();
    let before =
        world.json(&["clone", &server.url, "Level1", "dest", "--dry-run"]).succeeds().last();
    let cloned = world.json(&["clone", &server.url, "Level1", "dest"]).succeeds().last();
    let number = |value: &serde_json::Value| value.as_u64().expect("a number");
    let (promised, came) =
        (number(&receipt["packs"][0]["bytesDown"]), number(&cloned["bytesDown"]));
    // A clone fetches signed metadata besides.
    assert!(promised <= came && came < promised + 20_000, "{receipt} {cloned}");
    assert!(number(&before["bytesDown"]).abs_diff(came) < 20_000, "{before} {cloned}");
    server.stop();
}

#[test]
fn keys_are_found_by_the_fingerprint_and_nowhere_else() {
    let world = World::with_repository();
    world.write("src/text/second.txt", "It goes on.\n");
    world.pack("v2");
    let mut command = world.command(&["repo", "publish", "repo", "v2.assetpack", "--json"]);
    let output = command.env("HEADSTART_HOME", world.path("other-home")).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["error"]["code"], "keyMissing");
    let keys = std::fs::read_dir(world.path("home/keys"))
        .expect("there")
        .next()
        .expect("one")
        .expect("readable")
        .path();
    let mut command = world.command(&["repo", "publish", "repo", "v2.assetpack", "--keys"]);
    command.arg(keys).env("HEADSTART_HOME", world.path("other-home"));
    assert_eq!(command.output().expect("runs").status.code(), Some(0));
}

#[test]
fn keys_inside_the_repository_are_refused() {
    let world = World::new();
    let ran = world.json(&["repo", "init", "repo", "--keys", "repo/keys"]);
    ran.fails(1, "refused", "keysInsideRepository");
}

#[test]
fn damage_in_a_repository_is_named() {
    let world = World::with_repository();
    let bundle = std::fs::read_dir(world.path("repo/bundles"))
        .expect("there")
        .next()
        .expect("one")
        .expect("readable")
        .path();
    std::fs::write(&bundle, b"something else").expect("writable");
    let ran = world.json(&["repo", "verify", "repo"]);
    assert_eq!((ran.code, &ran.last()["ok"]), (1, &false.into()));
    let name = bundle.file_name().expect("a name").to_str().expect("UTF-8");
    assert_eq!(ran.last()["damaged"][0]["path"], format!("bundles/{name}"));
    assert!(world.run(&["repo", "verify", "repo"]).out.contains(name));
}

#[test]
fn a_change_that_makes_no_sense_is_refused() {
    let world = World::with_repository();
    world.json(&["repo", "rollback", "repo"]).fails(1, "notFound", "releaseUnknown");
    world.json(&["repo", "remove", "repo", "Level9"]).fails(1, "notFound", "packUnknown");
    world.json(&["repo", "rollout", "repo", "50", "--channel", "beta"]).fails(
        1,
        "notFound",
        "channelUnknown",
    );
    world.json(&["repo", "init", "repo"]).fails(1, "conflict", "repositoryExists");
    let twice = ["repo", "publish", "repo", "v1.assetpack", "v1.assetpack"];
    world.json(&twice).fails(2, "usage", "packTwice");
}
