//! The digests by which whole files are known.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use headstart_model::{Digest, DigestHasher, ParseDigestError};

/// The digest of a whole file, from a trusted place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileHash {
    /// BLAKE3-256, as everywhere in this project.
    Blake3(Digest),
    /// SHA-256, as most web pages publish it.
    Sha256([u8; 32]),
}

impl FileHash {
    /// A SHA-256 from its 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`ParseDigestError`] when it is anything else.
    pub fn sha256(text: &str) -> Result<Self, ParseDigestError> {
        // Both digests have 32 bytes and are written alike.
        Digest::from_str(text).map(|bytes| Self::Sha256(*bytes.as_bytes()))
    }

    /// The digest of the same kind of other bytes.
    pub(super) fn of(self, bytes: &[u8]) -> Self {
        let mut hasher = self.hasher();
        hasher.update(bytes);
        hasher.finish()
    }

    /// The digest of the same kind of a file. Blocks.
    pub(super) fn of_file(self, mut file: &File) -> io::Result<Self> {
        file.rewind()?;
        let mut hasher = self.hasher();
        let mut buffer = vec![0; 512 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                length => hasher.update(buffer.get(..length).unwrap_or_default()),
            }
        }
    }

    fn hasher(self) -> Hasher {
        match self {
            Self::Blake3(_) => Hasher::Blake3(Box::default()),
            Self::Sha256(_) => Hasher::Sha256(Box::new(Context::new(&SHA256))),
        }
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blake3(digest) => write!(f, "blake3 {digest}"),
            Self::Sha256(bytes) => write!(f, "sha256 {}", Digest::from_bytes(*bytes)),
        }
    }
}

enum Hasher {
    Blake3(Box<DigestHasher>),
    Sha256(Box<Context>),
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Blake3(hasher) => hasher.update(bytes),
            Self::Sha256(context) => context.update(bytes),
        }
    }

    fn finish(self) -> FileHash {
        match self {
            Self::Blake3(hasher) => FileHash::Blake3(hasher.finish()),
            Self::Sha256(context) => {
                let digest = context.finish();
                let bytes = digest.as_ref().try_into().expect("SHA-256 has 32 bytes");
                FileHash::Sha256(bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn both_kinds_give_their_published_digests() {
        let sha256 = FileHash::sha256(ABC).expect("64 digits");
        assert_eq!(sha256.of(b"abc"), sha256);
        assert_eq!(sha256.to_string(), format!("sha256 {ABC}"));
        let blake3 = FileHash::Blake3(Digest::of(b"abc"));
        assert_eq!(blake3.of(b"abc"), blake3);
        assert_ne!(blake3.of(b"abd"), blake3);
    }
}
