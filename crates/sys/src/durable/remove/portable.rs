//! Systems without descriptor-relative calls. Written, not run.
//!
//! `std` refuses to follow links here too; what it does not do is remove read-only files, so
//! their mark is taken first.

use std::fs;
use std::io;
use std::path::Path;

pub(super) fn remove_at(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if metadata.is_dir() {
        make_writable_below(path)?;
        return fs::remove_dir_all(path);
    }
    make_writable(path, &metadata)?;
    fs::remove_file(path)
}

fn make_writable_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            make_writable_below(&entry.path())?;
        }
        make_writable(&entry.path(), &metadata)?;
    }
    Ok(())
}

fn make_writable(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    let mut permissions = metadata.permissions();
    if metadata.is_symlink() || !permissions.readonly() {
        return Ok(());
    }
    #[expect(clippy::permissions_set_readonly_false, reason = "not Unix: only a mark is taken")]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions)
}
