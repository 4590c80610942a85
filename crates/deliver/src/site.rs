//! The disk side of a delivery: opens blocks as they come, and puts their chunks where they belong.

mod forms;
mod taking;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use headstart_model::Digest;
use headstart_pack::plan::{self, Choice, LinkCosts, Offer, PlanError, Wish};
use headstart_pack::{Block, ChunkSet};
use headstart_store::{Assembly, InstalledVersion, OldVersion, StoreError};

use crate::ahead::{Ahead, Attempt};
use crate::aside::{Aside, Key};
use crate::delivery::Goal;
use crate::opening::Cores;
use crate::parking::{BlockKey, Parking};
use crate::route::{Reusable, Route, index};

/// Where a version is put together.
#[derive(Debug)]
pub(crate) struct Site {
    route: Arc<Route>,
    assembly: Assembly,
    aside: Aside,
    parking: Parking,
    /// The pieces that can be read here.
    have: ChunkSet,
    /// For each piece a chunk wanted that has its bytes, and for each such chunk another.
    first: Vec<Option<u32>>,
    next: Vec<Option<u32>>,
    /// Where pieces lie aside.
    laid_aside: HashMap<u32, Key>,
    /// Pieces that are laid aside when they come.
    wanted_aside: ChunkSet,
    bytes_aside: u64,
    peak_bytes: u64,
    /// Bundles that turned out to be missing or wrong.
    dead: BTreeSet<usize>,
    /// Grows with everything that is learnt or put into place: without growth, trying again leads nowhere.
    steps: u64,
    /// Those who read what is not complete yet.
    readers: Option<Attempt>,
    cores: Cores,
}

impl Site {
    /// Opens the site in `staging`. What an earlier attempt left there is held from the start, and so is what the route
    /// finds in versions on the device.
    pub(crate) fn open(
        route: Arc<Route>,
        staging: &Path,
        content: &Digest,
    ) -> Result<Self, StoreError> {
        let assembly = Assembly::open(staging, (*route.tree).clone(), content)?;
        let aside = Aside::open(Aside::path_in(staging))?;
        let pieces = route.pieces.count();
        let goal = route.pieces.of(route.goal);
        let mut first = vec![None; index(pieces)];
        let mut next = vec![None; goal.len()];
        for (chunk, (piece, next)) in (0..).zip(goal.iter().zip(&mut next)) {
            if let Some(first) = first.get_mut(index(*piece)) {
                *next = first.replace(chunk);
            }
        }
        let mut have = route.reusable();
        for chunk in assembly.held().iter() {
            goal.get(index(chunk)).map(|piece| have.insert(*piece));
        }
        let mut laid_aside = HashMap::new();
        for key in aside.keys() {
            let source = route.sources.iter().find(|source| source.file.digest == key.0);
            let piece = source.and_then(|s| route.pieces.of(s.new).get(index(key.1)).copied());
            if let Some(piece) = piece {
                laid_aside.insert(piece, *key);
                have.insert(piece);
            }
        }
        Ok(Self {
            parking: Parking::new(staging.join("parked")),
            wanted_aside: ChunkSet::empty(pieces),
            dead: BTreeSet::new(),
            bytes_aside: 0,
            peak_bytes: 0,
            steps: 0,
            readers: None,
            cores: Cores::All,
            route,
            assembly,
            aside,
            have,
            first,
            next,
            laid_aside,
        })
    }

    pub(crate) const fn assembly(&self) -> &Assembly {
        &self.assembly
    }

    /// From now on `readers` can read what is in place where `goal` is put together.
    pub(crate) fn read_by(&mut self, readers: &Arc<Ahead>, goal: &Goal) {
        let files = InstalledVersion::files_of(&goal.staging);
        let version = (goal.pack.version, goal.pack.content);
        let attempt = readers.begin(&self.route.tree, version, files, self.assembly.held());
        self.readers = Some(attempt);
    }

