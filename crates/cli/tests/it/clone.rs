//! Cloning a pack into a folder.

use serde_json::Value;

use crate::golden::{assert_golden, assert_progress};
use crate::world::{World, assert_same_tree};

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

#[test]
fn a_clone_is_exactly_the_pack_and_its_state_lies_beside_it() {
    let world = World::with_repository();
    let server = world.serve(&["repo"]);
    let ran = world.json(&["clone", &server.url, "Level1", "dest"]).succeeds();
    assert_golden(&world, "clone", &ran);
    assert_progress(&ran);
    assert_same_tree(&world.path("src"), &world.path("dest"));
    assert!(world.path("dest.headstart/trust/root.json").exists());
    assert!(!world.path("dest.headstart/staging").exists());
    let again = world.json(&["clone", &server.url, "Level1", "dest"]).succeeds();
    assert_golden(&world, "clone-again", &again);
    server.stop();
}

#[test]
fn the_fingerprint_is_told_when_it_is_pinned_and_only_then() {
    let world = World::with_repository();
    let first = world.run(&["clone", "repo", "Level1", "dest"]).succeeds();
    let list = world.json(&["clone", "repo", "Level1", "dest"]).succeeds().last();
    let fingerprint = list["fingerprint"].as_str().expect("text").to_owned();
    assert!(first.out.contains(&fingerprint), "{first:?}");
    let second = world.run(&["clone", "repo", "Level1", "dest"]).succeeds();
    assert!(!second.out.contains(&fingerprint), "{second:?}");
}

#[test]
fn an_update_moves_few_bytes_and_says_so_beforehand() {
    let world = World::with_repository();
    let server = world.serve(&["repo"]);
    let first = world.json(&["clone", &server.url, "Level1", "dest"]).succeeds().last();
    assert!(number(&first["bytesDown"]) > 1_700_000, "{first}");
    world.publish_second();
    let dry = world.json(&["clone", &server.url, "Level1", "dest", "--dry-run"]).succeeds();
    assert_golden(&world, "clone-dry-run", &dry);
    assert!(!world.path("dest/text/second.txt").exists());
    let update = world.json(&["clone", &server.url, "Level1", "dest"]).succeeds().last();
    assert!(number(&update["bytesDown"]) < 20_000, "{update}");
    assert!(number(&update["bytesReused"]) > 1_000_000, "{update}");
    assert_same_tree(&world.path("src"), &world.path("dest"));
    server.stop();
}

#[test]
fn a_dry_run_leaves_nothing() {
    let world = World::with_repository();
    world.run(&["clone", "repo", "Level1", "dest", "--dry-run"]).succeeds();
    assert!(!world.path("dest").exists() && !world.path("dest.headstart").exists());
}

#[test]
fn seeds_are_reused_whether_they_were_cloned_or_not() {
    let world = World::with_repository();
    let server = world.serve(&["repo"]);
    let clone = |destination: &str, seed: &str| {
        let arguments = ["clone", &server.url, "Level1", destination, "--seed", seed];
        let done = world.json(&arguments).succeeds().last();
        assert_same_tree(&world.path("src"), &world.path(destination));
        number(&done["bytesDown"])
    };
    assert!(clone("one", "src") < 20_000);
    assert!(clone("two", "one") < 20_000);
    std::fs::remove_file(world.path("two/textures/grass.bin")).expect("there");
    // The seed lacks one file: the block that holds it is fetched.
    let fetched = clone("three", "two");
    assert!((250_000..1_200_000).contains(&fetched), "{fetched}");
    world.json(&["clone", &server.url, "Level1", "four", "--seed", "none"]).fails(
        2,
        "invalidInput",
        "seedMissing",
    );
    server.stop();
}

