//! The record of a pack of an app.

use headstart_model::catalog::CatalogPack;
use headstart_model::protocol::packs::Trust as PackTrust;
use headstart_model::{ContentRequest, Digest, DownloadPolicy, Failure, Language, PackVersion};
use serde::{Deserialize, Serialize};

use crate::id::{DownloadId, EffectId};
use crate::time::WallTime;

/// A version of a pack that is, or was, installed. `Ours:` the number alone does not name it: another repository or
/// channel may use the same number for other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalVersion {
    /// Its number.
    pub version: PackVersion,
    /// Digest of its complete tree.
    pub content: Digest,
    /// Bytes of its files.
    pub installed_bytes: u64,
    /// What vouches for its bytes.
    #[serde(default, skip_serializing_if = "PackTrust::is_signed")]
    pub trust: PackTrust,
}

impl LocalVersion {
    /// The version that `offer` describes; a signature vouches for it.
    #[must_use]
    pub const fn of(offer: &CatalogPack) -> Self {
        Self {
            version: offer.version,
            content: offer.content,
            installed_bytes: offer.installed_size,
            trust: PackTrust::Signed,
        }
    }

    /// The same version, vouched for otherwise.
    #[must_use]
    pub const fn vouched_by(self, trust: PackTrust) -> Self {
        Self { trust, ..self }
    }

    /// Whether the two are the same version.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.version == other.version && self.content == other.content
    }

    /// Whether `offer` describes this version.
    #[must_use]
    pub fn is(&self, offer: &CatalogPack) -> bool {
        self.version == offer.version && self.content == offer.content
    }
}

/// A version that is no longer live and is removed as soon as nobody reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retired {
    /// The version.
    pub version: LocalVersion,
    /// The effect that removes it.
    pub removal: EffectId,
}

/// Why a local pack is taken out of the app's namespace at the next switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Leaving {
    /// Somebody asked for it.
    Asked,
    /// The catalog no longer offers it. `Spec: concepts 5.2`.
    Obsolete,
    /// It belongs to a language that the app no longer has. `Spec: packs 9`.
    Unneeded,
}

/// A pack that a download manifest lists, and whose archive could not be looked at. `Spec: packs 4.1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    /// When it would be downloaded.
    pub policy: DownloadPolicy,
    /// Its language, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Why not.
    pub failure: Failure,
}

/// What a caller wants of a pack that it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Freshness {
    /// Any local version will do; the server is not asked when there is one.
    Any,
    /// The newest version that is offered. `Spec: concepts 5.3`.
    Latest,
}

/// A pack of an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pack {
    /// What the catalog offers for this device; none when it does not list the pack.
    pub offer: Option<CatalogPack>,
    /// The version that apps read.
    pub local: Option<LocalVersion>,
    /// Versions that are being removed.
    pub retired: Vec<Retired>,
    /// The download that is going on.
    pub download: Option<DownloadId>,
    /// Set while the pack waits for the switch that takes it away.
    pub leaving: Option<Leaving>,
    /// Asked for while it was not known whether it is offered; settled by the next catalog, whoever still waits.
    pub asked: Option<Freshness>,
    /// When somebody cancelled its last download; none once another one has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<WallTime>,
    /// Why the installation had to do without this essential pack.
    pub missed: Option<Failure>,
    /// When it was removed because somebody asked.
    pub removed_at: Option<WallTime>,
    /// Somebody asked for it when it was neither here nor on its way: it is here for their sake, whatever the app's language
    /// becomes. `Spec: packs 9`.
    #[serde(default)]
    pub by_request: bool,
    /// The newest entry of the catalog, when it is for other versions of the app; [`offer`](Self::offer) is then the fallback that is for
    /// this one, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Box<CatalogPack>>,
    /// Where the archive of that entry lies, as [`archive`](Self::archive) says of the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld_archive: Option<String>,
    /// The content of the update that somebody cancelled: the updates of other packs do not wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<Digest>,
    /// Where the archive of what is offered lies, when a plain download manifest offers it; none when a signed catalog does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// There may be another archive in the place of the one that is offered: a download from it has failed so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspect: bool,
    /// It is listed, and its archive could not be looked at; what was offered before is offered still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Box<Unreadable>>,
    /// The content request that would have fetched it, had its archive been readable: carried out for this pack alone when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<ContentRequest>,
    /// What the archive said of itself that the app downloaded by itself, and whose version is local. `Spec: packs 4.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmanaged: Option<Box<CatalogPack>>,
}

