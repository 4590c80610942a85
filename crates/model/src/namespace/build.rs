//! Writing a snapshot.

use std::collections::BTreeMap;

use super::layout::{
    ENTRY_BYTES, FLAG_EXECUTABLE, FLAG_FOLDER, FORMAT, HEADER_BYTES, MAGIC, PACK_BYTES, stays_below,
};
use super::{BuildError, EntryKind};
use crate::{DigestHasher, Language, PackId, PackPath, PackVersion};

/// A pack for a snapshot.
#[derive(Debug, Clone)]
pub struct NewPack {
    /// Its id.
    pub id: PackId,
    /// The version that can be read.
    pub version: PackVersion,
    /// Its language; none when it is not localized.
    pub language: Option<Language>,
    /// Its folder: a path below the home, parts joined by `/`. `Ours:` below the home and not
    /// absolute, so that a home can be moved, and so that a snapshot cannot point anywhere else.
    pub root: String,
}

/// Collects packs and writes the bytes of a snapshot. The same packs give the same bytes, in
/// whatever order they come.
///
/// Holds the whole namespace in memory: about 100 bytes a path.
#[derive(Debug)]
pub struct Builder {
    generation: u64,
    packs: BTreeMap<PackId, Draft>,
}

#[derive(Debug)]
struct Draft {
    pack: NewPack,
    entries: BTreeMap<PackPath, EntryKind>,
}

impl Builder {
    /// A snapshot of `generation` with nothing in it.
    #[must_use]
    pub const fn new(generation: u64) -> Self {
        Self { generation, packs: BTreeMap::new() }
    }

    /// Adds a pack with its files and folders, in any order. Folders that only follow from a path
    /// below them may be left out.
    ///
    /// # Errors
    /// [`BuildError`] when the pack is there already, a path is there twice, or the pack's folder
    /// is not below the home. The builder is as it was before.
    pub fn add(
        &mut self,
        pack: NewPack,
        entries: impl IntoIterator<Item = (PackPath, EntryKind)>,
    ) -> Result<(), BuildError> {
        if self.packs.contains_key(&pack.id) {
            return Err(BuildError::DuplicatePack { id: pack.id });
        }
        if !stays_below(&pack.root) || pack.root.len() > usize::from(u16::MAX) {
            return Err(BuildError::Root { id: pack.id, root: pack.root });
        }
        let mut tree = BTreeMap::new();
        for (path, kind) in entries {
            if tree.insert(path.clone(), kind).is_some() {
                return Err(BuildError::DuplicatePath { id: pack.id, path });
            }
        }
        add_parents(&pack.id, &mut tree)?;
        self.packs.insert(pack.id.clone(), Draft { pack, entries: tree });
        Ok(())
    }

    /// The bytes of the snapshot.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] when there are more paths, or longer ones together, than the format
    /// can count.
    pub fn finish(&self) -> Result<Vec<u8>, BuildError> {
        let mut strings = Strings::default();
        let packs = self.pack_table(&mut strings)?;
        let entries = self.entry_table(&mut strings)?;
        let mut bytes =
            Vec::with_capacity(HEADER_BYTES + packs.len() + entries.len() + strings.bytes.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&count("packs", packs.len() / PACK_BYTES)?.to_le_bytes());
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.extend_from_slice(&count("paths", entries.len() / ENTRY_BYTES)?.to_le_bytes());
        bytes.extend_from_slice(&count("bytes of names", strings.bytes.len())?.to_le_bytes());
        let mut hasher = DigestHasher::new();
        for part in [bytes.as_slice(), &packs, &entries, &strings.bytes] {
            hasher.update(part);
        }
        bytes.extend_from_slice(hasher.finish().as_bytes());
        for part in [&packs, &entries, &strings.bytes] {
            bytes.extend_from_slice(part);
        }
        Ok(bytes)
    }

