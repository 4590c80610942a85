//! A version in place.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use headstart_model::{Digest, DigestHasher, PackPath};
use headstart_pack::{
    ChunkSet, CompleteTree, FileNode, FormatError, Node, Place, Places, Tree, section,
};
use headstart_sys::identity::FileStamp;
use headstart_sys::{Action, FileError, durable, positioned};

use crate::consumed::{self, Consumed};
use crate::error::StoreError;
use crate::numbers::{index, size};
use crate::opened::{FormBytes, ReopenedForms};

pub(crate) const RECORD: &str = "version.record";
pub(crate) const FILES: &str = "files";
pub(crate) const ABOUT: &str = "about.json";
const MAGIC: &[u8; 8] = b"HSVREC\x00\x01";
const STAMP_BYTES: usize = 40;

/// An installed version: its files below [`files`](Self::files), and what is known about them.
///
/// The record holds the complete tree and, for each file, the stamp that it had when its bytes were last verified. A file
/// that still has its stamp is reused without reading; one that has not is hashed again.
#[derive(Debug)]
pub struct InstalledVersion {
    folder: PathBuf,
    files: PathBuf,
    complete: CompleteTree,
    places: Places,
    reopened: ReopenedForms,
    /// One for each file, in the order of the tree.
    stamps: Vec<FileStamp>,
    /// What was handed over to somebody, and is not missed.
    consumed: Consumed,
}

/// A file that does not have the bytes that were installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PackPath,
    /// What is wrong with it, for people.
    pub reason: String,
}

impl InstalledVersion {
    /// Where the files of a version lie in its folder.
    #[must_use]
    pub fn files_of(folder: &Path) -> PathBuf {
        folder.join(FILES)
    }

