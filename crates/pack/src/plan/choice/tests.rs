use headstart_model::{Digest, PackPath};
use proptest::prelude::*;

use super::*;
use crate::codec::Codec;
use crate::plan::PiecesBuilder;
use crate::table::{BaseRun, BaseSpace, Block, ChunkRun};
use crate::tree::{CompleteTree, TreeBuilder};

/// A tree of one file with a chunk of 10 bytes for each name.
fn tree(names: impl IntoIterator<Item = u32>) -> CompleteTree {
    let mut builder = TreeBuilder::new();
    let names = names.into_iter().map(|n| (Digest::of(&n.to_le_bytes()), 10));
    builder.file(&PackPath::new("f").expect("fine"), false, names).expect("small");
    builder.finish()
}

fn block(yields: (u32, u32), bases: &[(BaseSpace, u32)], stored_bytes: u32) -> Block {
    let (first, count) = yields;
    let base = |(space, first): &(BaseSpace, u32)| BaseRun {
        space: *space,
        run: ChunkRun { first: *first, count: 1 },
    };
    Block {
        runs: vec![ChunkRun { first, count }],
        bases: bases.iter().map(base).collect(),
        codec: Codec::Zstd,
        stored_bytes,
        digest: Digest::of(&first.to_le_bytes()),
    }
}

const NOTHING_HERE: BTreeSet<u32> = BTreeSet::new();
/// Every request costs as much as it says, and gaps are never fetched.
const BARE: LinkCosts = LinkCosts { request_bytes: 0, range_bytes_max: 1_000_000 };

/// An old version of chunks 0 to 3, a new one of chunks 10 to 13; a delta of one block for each new chunk, based on the old
/// chunk of the same place; a full bundle of two blocks.
struct World {
    pieces: Pieces,
    old: Space,
    new: Space,
    delta: BlockTable,
    full: BlockTable,
}

impl World {
    fn new(full_block_bytes: u32) -> Self {
        let mut pieces = PiecesBuilder::new();
        let old = pieces.complete(&tree(0..4)).expect("room");
        let new = pieces.complete(&tree(10..14)).expect("room");
        let delta = (0..4).map(|n| block((n, 1), &[(BaseSpace::Old, n)], 5));
        let full = [block((0, 2), &[], full_block_bytes), block((2, 2), &[], full_block_bytes)];
        let (delta, full) = (BlockTable::new(delta.collect()), BlockTable::new(full.to_vec()));
        Self { pieces: pieces.finish(), old, new, delta, full }
    }

    fn choose(&self, held: &[u32], here: &BTreeSet<u32>) -> Result<Choice, PlanError> {
        let mut set = ChunkSet::empty(self.pieces.count());
        for chunk in held {
            let piece = self.pieces.of(self.old).get(crate::numbers::index(*chunk));
            set.insert(*piece.expect("one of the old tree"));
        }
        let (new, old) = (self.new, Some(self.old));
        let offers = [
            Offer { table: &self.delta, new, old, head_bytes: 100, here },
            Offer { table: &self.full, new, old: None, head_bytes: 0, here: &NOTHING_HERE },
        ];
        let wish = Wish { pieces: &self.pieces, goal: new, held: &set, offers: &offers };
        choose(&wish, BARE)
    }
}

fn numbers(choice: &Choice) -> Vec<Vec<u32>> {
    let numbers = |fetch: &FetchPlan| fetch.blocks.iter().map(|block| block.number).collect();
    choice.fetches.iter().map(numbers).collect()
}

#[test]
fn blocks_whose_bases_are_here_come_from_the_delta_and_the_rest_from_the_full_bundle() {
    let world = World::new(50);
    let all = world.choose(&[0, 1, 2, 3], &NOTHING_HERE).expect("complete");
    assert_eq!((numbers(&all), all.bytes_down), (vec![vec![0, 1, 2, 3], vec![]], 20));
    let half = world.choose(&[0, 1], &NOTHING_HERE).expect("complete");
    assert_eq!((numbers(&half), half.bytes_down), (vec![vec![0, 1], vec![1]], 60));
    // Of the second half one chunk has a base: its whole block is fetched for the other anyway.
    let three = world.choose(&[0, 1, 2], &NOTHING_HERE).expect("complete");
    assert_eq!((numbers(&three), three.bytes_down), (vec![vec![0, 1], vec![1]], 60));
    let none = world.choose(&[], &NOTHING_HERE).expect("complete");
    assert_eq!((numbers(&none), none.bytes_down), (vec![vec![], vec![0, 1]], 100));
}

#[test]
fn a_cheap_full_bundle_beats_the_delta_as_a_whole() {
    let world = World::new(8);
    let all = world.choose(&[0, 1, 2, 3], &NOTHING_HERE).expect("complete");
    assert_eq!((numbers(&all), all.bytes_down), (vec![vec![], vec![0, 1]], 16));
}

