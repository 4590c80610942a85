//! The index of a version that lies in the repository.

use std::path::Path;

use headstart_model::Verified;
use headstart_model::catalog::CatalogPack;
use headstart_pack::section::{self, Structure};
use headstart_pack::{BlockTable, CompleteTree, FormatError};

use crate::{disk, layout};

/// What an index says.
pub(crate) struct Index {
    pub(crate) complete: CompleteTree,
    pub(crate) table: BlockTable,
}

/// Reads the index of `pack` and checks all of it: structure against its digest, names against the content, and the blocks
/// against the length of the bundle.
pub(crate) fn read(repo: &Path, pack: &CatalogPack) -> Result<Index, FormatError> {
    let file = layout::join(repo, &pack.index_path())
        .expect("paths of a catalog are made of checked names");
    let bytes = disk::read(&file).map_err(|error| FormatError::Io(error.into()))?;
    let cut_short = || FormatError::Truncated { what: "the index" };
    let head = usize::try_from(pack.index.structure_bytes).map_err(|_| cut_short())?;
    let (structure, names) = bytes.split_at_checked(head).ok_or_else(cut_short)?;
    let damaged = |source| FormatError::Damaged { what: "the index", source };
    let structure = Verified::check(structure, &pack.index.digest).map_err(damaged)?;
    let Structure { tree, table } = section::decode_full_kept(&structure)?;
    let complete = section::decode_names(tree, names, &pack.content)?;
    if table.stored_bytes() == pack.full.bytes {
        Ok(Index { complete, table })
    } else {
        Err(FormatError::Rule { what: "the bundle is not as long as its blocks" })
    }
}
