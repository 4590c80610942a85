//! Which bases lie in the files that a block has most of its bases in.
//!
//! A device may hold some files of an old version and lack others; then it can use only the blocks whose bases are all here. A
//! chunk or two of files that have nothing else to do with a block are seldom worth that.

use std::collections::{HashMap, HashSet};

use headstart_model::PackPath;

use super::Candidate;
use crate::numbers::{index, size};
use crate::table::BaseSpace;
use crate::tree::Tree;

/// A file is near a block if it covers at least this part of what all bases cover.
const FILE_SHARE: usize = 32;
/// Near files have to cover so many eighths of it, else they are not tried alone: sources and what is built of them need many files.
const NEAR_EIGHTHS: usize = 7;

/// For each chunk of both versions the file that has it first. Files of the same path are one.
#[derive(Debug)]
pub(crate) struct Files {
    old: Vec<u32>,
    new: Vec<u32>,
}

impl Files {
    /// Of the two versions of a delta. Memory: four bytes a chunk.
    pub(crate) fn new(old: &Tree, new: &Tree) -> Self {
        let mut numbers = HashMap::new();
        Self { old: first_files(old, &mut numbers), new: first_files(new, &mut numbers) }
    }

    pub(super) fn of(&self, candidate: Candidate) -> u32 {
        let files = match candidate.space {
            BaseSpace::Old => &self.old,
            BaseSpace::New => &self.new,
        };
        files.get(index(candidate.chunk)).copied().unwrap_or(u32::MAX)
    }
}

fn first_files<'a>(tree: &'a Tree, numbers: &mut HashMap<&'a PackPath, u32>) -> Vec<u32> {
    let mut files = vec![u32::MAX; index(tree.chunk_count())];
    for (_, path, file) in tree.files() {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let number = *numbers.entry(path).or_insert(next);
        for chunk in tree.chunks_of(file) {
            if let Some(first) = files.get_mut(index(*chunk)).filter(|file| **file == u32::MAX) {
                *first = number;
            }
        }
    }
    files
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
        let near = self.of_file.iter().filter(|(_, shingles)| **shingles * FILE_SHARE >= self.all);
        let covered: usize = near.clone().map(|(_, shingles)| shingles).sum();
        (size(covered) * 8 >= size(self.all) * size(NEAR_EIGHTHS))
            .then(|| near.map(|(file, _)| *file).collect())
    }
}
