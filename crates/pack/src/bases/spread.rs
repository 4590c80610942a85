//! How much else has to be read for a block: bases that have bases themselves add up.

use crate::numbers::index;

/// Blocks that are told apart. Most groups have fewer; chunks of later blocks are no bases.
const BLOCKS_MAX: usize = 128;

/// Stored bytes that a block may need beside itself, as far as is known when its bases are chosen. With what else lies in
/// the blocks of a file, reading one stays below 4 MiB on average.
pub(super) const NEEDED_BYTES_MAX: u64 = 3 << 20;

/// Which blocks of the present group need which.
#[derive(Debug, Default)]
pub(super) struct Spread {
    /// For each chunk of the version the block of the group that holds it.
    block_of: Vec<u8>,
    /// For each block all that it needs, itself too, one bit a block; and its likely stored bytes.
    blocks: Vec<(u128, u64)>,
}

impl Spread {
    pub(super) fn new(chunks: u32) -> Self {
        Self { block_of: vec![0; index(chunks)], blocks: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.blocks.clear();
    }

    /// What `needed` becomes when `chunk` is a base, too; `None` when that is too much.
    pub(super) fn with(&self, needed: u128, chunk: u32) -> Option<u128> {
        let block = self.block_of.get(index(chunk)).copied().map_or(BLOCKS_MAX, usize::from);
        // Past the last bit nothing can be told of a block: it is too much for everybody.
        let told_apart = self.blocks.get(..BLOCKS_MAX).unwrap_or(&self.blocks);
        let needed = needed | told_apart.get(block)?.0;
        let bits = (0..).zip(told_apart).filter(|(number, _)| needed >> number & 1 == 1);
        let bytes: u64 = bits.map(|(_, (_, bytes))| bytes).sum();
        (bytes <= NEEDED_BYTES_MAX).then_some(needed)
    }

    /// Adds the block of `chunks`, which needs `needed` and has about `bytes` stored.
    pub(super) fn push(&mut self, chunks: &[u32], needed: u128, bytes: u64) {
        let number = self.blocks.len();
        let bit = if number < BLOCKS_MAX { 1_u128 << number } else { 0 };
        self.blocks.push((needed | bit, bytes));
        for chunk in chunks {
            if let Some(block) = self.block_of.get_mut(index(*chunk)) {
                *block = u8::try_from(number).unwrap_or(u8::MAX);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bases_need_counts_once_and_up_to_the_limit() {
        let mut spread = Spread::new(4);
        spread.push(&[0], 0, 1 << 20);
        let first = spread.with(0, 0).expect("1 MiB");
        spread.push(&[1], first, 1 << 20);
        spread.push(&[2], first, 1 << 20);
        let both = spread.with(spread.with(0, 1).expect("2 MiB"), 2).expect("3 MiB");
        spread.push(&[3], both, 1);
        assert_eq!(spread.with(0, 3), None);
    }

    #[test]
    fn chunks_of_blocks_past_the_last_bit_are_no_bases_and_change_nothing() {
        let mut spread = Spread::new(300);
        for chunk in 0..300 {
            spread.push(&[chunk], 0, 1);
        }
        assert_eq!(spread.with(0, 0), Some(1));
        let last = spread.with(1, 127).expect("two bytes");
        assert_eq!(last, 1 | 1 << 127);
        for chunk in [128, 129, 255, 256, 299] {
            assert_eq!(spread.with(0, chunk), None);
            assert_eq!(spread.with(last, chunk), None);
        }
    }
}
