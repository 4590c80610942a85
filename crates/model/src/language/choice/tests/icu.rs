//! ICU's own cases for its locale matcher, from `tests/icu/`.

use std::collections::BTreeMap;

use super::super::{Candidates, Language};

static CASES: &str = include_str!("../../../../tests/icu/localeMatcherTest.txt");

/// Lines of the file that do not hold here, and why.
const EXCEPTIONS: &[(&str, &[usize])] = &[
    (
        "the supported locale has a variant or an extension, and packs have neither",
        &[
            579, 583, 586, 596, 600, 603, 692, 694, 701, 1003, 1004, 1005, 1007, 1008, 1014, 1015,
            1016, 1018, 1019, 1055, 1057, 1058, 1066, 1068, 1069, 1842, 1843, 1844, 1852, 1853,
            1854,
        ],
    ),
    (
        "a private or grandfathered tag is no language here",
        &[285, 288, 974, 977, 981, 982, 984, 985, 989, 990, 993, 994, 1526, 1530, 1531],
    ),
    (
        "`favor=script` sets the script above the language, which is not offered here",
        &[
            716, 719, 721, 736, 774, 959, 961, 1061, 1325, 1362, 1363, 1365, 1367, 1402, 1416,
            1473, 1474, 1938, 1940, 1944, 1947, 1949,
        ],
    ),
    ("the threshold is raised, and here it is fixed", &[1960]),
    (
        "`sh` is Serbian in Latin script by CLDR's own aliases, which ICU's matcher does not use in full",
        &[1393],
    ),
];

struct Case {
    line: usize,
    desired: Vec<Language>,
    supported: Vec<Language>,
    primary: Option<Language>,
    /// ICU's default: the locale that is named, else the first supported one.
    default: &'static str,
    /// As it stands in the file.
    expected: String,
}

impl Case {
    fn answer(&self) -> Option<String> {
        let candidates = Candidates::new(&self.supported, self.primary.as_ref());
        let primary = self.primary.as_slice();
        let found = candidates.nearest(&self.desired).or_else(|| candidates.nearest(primary));
        found.map(|language| language.as_str().to_owned())
    }

    /// ICU answers with its default where nothing is near, though it may not be supported; here that is none.
    fn holds(&self) -> bool {
        self.answer().map_or(self.expected == self.default, |answer| answer == self.expected)
    }
}

fn cases() -> Vec<Case> {
    let (mut supported, mut default): (&'static str, &'static str) = ("", "");
    let mut cases = Vec::new();
    for (index, line) in CASES.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with("** test") {
            (supported, default) = ("", "");
        } else if let Some(list) = line.strip_prefix("@supported=") {
            supported = list;
        } else if let Some(tag) = line.strip_prefix("@default=") {
            default = tag;
        } else if let Some((desired, results)) = line.split_once(">>") {
            let first = supported.split(',').next().unwrap_or_default().trim();
            let default = [default, first, "null"].into_iter().find(|tag| !tag.is_empty());
            let default = default.unwrap_or_default();
            cases.push(Case {
                line: index + 1,
                // What a person prefers may be any locale; what a pack has is a tag.
                desired: list(desired, |tag| {
                    Language::new(tag).ok().or_else(|| Language::of_locale(tag))
                }),
                supported: list(supported, |tag| Language::new(tag).ok()),
                primary: Language::new(default).ok(),
                default,
                expected: results.split('|').next().unwrap_or_default().trim().to_owned(),
            });
        }
    }
    cases
}

fn list(text: &str, read: impl Fn(&str) -> Option<Language>) -> Vec<Language> {
    text.split(',').filter_map(|tag| read(tag.trim())).collect()
}

#[test]
fn the_cases_of_icu_hold_but_for_those_that_are_listed() {
    let exceptions: BTreeMap<usize, &str> = EXCEPTIONS
        .iter()
        .flat_map(|(reason, lines)| lines.iter().map(move |line| (*line, *reason)))
        .collect();
    let cases = cases();
    assert_eq!(
        cases.len(),
        CASES.lines().filter(|line| !line.starts_with('#') && line.contains(">>")).count()
    );
    let mut wrong = Vec::new();
    for case in &cases {
        match (case.holds(), exceptions.get(&case.line)) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(reason)) => {
                wrong.push(format!("line {} holds, and is listed: {reason}", case.line));
            }
            (false, None) => wrong.push(format!(
                "line {}: {:?} among {:?} is {:?}, not {}",
                case.line,
                case.desired,
                case.supported.iter().take(8).collect::<Vec<_>>(),
                case.answer(),
                case.expected
            )),
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
    let unknown: Vec<_> =
        exceptions.keys().filter(|line| !cases.iter().any(|case| case.line == **line)).collect();
    assert!(unknown.is_empty(), "no case stands in the lines {unknown:?}");
}
