//! What a change makes of the catalogs: pure decisions, without I/O.

use std::collections::BTreeMap;

use headstart_model::catalog::{Catalog, CatalogPack, PACKS_MAX};
use headstart_model::{ChannelName, PackId, PackVersion, ReleaseNumber};
use jiff::Timestamp;

use crate::author::ChangeError;
use crate::author::ledger::{Cause, Row};

/// What is live, and the moment of the change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live<'a> {
    pub(crate) catalogs: &'a BTreeMap<ChannelName, Catalog>,
    pub(crate) next_release: ReleaseNumber,
    pub(crate) now: Timestamp,
}

/// A release as it would be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) release: ReleaseNumber,
    pub(crate) cause: Cause,
    /// The catalogs that change.
    pub(crate) catalogs: Vec<Catalog>,
    /// Versions that appear for the first time.
    pub(crate) new_versions: Vec<(PackId, PackVersion)>,
}

/// A pack of a request, after its version was decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offer {
    pub(crate) pack: CatalogPack,
    pub(crate) standing: Standing,
    /// The file that tells of earlier versions, of a new version that has some.
    pub(crate) former: Option<Vec<u8>>,
}

/// Whether a version is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It appears for the first time.
    New,
    /// It was published before, with this content and manifest.
    Known,
}

impl<'a> Live<'a> {
    fn catalog(&self, channel: &ChannelName) -> Result<&'a Catalog, ChangeError> {
        self.catalogs
            .get(channel)
            .ok_or_else(|| ChangeError::UnknownChannel { channel: channel.clone() })
    }

    fn release_for_all(&self, channel: &ChannelName, packs: Vec<CatalogPack>) -> Catalog {
        Catalog {
            format: Catalog::FORMAT,
            channel: channel.clone(),
            release: self.next_release,
            published_at: self.published_at(),
            rollout_percent: 100,
            packs,
            former: Vec::new(),
        }
    }

    /// What a channel offers of a pack: with the versions before as fallbacks for those versions of the app that it is not for.
    fn offered(live: Option<&Catalog>, pack: &CatalogPack) -> CatalogPack {
        let known = live.into_iter().flat_map(|live| &live.packs).find(|live| live.id == pack.id);
        match known {
            Some(known) if known.version == pack.version => known.clone(),
            Some(known) => {
                pack.with_fallbacks(std::iter::once(known).chain(&known.fallbacks).cloned())
            }
            None => pack.alone(),
        }
    }

    /// Whole seconds: the fraction would say nothing.
    fn published_at(&self) -> String {
        Timestamp::from_second(self.now.as_second()).unwrap_or(self.now).to_string()
    }

    fn draft(&self, cause: Cause, mut catalogs: Vec<Catalog>) -> Draft {
        for catalog in &mut catalogs {
            catalog.format = catalog.format_needed();
        }
        Draft { release: self.next_release, cause, catalogs, new_versions: Vec::new() }
    }

    /// Adds or replaces packs in a channel; the others stay. None when the channel has exactly these already.
    pub(crate) fn publish(
        &self,
        channel: &ChannelName,
        percent: u8,
        offers: Vec<Offer>,
    ) -> Result<Option<Draft>, ChangeError> {
        check_percent(percent)?;
        let live = self.catalogs.get(channel);
        let mut packs: BTreeMap<PackId, CatalogPack> = live
            .into_iter()
            .flat_map(|live| &live.packs)
            .map(|pack| (pack.id.clone(), pack.clone()))
            .collect();
        let mut new_versions = Vec::new();
        for Offer { pack, standing, .. } in offers {
            if standing == Standing::New {
                new_versions.push((pack.id.clone(), pack.version));
            }
            packs.insert(pack.id.clone(), Self::offered(live, &pack));
        }
        if packs.len() > PACKS_MAX {
            let (channel, count) = (channel.clone(), packs.len());
            return Err(ChangeError::TooMany { channel, count, limit: PACKS_MAX });
        }
        let packs: Vec<CatalogPack> = packs.into_values().collect();
        if live.is_some_and(|live| live.packs == packs) {
            return Ok(None);
        }
        let catalog = Catalog {
            rollout_percent: percent,
            former: if percent == 100 {
                Vec::new()
            } else {
                live.map(for_everybody).unwrap_or_default()
            },
            ..self.release_for_all(channel, packs)
        };
        Ok(Some(Draft { new_versions, ..self.draft(Cause::Publish, vec![catalog]) }))
    }

    /// Changes the share of devices that get the live release of a channel. None when it is that already.
    ///
    /// The release keeps its number: devices draw their lot from it, so that a growing share only adds devices. `before`
    /// are the packs of the last release that was for all; devices outside a share that shrinks go back to them.
    pub(crate) fn rollout(
        &self,
        channel: &ChannelName,
        percent: u8,
        before: Vec<CatalogPack>,
    ) -> Result<Option<Draft>, ChangeError> {
        check_percent(percent)?;
        let live = self.catalog(channel)?;
        if live.rollout_percent == percent {
            return Ok(None);
        }
        let former = match (live.rollout_percent, percent) {
            (_, 100) => Vec::new(),
            (100, _) => before,
            _ => live.former.clone(),
        };
        let catalog = Catalog { rollout_percent: percent, former, ..live.clone() };
        let release = live.release;
        Ok(Some(Draft { release, ..self.draft(Cause::Rollout, vec![catalog]) }))
    }

    /// Gives one channel the packs of another, for all devices. None when it has them.
    pub(crate) fn promote(
        &self,
        from: &ChannelName,
        to: &ChannelName,
    ) -> Result<Option<Draft>, ChangeError> {
        let source = self.catalog(from)?;
        if self
            .catalogs
            .get(to)
            .is_some_and(|live| live.packs == source.packs && live.rollout_percent == 100)
        {
            return Ok(None);
        }
        let catalog = self.release_for_all(to, source.packs.clone());
        Ok(Some(self.draft(Cause::Promote { from: from.clone() }, vec![catalog])))
    }

    /// Gives a channel the packs of one of its earlier releases again, for all devices.
    pub(crate) fn rollback(
        &self,
        channel: &ChannelName,
        to: ReleaseNumber,
        packs: Vec<CatalogPack>,
    ) -> Result<Draft, ChangeError> {
        self.catalog(channel)?;
        let catalog = self.release_for_all(channel, packs);
        Ok(self.draft(Cause::Rollback { to }, vec![catalog]))
    }

    /// Withdraws packs from every channel, for devices inside and outside a rollout's share.
    pub(crate) fn remove(&self, ids: &[PackId]) -> Result<Draft, ChangeError> {
        if ids.is_empty() {
            return Err(ChangeError::Empty);
        }
        let lists = |catalog: &Catalog, id: &PackId| {
            catalog.packs.iter().chain(&catalog.former).any(|pack| pack.id == *id)
        };
        if let Some(id) =
            ids.iter().find(|id| !self.catalogs.values().any(|catalog| lists(catalog, id)))
        {
            return Err(ChangeError::UnknownPack { id: id.clone() });
        }
        let without = |packs: &[CatalogPack]| {
            packs.iter().filter(|p| !ids.contains(&p.id)).cloned().collect()
        };
        let touched =
            self.catalogs.values().filter(|catalog| ids.iter().any(|id| lists(catalog, id)));
        let catalogs = touched.map(|live| Catalog {
            rollout_percent: live.rollout_percent,
            former: without(&live.former),
            ..self.release_for_all(&live.channel, without(&live.packs))
        });
        Ok(self.draft(Cause::Remove, catalogs.collect()))
    }
}

