//! Putting what was selected at its places in the pack.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use headstart_model::PackPath;

use super::error::SelectionError;
use super::{SelectedFile, SelectedFolder, Selection};
use crate::limits::ENTRIES_MAX;

/// What was selected so far, by its place in the pack.
#[derive(Debug, Default)]
pub(super) struct Collector {
    places: BTreeMap<PackPath, Place>,
    /// The path that has each case key.
    cases: HashMap<String, PackPath>,
}

#[derive(Debug)]
struct Place {
    source: PathBuf,
    content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Folder,
    File { size: u64, executable: bool },
}

impl Collector {
    /// Puts something at `path`, and folders above it where there are none.
    ///
    /// The same file may be selected several times, and several folders may be put together into one; anything else at a
    /// place that is taken is an error.
    pub(super) fn put(
        &mut self,
        path: PackPath,
        source: &Path,
        content: Content,
    ) -> Result<(), SelectionError> {
        let mut above = path.parent();
        self.put_one(path, source, content)?;
        while let Some(folder) = above {
            above = folder.parent();
            if self.is_folder(&folder) {
                break;
            }
            self.put_one(folder, source, Content::Folder)?;
        }
        Ok(())
    }

    fn is_folder(&self, path: &PackPath) -> bool {
        self.places.get(path).is_some_and(|place| place.content == Content::Folder)
    }

    fn put_one(
        &mut self,
        path: PackPath,
        source: &Path,
        content: Content,
    ) -> Result<(), SelectionError> {
        match self.places.entry(path) {
            Slot::Occupied(slot) => {
                let there = slot.get();
                let both_folders = there.content == Content::Folder && content == Content::Folder;
                let same_file = there.source == source && there.content == content;
                if both_folders || same_file {
                    return Ok(());
                }
                let (first, second) = (there.source.clone(), source.to_owned());
                Err(SelectionError::TwoSources { path: slot.key().clone(), first, second })
            }
            Slot::Vacant(slot) => {
                let path = slot.key().clone();
                if let Some(first) = self.cases.insert(path.case_key(), path.clone()) {
                    return Err(SelectionError::CaseOnly { first, second: path });
                }
                slot.insert(Place { source: source.to_owned(), content });
                if usize::try_from(ENTRIES_MAX).is_ok_and(|limit| self.places.len() > limit) {
                    return Err(SelectionError::TooMany);
                }
                Ok(())
            }
        }
    }

    pub(super) fn finish(self, unused_exclusions: Vec<String>) -> Selection {
        let mut selection = Selection { unused_exclusions, ..Selection::default() };
        for (path, Place { source, content }) in self.places {
            match content {
                Content::Folder => selection.folders.push(SelectedFolder { path }),
                Content::File { size, executable } => {
                    selection.files.push(SelectedFile { path, source, size, executable });
                }
            }
        }
        selection
    }
}
