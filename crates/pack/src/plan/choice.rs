//! Choosing among the blocks of several bundles.
//!
//! Which blocks are cheapest together is a hard problem (blocks share bases), and taking the cheaper of two blocks one
//! after the other is a trap: it ends with half of everything. So whole alternatives are compared. Each begins with all blocks and
//! takes away what the rest can do without, one bundle preferred in each.

use std::collections::BTreeSet;

use crate::chunk_set::ChunkSet;
use crate::plan::graph::{Graph, REFERENCES_MAX};
use crate::plan::pieces::{Pieces, Space};
use crate::plan::single;
use crate::plan::{ByteRange, FetchPlan, LinkCosts, PlanError, PlannedBlock, push_range};
use crate::table::BlockTable;

/// Steps that a choice may take; then what was found so far holds. `Ours:` about a second.
const STEPS_MAX: u64 = 300_000_000;

/// A bundle that blocks can be had from.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Its blocks.
    pub table: &'a BlockTable,
    /// The tree that they yield chunks of.
    pub new: Space,
    /// The tree that a delta starts from; with none, bases of an old tree count as held.
    pub old: Option<Space>,
    /// Where in the file the blocks begin.
    pub head_bytes: u64,
    /// Blocks that were fetched before: they cost nothing.
    pub here: &'a BTreeSet<u32>,
}

/// What is wanted, what is held, what can be had.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The numbering of all chunks.
    pub pieces: &'a Pieces,
    /// The tree that is wanted.
    pub goal: Space,
    /// The pieces that are held.
    pub held: &'a ChunkSet,
    /// The bundles; bases should lie in earlier ones where they can, so that blocks can be opened as they come.
    pub offers: &'a [Offer<'a>],
}

/// What is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// For each offer what is fetched from it.
    pub fetches: Vec<FetchPlan>,
    /// For each offer the blocks that are here and have to be opened.
    pub opened: Vec<Vec<u32>>,
    /// Bytes of all ranges.
    pub bytes_down: u64,
    /// Number of all ranges.
    pub requests: u64,
}

impl Choice {
    /// What it costs, requests counted as bytes.
    #[must_use]
    pub fn cost(&self, costs: LinkCosts) -> u64 {
        self.bytes_down.saturating_add(self.requests.saturating_mul(costs.request_bytes))
    }
}

/// Chooses blocks that, opened as soon as their bases are there, yield all that is wanted and not held.
///
/// The choice is the cheapest of several whole alternatives, in none of which a block can be left out (unless the graph is too
/// large to try each); it is not proven to be the cheapest there is. The same input gives the same choice.
///
/// # Errors
/// [`PlanError::Lacking`] when the bundles cannot complete what is held; [`PlanError::TooLarge`] when there are more
/// blocks and bases than a plan may cost memory, and more than one bundle or one from an old version.
pub fn choose(wish: &Wish<'_>, costs: LinkCosts) -> Result<Choice, PlanError> {
    choose_within(wish, costs, REFERENCES_MAX)
}

fn choose_within(
    wish: &Wish<'_>,
    costs: LinkCosts,
    references_max: usize,
) -> Result<Choice, PlanError> {
    let Some(graph) = Graph::new(wish, references_max) else {
        let [offer @ Offer { old: None, .. }] = wish.offers else {
            return Err(PlanError::TooLarge);
        };
        return Ok(choice(wish, &[single::blocks(wish, offer)?], costs));
    };
    let all = vec![true; graph.nodes.len()];
    let Some(all) = graph.trimmed(&all) else {
        let piece = graph.lacking();
        let chunk = wish.pieces.of(wish.goal).iter().position(|other| Some(*other) == piece);
        let chunk = chunk.and_then(|chunk| u32::try_from(chunk).ok()).unwrap_or(0);
        return Err(PlanError::Lacking { chunk });
    };
    let mut pruning = Pruning { graph: &graph, steps_left: STEPS_MAX };
    let offers = wish.offers.len();
    // A single bundle yields each piece once, so nothing is left to choose.
    let preferences = if offers < 2 { 0..0 } else { 0..offers + 1 };
    let mut choices = vec![all.clone()];
    choices.extend(preferences.map(|preferred| pruning.prune(&all, preferred)));
    let choices = choices.into_iter().map(|enabled| {
        let chosen: Vec<_> = (0..offers).map(|offer| graph.chosen(&enabled, offer)).collect();
        choice(wish, &chosen, costs)
    });
    Ok(choices.min_by_key(|choice| choice.cost(costs)).unwrap_or_default())
}

