//! Ways that put several bundles together.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::PathBuf;

use headstart_model::Digest;
use headstart_model::catalog::{DeltaRef, FORMER_BYTES_MAX, FormerVersion, FormerVersions};
use headstart_pack::CompleteTree;
use headstart_pack::plan::{self, Chain, Offer, Wish};
use headstart_store::InstalledVersion;

use super::{Belief, Found, HeldFolder, Scout, open_folder};
use crate::delivery::{blocking, costs};
use crate::error::DeliverError;
use crate::receipt::Way;
use crate::route::{Parts, Reusable, Route};
use crate::seed::scan_seed;

/// Chains that are looked at before it is given up; the next one only if files of the one before are gone.
const CHAINS_MAX: usize = 2;
/// A chain is taken without comparing when it costs less than this part of the full bundle. `Ours:` blocks of the full bundle beat it
/// only if most of them are held, and then a chain is short too; to know better costs the names of all chunks.
const CHAIN_SHARE: u64 = 2;
/// What may be spent on looking for deltas that parts of earlier versions can use, as a part of what it costs without them.
const SEARCH_SHARE: u64 = 8;
/// Deltas are looked for only if this part of what is wanted is held: else earlier versions are hardly here.
const HELD_SHARE: u64 = 10;
/// Deltas to an earlier version are looked at only if it lacks so much here, as a part of what is wanted: else what starts from it can
/// be used as it is.
const LACKING_SHARE: u64 = 10;
/// Deltas that are followed back from what is wanted, one after the other.
const DEPTH_MAX: usize = 3;

/// Of what is held so much is looked at, the likeliest first: the trees of what is wanted, and of versions that deltas start from, have to find
/// room beside it in one plan.
const HELD_MAX: usize = plan::SPACES_MAX - 8;

/// How far deltas are looked for.
#[derive(Debug, Clone, Copy)]
struct Search {
    /// Bytes that may be fetched for it.
    budget: u64,
    /// Bytes of what is wanted and not held.
    wanted_bytes: u64,
}

