//! Which of the languages that there are suits what somebody reads.

use super::Language;
use super::subtags::Subtags;
use super::table::{MAX, TABLE};

/// Parts of a distance: tags that mean the same are told apart by what they say themselves.
const PARTS: u32 = 8;
/// How much nearer a later language of the list has to be: a mere difference of region in the first one is as good as the
/// second one itself. The number is ICU's, as CLDR leaves it open.
const DEMOTION: u32 = 5 * PARTS;

/// The language of `available` that suits an app whose person prefers `preferred`, best first: the nearest by CLDR's
/// language distance, and the nearest to the app's `primary` language when none is near. None when that is not there
/// either.
///
/// Of languages that are equally near, one that is a variant of the desired language goes before another language, then
/// the likelier variant, then the primary language, then one that CLDR calls a paradigm of its cluster (`en-GB`, `es-419`),
/// then the one that stands first. `Spec: packs 9`.
#[must_use]
pub fn resolve<'a>(
    preferred: &[Language],
    available: &'a [Language],
    primary: Option<&Language>,
) -> Option<&'a Language> {
    let candidates = Candidates::new(available, primary);
    candidates
        .nearest(preferred)
        .or_else(|| candidates.nearest(primary.map_or(&[], std::slice::from_ref)))
}

/// The language of `available` that is nearest to `desired`; none when none is near.
#[must_use]
pub fn nearest<'a>(desired: &Language, available: &'a [Language]) -> Option<&'a Language> {
    Candidates::new(available, None).nearest(std::slice::from_ref(desired))
}

struct Candidates<'a> {
    /// In the order in which ties are broken.
    languages: Vec<(&'a Language, Subtags)>,
}

impl<'a> Candidates<'a> {
    fn new(available: &'a [Language], primary: Option<&Language>) -> Self {
        let mut languages: Vec<_> = available.iter().map(|one| (one, one.subtags())).collect();
        let primary = primary.map(Language::subtags);
        let paradigms: Vec<Subtags> = TABLE
            .paradigms
            .iter()
            .filter_map(|tag| Language::new(tag).ok())
            .map(|paradigm| paradigm.subtags())
            .collect();
        let rank = |subtags: &Subtags| match &primary {
            Some(primary) if primary.is_same(subtags) => 0,
            _ => paradigms
                .iter()
                .position(|one| one.is_same(subtags))
                .map_or(usize::MAX, |at| at + 1),
        };
        languages.sort_by_cached_key(|(_, subtags)| rank(subtags));
        Self { languages }
    }

    fn nearest(&self, desired: &[Language]) -> Option<&'a Language> {
        let mut bound = MAX * PARTS;
        let mut best = None;
        for language in desired {
            let wanted = language.subtags();
            if let Some((exact, _)) = self.languages.iter().find(|(_, one)| *one == wanted) {
                return Some(exact);
            }
            if let Some((found, distance)) = self.nearest_within(&wanted, bound) {
                (best, bound) = (Some(found), distance);
            }
            bound = bound.saturating_sub(DEMOTION);
            if bound == 0 {
                break;
            }
        }
        best
    }

    /// The nearest one that is nearer than `bound`, and how near it is.
    fn nearest_within(&self, wanted: &Subtags, bound: u32) -> Option<(&'a Language, u32)> {
        let mut best: Option<(&(&'a Language, Subtags), u32)> = None;
        for candidate in &self.languages {
            let Some(distance) = distance(wanted, &candidate.1) else { continue };
            let better = match best {
                None => distance < bound,
                Some((present, least)) => {
                    distance < least
                        || (distance == least && goes_before(wanted, &candidate.1, &present.1))
                }
            };
            if better {
                best = Some((candidate, distance));
            }
        }
        best.map(|((language, _), distance)| (*language, distance))
    }
}

/// In [`PARTS`].
fn distance(wanted: &Subtags, one: &Subtags) -> Option<u32> {
    let distance = TABLE.distance(wanted, one)?;
    // Which subtags are left out counts only between tags that mean the same, and less than any real difference.
    let said = if distance == 0 { u32::from(wanted.explicit ^ one.explicit) } else { 0 };
    Some(distance * PARTS + said)
}

/// Whether of two that are equally near `one` goes before `present`, which is earlier in the order of ties.
fn goes_before(wanted: &Subtags, one: &Subtags, present: &Subtags) -> bool {
    if one.language == present.language {
        one.is_likelier(present)
    } else {
        one.language == wanted.language
    }
}

#[cfg(test)]
mod tests;
