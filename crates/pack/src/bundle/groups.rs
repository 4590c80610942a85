//! Where a full bundle begins anew, so that one file can be read without most of the others.

use crate::numbers::size;
use crate::ordered::AHEAD_MAX;

/// Stored bytes after which earlier blocks are no longer used as bases. What a single block may need of the group is limited
/// where bases are chosen.
const GROUP_STORED_BYTES: u64 = 14 << 20;
/// Plain bytes after which they are not, however small they became: they have to be unpacked too.
const GROUP_PLAIN_BYTES: u64 = 64 << 20;

/// Counts what lies in the present group.
///
/// Blocks are chosen while earlier ones are still being compressed. What is decided for a block rests on the stored bytes
/// of blocks at least [`AHEAD_MAX`] before it, and for the others on what a quick look at them says, put right by how it was
/// with the former; so it is the same for any number of cores.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Plain bytes of each block that was chosen, and the stored bytes that a quick look promises.
    chosen: Vec<(u64, u64)>,
    /// Stored bytes of each block that was written.
    stored: Vec<u64>,
    /// The first block of the group.
    start: usize,
    /// Sums over the blocks far enough back, and how many those are.
    known: usize,
    known_looked: u64,
    known_stored: u64,
}

impl Groups {
    /// Whether the next block starts a group; it then does.
    pub(super) fn restarts(&mut self) -> bool {
        let next = self.chosen.len();
        while self.known + AHEAD_MAX <= next {
            self.known_looked += self.chosen.get(self.known).map_or(0, |(_, looked)| *looked);
            self.known_stored += self.stored.get(self.known).copied().unwrap_or(0);
            self.known += 1;
        }
        let (mut plain, mut stored) = (0, 0);
        for (number, (bytes, looked)) in self.chosen.iter().enumerate().skip(self.start) {
            plain += bytes;
            stored += match self.stored.get(number) {
                Some(stored) if number < self.known => *stored,
                _ => self.likely(*looked),
            };
        }
        let restarts = stored >= GROUP_STORED_BYTES || plain >= GROUP_PLAIN_BYTES;
        if restarts {
            self.start = next;
        }
        restarts
    }

    /// Counts a block in. Gives its likely stored bytes.
    pub(super) fn chosen(&mut self, plain_bytes: usize, looked_bytes: usize) -> u64 {
        self.chosen.push((size(plain_bytes), size(looked_bytes)));
        self.likely(size(looked_bytes))
    }

    fn likely(&self, looked: u64) -> u64 {
        let put_right = looked.saturating_mul(self.known_stored);
        put_right.checked_div(self.known_looked).unwrap_or(looked)
    }

    pub(super) fn written(&mut self, stored_bytes: usize) {
        self.stored.push(size(stored_bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Restarts of 300 blocks of 1 MiB that shrink to `stored`, when results come `late` blocks later, and a look
    /// promises `looked` eighths of that.
    fn restarts(stored: usize, looked: usize, late: usize) -> Vec<usize> {
        let mut groups = Groups::default();
        let mut restarts = Vec::new();
        for block in 0..300 {
            if block >= late {
                groups.written(stored);
            }
            if groups.restarts() {
                restarts.push(block);
            }
            groups.chosen(1 << 20, stored * looked / 8);
        }
        restarts
    }

    #[test]
    fn a_group_ends_by_stored_bytes_and_by_plain_bytes() {
        let gaps =
            |starts: &[usize]| starts.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
        assert!(gaps(&restarts(1 << 18, 10, 1)).iter().all(|blocks| *blocks == 56));
        assert!(gaps(&restarts(1 << 10, 10, 1)).iter().all(|blocks| *blocks == 64));
        let noise = restarts(1 << 20, 8, 1);
        assert!(gaps(&noise).into_iter().skip(2).all(|blocks| blocks == 14), "{noise:?}");
    }

    #[test]
    fn it_does_not_matter_how_late_results_come() {
        for stored in [1 << 20, 1 << 18, 1 << 10] {
            assert_eq!(restarts(stored, 9, 1), restarts(stored, 9, AHEAD_MAX));
        }
    }
}