impl Pack {
    /// Whether nothing of it is worth a row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offer.is_none()
            && self.local.is_none()
            && self.retired.is_empty()
            && self.download.is_none()
            && self.asked.is_none()
            && self.withheld.is_none()
            && self.unreadable.is_none()
    }

    /// The language of what is offered, and that of what is listed and could not be looked at.
    pub(crate) fn listed_languages(&self) -> impl Iterator<Item = &Language> {
        let offered = self.offer.as_ref().and_then(|offer| offer.language.as_ref());
        let unreadable = self.unreadable.as_ref().and_then(|listed| listed.language.as_ref());
        offered.into_iter().chain(unreadable)
    }

    /// What vouches for what is offered, or for what is withheld where nothing is.
    #[must_use]
    pub const fn offer_trust(&self) -> PackTrust {
        let archive = if self.offer.is_some() { &self.archive } else { &self.withheld_archive };
        if archive.is_some() { PackTrust::TransportOnly } else { PackTrust::Signed }
    }

    /// The same; what is not offered needs nobody to vouch for it.
    pub(crate) const fn offer_trust_if_any(&self) -> PackTrust {
        if self.offer.is_some() { self.offer_trust() } else { PackTrust::Signed }
    }

    /// The version that is offered.
    #[must_use]
    pub fn offered(&self) -> Option<LocalVersion> {
        let offer = self.offer.as_ref()?;
        Some(LocalVersion::of(offer).vouched_by(self.offer_trust()))
    }

    /// What vouches for the pack: for the version that is here, else for the one that is offered.
    #[must_use]
    pub fn trust(&self) -> PackTrust {
        match (&self.local, &self.offer) {
            // Whoever vouches for the content vouches for what is here: it was compared with it.
            (Some(local), Some(offer)) if local.is(offer) => local.trust.min(self.offer_trust()),
            (Some(local), _) => local.trust,
            (None, _) => self.offer_trust(),
        }
    }

    /// What the archive said of itself from which the local version came; none when it did not come from one of the app's own.
    #[must_use]
    pub fn described(&self) -> Option<&CatalogPack> {
        let described = self.unmanaged.as_deref()?;
        self.local.is_some_and(|local| local.is(described)).then_some(described)
    }

    /// Whether the local version is the one that is offered.
    #[must_use]
    pub fn is_current(&self) -> bool {
        matches!((&self.local, &self.offer), (Some(local), Some(offer)) if local.is(offer))
    }

    /// The offer, if it is not the local version.
    #[must_use]
    pub fn news(&self) -> Option<&CatalogPack> {
        self.offer.as_ref().filter(|_| !self.is_current())
    }

    /// The offer that has to become live together with those of the app's other local packs. `Spec: packs 8.3`.
    #[must_use]
    pub fn joint_update(&self) -> Option<&CatalogPack> {
        let stays = self.local.is_some() && self.leaving.is_none();
        self.news().filter(|offer| stays && self.declined != Some(offer.content))
    }

    /// Whether it is here and no catalog offers it any more, to no version of the app. `Spec: concepts 5.2`.
    #[must_use]
    pub const fn is_obsolete(&self) -> bool {
        self.local.is_some()
            && self.offer.is_none()
            && self.withheld.is_none()
            && self.unreadable.is_none()
    }

    /// Whether an app can read it and it is not about to go.
    #[must_use]
    pub const fn is_readable(&self) -> bool {
        self.local.is_some() && self.leaving.is_none()
    }
}
