//! What is live in a repository, and what was.

use std::path::Path;

use headstart_model::catalog::CatalogPack;
use headstart_model::{AppVersions, ChannelName, PackId, PackVersion, ReleaseNumber};
use jiff::Timestamp;

use crate::author::PublishError;
use crate::author::ledger::Cause;
use crate::author::published::{Editions, Published};
use crate::{disk, layout};

/// A pack in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPack {
    /// The pack.
    pub id: PackId,
    /// Its version.
    pub version: PackVersion,
    /// The versions of the app that it is for; none means all.
    pub app_versions: Option<AppVersions>,
    /// What the others get, newest first.
    pub fallbacks: Vec<ListedPack>,
}

/// A channel and what is live in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChannel {
    /// The channel.
    pub name: ChannelName,
    /// Its live release.
    pub release: ReleaseNumber,
    /// The share of devices that get it, 0 to 100.
    pub rollout_percent: u8,
    /// Its packs, by id.
    pub packs: Vec<ListedPack>,
}

/// A release as it was made. A change of the share of devices appears as another entry with the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRelease {
    /// Its number.
    pub release: ReleaseNumber,
    /// Its channel.
    pub channel: ChannelName,
    /// When it was made.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// The share of devices that got it, 0 to 100.
    pub rollout_percent: u8,
    /// The packs of the channel from then on, by id.
    pub packs: Vec<ListedPack>,
}

/// The channels of the repository in `repo`, by name, and what is live in them.
///
/// The signatures are checked from the root that lies in the repository itself: this shows what is there, and is no proof of
/// who put it there.
///
/// # Errors
/// [`PublishError::NotARepository`]; [`PublishError::Repository`] when the signatures do not hold together.
///
/// # Cancel safety
/// Nothing is written.
pub async fn list(repo: &Path) -> Result<Vec<ListedChannel>, PublishError> {
    let published = Published::load(repo, &own_root(repo)?).await?;
    let channel =
        |(name, catalog): (ChannelName, headstart_model::catalog::Catalog)| ListedChannel {
            name,
            release: catalog.release,
            rollout_percent: catalog.rollout_percent,
            packs: listed(&catalog.packs),
        };
    Ok(published.catalogs.into_iter().map(channel).collect())
}

/// The releases of the repository in `repo` that were not freed, newest first. Trust is as for [`list`].
///
/// # Errors
/// Those of [`list`].
///
/// # Cancel safety
/// Nothing is written.
pub async fn log(repo: &Path) -> Result<Vec<LoggedRelease>, PublishError> {
    let published = Published::load(repo, &own_root(repo)?).await?;
    let mut editions = Editions::new(repo);
    let mut releases = Vec::new();
    for row in published.ledger.rows.into_iter().rev() {
        let catalog = editions.of_row(&row)?;
        releases.push(LoggedRelease {
            release: row.release,
            channel: row.channel,
            at: row.at,
            cause: row.cause,
            rollout_percent: catalog.rollout_percent,
            packs: listed(&catalog.packs),
        });
    }
    Ok(releases)
}

fn listed(packs: &[CatalogPack]) -> Vec<ListedPack> {
    let one = |pack: &CatalogPack| ListedPack {
        id: pack.id.clone(),
        version: pack.version,
        app_versions: pack.app_versions.clone(),
        fallbacks: listed(&pack.fallbacks),
    };
    packs.iter().map(one).collect()
}

/// The first root that lies in the repository itself.
pub(crate) fn own_root(repo: &Path) -> Result<Vec<u8>, PublishError> {
    let path =
        layout::join(repo, layout::FIRST_ROOT).expect("a constant path is made of ordinary names");
    disk::read_if_there(&path)?
        .ok_or_else(|| PublishError::NotARepository { path: repo.to_owned() })
}
