//! Deltas one after the other: for devices that are older than the deltas of the newest version.

use std::collections::BTreeMap;

use headstart_model::Digest;
use headstart_model::catalog::{CatalogPack, DeltaRef, FormerVersion};

use crate::plan::HeldVersion;

/// Deltas that may follow each other. `Ours:` each brings blocks of which part is wanted only, so long chains lose against a fresh
/// download, and with deltas from three versions back four of them span twelve releases.
const HOPS_MAX: usize = 4;

/// One delta of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The delta.
    pub delta: DeltaRef,
    /// The content that it leads to.
    pub to: Digest,
}

/// A way from a version that is held to the one that is wanted, by way of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The version held.
    pub held: HeldVersion,
    /// The deltas in their order, at least two.
    pub hops: Vec<Hop>,
    /// Bytes of all of them: what it costs at most.
    pub bytes: u64,
}

/// The cheapest chain to `pack` from each version that is held, cheapest first. A delta that leads there at once is no chain.
#[must_use]
pub fn chains(pack: &CatalogPack, former: &[FormerVersion], held: &[HeldVersion]) -> Vec<Chain> {
    // The cheapest way from each content to the goal; rounds add one hop in front, so none is longer than allowed.
    let mut ways: BTreeMap<Digest, (u64, Vec<Hop>)> = BTreeMap::new();
    for delta in &pack.deltas {
        let way = (delta.bytes, vec![Hop { delta: delta.clone(), to: pack.content }]);
        let known = ways.entry(delta.from_content).or_insert_with(|| way.clone());
        if way.0 < known.0 {
            *known = way;
        }
    }
    for _ in 1..HOPS_MAX {
        let mut longer = ways.clone();
        for version in former {
            let Some((bytes, hops)) = ways.get(&version.content) else { continue };
            for delta in version.deltas.iter().filter(|delta| delta.from_content != pack.content) {
                let bytes = bytes.saturating_add(delta.bytes);
                if longer.get(&delta.from_content).is_none_or(|(known, _)| bytes < *known) {
                    let first = Hop { delta: delta.clone(), to: version.content };
                    let hops = std::iter::once(first).chain(hops.iter().cloned()).collect();
                    longer.insert(delta.from_content, (bytes, hops));
                }
            }
        }
        ways = longer;
    }
    let chain = |held: &HeldVersion| {
        let (bytes, hops) = ways.get(&held.content)?;
        let chain = Chain { held: held.clone(), hops: hops.clone(), bytes: *bytes };
        (hops.len() > 1).then_some(chain)
    };
    let mut chains: Vec<Chain> = held.iter().filter_map(chain).collect();
    chains.sort_by_key(|chain| chain.bytes);
    chains
}

#[cfg(test)]
mod tests {
    use headstart_model::catalog::{BundleRef, IndexRef};
    use headstart_model::{DownloadPolicy, PackId, PackVersion};

    use super::*;

    fn content(version: u64) -> Digest {
        Digest::of(&version.to_le_bytes())
    }

    fn delta(from: u64, to: u64, bytes: u64) -> DeltaRef {
        DeltaRef {
            from: PackVersion(from),
            from_content: content(from),
            digest: Digest::of(&[from.to_le_bytes(), to.to_le_bytes()].concat()),
            bytes,
            structure_digest: content(from),
            structure_bytes: 1,
        }
    }

    fn index() -> IndexRef {
        IndexRef { digest: content(0), structure_bytes: 1, names_bytes: 1 }
    }

    fn pack(version: u64, deltas: Vec<DeltaRef>) -> CatalogPack {
        CatalogPack {
            id: PackId::new("p").expect("a good id"),
            version: PackVersion(version),
            download_policy: DownloadPolicy::on_demand(),
            platforms: Vec::new(),
            language: None,
            user_info: None,
            download_size: 10_000,
            installed_size: 1,
            file_count: 1,
            content: content(version),
            index: index(),
            full: BundleRef { digest: content(0), bytes: 10_000 },
            deltas,
            former: None,
            app_versions: None,
            fallbacks: Vec::new(),
        }
    }

    fn former(version: u64, deltas: Vec<DeltaRef>) -> FormerVersion {
        FormerVersion {
            version: PackVersion(version),
            content: content(version),
            index: index(),
            deltas,
        }
    }

    fn held(version: u64) -> HeldVersion {
        HeldVersion { version: PackVersion(version), content: content(version) }
    }

    fn hops(chain: &Chain) -> Vec<u64> {
        chain.hops.iter().map(|hop| hop.delta.from.0).collect()
    }

    #[test]
    fn the_cheapest_chain_from_each_version_held_is_found() {
        let newest = pack(5, vec![delta(4, 5, 100), delta(3, 5, 150), delta(2, 5, 900)]);
        let before = [
            former(4, vec![delta(1, 4, 500), delta(2, 4, 90)]),
            former(3, vec![delta(1, 3, 300)]),
            former(2, vec![delta(1, 2, 10)]),
        ];
        let found = chains(&newest, &before, &[held(1), held(4), held(2), held(9)]);
        let found: Vec<_> = found.iter().map(|chain| (hops(chain), chain.bytes)).collect();
        assert_eq!(found, [(vec![2, 4], 190), (vec![1, 2, 4], 200)]);
    }

    #[test]
    fn chains_end_at_the_limit_and_never_run_in_circles() {
        let newest = pack(9, vec![delta(8, 9, 1)]);
        let step = |to: u64| former(to, vec![delta(to - 1, to, 1), delta(to + 1, to, 1)]);
        let before: Vec<_> = (2..9).map(step).collect();
        let from = |version| chains(&newest, &before, &[held(version)]);
        assert_eq!(from(5).iter().map(hops).collect::<Vec<_>>(), [[5, 6, 7, 8]]);
        assert!(from(4).is_empty());
    }

    #[test]
    fn another_content_of_the_same_number_is_no_beginning() {
        let newest = pack(3, vec![delta(2, 3, 1)]);
        let before = [former(2, vec![delta(1, 2, 1)])];
        let other = HeldVersion { version: PackVersion(1), content: content(7) };
        assert!(chains(&newest, &before, &[other]).is_empty());
        let same = HeldVersion { version: PackVersion(0), content: content(1) };
        assert_eq!(chains(&newest, &before, &[same]).len(), 1, "the content decides");
    }
}
