//! Copying a bundle.

use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};

use headstart_model::{ErrorKind, Failure};
use headstart_store::StoreError;
use headstart_sys::clone::{Allowed, clone_file};
use headstart_sys::link::{link_file, link_folder};
use headstart_sys::{Action, FileError, durable};

/// Hears bytes done and in all; may break off.
pub(super) type Progress<'a> = &'a dyn Fn(u64, u64) -> ControlFlow<()>;

/// Copies a folder to where nothing is; files share their bytes with the source where the disk can. Links stay links: one that
/// would not lead to the same thing in the copy is refused. What is neither file, folder nor link is left out.
pub(super) fn copy_tree(
    source: &Path,
    target: &Path,
    progress: Progress<'_>,
) -> Result<(), Failure> {
    let listed = list(source)?;
    let total = listed.iter().map(Listed::bytes).sum();
    let mut done = 0;
    create(target)?;
    for entry in &listed {
        let to = target.join(&entry.below);
        match &entry.kind {
            Kind::Folder => create(&to)?,
            Kind::File { .. } => copy(&source.join(&entry.below), &to)?,
            Kind::Link { leads, to_folder: true } => link_folder(leads, &to).map_err(failed)?,
            Kind::Link { leads, to_folder: false } => link_file(leads, &to).map_err(failed)?,
        }
        done += entry.bytes();
        if progress(done, total).is_break() {
            let stopped = std::io::ErrorKind::Interrupted.into();
            return Err(failed(FileError::new(Action::Clone, source, stopped)));
        }
    }
    durable::sync_tree(target).map_err(failed)
}

fn failed(error: FileError) -> Failure {
    StoreError::from(error).to_failure()
}

fn create(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| failed(FileError::new(Action::Create, folder, error)))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = clone_file(from, to, Allowed::ReflinkOrCopy);
    copied.map(drop).map_err(|error| {
        failed(FileError::new(Action::Clone, from, std::io::Error::other(error.to_string())))
    })
}

struct Listed {
    below: PathBuf,
    kind: Kind,
}

enum Kind {
    Folder,
    File { bytes: u64 },
    Link { leads: PathBuf, to_folder: bool },
}

impl Listed {
    const fn bytes(&self) -> u64 {
        match self.kind {
            Kind::File { bytes } => bytes,
            Kind::Folder | Kind::Link { .. } => 0,
        }
    }
}

/// Everything below `source`, folders before what is in them.
fn list(source: &Path) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let folder = source.join(&below);
        let error = |error| failed(FileError::new(Action::Read, &folder, error));
        for entry in std::fs::read_dir(&folder).map_err(error)? {
            let entry = entry.map_err(error)?;
            let metadata = entry.metadata().map_err(error)?;
            let below = below.join(entry.file_name());
            let kind = if metadata.is_dir() {
                folders.push(below.clone());
                Kind::Folder
            } else if metadata.is_symlink() {
                link(source, &below)?
            } else if metadata.is_file() {
                Kind::File { bytes: metadata.len() }
            } else {
                continue;
            };
            listed.push(Listed { below, kind });
        }
    }
    Ok(listed)
}

/// A link of a bundle, if it leads to something in it by a way that stays in it.
fn link(source: &Path, below: &Path) -> Result<Kind, Failure> {
    let path = source.join(below);
    let found = || {
        let leads = path.read_link().ok().filter(|leads| stays_inside(below, leads))?;
        let (root, end) = (source.canonicalize().ok()?, path.canonicalize().ok()?);
        let to_folder = end.is_dir();
        end.starts_with(root).then_some(Kind::Link { leads, to_folder })
    };
    found().ok_or_else(|| {
        let message =
            format!("`{}` is a link that leads out of the bundle, or to nothing", path.display());
        Failure::new(ErrorKind::InvalidInput, "bundleLink", message)
            .with_hint("let it lead to something in the bundle, by a relative path")
    })
}

/// Whether what a link says is relative, and climbs no higher than the bundle.
fn stays_inside(below: &Path, leads: &Path) -> bool {
    let above = below.components().count().saturating_sub(1);
    let depth = leads.components().try_fold(above, |depth, component| match component {
        Component::Normal(_) => Some(depth + 1),
        Component::CurDir => Some(depth),
        Component::ParentDir => depth.checked_sub(1),
        Component::RootDir | Component::Prefix(_) => None,
    });
    depth.is_some()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn copy(bundle: &Path) -> Result<PathBuf, Failure> {
        let target = bundle.with_file_name("copy");
        copy_tree(bundle, &target, &|_, _| ControlFlow::Continue(())).map(|()| target)
    }

    fn bundle() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("room");
        let bundle = folder.path().join("bundle");
        std::fs::create_dir_all(bundle.join("lib/deep")).expect("room");
        std::fs::write(bundle.join("lib/libfoo.so.1"), "library").expect("room");
        (folder, bundle)
    }

    #[test]
    fn links_that_stay_inside_are_links_in_the_copy() {
        let (_folder, bundle) = bundle();
        symlink("libfoo.so.1", bundle.join("lib/libfoo.so")).expect("room");
        symlink("../../lib", bundle.join("lib/deep/up")).expect("room");
        let copy = copy(&bundle).expect("all stays inside");
        std::fs::remove_dir_all(&bundle).expect("there");
        assert!(copy.join("lib/libfoo.so").is_symlink());
        let through = std::fs::read_to_string(copy.join("lib/deep/up/libfoo.so"));
        assert_eq!(through.expect("it leads there"), "library");
    }

    #[test]
    fn links_that_lead_elsewhere_are_refused_by_name() {
        let outside = ["../../outside", "../../bundle/lib/libfoo.so.1", "libbar.so", "/usr/lib"];
        for leads in outside {
            let (folder, bundle) = bundle();
            std::fs::write(folder.path().join("outside"), "").expect("room");
            symlink(leads, bundle.join("lib/link")).expect("room");
            let failure = copy(&bundle).expect_err(leads);
            assert_eq!(failure.code.as_str(), "bundleLink");
            assert!(failure.message.contains("lib/link"), "{failure}");
        }
    }
}
