//! Asset packs.

use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign};

use serde::Serialize;

use crate::download::{ContentRequest, Download};
use crate::error::{Fallible, fallible};

/// What an asset pack says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssetPackSnapshot {
    /// Its id.
    pub id: String,
    /// Bytes of a fresh download.
    pub download_size: i64,
    /// Its version.
    pub version: i64,
    /// Id and version, for people.
    pub description: String,
}

/// The flags of a pack's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct AssetPackStatus(u64);

impl AssetPackStatus {
    /// It can be downloaded.
    pub const DOWNLOAD_AVAILABLE: Self = Self(1 << 0);
    /// An update can be downloaded.
    pub const UPDATE_AVAILABLE: Self = Self(1 << 1);
    /// The local copy is the newest.
    pub const UP_TO_DATE: Self = Self(1 << 2);
    /// The local copy is older.
    pub const OUT_OF_DATE: Self = Self(1 << 3);
    /// It is offered no longer.
    pub const OBSOLETE: Self = Self(1 << 4);
    /// It is being downloaded.
    pub const DOWNLOADING: Self = Self(1 << 5);
    /// It can be read.
    pub const DOWNLOADED: Self = Self(1 << 6);

    /// The flags of these bits.
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether it has all flags of `other`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it has no flag.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for AssetPackStatus {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for AssetPackStatus {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for AssetPackStatus {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitAndAssign for AssetPackStatus {
    fn bitand_assign(&mut self, other: Self) {
        self.0 &= other.0;
    }
}

/// An asset pack.
#[derive(Debug, Clone)]
pub struct AssetPack(pub(crate) headstart::AssetPack);

impl AssetPack {
    /// Its id.
    pub fn id(&self) -> String {
        self.0.id().to_owned()
    }

    /// Bytes of a fresh download.
    pub fn download_size(&self) -> i64 {
        signed(self.0.download_size())
    }

    /// Its version.
    pub fn version(&self) -> i64 {
        signed(self.0.version().0)
    }

    /// Id and version, for people.
    pub fn description(&self) -> String {
        self.0.to_string()
    }

    /// What its author says of it, as JSON.
    pub fn user_info(&self) -> Option<Vec<u8>> {
        self.0.user_info().map(|value| value.to_string().into_bytes())
    }

    /// All of it.
    pub fn snapshot(&self) -> AssetPackSnapshot {
        AssetPackSnapshot {
            id: self.id(),
            download_size: self.download_size(),
            version: self.version(),
            description: self.description(),
        }
    }

    /// The download of its archive.
    ///
    /// # Errors
    /// When the service downloads it by itself, as every pack of an [`crate::AssetPackManager`].
    pub fn download(&self) -> Fallible<Download> {
        self.for_request(None)
    }

    /// The download of its archive, as an answer to this request.
    ///
    /// # Errors
    /// As [`download`](Self::download).
    pub fn download_for_request(&self, request: ContentRequest) -> Fallible<Download> {
        self.for_request(request.known())
    }

    fn for_request(&self, request: Option<headstart::ContentRequest>) -> Fallible<Download> {
        fallible(self.0.download(request).map(Download))
    }
}

/// A number of ours as the original has it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
