//! What the paths on the command line are.

use std::path::{Path, PathBuf};

use headstart_model::{ErrorKind, Failure};
use headstart_repo::layout;

use crate::failure;

/// What is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// A signed repository and its first root.
    Repository { folder: PathBuf, root: PathBuf },
    /// Archives, of which a throw-away repository is made.
    Archives(Vec<PathBuf>),
    /// Any other folder.
    Folder(PathBuf),
}

impl Content {
    pub(super) fn of(paths: &[PathBuf]) -> Result<Self, Failure> {
        for path in paths {
            std::fs::metadata(path)
                .map_err(|error| failure::of_input("path", "pathMissing", path, &error))?;
        }
        match paths {
            [folder] if folder.is_dir() => Ok(Self::of_folder(folder)),
            paths if paths.iter().all(|path| path.is_file()) => Ok(Self::Archives(paths.to_vec())),
            _ => {
                let message = "a folder is served by itself, archives together";
                Err(Failure::new(ErrorKind::Usage, "usage", message)
                    .with_hint("start one server for each folder"))
            }
        }
    }

    fn of_folder(folder: &Path) -> Self {
        let root = layout::join(folder, layout::FIRST_ROOT).filter(|root| root.is_file());
        match root {
            Some(root) => Self::Repository { folder: folder.to_owned(), root },
            None => Self::Folder(folder.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart_by_what_they_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("repo/metadata")).expect("a folder");
        std::fs::write(path("repo/metadata/root.json"), "{}").expect("a file");
        std::fs::write(path("a.assetpack"), "").expect("a file");
        let root = path("repo/metadata/root.json");
        assert_eq!(
            Content::of(&[path("repo")]).expect("there"),
            Content::Repository { folder: path("repo"), root }
        );
        assert_eq!(
            Content::of(&[path("repo/metadata")]).expect("there"),
            Content::Folder(path("repo/metadata"))
        );
        assert_eq!(
            Content::of(&[path("a.assetpack")]).expect("there"),
            Content::Archives(vec![path("a.assetpack")])
        );
        assert!(Content::of(&[path("a.assetpack"), path("repo")]).is_err());
        assert_eq!(
            Content::of(&[path("missing")]).expect_err("missing").code.as_str(),
            "pathMissing"
        );
    }
}