    /// Reads the record in `folder`. The files are not looked at.
    ///
    /// # Errors
    /// [`StoreError::File`] when there is none, [`StoreError::Format`] when it is damaged.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_apart(folder, &Self::files_of(folder))
    }

    /// Reads the record in `folder` of files that lie in `files` instead of in that folder: a person's copy, beside which
    /// the record is kept. The files are not looked at.
    ///
    /// # Errors
    /// As [`InstalledVersion::open`].
    pub fn open_apart(folder: &Path, files: &Path) -> Result<Self, StoreError> {
        let path = folder.join(RECORD);
        let bytes =
            std::fs::read(&path).map_err(|error| FileError::new(Action::Read, &path, error))?;
        let (complete, stamps) =
            decode(&bytes).map_err(|source| StoreError::Format { path, source })?;
        let places = Places::of(complete.tree());
        let reopened = ReopenedForms::of(folder.to_owned());
        let consumed = consumed::read(folder)?;
        let (folder, files) = (folder.to_owned(), files.to_owned());
        Ok(Self { folder, files, complete, places, reopened, stamps, consumed })
    }

    /// Writes a record into `folder`: each file of `complete`, in the order of its tree, had its bytes while it had its
    /// stamp. For folders that nobody installed and somebody read.
    ///
    /// # Errors
    /// [`StoreError`] when the record cannot be written.
    pub fn write_record(
        folder: &Path,
        complete: &CompleteTree,
        stamps: &[FileStamp],
    ) -> Result<(), StoreError> {
        durable::write_file(&folder.join(RECORD), &encode(complete, stamps), private())?;
        Ok(())
    }

    /// Records that every file below `folder` was verified to be that of `complete`, as it is now.
    pub(crate) fn record(folder: &Path, complete: &CompleteTree) -> Result<(), StoreError> {
        let files = Self::files_of(folder);
        let mut stamps = Vec::new();
        for (_, path, file) in complete.tree().files() {
            let path = files.join(path.as_str());
            let stamp = FileStamp::of_path(&path)?;
            if stamp.size_bytes != file.size {
                let source = FormatError::Rule { what: "a file does not have its length" };
                return Err(StoreError::Format { path, source });
            }
            stamps.push(stamp);
        }
        Self::write_record(folder, complete, &stamps)
    }

    /// The folder of the version.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its files lie.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.files.clone()
    }

    /// What the version was said to be when it was built; empty when nothing was said.
    ///
    /// # Errors
    /// [`StoreError::File`] when it cannot be read.
    pub fn about(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.folder.join(ABOUT);
        match std::fs::read(&path) {
            Ok(about) => Ok(about),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(FileError::new(Action::Read, path, error).into()),
        }
    }

    /// Which chunks can still be read with the bytes that they had. Reads everything.
    #[must_use]
    pub fn intact(&self) -> ChunkSet {
        let mut intact = ChunkSet::empty(self.complete.tree().chunk_count());
        let mut bytes = Vec::new();
        for chunk in 0..self.complete.tree().chunk_count() {
            bytes.clear();
            if self.read_chunk(chunk, &mut bytes).is_some() {
                intact.insert(chunk);
            }
        }
        // They would take room until somebody reads on.
        self.reopened.forget();
        intact
    }

    /// The entry whose opened form has to be made again for a chunk to be read, and the bytes of that form; `None` if it is read from a
    /// file as it is. Reads no content.
    #[must_use]
    pub fn form_of(&self, chunk: u32) -> Option<(u32, u64)> {
        let tree = self.complete.tree();
        let entry = |place: &Place| Some((place.entry, tree.entries().get(index(place.entry))?));
        let mut entries = self.places.of_chunk(chunk).iter().filter_map(entry);
        let (number, first) = entries.find(|(_, entry)| self.is_there(&entry.path))?;
        match &first.node {
            Node::File(file) if file.opened.is_some() => Some((number, tree.chunked_bytes(file))),
            _ => None,
        }
    }

    /// What opened forms took on disk that were made again for chunks to be read.
    #[must_use]
    pub fn form_bytes(&self) -> FormBytes {
        self.reopened.bytes()
    }

    /// The chunks that files still have which are there, if files were handed over; `None` if none was. Reads no content.
    #[must_use]
    pub fn left(&self) -> Option<ChunkSet> {
        if self.consumed.is_empty() {
            return None;
        }
        let tree = self.complete.tree();
        let mut left = ChunkSet::empty(tree.chunk_count());
        for (_, _, file) in tree.files().filter(|(_, path, _)| self.is_there(path)) {
            for chunk in tree.chunks_of(file) {
                left.insert(*chunk);
            }
        }
        Some(left)
    }

    /// Whether a file was not handed over, or lies here all the same.
    pub(crate) fn is_there(&self, path: &PackPath) -> bool {
        !self.consumed.contains_key(path) || self.files.join(path.as_str()).is_file()
    }

    /// Believes no file unread any more, whatever its stamp: for whoever looks for damage that the system did not notice.
    pub fn distrust(&mut self) {
        let none = FileStamp { device: 0, inode: 0, size_bytes: 0, modified_ns: 0, changed_ns: 0 };
        self.stamps = vec![none; self.stamps.len()];
    }

    /// Whether every file still has the stamp of its verification. Reads no content.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        let files = self.files();
        let now = |path: &PackPath| FileStamp::of_path(&files.join(path.as_str()));
        let mut pairs = self.complete.tree().files().zip(&self.stamps);
        pairs.all(|((_, path, _), stamp)| now(path).is_ok_and(|now| now == *stamp))
    }

    /// What it consists of.
    #[must_use]
    pub const fn complete(&self) -> &CompleteTree {
        &self.complete
    }

    /// The stamps of the files, in the order of the tree.
    pub(crate) fn stamps(&self) -> &[FileStamp] {
        &self.stamps
    }

    /// Records other stamps, for files that were verified or linked since. A record that cannot be written costs reading,
    /// nothing else.
    pub(crate) fn replace_stamps(&mut self, stamps: Vec<FileStamp>) {
        if stamps != self.stamps {
            self.rewrite_record(&stamps);
            self.stamps = stamps;
        }
    }

    fn rewrite_record(&self, stamps: &[FileStamp]) {
        if let Err(error) = Self::write_record(&self.folder, &self.complete, stamps) {
            tracing::warn!(%error, "the record of a version is out of date; its files will be read");
        }
    }

    /// The path of a file with the stamp that it had when it was verified: `recorded` if it still has that one, else it is
    /// read and verified now. `None` when it is damaged.
    pub(crate) fn verified_file(
        &self,
        recorded: &FileStamp,
        (path, file): (&PackPath, &FileNode),
    ) -> Option<(PathBuf, FileStamp)> {
        let full = self.files().join(path.as_str());
        // Taken before the bytes are read: what changes afterwards no longer has it.
        let now = FileStamp::of_path(&full).ok()?;
        let verified =
            now == *recorded || self.check_file(self.complete.tree(), path, file).is_ok();
        verified.then_some((full, now))
    }

    /// Runs `unlink`, which takes names away from files that this version may share, and writes the record anew: taking a
    /// name away moves the time that the stamps hold, and without this the files would all be read again.
    ///
    /// # Errors
    /// What `unlink` returns. A record that cannot be written costs reading, nothing else.
    pub fn while_unlinking<E>(&self, unlink: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let files = self.files();
        let paths: Vec<_> =
            self.complete.tree().files().map(|(_, path, _)| files.join(path.as_str())).collect();
        let unchanged: Vec<bool> = paths
            .iter()
            .zip(&self.stamps)
            .map(|(path, stamp)| FileStamp::of_path(path).is_ok_and(|now| now == *stamp))
            .collect();
        unlink()?;
        let stamps: Vec<_> = paths
            .iter()
            .zip(self.stamps.iter().zip(unchanged))
            .map(|(path, (stamp, unchanged))| {
                let now = unchanged.then(|| FileStamp::of_path(path).ok()).flatten();
                // Only the change time may have moved; anything else is somebody's doing.
                now.filter(|now| FileStamp { changed_ns: now.changed_ns, ..*stamp } == *now)
                    .unwrap_or(*stamp)
            })
            .collect();
        if stamps != self.stamps {
            self.rewrite_record(&stamps);
        }
        Ok(())
    }

    /// Appends the bytes of a chunk, read from a file that has it and verified; `None` when no file has it any more.
    pub fn read_chunk(&self, chunk: u32, out: &mut Vec<u8>) -> Option<()> {
        let name = self.complete.name(chunk)?;
        let length = index(self.complete.tree().chunk_bytes(chunk));
        let start = out.len();
        for place in self.places.of_chunk(chunk) {
            let entry = self.complete.tree().entries().get(index(place.entry))?;
            out.resize(start + length, 0);
            let bytes = out.get_mut(start..)?;
            let path = self.files().join(entry.path.as_str());
            let read = match &entry.node {
                Node::File(file) if file.opened.is_some() => {
                    self.reopened.read(place.entry, &path, bytes, place.offset)
                }
                _ => File::open(path)
                    .and_then(|file| positioned::read_exact_at(&file, bytes, place.offset))
                    .is_ok(),
            };
            if read && Digest::of(bytes) == *name {
                return Some(());
            }
        }
        out.truncate(start);
        None
    }

    /// Reads every file and compares every chunk. Memory: one chunk. A file that was handed over is not missed.
    #[must_use]
    pub fn verify(&self) -> Vec<Damage> {
        let tree = self.complete.tree();
        let check = |(path, file): (&PackPath, &FileNode)| {
            if self.consumed.contains_key(path) {
                return None;
            }
            let reason = self.check_file(tree, path, file).err()?;
            Some(Damage { path: path.clone(), reason })
        };
        tree.files().filter_map(|(_, path, file)| check((path, file))).collect()
    }

    /// The files that do not have the bytes of the record. One that still has its stamp is not read. Memory: one chunk.
    #[must_use]
    pub fn changed(&self) -> Vec<Damage> {
        let tree = self.complete.tree();
        let check = |((path, file), stamp): ((&PackPath, &FileNode), &FileStamp)| {
            if FileStamp::of_path(&self.files.join(path.as_str())).is_ok_and(|now| now == *stamp) {
                return None;
            }
            let reason = self.check_file(tree, path, file).err()?;
            Some(Damage { path: path.clone(), reason })
        };
        let files = tree.files().map(|(_, path, file)| (path, file));
        files.zip(&self.stamps).filter_map(check).collect()
    }

    fn check_file(&self, tree: &Tree, path: &PackPath, file: &FileNode) -> Result<(), String> {
        let open = self.files().join(path.as_str());
        let metadata = std::fs::symlink_metadata(&open).map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            return Err("it is no regular file".to_owned());
        }
        if metadata.len() != file.size {
            return Err(format!("it has {} bytes instead of {}", metadata.len(), file.size));
        }
        let open = File::open(open).map_err(|error| error.to_string())?;
        if let Some(digest) = &file.opened {
            return check_whole(open, digest).map_err(|error| error.to_string());
        }
        let mut buffer = Vec::new();
        let mut offset = 0;
        for chunk in tree.chunks_of(file) {
            buffer.resize(index(tree.chunk_bytes(*chunk)), 0);
            positioned::read_exact_at(&open, &mut buffer, offset)
                .map_err(|error| error.to_string())?;
            if self.complete.name(*chunk) != Some(&Digest::of(&buffer)) {
                return Err(format!("it differs at byte {offset} or after"));
            }
            offset += size(buffer.len());
        }
        Ok(())
    }
}

