//! What counts as progress of a call that needs several attempts.

/// Whether a call comes closer to its end: only bytes beyond all that there ever were count, so that a server which answers every
/// attempt and undoes it with the next one does not keep a call busy for ever.
#[derive(Debug)]
pub(super) struct Gains {
    most_bytes: u64,
    /// How often it began anew.
    restarts: u32,
}

impl Gains {
    /// Fewer bytes count only together with those of the next attempts. `Ours:` a server that gives one byte for each connection does
    /// not help.
    const BYTES_MIN: u64 = 16 * 1024;
    /// So often a file may be replaced on its server, and what is there of the new one counts from its first byte.
    const RESTARTS_MAX: u32 = 3;

    /// For a call that has `bytes` already.
    pub(super) const fn from(bytes: u64) -> Self {
        Self { most_bytes: bytes, restarts: 0 }
    }

    /// Whether an attempt that ended with `bytes` was worth it.
    pub(super) const fn has_gained(&mut self, bytes: u64) -> bool {
        if bytes < self.most_bytes && self.restarts < Self::RESTARTS_MAX {
            self.restarts += 1;
            self.most_bytes = bytes;
            return false;
        }
        let gained = bytes >= self.most_bytes.saturating_add(Self::BYTES_MIN);
        if gained {
            self.most_bytes = bytes;
        }
        gained
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: u64 = Gains::BYTES_MIN;

    #[test]
    fn many_small_steps_count_when_they_are_enough_together() {
        let mut gains = Gains::from(100);
        assert!(!gains.has_gained(100));
        assert!(!gains.has_gained(100 + STEP / 2));
        assert!(gains.has_gained(100 + STEP));
        assert!(!gains.has_gained(100 + STEP + 1));
    }

    #[test]
    fn what_comes_anew_counts_a_few_times_and_then_only_beyond_what_was_there() {
        let mut gains = Gains::from(0);
        for _ in 0..Gains::RESTARTS_MAX {
            assert!(gains.has_gained(10 * STEP));
            assert!(!gains.has_gained(0));
        }
        assert!(gains.has_gained(10 * STEP));
        for _ in 0..10 {
            assert!(!gains.has_gained(0));
            assert!(!gains.has_gained(10 * STEP));
        }
        assert!(gains.has_gained(11 * STEP));
    }
}
