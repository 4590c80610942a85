//! The files that are being written.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use headstart_pack::{FileNode, Node, Place, Tree};
use headstart_sys::mode::Mode;
use headstart_sys::{Action, FileError, identity, mode, positioned};

use crate::error::StoreError;
use crate::installed::InstalledVersion;
use crate::numbers::index;
use crate::opened::{self, FormBytes, RECIPES, ReopenedForms};

use super::write_out::WriteOut;

/// Files kept open at once; well below every platform's limit.
const OPEN_FILES_MAX: usize = 64;
/// Space for larger files is set aside at once, so that a full disk shows early and files lie in one piece.
const PREALLOCATE_FROM_BYTES: u64 = 1024 * 1024;

/// Where opened forms grow; they are gone when the version is in place.
pub(super) const FORMS: &str = "opened";

/// The files of a tree below a folder. Folders exist from the start; files come into being when they are first written.
/// Chunks of an opened file go into its form, from which the file is made at the end.
#[derive(Debug)]
pub(super) struct OutputFiles {
    folder: PathBuf,
    root: PathBuf,
    /// The forms of files that were taken over whole.
    reopened: ReopenedForms,
    /// By entry: whether the file exists with its full length.
    made: Vec<Made>,
    open: HashMap<u32, File>,
    write_out: WriteOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    No,
    /// Being written by chunks.
    Open,
    /// Whole, from an old version: never written to, it may share its bytes with it.
    Taken,
}

impl OutputFiles {
    /// For the version that is assembled in `folder`.
    pub(super) fn create(folder: &Path, tree: &Tree) -> Result<Self, StoreError> {
        let root = &InstalledVersion::files_of(folder);
        let make = |path: &Path| {
            std::fs::create_dir_all(path)
                .map_err(|error| FileError::new(Action::Create, path, error))
        };
        make(root)?;
        if tree.files().any(|(_, _, file)| file.opened.is_some()) {
            make(&folder.join(FORMS))?;
            make(&folder.join(RECIPES))?;
        }
        for entry in tree.entries() {
            if entry.node == Node::Folder {
                make(&root.join(entry.path.as_str()))?;
            }
        }
        let made = vec![Made::No; tree.entries().len()];
        let output = Self {
            folder: folder.to_owned(),
            root: root.to_owned(),
            reopened: ReopenedForms::of(folder.to_owned()),
            made,
            open: HashMap::new(),
            write_out: WriteOut::default(),
        };
        output.make_writable(tree)?;
        Ok(output)
    }

    /// Removes what a broken-off attempt had hard-linked: a write would go through to the installed version. What it had
    /// made read-only, just before its version would have been in place, is opened for writing again.
    fn make_writable(&self, tree: &Tree) -> Result<(), StoreError> {
        for (_, path, _) in tree.files() {
            let path = self.root.join(path.as_str());
            let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
            if identity::link_count(&metadata) > 1 {
                std::fs::remove_file(&path)
                    .map_err(|error| FileError::new(Action::Remove, &path, error))?;
            } else if metadata.is_file() && metadata.permissions().readonly() {
                mode::set_mode(&path, Mode::PRIVATE)?;
            }
        }
        Ok(())
    }

    /// What the forms took on disk that were made again of files that were taken over whole.
    pub(super) fn form_bytes(&self) -> FormBytes {
        self.reopened.bytes()
    }

    fn path(&self, tree: &Tree, entry: u32) -> PathBuf {
        let entry = tree.entries().get(index(entry));
        self.root.join(entry.map_or("", |entry| entry.path.as_str()))
    }

    /// Where the chunks of an entry go.
    pub(super) fn chunks_path(&self, tree: &Tree, entry: u32) -> PathBuf {
        match Self::node(tree, entry) {
            Some(file) if file.opened.is_some() => self.folder.join(FORMS).join(entry.to_string()),
            _ => self.path(tree, entry),
        }
    }

    fn node(tree: &Tree, entry: u32) -> Option<&FileNode> {
        match tree.entries().get(index(entry)).map(|entry| &entry.node) {
            Some(Node::File(file)) => Some(file),
            _ => None,
        }
    }

    /// Bytes of all chunks of an entry.
    fn size(tree: &Tree, entry: u32) -> u64 {
        Self::node(tree, entry).map_or(0, |file| tree.chunked_bytes(file))
    }

    fn made(&self, entry: u32) -> Made {
        self.made.get(index(entry)).copied().unwrap_or(Made::No)
    }

    fn set_made(&mut self, entry: u32, made: Made) {
        if let Some(slot) = self.made.get_mut(index(entry)) {
            *slot = made;
        }
    }

