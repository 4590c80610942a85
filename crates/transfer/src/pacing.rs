//! How fast bytes may come: limits that hold for all transfers together, and background transfers that give way.
//!
//! - A [`Limit`] is a node of one tree (global, kind of network, app, download): what is read below a node counts at it and at
//!   everything above it, metadata and redirects included. Rates change while transfers run.
//! - A [`Pace`] belongs to one download: its node and its [`Urgency`], which may change while it runs.
//!
//! Reading is slowed, never sending: the window that a server sees is kept small, so nothing piles up on the way.

mod delay;
mod limits;
mod path;
mod tree;

use tokio::sync::watch;

pub use limits::{Limit, Rate};
pub(crate) use path::{Paced, Paths};

/// Ranges of one background transfer side by side: it is to be gentle, not fast. `Ours:` beside nothing else, over 20 Mbit/s with
/// 40 ms and 1 % loss, two took 0.83 of the link, four 0.92 and sixteen 0.98, and a ping took 4, 6 and 9 ms longer.
pub(crate) const BACKGROUND_RANGES_MAX: usize = 4;

/// Whether a transfer gives way to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Urgency {
    /// Somebody waits for it: it takes what the path gives.
    #[default]
    Foreground,
    /// Nobody waits for it. It keeps only so much under way, over few connections, that packets of others hardly wait in queues,
    /// and nearly stands still while others fill the path or a foreground transfer of the same tree of limits runs.
    Background,
}

/// How fast one download may go, and whether it gives way. Cheap to clone; clones are the same pace.
///
/// `Ours:` giving way needs a look at the connection, which only Linux grants, and a server that stamps its packets, as nearly
/// all do. Elsewhere a background transfer gives way only to foreground ones of the same tree.
#[derive(Debug, Clone)]
pub struct Pace {
    limit: Limit,
    urgency: watch::Sender<Urgency>,
}

impl Pace {
    /// Within `limit`, which should be a node of this download alone if downloads are to share evenly.
    #[must_use]
    pub fn new(limit: Limit, urgency: Urgency) -> Self {
        Self { limit, urgency: watch::Sender::new(urgency) }
    }

    /// Its limit; its rate may be changed while transfers run.
    #[must_use]
    pub const fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Whether it gives way now.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        *self.urgency.borrow()
    }

    /// Makes it urgent or not. Transfers that run go on where they are and feel it within a round trip or two.
    pub fn set_urgency(&self, urgency: Urgency) {
        self.urgency.send_replace(urgency);
    }
}

impl Default for Pace {
    /// In the foreground, without a limit.
    fn default() -> Self {
        Self::new(Limit::default(), Urgency::default())
    }
}
