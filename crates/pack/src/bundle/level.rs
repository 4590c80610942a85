//! How much work goes into a bundle.

/// How much work goes into making a bundle small. What a device spends on reading it hardly differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// zstd 1 without bases, but for updates, which get zstd 3: for trying things out.
    Fast,
    /// zstd 7; bases from nearby, so that one file can be read for about 4 MiB of others.
    #[default]
    Balanced,
    /// zstd 19 with long chains; bases from anywhere earlier in the pack. For releases.
    Small,
}

/// What is asked of zstd.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    pub(crate) level: i32,
    pub(crate) reach: Reach,
}

/// How far back zstd finds what a block has in common with its bases.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach {
    /// As the level does by itself.
    OfLevel,
    /// Tables with so many places, as a power of two: zstd puts no more of a prefix into them than eight times that, and the level's own are
    /// soon written over by what follows.
    Tables { log: u32, long_distance: bool },
    /// Hashes and chains for all of bases and block.
    Everything,
}

/// What a bundle is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BundleKind {
    /// For whoever holds nothing: it has every chunk.
    Full,
    /// For whoever holds an earlier version. It is what most devices fetch, so it is worth more work.
    Delta,
}

impl Level {
    pub(crate) const fn zstd(self) -> Tuning {
        match self {
            Self::Fast => Tuning { level: 1, reach: Reach::OfLevel },
            Self::Balanced => Tuning { level: 7, reach: Reach::OfLevel },
            Self::Small => Tuning { level: 19, reach: Reach::Everything },
        }
    }

    /// The same for a block that has bases: what zstd 1 misses of them would be most of an update.
    pub(crate) const fn zstd_with_bases(self, kind: BundleKind) -> Tuning {
        match (self, kind) {
            (Self::Fast, _) => {
                Tuning { level: 3, reach: Reach::Tables { log: 20, long_distance: true } }
            }
            (Self::Balanced, BundleKind::Delta) => {
                Tuning { level: 7, reach: Reach::Tables { log: 21, long_distance: false } }
            }
            (Self::Balanced, BundleKind::Full) | (Self::Small, _) => self.zstd(),
        }
    }

    /// Whether blocks of a full bundle are compressed against chunks of other blocks.
    pub(crate) const fn uses_bases(self) -> bool {
        !matches!(self, Self::Fast)
    }

    /// Whether a full bundle begins anew now and then, so that one file can be read without most of the others.
    pub(crate) const fn restarts(self) -> bool {
        !matches!(self, Self::Small)
    }

    /// Whether compressing takes so long that a block is sampled first.
    pub(crate) const fn looks_twice(self) -> bool {
        matches!(self, Self::Small)
    }

    /// Whether [`crate::Codec::Diff`] is tried beside zstd.
    pub(crate) const fn tries_diffs(self) -> bool {
        matches!(self, Self::Small)
    }

    /// Memory that compressing one block takes at most, in bytes: zstd's tables, bases, block and output.
    pub(crate) const fn worker_bytes(self, kind: BundleKind) -> u64 {
        match (self, kind) {
            (Self::Fast, BundleKind::Full) => 8 << 20,
            (Self::Fast, BundleKind::Delta) => 24 << 20,
            (Self::Balanced, _) => 40 << 20,
            (Self::Small, _) => 58 << 20,
        }
    }
}

impl std::str::FromStr for Level {
    type Err = UnknownLevel;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "fast" => Ok(Self::Fast),
            "balanced" => Ok(Self::Balanced),
            "small" => Ok(Self::Small),
            _ => Err(UnknownLevel),
        }
    }
}

/// The text names no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the levels are `fast`, `balanced` and `small`")]
pub struct UnknownLevel;
