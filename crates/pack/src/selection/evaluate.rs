//! Applying the selectors of a manifest.

use std::path::Path;

use headstart_model::PackPath;
use headstart_model::packaging::{FileSelector, PackagingManifest, Pattern, SelectorPath};

use super::Selection;
use super::collect::{Collector, Content};
use super::error::SelectionError;
use super::exclusion::Exclusions;
use super::source::{Found, Kind, Source, walk};

/// Selects the files and folders of `manifest` below `source_root` (see [`source_root`](super::source_root)).
///
/// Reads folders and the facts about files, never their contents. The source root itself may be reached through a link;
/// below it no link is followed.
///
/// # Errors
/// [`SelectionError`] with the first problem in the order of the selectors, and of names within one.
pub fn select(
    manifest: &PackagingManifest,
    source_root: &Path,
) -> Result<Selection, SelectionError> {
    let mut evaluation = Evaluation {
        source: Source::open(source_root)?,
        exclusions: Exclusions::new(&manifest.file_selectors),
        collector: Collector::default(),
    };
    for selector in &manifest.file_selectors {
        evaluation.apply(selector)?;
    }
    let mut selection = evaluation.collector.finish(evaluation.exclusions.unused());
    (selection.launch_set, selection.unused_launch_paths) =
        manifest.launch_set.iter().cloned().partition(|path| selection.has(path));
    Ok(selection)
}

struct Evaluation {
    source: Source,
    exclusions: Exclusions,
    collector: Collector,
}

/// Where what a folder selector finds goes: from below the first path to below the second. Empty paths are the tops.
struct Move<'a> {
    from: &'a str,
    to: &'a str,
}

impl Evaluation {
    fn apply(&mut self, selector: &FileSelector) -> Result<(), SelectionError> {
        match selector {
            FileSelector::File { file } => self.file(selector, file, file.as_str()),
            FileSelector::PlacedFile { file_source, file_destination } => {
                self.file(selector, file_source, file_destination.as_str())
            }
            FileSelector::Directory { directory } => {
                let path = if directory.is_root() { "" } else { directory.as_str() };
                self.directory(selector, directory, &Move { from: path, to: path })
            }
            FileSelector::PlacedDirectory { directory_source, directory_destination } => {
                let from = if directory_source.is_root() { "" } else { directory_source.as_str() };
                let to = directory_destination.path().map_or("", PackPath::as_str);
                self.directory(selector, directory_source, &Move { from, to })
            }
            FileSelector::FilePattern { file_pattern } => self.pattern(selector, file_pattern),
            FileSelector::FileExclusion { .. } => Ok(()),
        }
    }

    fn file(
        &mut self,
        selector: &FileSelector,
        path: &SelectorPath,
        target: &str,
    ) -> Result<(), SelectionError> {
        let found = self.source.find(path)?.ok_or_else(|| self.nothing(selector))?;
        if matches!(found.kind, Kind::Folder) {
            let placed = matches!(selector, FileSelector::PlacedFile { .. });
            let instead = if placed { "directorySource" } else { "directory" };
            return Err(wrong_kind(selector, "a folder", instead));
        }
        self.put(found, target)
    }

    fn directory(
        &mut self,
        selector: &FileSelector,
        path: &SelectorPath,
        places: &Move<'_>,
    ) -> Result<(), SelectionError> {
        let folder = self.source.find(path)?.ok_or_else(|| self.nothing(selector))?;
        if matches!(folder.kind, Kind::File { .. }) {
            let placed = matches!(selector, FileSelector::PlacedDirectory { .. });
            let instead = if placed { "fileSource" } else { "file" };
            return Err(wrong_kind(selector, "a file", instead));
        }
        if !matches!(folder.kind, Kind::Folder) {
            // A link: it is refused or excluded, in no case followed.
            return self.put(folder, places.to);
        }
        self.put_folder(&folder, places.to)?;
        for found in walk(&folder, usize::MAX) {
            let below = found.path.get(places.from.len()..).unwrap_or_default();
            let target = format!("{}/{}", places.to, below.trim_start_matches('/'));
            self.put(found, target.trim_start_matches('/'))?;
        }
        Ok(())
    }

    /// A pattern selects files: a folder that matches is not selected by that, nor is a link that does not match an error.
    fn pattern(
        &mut self,
        selector: &FileSelector,
        pattern: &Pattern,
    ) -> Result<(), SelectionError> {
        let Some(folder) = self.folder_of_pattern(&pattern.folder())? else {
            return Err(self.nothing(selector));
        };
        let mut matched = false;
        for found in walk(&folder, pattern.depth().unwrap_or(usize::MAX)) {
            let wanted = match &found.kind {
                Kind::Folder => false,
                Kind::Unreadable(_) => true,
                _ => pattern.matches(&found.path),
            };
            if wanted {
                matched = true;
                let target = found.path.clone();
                self.put(found, &target)?;
            }
        }
        if matched { Ok(()) } else { Err(self.nothing(selector)) }
    }

    /// The folder that everything matching lies in; `None` when it is not there.
    fn folder_of_pattern(&mut self, path: &SelectorPath) -> Result<Option<Found>, SelectionError> {
        let found = self.source.find(path)?;
        match found {
            Some(Found { kind: Kind::Other(kind), source, .. }) => {
                Err(SelectionError::NotRegular { path: source, kind })
            }
            found => Ok(found.filter(|found| matches!(found.kind, Kind::Folder))),
        }
    }

    /// Puts a folder itself at `target`, unless that is the top of the pack, which is always there.
    fn put_folder(&mut self, folder: &Found, target: &str) -> Result<(), SelectionError> {
        if target.is_empty() {
            return Ok(());
        }
        let (path, source) = (folder.path.clone(), folder.source.clone());
        self.put(Found { path, source, kind: Kind::Folder, unicode: folder.unicode }, target)
    }

    /// Puts `found` at `target` unless it is excluded. What is excluded may be anything, also what a pack cannot hold.
    fn put(&mut self, found: Found, target: &str) -> Result<(), SelectionError> {
        if self.exclusions.exclude(&found.path) {
            return Ok(());
        }
        let path = found.source;
        if !found.unicode {
            return Err(SelectionError::NotUnicode { path });
        }
        let content = match found.kind {
            Kind::File { size, executable } => Content::File { size, executable },
            Kind::Folder => Content::Folder,
            Kind::Other(kind) => return Err(SelectionError::NotRegular { path, kind }),
            Kind::Unreadable(source) => return Err(SelectionError::Read { path, source }),
        };
        match PackPath::new(target) {
            Ok(place) => self.collector.put(place, &path, content),
            Err(source) => Err(SelectionError::Path { path, source }),
        }
    }

    fn nothing(&self, selector: &FileSelector) -> SelectionError {
        SelectionError::NothingMatches {
            key: selector.key(),
            selector: selector.source().to_owned(),
            root: self.source.root().to_owned(),
        }
    }
}

fn wrong_kind(
    selector: &FileSelector,
    found: &'static str,
    instead: &'static str,
) -> SelectionError {
    let selector_text = selector.source().to_owned();
    SelectionError::WrongKind { key: selector.key(), selector: selector_text, found, instead }
}