fn check_percent(percent: u8) -> Result<(), ChangeError> {
    if percent > 100 { Err(ChangeError::Percent { percent }) } else { Ok(()) }
}

/// The packs that devices outside a new release's share go by: those of the last release that was for all.
///
/// `Ours:` were it simply the release before, publishing over a rollout at 10 percent would give that unfinished release
/// to everybody else.
fn for_everybody(live: &Catalog) -> Vec<CatalogPack> {
    if live.rollout_percent == 100 { live.packs.clone() } else { live.former.clone() }
}

/// The release that a rollback without a target goes to: the newest one before what the channel shows now.
///
/// A release that was itself a rollback counts as the one it went back to, so that a second rollback goes further back
/// and not forth again. `rows` are the channel's, newest first.
pub(crate) fn before<'a>(rows: &[&'a Row]) -> Option<&'a Row> {
    let shown = shown_by(rows, rows.first()?.release);
    rows.iter()
        .find(|row| row.release < shown && shown_by(rows, row.release) == row.release)
        .copied()
}

/// The release whose packs `release` shows: itself, unless it was a rollback.
pub(crate) fn shown_by(rows: &[&Row], release: ReleaseNumber) -> ReleaseNumber {
    let target = |row: &&Row| match row.cause {
        Cause::Rollback { to } if row.release == release => Some(to),
        _ => None,
    };
    rows.iter().find_map(target).unwrap_or(release)
}

/// Decides the version of a pack: that of the newest if content and manifest are the same, else the next number.
/// `Spec: cli, repo publish`.
pub(crate) fn next_version(newest: Option<PackVersion>) -> PackVersion {
    PackVersion(newest.map_or(1, |newest| newest.0.saturating_add(1)))
}

#[cfg(test)]
mod tests;
