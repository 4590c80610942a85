//! A repository whose signatures hold, and whose files do not.

use std::path::Path;

use headstart::{ErrorKind, Require};
use headstart_model::catalog::bundle_path;
use headstart_model::{Digest, Verified};
use headstart_pack::{BlockTable, section};
use headstart_repo::author::PreparedPack;
use jiff::Timestamp;

use super::{Bench, assert_told, flip, replace};
use crate::publisher::Policy;

#[test]
fn an_index_that_was_not_signed_is_refused() {
    let bench = Bench::new();
    let service = bench.installed();
    let index = bench.file(&bench.published("music").index_path());
    let before = flip(&index, 30);
    let failure = bench.ensure("music", Require::AnyVersion).unwrap_err();
    assert_told(&failure, (ErrorKind::Untrusted, "indexUntrusted"), "pack `music`");
    bench.assert_goes_on(1);

    replace(&index, &before);
    bench.ensure("music", Require::AnyVersion).unwrap();
    bench.assert_reads("music", 1);
    service.stop(&bench.device);
}

#[test]
fn a_damaged_delta_costs_bytes_and_nothing_else() {
    let bench = Bench::new();
    let service = bench.installed();
    bench.publish(2, Timestamp::now());
    let [delta] = &bench.published("base").deltas[..] else { panic!("one delta") };
    let delta = bench.file(&bundle_path(&delta.digest));
    let before = flip(&delta, 5);
    bench.check_for_updates().unwrap();
    bench.ensure("base", Require::LatestVersion).unwrap();
    bench.assert_goes_on(2);
    replace(&delta, &before);
    let log = service.stop(&bench.device);
    assert!(log.contains("is not the one that was signed"), "{log}");
}

#[test]
fn a_delta_that_is_damaged_behind_its_index_gives_way_to_the_full_bundle() {
    let bench = Bench::new();
    let service = bench.installed();
    bench.publish(2, Timestamp::now());
    let [delta] = &bench.published("base").deltas[..] else { panic!("one delta") };
    let at = usize::try_from(delta.structure_bytes).unwrap() + 10;
    flip(&bench.file(&bundle_path(&delta.digest)), at);
    bench.check_for_updates().unwrap();
    bench.ensure("base", Require::LatestVersion).unwrap();
    bench.assert_goes_on(2);
    service.stop(&bench.device);
}

/// Publishes `music` anew with `alter` applied to what is signed, expects the failure, then publishes it as it should be.
fn assert_lie_is_found(alter: impl Fn(&mut PreparedPack, &Path), told: (ErrorKind, &str)) {
    let mut bench = Bench::new();
    let service = bench.installed();
    let archive = bench.publisher.pack("music", Policy::OnDemand, 2);
    bench.publisher.publish_altered(&[archive], Timestamp::now(), alter);
    bench.check_for_updates().unwrap();
    let failure = bench.ensure("music", Require::AnyVersion).unwrap_err();
    assert_told(&failure, told, "music");
    bench.assert_goes_on(1);

    // From a version that lies no delta can be made.
    bench.publisher.deltas = 0;
    let archive = bench.publisher.pack("music", Policy::OnDemand, 3);
    bench.publisher.publish(&[archive], Timestamp::now());
    bench.ensure("music", Require::LatestVersion).unwrap();
    bench.assert_reads("music", 3);
    service.stop(&bench.device);
}

#[test]
fn a_signed_index_that_names_wrong_blocks_is_found_out() {
    let lie = |pack: &mut PreparedPack, folder: &Path| {
        let bytes = std::fs::read(&pack.index.path).unwrap();
        let (structure, names) =
            bytes.split_at(usize::try_from(pack.index.named.structure_bytes).unwrap());
        let structure = Verified::check(structure, &pack.index.named.digest).unwrap();
        let structure = section::decode_full(&structure).unwrap();
        let mut blocks = structure.table.blocks().to_vec();
        blocks[0].digest = Digest::of(b"something else");
        let lying = section::encode_full(&structure.tree, &BlockTable::new(blocks)).unwrap();
        pack.index.named.digest = Digest::of(&lying);
        pack.index.named.structure_bytes = lying.len() as u64;
        pack.index.path = folder.join("lying.index");
        std::fs::write(&pack.index.path, [&lying, names].concat()).unwrap();
    };
    assert_lie_is_found(lie, (ErrorKind::Untrusted, "corruptDownload"));
}

#[test]
fn a_signed_content_that_the_files_do_not_make_is_found_out() {
    let lie = |pack: &mut PreparedPack, _: &Path| pack.content = Digest::of(b"something else");
    assert_lie_is_found(lie, (ErrorKind::Untrusted, "contentDamaged"));
}
