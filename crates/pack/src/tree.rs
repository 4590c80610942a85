//! The files and folders of a pack version, and the chunks that they consist of.

mod builder;
mod encoding;

use crate::numbers::index;
use std::ops::Range;

use headstart_model::{Digest, DigestHasher, PackPath};

pub use builder::{FileKind, TreeBuilder};

/// Files, folders and chunk lengths of one version of a pack, without the names of the chunks.
///
/// Entries are sorted by the bytes of their paths; every folder above an entry is an entry itself. Chunks are numbered from
/// 0 in the order in which the entries first use them, so the same content always has the same tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    entries: Vec<Entry>,
    /// Chunk numbers of all files, one file after the other.
    references: Vec<u32>,
    /// Length of each chunk in bytes.
    chunk_bytes: Vec<u32>,
}

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies in the pack.
    pub path: PackPath,
    /// What it is.
    pub node: Node,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A folder; it may be empty.
    Folder,
    /// A regular file.
    File(FileNode),
}

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNode {
    /// Its length in bytes: the sum of its chunks, unless it is opened.
    pub size: u64,
    /// Whether it has the executable bit.
    pub executable: bool,
    /// The digest of the file, if its chunks are not its bytes but those of its [opened form](crate::container).
    pub opened: Option<Digest>,
    references: Range<usize>,
}

impl Tree {
    /// Files and folders, sorted by path.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The files with their entry numbers, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (usize, &PackPath, &FileNode)> {
        self.entries.iter().enumerate().filter_map(|(number, entry)| match &entry.node {
            Node::File(file) => Some((number, &entry.path, file)),
            Node::Folder => None,
        })
    }

    /// The chunks of a file of this tree in order.
    #[must_use]
    pub fn chunks_of(&self, file: &FileNode) -> &[u32] {
        self.references.get(file.references.clone()).unwrap_or_default()
    }

    /// Bytes of all chunks of a file of this tree one after the other: its length, or that of its opened form.
    #[must_use]
    pub fn chunked_bytes(&self, file: &FileNode) -> u64 {
        self.chunks_of(file).iter().map(|chunk| u64::from(self.chunk_bytes(*chunk))).sum()
    }

    /// Bytes of all opened forms: what a device needs beside the files while it makes them.
    #[must_use]
    pub fn opened_bytes(&self) -> u64 {
        let opened = self.files().filter(|(_, _, file)| file.opened.is_some());
        opened.map(|(_, _, file)| self.chunked_bytes(file)).fold(0, u64::saturating_add)
    }

    /// The number of different chunks.
    #[must_use]
    pub fn chunk_count(&self) -> u32 {
        u32::try_from(self.chunk_bytes.len()).expect("limited by CHUNKS_MAX when built or read")
    }

    /// Length of a chunk in bytes; 0 for one that does not exist.
    #[must_use]
    pub fn chunk_bytes(&self, chunk: u32) -> u32 {
        self.chunk_bytes.get(index(chunk)).copied().unwrap_or(0)
    }

    /// Bytes of all files.
    #[must_use]
    pub fn installed_bytes(&self) -> u64 {
        self.files().map(|(_, _, file)| file.size).fold(0, u64::saturating_add)
    }

    /// Bytes of all different chunks.
    #[must_use]
    pub fn unique_bytes(&self) -> u64 {
        self.chunk_bytes.iter().map(|bytes| u64::from(*bytes)).sum()
    }

    /// The entry at `path`.
    #[must_use]
    pub fn find(&self, path: &PackPath) -> Option<&Entry> {
        let number = self.entries.binary_search_by(|entry| entry.path.cmp(path)).ok()?;
        self.entries.get(number)
    }
}

/// A tree together with the name of each chunk: the whole identity of a version's content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompleteTree {
    tree: Tree,
    names: Vec<Digest>,
}

impl CompleteTree {
    /// Puts both together; `None` when there is not exactly one name for each chunk.
    #[must_use]
    pub fn new(tree: Tree, names: Vec<Digest>) -> Option<Self> {
        (tree.chunk_bytes.len() == names.len()).then_some(Self { tree, names })
    }

    /// The tree.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The names of the chunks, by number.
    #[must_use]
    pub fn names(&self) -> &[Digest] {
        &self.names
    }

    /// The name of a chunk.
    #[must_use]
    pub fn name(&self, chunk: u32) -> Option<&Digest> {
        self.names.get(index(chunk))
    }

    /// The identity of the content: equal trees with equal chunks, and nothing else, have equal digests.
    #[must_use]
    pub fn content(&self) -> Digest {
        let encoded = self.tree.encode();
        let mut hasher = DigestHasher::new();
        hasher.update(b"headstart tree 1\n");
        hasher.update(&crate::numbers::size(encoded.len()).to_le_bytes());
        hasher.update(&encoded);
        self.names.iter().for_each(|name| hasher.update(name.as_bytes()));
        hasher.finish()
    }
}
