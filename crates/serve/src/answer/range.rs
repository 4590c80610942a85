//! The Range header. RFC 9110, 14.1 and 14.2.

/// Most ranges in one request; a request with more gets the whole resource.
///
/// RFC 9110, 14.2 lets a server ignore "many small ranges": each costs a part header, and some
/// clients could be made to ask for thousands.
pub(super) const MOST_RANGES: usize = 64;

/// Consecutive bytes of a resource; never empty, and within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteRange {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl ByteRange {
    pub(super) const fn len(self) -> u64 {
        self.last - self.first + 1
    }

    /// Another range than this one of a resource of `size` bytes, chosen by a draw; none if there
    /// is only one byte.
    pub(super) fn another(self, size: u64, draw: u64) -> Option<Self> {
        let first = if self.first > 0 {
            draw % self.first
        } else if size > 1 {
            1
        } else {
            return None;
        };
        let last = first.saturating_add(self.len() - 1).min(size.saturating_sub(1));
        Some(Self { first, last })
    }
}

/// What part of a resource to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selection {
    /// All of it: 200.
    Whole,
    /// One range: 206.
    One(ByteRange),
    /// Several ranges, in the order asked for: 206 as `multipart/byteranges`.
    Many(Vec<ByteRange>),
    /// None of the ranges lies within the resource: 416.
    Unsatisfiable,
}

/// One `ranges-specifier` as written.
#[derive(Debug, Clone, Copy)]
enum Spec {
    From { first: u64, last: u64 },
    Suffix { len: u64 },
}

/// What a Range header selects of a resource of `size` bytes. A header that is malformed, of an
/// unknown unit, or that asks for overlapping or too many ranges selects all of it.
pub(super) fn select(header: &str, size: u64) -> Selection {
    let Some(specs) = parse(header) else { return Selection::Whole };
    // No Content-Range can describe an empty range, so an empty resource is sent whole where a
    // suffix makes the request satisfiable (14.1.2).
    if size == 0 && specs.iter().any(|spec| matches!(spec, Spec::Suffix { len: 1.. })) {
        return Selection::Whole;
    }
    let mut ranges: Vec<ByteRange> = specs.iter().filter_map(|spec| resolve(*spec, size)).collect();
    match (ranges.pop(), ranges.is_empty()) {
        (None, _) => Selection::Unsatisfiable,
        (Some(only), true) => Selection::One(only),
        (Some(last), false) => {
            ranges.push(last);
            if overlap(&ranges) { Selection::Whole } else { Selection::Many(ranges) }
        }
    }
}

fn parse(header: &str) -> Option<Vec<Spec>> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut specs = Vec::new();
    // A list may have empty members (5.6.1.2).
    for member in set.split(',').map(|m| m.trim_matches([' ', '\t'])).filter(|m| !m.is_empty()) {
        if specs.len() == MOST_RANGES {
            return None;
        }
        specs.push(parse_spec(member)?);
    }
    (!specs.is_empty()).then_some(specs)
}

fn parse_spec(text: &str) -> Option<Spec> {
    let (first, last) = text.split_once('-')?;
    if first.is_empty() {
        return Some(Spec::Suffix { len: position(last)? });
    }
    let first = position(first)?;
    let last = if last.is_empty() { u64::MAX } else { position(last)? };
    (first <= last).then_some(Spec::From { first, last })
}

/// Digits of any length: what does not fit lies beyond every resource all the same.
fn position(digits: &str) -> Option<u64> {
    let good = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn resolve(spec: Spec, size: u64) -> Option<ByteRange> {
    let end = size.checked_sub(1)?;
    match spec {
        Spec::From { first, last } => {
            (first <= end).then(|| ByteRange { first, last: last.min(end) })
        }
        Spec::Suffix { len: 0 } => None,
        Spec::Suffix { len } => Some(ByteRange { first: size.saturating_sub(len), last: end }),
    }
}

fn overlap(ranges: &[ByteRange]) -> bool {
    let mut sorted: Vec<_> = ranges.iter().map(|range| (range.first, range.last)).collect();
    sorted.sort_unstable();
    sorted.iter().zip(sorted.iter().skip(1)).any(|((_, last), (first, _))| first <= last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn range(first: u64, last: u64) -> ByteRange {
        ByteRange { first, last }
    }

    #[test]
    fn single_ranges_are_cut_to_the_resource() {
        for (header, expected) in [
            ("bytes=0-0", range(0, 0)),
            ("bytes=0-99", range(0, 99)),
            ("bytes=90-", range(90, 99)),
            ("bytes=50-1000", range(50, 99)),
            ("bytes=-1", range(99, 99)),
            ("bytes=-1000", range(0, 99)),
            ("Bytes = 5-9", range(5, 9)),
            ("bytes=5-99999999999999999999999", range(5, 99)),
            ("bytes=,5-9,", range(5, 9)),
            ("bytes=5-9,200-", range(5, 9)),
        ] {
            assert_eq!(select(header, 100), Selection::One(expected), "{header}");
        }
    }

    #[test]
    fn ranges_beyond_the_end_are_unsatisfiable() {
        for header in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=100-,200-",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(select(header, 100), Selection::Unsatisfiable, "{header}");
        }
        assert_eq!(select("bytes=0-", 0), Selection::Unsatisfiable);
        assert_eq!(select("bytes=-5", 0), Selection::Whole);
    }

    #[test]
    fn malformed_headers_select_the_whole() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=1-2-3",
            "bytes=+1-2",
            "bytes=1 -2",
            "lines=1-2",
            "bytes:1-2",
            "bytes=0-1;2-3",
        ] {
            assert_eq!(select(header, 100), Selection::Whole, "{header}");
        }
    }

    #[test]
    fn several_ranges_keep_their_order() {
        let expected = vec![range(50, 59), range(0, 9), range(95, 99)];
        assert_eq!(select("bytes=50-59, 0-9\t,-5", 100), Selection::Many(expected));
    }

    #[test]
    fn overlapping_or_too_many_ranges_select_the_whole() {
        assert_eq!(select("bytes=0-9,9-20", 100), Selection::Whole);
        assert_eq!(select("bytes=0-,0-,0-", 100), Selection::Whole);
        let many = |n: u64| {
            let specs: Vec<_> = (0..n).map(|i| format!("{}-{}", i * 2, i * 2)).collect();
            select(&format!("bytes={}", specs.join(",")), 1_000)
        };
        assert!(matches!(many(64), Selection::Many(ranges) if ranges.len() == 64));
        assert_eq!(many(65), Selection::Whole);
    }

    proptest! {
        #[test]
        fn selected_ranges_lie_within_the_resource(
            header in "bytes=([0-9]{0,3}-[0-9]{0,3},?){1,5}", size in 0_u64..500,
        ) {
            let ranges = match select(&header, size) {
                Selection::One(range) => vec![range],
                Selection::Many(ranges) => ranges,
                Selection::Whole | Selection::Unsatisfiable => Vec::new(),
            };
            for range in &ranges {
                prop_assert!(range.first <= range.last && range.last < size);
            }
            prop_assert!(ranges.iter().map(|range| range.len()).sum::<u64>() <= size);
        }

        #[test]
        fn another_range_differs_and_lies_within(
            first in 0_u64..100, len in 1_u64..100, draw: u64,
        ) {
            let size = 100;
            let asked = range(first, (first + len - 1).min(size - 1));
            let other = asked.another(size, draw).unwrap();
            prop_assert_ne!(other, asked);
            prop_assert!(other.first <= other.last && other.last < size);
        }
    }
}
