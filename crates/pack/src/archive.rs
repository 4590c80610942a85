//! The archive: one self-contained file with manifest, index and full bundle. `docs/format/pack.md`, "Archive".
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `HSPACK` and two bytes: 0x0d 0x0a, which a transfer as text would spoil |
//! | 8 | 4 | format version, 2 |
//! | 12 | 4 | bytes of the manifest |
//! | 16 | 8 | bytes of the structure section |
//! | 24 | 8 | bytes of the names section |
//! | 32 | 8 | bytes of the bundle |
//! | 40 | 32 | content digest |
//! | 72 | 32 | digest of the structure section |
//! | 104 | 32 | digest of the bundle |
//! | 136 | 32 | digest of the manifest |
//! | 168 | 32 | digest of bytes 0 to 167 |
//! | 200 | | bundle, manifest, structure section, names section |
//!
//! Numbers are little-endian. The bundle stands first so that it can be written before the index is known.

mod header;
mod reader;

use std::io::{Seek, SeekFrom, Write};

use headstart_model::Digest;

use crate::error::BuildError;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::numbers::size;

pub use header::ArchiveHeader;
pub use reader::{ArchiveIndex, ArchiveReader};

/// What is known once the bundle is written.
pub(crate) struct ArchiveParts<'a> {
    pub(crate) manifest: &'a [u8],
    pub(crate) structure: &'a [u8],
    pub(crate) names: &'a [u8],
    pub(crate) bundle_bytes: u64,
    pub(crate) bundle_digest: Digest,
    pub(crate) content: Digest,
}

/// Keeps the room of the header free; an archive that is cut off here is no archive.
pub(crate) fn write_placeholder<W: Write>(out: &mut W) -> Result<(), BuildError> {
    out.write_all(&[0; ArchiveHeader::LEN]).map_err(BuildError::Write)
}

/// Writes what follows the bundle, then the header. Gives the bytes of the whole archive.
pub(crate) fn finish<W: Write + Seek>(
    out: &mut W,
    parts: &ArchiveParts<'_>,
) -> Result<u64, BuildError> {
    let limit = MANIFEST_BYTES_MAX;
    if size(parts.manifest.len()) > limit {
        return Err(BuildError::TooMany { what: "bytes in the packaging manifest", limit });
    }
    let header = ArchiveHeader {
        manifest_bytes: size(parts.manifest.len()),
        structure_bytes: size(parts.structure.len()),
        names_bytes: size(parts.names.len()),
        bundle_bytes: parts.bundle_bytes,
        content: parts.content,
        structure_digest: Digest::of(parts.structure),
        bundle_digest: parts.bundle_digest,
        manifest_digest: Digest::of(parts.manifest),
    };
    let mut write = || {
        out.write_all(parts.manifest)?;
        out.write_all(parts.structure)?;
        out.write_all(parts.names)?;
        out.seek(SeekFrom::Start(0))?;
        out.write_all(&header.encode())?;
        out.seek(SeekFrom::End(0))
    };
    write().map_err(BuildError::Write)
}
