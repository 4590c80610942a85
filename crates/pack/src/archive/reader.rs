//! Reading an archive.

use std::io::{Read, Seek, SeekFrom};

use headstart_model::{Digest, DigestHasher, Verified, VerifyError};

use super::ArchiveHeader;
use crate::error::FormatError;
use crate::limits::IndexLimits;
use crate::numbers::{index, size};
use crate::section::{self, Structure};
use crate::table::BlockTable;
use crate::tree::{CompleteTree, Tree};

/// What stands between the bundle of an archive and its chunk names: enough to know what is in it, and where. Verified
/// against the archive's own header.
#[derive(Debug, Clone)]
pub struct ArchiveIndex {
    /// The packaging manifest: canonical JSON.
    pub manifest: Vec<u8>,
    /// Files, folders and chunks, without the chunks' names.
    pub tree: Tree,
    /// The blocks of the bundle.
    pub table: BlockTable,
}

impl ArchiveIndex {
    /// Reads the bytes of an archive from [`manifest_offset`](ArchiveHeader::manifest_offset) on, up to the chunk names: manifest and
    /// structure section, which may unfold to `plain_bytes_max` bytes, and promise no more than [`limits`](crate::limits) name for one
    /// that nobody signed.
    ///
    /// # Errors
    /// [`FormatError`] when there are more or fewer bytes, they do not have the digests of `header`, do not fit together, or promise
    /// more than that.
    pub fn read(
        header: &ArchiveHeader,
        bytes: Vec<u8>,
        plain_bytes_max: u64,
    ) -> Result<Self, FormatError> {
        Self::read_limited(header, bytes, IndexLimits::unsigned(plain_bytes_max))
    }

    fn read_limited(
        header: &ArchiveHeader,
        bytes: Vec<u8>,
        limits: IndexLimits,
    ) -> Result<Self, FormatError> {
        let mut manifest = bytes;
        let at = usize::try_from(header.manifest_bytes).unwrap_or(usize::MAX);
        if size(manifest.len()) != header.manifest_bytes.saturating_add(header.structure_bytes) {
            return Err(FormatError::Truncated { what: "the archive" });
        }
        let structure = manifest.split_off(at);
        let manifest = check("the manifest", manifest, &header.manifest_digest)?.into_inner();
        let structure = check("the index", structure, &header.structure_digest)?;
        let Structure { tree, table } = section::decode_full_limited(&structure, limits)?;
        // Before they are read: nobody reads more of them than there are chunks.
        if header.names_bytes != u64::from(tree.chunk_count()) * size(Digest::LEN) {
            return Err(FormatError::Rule {
                what: "there are more or fewer chunk names than chunks",
            });
        }
        check_table(&tree, &table, header.bundle_bytes)?;
        Ok(Self { manifest, tree, table })
    }
}

/// An archive whose header, manifest and index were read and verified. Its bundle is verified block by block on the way out.
#[derive(Debug)]
pub struct ArchiveReader<R> {
    input: R,
    header: ArchiveHeader,
    manifest: Vec<u8>,
    complete: CompleteTree,
    table: BlockTable,
    /// Where each block begins, counted from the first.
    offsets: Vec<u64>,
}

impl<R: Read + Seek> ArchiveReader<R> {
    /// Reads header, manifest and index of `input`.
    ///
    /// # Errors
    /// [`FormatError`] when it is no archive, a damaged one, cut short, or one that claims more than it holds. No length is
    /// believed before it was compared with the length of the file.
    pub fn open(input: R) -> Result<Self, FormatError> {
        Self::open_limited(input, IndexLimits::FORMAT)
    }

    /// As [`open`](Self::open), of an archive that nobody vouches for: its index may unfold to `plain_bytes_max` bytes at most, and promise
    /// no more than [`limits`](crate::limits) name for such.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`FormatError::Limit`] when it promises more.
    pub fn open_within(input: R, plain_bytes_max: u64) -> Result<Self, FormatError> {
        Self::open_limited(input, IndexLimits::unsigned(plain_bytes_max))
    }

    fn open_limited(mut input: R, limits: IndexLimits) -> Result<Self, FormatError> {
        let file_bytes = input.seek(SeekFrom::End(0))?;
        if file_bytes < ArchiveHeader::BYTES {
            let mut magic = Vec::new();
            input.seek(SeekFrom::Start(0))?;
            (&mut input).take(8).read_to_end(&mut magic)?;
            let mine = magic.starts_with(b"HSPACK");
            return Err(if mine {
                FormatError::Truncated { what: "the archive" }
            } else {
                FormatError::Magic { what: "an asset pack archive" }
            });
        }
        let header = ArchiveHeader::decode(&read_at(&mut input, 0, ArchiveHeader::BYTES)?)?;
        if header.archive_bytes() > file_bytes {
            return Err(FormatError::Truncated { what: "the archive" });
        }
        if header.archive_bytes() < file_bytes {
            return Err(FormatError::Rule { what: "there are bytes after the end of the archive" });
        }
        let inside = header.manifest_bytes + header.structure_bytes;
        let inside = read_at(&mut input, header.manifest_offset(), inside)?;
        let ArchiveIndex { manifest, tree, table } =
            ArchiveIndex::read_limited(&header, inside, limits)?;
        let offset = header.structure_offset();
        let names = read_at(&mut input, offset + header.structure_bytes, header.names_bytes)?;
        let complete = section::decode_names(tree, &names, &header.content)?;
        let offsets = table.with_offsets().map(|(_, offset, _)| offset).collect();
        Ok(Self { input, header, manifest, complete, table, offsets })
    }

