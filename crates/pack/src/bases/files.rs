//! Which bases lie in the files that a block has most of its bases in.
//!
//! A device may hold some files of an old version and lack others; then it can use only the blocks whose bases are all here. A
//! chunk or two of files that have nothing else to do with a block are seldom worth that.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::Candidate;
use crate::numbers::index;
use crate::table::BaseSpace;
use crate::tree::Tree;

/// A file is near a block if it covers at least one part in so many of what all bases cover.
const NEAR_PART: usize = 32;
/// Near files have to cover all but one part in so many of it, else they are not tried alone: sources and what is built of them need many
/// files.
const FAR_PART: usize = 8;

/// A chunk that no file has.
const NO_FILE: u32 = u32::MAX;

/// For each chunk of both versions the file that has it first. Files of the same path are one.
#[derive(Debug)]
pub(crate) struct Files {
    old: Vec<u32>,
    new: Vec<u32>,
}

impl Files {
    /// Of the two versions of a delta. Memory: four bytes a chunk.
    pub(crate) fn new(old: &Tree, new: &Tree) -> Self {
        let none = |tree: &Tree| vec![NO_FILE; index(tree.chunk_count())];
        let mut files = Self { old: none(old), new: none(new) };
        let (mut olds, mut news) = (old.files().peekable(), new.files().peekable());
        // Both are sorted by path.
        for number in 0.. {
            let next = match (olds.peek(), news.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((_, old, _)), Some((_, new, _))) => old.cmp(new),
            };
            if let Some((_, _, file)) = olds.next_if(|_| next.is_le()) {
                mark(&mut files.old, old.chunks_of(file), number);
            }
            if let Some((_, _, file)) = news.next_if(|_| next.is_ge()) {
                mark(&mut files.new, new.chunks_of(file), number);
            }
        }
        files
    }

    pub(super) fn of(&self, candidate: Candidate) -> u32 {
        let files = match candidate.space {
            BaseSpace::Old => &self.old,
            BaseSpace::New => &self.new,
        };
        files.get(index(candidate.chunk)).copied().unwrap_or(NO_FILE)
    }
}

fn mark(files: &mut [u32], chunks: &[u32], number: u32) {
    for chunk in chunks {
        if let Some(file) = files.get_mut(index(*chunk)).filter(|file| **file == NO_FILE) {
            *file = number;
        }
    }
}

/// What the files cover of one block, in shingles.
#[derive(Debug, Default)]
pub(super) struct Cover {
    of_file: HashMap<u32, usize>,
    all: usize,
}

impl Cover {
    pub(super) fn add(&mut self, file: u32, shingles: usize) {
        *self.of_file.entry(file).or_default() += shingles;
        self.all += shingles;
    }

    /// The near files; `None` when they alone are too little.
    pub(super) fn near(&self) -> Option<HashSet<u32>> {
        let near = self.of_file.iter().filter(|(_, shingles)| **shingles * NEAR_PART >= self.all);
        let covered: usize = near.clone().map(|(_, shingles)| shingles).sum();
        let is_enough = (self.all - covered) * FAR_PART <= self.all;
        is_enough.then(|| near.map(|(file, _)| *file).collect())
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::{Digest, PackPath};

    use super::*;
    use crate::tree::TreeBuilder;

    fn tree(files: &[(&str, &[u8])]) -> Tree {
        let mut builder = TreeBuilder::new();
        for (path, chunks) in files {
            let path = PackPath::new(*path).expect("fine");
            let chunks = chunks.iter().map(|name| (Digest::of(&[*name]), 10));
            builder.file(&path, false, chunks).expect("small");
        }
        builder.finish().tree().clone()
    }

    #[test]
    fn a_path_is_one_file_in_both_versions_and_a_chunk_belongs_to_the_first() {
        let old = tree(&[("a", &[1, 2]), ("c", &[3]), ("d", &[3, 4])]);
        let new = tree(&[("b", &[5]), ("c", &[6]), ("d", &[7]), ("e", &[8])]);
        let files = Files::new(&old, &new);
        assert_eq!((files.old, files.new), (vec![0, 0, 2, 3], vec![1, 2, 3, 4]));
    }

    #[test]
    fn files_with_little_of_a_block_are_not_near_and_near_ones_alone_have_to_be_enough() {
        let near = |shingles: &[usize]| {
            let mut cover = Cover::default();
            (0..).zip(shingles).for_each(|(file, shingles)| cover.add(file, *shingles));
            cover.near()
        };
        assert_eq!(near(&[97, 1, 2]), Some(HashSet::from([0])));
        assert_eq!(near(&[50, 40, 3, 3]), Some(HashSet::from([0, 1, 2, 3])));
        assert_eq!(near(&[80, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]), None);
    }
}
