//! Writing what must survive a power cut.
//!
//! A file is replaced as a whole, in this order: a temporary file in the same folder, its content,
//! its permissions, sync of the file, rename over the target, sync of the folder. Whoever opens the
//! target sees the old content or the new, never a mixture and never nothing; once a call here has
//! returned, the new content survives the loss of power.
//!
//! What a kill leaves behind is at most a temporary file, which [`remove_leftovers`] sweeps.
//! Each step passes a [`crate::crash`] point. Ours: a kill at any instant loses nothing.
//!
//! On Windows folders cannot be synced, so the rename is as durable as the file system makes it, and
//! a file that is read-only is not replaced.

mod batch;
mod exchange;
mod file;
mod folder;
mod follow;
mod remove;
#[cfg(test)]
mod tests;
mod tree;

pub use batch::{Unnamed, name_files};
pub use exchange::exchange_folders;
pub use file::{DurableFile, check_replaceable, remove_leftovers, write_file};
pub use folder::{create_folders, link_durably, rename_durably, sync_folder};
pub use follow::follow_links;
#[cfg(unix)]
pub(crate) use remove::remove_entry;
pub use remove::remove_tree;
pub use tree::sync_tree;

use std::path::Path;

/// The folder that holds `path`: its parent, or the working folder for a bare name.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}
