//! Which stretches of a block are nearly those of its bases: what a rebuild leaves of a program, moved and with other
//! addresses in it. The idea is that of bsdiff (Percival 2003): an alignment of block and bases goes on through single bytes
//! that differ, until another one fits clearly better. Matches come from a hash of all places of the bases instead of a
//! suffix array: a third of the memory, and the search of one place is bounded whatever the bytes are.

/// Bytes of the block that are to be taken from the bases; some of them may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copy {
    /// Where in the block.
    pub(super) at: usize,
    /// From where in the bases.
    pub(super) from: usize,
    pub(super) bytes: usize,
}

/// Bytes under the hash of a place.
const SEED_BYTES: usize = 8;
/// Places with one hash that are tried.
const TRIES_MAX: usize = 24;
/// A match is not followed further at once: longer ones go on as the alignment.
const MATCH_BYTES_MAX: usize = 512;
/// So many bytes more must fit before another alignment is taken: what it costs to tell of it.
const BETTER_BYTES: usize = 8;
const NONE: u32 = u32::MAX;

/// The copies of `plain` from `bases`, in order, without overlap.
pub(super) fn find(plain: &[u8], bases: &[u8]) -> Vec<Copy> {
    let mut search = Search { plain, bases, places: Places::of(bases), copies: Vec::new() };
    search.run();
    search.copies
}

/// Where each hash stands in the bases.
struct Places {
    /// The last place of each hash.
    heads: Vec<u32>,
    /// For each place the one before it with the same hash.
    before: Vec<u32>,
    shift: u32,
}

struct Search<'a> {
    plain: &'a [u8],
    bases: &'a [u8],
    places: Places,
    copies: Vec<Copy>,
}

/// Equal bytes of block and bases.
#[derive(Debug, Clone, Copy, Default)]
struct Match {
    from: usize,
    bytes: usize,
}

impl Places {
    fn of(bases: &[u8]) -> Self {
        let bits = bases.len().max(2).ilog2().clamp(10, 22);
        let mut places = Self {
            heads: vec![NONE; 1 << bits],
            before: vec![NONE; bases.len()],
            shift: 64 - bits,
        };
        for (place, seed) in (0_u32..).zip(bases.windows(SEED_BYTES)) {
            let slot = places.slot(seed);
            let (Some(head), Some(before)) =
                (places.heads.get_mut(slot), places.before.get_mut(crate::numbers::index(place)))
            else {
                continue;
            };
            *before = std::mem::replace(head, place);
        }
        places
    }

    fn slot(&self, seed: &[u8]) -> usize {
        let seed = seed.first_chunk::<SEED_BYTES>().map_or(0, |seed| u64::from_le_bytes(*seed));
        usize::try_from(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift).unwrap_or(0)
    }

    /// Places of the bases whose hash is that of `seed`, the last first.
    fn of_seed(&self, seed: &[u8]) -> impl Iterator<Item = usize> {
        let mut next = self.heads.get(self.slot(seed)).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let place = crate::numbers::index(next);
            next = *self.before.get(place)?;
            Some(place)
        })
        .take(TRIES_MAX)
    }
}

/// An alignment as the place of the bases that stands beside the start of the block: it may lie outside.
fn shifted(at: usize, alignment: isize) -> Option<usize> {
    at.checked_add_signed(alignment)
}

fn alignment(at: usize, from: usize) -> isize {
    from.cast_signed() - at.cast_signed()
}

