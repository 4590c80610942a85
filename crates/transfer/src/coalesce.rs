//! Which byte ranges to ask for so that all wanted blocks are covered. Pure.

use std::ops::Range;

use crate::WantedBlock;

/// How neighbouring blocks are joined to one range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoalescePolicy {
    /// Unwanted bytes between two blocks that are fetched rather than asking twice.
    pub max_gap_bytes: u64,
    /// Bytes of one range; a single larger block is still one range.
    pub max_range_bytes: u64,
}

impl Default for CoalescePolicy {
    /// `Ours:` 64 KiB is what a link of 20 Mbit/s carries in about one round trip of a request; 16 MiB keeps the share of
    /// round trips below one percent there, and a lost connection costs no verified block anyway.
    fn default() -> Self {
        Self { max_gap_bytes: 64 * 1024, max_range_bytes: 16 * 1024 * 1024 }
    }
}

/// One range to ask for and the blocks that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangePlan {
    /// Offset of its first byte.
    pub start: u64,
    /// Length in bytes, gaps included.
    pub bytes: u64,
    /// The blocks, as positions in the list that was given.
    pub blocks: Range<usize>,
}

/// Joins `blocks`, sorted by offset and without overlaps, to ranges: each block lies in exactly one range, a range begins and
/// ends with a block, and ranges come in order and do not overlap.
#[must_use]
pub fn coalesce(blocks: &[WantedBlock], policy: CoalescePolicy) -> Vec<RangePlan> {
    let mut plans: Vec<RangePlan> = Vec::new();
    for (position, block) in blocks.iter().enumerate() {
        if let Some(last) = plans.last_mut() {
            let gap = block.offset.saturating_sub(last.start.saturating_add(last.bytes));
            let joined = block.end().saturating_sub(last.start);
            if gap <= policy.max_gap_bytes && joined <= policy.max_range_bytes {
                last.bytes = joined;
                last.blocks.end = position + 1;
                continue;
            }
        }
        plans.push(RangePlan {
            start: block.offset,
            bytes: u64::from(block.bytes),
            blocks: position..position + 1,
        });
    }
    plans
}

#[cfg(test)]
mod tests {
    use headstart_model::Digest;
    use proptest::prelude::*;

    use super::*;

    fn blocks(gaps_and_lengths: &[(u64, u32)]) -> Vec<WantedBlock> {
        let digest = Digest::of(b"");
        let mut offset = 0;
        let mut blocks = Vec::new();
        for (tag, (gap, bytes)) in gaps_and_lengths.iter().enumerate() {
            offset += gap;
            blocks.push(WantedBlock { offset, bytes: *bytes, digest, tag: tag as u64 });
            offset += u64::from(*bytes);
        }
        blocks
    }

    #[test]
    fn neighbours_join_and_wide_gaps_part() {
        let policy = CoalescePolicy { max_gap_bytes: 5, max_range_bytes: 100 };
        let plans = coalesce(&blocks(&[(3, 10), (0, 10), (5, 10), (6, 10)]), policy);
        assert_eq!(
            plans,
            [
                RangePlan { start: 3, bytes: 35, blocks: 0..3 },
                RangePlan { start: 44, bytes: 10, blocks: 3..4 }
            ]
        );
        assert!(coalesce(&[], policy).is_empty());
    }

    #[test]
    fn a_block_above_the_limit_is_a_range_of_its_own() {
        let policy = CoalescePolicy { max_gap_bytes: 5, max_range_bytes: 100 };
        let plans = coalesce(&blocks(&[(0, 1), (0, 500), (0, 1)]), policy);
        assert_eq!(plans.iter().map(|plan| plan.bytes).collect::<Vec<_>>(), [1, 500, 1]);
    }

    proptest! {
        #[test]
        fn every_block_lies_in_exactly_one_range(
            shape in prop::collection::vec((0_u64..200, 1_u32..200), 0..60),
            max_gap_bytes in 0_u64..150,
            max_range_bytes in 1_u64..1000,
        ) {
            let blocks = blocks(&shape);
            let plans = coalesce(&blocks, CoalescePolicy { max_gap_bytes, max_range_bytes });
            let mut next_block = 0;
            let mut end_of_last = 0;
            for plan in &plans {
                prop_assert_eq!(plan.blocks.start, next_block);
                prop_assert!(plan.start >= end_of_last);
                let held = &blocks[plan.blocks.clone()];
                let (first, last) = (held[0], held[held.len() - 1]);
                prop_assert_eq!((plan.start, plan.start + plan.bytes), (first.offset, last.end()));
                prop_assert!(plan.bytes <= max_range_bytes || held.len() == 1);
                let gaps = held.windows(2).map(|pair| pair[1].offset - pair[0].end());
                prop_assert!(gaps.max().unwrap_or(0) <= max_gap_bytes);
                next_block = plan.blocks.end;
                end_of_last = plan.start + plan.bytes;
            }
            prop_assert_eq!(next_block, blocks.len());
            // No two neighbouring ranges could have been one.
            for pair in plans.windows(2) {
                let gap = pair[1].start - (pair[0].start + pair[0].bytes);
                let joined = blocks[pair[1].blocks.start].end() - pair[0].start;
                prop_assert!(gap > max_gap_bytes || joined > max_range_bytes);
            }
        }
    }
}
