//! Bad input of every kind ends in an error that names the thing, with the right exit code.

use headstart_model::Digest;

use crate::world::{Ran, World};

const POLICY: &str = r#""downloadPolicy": {"onDemand": {}}, "platforms": []"#;

fn evaluate(manifest: &str) -> Ran {
    let world = World::with_sources();
    world.write("pack.jsonc", manifest);
    world.json(&["evaluate", "pack.jsonc"])
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_what_was_meant() {
    let text = format!(
        "{{ \"assetPackID\": \"a\", {POLICY},\n \"fileSelector\": [{{\"directory\": \"src\"}}] }}"
    );
    let ran = evaluate(&text).fails(2, "invalidInput", "manifestMalformed");
    assert!(ran.err.contains("pack.jsonc:2:2: unknown key `fileSelector`"), "{}", ran.err);
    assert!(ran.err.contains("fileSelectors"), "{}", ran.err);
}

#[test]
fn a_missing_file_is_named() {
    let text = format!(
        "{{ \"assetPackID\": \"a\", {POLICY}, \"fileSelectors\": [{{\"file\": \"src/none.png\"}}] }}"
    );
    let ran = evaluate(&text).fails(2, "invalidInput", "selectionRefused");
    assert!(ran.err.contains("src/none.png"), "{}", ran.err);
}

#[test]
fn a_path_that_leaves_the_pack_is_refused() {
    for selector in [
        r#"{"file": "../secret"}"#,
        r#"{"fileSource": "src/text/story.txt", "fileDestination": "../../story.txt"}"#,
        r#"{"directory": "/etc"}"#,
    ] {
        let text =
            format!("{{ \"assetPackID\": \"a\", {POLICY}, \"fileSelectors\": [{selector}] }}");
        evaluate(&text).fails(2, "invalidInput", "manifestMalformed");
    }
}

#[test]
fn two_sources_for_one_path_are_both_named() {
    let text = format!(
        "{{ \"assetPackID\": \"a\", {POLICY}, \"fileSelectors\": [
            {{\"fileSource\": \"src/text/story.txt\", \"fileDestination\": \"x\"}},
            {{\"fileSource\": \"src/textures/sky.bin\", \"fileDestination\": \"x\"}}] }}"
    );
    let ran = evaluate(&text).fails(2, "invalidInput", "selectionRefused");
    assert!(ran.err.contains("story.txt") && ran.err.contains("sky.bin"), "{}", ran.err);
}

#[test]
fn missing_inputs_are_named() {
    let world = World::new();
    world.json(&["evaluate", "none.jsonc"]).fails(2, "invalidInput", "manifestMissing");
    world.json(&["pack", "none.jsonc", "-o", "x"]).fails(2, "invalidInput", "manifestMissing");
    for arguments in [
        &["inspect", "none.assetpack"][..],
        &["verify", "none.assetpack"],
        &["unpack", "none.assetpack", "-C", "out"],
        &["repo", "publish", "repo", "none.assetpack"],
    ] {
        let ran = world.json(arguments).fails(2, "invalidInput", "archiveMissing");
        assert!(ran.err.contains("none.assetpack"), "{}", ran.err);
    }
    assert!(!world.path("out").exists() && !world.path("x").exists());
    world.json(&["serve", "none"]).fails(2, "invalidInput", "pathMissing");
    world.json(&["repo", "list", "none"]).fails(1, "notFound", "repositoryMissing");
}

/// `Spec: cli, common rules`: an input file is wrong, and nothing was changed.
#[test]
fn a_folder_in_place_of_an_input_file_is_wrong_input() {
    let world = World::with_sources();
    for arguments in [
        &["evaluate", "src"][..],
        &["pack", "src", "-o", "x"],
        &["pack", "pack.jsonc", "-o", "x", "--launch-set", "src"],
        &["inspect", "src"],
        &["inspect", "pack.jsonc/x"],
        &["verify", "src"],
        &["unpack", "src", "-C", "out"],
        &["download-manifest", "update", "src", "none"],
        &["get", "http://localhost/", "-o", "x", "--ca", "src"],
    ] {
        let ran = world.json(arguments).fails(2, "invalidInput", "fileKind");
        assert!(ran.err.contains("is that of a file or of a folder"), "{}", ran.err);
    }
}

#[test]
fn archives_that_are_cut_short_or_changed_are_refused_by_every_command() {
    let world = World::with_sources();
    let whole = std::fs::read(world.pack("whole")).expect("written");
    world.run(&["repo", "init", "repo"]).succeeds();
    let mut flipped = whole.clone();
    flipped[whole.len() - 10] ^= 0x10;
    let mut block = whole.clone();
    block[300] ^= 0x10;
    let mut longer = whole.clone();
    longer.push(0);
    for (name, bytes) in [
        ("cut", &whole[..whole.len() - 1]),
        ("short", &whole[..100]),
        ("flipped", &flipped),
        ("block", &block),
        ("longer", &longer),
    ] {
        let file = format!("{name}.assetpack");
        world.write(&file, bytes);
        let verified = world.json(&["verify", &file]);
        assert_eq!(
            (verified.code, &verified.last()["ok"]),
            (1, &false.into()),
            "{name}: {verified:?}"
        );
        world.json(&["unpack", &file, "-C", "out"]).fails(2, "invalidInput", "archiveDamaged");
        assert!(!world.path("out/text").exists(), "{name}");
        world.json(&["inspect", &file]).fails(2, "invalidInput", "archiveDamaged");
        world.json(&["repo", "publish", "repo", &file]).fails(2, "invalidInput", "archiveDamaged");
    }
    assert_eq!(
        world.json(&["repo", "list", "repo"]).succeeds().last()["channels"],
        serde_json::json!([])
    );
}

#[test]
fn what_is_no_archive_is_told_apart_from_a_damaged_one() {
    let world = World::with_sources();
    for command in ["inspect", "verify"] {
        world.json(&[command, "pack.jsonc"]).fails(2, "invalidInput", "notAnArchive");
    }
}

/// A header with a digest that holds, and lengths that promise terabytes.
#[test]
fn a_header_that_promises_terabytes_is_refused_before_anything_is_set_aside() {
    let world = World::with_sources();
    let whole = std::fs::read(world.pack("whole")).expect("written");
    for (at, bytes) in
        [(16, 1_u64 << 28), (16, 1 << 40), (24, 1 << 31), (32, 1 << 49), (32, 1 << 60)]
    {
        let mut bomb = whole.clone();
        bomb[at..at + 8].copy_from_slice(&bytes.to_le_bytes());
        let digest = Digest::of(&bomb[..168]);
        bomb[168..200].copy_from_slice(digest.as_bytes());
        world.write("bomb.assetpack", &bomb);
        world.json(&["inspect", "bomb.assetpack"]).fails(2, "invalidInput", "archiveDamaged");
        assert_eq!(world.json(&["verify", "bomb.assetpack"]).code, 1);
    }
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let world = World::with_sources();
    let ran = world.json(&["pack", "pack.jsonc", "-o", "none/Level1.assetpack"]);
    ran.fails(1, "notFound", "fileMissing");
}