    /// Lengths and digests of the parts.
    pub const fn header(&self) -> &ArchiveHeader {
        &self.header
    }

    /// The packaging manifest: canonical JSON.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// Files, folders and chunks.
    pub const fn complete(&self) -> &CompleteTree {
        &self.complete
    }

    /// The blocks of the bundle.
    pub const fn table(&self) -> &BlockTable {
        &self.table
    }

    /// Reads and verifies the blocks, first to last, and hands each to `take`.
    ///
    /// # Errors
    /// [`FormatError::Damaged`] for the first block that does not have its digest, or what `take` returns.
    pub fn blocks<E: From<FormatError>>(
        &mut self,
        mut take: impl FnMut(u32, Verified<Vec<u8>>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (number, offset, block) in self.table.with_offsets() {
            let at = ArchiveHeader::BUNDLE_OFFSET + offset;
            let stored = read_at(&mut self.input, at, u64::from(block.stored_bytes))?;
            take(number, check("a block of the archive", stored, &block.digest)?)?;
        }
        Ok(())
    }

    /// Block `number`, read and verified.
    ///
    /// # Errors
    /// [`FormatError::Damaged`] when it does not have its digest; [`FormatError::Rule`] when there is none.
    pub fn block(&mut self, number: u32) -> Result<Verified<Vec<u8>>, FormatError> {
        let found = self.table.blocks().get(index(number)).zip(self.offsets.get(index(number)));
        let (block, offset) = found.ok_or(FormatError::Rule { what: "there is no such block" })?;
        let at = ArchiveHeader::BUNDLE_OFFSET + offset;
        let stored = read_at(&mut self.input, at, u64::from(block.stored_bytes))?;
        check("a block of the archive", stored, &block.digest)
    }

    /// Copies the bundle unchanged to `out`.
    ///
    /// # Errors
    /// [`FormatError::Damaged`] when it does not have the digest of the header; then `out` must not be used.
    pub fn copy_bundle(&mut self, out: &mut dyn std::io::Write) -> Result<(), FormatError> {
        self.input.seek(SeekFrom::Start(ArchiveHeader::BUNDLE_OFFSET))?;
        let mut hasher = DigestHasher::new();
        let mut left = self.header.bundle_bytes;
        let mut buffer = vec![0; 256 * 1024];
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let piece = buffer.get_mut(..want).unwrap_or_default();
            self.input.read_exact(piece)?;
            hasher.update(piece);
            out.write_all(piece)?;
            left -= size(piece.len());
        }
        let (expected, actual) = (self.header.bundle_digest, hasher.finish());
        if actual == expected {
            return Ok(());
        }
        let source = VerifyError::Digest { expected, actual };
        Err(FormatError::Damaged { what: "the bundle of the archive", source })
    }

    /// The bytes of the index as it travels: structure section, then names section.
    ///
    /// # Errors
    /// [`FormatError::Io`].
    pub fn index_bytes(&mut self) -> Result<Vec<u8>, FormatError> {
        let bytes = self.header.structure_bytes + self.header.names_bytes;
        read_at(&mut self.input, self.header.structure_offset(), bytes)
    }

    /// The bundle as a stream that stands at its first block.
    ///
    /// # Errors
    /// [`FormatError::Io`].
    pub fn bundle(&mut self) -> Result<impl Read + '_, FormatError> {
        self.input.seek(SeekFrom::Start(ArchiveHeader::BUNDLE_OFFSET))?;
        Ok((&mut self.input).take(self.header.bundle_bytes))
    }
}

/// The caller has compared `bytes` with the length of the file, so this sets aside no more than there is.
fn read_at<R: Read + Seek>(input: &mut R, offset: u64, bytes: u64) -> Result<Vec<u8>, FormatError> {
    input.seek(SeekFrom::Start(offset))?;
    let mut out = Vec::new();
    input.take(bytes).read_to_end(&mut out)?;
    if size(out.len()) == bytes {
        Ok(out)
    } else {
        Err(FormatError::Truncated { what: "the archive" })
    }
}

fn check(
    what: &'static str,
    bytes: Vec<u8>,
    digest: &Digest,
) -> Result<Verified<Vec<u8>>, FormatError> {
    Verified::check(bytes, digest).map_err(|source| FormatError::Damaged { what, source })
}

/// A full bundle holds exactly the blocks of its table, and they yield every chunk.
fn check_table(tree: &Tree, table: &BlockTable, bundle_bytes: u64) -> Result<(), FormatError> {
    if table.stored_bytes() != bundle_bytes {
        return Err(FormatError::Rule { what: "the bundle is not as long as its blocks" });
    }
    let yielded: u64 = table.blocks().iter().map(|block| size(block.chunks().count())).sum();
    if yielded == u64::from(tree.chunk_count()) {
        Ok(())
    } else {
        Err(FormatError::Rule { what: "the bundle does not hold every chunk" })
    }
}
