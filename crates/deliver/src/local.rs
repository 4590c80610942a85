//! Blocks from a bundle in a folder of this machine.

use std::fs::File;
use std::path::PathBuf;

use bytes::Bytes;
use headstart_model::{PackId, Verified, VerifyError};
use headstart_pack::plan::PlannedBlock;
use headstart_sys::positioned;

use crate::error::DeliverError;

/// A block's number and its verified bytes.
pub(crate) type Block = (u32, Verified<Bytes>);

/// Why a block of a local bundle cannot be used.
#[derive(Debug)]
pub(crate) enum LocalError {
    Read(std::io::Error),
    Damaged(VerifyError),
}

impl LocalError {
    pub(crate) fn into_deliver(self, pack: &PackId) -> DeliverError {
        let pack = pack.clone();
        match self {
            Self::Read(source) => DeliverError::Folder { pack, source },
            Self::Damaged(source) => DeliverError::Untrusted { pack, source },
        }
    }
}

/// The planned blocks of the bundle that begins there in this file, read and verified one by one. Memory: one block.
pub(crate) fn blocks(
    (path, at): (PathBuf, u64),
    planned: &[PlannedBlock],
) -> impl Iterator<Item = Result<Block, LocalError>> {
    let mut file = None;
    planned.iter().map(move |block| {
        let file = match &file {
            Some(file) => file,
            None => file.insert(File::open(&path).map_err(LocalError::Read)?),
        };
        // The table's limits hold: a block is at most a few megabytes.
        let mut bytes = vec![0; usize::try_from(block.range.bytes()).unwrap_or(0)];
        let start = at.saturating_add(block.range.start);
        positioned::read_exact_at(file, &mut bytes, start).map_err(LocalError::Read)?;
        let bytes = Verified::check(bytes.into(), &block.digest).map_err(LocalError::Damaged)?;
        Ok((block.number, bytes))
    })
}