#[test]
fn a_folder_that_was_not_cloned_is_left_alone_unless_forced() {
    let world = World::with_repository();
    world.write("dest/mine.txt", "mine");
    let clone = ["clone", "repo", "Level1", "dest"];
    world.json(&clone).fails(1, "conflict", "destinationOccupied");
    assert_eq!(std::fs::read(world.path("dest/mine.txt")).expect("there"), b"mine");
    assert!(!world.path("dest.headstart").exists());
    world.run(&["clone", "repo", "Level1", "dest", "--force"]).succeeds();
    assert_same_tree(&world.path("src"), &world.path("dest"));
    world.write("file", "x");
    world.json(&["clone", "repo", "Level1", "file"]).fails(1, "conflict", "destinationKind");
}

#[test]
fn changes_by_hand_are_noticed_named_and_kept_unless_forced() {
    let world = World::with_repository();
    let clone = ["clone", "repo", "Level1", "dest"];
    let forced = ["clone", "repo", "Level1", "dest", "--force"];
    let check = |what: &str| {
        let ran = world.json(&clone).fails(1, "conflict", "destinationChanged");
        assert!(ran.err.contains(what), "{}", ran.err);
        world.run(&forced).succeeds();
        assert_same_tree(&world.path("src"), &world.path("dest"));
        assert_eq!(world.json(&clone).succeeds().last()["bytesWritten"], 0);
    };
    world.run(&clone).succeeds();
    world.write("dest/text/story.txt", "another story");
    check("text/story.txt");
    world.write("dest/text/extra.txt", "more");
    check("text/extra.txt");
    std::fs::remove_file(world.path("dest/textures/sky.bin")).expect("there");
    check("textures/sky.bin");
    std::fs::remove_dir(world.path("dest/empty")).expect("there");
    check("empty");
}

#[test]
fn a_folder_that_was_removed_is_cloned_anew() {
    let world = World::with_repository();
    let clone = ["clone", "repo", "Level1", "dest"];
    world.run(&clone).succeeds();
    std::fs::remove_dir_all(world.path("dest")).expect("there");
    world.run(&clone).succeeds();
    assert_same_tree(&world.path("src"), &world.path("dest"));
}

#[test]
fn a_rolled_back_release_takes_the_folder_back() {
    let world = World::with_repository();
    let clone = ["clone", "repo", "Level1", "dest"];
    world.run(&clone).succeeds();
    let first = crate::world::tree(&world.path("dest"));
    world.publish_second();
    world.run(&clone).succeeds();
    world.run(&["repo", "rollback", "repo"]).succeeds();
    assert_eq!(world.json(&clone).succeeds().last()["version"], 1);
    assert!(crate::world::tree(&world.path("dest")) == first);
}

#[test]
fn what_the_channel_does_not_have_is_named_and_pins_nothing() {
    let world = World::with_repository();
    world.json(&["clone", "repo", "Level9", "dest"]).fails(1, "notFound", "packUnknown");
    let ran =
        world.json(&["clone", "repo", "Level1@7", "dest"]).fails(1, "notFound", "versionUnknown");
    assert!(ran.err.contains("version 1 is live"), "{}", ran.err);
    world.json(&["clone", "repo", "Level1", "dest", "--channel", "beta"]).fails(
        1,
        "notFound",
        "channelUnknown",
    );
    assert!(!world.path("dest.headstart").exists());
    world.json(&["clone", "repo", "Level1@1", "dest"]).succeeds();
}

#[test]
fn a_root_that_was_given_is_the_only_one_trusted() {
    let world = World::with_repository();
    world.run(&["repo", "init", "other"]).succeeds();
    let clone = |root: &str| world.json(&["clone", "repo", "Level1", "dest", "--root", root]);
    clone("other/metadata/root.json").fails(1, "untrusted", "metadataSignature");
    clone("pack.jsonc").fails(2, "invalidInput", "rootMalformed");
    clone("none.json").fails(2, "invalidInput", "rootMissing");
    assert!(!world.path("dest").exists());
    clone("repo/metadata/root.json").succeeds();
    clone("other/metadata/root.json").fails(1, "untrusted", "otherRoot");
    assert_same_tree(&world.path("src"), &world.path("dest"));
}

