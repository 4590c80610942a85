//! Archives and deltas that format 1 wrote are read for good. `golden/` holds some; nobody can write them anew.

use headstart_model::{Digest, Verified};
use headstart_pack::{CompleteTree, FormatError, limits, section};

use crate::world::{Files, Held, assert_same, fetch, files, open};

const ARCHIVE: &[u8] = include_bytes!("golden/v1.assetpack");
const DELTA: &[u8] = include_bytes!("golden/v1.delta");
const DELTA_HEAD_BYTES: usize = 82;

/// The linear congruence of `docs/format/pack.md`.
fn sample(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

fn contents(noise: Vec<u8>) -> Files {
    let hello = b"hello\n".repeat(20);
    Files::from([
        ("again.txt", hello.clone()),
        ("bin/tool", b"#!/bin/sh\n".to_vec()),
        ("hello.txt", hello),
        ("noise.bin", noise),
    ])
}

fn first() -> (CompleteTree, Held) {
    let reader = open(ARCHIVE);
    let mut held = Held::default();
    fetch(reader.complete().tree(), reader.table(), 200, ARCHIVE, &mut held);
    (reader.complete().clone(), held)
}

#[test]
fn an_archive_of_format_1_is_read() {
    assert_eq!(ARCHIVE[8], 1);
    let (complete, held) = first();
    assert_same(&files(&complete, &held), &contents(sample(2000)));
}

#[test]
fn a_delta_of_format_1_is_read() {
    let (old, held_old) = first();
    let head = &DELTA[..DELTA_HEAD_BYTES];
    assert_eq!(head[3], 1);
    let head = Verified::check(head, &Digest::of(head)).expect("equal");
    let delta = section::decode_delta(&head, old.tree()).expect("format 1 is read");
    let mut held = Held {
        old: held_old.new.values().cloned().collect(),
        new: std::collections::BTreeMap::new(),
    };
    for (chunk, same) in (0..).zip(&delta.same_as_old) {
        if let Some(same) = same {
            held.new.insert(chunk, held.old[*same as usize].clone());
        }
    }
    fetch(&delta.tree, &delta.table, DELTA_HEAD_BYTES as u64, DELTA, &mut held);
    let names = (0..delta.tree.chunk_count()).map(|chunk| Digest::of(&held.new[&chunk])).collect();
    let complete = CompleteTree::new(delta.tree, names).expect("all named");
    let noise = [&sample(1000)[..], b"!", &sample(2000)[1000..]].concat();
    assert_same(&files(&complete, &held), &contents(noise));
}

#[test]
fn a_section_of_a_later_format_is_refused_as_such() {
    let mut head = DELTA[..DELTA_HEAD_BYTES].to_vec();
    head[3] = limits::FORMAT_VERSION as u8 + 1;
    let head = Verified::check(head.as_slice(), &Digest::of(&head)).expect("equal");
    let refused = section::decode_delta(&head, first().0.tree());
    assert!(matches!(refused, Err(FormatError::Version { .. })), "{refused:?}");
}
