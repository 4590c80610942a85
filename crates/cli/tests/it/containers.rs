//! Zip files in packs: an edit in one member is a small update.

use std::fmt::Write as _;

use flate2::{Compress, Compression, FlushCompress};

use crate::world::{World, assert_same_tree};

/// Lines of which some are new: about 60 kB.
fn member(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757) | 1;
    let mut out = String::new();
    while out.len() < 60_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let row = (state >> 33) % 900;
        writeln!(out, "row {row} of {seed} has {:x} and {:x}", row * 7919, row * row)
            .expect("memory");
    }
    out.into_bytes()
}

/// A zip file as zlib writes its members.
fn zip(members: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for plain in members {
        let mut packed = Vec::with_capacity(plain.len() + 1000);
        let mut compress = Compress::new(Compression::new(6), false);
        compress.compress_vec(plain, &mut packed, FlushCompress::Finish).expect("memory");
        out.extend_from_slice(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0");
        for length in [packed.len(), plain.len()] {
            out.extend(u32::try_from(length).expect("small").to_le_bytes());
        }
        out.extend_from_slice(b"\x01\0\0\0a");
        out.extend_from_slice(&packed);
    }
    out
}

fn publish(world: &World, name: &str) {
    let archive = format!("{name}.assetpack");
    world.run(&["pack", "pack.jsonc", "-o", &archive, "--level", "balanced"]).succeeds();
    world.run(&["verify", &archive]).succeeds();
    world.run(&["repo", "publish", "repo", &archive]).succeeds();
}

#[test]
fn an_edited_member_of_a_zip_costs_a_fraction_of_the_zip() {
    let world = World::new();
    world.manifest("Level1");
    let mut members: Vec<_> = (1..12).map(member).collect();
    let first = zip(&members);
    world.write("src/level.zip", &first);
    world.run(&["repo", "init", "repo"]).succeeds();
    publish(&world, "v1");
    let inspected = world.json(&["inspect", "v1.assetpack"]).succeeds().last();
    assert_eq!(inspected["installedSize"].as_u64(), Some(first.len() as u64), "{inspected}");
    let digest = headstart_model::Digest::of(&first).to_string();
    assert!(inspected["files"][0]["blake3"].as_str().expect("text").contains(&digest));

    world.run(&["unpack", "v1.assetpack", "-C", "unpacked"]).succeeds();
    assert_same_tree(&world.path("src"), &world.path("unpacked"));

    let server = world.serve(&["repo"]);
    world.run(&["clone", &server.url, "Level1", "dest"]).succeeds();
    assert_same_tree(&world.path("src"), &world.path("dest"));

    if let Some(member) = members.get_mut(5) {
        member.splice(30_000..30_000, *b"one more line\n");
    }
    world.write("src/level.zip", zip(&members));
    publish(&world, "v2");
    let update = world.json(&["clone", &server.url, "Level1", "dest"]).succeeds().last();
    assert_same_tree(&world.path("src"), &world.path("dest"));
    let down = update["bytesDown"].as_u64().expect("a number");
    assert!(down * 5 < first.len() as u64, "{down} of {} bytes", first.len());
    server.stop();
}