impl Scout<'_> {
    /// Whatever completes what is held at the least cost. Whole alternatives are compared: a chain of deltas, the full bundle, the full
    /// bundle with those blocks of deltas whose bases are here.
    pub(super) async fn mixed(&mut self) -> Result<Found, DeliverError> {
        let held = self.open_all().await?;
        if held.is_empty() {
            return self.full().await;
        }
        let former = if self.holds_none_of_it() { Vec::new() } else { self.former().await? };
        let (mut parts, chain) = self.chain(&former, &held).await?;
        if let Some(chain) = &chain {
            let way = Way::Chain {
                from: chain.held.version,
                deltas: u32::try_from(chain.hops.len()).unwrap_or(u32::MAX),
            };
            let route = parts.route(way, &self.pack.content, &held);
            let cost = route.as_ref().and_then(estimate);
            match route {
                Some(route)
                    if cost.is_some_and(|cost| cost <= self.pack.full.bytes / CHAIN_SHARE) =>
                {
                    return Ok((route, held));
                }
                Some(_) => {}
                // What goes on from here would not fit, either.
                None => parts = Parts::default(),
            }
        }
        let (tree, full) = self.read_full().await?;
        let pack = self.pack;
        let path = pack.index_path();
        let complete = self.names(tree, (&path, &pack.index), &pack.content).await?;
        parts.complete = Some(complete);
        parts.full = Some(full);
        let route = self.route(&parts, Way::Mixed, &held)?;
        let (here, all) = bytes_here(&route);
        if here.saturating_mul(HELD_SHARE) < all {
            return Ok((route, held));
        }
        let cost = estimate(&route).unwrap_or(pack.full.bytes);
        let search = Search { budget: cost / SEARCH_SHARE, wanted_bytes: all.saturating_sub(here) };
        self.look_for_deltas(&mut parts, &held, &former, search).await?;
        // What was known before is a way by itself.
        Ok((parts.route(Way::Mixed, &pack.content, &held).unwrap_or(route), held))
    }

    /// What is undamaged of a version of the content wanted, and the blocks of the full bundle that have the rest.
    pub(super) async fn repair(&mut self) -> Result<Found, DeliverError> {
        let mut held = self.open_all().await?;
        let content = self.pack.content;
        let is_wanted = |reusable: &Reusable| reusable.held.complete().content() == content;
        // What is to be repaired goes first: its files are nearest to what is wanted.
        held.sort_by_key(|reusable| !is_wanted(reusable));
        let Some(complete) = held.first().filter(|reusable| is_wanted(reusable)) else {
            return self.mixed().await;
        };
        let complete = complete.held.complete().clone();
        let mut parts = Parts { complete: Some(complete), ..Parts::default() };
        let route = self.route(&parts, Way::Repair, &held)?;
        if estimate(&route).is_some() {
            return Ok((route, held));
        }
        parts.full = Some(self.read_full().await?.1);
        Ok((self.route(&parts, Way::Repair, &held)?, held))
    }

    /// Whether there is nothing but other packs, from which no delta starts.
    const fn holds_none_of_it(&self) -> bool {
        self.folders.is_empty() && self.leftovers.is_empty()
    }

    /// What is held and can be opened, up to [`HELD_MAX`].
    async fn open_all(&self) -> Result<Vec<Reusable>, DeliverError> {
        let (folders, leftovers) = (self.folders.to_vec(), self.leftovers.to_vec());
        let beside = if self.belief == Belief::Records { self.beside.to_vec() } else { Vec::new() };
        let (cache, pack, belief) = (self.cache.to_owned(), self.pack.clone(), self.belief);
        // Reads whole versions, if records are not believed.
        blocking(move || {
            let scanned = |(number, folder): (usize, &PathBuf)| {
                let files = InstalledVersion::files_of(folder);
                let record = cache.join("leftovers").join(number.to_string());
                let seed = files.is_dir().then(|| scan_seed(&files, &record, &pack).ok());
                seed.flatten()
            };
            let left = leftovers.iter().enumerate().filter(|_| belief == Belief::Records);
            let left: Vec<_> = left.filter_map(scanned).collect();
            let open = |folder: &HeldFolder| match open_folder(folder, belief) {
                Ok(reusable) => Some(reusable),
                Err(error) => {
                    tracing::warn!(%error, "a version on disk cannot be reused");
                    None
                }
            };
            let held = folders.iter().chain(&left).chain(&beside).filter_map(open);
            let held = held.filter(|held| held.held.complete().tree().chunk_count() > 0);
            held.take(HELD_MAX).collect()
        })
        .await
    }

    /// What is told of earlier versions. It only opens more ways, so without it there are fewer.
    async fn former(&mut self) -> Result<Vec<FormerVersion>, DeliverError> {
        let pack = self.pack;
        let worth_it =
            |bytes: u64| bytes <= FORMER_BYTES_MAX && bytes <= pack.full.bytes / SEARCH_SHARE;
        let (Some(former), Some(path)) = (&pack.former, pack.former_path()) else {
            return Ok(Vec::new());
        };
        if !worth_it(former.bytes) {
            return Ok(Vec::new());
        }
        let read = self.small_file(&path, former.bytes, &former.digest).await;
        let Some(read) = passable(read)? else { return Ok(Vec::new()) };
        match FormerVersions::from_json(read.as_bytes()) {
            Ok(former) => Ok(former.versions),
            Err(error) => {
                tracing::warn!(%error, "ways by earlier versions are not known");
                Ok(Vec::new())
            }
        }
    }

    /// The cheapest chain whose heads can be had.
    async fn chain(
        &mut self,
        former: &[FormerVersion],
        held: &[Reusable],
    ) -> Result<(Parts, Option<Chain>), DeliverError> {
        let versions: Vec<_> = self.folders.iter().map(|folder| folder.version.clone()).collect();
        let chains = plan::chains(self.pack, former, &versions);
        // Of the bundles only a part is fetched, so a chain may be cheap though its bundles are large: the heads tell.
        let budget = self.pack.full.bytes / SEARCH_SHARE;
        let heads = |chain: &Chain| chain.hops.iter().map(|hop| hop.delta.structure_bytes).sum();
        let chains = chains.into_iter().filter(|chain| u64::le(&heads(chain), &budget));
        for chain in chains.take(CHAINS_MAX) {
            let mut parts = Parts::default();
            let mut whole = true;
            for hop in &chain.hops {
                let Some(old) = parts.tree_of(held, &hop.delta.from_content).cloned() else {
                    whole = false;
                    break;
                };
                match passable(self.read_delta(&hop.delta, hop.to, &old).await)? {
                    Some(delta) => parts.deltas.push(delta),
                    None => whole = false,
                }
            }
            if whole {
                return Ok((parts, Some(chain)));
            }
        }
        Ok((Parts::default(), None))
    }

    /// Reads heads of deltas to what is wanted, and the indexes of the versions that they start from, as far as the budget goes. Where much
    /// of such a version is not here, deltas that lead to it are looked at too.
    async fn look_for_deltas(
        &mut self,
        parts: &mut Parts,
        held: &[Reusable],
        former: &[FormerVersion],
        search: Search,
    ) -> Result<(), DeliverError> {
        let names: HashSet<Digest> = held.iter().flat_map(names_here).copied().collect();
        let mut left = search.budget;
        let direct = self.pack.deltas.iter().map(|delta| (delta, self.pack.content, 1));
        let mut queue: VecDeque<_> = direct.collect();
        while let Some((delta, to, depth)) = queue.pop_front() {
            let version = former.iter().find(|version| version.content == delta.from_content);
            let cost = cost_of_delta(parts, held, delta, version);
            let Some(cost) = cost.filter(|cost| *cost <= left) else { continue };
            left -= cost;
            if let Some(version) = version
                && parts.tree_of(held, &version.content).is_none()
            {
                if !parts.has_room(held, &self.pack.content) {
                    break;
                }
                let read = self.read_former(version).await;
                let Some(complete) = passable(read)? else { continue };
                parts.former.insert(version.content, complete);
            }
            let Some(old) = parts.tree_of(held, &delta.from_content).cloned() else { continue };
            let Some(delta) = passable(self.read_delta(delta, to, &old).await)? else { continue };
            // Those that others need come first.
            parts.deltas.insert(0, delta);
            let lacks_much = |complete: &CompleteTree| {
                lacking_bytes(complete, &names) >= search.wanted_bytes / LACKING_SHARE
            };
            if let Some(version) = version
                && depth < DEPTH_MAX
                && parts.former.get(&version.content).is_some_and(lacks_much)
            {
                let before = version.deltas.iter();
                queue.extend(before.map(|delta| (delta, version.content, depth + 1)));
            }
        }
        Ok(())
    }

    async fn read_former(&mut self, version: &FormerVersion) -> Result<CompleteTree, DeliverError> {
        let path = version.index_path(&self.pack.id);
        let tree = self.structure(&path, &version.index).await?.tree;
        self.names(tree, (&path, &version.index), &version.content).await
    }
}

