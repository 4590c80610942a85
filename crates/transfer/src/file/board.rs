//! Which bytes of a file are being fetched by whom. Pure: time is an argument.

use std::time::{Duration, Instant};

use super::extents::Extents;

/// The shortest piece that is asked for, unless fewer bytes are missing.
const PIECE_BYTES_MIN: u64 = 256 * 1024;
/// The longest. `Ours:` a server that ignores what it is asked for costs at most this much.
const PIECE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// What ends sooner is left to its holder. `Ours:` what is under way to it would be lost with its connection, and on a link that all share it
/// becomes quicker as others end.
const WORTH_SECONDS: f64 = 1.0;
/// How long the first byte of a piece may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is left of a piece is divided no further below this.
const SHARE_BYTES_MIN: u64 = 64 * 1024;

/// A piece that somebody fetches.
#[derive(Debug)]
struct Active {
    number: u64,
    start: u64,
    /// The next byte that is expected.
    at: u64,
    end: u64,
    since: Instant,
}

/// A piece to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its number on the board.
    pub(super) number: u64,
    pub(super) start: u64,
    /// The end to ask for; somebody quicker may take over a part meanwhile.
    pub(super) end: u64,
}

/// The pieces under way.
#[derive(Debug, Default)]
pub(super) struct Board {
    active: Vec<Active>,
    next_number: u64,
}

impl Board {
    /// A piece that nobody has or fetches: of what is missing up to `total_bytes`, for one of `workers`. Pieces become shorter
    /// towards the end, so that all end at about the same time. If everything is being fetched already, a part of what is
    /// left to the slowest.
    pub(super) fn claim(
        &mut self,
        written: &Extents,
        total_bytes: u64,
        workers: usize,
        now: Instant,
    ) -> Option<Piece> {
        let mut taken = written.clone();
        for active in &self.active {
            taken.insert(active.start, active.end);
        }
        let Some((start, gap_end)) = taken.first_gap(0, total_bytes) else {
            return self.take_over(now);
        };
        let missing_bytes = total_bytes.saturating_sub(taken.bytes());
        let share = missing_bytes / (2 * workers.max(1) as u64);
        let length = share.clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX);
        let end = gap_end.min(start.saturating_add(length));
        Some(self.begin(start, end, now))
    }

    /// A piece that somebody fetches already without having asked for it here.
    pub(super) fn begin(&mut self, start: u64, end: u64, now: Instant) -> Piece {
        let number = self.next_number;
        self.next_number += 1;
        self.active.push(Active { number, start, at: start, end, since: now });
        Piece { number, start, end }
    }

    /// The second part of the piece that would last longest. It is divided by the rate of its holder and the best rate of
    /// all, so that one that stalls is left nothing.
    fn take_over(&mut self, now: Instant) -> Option<Piece> {
        let best = self.active.iter().map(|active| active.rate(now)).fold(1.0, f64::max);
        let lasts = |active: &Active| (active.end - active.at) as f64 / active.rate(now).max(1.0);
        let slowest = self
            .active
            .iter_mut()
            .filter(|active| active.end - active.at >= SHARE_BYTES_MIN && !active.is_new(now))
            .filter(|active| lasts(active) >= WORTH_SECONDS)
            .max_by(|one, other| lasts(one).total_cmp(&lasts(other)))?;
        let left = slowest.end - slowest.at;
        let rate = slowest.rate(now);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of what is left"
        )]
        let kept = ((left as f64) * rate / (rate + best)) as u64;
        let end = slowest.end;
        slowest.end = slowest.at + kept.min(left / 2);
        let start = slowest.end;
        Some(self.begin(start, end, now))
    }

    /// Of `bytes` that have arrived for a piece, those that still belong to it.
    pub(super) fn arrived(&mut self, number: u64, bytes: u64) -> u64 {
        let Some(active) = self.active.iter_mut().find(|active| active.number == number) else {
            return 0;
        };
        let taken = bytes.min(active.end - active.at);
        active.at += taken;
        taken
    }

    /// How many bytes of a piece have not arrived.
    pub(super) fn left(&self, number: u64) -> u64 {
        let active = self.active.iter().find(|active| active.number == number);
        active.map_or(0, |active| active.end - active.at)
    }

    /// Nobody fetches this piece any more.
    pub(super) fn release(&mut self, number: u64) {
        self.active.retain(|active| active.number != number);
    }
}

