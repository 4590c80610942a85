//! The bytes of a tree: columns, so that like stands by like and compresses well. `docs/format/pack.md`, "Tree".

use std::collections::{HashMap, HashSet};

use headstart_model::{Digest, PackPath};

use super::{Entry, FileNode, Node, Tree};
use crate::error::FormatError;
use crate::limits::{CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNKS_MAX, FILE_BYTES_MAX, IndexLimits};
use crate::numbers::{index, size};
use crate::varint::{self, Cursor};

const FOLDER: u8 = 0;
const FILE: u8 = 1;
const EXECUTABLE: u8 = 2;
const OPENED: u8 = 3;
const OPENED_EXECUTABLE: u8 = 4;

impl Tree {
    /// The one encoding of this tree.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut kinds = Vec::with_capacity(self.entries.len());
        let mut paths = Vec::new();
        let mut counts = Vec::new();
        let mut opened = Vec::new();
        let mut last = "";
        for entry in &self.entries {
            let path = entry.path.as_str();
            let shared = shared_prefix(last, path);
            varint::put(&mut paths, size(shared));
            varint::put_part(&mut paths, path.as_bytes().get(shared..).unwrap_or_default());
            last = path;
            match &entry.node {
                Node::Folder => kinds.push(FOLDER),
                Node::File(file) => {
                    kinds.push(kind_of(file));
                    if let Some(digest) = &file.opened {
                        varint::put(&mut opened, file.size);
                        opened.extend_from_slice(digest.as_bytes());
                    }
                    varint::put(&mut counts, size(file.references.len()));
                }
            }
        }
        let mut out = Vec::new();
        varint::put(&mut out, size(self.entries.len()));
        varint::put(&mut out, size(self.chunk_bytes.len()));
        out.extend_from_slice(&kinds);
        varint::put_part(&mut out, &paths);
        varint::put_part(&mut out, &counts);
        varint::put_part(&mut out, &self.encode_references());
        self.chunk_bytes.iter().for_each(|bytes| varint::put(&mut out, u64::from(*bytes)));
        out.extend_from_slice(&opened);
        out
    }

    /// 0 for the next chunk not used before, else how far back the chunk lies.
    fn encode_references(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.references.len());
        let mut next = 0;
        for reference in &self.references {
            varint::put(&mut out, u64::from(next - *reference));
            next = next.max(reference + 1);
        }
        out
    }

    /// Reads a tree and checks every rule that [`Tree`] promises.
    ///
    /// # Errors
    /// [`FormatError`] naming what is wrong. Memory stays within a small multiple of `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        Self::decode_within(bytes, IndexLimits::FORMAT)
    }

    /// As [`decode`](Self::decode), within other limits.
    pub(crate) fn decode_within(bytes: &[u8], limits: IndexLimits) -> Result<Self, FormatError> {
        let tree = Self::decode_unnamed(bytes, limits)?;
        tree.check_names()?;
        Ok(tree)
    }

    /// As [`decode`](Self::decode), of a version that is in its place or published: whether its names can lie beside each other was
    /// asked when it came there. `Ours:` a later Unicode, or a stricter Headstart, does not make it unreadable.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), but for names that differ by case only.
    pub fn decode_kept(bytes: &[u8]) -> Result<Self, FormatError> {
        Self::decode_unnamed(bytes, IndexLimits::FORMAT)
    }

    /// Compares no names.
    fn decode_unnamed(bytes: &[u8], limits: IndexLimits) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new("the index", bytes);
        let entry_count = cursor.count("the number of files and folders", limits.entries, 2)?;
        let chunk_count = cursor.count("the number of chunks", CHUNKS_MAX, 1)?;
        let kinds = cursor.take(size(entry_count))?;
        let mut paths = cursor.part("the index")?;
        let mut counts = cursor.part("the index")?;
        let uses = cursor.part("the index")?;
        let references = decode_references(uses, chunk_count, limits.uses)?;
        let chunk_bytes = decode_chunk_bytes(&mut cursor, chunk_count)?;
        let mut tree = Self { entries: Vec::with_capacity(entry_count), references, chunk_bytes };
        let mut start = 0;
        let mut path_bytes = 0;
        for kind in kinds {
            let path = next_path(&mut paths, tree.entries.last())?;
            path_bytes += size(path.as_str().len());
            if path_bytes > limits.paths_bytes {
                let (found, limit) = (path_bytes, limits.paths_bytes);
                return Err(FormatError::Limit { what: "the length of all paths", found, limit });
            }
            let node = match *kind {
                FOLDER => Node::Folder,
                FILE | EXECUTABLE | OPENED | OPENED_EXECUTABLE => {
                    let count = usize::try_from(counts.number()?).unwrap_or(usize::MAX);
                    let executable = [EXECUTABLE, OPENED_EXECUTABLE].contains(kind);
                    let mut file = tree.file(start, count, executable)?;
                    start = file.references.end;
                    if [OPENED, OPENED_EXECUTABLE].contains(kind) {
                        file.size = cursor.bounded("the length of a file", FILE_BYTES_MAX)?;
                        file.opened = Some(Digest::from_bytes(cursor.array()?));
                    }
                    Node::File(file)
                }
                _ => return Err(FormatError::Rule { what: "an entry is neither file nor folder" }),
            };
            tree.entries.push(Entry { path, node });
        }
        cursor.finish()?;
        paths.finish()?;
        counts.finish()?;
        if start != tree.references.len() {
            return Err(FormatError::Rule { what: "chunks are listed that belong to no file" });
        }
        tree.check_folders()?;
        Ok(tree)
    }

    fn file(&self, start: usize, count: usize, executable: bool) -> Result<FileNode, FormatError> {
        let references = start..start.saturating_add(count);
        let chunks = self
            .references
            .get(references.clone())
            .ok_or(FormatError::Rule { what: "a file lists more chunks than there are" })?;
        // So that few bytes of an index cannot promise many chunks of few bytes of a file.
        let before_last = chunks.split_last().map_or(&[][..], |(_, before)| before);
        if before_last.iter().any(|chunk| index(self.chunk_bytes(*chunk)) < CHUNK_BYTES_MIN) {
            let what = "a file has a chunk below the smallest length before its last one";
            return Err(FormatError::Rule { what });
        }
        let size = chunks.iter().map(|chunk| u64::from(self.chunk_bytes(*chunk))).sum();
        Ok(FileNode { size, executable, opened: None, references })
    }

    /// Sorted paths are checked on the way in; here: every parent is a folder.
    fn check_folders(&self) -> Result<(), FormatError> {
        let mut folders = HashSet::new();
        for entry in &self.entries {
            if let Some(parent) = entry.path.parent()
                && !folders.contains(parent.as_str())
            {
                return Err(FormatError::Rule {
                    what: "an entry lies in a folder that is not listed",
                });
            }
            if entry.node == Node::Folder {
                folders.insert(entry.path.as_str().to_owned());
            }
        }
        Ok(())
    }

    /// No two names differ by case only.
    fn check_names(&self) -> Result<(), FormatError> {
        let mut keys = HashMap::with_capacity(self.entries.len());
        for Entry { path, .. } in &self.entries {
            if let Some(first) = keys.insert(path.case_key(), path) {
                let (first, second) = (first.clone(), path.clone());
                return Err(FormatError::DuplicatePath { first, second });
            }
        }
        Ok(())
    }
}

