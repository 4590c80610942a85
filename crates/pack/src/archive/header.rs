//! The first 200 bytes of an archive.

use headstart_model::Digest;

use crate::error::FormatError;
use crate::limits::{
    CHUNKS_MAX, FORMAT_VERSION, FORMAT_VERSION_OLDEST, MANIFEST_BYTES_MAX, STRUCTURE_BYTES_MAX,
};
use crate::numbers::size;
use crate::varint::Cursor;

const MAGIC: &[u8; 8] = b"HSPACK\r\n";

/// The header of an archive: lengths and digests of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveHeader {
    /// Bytes of the packaging manifest.
    pub manifest_bytes: u64,
    /// Bytes of the structure section.
    pub structure_bytes: u64,
    /// Bytes of the names section.
    pub names_bytes: u64,
    /// Bytes of the full bundle.
    pub bundle_bytes: u64,
    /// Identity of the content.
    pub content: Digest,
    /// Digest of the structure section.
    pub structure_digest: Digest,
    /// Digest of the bundle.
    pub bundle_digest: Digest,
    /// Digest of the packaging manifest.
    pub manifest_digest: Digest,
}

impl ArchiveHeader {
    pub(crate) const LEN: usize = 200;

    /// Bytes of the header.
    pub const BYTES: u64 = size(Self::LEN);

    /// Where the bundle begins.
    pub const BUNDLE_OFFSET: u64 = Self::BYTES;

    /// Where the packaging manifest begins.
    #[must_use]
    pub const fn manifest_offset(&self) -> u64 {
        Self::BYTES + self.bundle_bytes
    }

    /// Where the structure section begins; the names section follows it.
    #[must_use]
    pub const fn structure_offset(&self) -> u64 {
        self.manifest_offset() + self.manifest_bytes
    }

    /// Bytes of the whole archive.
    #[must_use]
    pub const fn archive_bytes(&self) -> u64 {
        self.structure_offset() + self.structure_bytes + self.names_bytes
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let manifest_bytes =
            u32::try_from(self.manifest_bytes).expect("limited by MANIFEST_BYTES_MAX");
        let mut out = Vec::with_capacity(Self::LEN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&manifest_bytes.to_le_bytes());
        for number in [self.structure_bytes, self.names_bytes, self.bundle_bytes] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for digest in
            [self.content, self.structure_digest, self.bundle_digest, self.manifest_digest]
        {
            out.extend_from_slice(digest.as_bytes());
        }
        let own = Digest::of(&out);
        out.extend_from_slice(own.as_bytes());
        out
    }

    /// Reads the first [`BYTES`](Self::BYTES) bytes of an archive.
    ///
    /// # Errors
    /// [`FormatError`] when it is no archive, one of another version, one whose header does not have the digest that it names
    /// itself, or one that claims more than the format allows.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new("the archive", bytes);
        if cursor.array::<8>()? != *MAGIC {
            return Err(FormatError::Magic { what: "an asset pack archive" });
        }
        let found = u32::from_le_bytes(cursor.array()?);
        if !(FORMAT_VERSION_OLDEST..=FORMAT_VERSION).contains(&found) {
            let known = FORMAT_VERSION;
            return Err(FormatError::Version { what: "the archive", found, known });
        }
        let header = Self {
            manifest_bytes: u64::from(u32::from_le_bytes(cursor.array()?)),
            structure_bytes: u64::from_le_bytes(cursor.array()?),
            names_bytes: u64::from_le_bytes(cursor.array()?),
            bundle_bytes: u64::from_le_bytes(cursor.array()?),
            content: Digest::from_bytes(cursor.array()?),
            structure_digest: Digest::from_bytes(cursor.array()?),
            bundle_digest: Digest::from_bytes(cursor.array()?),
            manifest_digest: Digest::from_bytes(cursor.array()?),
        };
        let expected = Digest::from_bytes(cursor.array()?);
        let actual = Digest::of(bytes.get(..168).unwrap_or_default());
        if actual != expected {
            let source = headstart_model::VerifyError::Digest { expected, actual };
            return Err(FormatError::Damaged { what: "the archive's header", source });
        }
        cursor.finish()?;
        header.check_limits()?;
        Ok(header)
    }

    fn check_limits(&self) -> Result<(), FormatError> {
        let limits = [
            ("the length of the manifest", self.manifest_bytes, MANIFEST_BYTES_MAX),
            ("the length of the index", self.structure_bytes, STRUCTURE_BYTES_MAX),
            ("the length of the chunk names", self.names_bytes, CHUNKS_MAX * size(Digest::LEN)),
            ("the length of the bundle", self.bundle_bytes, 1 << 50),
        ];
        match limits.into_iter().find(|(_, found, limit)| found > limit) {
            Some((what, found, limit)) => Err(FormatError::Limit { what, found, limit }),
            None => Ok(()),
        }
    }
}
