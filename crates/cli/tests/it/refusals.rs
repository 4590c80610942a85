//! Clones that are refused: why, in words that name the way out; and dry runs, which refuse the same and change nothing.

use serde_json::Value;

use crate::world::{Ran, World, tree};

/// The hint of the failure.
fn hint(ran: &Ran) -> String {
    ran.last()["error"]["hint"].as_str().expect("text").to_owned()
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_as_such_with_the_option_that_helps() {
    let world = World::with_repository();
    let server = world.serve(&["repo", "--tls", "auto"]);
    let root = format!("{}metadata/root.json", server.url);
    let elsewhere = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.arg("--json").env("HEADSTART_HOME", world.path("other-home"));
        Ran::of(command.output().expect("runs"))
    };
    for command in [["clone", &server.url, "Level1", "dest"].as_slice(), &["get", &root]] {
        let refused = elsewhere(command).fails(1, "untrusted", "certificateNotTrusted");
        assert!(hint(&refused).contains("`--ca FILE`"), "{refused:?}");
        assert!(refused.err.contains("the certificate of https://"), "{refused:?}");
    }
    server.stop();
}

#[test]
fn a_place_that_is_no_repository_is_named() {
    let world = World::with_sources();
    let server = world.serve(&["src"]);
    let at = format!("there is no repository at {}", server.url);
    for (place, message) in [
        ("nowhere", "there is no folder `nowhere`"),
        ("127.0.0.1:18080", "there is no folder `127.0.0.1:18080`"),
        ("src", "there is no repository in `src`"),
        (&server.url, at.as_str()),
    ] {
        let ran = world.json(&["clone", place, "Level1", "dest"]);
        let ran = ran.fails(1, "notFound", "repositoryFileMissing");
        assert!(ran.err.starts_with(&format!("error: {message}\n")), "{ran:?}");
        assert!(!world.path("dest.headstart").exists());
    }
    let schemeless = world.json(&["clone", "127.0.0.1:18080", "Level1", "dest"]);
    assert!(hint(&schemeless).contains("`https://`"), "{schemeless:?}");
    world.json(&["clone", "", "Level1", "dest"]).fails(2, "usage", "usage");
    server.stop();
}

/// A second repository with the same pack; both fingerprints.
fn with_two_repositories() -> (World, String, String) {
    let world = World::with_repository();
    world.run(&["repo", "init", "other"]).succeeds();
    world.run(&["repo", "publish", "other", "v1.assetpack"]).succeeds();
    let fingerprint = |repo: &str, dest: &str| {
        let done = world.json(&["clone", repo, "Level1", dest]).succeeds().last();
        done["fingerprint"].as_str().expect("text").to_owned()
    };
    let (one, two) = (fingerprint("repo", "dest"), fingerprint("other", "dest-other"));
    (world, one, two)
}

#[test]
fn another_repository_for_a_folder_is_told_with_both_fingerprints_and_the_way_out_works() {
    let (world, trusted, offered) = with_two_repositories();
    let clone = ["clone", "other", "Level1", "dest"];
    let trust = world.path("dest.headstart/trust");
    for arguments in [[&clone[..], &["--force"]].concat(), clone.to_vec()] {
        let refused = world.json(&arguments).fails(1, "untrusted", "metadataSignature");
        assert!(refused.err.contains(&trusted) && refused.err.contains(&offered), "{refused:?}");
        assert!(hint(&refused).contains(&trust.display().to_string()), "{refused:?}");
        assert!(!refused.err.contains("uninstall"), "{refused:?}");
    }
    let root = ["--root", "other/metadata/root.json"];
    let pinned = world.json(&[&clone[..], &root].concat()).fails(1, "untrusted", "otherRoot");
    assert!(hint(&pinned).contains(&trust.display().to_string()), "{pinned:?}");
    std::fs::remove_dir_all(&trust).expect("there");
    let done = world.json(&clone).succeeds();
    assert_eq!(done.last()["fingerprint"], offered.as_str());
    assert_eq!(done.objects()[0]["event"], "pinned");
}

#[test]
fn a_root_of_another_repository_and_one_that_is_none_are_named() {
    let (world, offered, given) = with_two_repositories();
    let clone = |root: &str| world.json(&["clone", "repo", "Level1", "new", "--root", root]);
    let refused = clone("other/metadata/root.json").fails(1, "untrusted", "metadataSignature");
    assert!(refused.err.contains(&given) && refused.err.contains(&offered), "{refused:?}");
    assert!(refused.err.contains("the one in other/metadata/root.json has"), "{refused:?}");
    assert!(hint(&refused).contains("`--root`") && !refused.err.contains("uninstall"));
    assert!(!world.path("new.headstart").exists());
    let none = clone("pack.jsonc").fails(2, "invalidInput", "rootMalformed");
    assert!(none.err.starts_with("error: `pack.jsonc` is not the root of"), "{none:?}");
}

#[test]
fn a_repository_that_was_changed_is_not_taken_for_another_one() {
    let world = World::with_repository();
    world.run(&["clone", "repo", "Level1", "dest"]).succeeds();
    world.publish_second();
    let path = world.path("repo/metadata/timestamp.json");
    let text = std::fs::read_to_string(&path).expect("there");
    let (head, tail) = text.split_once("\"sig\":\"").expect("a signature");
    let other = if tail.starts_with('0') { "1" } else { "0" };
    std::fs::write(&path, format!("{head}\"sig\":\"{other}{}", &tail[1..])).expect("writable");
    let refused = world.json(&["clone", "repo", "Level1", "dest"]);
    let refused = refused.fails(1, "untrusted", "metadataSignature");
    assert!(hint(&refused).contains("somebody changed the repository"), "{refused:?}");
    assert!(!refused.err.contains("dest.headstart"), "{refused:?}");
}

