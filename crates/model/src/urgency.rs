//! How urgently somebody waits, and for how many.

use serde::{Deserialize, Serialize};

/// How urgently packs are waited for; the higher goes first. `Ours:` the specification has priorities for single downloads
/// only (`Spec: concepts 15`), and an app that fetches ahead needs a call that does not get in the way.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Urgency {
    /// As work in the background: it makes way for everything else, and waits for as long as the network or disk space is
    /// missing instead of failing.
    Background,
    /// A person waits: it goes before everything but essential downloads, and fails at once where it would have to wait
    /// for the network or for disk space.
    #[default]
    Foreground,
    /// As [`Foreground`](Self::Foreground), and before the others of that kind: one of them gives its place up if need be.
    Immediate,
}

/// For how many of several packs somebody waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Until {
    /// Until each can be read, or cannot be had.
    #[default]
    All,
    /// Until one can be read, or none can be had. The others go on in the background.
    Any,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urgent_are_the_greater() {
        assert!(Urgency::Background < Urgency::Foreground);
        assert!(Urgency::Foreground < Urgency::Immediate);
        assert_eq!((Urgency::default(), Until::default()), (Urgency::Foreground, Until::All));
    }
}
