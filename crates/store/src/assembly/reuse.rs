//! Taking over what an old version has.

use std::collections::HashMap;
use std::path::Path;

use headstart_model::Digest;
use headstart_pack::{FileNode, Tree};
use headstart_sys::clone::{self, Allowed, CloneError, Cloned, ClonedUnchanged};
use headstart_sys::durable;
use headstart_sys::identity::FileStamp;

use super::Assembly;
use crate::error::StoreError;
use crate::installed::InstalledVersion;
use crate::numbers::index;
use crate::opened::{self, ReopenedForms};

/// Where a file is cloned to before it goes to its place; in the folder of the assembly.
const CLONE: &str = "clone";

/// What was taken over from an old version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reused {
    /// Files that share their bytes with the old version.
    pub files_cloned: u64,
    /// Bytes of those files.
    pub bytes_cloned: u64,
    /// Bytes that were read, verified and written again.
    pub bytes_copied: u64,
}

/// How whole files may share their bytes with the old version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Both versions are read-only and of the same pack: one inode may serve both.
    HardLinks,
    /// Either side may be written to: reflinks where the disk has them, else copies.
    Independent,
}

/// A file that would be taken over whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeFile {
    /// Its number in [`Tree::entries`](headstart_pack::Tree::entries) of the new tree.
    pub entry: u32,
    /// Its length in bytes.
    pub bytes: u64,
    /// How its bytes may be shared with the old version.
    pub sharing: Sharing,
}

/// The files of `tree` that [`Assembly::reuse`] would take over whole from `old`, if they are as they were recorded. Reads nothing.
#[must_use]
pub fn whole_files(
    tree: &Tree,
    old: &InstalledVersion,
    same: &[Option<u32>],
    sharing: Sharing,
) -> Vec<WholeFile> {
    let old_tree = old.complete().tree();
    let mut by_chunks: HashMap<(&[u32], Option<Digest>), bool> = HashMap::new();
    for (_, _, file) in old_tree.files().filter(|(_, path, _)| old.is_there(path)) {
        let key = (old_tree.chunks_of(file), file.opened);
        by_chunks.entry(key).or_insert(file.executable);
    }
    let candidates = whole_candidates(tree, same).into_iter();
    let whole = candidates.filter_map(|Candidate { entry, chunks, executable, opened, bytes }| {
        let old_chunks: Option<Vec<u32>> =
            chunks.iter().map(|chunk| same.get(index(*chunk)).copied().flatten()).collect();
        let alike = *by_chunks.get(&(old_chunks?.as_slice(), opened))? == executable;
        let sharing = if alike { sharing } else { Sharing::Independent };
        Some(WholeFile { entry, bytes, sharing })
    });
    whole.collect()
}

/// An old version, and what of it is the same in the new one.
#[derive(Debug)]
pub struct OldVersion {
    /// The version.
    pub version: InstalledVersion,
    /// For each new chunk the old chunk with the same bytes.
    pub same: Vec<Option<u32>>,
    /// How whole files may be shared with it.
    pub sharing: Sharing,
}

/// Whole files of all versions first: chunks that were copied into a file are wasted when another version has it whole.
pub(super) fn take_over(
    assembly: &mut Assembly,
    olds: &mut [OldVersion],
) -> Result<Reused, StoreError> {
    let mut reused = Reused::default();
    for OldVersion { version, same, sharing } in &mut *olds {
        let mut stamps = version.stamps().to_vec();
        let taken =
            take_whole_files(assembly, (version, *sharing), same, (&mut reused, &mut stamps));
        // Also after a failure: every hard link moved the change time that the stamp of its file holds.
        version.replace_stamps(stamps);
        taken?;
    }
    for OldVersion { version, same, .. } in olds {
        take_chunks(assembly, version, same, &mut reused)?;
    }
    Ok(reused)
}

