//! Where a download is in its life.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a download is in its life. `Spec: api 7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum DownloadStatus {
    /// It has failed.
    Failed,
    /// It was made and not scheduled.
    Created,
    /// It is scheduled and waits; `explain` says for what.
    Waiting,
    /// Its bytes are moving.
    Downloading,
    /// It has arrived.
    Finished,
}

impl DownloadStatus {
    /// The number that the specification gives it. `Spec: api 7`.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Failed => -1,
            Self::Created => 0,
            Self::Waiting => 1,
            Self::Downloading => 2,
            Self::Finished => 3,
        }
    }

    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Created => "created",
            Self::Waiting => "waiting",
            Self::Downloading => "downloading",
            Self::Finished => "finished",
        }
    }
}

impl fmt::Display for DownloadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_those_of_the_specification() {
        let all = [
            (DownloadStatus::Failed, -1, "failed"),
            (DownloadStatus::Created, 0, "created"),
            (DownloadStatus::Waiting, 1, "waiting"),
            (DownloadStatus::Downloading, 2, "downloading"),
            (DownloadStatus::Finished, 3, "finished"),
        ];
        for (status, number, name) in all {
            assert_eq!((status.number(), status.as_str()), (number, name));
            assert_eq!(serde_json::to_value(status).expect("a name"), name);
        }
    }
}
