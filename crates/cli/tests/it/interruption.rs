//! Commands that are broken off leave nothing, or go on where they were.

use serde_json::Value;

use crate::world::{Running, Signal, World, assert_same_tree, noise};

/// Waits for an event of progress with more bytes than these.
fn wait_for_bytes(running: &mut Running, bytes_before: u64) {
    loop {
        let line = running.line();
        assert!(!line.is_empty(), "it ended too early");
        let event: Value = serde_json::from_str(&line).expect("JSON");
        if event["event"] == "progress"
            && event["bytesDone"].as_u64().is_some_and(|bytes| bytes > bytes_before)
        {
            return;
        }
    }
}

#[test]
fn a_pack_that_is_interrupted_leaves_no_archive() {
    let world = World::with_sources();
    let lines = (0..1_000_000).map(|n: u32| format!("{n} {}", n.wrapping_mul(2_654_435_761)));
    let text = lines.collect::<Vec<_>>().join("\n");
    world.write("src/large.txt", text);
    let arguments = ["pack", "pack.jsonc", "-o", "out/Level1.assetpack", "--json"];
    std::fs::create_dir(world.path("out")).expect("a folder");
    let mut running = world.spawn(&arguments);
    wait_for_bytes(&mut running, 0);
    running.signal(Signal::Interrupt);
    let ran = running.end();
    ran.fails(130, "cancelled", "interrupted");
    assert_eq!(std::fs::read_dir(world.path("out")).expect("there").count(), 0);
}

#[test]
fn a_release_that_is_interrupted_is_told_as_every_command_tells_it_and_not_made() {
    let world = World::with_repository();
    let lines = (0..300_000).map(|n: u32| format!("{n} {}", n.wrapping_mul(2_654_435_761)));
    world.write("src/large.txt", lines.collect::<Vec<_>>().join("\n"));
    world.pack("v2");
    let publish = ["repo", "publish", "repo", "v2.assetpack", "--level", "small", "--json"];
    let mut running = world.spawn(&publish);
    wait_for_bytes(&mut running, 0);
    running.signal(Signal::Interrupt);
    let ran = running.end().fails(130, "cancelled", "interrupted");
    assert!(ran.last()["error"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
    let live = world.json(&["repo", "list", "repo"]).succeeds().last();
    assert_eq!(live["channels"][0]["release"], 1, "{live}");
}

#[test]
fn a_clone_that_is_broken_off_goes_on_where_it_was() {
    let world = World::with_sources();
    world.write("src/large.bin", noise(3, 3_000_000));
    world.pack("v1");
    world.run(&["repo", "init", "repo"]).succeeds();
    world.run(&["repo", "publish", "repo", "v1.assetpack"]).succeeds();
    for signal in [Signal::Interrupt, Signal::Kill] {
        let slow = world.serve(&["repo", "--bandwidth", "4MB"]);
        let mut running = world.spawn(&["clone", &slow.url, "Level1", "dest", "--json"]);
        // At least one block is complete by then.
        wait_for_bytes(&mut running, 2_500_000);
        world.json(&["clone", &slow.url, "Level1", "dest"]).fails(1, "conflict", "cloneBusy");
        running.signal(signal);
        let ended = running.end().code;
        let expected = if matches!(signal, Signal::Kill) { -1 } else { 130 };
        assert_eq!(ended, expected);
        assert!(!world.path("dest").exists());
        slow.stop();
        let fast = world.serve(&["repo"]);
        let done = world.json(&["clone", &fast.url, "Level1", "dest"]).succeeds().last();
        let (down, reused) = (done["bytesDown"].as_u64(), done["bytesReused"].as_u64());
        assert!(down < Some(4_700_000) && reused > Some(0), "{done}");
        assert_same_tree(&world.path("src"), &world.path("dest"));
        fast.stop();
        std::fs::remove_dir_all(world.path("dest")).expect("there");
        std::fs::remove_dir_all(world.path("dest.headstart")).expect("there");
    }
}

/// What a kill can leave between the moment in which the new files are in place and the one in which that is noted.
#[test]
fn a_clone_that_was_killed_while_it_replaced_the_folder_is_completed() {
    let world = World::with_repository();
    let clone = ["clone", "repo", "Level1", "dest"];
    world.run(&clone).succeeds();
    let state = world.path("dest.headstart");
    // As if the last step had not been taken: the record is still in `ready`, beside the old files.
    std::fs::rename(state.join("current"), state.join("ready")).expect("there");
    std::fs::remove_file(state.join("ready/files")).expect("a link");
    std::fs::create_dir(state.join("ready/files")).expect("a folder");
    std::fs::write(state.join("ready/files/old.txt"), "old").expect("a file");
    let again = world.json(&clone).succeeds().last();
    assert_eq!(again["bytesWritten"], 0, "{again}");
    assert!(state.join("current/version.record").exists() && !state.join("ready").exists());
    assert_same_tree(&world.path("src"), &world.path("dest"));
}

/// What a kill can leave before the new files are in place: they are whole and are reused.
#[test]
fn a_version_that_was_ready_is_not_fetched_again() {
    let world = World::with_repository();
    world.run(&["clone", "repo", "Level1", "dest"]).succeeds();
    let state = world.path("dest.headstart");
    std::fs::rename(state.join("current"), state.join("ready")).expect("there");
    std::fs::remove_file(state.join("ready/files")).expect("a link");
    std::fs::rename(world.path("dest"), state.join("ready/files")).expect("there");
    let server = world.serve(&["repo"]);
    let again = world.json(&["clone", &server.url, "Level1", "dest"]).succeeds().last();
    assert!(again["bytesDown"].as_u64() < Some(20_000), "{again}");
    assert!(!state.join("leftover").exists());
    assert_same_tree(&world.path("src"), &world.path("dest"));
    server.stop();
}
