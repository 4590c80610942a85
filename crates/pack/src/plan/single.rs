//! Planning with one bundle that has no old version, however large: nothing is left to choose.

use std::collections::BTreeSet;

use crate::numbers::index;
use crate::plan::PlanError;
use crate::plan::choice::{Offer, Wish};
use crate::table::BaseSpace;

/// Marks a piece that no block yields. There are fewer blocks.
const NO_BLOCK: u32 = u32::MAX;

/// The blocks of `offer`, the only one of `wish`, that yield what is wanted and not held, and those that these are based on. Bases in an
/// old tree count as held. Memory: four bytes a piece, and what the blocks found take; time: linear in the chunks and bases of the table.
///
/// # Errors
/// [`PlanError::Lacking`].
pub(super) fn blocks(wish: &Wish<'_>, offer: &Offer<'_>) -> Result<BTreeSet<u32>, PlanError> {
    let new = wish.pieces.of(offer.new);
    let mut yielded_by = vec![NO_BLOCK; index(wish.pieces.count())];
    for (number, block) in (0..).zip(offer.table.blocks()) {
        for piece in block.chunks().filter_map(|chunk| new.get(index(chunk))) {
            if let Some(slot) = yielded_by.get_mut(index(*piece)) {
                *slot = number;
            }
        }
    }
    let mut blocks = BTreeSet::new();
    let mut open: Vec<u32> = Vec::new();
    let mut want = |piece: u32, open: &mut Vec<u32>| {
        if wish.held.contains(piece) {
            return true;
        }
        let block = yielded_by.get(index(piece)).copied().unwrap_or(NO_BLOCK);
        if block != NO_BLOCK && blocks.insert(block) {
            open.push(block);
        }
        block != NO_BLOCK
    };
    for (chunk, piece) in (0..).zip(wish.pieces.of(wish.goal)) {
        let mut found = want(*piece, &mut open);
        while let Some(block) = open.pop().and_then(|at| offer.table.blocks().get(index(at))) {
            for base in block.bases.iter().filter(|base| base.space == BaseSpace::New) {
                for piece in base.run.chunks().filter_map(|chunk| new.get(index(chunk))) {
                    found &= want(*piece, &mut open);
                }
            }
        }
        if !found {
            return Err(PlanError::Lacking { chunk });
        }
    }
    Ok(blocks)
}