#[test]
fn blocks_that_are_here_cost_nothing() {
    let world = World::new(8);
    let here = BTreeSet::from([0, 1]);
    let choice = world.choose(&[0, 1, 2, 3], &here).expect("complete");
    assert_eq!((numbers(&choice), choice.bytes_down), (vec![vec![], vec![1]], 8));
    assert_eq!(choice.opened, [vec![0, 1], vec![]]);
}

#[test]
fn a_chain_fetches_what_its_last_delta_is_based_on() {
    let mut pieces = PiecesBuilder::new();
    let oldest = pieces.complete(&tree(0..2)).expect("room");
    let middle = pieces.tree(tree(20..24).tree()).expect("room");
    let new = pieces.tree(tree(30..32).tree()).expect("room");
    // The middle version shares chunk 0 with the oldest, the new one chunk 1 with the middle.
    pieces.same(middle, oldest, &[Some(0), None, None, None]);
    pieces.same(new, middle, &[Some(1), None]);
    let pieces = pieces.finish();
    let old_base = [(BaseSpace::Old, 1)];
    let first = BlockTable::new((1..4).map(|n| block((n, 1), &old_base, 7)).collect());
    let second =
        BlockTable::new(vec![block((1, 1), &[(BaseSpace::Old, 3), (BaseSpace::New, 0)], 5)]);
    let mut held = ChunkSet::empty(pieces.count());
    pieces.of(oldest).iter().for_each(|piece| {
        held.insert(*piece);
    });
    let offers = [
        Offer { table: &first, new: middle, old: Some(oldest), head_bytes: 0, here: &NOTHING_HERE },
        Offer { table: &second, new, old: Some(middle), head_bytes: 0, here: &NOTHING_HERE },
    ];
    let wish = Wish { pieces: &pieces, goal: new, held: &held, offers: &offers };
    let choice = choose(&wish, BARE).expect("complete");
    assert_eq!((numbers(&choice), choice.bytes_down), (vec![vec![0, 2], vec![0]], 19));
}

#[test]
fn what_nobody_has_is_named() {
    let world = World::new(8);
    let held = ChunkSet::empty(8);
    let wish = |offers| Wish { pieces: &world.pieces, goal: world.new, held: &held, offers };
    assert_eq!(choose(&wish(&[]), BARE), Err(PlanError::Lacking { chunk: 0 }));
    let table = BlockTable::new(vec![block((0, 3), &[], 1)]);
    let offer =
        Offer { table: &table, new: world.new, old: None, head_bytes: 0, here: &NOTHING_HERE };
    assert_eq!(choose(&wish(&[offer]), BARE), Err(PlanError::Lacking { chunk: 3 }));
}

#[test]
fn near_blocks_share_a_request_and_far_ones_do_not() {
    let mut pieces = PiecesBuilder::new();
    let new = pieces.complete(&tree(0..3)).expect("room");
    let pieces = pieces.finish();
    let table = BlockTable::new((0..3).map(|n| block((n, 1), &[], 30)).collect());
    let mut held = ChunkSet::empty(pieces.count());
    held.insert(1);
    let offer = Offer { table: &table, new, old: None, head_bytes: 100, here: &NOTHING_HERE };
    let ranges = |request_bytes, range_bytes_max| {
        let costs = LinkCosts { request_bytes, range_bytes_max };
        let wish = Wish { pieces: &pieces, goal: new, held: &held, offers: &[offer] };
        let choice = choose(&wish, costs).expect("complete");
        let ranges = choice.fetches[0].ranges.iter().map(|range| (range.start, range.end));
        (ranges.collect::<Vec<_>>(), choice.bytes_down, choice.requests)
    };
    assert_eq!(ranges(30, 1000), (vec![(100, 190)], 90, 1));
    assert_eq!(ranges(29, 1000), (vec![(100, 130), (160, 190)], 60, 2));
    assert_eq!(ranges(30, 89), (vec![(100, 130), (160, 190)], 60, 2));
}

/// A bundle of `blocks` blocks of one chunk each; bases are chunks of the old tree or earlier ones of the new.
fn any_table(blocks: u32, old: u32, bases: &[(bool, u32)]) -> BlockTable {
    let based = |n: u32| {
        let base = bases.get(crate::numbers::index(n)).copied();
        let base = base.and_then(|(is_old, at)| {
            let (space, chunks) = if is_old { (BaseSpace::Old, old) } else { (BaseSpace::New, n) };
            (chunks > 0).then(|| (space, at % chunks))
        });
        base.into_iter().collect::<Vec<_>>()
    };
    BlockTable::new((0..blocks).map(|n| block((n, 1), &based(n), 3 + n % 5)).collect())
}

