//! Priorities of downloads.

use serde::{Deserialize, Serialize};

/// A number is no priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the priority {value} is not between {} and {}", DownloadPriority::MIN.get(), DownloadPriority::MAX.get())]
pub struct PriorityError {
    /// The number as given.
    pub value: i64,
}

/// Orders the downloads of one app: a higher one goes first, whatever was scheduled when. `Spec: concepts 15`.
///
/// From [`Self::MIN`] to [`Self::MAX`]. `Ours:` the specification names no numbers; these leave room between its three names.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "i64", into = "i64")]
pub struct DownloadPriority(i16);

impl DownloadPriority {
    /// The lowest: −1000.
    pub const MIN: Self = Self(-1000);
    /// That of a download that names none: 0.
    pub const DEFAULT: Self = Self(0);
    /// The highest: 1000.
    pub const MAX: Self = Self(1000);

    /// The priority of this number.
    ///
    /// # Errors
    /// [`PriorityError`] when it is not between [`Self::MIN`] and [`Self::MAX`].
    pub fn new(value: i64) -> Result<Self, PriorityError> {
        let known = i16::try_from(value).map(Self).ok();
        known.filter(|p| (Self::MIN..=Self::MAX).contains(p)).ok_or(PriorityError { value })
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> i16 {
        self.0
    }
}

impl TryFrom<i64> for DownloadPriority {
    type Error = PriorityError;
    fn try_from(value: i64) -> Result<Self, PriorityError> {
        Self::new(value)
    }
}

impl From<DownloadPriority> for i64 {
    fn from(priority: DownloadPriority) -> Self {
        Self::from(priority.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_names_are_in_order_and_nothing_lies_outside_them() {
        assert!(DownloadPriority::MIN < DownloadPriority::DEFAULT);
        assert!(DownloadPriority::DEFAULT < DownloadPriority::MAX);
        for value in [i64::MIN, -1001, 1001, i64::MAX] {
            assert_eq!(DownloadPriority::new(value), Err(PriorityError { value }));
        }
        assert_eq!(DownloadPriority::new(-1000), Ok(DownloadPriority::MIN));
        assert!(serde_json::from_str::<DownloadPriority>("1001").is_err());
    }
}
