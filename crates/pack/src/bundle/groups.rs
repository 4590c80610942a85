//! Where a full bundle begins anew, so that one file can be read without most of the others.

use crate::numbers::size;
use crate::ordered::AHEAD_MAX;

/// Stored bytes after which earlier blocks are no longer used as bases. Who reads one file fetches half a group at worst,
/// on average, and what else lies in the file's own blocks: below 4 MiB.
const GROUP_STORED_BYTES: u64 = 7 << 20;
/// Plain bytes after which they are not, however small they became: they have to be unpacked too.
const GROUP_PLAIN_BYTES: u64 = 64 << 20;

/// Counts what lies in the present group.
///
/// Blocks are chosen while earlier ones are still being compressed. What is decided for a block rests on the stored bytes
/// of blocks at least [`AHEAD_MAX`] before it, and for the others on their likely size; so it is the same for any number
/// of cores.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Plain bytes of each block that was chosen.
    plain: Vec<u64>,
    /// Stored bytes of each block that was written.
    stored: Vec<u64>,
    /// The first block of the group.
    start: usize,
    /// Sums over the blocks far enough back, and how many those are.
    known: usize,
    known_plain: u64,
    known_stored: u64,
}

impl Groups {
    /// Whether the next block starts a group; it then does.
    pub(super) fn restarts(&mut self) -> bool {
        let next = self.plain.len();
        while self.known + AHEAD_MAX <= next {
            self.known_plain += self.plain.get(self.known).copied().unwrap_or(0);
            self.known_stored += self.stored.get(self.known).copied().unwrap_or(0);
            self.known += 1;
        }
        let likely = |plain: u64| match self.known_plain {
            0 => plain / 2,
            known => plain.saturating_mul(self.known_stored) / known,
        };
        let (mut plain, mut stored) = (0, 0);
        for (number, bytes) in self.plain.iter().enumerate().skip(self.start) {
            plain += bytes;
            stored += match self.stored.get(number) {
                Some(stored) if number < self.known => *stored,
                _ => likely(*bytes),
            };
        }
        let restarts = stored >= GROUP_STORED_BYTES || plain >= GROUP_PLAIN_BYTES;
        if restarts {
            self.start = next;
        }
        restarts
    }

    pub(super) fn chosen(&mut self, plain_bytes: usize) {
        self.plain.push(size(plain_bytes));
    }

    pub(super) fn written(&mut self, stored_bytes: usize) {
        self.stored.push(size(stored_bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Restarts of 100 blocks of 1 MiB that shrink to `stored`, when results come `late` blocks later.
    fn restarts(stored: usize, late: usize) -> Vec<usize> {
        let mut groups = Groups::default();
        let mut restarts = Vec::new();
        for block in 0..100 {
            if block >= late {
                groups.written(stored);
            }
            if groups.restarts() {
                restarts.push(block);
            }
            groups.chosen(1 << 20);
        }
        restarts
    }

    #[test]
    fn a_group_ends_by_stored_bytes_and_by_plain_bytes() {
        let gaps =
            |starts: &[usize]| starts.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
        assert!(gaps(&restarts(1 << 18, 1)).iter().all(|blocks| *blocks == 28));
        assert!(gaps(&restarts(1 << 10, 1)).iter().all(|blocks| *blocks == 64));
        let noise = restarts(1 << 20, 1);
        assert!(gaps(&noise).into_iter().skip(2).all(|blocks| blocks == 7), "{noise:?}");
    }

    #[test]
    fn it_does_not_matter_how_late_results_come() {
        for stored in [1 << 20, 1 << 18, 1 << 10] {
            assert_eq!(restarts(stored, 1), restarts(stored, AHEAD_MAX));
        }
    }
}
