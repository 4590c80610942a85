//! Which bytes of a file are there. Pure.

use serde::{Deserialize, Serialize};

/// Ranges of bytes, each with its first byte and the byte after its last: sorted, apart from each other, none empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Extents(Vec<(u64, u64)>);

impl Extents {
    /// Adds the bytes from `start` up to, without, `end`.
    pub(super) fn insert(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let from = self.0.partition_point(|(_, known_end)| *known_end < start);
        let to = self.0.partition_point(|(known_start, _)| *known_start <= end);
        let joined = self.0.get(from..to).unwrap_or_default();
        let start = joined.first().map_or(start, |first| first.0.min(start));
        let end = joined.last().map_or(end, |last| last.1.max(end));
        self.0.splice(from..to, [(start, end)]);
    }

    /// How many bytes are there.
    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// The end of the last range; 0 when there is none.
    pub(super) fn end(&self) -> u64 {
        self.0.last().map_or(0, |(_, end)| *end)
    }

    /// The first bytes from `from` up to `end` that are not there.
    pub(super) fn first_gap(&self, from: u64, end: u64) -> Option<(u64, u64)> {
        let next = self.0.partition_point(|(_, known_end)| *known_end <= from);
        let (start, after) = match self.0.get(next) {
            Some((known_start, known_end)) if *known_start <= from => {
                (*known_end, self.0.get(next + 1).map_or(end, |(start, _)| *start))
            }
            Some((known_start, _)) => (from, *known_start),
            None => (from, end),
        };
        let after = after.min(end);
        (start < after).then_some((start, after))
    }

    /// The first `limit` ranges.
    pub(super) fn head(&self, limit: usize) -> Self {
        Self(self.0.iter().copied().take(limit).collect())
    }

    /// Whether what came from outside has the form that everything here relies on.
    pub(super) fn is_well_formed(&self) -> bool {
        let apart = self.0.iter().zip(self.0.iter().skip(1)).all(|(one, next)| one.1 < next.0);
        apart && self.0.iter().all(|(start, end)| start < end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_ranges_are_those_of_a_list_of_bytes(
            inserts in prop::collection::vec((0_u64..60, 0_u64..12), 0..20),
            from in 0_u64..70,
            end in 0_u64..90,
        ) {
            let (mut extents, mut bytes) = (Extents::default(), [false; 100]);
            for (start, length) in inserts {
                extents.insert(start, start + length);
                let range = usize::try_from(start).expect("small")..usize::try_from(start + length).expect("small");
                bytes[range].fill(true);
                prop_assert!(extents.is_well_formed());
            }
            prop_assert_eq!(extents.bytes(), bytes.iter().filter(|there| **there).count() as u64);
            let is_there = |at: u64| bytes[usize::try_from(at).expect("small")];
            let start = (from..end).find(|at| !is_there(*at));
            let gap = start.map(|start| (start, (start..end).find(|at| is_there(*at)).unwrap_or(end)));
            prop_assert_eq!(extents.first_gap(from, end), gap);
        }
    }

    #[test]
    fn ranges_out_of_form_are_told() {
        for text in ["[[3,3]]", "[[1,4],[4,5]]", "[[5,6],[1,2]]"] {
            let extents: Extents = serde_json::from_str(text).expect("JSON");
            assert!(!extents.is_well_formed(), "{text}");
        }
    }
}
