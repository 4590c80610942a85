//! Which blocks bring what readers wait for.

use std::convert::Infallible;

use headstart_pack::plan::FetchPlan;
use headstart_transfer::Precedence;

use crate::ahead::Ahead;
use crate::route::{Route, index};
use crate::site::tag_of;

/// Has the blocks of one bundle come first that readers wait for, as long as it is fetched. Never ends.
pub(crate) async fn steer(
    route: &Route,
    (source, fetch): (usize, &FetchPlan),
    readers: &Ahead,
    precedence: &Precedence,
) -> Infallible {
    let mut changes = readers.follow();
    // Costs one look at each chunk of the bundle, for whoever needs it only.
    let mut givers = None;
    loop {
        changes.borrow_and_update();
        let wanted = readers.wanted();
        if !wanted.is_empty() {
            let givers = givers.get_or_insert_with(|| Givers::of(route, source, fetch));
            precedence.prefer(givers.tags_for(&wanted));
        }
        if changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The blocks of one bundle that are to be fetched, by what they yield.
struct Givers<'a> {
    route: &'a Route,
    source: usize,
    /// By piece: the block that yields it.
    block_of: Vec<Option<u32>>,
}

impl<'a> Givers<'a> {
    fn of(route: &'a Route, source: usize, fetch: &FetchPlan) -> Self {
        let mut block_of = vec![None; index(route.pieces.count())];
        let pieces = route.sources.get(source).map_or(&[][..], |s| route.pieces.of(s.new));
        for planned in &fetch.blocks {
            let chunks = route.block(source, planned.number).map(headstart_pack::Block::chunks);
            for piece in chunks.into_iter().flatten().filter_map(|chunk| pieces.get(index(chunk))) {
                if let Some(block) = block_of.get_mut(index(*piece)) {
                    *block = Some(planned.number);
                }
            }
        }
        Self { route, source, block_of }
    }

    fn block_of(&self, piece: u32) -> Option<u32> {
        self.block_of.get(index(piece)).copied().flatten()
    }

    /// The tags of the blocks that yield the chunks of `wanted`, each behind those that it is based on.
    fn tags_for(&self, wanted: &[u32]) -> Vec<u64> {
        let goal = self.route.pieces.of(self.route.goal);
        let pieces = wanted.iter().filter_map(|chunk| goal.get(index(*chunk)).copied());
        let mut order = Order { seen: std::collections::HashSet::new(), tags: Vec::new() };
        for block in pieces.filter_map(|piece| self.block_of(piece)) {
            self.put(block, &mut order);
        }
        order.tags
    }

    /// Puts a block behind its bases. A base lies before what is based on it, so this comes to an end.
    fn put(&self, block: u32, order: &mut Order) {
        // Blocks whose bases are still to be looked at, and those whose bases are in order.
        let mut open = vec![(block, false)];
        while let Some((number, bases_done)) = open.pop() {
            if bases_done {
                order.tags.push(tag_of((self.source, number)));
            } else if order.seen.insert(number) {
                open.push((number, true));
                let block = self.route.block(self.source, number);
                let bases = block.into_iter().flat_map(|b| self.route.base_pieces(self.source, b));
                open.extend(bases.flatten().filter_map(|p| self.block_of(p)).map(|n| (n, false)));
            }
        }
    }
}

/// Blocks in their order.
struct Order {
    seen: std::collections::HashSet<u32>,
    tags: Vec<u64>,
}
