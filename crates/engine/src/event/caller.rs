//! Who calls, from where, on what terms, and what extensions answer.

use headstart_model::download::UrlDownload;
use headstart_model::protocol::downloads::ChallengeAnswer;
use headstart_model::{AppId, Failure, PackId, Until, Urgency};

use crate::id::{ClientId, DownloadId, EffectId, RequestId};
use crate::record::Freshness;

/// Who made a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The call; the answer quotes it.
    pub request: RequestId,
    /// The connection it came over.
    pub client: ClientId,
}

/// On what terms somebody waits for packs. Of a [`Freshness`] alone: in the foreground, for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Whether any local version will do.
    pub freshness: Freshness,
    /// How urgently.
    pub urgency: Urgency,
    /// For how many of the packs.
    pub until: Until,
}

impl From<Freshness> for Terms {
    fn from(freshness: Freshness) -> Self {
        Self { freshness, urgency: Urgency::default(), until: Until::default() }
    }
}

/// From where somebody calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A process of the app.
    App,
    /// The app's downloader extension.
    Extension,
    /// A program that administrates.
    Administration,
}

/// What an extension has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtensionAnswer {
    /// These downloads are wanted.
    Downloads(Vec<UrlDownload>),
    /// These packs are not wanted.
    Dropped(Vec<PackId>),
    /// What to do about a challenge.
    Challenge(ChallengeAnswer),
    /// It has heard.
    Heard,
    /// An answer that cannot be right, and why.
    Refused(Failure),
}

/// What a server was asked for when it asked for a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Challenged {
    /// A single file.
    File(DownloadId),
    /// Content that the service keeps: a catalog, a manifest or a pack, fetched by this effect.
    Content(EffectId),
}

/// What a cancellation names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelTarget {
    /// Whatever is being downloaded for this pack.
    Pack(AppId, PackId),
    /// This download.
    Download(DownloadId),
}
