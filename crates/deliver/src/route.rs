//! A way that can be gone: the bundles, what is held, and one numbering of all chunks in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use headstart_model::Digest;
use headstart_pack::plan::{Pieces, PiecesBuilder, SPACES_MAX, Space};
use headstart_pack::section::DeltaStructure;
use headstart_pack::{BaseSpace, Block, BlockTable, ChunkSet, CompleteTree, Tree};
use headstart_store::{InstalledVersion, Sharing};

use crate::receipt::Way;

/// What was fetched to know a way, before any of its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct IndexUse {
    /// Bytes of indexes, names, and heads of bundles.
    pub(crate) bytes_down: u64,
    /// Requests for them.
    pub(crate) requests: u64,
}

/// A bundle file in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BundleFile {
    pub(crate) digest: Digest,
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// Where its blocks begin.
    pub(crate) head_bytes: u64,
}

/// A bundle that blocks can be had from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) file: BundleFile,
    /// The tree that its blocks yield chunks of.
    pub(crate) tree: Arc<Tree>,
    pub(crate) table: BlockTable,
    pub(crate) new: Space,
    pub(crate) old: Option<Space>,
}

/// Something held.
#[derive(Debug)]
pub(crate) struct Reusable {
    pub(crate) held: InstalledVersion,
    pub(crate) sharing: Sharing,
    /// The chunks that were read and found good, or that are left where files were handed over; none when the record is believed.
    pub(crate) intact: Option<ChunkSet>,
}

/// A way that can be gone.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) way: Way,
    pub(crate) tree: Arc<Tree>,
    pub(crate) pieces: Pieces,
    pub(crate) goal: Space,
    /// Those that others need come first.
    pub(crate) sources: Vec<Source>,
    /// For each thing held, in its order, the chunk that each piece is there.
    pub(crate) homes: Vec<Vec<Option<u32>>>,
}

impl Route {
    /// For each chunk wanted the chunk with the same bytes in the thing held as number `held`.
    pub(crate) fn same(&self, held: usize) -> Vec<Option<u32>> {
        let home = self.homes.get(held).map_or(&[][..], Vec::as_slice);
        let chunk_of = |piece: &u32| home.get(index(*piece)).copied().flatten();
        self.pieces.of(self.goal).iter().map(chunk_of).collect()
    }

    /// Block `number` of the bundle of number `source`.
    pub(crate) fn block(&self, source: usize, number: u32) -> Option<&Block> {
        self.sources.get(source)?.table.blocks().get(index(number))
    }

    /// The piece of a base of a block of `source`.
    pub(crate) fn base_piece(&self, source: usize, space: BaseSpace, chunk: u32) -> Option<u32> {
        let source = self.sources.get(source)?;
        let space = match space {
            BaseSpace::Old => source.old?,
            BaseSpace::New => source.new,
        };
        self.pieces.of(space).get(index(chunk)).copied()
    }

    /// The pieces that a block is based on; none for a base that does not exist.
    pub(crate) fn base_pieces(
        &self,
        source: usize,
        block: &Block,
    ) -> impl Iterator<Item = Option<u32>> {
        block.bases.iter().flat_map(move |base| {
            base.run.chunks().map(move |chunk| self.base_piece(source, base.space, chunk))
        })
    }

    /// The pieces that something held has.
    pub(crate) fn reusable(&self) -> ChunkSet {
        let mut pieces = ChunkSet::empty(self.pieces.count());
        for home in &self.homes {
            for (piece, chunk) in (0..).zip(home) {
                if chunk.is_some() {
                    pieces.insert(piece);
                }
            }
        }
        pieces
    }
}

/// A number of the format as an index into memory; no supported target has fewer than 32 bits.
pub(crate) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A delta bundle, its head read.
#[derive(Debug)]
pub(crate) struct Delta {
    pub(crate) file: BundleFile,
    /// Content of the version that it starts from, and of the one that it leads to.
    pub(crate) from: Digest,
    pub(crate) to: Digest,
    pub(crate) structure: DeltaStructure,
}

/// A full bundle, its index read.
#[derive(Debug)]
pub(crate) struct Full {
    pub(crate) file: BundleFile,
    pub(crate) table: BlockTable,
}