    /// Puts the whole file at `from` into the place of an entry. What lay there, chunks that are held included, is
    /// replaced only by this: a file that could not be had whole costs nothing.
    pub(super) fn take(&mut self, tree: &Tree, entry: u32, from: &Path) -> Result<(), StoreError> {
        let path = self.path(tree, entry);
        self.open.remove(&entry);
        std::fs::rename(from, &path)
            .map_err(|error| FileError::new(Action::Rename, path, error))?;
        self.set_made(entry, Made::Taken);
        Ok(())
    }

    pub(super) fn is_taken(&self, entry: u32) -> bool {
        self.made(entry) == Made::Taken
    }

    /// Writes `parts`, `bytes` in all, at a place; false when the file was taken over whole and has the bytes already.
    pub(super) fn write(
        &mut self,
        tree: &Tree,
        place: Place,
        parts: &[&[u8]],
        bytes: u64,
    ) -> Result<bool, StoreError> {
        if self.is_taken(place.entry) {
            return Ok(false);
        }
        let path = self.chunks_path(tree, place.entry);
        let file = self.file(tree, place.entry)?;
        positioned::write_all_parts_at(file, parts, place.offset)
            .map_err(|error| FileError::new(Action::Write, path, error))?;
        self.write_out.written(place.entry, (place.offset, place.offset + bytes));
        if self.write_out.is_due() {
            self.write_out.begin(&self.open);
        }
        Ok(true)
    }

    /// Appends `length` bytes from a place to `out`.
    pub(super) fn read(
        &mut self,
        tree: &Tree,
        place: Place,
        length: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let start = out.len();
        out.resize(start + index(length), 0);
        let bytes = out.get_mut(start..).unwrap_or_default();
        if self.is_taken(place.entry)
            && Self::node(tree, place.entry).is_some_and(|file| file.opened.is_some())
        {
            let path = self.path(tree, place.entry);
            return if self.reopened.read(place.entry, &path, bytes, place.offset) {
                Ok(())
            } else {
                Err(super::format_error(&path, "a file cannot be opened again"))
            };
        }
        let path = self.chunks_path(tree, place.entry);
        let error = |source| FileError::new(Action::Read, &path, source);
        if let Some(file) = self.open.get(&place.entry) {
            positioned::read_exact_at(file, bytes, place.offset).map_err(error)?;
        } else {
            let file = File::open(&path).map_err(error)?;
            positioned::read_exact_at(&file, bytes, place.offset).map_err(error)?;
        }
        Ok(())
    }

    fn file(&mut self, tree: &Tree, entry: u32) -> Result<&File, StoreError> {
        if !self.open.contains_key(&entry) {
            if self.open.len() >= OPEN_FILES_MAX {
                self.write_out.begin(&self.open);
                self.open.clear();
            }
            let file = self.open_file(tree, entry)?;
            self.open.insert(entry, file);
        }
        let missing =
            || super::format_error(&self.root, "a file is written that is not in the tree");
        self.open.get(&entry).ok_or_else(missing)
    }

    fn open_file(&mut self, tree: &Tree, entry: u32) -> Result<File, StoreError> {
        let path = self.chunks_path(tree, entry);
        let error = |action| {
            let path = path.clone();
            move |source| FileError::new(action, path, source)
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(error(Action::Create))?;
        if self.made(entry) == Made::No {
            let size = Self::size(tree, entry);
            let room = if size >= PREALLOCATE_FROM_BYTES {
                positioned::preallocate(&file, size).map(drop).and_then(|()| file.set_len(size))
            } else {
                file.set_len(size)
            };
            room.map_err(error(Action::Write))?;
            self.set_made(entry, Made::Open);
        }
        Ok(file)
    }

    /// Makes the files that no chunk was written to: empty ones, and those that a broken-off attempt had written whole. Then
    /// the files whose opened forms are whole. Gives the bytes written for these.
    pub(super) fn complete(&mut self, tree: &Tree) -> Result<u64, StoreError> {
        let files: Vec<_> = tree.files().map(|(entry, _, _)| entry).collect();
        for entry in files {
            let entry = u32::try_from(entry).unwrap_or(u32::MAX);
            if self.made(entry) == Made::No {
                self.file(tree, entry)?;
            }
        }
        self.open.clear();
        let mut written = 0;
        for (entry, _, file) in tree.files().filter(|(_, _, file)| file.opened.is_some()) {
            let entry = u32::try_from(entry).unwrap_or(u32::MAX);
            if !self.is_taken(entry) {
                let form = self.chunks_path(tree, entry);
                let recipe = ReopenedForms::recipe_path(&self.folder, entry);
                let form = (form.as_path(), tree.chunked_bytes(file));
                opened::recreate(form, &self.path(tree, entry), &recipe, file)?;
                headstart_sys::crash::point("file re-created");
                written += file.size;
            }
        }
        Ok(written)
    }
}
