//! The ledger: which releases there were, and which version numbers are taken.
//!
//! A signed target beside the catalogs, `catalogs/SHA256.ledger`, that devices never fetch. It changes in the same signed
//! step as the catalogs, so history can neither run ahead of what is published nor fall behind it.

use std::collections::BTreeMap;

use headstart_model::{ChannelName, PackId, PackVersion, ReleaseNumber};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Sha256;

/// Why a release was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[non_exhaustive]
pub enum Cause {
    /// Packs were published.
    Publish,
    /// The channel took the packs of another.
    Promote {
        /// The other channel.
        from: ChannelName,
    },
    /// The channel went back.
    Rollback {
        /// The release whose packs it has again.
        to: ReleaseNumber,
    },
    /// Packs were withdrawn.
    Remove,
    /// The share of devices that get the release changed; the release is the same.
    Rollout,
}

/// One edition of a channel's catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) release: ReleaseNumber,
    pub(crate) channel: ChannelName,
    pub(crate) at: Timestamp,
    pub(crate) cause: Cause,
    /// Digest of the catalog, which is part of its file's name.
    pub(crate) catalog: Sha256,
}

/// What is known of the versions of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Versions {
    /// The highest number that was ever given; it is never given again.
    pub(crate) newest: PackVersion,
    /// Versions whose files are still there, highest first.
    #[serde(default)]
    pub(crate) kept: Vec<Kept>,
}

/// Where a version is described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    pub(crate) version: PackVersion,
    /// A channel and the digest of an edition of its catalog that lists the version.
    pub(crate) channel: ChannelName,
    pub(crate) catalog: Sha256,
}

/// The content of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ledger {
    pub(crate) format: u32,
    /// The number of the newest release; 0 before the first.
    pub(crate) newest_release: ReleaseNumber,
    /// Editions of catalogs, oldest first.
    pub(crate) rows: Vec<Row>,
    pub(crate) packs: BTreeMap<PackId, Versions>,
}

/// Why a ledger cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    #[error("the ledger is not JSON of the known form")]
    Json(#[from] serde_json::Error),
    #[error("the ledger has format {0}; this program reads format 1")]
    Format(u32),
}

impl Ledger {
    const FORMAT: u32 = 1;

    pub(crate) fn empty() -> Self {
        Self {
            format: Self::FORMAT,
            newest_release: ReleaseNumber(0),
            rows: Vec::new(),
            packs: BTreeMap::new(),
        }
    }

    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, LedgerError> {
        let ledger: Self = serde_json::from_slice(bytes)?;
        if ledger.format == Self::FORMAT {
            Ok(ledger)
        } else {
            Err(LedgerError::Format(ledger.format))
        }
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec_pretty(self).expect("a ledger holds only what JSON can hold");
        bytes.push(b'\n');
        bytes
    }

    /// The editions of a channel's catalog, newest first.
    pub(crate) fn of_channel<'a>(
        &'a self,
        channel: &'a ChannelName,
    ) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().rev().filter(move |row| row.channel == *channel)
    }

    /// The number of the next release.
    pub(crate) fn next_release(&self) -> ReleaseNumber {
        ReleaseNumber(self.newest_release.0.saturating_add(1))
    }

    /// Notes an edition, and the versions that appear in it for the first time.
    pub(crate) fn note(&mut self, row: Row, new_versions: &[(PackId, PackVersion)]) {
        for (id, version) in new_versions {
            let kept =
                Kept { version: *version, channel: row.channel.clone(), catalog: row.catalog };
            let versions = self
                .packs
                .entry(id.clone())
                .or_insert_with(|| Versions { newest: *version, kept: Vec::new() });
            versions.newest = versions.newest.max(*version);
            versions.kept.insert(0, kept);
        }
        self.newest_release = self.newest_release.max(row.release);
        self.rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(release: u64) -> Row {
        Row {
            release: ReleaseNumber(release),
            channel: ChannelName::production(),
            at: Timestamp::UNIX_EPOCH,
            cause: Cause::Rollback { to: ReleaseNumber(1) },
            catalog: Sha256::of(b"catalog"),
        }
    }

    #[test]
    fn json_round_trips() {
        let mut ledger = Ledger::empty();
        ledger.note(row(1), &[(PackId::new("a").expect("an id"), PackVersion(1))]);
        assert_eq!(Ledger::from_json(&ledger.to_json()).expect("own output"), ledger);
    }

    #[test]
    fn a_number_once_given_stays_the_newest() {
        let id = PackId::new("a").expect("an id");
        let mut ledger = Ledger::empty();
        ledger.note(row(1), &[(id.clone(), PackVersion(2))]);
        ledger.note(row(2), &[(id.clone(), PackVersion(1))]);
        assert_eq!(ledger.packs[&id].newest, PackVersion(2));
        assert_eq!(ledger.next_release(), ReleaseNumber(3));
    }

    #[test]
    fn a_later_format_is_refused() {
        let json = String::from_utf8(Ledger::empty().to_json())
            .expect("text")
            .replace("\"format\": 1", "\"format\": 2");
        assert!(matches!(Ledger::from_json(json.as_bytes()), Err(LedgerError::Format(2))));
    }
}