impl Search<'_> {
    fn run(&mut self) {
        // What is decided up to `start` goes on from there in the bases at `from`.
        let (mut start, mut from) = (0, 0);
        let mut at = 0;
        while at < self.plain.len() {
            let (scan, found) = self.better(at, alignment(start, from));
            let end = scan == self.plain.len();
            if !end && alignment(scan, found.from) == alignment(start, from) {
                at = scan + found.bytes;
                continue;
            }
            let mut forward = self.fitting_after(start, from, scan - start);
            let mut backward = if end { 0 } else { self.fitting_before(scan, found.from, start) };
            let gap = scan - start;
            if forward + backward > gap {
                let seam = self.seam(start, from, (scan, found.from), gap - backward..forward);
                (forward, backward) = (seam, gap - seam);
            }
            if forward > 0 {
                self.copies.push(Copy { at: start, from, bytes: forward });
            }
            (start, from) = (scan - backward, found.from - backward);
            at = scan + found.bytes;
        }
        let rest = self.fitting_after(start, from, self.plain.len() - start);
        if rest > 0 {
            self.copies.push(Copy { at: start, from, bytes: rest });
        }
    }

    /// From `at` on, the first place where an exact match fits better than `current` does, with the match. Also one of
    /// `current` itself, where the search may jump. The end of the block when there is none.
    fn better(&self, at: usize, current: isize) -> (usize, Match) {
        // Bytes in at..counted that fit with the current alignment.
        let (mut fitting, mut counted) = (0, at);
        for scan in at..self.plain.len() {
            let found = self.longest(scan, current);
            while counted < scan + found.bytes {
                fitting += usize::from(self.fits(counted, current));
                counted += 1;
            }
            if found.bytes > 0 && found.bytes == fitting || found.bytes > fitting + BETTER_BYTES {
                return (scan, found);
            }
            if counted > scan {
                fitting -= usize::from(self.fits(scan, current));
            } else {
                counted = scan + 1;
            }
        }
        (self.plain.len(), Match::default())
    }

    fn fits(&self, at: usize, alignment: isize) -> bool {
        let base = shifted(at, alignment).and_then(|from| self.bases.get(from));
        base.is_some() && base == self.plain.get(at)
    }

    /// The longest match at `scan`; that of the current alignment if none is longer.
    fn longest(&self, scan: usize, current: isize) -> Match {
        let rest = self.plain.get(scan..).unwrap_or_default();
        let mut best = Match::default();
        if let Some(from) = shifted(scan, current) {
            best = Match { from, bytes: self.equal(rest, from) };
        }
        if best.bytes >= MATCH_BYTES_MAX || rest.len() < SEED_BYTES {
            return best;
        }
        for from in self.places.of_seed(rest) {
            // One byte tells whether this can be longer.
            if self.bases.get(from + best.bytes) == rest.get(best.bytes) {
                let bytes = self.equal(rest, from);
                if bytes > best.bytes {
                    best = Match { from, bytes };
                    if bytes >= MATCH_BYTES_MAX {
                        break;
                    }
                }
            }
        }
        best
    }

    fn equal(&self, rest: &[u8], from: usize) -> usize {
        let bases = self.bases.get(from..).unwrap_or_default();
        let limit = rest.len().min(bases.len()).min(MATCH_BYTES_MAX);
        let (words, bases_words) = (rest.as_chunks::<8>().0, bases.as_chunks::<8>().0);
        let whole = words.iter().zip(bases_words).take(limit / 8);
        let start = whole.take_while(|(a, b)| a == b).count() * 8;
        let tail = rest.iter().zip(bases).take(limit).skip(start);
        start + tail.take_while(|(a, b)| a == b).count()
    }

    /// How far at most `limit` bytes from `start` are worth taking from `from`: as long as more than half of them fit.
    fn fitting_after(&self, start: usize, from: usize, limit: usize) -> usize {
        let plain = self.plain.get(start..start + limit).unwrap_or_default();
        most_fitting(plain.iter().zip(self.bases.get(from..).unwrap_or_default()))
    }

    /// The same backwards from the match at `scan`, not before `start`.
    fn fitting_before(&self, scan: usize, from: usize, start: usize) -> usize {
        let plain = self.plain.get(start..scan).unwrap_or_default();
        most_fitting(
            plain.iter().rev().zip(self.bases.get(..from).unwrap_or_default().iter().rev()),
        )
    }

    /// Where in `range` (counted from `start`) the alignment of `from` is best left for the next one.
    fn seam(
        &self,
        start: usize,
        from: usize,
        (scan, next): (usize, usize),
        range: std::ops::Range<usize>,
    ) -> usize {
        let (this, other) = (alignment(start, from), alignment(scan, next));
        let (mut score, mut best, mut seam) = (0_i64, 0_i64, range.start);
        for length in range {
            let at = start + length;
            score += i64::from(self.fits(at, this)) - i64::from(self.fits(at, other));
            if score > best {
                (best, seam) = (score, length + 1);
            }
        }
        seam
    }
}

fn most_fitting<'a>(pairs: impl Iterator<Item = (&'a u8, &'a u8)>) -> usize {
    let (mut score, mut best, mut length) = (0_i64, 0_i64, 0);
    for (count, (a, b)) in (1..).zip(pairs) {
        score += if a == b { 1 } else { -1 };
        if score > best {
            (best, length) = (score, count);
        }
    }
    length
}
