//! Who a transfer belongs to: its name in logs, its counts, and who hears of its troubles.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::access::Session;
use crate::{Authenticator, Meter, Pace, ShownUrl, TransferError};

/// Something that a user interface may want to tell while a transfer goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// An attempt failed and is repeated.
    Retrying {
        /// Scheme, host and port that failed.
        origin: &'a str,
        /// Time until the next attempt; zero when another source is asked at once.
        delay: Duration,
        /// Why it failed.
        error: &'a TransferError,
    },
    /// A source is not asked again in this transfer; others remain.
    SourceDropped {
        /// Scheme, host and port of the source.
        origin: &'a str,
        /// Why.
        error: &'a TransferError,
    },
    /// The length of a file that is downloaded has become known; once for each call.
    LengthKnown {
        /// Its length.
        total_bytes: u64,
        /// What an earlier call had left of it.
        held_bytes: u64,
    },
    /// A file download begins again at byte 0 because the server cannot continue what is there.
    StartedOver {
        /// What is downloaded.
        url: &'a ShownUrl,
        /// Bytes of the earlier attempt that are given up.
        lost_bytes: u64,
    },
}

type Listener = Arc<dyn Fn(&Notice<'_>) + Send + Sync>;

/// Ties transfers to the download that they are part of. Cheap to clone.
#[derive(Clone)]
pub struct Tracking {
    download: Arc<str>,
    meter: Meter,
    listener: Option<Listener>,
    session: Arc<Session>,
}

impl Tracking {
    /// For the download called `download`; the name is the field `download` of all log lines.
    #[must_use]
    pub fn new(download: &str) -> Self {
        let session = Arc::default();
        Self { download: download.into(), meter: Meter::new(), listener: None, session }
    }

    /// At this pace instead of as fast as possible. It holds for everything that is tracked by this.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.meter.set_pace(pace);
        self
    }

    /// With `listener` called for each notice, from within the transfer: it must return quickly. One that was given before is
    /// called after it.
    #[must_use]
    pub fn with_listener(mut self, listener: impl Fn(&Notice<'_>) + Send + Sync + 'static) -> Self {
        self.listener = Some(match self.listener.take() {
            None => Arc::new(listener),
            Some(before) => Arc::new(move |notice: &Notice<'_>| {
                listener(notice);
                before(notice);
            }),
        });
        self
    }

    /// A part of the same download: what it counts is counted here too, and what is known here (pace, listener, credentials) holds
    /// there. `Ours:` what one place does says nothing of another one that is asked at the same time.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { meter: self.meter.part(), ..self.clone() }
    }

    /// With `authenticator` asked when a server wants a credential. What it answers is known to this and its clones only.
    #[must_use]
    pub fn with_authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.session = Arc::new(Session::new(authenticator));
        self
    }

    /// Whether somebody is being asked for a credential at the moment: what is silent then waits for an answer from this side.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        self.session.is_asking()
    }

    /// The credentials of the download.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// The name of the download.
    #[must_use]
    pub fn download(&self) -> &str {
        &self.download
    }

    /// The counts.
    #[must_use]
    pub const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The pace: it may be changed while transfers run.
    #[must_use]
    pub const fn pace(&self) -> &Pace {
        self.meter.pace()
    }

    pub(crate) fn notify(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Retrying { origin, delay, error } => {
                tracing::debug!(origin, delay_ms = delay.as_millis(), %error, "trying again");
            }
            Notice::SourceDropped { origin, error } => {
                tracing::warn!(origin, %error, "source dropped");
            }
            Notice::LengthKnown { total_bytes, .. } => tracing::debug!(total_bytes, "length known"),
            Notice::StartedOver { url, lost_bytes } => {
                tracing::warn!(%url, lost_bytes, "download started over");
            }
        }
        if let Some(listener) = &self.listener {
            listener(notice);
        }
    }
}

impl fmt::Debug for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracking")
            .field("download", &self.download)
            .field("meter", &self.meter)
            .finish_non_exhaustive()
    }
}
