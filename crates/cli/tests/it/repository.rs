//! The author's side of a repository.

use crate::golden::{assert_golden, assert_progress};
use crate::world::{World, tree};

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
fn files_that_hide_each_other_are_told_when_they_are_published() {
    let world = World::with_repository();
    world.manifest("Level2");
    world.pack("other");
    let publish = ["repo", "publish", "repo", "other.assetpack"];
    let dry_run = world.run(&[&publish[..], &["--dry-run"]].concat()).succeeds();
    let warning = "warning: `text/story.txt` is in several packs: Level1, Level2\n";
    assert!(dry_run.err.contains(warning), "{dry_run:?}");
    let told = world.json(&publish).succeeds();
    assert_golden(&world, "repo-publish-collisions", &told);
    // It is a warning: both are published, and nothing stands in the way of the next time.
    assert!(world.json(&publish).succeeds().last()["collisions"].as_array().is_some());
    let quiet = world.run(&[&publish[..], &["--quiet"]].concat()).succeeds();
    assert_eq!(quiet.err, "");
}

#[test]
fn versions_of_the_app_are_told_apart_when_that_is_asked_for() {
    let world = World::with_repository();
    world.write("src/text/second.txt", "It goes on.\n");
    world.pack("v2");
    let publish = |range: &str| {
        world.json(&["repo", "publish", "repo", "v2.assetpack", "--app-versions", range])
    };
    publish(">2, <1").fails(2, "usage", "usage");
    assert_golden(&world, "repo-publish-app-versions", &publish(">=2").succeeds());
    let list = world.json(&["repo", "list", "repo"]).succeeds();
    assert_golden(&world, "repo-list-app-versions", &list);
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
    let number = |value: &serde_json::Value| value.as_u64().expect("a number");
    let clone = |arguments: &[&str]| {
        let all = [&["clone", &server.url, "Level1", "dest"], arguments].concat();
        let done = world.json(&all).succeeds().last();
        let without_metadata =
            |all: &str, metadata: &str| number(&done[all]) - number(&done[metadata]);
        (
            without_metadata("bytesDown", "metadataBytes"),
            without_metadata("requests", "metadataRequests"),
            number(&done["bytesWritten"]),
            number(&done["peakExtraDisk"]),
        )
    };
    let promised = &receipt["packs"][0];
    let promised = ["bytesDown", "requests", "bytesWritten", "peakExtraDisk"]
        .map(|field| number(&promised[field]));
    assert_eq!(clone(&["--dry-run"]), promised.into());
    assert_eq!(clone(&[]), promised.into());
    server.stop();
}

#[test]
fn a_receipt_and_a_clone_agree_for_a_device_that_is_older_than_the_deltas() {
    let world = World::with_repository();
    let server = world.serve(&["repo"]);
    world.run(&["clone", &server.url, "Level1", "dest"]).succeeds();
    for (number, name) in [(2, "v2"), (3, "v3")] {
        world.write("src/textures/grass.bin", crate::world::noise(number, 400_000));
        world.write("src/textures/new.bin", crate::world::noise(9, 100_000));
        let archive = world.pack(name);
        let archive = archive.to_str().expect("UTF-8");
        world.run(&["repo", "publish", "repo", archive, "--deltas", "1"]).succeeds();
    }
    world.write("src/text/last.txt", "The end.\n");
    let archive = world.pack("v4");
    let archive = archive.to_str().expect("UTF-8");
    let receipt = world.json(&["repo", "receipt", "repo", archive, "--deltas", "1"]);
    let receipt = receipt.succeeds().last();
    let rows = receipt["packs"].as_array().expect("rows");
    let from: Vec<_> = rows.iter().map(|row| row["from"].as_u64().expect("a number")).collect();
    assert_eq!(from, [3, 2, 1]);
    let promised = &rows[2];
    assert!(promised["way"]["chain"].is_object(), "{promised}");
    world.run(&["repo", "publish", "repo", archive, "--deltas", "1"]).succeeds();
    let done = world.json(&["clone", &server.url, "Level1", "dest"]).succeeds().last();
    let number = |value: &serde_json::Value| value.as_u64().expect("a number");
    let bytes = number(&done["bytesDown"]) - number(&done["metadataBytes"]);
    assert_eq!(bytes, number(&promised["bytesDown"]));
    let requests = number(&done["requests"]) - number(&done["metadataRequests"]);
    assert_eq!(requests, number(&promised["requests"]));
    assert_eq!(done["bytesWritten"], promised["bytesWritten"]);
    crate::world::assert_same_tree(&world.path("src"), &world.path("dest"));
    server.stop();
}

