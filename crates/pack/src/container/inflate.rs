//! Reading a deflate stream block by block: its tokens, and the bytes that they stand for.

use std::io::BufRead;

use super::bits::{BitReader, Stop};
use super::block::{
    Block, CodeTable, Coding, LENGTH_ORDER, MATCH_MAX, Token, distance_base, fixed_lengths,
    length_base, repeat_bits,
};
use super::huffman::Decoder;
use super::{BLOCK_PLAIN_MAX, BLOCK_TOKENS_MAX, WINDOW};
use crate::numbers::{index, size};

/// A deflate stream that is being read. Memory: one block, and the window before it.
#[derive(Debug)]
pub(super) struct Inflater<R> {
    bits: BitReader<R>,
    /// The window, then the bytes of the last block.
    plain: Vec<u8>,
    /// Where the bytes of the last block begin.
    start: usize,
    ended: bool,
}

impl<R: BufRead> Inflater<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { bits: BitReader::new(source), plain: Vec::new(), start: 0, ended: false }
    }

    /// Bytes of the stream read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bits.bytes()
    }

    /// Bytes taken from the source that do not belong to the stream any more: at most eight.
    pub(super) fn taken_too_many(&self) -> i64 {
        self.bits.ahead_bytes()
    }

    /// The bytes that the last block stands for.
    pub(super) fn plain(&self) -> &[u8] {
        self.plain.get(self.start..).unwrap_or_default()
    }

    /// The next block; `None` after the last one.
    pub(super) fn block(&mut self) -> Result<Option<Block>, Stop> {
        if self.ended {
            return Ok(None);
        }
        self.plain.drain(..self.plain.len().saturating_sub(WINDOW));
        self.start = self.plain.len();
        let last = self.bits.take(1)? == 1;
        let (coding, tokens) = match self.bits.take(2)? {
            0 => (self.stored()?, Vec::new()),
            1 => (Coding::Fixed, self.tokens(fixed_lengths())?),
            2 => {
                let table = self.table()?;
                let lengths = table.lengths().ok_or(Stop::Refused)?;
                (Coding::Dynamic(table), self.tokens(lengths)?)
            }
            _ => return Err(Stop::Refused),
        };
        if last {
            self.bits.align()?;
            self.ended = true;
        }
        Ok(Some(Block { last, coding, tokens }))
    }

    fn stored(&mut self) -> Result<Coding, Stop> {
        self.bits.align()?;
        let (bytes, check) = (self.bits.take(16)?, self.bits.take(16)?);
        if bytes ^ 0xffff != check {
            return Err(Stop::Refused);
        }
        for _ in 0..bytes {
            let byte = self.bits.take(8)?;
            self.plain.push(u8::try_from(byte).map_err(|_| Stop::Refused)?);
        }
        Ok(Coding::Stored { bytes: u16::try_from(bytes).map_err(|_| Stop::Refused)? })
    }

    fn number(&mut self, bits: u32, base: u16) -> Result<u16, Stop> {
        let value = u16::try_from(self.bits.take(bits)?).map_err(|_| Stop::Refused)?;
        value.checked_add(base).ok_or(Stop::Refused)
    }

    fn small(&mut self, bits: u32) -> Result<u8, Stop> {
        u8::try_from(self.bits.take(bits)?).map_err(|_| Stop::Refused)
    }

    fn table(&mut self) -> Result<CodeTable, Stop> {
        let (literals, distances) = (self.number(5, 257)?, self.number(5, 1)?);
        if literals > 286 || distances > 30 {
            return Err(Stop::Refused);
        }
        let count = index(self.bits.take(4)?) + 4;
        let order = LENGTH_ORDER.iter().take(count).map(|_| self.small(3));
        let order = order.collect::<Result<Vec<_>, _>>()?;
        let mut table = CodeTable { literals, distances, order, symbols: Vec::new() };
        let decoder = Decoder::new(&table.order_lengths()).ok_or(Stop::Refused)?;
        let mut left = usize::from(literals) + usize::from(distances);
        while left > 0 {
            let symbol =
                u8::try_from(decoder.symbol(&mut self.bits)?).map_err(|_| Stop::Refused)?;
            let more = self.small(repeat_bits(symbol))?;
            let lengths = match symbol {
                0..=15 => 1,
                16 | 17 => 3 + usize::from(more),
                _ => 11 + usize::from(more),
            };
            left = left.checked_sub(lengths).ok_or(Stop::Refused)?;
            table.symbols.push((symbol, more));
        }
        Ok(table)
    }

    fn tokens(&mut self, (literals, distances): (Vec<u8>, Vec<u8>)) -> Result<Vec<Token>, Stop> {
        let literals = Decoder::new(&literals).ok_or(Stop::Refused)?;
        let distances = Decoder::new(&distances).ok_or(Stop::Refused)?;
        let mut tokens = Vec::new();
        loop {
            match literals.symbol(&mut self.bits)? {
                256 => return Ok(tokens),
                literal @ 0..=255 => {
                    let byte = u8::try_from(literal).map_err(|_| Stop::Refused)?;
                    self.plain.push(byte);
                    tokens.push(Token::Literal(byte));
                }
                symbol => tokens.push(self.repetition(symbol - 257, &distances)?),
            }
            let plain = self.plain.len() - self.start;
            if tokens.len() > BLOCK_TOKENS_MAX || size(plain) > BLOCK_PLAIN_MAX {
                return Err(Stop::Refused);
            }
        }
    }

    fn repetition(&mut self, code: u16, distances: &Decoder) -> Result<Token, Stop> {
        let (base, bits) = length_base(code).ok_or(Stop::Refused)?;
        let length = self.number(bits, base)?;
        // 258 has a code of its own; the other way to write it is not re-created.
        if length == MATCH_MAX && bits > 0 {
            return Err(Stop::Refused);
        }
        let symbol = distances.symbol(&mut self.bits)?;
        let (base, bits) = distance_base(symbol).ok_or(Stop::Refused)?;
        let distance = self.number(bits, base)?;
        let back = usize::from(distance);
        let from = self.plain.len().checked_sub(back).ok_or(Stop::Refused)?;
        let count = usize::from(length);
        if back >= count {
            self.plain.extend_from_within(from..from + count);
        } else {
            for place in from..from + count {
                let byte = self.plain.get(place).copied().ok_or(Stop::Refused)?;
                self.plain.push(byte);
            }
        }
        Ok(Token::Match { length, distance })
    }
}
