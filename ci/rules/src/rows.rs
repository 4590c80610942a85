//! `docs/spec/tests.md` names a test for every row of certain tables of `docs/spec`, and for every numbered point.
//!
//! A heading of that page (`## concepts 4.4`) names a section. What the section has in tables and numbered lists, the page has
//! too: a row by its first cell, a point by its number, each with tests as `FILE#NAME`. Where a table of the section tells
//! several cases apart, its columns may stand on the page as they are, with tests in each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::Finding;

static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?<depth>#+)[ \t]+(?<title>.+)$"));
static POINT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?<number>\d+)\. "));
static TEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^[ \t]*#\[(?:tokio::)?test(?:\(.*\))?\]\n(?:[ \t]*#\[.*\]\n)*[ \t]*(?:async )?fn (?<name>\w+)\(",
    )
});
/// Tests that say by their name which row or point they are about.
static NAMING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:row|point|error)_\d"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

/// The tests of a Rust file, by name.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    TEST.captures_iter(text).filter_map(|test| Some(test.name("name")?.as_str()))
}

/// A row of a table, or a point of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row<'a> {
    line: usize,
    /// The headings of its table; none of a point.
    columns: Vec<&'a str>,
    cells: Vec<&'a str>,
}

/// What a section of a page has in tables and numbered lists. Headings are those that begin with the section's number, or are
/// its name; what is below them belongs to it.
fn rows<'a>(page: &'a str, section: &str) -> Vec<Row<'a>> {
    let mut depth = 0;
    let mut columns: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for (at, line) in page.lines().enumerate() {
        if let Some(heading) = HEADING.captures(line) {
            let (level, title) = (heading["depth"].len(), &heading["title"]);
            let number = title.split(' ').next().unwrap_or_default().trim_end_matches('.');
            if number == section || title == section {
                depth = level;
            } else if level <= depth {
                depth = 0;
            }
        }
        let cells: Vec<&str> = match line.strip_prefix('|').map(|rest| rest.trim_end_matches('|')) {
            Some(row) => row.split('|').map(str::trim).collect(),
            None => Vec::new(),
        };
        if cells.is_empty() {
            columns.clear();
            let point = POINT.captures(line).and_then(|point| point.name("number"));
            if let (true, Some(number)) = (depth > 0, point) {
                let cells = vec![number.as_str()];
                found.push(Row { line: at + 1, columns: Vec::new(), cells });
            }
        } else if columns.is_empty() {
            columns = cells;
        } else if depth > 0 && !cells.iter().all(|cell| cell.chars().all(|c| c == '-')) {
            found.push(Row { line: at + 1, columns: columns.clone(), cells });
        }
    }
    found
}

/// The sections that the page is about: heading, page and section.
fn sections(page: &str) -> Vec<(&str, &str, &str)> {
    let titles = page.lines().filter_map(|line| line.strip_prefix("## "));
    titles
        .filter_map(|title| title.split_once(' ').map(|(of, number)| (title, of, number)))
        .collect()
}

/// Checks the page of tests (path and text) against the pages of the specification, by name, and the Rust files, by path.
#[must_use]
pub fn check(
    (path, page): (&str, &str),
    pages: &BTreeMap<&str, &str>,
    code: &BTreeMap<&str, &str>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut named = BTreeSet::new();
    for (title, of, number) in sections(page) {
        let Some(text) = pages.get(of) else {
            findings.push(Finding::new(path, format!("`{title}`: there is no docs/spec/{of}.md")));
            continue;
        };
        let wanted = rows(text, number);
        let given = rows(page, title);
        if wanted.is_empty() {
            findings.push(Finding::new(path, format!("`{title}` has neither table nor points")));
        }
        for row in &wanted {
            let place = format!("docs/spec/{of}.md:{}", row.line);
            match given.iter().filter(|given| given.cells[0] == row.cells[0]).count() {
                1 => {}
                0 => findings
                    .push(Finding::new(place, format!("{path} has no test of `{}`", row.cells[0]))),
                _ => findings
                    .push(Finding::new(place, format!("{path} has `{}` twice", row.cells[0]))),
            }
        }
        for row in &given {
            let place = format!("{path}:{}", row.line);
            let mut found = |what| findings.push(Finding::new(&place, what));
            let of_spec = wanted.iter().find(|wanted| wanted.cells[0] == row.cells[0]);
            if of_spec.is_none() {
                found(format!("docs/spec/{of}.md has no row `{}` there", row.cells[0]));
            }
            if row.columns.len() > 2
                && of_spec.is_some_and(|of_spec| of_spec.columns != row.columns)
            {
                found(format!(
                    "the columns are not those of `{}` in docs/spec/{of}.md",
                    row.cells[0]
                ));
            }
            if row.cells.len() < 2 {
                found(format!("`{}` has no test", row.cells[0]));
            }
            for cell in row.cells.iter().skip(1) {
                let tests: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
                if tests.is_empty() {
                    found(format!("a cell of `{}` has no test", row.cells[0]));
                }
                for test in tests {
                    named.insert(test);
                    if !exists(code, test) {
                        found(format!("there is no test `{test}`"));
                    }
                }
            }
        }
    }
    for (file, text) in code {
        for name in tests(text).filter(|name| NAMING.is_match(name)) {
            if !named.contains(format!("{file}#{name}").as_str()) {
                let what = format!("`{name}` says what it is about, and {path} does not have it");
                findings.push(Finding::new(*file, what));
            }
        }
    }
    findings
}