#[test]
fn a_repository_that_goes_back_in_time_is_refused() {
    let world = World::with_repository();
    let clone = ["clone", "repo", "Level1", "dest"];
    let timestamp = world.path("repo/metadata/timestamp.json");
    let old = std::fs::read(&timestamp).expect("there");
    world.publish_second();
    world.run(&clone).succeeds();
    std::fs::write(&timestamp, old).expect("writable");
    world.json(&clone).fails(1, "untrusted", "metadataOlder");
    assert_same_tree(&world.path("src"), &world.path("dest"));
}

#[test]
fn an_index_or_bundle_that_lies_is_refused_and_what_was_cloned_stays() {
    let world = World::with_repository();
    let clone = ["clone", "repo", "Level1", "dest"];
    world.run(&clone).succeeds();
    let before = crate::world::tree(&world.path("dest"));
    world.publish_second();
    for folder in ["repo/bundles", "repo/indexes/Level1"] {
        for entry in std::fs::read_dir(world.path(folder)).expect("there") {
            let path = entry.expect("an entry").path();
            let mut bytes = std::fs::read(&path).expect("there");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes[20] ^= 1;
            std::fs::write(&path, bytes).expect("writable");
        }
    }
    let ran = world.json(&clone);
    assert_eq!((ran.code, &ran.last()["error"]["kind"]), (1, &"untrusted".into()), "{ran:?}");
    assert!(crate::world::tree(&world.path("dest")) == before);
}

#[test]
fn a_server_that_misbehaves_costs_time_and_nothing_else() {
    let world = World::with_repository();
    for (seed, kind) in ["cut", "ignore-range", "wrong-range", "change-etag"].iter().enumerate() {
        let server = world.serve(&["repo", "--fault", kind, "--seed", &seed.to_string()]);
        let destination = format!("dest-{kind}");
        world.run(&["clone", &server.url, "Level1", &destination]).succeeds();
        assert_same_tree(&world.path("src"), &world.path(&destination));
        server.stop();
    }
}

#[test]
fn plain_http_is_for_this_machine_only() {
    let world = World::new();
    world.json(&["clone", "http://assets.example.com/", "a", "dest"]).fails(
        1,
        "refused",
        "insecureUrl",
    );
    world.json(&["clone", "ftp://assets.example.com/", "a", "dest"]).fails(
        2,
        "usage",
        "repositoryUrl",
    );
}

#[cfg(unix)]
#[test]
fn the_executable_bit_is_kept_and_healed() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::with_sources();
    let tool = world.write("src/tool.sh", "#!/bin/sh\n");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).expect("ours");
    world.pack("v1");
    world.run(&["repo", "init", "repo"]).succeeds();
    world.run(&["repo", "publish", "repo", "v1.assetpack"]).succeeds();
    world.run(&["clone", "repo", "Level1", "dest"]).succeeds();
    let mode = |name: &str| {
        std::fs::metadata(world.path(name)).expect("there").permissions().mode() & 0o777
    };
    assert_eq!((mode("dest/tool.sh"), mode("dest/text/story.txt")), (0o755, 0o644));
    for (name, changed, own) in [("tool.sh", 0o644, 0o755), ("text/story.txt", 0o755, 0o644)] {
        let file = format!("dest/{name}");
        let changed = std::fs::Permissions::from_mode(changed);
        std::fs::set_permissions(world.path(&file), changed).expect("ours");
        let clone = ["clone", "repo", "Level1", "dest"];
        let refused = world.json(&clone).fails(1, "conflict", "destinationChanged");
        assert!(refused.err.contains(name), "{refused:?}");
        world.run(&[&clone[..], &["--force"]].concat()).succeeds();
        assert_eq!(mode(&file), own, "{name} is healed");
        assert_eq!(world.json(&clone).succeeds().last()["bytesWritten"], 0);
    }
}
