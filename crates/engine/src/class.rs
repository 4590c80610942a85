//! What goes before what.

use serde::{Deserialize, Serialize};

/// The class of a transfer; the first goes first. `Spec: concepts 6, 15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// An app cannot be launched before it has concluded.
    Essential,
    /// Somebody waits for it.
    Foreground,
    /// Wanted, but nobody waits.
    Nonessential,
    /// Keeps what is there up to date.
    Upkeep,
}

impl Class {
    /// Every class, in the order in which they go.
    pub const ALL: [Self; 4] =
        [Self::Essential, Self::Foreground, Self::Nonessential, Self::Upkeep];

    /// Whether it waits for as long as it takes and leaves the network to the other classes while they need it.
    #[must_use]
    pub const fn is_background(self) -> bool {
        matches!(self, Self::Nonessential | Self::Upkeep)
    }

    /// The class's place in [`Self::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// Why a download exists. Somebody who waits for it is not part of it: that makes it [`Class::Foreground`] for as long
/// as they wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Demand {
    /// The installation waits for it.
    Essential,
    /// It was essential, failed, and the installation went on without it.
    Missed,
    /// Somebody asked for it.
    Asked,
    /// The pack's policy prefetches it.
    Prefetch,
    /// A newer version of a local pack.
    Update,
}

impl Demand {
    /// The class while nobody waits for it.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Essential => Class::Essential,
            Self::Missed | Self::Asked | Self::Prefetch => Class::Nonessential,
            Self::Update => Class::Upkeep,
        }
    }

    /// Order among the downloads of one app and class: higher goes first, whatever was scheduled when.
    /// `Spec: concepts 15`.
    #[must_use]
    pub const fn priority(self) -> u8 {
        match self {
            Self::Essential | Self::Update => 0,
            Self::Prefetch => 1,
            Self::Asked => 2,
            Self::Missed => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn essential_goes_first_and_upkeep_last() {
        assert!(Class::ALL.is_sorted());
        assert_eq!(Class::ALL.map(Class::index), [0, 1, 2, 3]);
    }

    #[test]
    fn a_missed_essential_pack_goes_before_other_nonessential_ones() {
        assert_eq!(Demand::Missed.class(), Demand::Prefetch.class());
        assert!(Demand::Missed.priority() > Demand::Asked.priority());
        assert!(Demand::Asked.priority() > Demand::Prefetch.priority());
    }
}
