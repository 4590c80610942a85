//! Looking into archives and taking them apart.

use headstart_model::Digest;

use crate::golden::assert_golden;
use crate::world::{World, assert_same_tree};

#[test]
fn inspect_names_each_file_with_the_digest_of_its_content() {
    let world = World::with_sources();
    world.pack("Level1");
    let ran = world.json(&["inspect", "Level1.assetpack"]).succeeds();
    assert_golden(&world, "inspect", &ran);
    for file in ran.last()["files"].as_array().expect("a list") {
        let bytes = std::fs::read(world.path("src").join(file["path"].as_str().expect("text")))
            .expect("a file");
        assert_eq!(file["blake3"], Digest::of(&bytes).to_string());
    }
    let text = world.run(&["inspect", "Level1.assetpack"]).succeeds().out;
    assert!(text.contains("textures/grass.bin"), "{text}");
}

#[test]
fn what_was_packed_is_unpacked() {
    let world = World::with_sources();
    world.pack("Level1");
    let unpack = ["unpack", "Level1.assetpack", "-C", "out"];
    assert_golden(&world, "unpack", &world.json(&unpack).succeeds());
    assert_same_tree(&world.path("src"), &world.path("out"));
    world.write("out/text/story.txt", "mine");
    world.json(&unpack).fails(1, "conflict", "fileExists");
    assert_eq!(std::fs::read(world.path("out/text/story.txt")).expect("there"), b"mine");
    world.run(&["unpack", "Level1.assetpack", "-C", "out", "--force"]).succeeds();
    assert_same_tree(&world.path("src"), &world.path("out"));
}

#[cfg(unix)]
#[test]
fn unpack_follows_no_link_below_its_folder() {
    let world = World::with_sources();
    world.pack("Level1");
    std::fs::create_dir_all(world.path("elsewhere")).expect("a folder");
    std::fs::create_dir_all(world.path("out")).expect("a folder");
    std::os::unix::fs::symlink(world.path("elsewhere"), world.path("out/text")).expect("a link");
    let ran = world.json(&["unpack", "Level1.assetpack", "-C", "out", "--force"]);
    ran.fails(1, "refused", "targetRefused");
    assert!(std::fs::read_dir(world.path("elsewhere")).expect("a folder").next().is_none());
}

#[test]
fn verify_says_that_a_whole_archive_is_whole() {
    let world = World::with_sources();
    world.pack("Level1");
    assert_golden(&world, "verify", &world.json(&["verify", "Level1.assetpack"]).succeeds());
}

#[test]
fn verify_names_the_block_that_is_damaged() {
    let world = World::with_sources();
    let archive = world.pack("Level1");
    let mut bytes = std::fs::read(&archive).expect("written");
    bytes[5_000] ^= 1;
    std::fs::write(&archive, bytes).expect("writable");
    let ran = world.json(&["verify", "Level1.assetpack"]);
    assert_eq!(ran.code, 1);
    assert_golden(&world, "verify-damaged", &ran);
    assert!(world.run(&["verify", "Level1.assetpack"]).out.contains("is damaged"));
}
