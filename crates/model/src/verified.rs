//! Trust in types: bytes that were checked against a digest are another type than bytes that were not.

use crate::Digest;

/// Bytes that do not have the digest, or the length, that a trusted place names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The length differs.
    #[error("{actual_bytes} bytes where {expected_bytes} were promised")]
    Length {
        /// Bytes promised.
        expected_bytes: u64,
        /// Bytes found.
        actual_bytes: u64,
    },
    /// The digest differs.
    #[error("the bytes have the BLAKE3 digest {} where {} was promised", .actual.short(), .expected.short())]
    Digest {
        /// Digest promised.
        expected: Digest,
        /// Digest found.
        actual: Digest,
    },
}

/// Bytes whose digest was compared with one from a trusted place. The only way to make one is [`Verified::check`].
///
/// What decodes, installs or publishes takes this type, so that unverified bytes cannot reach it by mistake.
/// Bytes that were read back from disk are unverified again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<B> {
    bytes: B,
    digest: Digest,
}

impl<B: AsRef<[u8]>> Verified<B> {
    /// Hashes `bytes` and compares with `expected`.
    ///
    /// # Errors
    /// [`VerifyError::Digest`] when the digests differ.
    pub fn check(bytes: B, expected: &Digest) -> Result<Self, VerifyError> {
        let actual = Digest::of(bytes.as_ref());
        if actual == *expected {
            Ok(Self { bytes, digest: actual })
        } else {
            Err(VerifyError::Digest { expected: *expected, actual })
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// The digest that they have.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Gives the bytes away; what becomes of them is no longer vouched for.
    pub fn into_inner(self) -> B {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_matching_bytes_become_verified() {
        let digest = Digest::of(b"abc");
        assert_eq!(Verified::check(b"abc", &digest).expect("equal").as_bytes(), b"abc");
        assert!(matches!(Verified::check(b"abd", &digest), Err(VerifyError::Digest { .. })));
    }
}