/// The chunks of an opened file are not its bytes: it has a digest of its own.
fn check_whole(mut file: File, digest: &Digest) -> std::io::Result<()> {
    let mut hasher = DigestHasher::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
    if hasher.finish() == *digest {
        Ok(())
    } else {
        Err(std::io::Error::other("it differs from what was installed"))
    }
}

fn private() -> headstart_sys::mode::Mode {
    headstart_sys::mode::Mode::PRIVATE
}

fn encode(complete: &CompleteTree, stamps: &[FileStamp]) -> Vec<u8> {
    let tree = complete.tree().encode();
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&size(tree.len()).to_le_bytes());
    out.extend_from_slice(&tree);
    out.extend_from_slice(&section::encode_names(complete));
    for stamp in stamps {
        let FileStamp { device, inode, size_bytes, modified_ns, changed_ns } = stamp;
        let times = [modified_ns.cast_unsigned(), changed_ns.cast_unsigned()];
        for number in [*device, *inode, *size_bytes].into_iter().chain(times) {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
    let digest = Digest::of(&out);
    out.extend_from_slice(digest.as_bytes());
    out
}

fn decode(bytes: &[u8]) -> Result<(CompleteTree, Vec<FileStamp>), FormatError> {
    let truncated = || FormatError::Truncated { what: "the record of a version" };
    let (body, digest) = bytes.split_last_chunk::<{ Digest::LEN }>().ok_or_else(truncated)?;
    let digest = Digest::from_bytes(*digest);
    headstart_model::Verified::check(body, &digest)
        .map_err(|source| FormatError::Damaged { what: "the record of a version", source })?;
    let rest =
        body.strip_prefix(MAGIC).ok_or(FormatError::Magic { what: "the record of a version" })?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(truncated)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| truncated())?;
    let (tree, rest) = rest.split_at_checked(length).ok_or_else(truncated)?;
    let tree = Tree::decode_kept(tree)?;
    let names_bytes = index(tree.chunk_count()) * Digest::LEN;
    let (names, stamps) = rest.split_at_checked(names_bytes).ok_or_else(truncated)?;
    let (names, _) = names.as_chunks::<{ Digest::LEN }>();
    let names = names.iter().map(|name| Digest::from_bytes(*name)).collect();
    let (stamps, _) = stamps.as_chunks::<STAMP_BYTES>();
    let stamps: Vec<_> = stamps.iter().map(stamp).collect();
    if stamps.len() != tree.files().count() {
        return Err(truncated());
    }
    let complete = CompleteTree::new(tree, names).ok_or_else(truncated)?;
    Ok((complete, stamps))
}

fn stamp(bytes: &[u8; STAMP_BYTES]) -> FileStamp {
    let (numbers, _) = bytes.as_chunks::<8>();
    let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
    let mut next = || numbers.next().unwrap_or(0);
    FileStamp {
        device: next(),
        inode: next(),
        size_bytes: next(),
        modified_ns: next().cast_signed(),
        changed_ns: next().cast_signed(),
    }
}
