//! Relative paths, taken apart into names before any of them is used.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use super::{BeneathError, PathFault};

/// A relative path of plain names; may be empty.
#[derive(Debug)]
pub(super) struct Names(PathBuf);

impl Names {
    /// The names of a folder's path.
    pub(super) fn of_folder(path: &Path, root: &Path) -> Result<Self, BeneathError> {
        let mut names = PathBuf::new();
        for component in path.components() {
            let fault = match component {
                Component::Normal(name) => {
                    names.push(name);
                    continue;
                }
                Component::CurDir => continue,
                Component::ParentDir => PathFault::StepsBack,
                Component::RootDir | Component::Prefix(_) => PathFault::Absolute,
            };
            return Err(refuse(path, root, fault));
        }
        Ok(Self(names))
    }

    /// The names of the folder that holds an entry, and the entry's own.
    pub(super) fn of_entry(path: &Path, root: &Path) -> Result<(Self, OsString), BeneathError> {
        let mut names = Self::of_folder(path, root)?;
        match names.0.file_name().map(OsStr::to_owned) {
            Some(name) => {
                names.0.pop();
                Ok((names, name))
            }
            None => Err(refuse(path, root, PathFault::Empty)),
        }
    }

    pub(super) fn as_path(&self) -> &Path {
        &self.0
    }

    /// Each name, with the path up to and including it.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&OsStr, PathBuf)> {
        self.0.iter().scan(PathBuf::new(), |so_far, name| {
            so_far.push(name);
            Some((name, so_far.clone()))
        })
    }
}

fn refuse(path: &Path, root: &Path, fault: PathFault) -> BeneathError {
    BeneathError::Path { path: path.to_owned(), root: root.to_owned(), fault }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Separators, dots and names in any order: what is accepted is made of plain names, so
        /// that no step of it leads up or away.
        #[test]
        fn accepted_paths_hold_plain_names_alone(text in r"([/\\.]|\.\.|[a-z:\x00]){0,12}") {
            let path = Path::new(&text);
            if let Ok(names) = Names::of_folder(path, Path::new("root")) {
                let mut expected = PathBuf::new();
                for (name, so_far) in names.steps() {
                    prop_assert!(name != ".." && name != "." && !name.is_empty());
                    expected.push(name);
                    prop_assert_eq!(&so_far, &expected);
                    prop_assert_eq!(Path::new(name).components().count(), 1);
                }
                prop_assert!(names.as_path().is_relative());
                prop_assert!(!text.split('/').any(|part| part == ".."));
            } else {
                let steps_back = text.split('/').any(|part| part == "..");
                prop_assert!(steps_back || path.has_root() || cfg!(windows));
            }
        }
    }
}