#[test]
fn a_dry_run_refuses_what_the_real_run_refuses_and_neither_tells_of_trust() {
    let world = World::with_repository();
    world.write("dest/mine.txt", "mine");
    world.run(&["clone", "repo", "Level1", "cloned"]).succeeds();
    world.write("cloned/text/story.txt", "another story");
    for (destination, code) in [("dest", "destinationOccupied"), ("cloned", "destinationChanged")] {
        for extra in [[].as_slice(), &["--dry-run"]] {
            let arguments = [&["clone", "repo", "Level1", destination], extra].concat();
            let ran = world.json(&arguments).fails(1, "conflict", code);
            assert!(!ran.out.contains("pinned"), "{ran:?}");
            assert!(!world.run(&arguments).out.contains("trusting"));
        }
        let forced = ["clone", "repo", "Level1", destination, "--force", "--dry-run"];
        assert_eq!(world.json(&forced).succeeds().last()["dryRun"], true);
    }
    assert!(!world.path("dest.headstart").exists());
    let first = ["clone", "repo", "Level1", "new", "--dry-run"];
    assert!(!world.json(&first).succeeds().out.contains("pinned"));
    assert!(!world.run(&first).succeeds().out.contains("trust"));
}

#[test]
fn a_dry_run_changes_no_file_and_announces_what_the_metadata_costs() {
    let world = World::with_repository();
    world.run(&["clone", "repo", "Level1", "dest"]).succeeds();
    world.publish_second();
    let server = world.serve(&["repo"]);
    let before = (tree(&world.path("dest.headstart")), tree(&world.path("dest")));
    let clone = ["clone", &server.url, "Level1", "dest"];
    let metadata = |done: &Value| (done["metadataBytes"].clone(), done["metadataRequests"].clone());
    let dry = world.json(&[&clone[..], &["--dry-run"]].concat()).succeeds().last();
    assert!((tree(&world.path("dest.headstart")), tree(&world.path("dest"))) == before);
    let real = world.json(&clone).succeeds().last();
    assert_eq!(metadata(&dry), metadata(&real));
    server.stop();
}

/// What a killed clone had put in place and not noted yet: the real run notes it first, so the dry run takes it as noted.
#[test]
fn a_dry_run_knows_a_folder_that_a_killed_clone_had_replaced() {
    let world = World::with_repository();
    let clone = ["clone", "repo", "Level1", "dest"];
    world.run(&clone).succeeds();
    let state = world.path("dest.headstart");
    std::fs::rename(state.join("current"), state.join("ready")).expect("there");
    let dry = world.json(&[&clone[..], &["--dry-run"]].concat()).succeeds().last();
    assert_eq!(dry["bytesWritten"], 0, "{dry}");
    assert!(state.join("ready").exists() && !state.join("current").exists());
}

#[test]
fn a_chain_begins_with_the_version_that_was_cloned() {
    let world = World::with_repository();
    world.run(&["clone", "repo", "Level1@1", "dest"]).succeeds();
    for text in ["It goes on.\n", "It ends.\n"] {
        world.write("src/text/next.txt", text);
        world.pack("next");
        let publish = ["repo", "publish", "repo", "next.assetpack", "--deltas", "1"];
        world.run(&publish).succeeds();
    }
    let dry = world.json(&["clone", "repo", "Level1", "dest", "--dry-run"]).succeeds().last();
    assert_eq!(dry["way"], serde_json::json!({"chain": {"from": 1, "deltas": 2}}), "{dry}");
}

#[test]
fn options_that_lead_nowhere_are_told_with_a_way_out() {
    let world = World::with_repository();
    let seed = world.json(&["clone", "repo", "Level1", "dest", "--seed", "none"]);
    assert!(hint(&seed.fails(2, "invalidInput", "seedMissing")).contains("folder"));
    let insecure = world.json(&["get", "http://assets.example.com/x"]);
    assert!(hint(&insecure.fails(1, "refused", "insecureUrl")).contains("`--insecure`"));
    let server = world.serve(&["src"]);
    let listen = server.url.trim_start_matches("http://").trim_end_matches('/');
    let used = world.json(&["serve", "src", "--listen", listen]);
    assert!(hint(&used.fails(1, "conflict", "cannotListen")).contains("`--listen`"));
    server.stop();
    for output in ["src", "/dev/null"] {
        let packed = world.json(&["pack", "pack.jsonc", "-o", output]);
        assert!(!packed.out.contains("progress"), "nothing was packed: {packed:?}");
        assert!(hint(&packed.fails(1, "conflict", "fileKind")).contains("name a file"));
    }
    let units = world.run(&["repo", "gc", "repo", "--keep", "5x"]);
    assert!(units.code == 2 && units.err.contains("`d` for days"), "{units:?}");
}

#[test]
fn a_digest_that_may_be_mistyped_is_not_blamed_on_the_server() {
    let world = World::with_sources();
    let server = world.serve(&["src"]);
    let url = format!("{}textures/sky.bin", server.url);
    let ran = world.json(&["get", &url, "-o", "got", "--sha256", &"0".repeat(64)]);
    let ran = ran.fails(1, "untrusted", "corruptDownload");
    assert!(hint(&ran).contains("the digest given may be wrong"), "{ran:?}");
    let told = world.run(&["get", &url, "-o", "got", "--sha256", &"0".repeat(64)]);
    assert!(!told.err.contains("the server has another file now"), "{told:?}");
    server.stop();
}
