//! Putting a tree together.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};

use headstart_model::{Digest, PackPath};

use super::{CompleteTree, Entry, FileNode, Node, Tree};
use crate::error::BuildError;
use crate::limits::{CHUNKS_MAX, ENTRIES_MAX, PATHS_BYTES_MAX};
use crate::numbers::{index, size};

/// Collects files and folders in any order and makes the one tree that they have.
#[derive(Debug, Default)]
pub struct TreeBuilder {
    entries: BTreeMap<PackPath, Draft>,
    chunks: HashMap<Digest, u32>,
    names: Vec<(Digest, u32)>,
    /// Bytes of all paths.
    path_bytes: u64,
}

#[derive(Debug)]
enum Draft {
    Folder,
    File { executable: bool, kind: FileKind, chunks: Vec<u32> },
}

/// What the chunks of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Its bytes.
    Plain,
    /// The bytes of its [opened form](crate::container).
    Opened {
        /// Bytes of the file.
        bytes: u64,
        /// Digest of the file.
        digest: Digest,
    },
}

impl TreeBuilder {
    /// A builder without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a folder and those above it.
    pub fn folder(&mut self, path: &PackPath) {
        let mut next = Some(path.clone());
        while let Some(folder) = next {
            next = folder.parent();
            if let Slot::Vacant(entry) = self.entries.entry(folder) {
                self.path_bytes += size(entry.key().as_str().len());
                entry.insert(Draft::Folder);
            }
        }
    }

    /// Adds a file made of `chunks`, each given by name and length in bytes.
    ///
    /// # Errors
    /// [`BuildError::TooMany`] above the limits of the format.
    pub fn file(
        &mut self,
        path: &PackPath,
        executable: bool,
        chunks: impl IntoIterator<Item = (Digest, u32)>,
    ) -> Result<(), BuildError> {
        self.file_of(path, (executable, FileKind::Plain), chunks)
    }

    /// As [`TreeBuilder::file`], for a file of any kind.
    ///
    /// # Errors
    /// As [`TreeBuilder::file`].
    pub fn file_of(
        &mut self,
        path: &PackPath,
        (executable, kind): (bool, FileKind),
        chunks: impl IntoIterator<Item = (Digest, u32)>,
    ) -> Result<(), BuildError> {
        if let Some(folder) = path.parent() {
            self.folder(&folder);
        }
        let chunks = chunks
            .into_iter()
            .map(|(name, bytes)| self.chunk(name, bytes))
            .collect::<Result<_, _>>()?;
        if self.entries.insert(path.clone(), Draft::File { executable, kind, chunks }).is_none() {
            self.path_bytes += size(path.as_str().len());
        }
        if self.path_bytes > PATHS_BYTES_MAX {
            return Err(BuildError::TooMany { what: "bytes of paths", limit: PATHS_BYTES_MAX });
        }
        if size(self.entries.len()) > ENTRIES_MAX {
            return Err(BuildError::TooMany { what: "files and folders", limit: ENTRIES_MAX });
        }
        Ok(())
    }

    fn chunk(&mut self, name: Digest, bytes: u32) -> Result<u32, BuildError> {
        if let Some(number) = self.chunks.get(&name) {
            return Ok(*number);
        }
        if size(self.names.len()) >= CHUNKS_MAX {
            return Err(BuildError::TooMany { what: "chunks", limit: CHUNKS_MAX });
        }
        let number = u32::try_from(self.names.len()).expect("CHUNKS_MAX fits 32 bits");
        self.chunks.insert(name, number);
        self.names.push((name, bytes));
        Ok(number)
    }

    /// The tree, its chunks numbered by first use.
    #[must_use]
    pub fn finish(self) -> CompleteTree {
        let mut tree = Tree::default();
        let mut names = Vec::with_capacity(self.names.len());
        let mut numbers = vec![None; self.names.len()];
        for (path, draft) in self.entries {
            let Draft::File { executable, kind, chunks } = draft else {
                tree.entries.push(Entry { path, node: Node::Folder });
                continue;
            };
            let start = tree.references.len();
            let mut size = 0;
            for draft_number in chunks {
                let (Some(number), Some((name, bytes))) =
                    (numbers.get_mut(index(draft_number)), self.names.get(index(draft_number)))
                else {
                    continue;
                };
                let number = *number.get_or_insert_with(|| {
                    names.push(*name);
                    tree.chunk_bytes.push(*bytes);
                    tree.chunk_count() - 1
                });
                size += u64::from(*bytes);
                tree.references.push(number);
            }
            let references = start..tree.references.len();
            let (size, opened) = match kind {
                FileKind::Plain => (size, None),
                FileKind::Opened { bytes, digest } => (bytes, Some(digest)),
            };
            let file = FileNode { size, executable, opened, references };
            tree.entries.push(Entry { path, node: Node::File(file) });
        }
        CompleteTree { tree, names }
    }
}
