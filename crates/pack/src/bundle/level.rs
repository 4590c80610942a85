//! How much work goes into a bundle.

/// How much work goes into making a bundle small. What a device spends on reading it hardly differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// zstd 1 without bases, but for updates: for trying things out.
    Fast,
    /// zstd 7; bases from nearby, so that one file can be read for about 4 MiB of others.
    #[default]
    Balanced,
    /// zstd 19 with long chains; bases from anywhere earlier in the pack. For releases.
    Small,
}

/// What a level asks of zstd.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    pub(crate) level: i32,
    /// Chains and hashes that reach all of bases and block.
    pub(crate) long_chains: bool,
}

impl Level {
    pub(crate) const fn zstd(self) -> Tuning {
        match self {
            Self::Fast => Tuning { level: 1, long_chains: false },
            Self::Balanced => Tuning { level: 7, long_chains: false },
            Self::Small => Tuning { level: 19, long_chains: true },
        }
    }

    /// The same for a block that has bases: what zstd 1 misses of them would be most of an update.
    pub(crate) const fn zstd_with_bases(self) -> Tuning {
        match self {
            Self::Fast => Tuning { level: 3, long_chains: false },
            Self::Balanced | Self::Small => self.zstd(),
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
    pub(crate) const fn worker_bytes(self) -> u64 {
        match self {
            Self::Fast => 8 << 20,
            Self::Balanced => 40 << 20,
            Self::Small => 58 << 20,
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
