//! `Spec: packs 2.1` in code names section 2.1 of `docs/spec/packs.md`; the page and the section exist.
//!
//! Several may follow one another: `Spec: packs 2.1, 3 and concepts 5.2`. A page whose headings have no numbers is cited by its
//! name alone. A name that begins with a capital (`Spec: RFC 9110`) is somebody else's specification and not checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::Finding;

/// Between two words of a citation: spaces, or the break between two lines of a comment.
const GAP: &str = r"(?:[ \t]|\r?\n[ \t]*//[/!]?)+";

static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"Spec:{GAP}(?<page>[a-z][\w.-]*\w)(?:{GAP}(?<section>\d+(?:\.\d+)*))?"))
});

static NEXT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^(?:[,;]|{GAP}and\b){GAP}(?:(?<page>[a-z][a-z-]*){GAP})?(?<section>\d+(?:\.\d+)*)"
    ))
});

static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^#+[ \t]+(\d+(?:\.\d+)*)\b"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

/// The sections of a page, as their numbers.
pub type Sections = BTreeSet<String>;

/// The numbers of the headings of a Markdown page: `## 2.1 Selectors` has `2.1`.
#[must_use]
pub fn sections(markdown: &str) -> Sections {
    HEADING.captures_iter(markdown).map(|heading| heading[1].to_owned()).collect()
}

/// Checks the citations of one Rust file against the pages, which are given by their names without `.md`.
#[must_use]
pub fn check(pages: &BTreeMap<String, Sections>, path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for first in FIRST.captures_iter(text) {
        let (start, mut end) = span(&first);
        let place = format!("{path}:{}", text[..start].matches('\n').count() + 1);
        let mut page = first["page"].to_owned();
        let section = first.name("section").map(|section| section.as_str());
        findings.extend(problem(pages, &page, section).map(|what| Finding::new(&place, what)));
        while let Some(next) = section.and_then(|_| NEXT.captures(&text[end..])) {
            end += span(&next).1;
            page = next.name("page").map_or(page, |named| named.as_str().to_owned());
            let what = problem(pages, &page, Some(&next["section"]));
            findings.extend(what.map(|what| Finding::new(&place, what)));
        }
    }
    findings
}

fn span(captures: &Captures<'_>) -> (usize, usize) {
    captures.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()))
}

fn problem(
    pages: &BTreeMap<String, Sections>,
    page: &str,
    section: Option<&str>,
) -> Option<String> {
    let cited = section.map_or_else(|| page.to_owned(), |number| format!("{page} {number}"));
    let what = match (pages.get(page), section) {
        (None, _) => format!("there is no docs/spec/{page}.md"),
        (Some(sections), Some(number)) if !sections.contains(number) => {
            format!("docs/spec/{page}.md has no section {number}")
        }
        (Some(sections), None) if !sections.is_empty() => {
            format!("name a section of docs/spec/{page}.md")
        }
        (Some(_), _) => return None,
    };
    Some(format!("`Spec: {cited}`: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> BTreeMap<String, Sections> {
        let packs = "# Packs\n\n## 2. Manifest\n### 2.1 Selectors\n## 10 More\nSee 7.\n";
        let of = |name: &str, text| (name.to_owned(), sections(text));
        BTreeMap::from([
            of("packs", packs),
            of("concepts", "## 5. Life\n### 5.2 Later\n"),
            of("cli", "## Common\n"),
        ])
    }

    fn problems(code: &str) -> Vec<String> {
        check(&pages(), "a.rs", code).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn headings_give_their_numbers() {
        assert_eq!(
            sections("# 1 A\ntext 2\n### 3.4. B\n#5\n"),
            ["1", "3.4"].map(String::from).into()
        );
    }

    #[test]
    fn citations_of_sections_that_exist_pass() {
        let code = "/// `Spec: packs 2.1`.\n// Spec: packs 2, 2.1 and concepts 5.2; concepts 5.\n// Spec: cli, common\n\
                    /// Spec:\n/// packs\n/// 10. And 3 more.\n\
                    // Spec: RFC 9110 14.4\n";
        assert_eq!(problems(code), [""; 0]);
    }

    #[test]
    fn a_missing_section_is_named_with_its_line() {
        let found = problems("\n\n/// Spec: packs 2.2.");
        assert_eq!(found, ["a.rs:3: `Spec: packs 2.2`: docs/spec/packs.md has no section 2.2"]);
    }

    #[test]
    fn every_citation_of_a_list_is_checked() {
        assert_eq!(problems("// Spec: packs 2, 3 and 4; concepts 6").len(), 3);
        assert_eq!(problems("// Spec: packs 2,\n    // concepts 7").len(), 1);
    }

    #[test]
    fn a_page_that_does_not_exist_is_named() {
        assert_eq!(
            problems("// Spec: packs.md 2"),
            ["a.rs:1: `Spec: packs.md 2`: there is no docs/spec/packs.md.md"]
        );
        assert_eq!(problems("// Spec: hosting 2").len(), 1);
    }

    #[test]
    fn a_page_with_numbers_is_cited_by_number() {
        assert_eq!(
            problems("// Spec: packs"),
            ["a.rs:1: `Spec: packs`: name a section of docs/spec/packs.md"]
        );
    }
}
