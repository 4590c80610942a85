//! Files and folders that last as long as a command.
//!
//! They lie in the cache folder of the home, which has room where the system's folder for temporary files may be memory.

use std::fs::File;
use std::path::PathBuf;

use headstart_model::Failure;
use headstart_sys::{Action, FileError};
use tempfile::TempDir;

use crate::context::Context;
use crate::failure;

/// An empty folder. It goes when it is dropped.
pub(crate) fn folder(context: &Context, purpose: &str) -> Result<TempDir, Failure> {
    let cache = cache(context)?;
    let made = tempfile::Builder::new().prefix(&format!("{purpose}-")).tempdir_in(&cache);
    made.map_err(|error| failure::of_file(&FileError::new(Action::Create, cache, error)))
}

/// An empty file without a name, so that not even a kill leaves it behind where the platform can do that.
pub(crate) fn file(context: &Context) -> Result<File, Failure> {
    let cache = cache(context)?;
    tempfile::tempfile_in(&cache)
        .map_err(|error| failure::of_file(&FileError::new(Action::Create, cache, error)))
}

fn cache(context: &Context) -> Result<PathBuf, Failure> {
    let home = context.home()?;
    home.prepare().map_err(|error| failure::of_home(&error))?;
    Ok(home.cache_folder().to_owned())
}