/// What a way is put together from.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Earlier versions of which tree and names were fetched, by content.
    pub(crate) former: BTreeMap<Digest, CompleteTree>,
    /// Tree and names of what is wanted, where the names are known.
    pub(crate) complete: Option<CompleteTree>,
    /// Its tree, where they are not.
    pub(crate) tree: Option<Tree>,
    /// Deltas, those that others need first.
    pub(crate) deltas: Vec<Delta>,
    pub(crate) full: Option<Full>,
}

impl Parts {
    /// The tree of the version with this content, as far as it is known.
    pub(crate) fn tree_of<'a>(
        &'a self,
        held: &'a [Reusable],
        content: &Digest,
    ) -> Option<&'a Tree> {
        let complete = held
            .iter()
            .map(|reusable| reusable.held.complete())
            .find(|complete| complete.content() == *content)
            .or_else(|| self.former.get(content));
        let of_delta = || self.deltas.iter().find(|delta| delta.to == *content);
        complete.map(CompleteTree::tree).or_else(|| of_delta().map(|delta| &delta.structure.tree))
    }

    /// Whether they, or they and one tree more, can be one way to `content`.
    pub(crate) fn has_room(&self, held: &[Reusable], content: &Digest) -> bool {
        let mut others: BTreeSet<_> = self.former.keys().collect();
        others.extend(self.deltas.iter().map(|delta| &delta.to));
        others.insert(content);
        held.len() + others.len() < SPACES_MAX
    }

    /// The way that they make to `content`; `None` when the tree of that is not among them, or there are too many trees.
    pub(crate) fn route(&self, way: Way, content: &Digest, held: &[Reusable]) -> Option<Route> {
        let mut builder = PiecesBuilder::new();
        let mut spaces: BTreeMap<Digest, Space> = BTreeMap::new();
        let mut held_spaces = Vec::new();
        for reusable in held {
            let complete = reusable.held.complete();
            let space = builder.complete(complete)?;
            spaces.entry(complete.content()).or_insert(space);
            held_spaces.push(space);
        }
        for (content, complete) in &self.former {
            if !spaces.contains_key(content) {
                spaces.insert(*content, builder.complete(complete)?);
            }
        }
        let tree = match (&self.complete, &self.tree) {
            (Some(complete), _) => complete.tree(),
            (None, Some(tree)) => tree,
            (None, None) => &self.deltas.iter().find(|d| d.to == *content)?.structure.tree,
        };
        let tree = Arc::new(tree.clone());
        let goal = match &self.complete {
            Some(complete) => builder.complete(complete)?,
            None => builder.tree(&tree)?,
        };
        spaces.insert(*content, goal);
        let mut sources = Vec::new();
        for delta in &self.deltas {
            let structure = &delta.structure;
            let old = *spaces.get(&delta.from)?;
            let new = match spaces.get(&delta.to) {
                Some(space) => *space,
                None => builder.tree(&structure.tree)?,
            };
            spaces.insert(delta.to, new);
            builder.same(new, old, &structure.same_as_old);
            let (file, table) = (delta.file.clone(), structure.table.clone());
            let of_goal = delta.to == *content;
            let tree = if of_goal { Arc::clone(&tree) } else { Arc::new(structure.tree.clone()) };
            sources.push(Source { file, tree, table, new, old: Some(old) });
        }
        if let Some(Full { file, table }) = &self.full {
            let (file, table, tree) = (file.clone(), table.clone(), Arc::clone(&tree));
            sources.push(Source { file, tree, table, new: goal, old: None });
        }
        let pieces = builder.finish();
        let homes = held.iter().zip(held_spaces);
        let homes = homes.map(|(reusable, space)| home(&pieces, space, reusable)).collect();
        Some(Route { way, tree, pieces, goal, sources, homes })
    }
}

fn home(pieces: &Pieces, space: Space, reusable: &Reusable) -> Vec<Option<u32>> {
    let mut home = vec![None; index(pieces.count())];
    let is_there =
        |chunk: u32| reusable.intact.as_ref().is_none_or(|intact| intact.contains(chunk));
    for (piece, chunk) in pieces.of(space).iter().zip(0..) {
        if is_there(chunk)
            && let Some(slot) = home.get_mut(index(*piece))
        {
            *slot = Some(chunk);
        }
    }
    home
}