fn exists(code: &BTreeMap<&str, &str>, test: &str) -> bool {
    let Some((file, name)) = test.split_once('#') else { return false };
    code.get(file).is_some_and(|text| tests(text).any(|known| known == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "## 4. Steps\n\n### 4.4 Failures\n\n| Failure | Now | Later |\n|---|---|---|\n| it falls | x | y |\n\n\
        | Other | Code |\n|---|---|\n| it breaks | – |\n\n## 11. Who\n\n1. The app.\n2. Else nobody.\n\n## 12. No table\n";
    const CODE: &str = "#[tokio::test]\nasync fn falls() {}\nmod m {\n    #[test]\n    #[cfg(unix)]\n    fn breaks() {}\n}\nfn helper() {}\n";
    const GOOD: &str = "# Tests\n\n## concepts 4.4\n\n| Failure | Now | Later |\n|---|---|---|\n\
        | it falls | `a.rs#falls` | `a.rs#breaks` |\n\n| Row | Tests |\n|---|---|\n| it breaks | `a.rs#breaks`, `a.rs#falls` |\n\n\
        ## concepts 11\n\n| Point | Tests |\n|---|---|\n| 1 | `a.rs#falls` |\n| 2 | `a.rs#falls` |\n";

    fn problems(page: &str, code: &str) -> Vec<String> {
        let (pages, code) =
            (BTreeMap::from([("concepts", SPEC)]), BTreeMap::from([("a.rs", code)]));
        check(("t.md", page), &pages, &code).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_page_with_a_test_for_each_row_and_point_passes() {
        assert_eq!(problems(GOOD, CODE), [""; 0]);
    }

    #[test]
    fn a_row_or_point_without_a_test_is_found_where_it_stands() {
        assert_eq!(
            problems(&GOOD.replace("| it breaks | `a.rs#breaks`, `a.rs#falls` |\n", ""), CODE),
            ["docs/spec/concepts.md:11: t.md has no test of `it breaks`"]
        );
        assert_eq!(
            problems(&GOOD.replace("| 2 | `a.rs#falls` |\n", ""), CODE),
            ["docs/spec/concepts.md:16: t.md has no test of `2`"]
        );
        assert_eq!(
            problems(&GOOD.replace("`a.rs#falls` | `a.rs#breaks`", "`a.rs#falls` | –"), CODE),
            ["t.md:7: a cell of `it falls` has no test"]
        );
    }

    #[test]
    fn a_row_that_the_specification_has_no_more_is_found() {
        assert_eq!(
            problems(&GOOD.replace("| 2 |", "| 3 |"), CODE),
            [
                "docs/spec/concepts.md:16: t.md has no test of `2`",
                "t.md:18: docs/spec/concepts.md has no row `3` there"
            ]
        );
        assert_eq!(
            problems(&GOOD.replace("| Now | Later |", "| Later | Now |"), CODE),
            ["t.md:7: the columns are not those of `it falls` in docs/spec/concepts.md"]
        );
        assert_eq!(
            problems(&format!("{GOOD}\n## concepts 12\n\n## packs 1\n"), CODE),
            [
                "t.md: `concepts 12` has neither table nor points",
                "t.md: `packs 1`: there is no docs/spec/packs.md"
            ]
        );
    }

    #[test]
    fn a_test_that_vanished_is_found() {
        let found = problems(GOOD, &CODE.replace("fn breaks", "fn broke"));
        assert_eq!(
            found,
            ["t.md:7: there is no test `a.rs#breaks`", "t.md:11: there is no test `a.rs#breaks`"]
        );
        assert_eq!(problems(&GOOD.replace("falls`", "helper`"), CODE).len(), 4);
    }

    #[test]
    fn a_test_that_names_a_row_stands_on_the_page() {
        let code = format!("{CODE}#[test]\nfn row_4_4_it_falls() {{}}\n");
        let what = "a.rs: `row_4_4_it_falls` says what it is about, and t.md does not have it";
        assert_eq!(problems(GOOD, &code), [what]);
    }
}