/// What was read; `None` when it is missing or wrong, which closes only the ways that need it.
fn passable<T>(read: Result<T, DeliverError>) -> Result<Option<T>, DeliverError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_of_this_way() => {
            tracing::debug!(%error, "ways that need this are closed");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What a route costs, without what earlier attempts left; `None` when it does not lead to the end.
fn estimate(route: &Route) -> Option<u64> {
    let nothing = BTreeSet::new();
    let offers = route.sources.iter().map(|source| Offer {
        table: &source.table,
        new: source.new,
        old: source.old,
        head_bytes: source.file.head_bytes,
        here: &nothing,
    });
    let offers: Vec<_> = offers.collect();
    let held = route.reusable();
    let wish = Wish { pieces: &route.pieces, goal: route.goal, held: &held, offers: &offers };
    plan::choose(&wish, costs()).ok().map(|choice| choice.cost(costs()))
}

/// Bytes to fetch before the blocks of a delta can be used; `None` when it is known already or its old version is not.
fn cost_of_delta(
    parts: &Parts,
    held: &[Reusable],
    delta: &DeltaRef,
    version: Option<&FormerVersion>,
) -> Option<u64> {
    if parts.deltas.iter().any(|known| known.file.digest == delta.digest) {
        return None;
    }
    let index = if parts.tree_of(held, &delta.from_content).is_some() {
        0
    } else {
        let index = &version?.index;
        index.structure_bytes.saturating_add(index.names_bytes)
    };
    Some(delta.structure_bytes.saturating_add(index))
}

/// The names of what was not found damaged.
fn names_here(reusable: &Reusable) -> impl Iterator<Item = &Digest> {
    let names = (0..).zip(reusable.held.complete().names());
    let intact = reusable.intact.as_ref();
    let names = names.filter(move |(chunk, _)| intact.is_none_or(|intact| intact.contains(*chunk)));
    names.map(|(_, name)| name)
}

/// Bytes of a version that are not among `names`.
fn lacking_bytes(complete: &CompleteTree, names: &HashSet<Digest>) -> u64 {
    let tree = complete.tree();
    let chunks = (0..).zip(complete.names()).filter(|(_, name)| !names.contains(*name));
    chunks.map(|(chunk, _)| u64::from(tree.chunk_bytes(chunk))).sum()
}

/// Bytes of what is wanted that are held, and all of them.
fn bytes_here(route: &Route) -> (u64, u64) {
    let held = route.reusable();
    let bytes = |piece: &u32| u64::from(route.pieces.bytes(*piece));
    let goal = route.pieces.of(route.goal);
    let here = goal.iter().filter(|piece| held.contains(**piece)).map(bytes).sum();
    (here, goal.iter().map(bytes).sum())
}
