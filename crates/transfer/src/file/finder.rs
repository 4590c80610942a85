//! What earlier calls left, looked for by many at once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use headstart_model::Digest;
use url::Url;

use super::batcher::Batcher;
use super::own::cannot_write;
use super::part::Part;
use super::state::source_digest;
use super::turn::Turn;
use crate::TransferError;

/// A target, the digest of where its content comes from, and the right to work on it.
type Wanted = (PathBuf, Digest, Arc<Turn>);

/// Looks for half-finished files. Those that are asked for at the same time are looked for together.
#[derive(Debug)]
pub(crate) struct Finder(Arc<Batcher<Wanted, io::Result<Part>>>);

impl Finder {
    pub(crate) fn new() -> Self {
        let look = |wanted: Vec<Wanted>| {
            let find = |(target, source, turn)| Part::find(target, source, turn);
            wanted.into_iter().map(find).collect()
        };
        Self(Arc::new(Batcher::new(look)))
    }

    /// What an earlier call for this URL left beside `target`, if anything.
    pub(super) async fn find(
        &self,
        target: &Path,
        url: &Url,
        turn: Turn,
    ) -> Result<Part, TransferError> {
        let path = target.to_owned();
        let found = self.0.submit((path.clone(), source_digest(url), Arc::new(turn))).await;
        found.flatten().map_err(|source| cannot_write(path, source))
    }
}
