//! Links between the project's pages lead somewhere, and source files that pages name exist.
//!
//! Only links inside the tree are looked at: what other people's sites do is not ours to test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::Finding;

static LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"\]\((?<to>[^)\s]+)\)"));
static SOURCE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"`(?<path>(?:crates|ci|docs)/[A-Za-z0-9_./-]+)`"));
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^#+[ \t]+(?<title>.+?)[ \t]*$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

/// Checks Markdown pages, given as (path, text). `exists` tells whether a path of the tree is a file or a folder.
#[must_use]
pub fn check(pages: &[(&str, &str)], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let anchors: BTreeMap<&str, BTreeSet<String>> =
        pages.iter().map(|(path, text)| (*path, anchors(text))).collect();
    let mut findings = Vec::new();
    for (page, text) in pages {
        let place = |at: usize| format!("{page}:{}", text[..at].matches('\n').count() + 1);
        let mut found = |at: usize, what: String| findings.push(Finding::new(place(at), what));
        for link in LINK.captures_iter(text).filter_map(|captures| captures.name("to")) {
            let (to, anchor) = link.as_str().split_once('#').unwrap_or((link.as_str(), ""));
            if to.contains("://") || to.starts_with("mailto:") {
                continue;
            }
            let target = if to.is_empty() { (*page).to_owned() } else { resolve(page, to) };
            if !exists(&target) {
                found(link.start(), format!("the link leads to {target}, which does not exist"));
            } else if !anchor.is_empty()
                && anchors.get(target.as_str()).is_some_and(|known| !known.contains(anchor))
            {
                found(link.start(), format!("{target} has no heading `#{anchor}`"));
            }
        }
        for path in SOURCE.captures_iter(text).filter_map(|captures| captures.name("path")) {
            if !exists(path.as_str().trim_end_matches('/')) {
                found(path.start(), format!("`{}` does not exist", path.as_str()));
            }
        }
    }
    findings
}

/// `to` as seen from `page`: both with `/`, `.` and `..` taken by the word.
fn resolve(page: &str, to: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// What the headings of a page are called in links: lower case, spaces as `-`, without punctuation.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let slug = |title: &str| {
        let kept = title.to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    HEADING.captures_iter(markdown).map(|heading| slug(&heading["title"])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(page: &str, text: &str) -> Vec<String> {
        let pages = [("docs/b.md", "# B\n\n## 2.1 The way, `out`\n"), (page, text)];
        let exists = |path: &str| ["docs/b.md", "docs/a.md", "crates/x/src"].contains(&path);
        check(&pages, exists).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text = "# A\n[b](b.md) [s](../docs/b.md#21-the-way-out) [x](https://a.example/x.md#y) [o](#a)\n`crates/x/src/`";
        assert_eq!(problems("docs/a.md", text), [""; 0]);
    }

    #[test]
    fn a_link_to_nothing_is_found_with_its_line() {
        assert_eq!(
            problems("docs/a.md", "\n[c](spec/c.md)"),
            ["docs/a.md:2: the link leads to docs/spec/c.md, which does not exist"]
        );
    }

    #[test]
    fn a_heading_that_is_not_there_is_found() {
        assert_eq!(
            problems("docs/a.md", "[b](b.md#22-elsewhere)"),
            ["docs/a.md:1: docs/b.md has no heading `#22-elsewhere`"]
        );
    }

    #[test]
    fn a_source_file_that_is_not_there_is_found() {
        assert_eq!(
            problems("docs/a.md", "see `crates/y/src/lib.rs`"),
            ["docs/a.md:1: `crates/y/src/lib.rs` does not exist"]
        );
    }
}