const fn kind_of(file: &FileNode) -> u8 {
    match (file.executable, file.opened.is_some()) {
        (false, false) => FILE,
        (true, false) => EXECUTABLE,
        (false, true) => OPENED,
        (true, true) => OPENED_EXECUTABLE,
    }
}

fn shared_prefix(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

fn decode_references(
    mut column: Cursor<'_>,
    chunk_count: usize,
    limit: u64,
) -> Result<Vec<u32>, FormatError> {
    // Each number has one byte without the top bit, its last.
    let count = column.rest().iter().filter(|byte| **byte & 0x80 == 0).count();
    if size(count) > limit {
        let (what, found) = ("the number of chunks of all files", size(count));
        return Err(FormatError::Limit { what, found, limit });
    }
    let mut references = Vec::with_capacity(count);
    let mut next = 0_u64;
    while !column.rest().is_empty() {
        let back = column.number()?;
        let reference = next
            .checked_sub(back)
            .and_then(|number| u32::try_from(number).ok())
            .ok_or(FormatError::Rule { what: "a file uses a chunk before it exists" })?;
        references.push(reference);
        next += u64::from(back == 0);
    }
    if next == size(chunk_count) {
        Ok(references)
    } else {
        Err(FormatError::Rule { what: "the files do not use every chunk that is listed" })
    }
}

fn decode_chunk_bytes(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<u32>, FormatError> {
    let limit = size(CHUNK_BYTES_MAX);
    (0..count)
        .map(|_| match cursor.bounded("the length of a chunk", limit)? {
            0 => Err(FormatError::Rule { what: "a chunk is empty" }),
            bytes => Ok(u32::try_from(bytes).expect("CHUNK_BYTES_MAX fits 32 bits")),
        })
        .collect()
}

fn next_path(column: &mut Cursor<'_>, last: Option<&Entry>) -> Result<PackPath, FormatError> {
    let last = last.map_or("", |entry| entry.path.as_str());
    let shared = usize::try_from(column.number()?).unwrap_or(usize::MAX);
    let head = last
        .as_bytes()
        .get(..shared)
        .ok_or(FormatError::Rule { what: "a path shares more than the last path has" })?;
    let tail = column.part("the index")?.rest();
    let text = String::from_utf8([head, tail].concat())
        .map_err(|_| FormatError::Rule { what: "a path is not UTF-8" })?;
    let path = PackPath::new(text)?;
    if !last.is_empty() && path.as_str() <= last {
        return Err(FormatError::Rule { what: "the paths are not in order" });
    }
    if shared != shared_prefix(last, path.as_str()) {
        return Err(FormatError::Rule { what: "a path does not share all that it could" });
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use headstart_model::Verified;
    use proptest::prelude::*;

    use super::super::{FileKind, TreeBuilder};
    use super::*;
    use crate::section;
    use crate::table::BlockTable;

    const SMALLEST: u32 = 8192;

    fn sample(files: &[(u8, Vec<u8>)]) -> Tree {
        let mut builder = TreeBuilder::new();
        builder.folder(&PackPath::new("empty").expect("fine"));
        for (name, chunks) in files {
            let path = PackPath::new(format!("f{}/{name}", name % 3)).expect("fine");
            let chunks = chunks.iter().map(|c| (Digest::of(&[*c]), SMALLEST + u32::from(*c)));
            let kind = match name % 5 {
                0 => FileKind::Opened { bytes: u64::from(*name), digest: Digest::of(&[*name]) },
                _ => FileKind::Plain,
            };
            builder.file_of(&path, (name % 2 == 0, kind), chunks).expect("small");
        }
        builder.finish().tree().clone()
    }

    proptest! {
        #[test]
        fn trees_round_trip(files in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..9)), 0..20)) {
            let tree = sample(&files);
            let bytes = tree.encode();
            let read = Tree::decode(&bytes).expect("own output");
            prop_assert_eq!(&read, &tree);
            prop_assert_eq!(read.encode(), bytes);
        }

        #[test]
        fn damaged_trees_are_refused_or_have_another_encoding(position: prop::sample::Index, bit in 0_u8..8) {
            let tree = sample(&[(0, vec![1, 2, 1]), (1, vec![2]), (5, vec![])]);
            let mut bytes = tree.encode();
            let at = position.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            if let Ok(other) = Tree::decode(&bytes) {
                prop_assert_eq!(other.encode(), bytes);
            }
        }

        #[test]
        fn any_bytes_end_in_a_tree_or_an_error(bytes: Vec<u8>) {
            let _ = Tree::decode(&bytes);
        }
    }

    #[test]
    fn a_promise_of_terabytes_is_refused_before_memory_is_taken() {
        let mut bytes = Vec::new();
        varint::put(&mut bytes, IndexLimits::FORMAT.entries);
        varint::put(&mut bytes, CHUNKS_MAX);
        assert!(matches!(Tree::decode(&bytes), Err(FormatError::Truncated { .. })));
        let mut bytes = Vec::new();
        varint::put(&mut bytes, u64::MAX);
        assert!(matches!(Tree::decode(&bytes), Err(FormatError::Limit { .. })));
    }

    #[test]
    fn names_that_differ_by_case_are_refused_but_of_a_version_that_is_there() {
        for (first, second) in [("A", "a"), ("ΣΑΣ.txt", "σας.txt"), ("STRASSE", "straße")] {
            let mut builder = TreeBuilder::new();
            for path in [first, second] {
                builder.file(&PackPath::new(path).expect("fine"), false, []).expect("small");
            }
            let bytes = builder.finish().tree().encode();
            let error = Tree::decode(&bytes).expect_err("one name on some platforms");
            assert!(matches!(error, FormatError::DuplicatePath { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(first) && text.contains(second), "{text}");
            assert_eq!(Tree::decode_kept(&bytes).expect("there").encode(), bytes);
            // The same holds for whole sections.
            let tree = Tree::decode_kept(&bytes).expect("there");
            let sealed = section::encode_full(&tree, &BlockTable::default()).expect("small");
            let digest = Digest::of(&sealed);
            let sealed = Verified::check(sealed, &digest).expect("its own");
            let refused =
                [section::decode_full(&sealed), section::decode_full_within(&sealed, 1 << 20)];
            assert!(refused.iter().all(Result::is_err), "{refused:?}");
            assert_eq!(section::decode_full_kept(&sealed).expect("there").tree, tree);
        }
    }

    #[test]
    fn few_bytes_that_promise_gigabytes_of_paths_are_refused() {
        // Every path shares all but its last byte with the one before.
        let folder = "d".repeat(200);
        let mut builder = TreeBuilder::new();
        for name in 'a'..='z' {
            let path = PackPath::new(format!("{folder}/{name}")).expect("fine");
            builder.file(&path, false, []).expect("small");
        }
        let bytes = builder.finish().tree().encode();
        let path_bytes = 200 + 26 * 202;
        assert!(size(bytes.len()) * 10 < path_bytes, "{}", bytes.len());
        let within = |paths_bytes| IndexLimits { paths_bytes, ..IndexLimits::FORMAT };
        assert!(Tree::decode_within(&bytes, within(path_bytes)).is_ok());
        let refused = Tree::decode_within(&bytes, within(path_bytes - 1));
        assert!(matches!(refused, Err(FormatError::Limit { .. })), "{refused:?}");
    }

    #[test]
    fn a_file_of_many_chunks_of_a_byte_is_refused() {
        let of = |lengths: &[u32]| {
            let mut builder = TreeBuilder::new();
            let chunks = lengths.iter().map(|bytes| (Digest::of(&bytes.to_le_bytes()), *bytes));
            builder.file(&PackPath::new("f").expect("fine"), false, chunks).expect("small");
            Tree::decode(&builder.finish().tree().encode())
        };
        for fine in [&[][..], &[1], &[SMALLEST, 1], &[SMALLEST, SMALLEST, 2]] {
            assert!(of(fine).is_ok(), "{fine:?}");
        }
        for wrong in [&[1, 1][..], &[1, SMALLEST], &[SMALLEST, SMALLEST - 1, 2]] {
            let refused = of(wrong);
            assert!(matches!(refused, Err(FormatError::Rule { .. })), "{wrong:?}: {refused:?}");
        }
    }

    #[test]
    fn more_entries_or_chunks_than_an_index_may_promise_are_named() {
        let bytes = sample(&[(0, vec![1, 2, 1]), (1, vec![2, 2])]).encode();
        let within = |entries, uses| {
            let limits = IndexLimits { entries, uses, ..IndexLimits::FORMAT };
            match Tree::decode_within(&bytes, limits) {
                Ok(_) => None,
                Err(FormatError::Limit { what, found, .. }) => Some((what, found)),
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(within(5, 5), None);
        assert_eq!(within(4, 5), Some(("the number of files and folders", 5)));
        assert_eq!(within(5, 4), Some(("the number of chunks of all files", 5)));
    }
}