/// Files whose chunks are, in order, those of an old file that still has the stamp of its verification. The stamps that
/// the old files have afterwards go into `stamps`.
fn take_whole_files(
    assembly: &mut Assembly,
    (old, sharing): (&InstalledVersion, Sharing),
    same: &[Option<u32>],
    (reused, stamps): (&mut Reused, &mut [FileStamp]),
) -> Result<(), StoreError> {
    let old_tree = old.complete().tree();
    let old_files: Vec<_> = old_tree.files().map(|(_, path, file)| (path, file)).collect();
    let old_entries: Vec<_> = old_tree.files().map(|(entry, _, _)| entry).collect();
    let mut by_chunks: HashMap<(&[u32], Option<Digest>), Vec<usize>> = HashMap::new();
    for (number, (_, file)) in old_files.iter().enumerate() {
        let key = (old_tree.chunks_of(file), file.opened);
        by_chunks.entry(key).or_default().push(number);
    }
    for Candidate { entry, chunks: new_chunks, executable, opened, .. } in
        whole_candidates(&assembly.tree, same)
    {
        if assembly.output.is_taken(entry) {
            continue;
        }
        let Some(old_chunks) = new_chunks
            .iter()
            .map(|chunk| same.get(index(*chunk)).copied().flatten())
            .collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        let Some(numbers) = by_chunks.get(&(old_chunks.as_slice(), opened)) else { continue };
        for number in numbers {
            let Some((path, file)) = old_files.get(*number) else { continue };
            let Some(recorded) = stamps.get_mut(*number) else { continue };
            let Some((source, stamp)) = old.verified_file(recorded, (path, file)) else { continue };
            // A hard link shares the permissions too, so both have to have the same ones.
            let alike = file.executable == executable && sharing == Sharing::HardLinks;
            let allowed =
                if alike { Allowed::ReflinkHardLinkOrCopy } else { Allowed::ReflinkOrCopy };
            if let Some(cloned) = take_file(assembly, entry, (&source, &stamp), allowed)? {
                *recorded = cloned.source;
                if let (Some(_), Some(old_entry)) = (opened, old_entries.get(*number)) {
                    let old_entry = u32::try_from(*old_entry).unwrap_or(u32::MAX);
                    let recipe = ReopenedForms::recipe_path(old.folder(), old_entry);
                    opened::take_recipe(
                        &recipe,
                        &ReopenedForms::recipe_path(&assembly.folder, entry),
                    )?;
                }
                count(reused, cloned.how, file.size);
                break;
            }
        }
    }
    Ok(())
}

/// Puts a clone of `source`, which had `stamp` when it was verified, into the place of an entry; `None` when it cannot be
/// cloned, and then what lies there stays: chunks in it may be held.
fn take_file(
    assembly: &mut Assembly,
    entry: u32,
    (source, stamp): (&Path, &FileStamp),
    allowed: Allowed,
) -> Result<Option<ClonedUnchanged>, StoreError> {
    let scratch = assembly.folder.join(CLONE);
    durable::remove_tree(&scratch)?;
    match clone::clone_unchanged(source, stamp, &scratch, allowed) {
        Ok(cloned) => {
            assembly.output.take(&assembly.tree, entry, &scratch)?;
            Ok(Some(ClonedUnchanged { source: moved_stamp(source, cloned.source), ..cloned }))
        }
        Err(CloneError::File(error)) if error.is_no_space() => Err(error.into()),
        Err(error) => {
            tracing::debug!(%error, "not cloned; its chunks are read instead");
            Ok(None)
        }
    }
}

/// The stamp of a file that had `stamp` before one of its names was moved, which may move its change time too.
fn moved_stamp(path: &Path, stamp: FileStamp) -> FileStamp {
    FileStamp::of_path(path)
        .ok()
        .filter(|now| FileStamp { changed_ns: now.changed_ns, ..stamp } == *now)
        .unwrap_or(stamp)
}

