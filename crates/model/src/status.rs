//! The status flags of a pack.

use serde::{Deserialize, Serialize};

/// Status flags of a pack: independent bits. `Spec: packs 8.1`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Status(u32);

impl Status {
    /// No flag.
    pub const EMPTY: Self = Self(0);
    /// The server offers it for download.
    pub const DOWNLOAD_AVAILABLE: Self = Self(1);
    /// An update can be downloaded now.
    pub const UPDATE_AVAILABLE: Self = Self(1 << 1);
    /// The local copy equals the reference.
    pub const UP_TO_DATE: Self = Self(1 << 2);
    /// The local copy differs from the reference.
    pub const OUT_OF_DATE: Self = Self(1 << 3);
    /// No longer offered.
    pub const OBSOLETE: Self = Self(1 << 4);
    /// A transfer is running.
    pub const DOWNLOADING: Self = Self(1 << 5);
    /// A local copy can be read.
    pub const DOWNLOADED: Self = Self(1 << 6);

    const NAMES: [(&'static str, Self); 7] = [
        ("downloadAvailable", Self::DOWNLOAD_AVAILABLE),
        ("updateAvailable", Self::UPDATE_AVAILABLE),
        ("upToDate", Self::UP_TO_DATE),
        ("outOfDate", Self::OUT_OF_DATE),
        ("obsolete", Self::OBSOLETE),
        ("downloading", Self::DOWNLOADING),
        ("downloaded", Self::DOWNLOADED),
    ];

    /// The number with these bits, as the specification counts them.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether every flag of `other` is set here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of flags.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names of the flags that are set, in the order of their bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(_, flag)| self.contains(*flag)).map(|(name, _)| name)
    }
}

impl Serialize for Status {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().try_fold(Self::EMPTY, |status, name| {
            let known = Self::NAMES.iter().find(|(known, _)| known == name);
            known
                .map(|(_, flag)| status.with(*flag))
                .ok_or_else(|| serde::de::Error::custom(format!("unknown status flag `{name}`")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_specification() {
        let all = Status::NAMES.map(|(_, flag)| flag.bits());
        assert_eq!(all, [1, 2, 4, 8, 16, 32, 64]);
    }

    #[test]
    fn json_names_round_trip() {
        let status = Status::DOWNLOADED.with(Status::UP_TO_DATE);
        let json = serde_json::to_string(&status).expect("plain data");
        assert_eq!(json, r#"["upToDate","downloaded"]"#);
        assert_eq!(serde_json::from_str::<Status>(&json).expect("own output"), status);
    }
}
