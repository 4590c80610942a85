//! Huffman codes of deflate (RFC 1951): reading them, and writing them.

use std::io::BufRead;

use super::bits::{BitReader, Stop};
use crate::numbers::index;

/// Longest code in bits.
pub(super) const CODE_BITS_MAX: u8 = 15;
const FAST_BITS: u32 = 10;
const FAST_SIZE: usize = 1 << FAST_BITS;

/// Decodes symbols: codes of up to ten bits by one look into a table, longer ones bit by bit.
#[derive(Debug)]
pub(super) struct Decoder {
    /// By the next ten bits: symbol × 16 + length of its code; 0 for longer codes.
    fast: Vec<u16>,
    /// Number of codes of each length.
    counts: [u16; 16],
    /// Symbols by length of code, then by value.
    symbols: Vec<u16>,
}

impl Decoder {
    /// The codes of these lengths; `None` when there are more than fit.
    pub(super) fn new(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0_u16; 16];
        for length in lengths.iter().filter(|length| **length > 0) {
            *counts.get_mut(usize::from(*length))? += 1;
        }
        let mut left = 1_i32;
        for count in counts.iter().skip(1) {
            left = (left << 1) - i32::from(*count);
            if left < 0 {
                return None;
            }
        }
        let mut symbols = Vec::with_capacity(lengths.len());
        let mut fast = vec![0; FAST_SIZE];
        let codes = codes(lengths);
        for length in 1..=CODE_BITS_MAX {
            let alike = lengths.iter().zip(&codes).enumerate();
            for (symbol, (_, code)) in alike.filter(|(_, (found, _))| **found == length) {
                let symbol = u16::try_from(symbol).ok()?;
                symbols.push(symbol);
                if u32::from(length) <= FAST_BITS {
                    let slots = fast.iter_mut().skip(usize::from(code.bits)).step_by(1 << length);
                    slots.for_each(|slot| *slot = symbol << 4 | u16::from(length));
                }
            }
        }
        Some(Self { fast, counts, symbols })
    }

    /// The next symbol.
    pub(super) fn symbol<R: BufRead>(&self, reader: &mut BitReader<R>) -> Result<u16, Stop> {
        let mut bits = reader.peek()?;
        let slot = usize::try_from(bits).unwrap_or(usize::MAX) & (FAST_SIZE - 1);
        let entry = self.fast.get(slot).copied().unwrap_or(0);
        if entry != 0 {
            reader.skip(u32::from(entry & 15))?;
            return Ok(entry >> 4);
        }
        let (mut code, mut first, mut start) = (0_u32, 0_u32, 0_u32);
        for (length, count) in (1_u32..).zip(self.counts.iter().skip(1)) {
            code |= u32::from(bits & 1 == 1);
            bits >>= 1;
            let count = u32::from(*count);
            if code < first + count {
                reader.skip(length)?;
                let symbol = self.symbols.get(index(start + code - first));
                return symbol.copied().ok_or(Stop::Refused);
            }
            start += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stop::Refused)
    }
}

/// A code as it is written: its bits, the first one lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Code {
    pub(super) bits: u16,
    pub(super) length: u8,
}

/// The code of each symbol. Lengths that promise more codes than fit give codes that mean nothing, never a failure.
pub(super) fn codes(lengths: &[u8]) -> Vec<Code> {
    let mut next = [0_u16; 17];
    let mut code = 0_u16;
    for length in 1..=CODE_BITS_MAX {
        let before = lengths.iter().filter(|found| **found == length - 1 && length > 1).count();
        code = code.wrapping_add(u16::try_from(before).unwrap_or(0)) << 1;
        if let Some(slot) = next.get_mut(usize::from(length)) {
            *slot = code;
        }
    }
    let code = |length: &u8| {
        let (Some(slot), 1..=CODE_BITS_MAX) = (next.get_mut(usize::from(*length)), *length) else {
            return Code::default();
        };
        let bits = slot.reverse_bits() >> (16 - u16::from(*length));
        *slot = slot.wrapping_add(1);
        Code { bits, length: *length }
    };
    lengths.iter().map(code).collect()
}
