//! What an app may download before it is launched for the first time.

use serde::{Deserialize, Serialize};
use url::Url;

use super::domain::DomainPattern;

/// Limits until the first launch: `BAInitialDownloadRestrictions`. `Spec: app-bundle 4`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitialDownloadRestrictions {
    /// Where downloads may come from; at least one entry.
    pub domains: Vec<DomainPattern>,
    /// Most bytes that all nonessential downloads together may transfer.
    pub allowance_bytes: u64,
    /// Most bytes that all essential downloads together may transfer.
    pub essential_allowance_bytes: u64,
}

impl InitialDownloadRestrictions {
    /// Whether the host of `url` is on the list.
    #[must_use]
    pub fn allow(&self, url: &Url) -> bool {
        self.domains.iter().any(|domain| domain.covers(url))
    }
}