impl Active {
    /// Before the first byte has come nobody is taken for slow, unless it takes long: else a piece would be passed on and on.
    fn is_new(&self, now: Instant) -> bool {
        self.at == self.start && now.saturating_duration_since(self.since) < PATIENCE
    }

    /// Bytes a second since it began.
    fn rate(&self, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.since).max(Duration::from_millis(1));
        (self.at - self.start) as f64 / elapsed.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn pieces_become_shorter_towards_the_end() {
        let (mut board, mut written, now) = (Board::default(), Extents::default(), Instant::now());
        let mut lengths = Vec::new();
        while let Some(piece) = board.claim(&written, 40 * MIB, 2, now) {
            lengths.push(piece.end - piece.start);
            board.release(piece.number);
            written.insert(piece.start, piece.end);
        }
        assert_eq!(lengths.first(), Some(&(8 * MIB)));
        assert!(lengths.is_sorted_by(|one, next| one >= next), "{lengths:?}");
        assert!(lengths.last().is_some_and(|last| *last <= PIECE_BYTES_MIN));
        assert_eq!(written.bytes(), 40 * MIB);
    }

    #[test]
    fn a_quick_one_takes_over_what_a_stalled_one_has_left() {
        let (mut board, written, start) = (Board::default(), Extents::default(), Instant::now());
        let slow = board.claim(&written, 200_000, 2, start).expect("everything");
        assert_eq!((slow.start, slow.end), (0, 200_000));
        assert_eq!(board.arrived(slow.number, 0), 0);
        let quick = board.claim(&written, 200_000, 2, start + Duration::from_secs(9));
        let quick = quick.expect("a part");
        assert_eq!((quick.start, quick.end), (0, 200_000));
        assert_eq!((board.left(slow.number), board.arrived(slow.number, 100)), (0, 0));
    }

    #[test]
    fn equal_ones_share_what_is_left() {
        let (mut board, written, start) = (Board::default(), Extents::default(), Instant::now());
        let one = board.claim(&written, 250_000, 2, start).expect("everything");
        assert_eq!(board.arrived(one.number, 50_000), 50_000);
        let other = board.claim(&written, 250_000, 2, start + Duration::from_secs(1));
        assert_eq!(other.map(|piece| (piece.start, piece.end)), Some((150_000, 250_000)));
        assert_eq!(board.left(one.number), 100_000);
    }

    proptest! {
        #[test]
        fn every_byte_is_fetched_exactly_once_whoever_is_quick(
            total_bytes in 1_u64..3_000_000,
            steps in prop::collection::vec((0_usize..5, 1_u64..400_000), 1..200),
        ) {
            let (mut board, mut written, start) = (Board::default(), Extents::default(), Instant::now());
            let mut hands: Vec<Option<(Piece, u64)>> = vec![None; 5];
            let (mut fetched, mut time) = (0, start);
            // The last round goes on until nothing is left.
            let rest = std::iter::repeat_n(0..5_usize, 3000).flatten().map(|hand| (hand, 400_000));
            for (hand, bytes) in steps.into_iter().chain(rest) {
                time += Duration::from_millis(10);
                match hands[hand].take() {
                    None => hands[hand] = board.claim(&written, total_bytes, 5, time).map(|piece| (piece, piece.start)),
                    Some((piece, at)) => {
                        let taken = board.arrived(piece.number, bytes);
                        fetched += taken;
                        written.insert(at, at + taken);
                        if board.left(piece.number) == 0 {
                            board.release(piece.number);
                        } else {
                            hands[hand] = Some((piece, at + taken));
                        }
                    }
                }
            }
            prop_assert_eq!((written.bytes(), fetched), (total_bytes, total_bytes));
        }
    }
}
