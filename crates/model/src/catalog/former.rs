//! What is told of the earlier versions of a pack.

use serde::{Deserialize, Serialize};

use super::{DeltaRef, IndexRef, SIZE_BYTES_MAX};
use crate::{Digest, PackVersion};

/// Bytes of a file with [`FormerVersions`]; a larger one is refused before it is read. `Ours:` the author's side writes a
/// tenth of it.
pub const FORMER_BYTES_MAX: u64 = 256 * 1024;

/// The earlier versions of a pack and the deltas that once led to them, so that a device which is older than the deltas of the
/// newest version goes by way of another, and one with parts of several finds what it has. `docs/format/catalog.md`.
///
/// `Ours:` a file of its own, which only such devices fetch, so that the catalog does not grow with the number of versions. What
/// it names was there when it was written; a file that was freed since closes the way that needs it, and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerVersions {
    /// Format of this file: 1.
    pub format: u32,
    /// The versions, newest first.
    pub versions: Vec<FormerVersion>,
}

/// An earlier version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerVersion {
    /// Its number.
    pub version: PackVersion,
    /// Digest of its complete tree.
    pub content: Digest,
    /// Its index: tree and names of its chunks.
    pub index: IndexRef,
    /// The deltas that led to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<DeltaRef>,
}

/// Why what is told of earlier versions is refused although its digest holds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormerError {
    /// Not the JSON of such a file.
    #[error("the list of earlier versions cannot be read")]
    Json(#[from] serde_json::Error),
    /// A format that this program does not know.
    #[error("the list of earlier versions has format {format}; this program reads format 1")]
    Format {
        /// The format that it names.
        format: u32,
    },
    /// A size that nothing has.
    #[error(
        "the list of earlier versions names a file of {bytes} bytes; at most {SIZE_BYTES_MAX} are allowed"
    )]
    Size {
        /// The size.
        bytes: u64,
    },
}

impl FormerVersions {
    /// Format written by this program.
    pub const FORMAT: u32 = 1;

    /// Reads the verified bytes of a file.
    ///
    /// # Errors
    /// [`FormerError`] when they are not JSON of this format or name a size that nothing has.
    pub fn from_json(bytes: &[u8]) -> Result<Self, FormerError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let Head { format } = serde_json::from_slice(bytes)?;
        if format != Self::FORMAT {
            return Err(FormerError::Format { format });
        }
        let former: Self = serde_json::from_slice(bytes)?;
        let sizes = former.versions.iter().flat_map(|version| {
            let deltas = version.deltas.iter().flat_map(|d| [d.bytes, d.structure_bytes]);
            [version.index.structure_bytes, version.index.names_bytes].into_iter().chain(deltas)
        });
        match sizes.max() {
            Some(bytes) if bytes > SIZE_BYTES_MAX => Err(FormerError::Size { bytes }),
            _ => Ok(former),
        }
    }

    /// The bytes of the file; the same versions give the same bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("earlier versions hold only what JSON can hold")
    }
}

impl FormerVersion {
    /// Path of its index below the repository's root.
    #[must_use]
    pub fn index_path(&self, id: &crate::PackId) -> String {
        super::index_path(id, self.version, &self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn former(names_bytes: u64) -> FormerVersions {
        let digest = Digest::of(b"");
        let index = IndexRef { digest, structure_bytes: 1, names_bytes };
        let version =
            FormerVersion { version: PackVersion(1), content: digest, index, deltas: Vec::new() };
        FormerVersions { format: FormerVersions::FORMAT, versions: vec![version] }
    }

    #[test]
    fn json_round_trips_and_broken_rules_are_named() {
        let good = former(32);
        assert_eq!(FormerVersions::from_json(&good.to_json()).expect("own output"), good);
        let later = FormerVersions { format: 2, ..good };
        let refused = FormerVersions::from_json(&later.to_json());
        assert!(matches!(refused, Err(FormerError::Format { format: 2 })));
        let refused = FormerVersions::from_json(&former(SIZE_BYTES_MAX + 1).to_json());
        assert!(matches!(refused, Err(FormerError::Size { bytes }) if bytes == SIZE_BYTES_MAX + 1));
    }
}
