//! What can be wrong with a download manifest, or with making one.

use crate::catalog::PACKS_MAX;
use crate::download_manifest::DOWNLOAD_MANIFEST_BYTES_MAX;
use crate::{PackId, UrlProblem};

/// Why a download manifest is refused or cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadManifestError {
    /// More bytes than are read.
    #[error("the download manifest has {bytes} bytes; at most {limit} are allowed", limit = DOWNLOAD_MANIFEST_BYTES_MAX)]
    TooLarge {
        /// Bytes given.
        bytes: usize,
    },
    /// Not JSON, or not of the right shape.
    #[error("the download manifest cannot be read")]
    Json(#[source] serde_json::Error),
    /// More packs than are read.
    #[error("the download manifest lists {packs} packs; at most {limit} are allowed", limit = PACKS_MAX)]
    TooMany {
        /// Packs listed.
        packs: usize,
    },
    /// A pack stands there twice.
    #[error("pack `{id}` is there twice; give each pack once")]
    Duplicate {
        /// The pack.
        id: PackId,
    },
    /// An archive lies where it may not be fetched from.
    #[error("the archive of pack `{id}` may not be downloaded")]
    Url {
        /// The pack.
        id: PackId,
        /// Why.
        #[source]
        source: UrlProblem,
    },
    /// More versions than packs.
    #[error("{versions} versions are given for {packs} packs; they belong together by position")]
    Versions {
        /// Packs given.
        packs: usize,
        /// Versions given.
        versions: usize,
    },
    /// A base URL that nothing can be appended to.
    #[error(
        "`{url}` cannot be the base of download URLs; give one like `https://assets.example.com/packs`"
    )]
    BaseUrl {
        /// The URL as given.
        url: String,
    },
    /// A pack that the manifest does not list yet, and no place for it.
    #[error(
        "pack `{id}` is not in the download manifest yet; give a base URL so that it can be added"
    )]
    BaseUrlMissing {
        /// The pack.
        id: PackId,
    },
    /// The version cannot go up any more.
    #[error("pack `{id}` has the highest possible version")]
    LastVersion {
        /// The pack.
        id: PackId,
    },
}