fn count(reused: &mut Reused, how: Cloned, size: u64) {
    match how {
        Cloned::Copied { bytes } => reused.bytes_copied += bytes,
        Cloned::Reflink | Cloned::HardLink => {
            reused.files_cloned += 1;
            reused.bytes_cloned += size;
        }
    }
}

/// A file of which no chunk is new.
struct Candidate {
    entry: u32,
    chunks: Vec<u32>,
    executable: bool,
    opened: Option<Digest>,
    bytes: u64,
}

fn whole_candidates(tree: &Tree, same: &[Option<u32>]) -> Vec<Candidate> {
    let all_same = |file: &FileNode| {
        tree.chunks_of(file)
            .iter()
            .all(|chunk| same.get(index(*chunk)).is_some_and(Option::is_some))
    };
    let files = tree.files().filter(|(_, _, file)| file.size > 0 && all_same(file));
    files
        .map(|(entry, _, file)| Candidate {
            entry: u32::try_from(entry).unwrap_or(u32::MAX),
            chunks: tree.chunks_of(file).to_vec(),
            executable: file.executable,
            opened: file.opened,
            bytes: file.size,
        })
        .collect()
}

/// Every chunk that is the same: noted when all its places are in files taken over whole, else read, verified, written.
fn take_chunks(
    assembly: &mut Assembly,
    old: &InstalledVersion,
    same: &[Option<u32>],
    reused: &mut Reused,
) -> Result<(), StoreError> {
    let mut noted = Vec::new();
    let mut bytes = Vec::new();
    for (chunk, old_chunk) in (0_u32..).zip(same) {
        let Some((old_chunk, name)) = old_chunk.and_then(|old_chunk| {
            let name: Digest = *old.complete().name(old_chunk)?;
            Some((old_chunk, name))
        }) else {
            continue;
        };
        if assembly.held.contains(chunk) {
            continue;
        }
        let places = assembly.places.of_chunk(chunk);
        if !places.iter().all(|place| assembly.output.is_taken(place.entry)) {
            bytes.clear();
            if old.read_chunk(old_chunk, &mut bytes).is_none() {
                continue;
            }
            let tree = std::mem::take(&mut assembly.tree);
            let before = assembly.bytes_written;
            let written = assembly.write_chunk(&tree, chunk, &bytes);
            reused.bytes_copied += assembly.bytes_written - before;
            assembly.bytes_written = before;
            assembly.tree = tree;
            written?;
            noted.push((chunk, name));
        }
        assembly.hold(chunk, name);
    }
    assembly.journal.note(&noted)
}

#[cfg(test)]
mod tests {
    use headstart_model::PackPath;
    use headstart_pack::TreeBuilder;

    use super::*;

    #[test]
    fn a_file_that_cannot_be_cloned_leaves_the_chunks_that_had_arrived() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut builder = TreeBuilder::new();
        let chunk = [(Digest::of(b"held"), 4)];
        builder.file(&PackPath::new("f").expect("fine"), false, chunk).expect("small");
        let complete = builder.finish();
        let (tree, content) = (complete.tree().clone(), complete.content());
        let staging = home.path().join("staging");
        let mut assembly = Assembly::open(&staging, tree.clone(), &content).expect("room");
        assembly.write_chunk(&tree, 0, b"held").expect("room");
        assembly.hold(0, Digest::of(b"held"));
        let source = home.path().join("old");
        std::fs::write(&source, b"held").expect("room");
        let stamp = FileStamp::of_path(&source).expect("exists");
        let other = FileStamp { size_bytes: 5, ..stamp };
        let mut take = |stamp: &FileStamp| {
            let taken = take_file(&mut assembly, 0, (&source, stamp), Allowed::ReflinkOrCopy);
            let bytes = std::fs::read(staging.join("files/f")).expect("in place");
            (taken.expect("room").is_some(), bytes)
        };
        assert_eq!(take(&other), (false, b"held".to_vec()));
        assert_eq!(take(&stamp), (true, b"held".to_vec()));
    }
}