proptest! {
    #[test]
    fn a_choice_carried_out_yields_every_chunk_and_nothing_can_be_left_out(
        chunks in 1_u32..14,
        bases in proptest::collection::vec((any::<bool>(), 0_u32..20), 14),
        full_bases in proptest::collection::vec((Just(false), 0_u32..20), 14),
        held in proptest::collection::vec(any::<bool>(), 28),
    ) {
        let mut pieces = PiecesBuilder::new();
        let old = pieces.complete(&tree(0..chunks)).expect("room");
        let new = pieces.complete(&tree(chunks / 2..chunks / 2 + chunks)).expect("room");
        let pieces = pieces.finish();
        let (delta, full) = (any_table(chunks, chunks, &bases), any_table(chunks, 0, &full_bases));
        let mut have = ChunkSet::empty(pieces.count());
        (0..pieces.count()).zip(&held).filter(|(_, held)| **held).for_each(|(piece, _)| { have.insert(piece); });
        let offers = [
            Offer { table: &delta, new, old: Some(old), head_bytes: 0, here: &NOTHING_HERE },
            Offer { table: &full, new, old: None, head_bytes: 0, here: &NOTHING_HERE },
        ];
        let wish = Wish { pieces: &pieces, goal: new, held: &have, offers: &offers };
        let choice = choose(&wish, BARE).expect("the full bundle yields everything");
        let chosen: Vec<_> = choice.fetches.iter().zip(&offers)
            .flat_map(|(fetch, offer)| fetch.blocks.iter().map(move |block| (*offer, block.number)))
            .collect();
        let complete = |chosen: &[(Offer<'_>, u32)]| {
            let mut have = have.clone();
            for _ in 0..=chosen.len() {
                for (offer, number) in chosen {
                    let block = &offer.table.blocks()[crate::numbers::index(*number)];
                    let piece = |space: Space, chunk: u32| pieces.of(space)[crate::numbers::index(chunk)];
                    let ready = block.bases.iter().all(|base| {
                        let space = if base.space == BaseSpace::Old { offer.old.expect("a delta") } else { offer.new };
                        have.contains(piece(space, base.run.first))
                    });
                    if ready {
                        block.chunks().for_each(|chunk| { have.insert(piece(offer.new, chunk)); });
                    }
                }
            }
            pieces.of(new).iter().all(|piece| have.contains(*piece))
        };
        prop_assert!(complete(&chosen));
        for left_out in 0..chosen.len() {
            let mut rest = chosen.clone();
            rest.remove(left_out);
            prop_assert!(!complete(&rest), "block {left_out} of {} could be left out", chosen.len());
        }
    }
}

proptest! {
    #[test]
    fn a_bundle_that_is_too_large_for_a_graph_is_planned_as_others_are(
        bases in proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..3), 1..12),
        held in proptest::collection::vec(any::<bool>(), 12),
        here in proptest::collection::btree_set(0_u32..12, 0..3),
        missing in proptest::option::of(0_usize..12),
    ) {
        let count = u32::try_from(bases.len()).expect("few");
        let mut pieces = PiecesBuilder::new();
        let new = pieces.complete(&tree(0..count)).expect("room");
        let pieces = pieces.finish();
        let base = |block: u32| move |base: &prop::sample::Index| {
            (BaseSpace::New, u32::try_from(base.index(crate::numbers::index(block))).expect("few"))
        };
        let blocks = (0..).zip(&bases).map(|(number, bases)| {
            let bases = if number == 0 { Vec::new() } else { bases.iter().map(base(number)).collect() };
            block((number, 1), &bases, 5)
        });
        let mut blocks: Vec<_> = blocks.collect();
        if let Some(missing) = missing.filter(|missing| *missing < blocks.len()) {
            blocks.remove(missing);
        }
        let table = BlockTable::new(blocks);
        let mut set = ChunkSet::empty(pieces.count());
        for (piece, _) in pieces.of(new).iter().zip(held).filter(|(_, held)| *held) {
            set.insert(*piece);
        }
        let offers = [Offer { table: &table, new, old: None, head_bytes: 100, here: &here }];
        let wish = Wish { pieces: &pieces, goal: new, held: &set, offers: &offers };
        prop_assert_eq!(choose_within(&wish, BARE, 0), choose(&wish, BARE));
    }
}

#[test]
fn several_bundles_that_are_too_large_together_are_not_planned() {
    let world = World::new(50);
    let held = ChunkSet::empty(world.pieces.count());
    let full =
        Offer { table: &world.full, new: world.new, old: None, head_bytes: 0, here: &NOTHING_HERE };
    let delta = Offer { table: &world.delta, old: Some(world.old), ..full };
    let choose = |offers: &[Offer<'_>]| {
        choose_within(
            &Wish { pieces: &world.pieces, goal: world.new, held: &held, offers },
            BARE,
            1,
        )
    };
    assert_eq!(choose(&[full]).expect("complete").bytes_down, 100);
    for too_large in [&[delta][..], &[delta, full]] {
        assert_eq!(choose(too_large), Err(PlanError::TooLarge));
    }
}
