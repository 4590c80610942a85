//! What deflate streams consist of: blocks of tokens.

use crate::numbers::index;

/// A token: one byte, or a repetition of what came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// This byte.
    Literal(u8),
    /// `length` (3 to 258) bytes from `distance` (1 to 32768) bytes back.
    Match {
        /// Bytes.
        length: u16,
        /// Bytes back.
        distance: u16,
    },
}

/// How a block is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Coding {
    /// Bytes as they are.
    Stored {
        /// How many.
        bytes: u16,
    },
    /// With the fixed codes.
    Fixed,
    /// With codes of its own.
    Dynamic(CodeTable),
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Whether it ends the stream.
    pub(super) last: bool,
    /// How it is coded.
    pub(super) coding: Coding,
    /// Its tokens; none when it is stored.
    pub(super) tokens: Vec<Token>,
}

/// The codes at the head of a block, exactly as they stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CodeTable {
    /// Number of literal and length codes, 257 to 286.
    pub(super) literals: u16,
    /// Number of distance codes, 1 to 30.
    pub(super) distances: u16,
    /// Lengths (0 to 7) of the codes for code lengths, in the order of [`LENGTH_ORDER`], 4 to 19 of them.
    pub(super) order: Vec<u8>,
    /// Symbols of code lengths, each with the number that stands with it (0 below symbol 16).
    pub(super) symbols: Vec<(u8, u8)>,
}

impl CodeTable {
    /// The lengths of literal codes and distance codes; `None` when the symbols yield another number of them.
    pub(super) fn lengths(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let wanted = usize::from(self.literals) + usize::from(self.distances);
        let mut lengths = Vec::with_capacity(wanted);
        for (symbol, more) in &self.symbols {
            let (length, count) = match symbol {
                0..=15 => (*symbol, 1),
                16 => (*lengths.last()?, 3 + usize::from(*more)),
                17 => (0, 3 + usize::from(*more)),
                18 => (0, 11 + usize::from(*more)),
                _ => return None,
            };
            lengths.resize(lengths.len() + count, length);
            if lengths.len() > wanted {
                return None;
            }
        }
        let distances = lengths.split_off_checked(usize::from(self.literals))?;
        (distances.len() == usize::from(self.distances)).then_some((lengths, distances))
    }

    /// The lengths of the codes for code lengths, by symbol.
    pub(super) fn order_lengths(&self) -> [u8; 19] {
        let mut lengths = [0; 19];
        for (place, length) in LENGTH_ORDER.iter().zip(&self.order) {
            if let Some(slot) = lengths.get_mut(*place) {
                *slot = *length;
            }
        }
        lengths
    }
}

trait SplitOffChecked: Sized {
    fn split_off_checked(&mut self, at: usize) -> Option<Self>;
}

impl SplitOffChecked for Vec<u8> {
    fn split_off_checked(&mut self, at: usize) -> Option<Self> {
        (at <= self.len()).then(|| self.split_off(at))
    }
}

/// The bits of the number beside a symbol of code lengths.
pub(super) const fn repeat_bits(symbol: u8) -> u32 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}

/// The order in which lengths of codes for code lengths are written.
pub(super) const LENGTH_ORDER: [usize; 19] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Shortest and longest match.
pub(super) const MATCH_MIN: u16 = 3;
pub(super) const MATCH_MAX: u16 = 258;

const LENGTH_BASE: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
];
const LENGTH_BITS: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
    2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];

/// Base and number of extra bits of a length code, counted from 0; `None` above 28.
pub(super) fn length_base(code: u16) -> Option<(u16, u32)> {
    let code = usize::from(code);
    Some((*LENGTH_BASE.get(code)?, u32::from(*LENGTH_BITS.get(code)?)))
}

/// Base and number of extra bits of a distance code; `None` above 29.
pub(super) fn distance_base(code: u16) -> Option<(u16, u32)> {
    let base = *DISTANCE_BASE.get(usize::from(code))?;
    Some((base, (u32::from(code) / 2).saturating_sub(1)))
}

/// The code of a length, counted from 0.
pub(super) fn length_code(length: u16) -> u16 {
    last_not_above(&LENGTH_BASE, length)
}

/// The code of a distance.
pub(super) fn distance_code(distance: u16) -> u16 {
    last_not_above(&DISTANCE_BASE, distance)
}

fn last_not_above(bases: &[u16], value: u16) -> u16 {
    let above = bases.partition_point(|base| *base <= value);
    u16::try_from(above.saturating_sub(1)).unwrap_or(0)
}

/// How often each literal or length, and each distance, is used in a block; the end of the block counts once.
pub(super) fn frequencies(tokens: &[Token]) -> ([u32; 286], [u32; 30]) {
    let (mut literals, mut distances) = ([0; 286], [0; 30]);
    let count = |slot: Option<&mut u32>| {
        if let Some(slot) = slot {
            *slot += 1;
        }
    };
    count(literals.get_mut(256));
    for token in tokens {
        match token {
            Token::Literal(byte) => count(literals.get_mut(usize::from(*byte))),
            Token::Match { length, distance } => {
                count(literals.get_mut(257 + usize::from(length_code(*length))));
                count(distances.get_mut(usize::from(distance_code(*distance))));
            }
        }
    }
    (literals, distances)
}

/// The lengths of the fixed codes.
pub(super) fn fixed_lengths() -> (Vec<u8>, Vec<u8>) {
    let length = |symbol| match symbol {
        0..=143 | 280..=287 => 8,
        144..=255 => 9,
        _ => 7,
    };
    ((0_u32..288).map(length).collect(), vec![5; index(30)])
}