    fn pack_table(&self, strings: &mut Strings) -> Result<Vec<u8>, BuildError> {
        let mut table = Vec::with_capacity(self.packs.len() * PACK_BYTES);
        for Draft { pack, entries } in self.packs.values() {
            let id = strings.add(pack.id.as_str())?;
            let root = strings.add(&pack.root)?;
            let language = strings.add(pack.language.as_ref().map_or("", Language::as_str))?;
            let sizes = entries.values().filter_map(|kind| match kind {
                EntryKind::File { size_bytes, .. } => Some(*size_bytes),
                EntryKind::Folder => None,
            });
            let installed_bytes = sizes.clone().fold(0_u64, u64::saturating_add);
            table.extend_from_slice(&pack.version.0.to_le_bytes());
            table.extend_from_slice(&installed_bytes.to_le_bytes());
            for (offset, _) in [id, root, language] {
                table.extend_from_slice(&offset.to_le_bytes());
            }
            for (_, length) in [id, root, language, (0, 0)] {
                table.extend_from_slice(&length.to_le_bytes());
            }
            table.extend_from_slice(&count("paths", sizes.count())?.to_le_bytes());
        }
        Ok(table)
    }

    fn entry_table(&self, strings: &mut Strings) -> Result<Vec<u8>, BuildError> {
        // Packs come by id, and the sort is stable: entries end up by path, then by pack.
        let mut entries: Vec<(&PackPath, u32, EntryKind)> = Vec::new();
        for (index, draft) in (0_u32..).zip(self.packs.values()) {
            entries.extend(draft.entries.iter().map(|(path, kind)| (path, index, *kind)));
        }
        entries.sort_by_key(|(path, ..)| *path);
        let mut table = Vec::with_capacity(entries.len() * ENTRY_BYTES);
        let mut last: Option<(&PackPath, (u32, u16))> = None;
        for (path, pack, kind) in entries {
            let (offset, length) = match last {
                Some((same, place)) if same == path => place,
                _ => strings.add(path.as_str())?,
            };
            last = Some((path, (offset, length)));
            let (size_bytes, flags) = match kind {
                EntryKind::Folder => (0, FLAG_FOLDER),
                EntryKind::File { size_bytes, executable: false } => (size_bytes, 0),
                EntryKind::File { size_bytes, executable: true } => (size_bytes, FLAG_EXECUTABLE),
            };
            table.extend_from_slice(&size_bytes.to_le_bytes());
            table.extend_from_slice(&offset.to_le_bytes());
            table.extend_from_slice(&length.to_le_bytes());
            table.extend_from_slice(&flags.to_le_bytes());
            table.extend_from_slice(&pack.to_le_bytes());
            table.extend_from_slice(&[0; 4]);
        }
        Ok(table)
    }
}

/// Adds the folders that follow from the paths below them, so that a reader finds every folder by
/// its path.
fn add_parents(id: &PackId, tree: &mut BTreeMap<PackPath, EntryKind>) -> Result<(), BuildError> {
    let mut missing = Vec::new();
    for path in tree.keys() {
        let mut next = path.parent();
        while let Some(folder) = next {
            match tree.get(&folder) {
                Some(EntryKind::Folder) => break,
                Some(EntryKind::File { .. }) => {
                    return Err(BuildError::DuplicatePath { id: id.clone(), path: folder });
                }
                None if missing.last() == Some(&folder) => break,
                None => {
                    next = folder.parent();
                    missing.push(folder);
                }
            }
        }
    }
    tree.extend(missing.into_iter().map(|folder| (folder, EntryKind::Folder)));
    Ok(())
}

fn count(what: &'static str, number: usize) -> Result<u32, BuildError> {
    u32::try_from(number).map_err(|_| BuildError::TooLarge { what, limit: u64::from(u32::MAX) })
}

/// The area of names: each string once after the other, without ends.
#[derive(Debug, Default)]
struct Strings {
    bytes: Vec<u8>,
}

impl Strings {
    fn add(&mut self, text: &str) -> Result<(u32, u16), BuildError> {
        let offset = count("bytes of names", self.bytes.len())?;
        let length = u16::try_from(text.len())
            .expect("ids, tags and paths are short by their types, and roots were checked");
        self.bytes.extend_from_slice(text.as_bytes());
        Ok((offset, length))
    }
}