struct Pruning<'a> {
    graph: &'a Graph,
    steps_left: u64,
}

impl Pruning<'_> {
    /// Takes away whole bundles, then blocks, while the rest suffices; those of the offer `preferred` last. With no such offer,
    /// the blocks that cost most for each piece go first.
    fn prune(&mut self, all: &[bool], preferred: usize) -> Vec<bool> {
        let nodes = &self.graph.nodes;
        let mut enabled = all.to_vec();
        let offers = nodes.iter().map(|node| node.offer).collect::<BTreeSet<_>>();
        let by_density = !offers.contains(&preferred);
        // What is here already costs nothing and stays until it is known to be of no use.
        let others = offers.iter().rev().filter(|offer| !by_density && **offer != preferred);
        for offer in others {
            let is_of = |node: usize| {
                nodes.get(node).is_some_and(|node| node.offer == *offer && node.fetched_bytes > 0)
            };
            self.try_without(&mut enabled, is_of);
        }
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        order.sort_by_key(|at| {
            let Some(node) = nodes.get(*at) else { return (false, 0) };
            let per_piece = 1024 * node.fetched_bytes
                / crate::numbers::size(self.graph.yield_count(*at)).max(1);
            let cost = if by_density { per_piece } else { node.fetched_bytes };
            (node.offer == preferred, u64::MAX - cost)
        });
        let mut providers = self.graph.providers(&enabled);
        if providers.iter().all(|count| *count < 2) {
            return enabled;
        }
        for at in order {
            if enabled.get(at) != Some(&true) || self.graph.is_essential(at, &providers) {
                continue;
            }
            if self.try_without(&mut enabled, |node| node == at) {
                providers = self.graph.providers(&enabled);
            }
        }
        enabled
    }

    fn try_without(&mut self, enabled: &mut Vec<bool>, left_out: impl Fn(usize) -> bool) -> bool {
        let cost = self.graph.steps();
        if self.steps_left < cost {
            return false;
        }
        self.steps_left -= cost;
        let rest = enabled.iter().enumerate().map(|(node, on)| *on && !left_out(node));
        match self.graph.trimmed(&rest.collect::<Vec<_>>()) {
            Some(rest) => {
                *enabled = rest;
                true
            }
            None => false,
        }
    }
}

/// `chosen`: for each offer the blocks that are opened.
fn choice(wish: &Wish<'_>, chosen: &[BTreeSet<u32>], costs: LinkCosts) -> Choice {
    let mut choice = Choice::default();
    for (offer, chosen) in wish.offers.iter().zip(chosen) {
        let mut fetch = FetchPlan::default();
        for (number, offset, block) in offer.table.with_offsets() {
            if !chosen.contains(&number) || offer.here.contains(&number) {
                continue;
            }
            let start = offer.head_bytes.saturating_add(offset);
            let end = start.saturating_add(u64::from(block.stored_bytes));
            let range = ByteRange { start, end };
            fetch.blocks.push(PlannedBlock { number, range, digest: block.digest });
            push_range(&mut fetch.ranges, range, costs);
        }
        fetch.bytes_down = fetch.ranges.iter().map(|range| range.bytes()).sum();
        choice.bytes_down = choice.bytes_down.saturating_add(fetch.bytes_down);
        choice.requests += crate::numbers::size(fetch.ranges.len());
        choice
            .opened
            .push(chosen.iter().copied().filter(|number| offer.here.contains(number)).collect());
        choice.fetches.push(fetch);
    }
    choice
}

#[cfg(test)]
mod tests;