#[test]
fn a_dry_gc_names_what_a_real_one_frees() {
    let world = World::with_repository();
    world.publish_second();
    let gc = ["repo", "gc", "repo", "--keep", "0s"];
    let dry_run = [&gc[..], &["--dry-run"]].concat();
    let dry = world.json(&dry_run).succeeds().last();
    let (keys, aside) = (world.path("home/keys"), world.path("keys-aside"));
    std::fs::rename(&keys, &aside).expect("moved away");
    assert_eq!(world.json(&dry_run).succeeds().last(), dry, "no key is needed");
    world.json(&gc).fails(1, "notFound", "keyMissing");
    std::fs::rename(&aside, &keys).expect("moved back");
    let paths = dry["paths"].as_array().expect("paths").clone();
    let path = |path: &serde_json::Value| world.path("repo").join(path.as_str().expect("text"));
    assert!(!paths.is_empty() && paths.iter().all(|name| path(name).exists()), "{dry}");
    let freed = world.json(&gc).succeeds().last();
    assert_eq!((&freed["freedBytes"], &freed["files"]), (&dry["freedBytes"], &dry["files"]));
    assert!(paths.iter().all(|name| !path(name).exists()));
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
fn what_signs_nothing_needs_no_keys_and_says_so() {
    let world = World::with_repository();
    world.write("src/text/second.txt", "It goes on.\n");
    world.pack("v2");
    let receipt = ["repo", "receipt", "repo", "v2.assetpack"];
    let dry_run = ["repo", "publish", "repo", "v2.assetpack", "--dry-run"];
    let with_keys = [&receipt[..], &dry_run[..]].map(|all| world.json(all).succeeds().last());
    let text = world.run(&dry_run).succeeds().out;
    assert!(!text.contains("signing"), "{text}");
    let (keys, pinned) = (world.path("home/keys"), world.path("pinned"));
    let folder = std::fs::read_dir(&keys).expect("there").next().expect("one").expect("readable");
    std::fs::create_dir(&pinned).expect("a folder");
    std::fs::copy(folder.path().join("root.json"), pinned.join("root.json")).expect("copied");
    let unchanged = ["repo", "publish", "repo", "v1.assetpack", "--dry-run"];
    let nothing = world.json(&unchanged).succeeds().last();
    assert_eq!(
        (&nothing["outcome"], &nothing["signingTried"]),
        (&"unchanged".into(), &false.into())
    );
    assert!(!world.run(&unchanged).succeeds().out.contains("signing"));
    let names = std::fs::read_dir(folder.path()).expect("there");
    let root_key = names
        .map(|file| file.expect("readable").file_name().into_string().expect("text"))
        .find(|name| name.starts_with("root-"))
        .expect("a root key");
    std::fs::create_dir(world.path("apart")).expect("a folder");
    for name in ["root.json", &root_key] {
        std::fs::copy(folder.path().join(name), world.path("apart").join(name)).expect("copied");
    }
    std::fs::remove_dir_all(&keys).expect("removed");
    assert_eq!(world.json(&receipt).succeeds().last(), with_keys[0]);
    let text = world.run(&dry_run).succeeds().out;
    assert!(text.contains("signing was not tried: there is no online key here"), "{text}");
    let [_, mut expected] = with_keys;
    assert_eq!(expected["signingTried"], true);
    expected["signingTried"] = false.into();
    assert_eq!(world.json(&dry_run).succeeds().last(), expected);
    for (keys, why) in [("pinned", "a root is no key"), ("apart", "a root key signs no release")] {
        let with = [&dry_run[..], &["--keys", keys]].concat();
        assert_eq!(world.json(&with).succeeds().last(), expected, "{why}");
    }
    world.json(&dry_run[..4]).fails(1, "notFound", "keyMissing");
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

#[test]
fn a_refused_repository_leaves_nothing() {
    let world = World::with_sources();
    let before = tree(&world.path("src"));
    let refused = world.json(&["repo", "init", "src"]);
    refused.fails(1, "conflict", "repositoryNotEmpty");
    assert!(tree(&world.path("src")) == before, "neither a lock nor anything else");
    let inside = ["repo", "init", "new/repo", "--keys", "new/repo/keys"];
    world.json(&inside).fails(1, "refused", "keysInsideRepository");
    assert!(!world.path("new").exists());
    // Told only while the keys are written: the lock was taken by then.
    for repo in ["new/repo", "empty"] {
        std::fs::create_dir_all(world.path("empty")).unwrap();
        let failed = world.json(&["repo", "init", repo, "--keys", "pack.jsonc"]);
        assert_eq!(failed.code, 1, "{failed:?}");
        assert!(!world.path("new").exists() && tree(&world.path("empty")).is_empty(), "{repo}");
    }
    // A lock that somebody else has put there is not taken away.
    world.write("empty/.lock", "");
    world.json(&["repo", "init", "empty", "--keys", "pack.jsonc"]);
    assert!(world.path("empty/.lock").exists());
    world.run(&["repo", "init", "empty"]).succeeds();
}

#[test]
fn a_pack_that_is_named_twice_is_refused_and_the_costliest_update_is_named() {
    let world = World::with_repository();
    for command in ["receipt", "publish"] {
        let twice = world.json(&["repo", command, "repo", "v1.assetpack", "v1.assetpack"]);
        twice.fails(2, "usage", "packTwice");
    }
    world.write("src/more.bin", crate::world::noise(7, 400_000));
    world.pack("v2");
    world.run(&["repo", "publish", "repo", "v2.assetpack"]).succeeds();
    world.write("src/last.txt", "The end.\n");
    let archive = world.pack("v3");
    let receipt = ["repo", "receipt", "repo", archive.to_str().unwrap(), "--budget", "1"];
    let costs = world.json(&receipt).last()["packs"].as_array().unwrap().clone();
    assert_eq!(costs.len(), 2, "{costs:?}");
    let worst = costs.iter().max_by_key(|cost| cost["bytesDown"].as_u64()).unwrap();
    assert_eq!(worst["from"], 1, "{costs:?}");
    let told = world.run(&receipt);
    assert!(told.err.contains("over budget: Level1 from version 1 costs "), "{told:?}");
}
