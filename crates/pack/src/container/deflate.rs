//! Writing blocks of tokens as a deflate stream.

use super::bits::BitWriter;
use super::block::{
    Block, CodeTable, Coding, Token, distance_base, distance_code, fixed_lengths, length_base,
    length_code, repeat_bits,
};
use super::huffman::{Code, codes};

/// Writes blocks into memory.
#[derive(Debug, Default)]
pub(super) struct Deflater {
    bits: BitWriter,
}

impl Deflater {
    /// What was written so far, to be taken away by the caller.
    pub(super) const fn bytes(&mut self) -> &mut Vec<u8> {
        self.bits.bytes()
    }

    /// Appends a block; `stored` are its bytes if it has no tokens. Codes that cannot be make a stream that nobody can
    /// read, never a failure: what was re-created is compared as a whole.
    pub(super) fn block(&mut self, block: &Block, stored: &[u8]) {
        self.bits.put(u32::from(block.last), 1);
        match &block.coding {
            Coding::Stored { bytes } => {
                self.bits.put(0, 2);
                self.bits.align();
                self.bits.put(u32::from(*bytes), 16);
                self.bits.put(u32::from(!*bytes), 16);
                self.bits.align();
                self.bits.bytes().extend_from_slice(stored);
            }
            Coding::Fixed => {
                self.bits.put(1, 2);
                let (literals, distances) = fixed_lengths();
                self.tokens(&block.tokens, &codes(&literals), &codes(&distances));
            }
            Coding::Dynamic(table) => {
                self.bits.put(2, 2);
                self.table(table);
                let (literals, distances) = table.lengths().unwrap_or_default();
                self.tokens(&block.tokens, &codes(&literals), &codes(&distances));
            }
        }
        if block.last {
            self.bits.align();
        }
    }

    fn table(&mut self, table: &CodeTable) {
        self.bits.put(u32::from(table.literals).wrapping_sub(257), 5);
        self.bits.put(u32::from(table.distances).wrapping_sub(1), 5);
        let order = u32::try_from(table.order.len()).unwrap_or(4);
        self.bits.put(order.wrapping_sub(4), 4);
        table.order.iter().for_each(|length| self.bits.put(u32::from(*length), 3));
        let order = codes(&table.order_lengths());
        for (symbol, more) in &table.symbols {
            self.code(&order, u16::from(*symbol));
            self.bits.put(u32::from(*more), repeat_bits(*symbol));
        }
    }

    fn tokens(&mut self, tokens: &[Token], literals: &[Code], distances: &[Code]) {
        for token in tokens {
            match token {
                Token::Literal(byte) => self.code(literals, u16::from(*byte)),
                Token::Match { length, distance } => {
                    let code = length_code(*length);
                    self.code(literals, code + 257);
                    self.extra(*length, length_base(code));
                    let code = distance_code(*distance);
                    self.code(distances, code);
                    self.extra(*distance, distance_base(code));
                }
            }
        }
        self.code(literals, 256);
    }

    fn code(&mut self, codes: &[Code], symbol: u16) {
        let code = codes.get(usize::from(symbol)).copied().unwrap_or_default();
        self.bits.put(u32::from(code.bits), u32::from(code.length));
    }

    fn extra(&mut self, value: u16, base: Option<(u16, u32)>) {
        if let Some((base, bits)) = base {
            self.bits.put(u32::from(value.wrapping_sub(base)), bits);
        }
    }
}