    /// What was put together, and what ends the reading of it when it is dropped.
    pub(crate) fn into_assembly(self) -> (Assembly, Option<Attempt>) {
        (self.assembly, self.readers)
    }

    /// Bytes that were laid aside in this process.
    pub(crate) const fn bytes_aside(&self) -> u64 {
        self.bytes_aside
    }

    /// The most bytes that the site took on disk in this process, beside what was there before.
    pub(crate) const fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }

    pub(crate) const fn steps(&self) -> u64 {
        self.steps
    }

    /// From now on blocks are opened on so many cores.
    pub(crate) const fn use_cores(&mut self, cores: Cores) {
        self.cores = cores;
    }

    /// No block is wanted any more from the bundle of this number.
    pub(crate) fn give_up(&mut self, source: usize) {
        self.steps += u64::from(self.dead.insert(source));
    }

    /// The cheapest blocks that complete what is here.
    pub(crate) fn plan(&self, costs: LinkCosts) -> Result<Choice, PlanError> {
        let here = self.route.sources.iter().map(|source| self.parking.here(&source.table));
        self.plan_with(&self.have, &here.collect::<Vec<_>>(), costs)
    }

    /// The same as if no earlier attempt had left anything.
    pub(crate) fn plan_from_scratch(&self, costs: LinkCosts) -> Result<Choice, PlanError> {
        let nothing = vec![BTreeSet::new(); self.route.sources.len()];
        self.plan_with(&self.route.reusable(), &nothing, costs)
    }

    fn plan_with(
        &self,
        held: &ChunkSet,
        here: &[BTreeSet<u32>],
        costs: LinkCosts,
    ) -> Result<Choice, PlanError> {
        let route = &self.route;
        let nothing = headstart_pack::BlockTable::default();
        let offers = (0..).zip(&route.sources).zip(here).map(|((number, source), here)| Offer {
            table: if self.dead.contains(&number) { &nothing } else { &source.table },
            new: source.new,
            old: source.old,
            head_bytes: source.file.head_bytes,
            here,
        });
        let offers: Vec<Offer<'_>> = offers.collect();
        let wish = Wish { pieces: &route.pieces, goal: route.goal, held, offers: &offers };
        plan::choose(&wish, costs)
    }

    /// Whether an earlier attempt left something of use.
    pub(crate) fn has_leftovers(&self) -> bool {
        self.assembly.held().count() > 0 || !self.laid_aside.is_empty() || self.parking.bytes() > 0
    }

    /// Bytes of what is wanted that are here.
    pub(crate) fn bytes_here(&self) -> u64 {
        let mut seen = ChunkSet::empty(self.route.pieces.count());
        let goal = self.route.pieces.of(self.route.goal).iter();
        let here = goal.filter(|piece| self.have.contains(**piece) && seen.insert(**piece));
        here.map(|piece| u64::from(self.route.pieces.bytes(*piece))).sum()
    }

    fn block(&self, (source, number): BlockKey) -> Option<&Block> {
        self.route.block(source, number)
    }

    fn base_pieces(&self, key: BlockKey) -> impl Iterator<Item = Option<u32>> {
        self.block(key).into_iter().flat_map(move |block| self.route.base_pieces(key.0, block))
    }

    fn is_ready(&self, key: BlockKey) -> bool {
        self.base_pieces(key).all(|piece| piece.is_some_and(|piece| self.have.contains(piece)))
    }

    /// The pieces that `choice` yields only for other blocks, and that do not lie aside yet.
    pub(crate) fn aside_of(&self, choice: &Choice) -> ChunkSet {
        let mut aside = ChunkSet::empty(self.route.pieces.count());
        let fetched =
            choice.fetches.iter().map(|fetch| fetch.blocks.iter().map(|block| block.number));
        let opened = choice.opened.iter().map(|opened| opened.iter().copied());
        for (source, (fetched, opened)) in fetched.zip(opened).enumerate() {
            for piece in fetched.chain(opened).flat_map(|n| self.base_pieces((source, n))).flatten()
            {
                let is_goal = self.first.get(index(piece)).copied().flatten().is_some();
                if !is_goal && !self.have.contains(piece) {
                    aside.insert(piece);
                }
            }
        }
        aside
    }

    pub(crate) fn bytes_of(&self, pieces: &ChunkSet) -> u64 {
        pieces.iter().map(|piece| u64::from(self.route.pieces.bytes(piece))).sum()
    }

    /// Takes over what is held, verified as it is read. What turns out damaged is not held afterwards. Gives the bytes that came from there.
    pub(crate) fn take_over(&mut self, held: Vec<Reusable>) -> Result<u64, StoreError> {
        let olds = held.into_iter().enumerate().map(|(number, reusable)| OldVersion {
            version: reusable.held,
            same: self.route.same(number),
            sharing: reusable.sharing,
        });
        let reused = self.assembly.reuse_all(olds.collect())?;
        let route = Arc::clone(&self.route);
        for (chunk, piece) in (0..).zip(route.pieces.of(route.goal)) {
            if !self.assembly.held().contains(chunk) && !self.laid_aside.contains_key(piece) {
                self.have.remove(*piece);
            }
        }
        self.note_peak();
        Ok(reused.bytes_cloned + reused.bytes_copied)
    }

    fn note_peak(&mut self) {
        let now = self.assembly.bytes_written() + self.bytes_aside;
        self.peak_bytes = self.peak_bytes.max(now);
    }

    /// Gets ready for the blocks of `choice`, and opens those that are here already.
    pub(crate) fn begin(&mut self, choice: &Choice) -> Result<(), StoreError> {
        self.wanted_aside = self.aside_of(choice);
        for (source, opened) in choice.opened.iter().enumerate() {
            for number in opened {
                if let Some(digest) = self.block((source, *number)).map(|block| block.digest) {
                    self.parking.expect((source, *number), &digest);
                }
            }
        }
        self.open_parked()?;
        self.tell_readers();
        Ok(())
    }

    fn tell_readers(&self) {
        if let Some(readers) = &self.readers {
            readers.placed(self.assembly.held());
        }
    }

    /// What lies in the files of a piece that turned out damaged does not count any more, so that it is written again.
    fn let_go(&mut self, piece: u32) {
        let mut chunk = self.first.get(index(piece)).copied().flatten();
        while let Some(damaged) = chunk {
            self.assembly.release(damaged);
            chunk = self.next.get(index(damaged)).copied().flatten();
        }
    }

    /// Appends the bytes of a piece, from wherever it lies.
    fn read_piece(&mut self, piece: u32, out: &mut Vec<u8>) -> std::io::Result<()> {
        let start = out.len();
        if let Some(chunk) = self.first.get(index(piece)).copied().flatten()
            && self.assembly.held().contains(chunk)
            && self.assembly.read_chunk(chunk, out).is_ok()
        {
            return Ok(());
        }
        out.truncate(start);
        if let Some(key) = self.laid_aside.get(&piece)
            && self.aside.read(key, out).is_ok()
        {
            return Ok(());
        }
        out.truncate(start);
        for (number, home) in self.route.homes.iter().enumerate() {
            let chunk = home.get(index(piece)).copied().flatten();
            if chunk.is_some_and(|chunk| self.assembly.read_old(number, chunk, out).is_some()) {
                return Ok(());
            }
        }
        Err(std::io::ErrorKind::InvalidData.into())
    }
}

/// The tag by which the network names a block.
pub(crate) fn tag_of((source, number): BlockKey) -> u64 {
    (source as u64) << 32 | u64::from(number)
}

pub(crate) fn key_of(tag: u64) -> BlockKey {
    let source = usize::try_from(tag >> 32).unwrap_or(usize::MAX);
    (source, u32::try_from(tag & u64::from(u32::MAX)).unwrap_or(u32::MAX))
}
