//! `docs/errors.md` and the code name the same stable error codes, with the same kinds.
//!
//! A code is found where it is written: `Failure::new(ErrorKind::NotFound, "appNotFound", …)`, a tuple
//! `(ErrorKind::NotFound, "appNotFound", …)`, a method `code`, or one of the helpers listed below. A new helper that takes a
//! code by another way is not seen here until it is added; what the page names and nothing uses is found all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::Finding;

/// The kinds of each code, as the page names them: rows of code, kinds, meaning and way out.
pub type Documented = BTreeMap<String, BTreeSet<String>>;

static ROW: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^\| `(\w+)` \| ([a-zA-Z, ]+) \| [^|]+ \| [^|]+ \|$"));

/// Where a kind and a code stand side by side.
static WITH_KIND: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"\bErrorKind::(?<kind>\w+),\s*"(?<code>\w+)""#));

/// A row of a table of codes: number, code, kind.
static ROW_OF_TABLE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"= \d+, "(?<code>\w+)", (?<kind>\w+);"#));

/// Where a code stands with a kind that is decided elsewhere.
static ALONE: LazyLock<[Regex; 5]> = LazyLock::new(|| {
    [
        // A kind that was computed.
        r#"\b(?:Failure|Error)::(?:new|from_error|of)\(\s*[a-z][\w.()]*,\s*"(?<code>\w+)""#,
        // `headstart`: a code for a connection that failed, and one with message and hint.
        r#"\bshown\("(?<code>\w+)"\)"#,
        r#"\(\s*"(?<code>\w+)",\s*"[^"]*",\s*hint\)"#,
        // `headstart-cli`: what an input file is called, and the code when it is missing.
        r#"\bof_input\(\s*"[^"]*",\s*"(?<code>\w+)""#,
        r#"\(\s*"[^"]*",\s*"(?<code>\w+Missing)"\s*\)"#,
    ]
    .map(pattern)
});

/// A variant of the table of the original's codes, where it is declared and where it is given.
static VARIANT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?m)^ +(?<variant>\w+) = (?<number>\d+), "\w+", \w+;"#));
static GIVEN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:Code|BackgroundAssetsErrorCode)::(?<variant>\w+)\b"));
/// A row of number, code, kind, and when it is given.
static NUMBERED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^\| (?<number>\d+) \| `\w+` \| \w+ \| (?<when>.+) \|$"));

/// The body of a method that gives the code of an error.
static METHOD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?s)\bfn code\(&self\) -> &'static str \{\n(?<body>.*?)\n    \}\n"));
static LITERAL: LazyLock<Regex> = LazyLock::new(|| pattern(r#""(?<code>\w+)""#));

/// Where the tests of a file begin, if they stand in it.
const TESTS: &str = "#[cfg(test)]\nmod tests {";

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

/// A code where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The code.
    pub code: String,
    /// Its kind, where that stands beside it.
    pub kind: Option<String>,
    /// Line in the file, from 1.
    pub line: usize,
}

/// The codes that `docs/errors.md` has, with their kinds.
#[must_use]
pub fn documented(markdown: &str) -> Documented {
    let rows = ROW.captures_iter(markdown).map(|row| {
        let kinds = row[2].split(',').map(|kind| kind.trim().to_owned());
        (row[1].to_owned(), kinds.collect())
    });
    rows.collect()
}

/// The codes that one Rust file uses, its tests left out.
#[must_use]
pub fn used(text: &str) -> Vec<Used> {
    let text = text.find(TESTS).map_or(text, |at| &text[..at]);
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let mut found = Vec::new();
    for pair in WITH_KIND.captures_iter(text).chain(ROW_OF_TABLE.captures_iter(text)) {
        let kind = Some(lower_first(&pair["kind"]));
        let at = pair.name("code").map_or(0, |code| code.start());
        found.push(Used { code: pair["code"].to_owned(), kind, line: line(at) });
    }
    let alone = ALONE.iter().flat_map(|regex| regex.captures_iter(text)).map(|found| (found, 0));
    let methods = METHOD.captures_iter(text).flat_map(|method| {
        let body = method.name("body").expect("the pattern has a body");
        LITERAL.captures_iter(body.as_str()).map(move |literal| (literal, body.start()))
    });
    for (captures, from) in alone.chain(methods) {
        let at = from + captures.name("code").map_or(0, |code| code.start());
        found.push(Used { code: captures["code"].to_owned(), kind: None, line: line(at) });
    }
    found
}

/// Checks files, given as (path, text), against the page in both directions.
#[must_use]
pub fn check(documented: &Documented, files: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in files {
        for Used { code, kind, line } in used(text) {
            let problem = match (documented.get(&code), &kind) {
                (None, _) => Some(format!("the code `{code}` is not in docs/errors.md")),
                (Some(kinds), Some(kind)) if !kinds.contains(kind) => {
                    Some(format!("docs/errors.md does not say that `{code}` may be `{kind}`"))
                }
                (Some(_), _) => None,
            };
            findings.extend(problem.map(|what| Finding::new(format!("{path}:{line}"), what)));
            seen.insert(code);
        }
    }
    let unused = documented.keys().filter(|code| !seen.contains(*code));
    findings.extend(
        unused
            .map(|code| Finding::new("docs/errors.md", format!("nothing uses the code `{code}`"))),
    );
    findings
}

/// Checks that the table of the original's numbers in `docs/spec/api.md` says of exactly those codes that they are never given
/// that no code gives. Files are (path, text); one of them has the table of variants.
#[must_use]
pub fn check_given(api: &str, files: &[(&str, &str)]) -> Vec<Finding> {
    let texts = files.iter().map(|(_, text)| text.find(TESTS).map_or(*text, |at| &text[..at]));
    let texts: Vec<_> = texts.collect();
    let given: BTreeSet<_> = texts
        .iter()
        .flat_map(|text| GIVEN.captures_iter(text))
        .filter_map(|given| Some(given.name("variant")?.as_str()))
        .collect();
    let mut variants = texts.iter().flat_map(|text| VARIANT.captures_iter(text)).peekable();
    let mut findings = Vec::new();
    if variants.peek().is_none() {
        findings.push(Finding::new("docs/spec/api.md", "the table of variants was not found"));
    }
    for variant in variants {
        let (number, is_given) = (&variant["number"], given.contains(&variant["variant"]));
        let row = NUMBERED.captures_iter(api).find(|row| row["number"] == *number);
        let what = match row.map(|row| row["when"].starts_with("never")) {
            None => format!("the code {number} has no row"),
            Some(true) if is_given => format!("the code {number} is given, and the row says never"),
            Some(false) if !is_given => format!("nothing gives the code {number}"),
            Some(_) => continue,
        };
        findings.push(Finding::new("docs/spec/api.md", what));
    }
    findings
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "| `usage` | a kind | 2 |\n\n| Code | Kind | Meaning | Way out |\n|---|---|---|---|\n\
        | `a` | notFound | x | – |\n| `b` | network, noSpace | y | z |\n";

    fn problems(code: &str) -> Vec<String> {
        check(&documented(PAGE), &[("x.rs", code)]).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn every_way_of_naming_a_code_is_seen() {
        let code = concat!(
            "Failure::new(\n    ErrorKind::NotFound,\n    \"one\", m);\n",
            "Failure::from_error(ErrorKind::Internal, \"two\", &e);\n",
            "let (kind, code) = (ErrorKind::Usage, \"three\");\n",
            "Error::new(kind, \"four\", m); failure::of_input(\"path\", \"five\", p);\n",
            "fn code(&self) -> &'static str {\n        match self { A => \"six\", B => \"seven\" }\n    }\n",
            "let hint = \"h\"; (\"eight\", \"it failed\", hint); input::read(p, (\"file\", \"nineMissing\"));\n",
            "shown(\"ten\");\n",
            "AlreadyScheduled = 100, \"eleven\", Conflict;\n",
        );
        let mut codes: Vec<_> = used(code).into_iter().map(|used| used.code).collect();
        codes.sort();
        let wanted = [
            "eight",
            "eleven",
            "five",
            "four",
            "nineMissing",
            "one",
            "seven",
            "six",
            "ten",
            "three",
            "two",
        ];
        assert_eq!(codes, wanted);
    }

    #[test]
    fn codes_of_the_page_pass() {
        let code = "Failure::new(ErrorKind::NotFound, \"a\", m); (ErrorKind::NoSpace, \"b\", \"\")";
        assert_eq!(problems(code), [""; 0]);
    }

    #[test]
    fn a_code_that_the_page_lacks_is_found_with_its_line() {
        let code = "(ErrorKind::NotFound, \"a\"); (ErrorKind::Network, \"b\");\nx(ErrorKind::Usage, \"c\")";
        assert_eq!(problems(code), ["x.rs:2: the code `c` is not in docs/errors.md"]);
    }

    #[test]
    fn another_kind_than_the_page_names_is_found() {
        let code = "(ErrorKind::Usage, \"a\"); (ErrorKind::Network, \"b\")";
        assert_eq!(problems(code), ["x.rs:1: docs/errors.md does not say that `a` may be `usage`"]);
    }

    #[test]
    fn a_code_that_nothing_uses_is_found() {
        let code = "(ErrorKind::NotFound, \"a\")";
        assert_eq!(problems(code), ["docs/errors.md: nothing uses the code `b`"]);
    }

    #[test]
    fn what_is_never_given_says_so() {
        let table = "codes! {\n    One = 1, \"one\", Network;\n    Two = 2, \"two\", Network;\n}";
        let api = "| 1 | `one` | network | when it rains |\n| 2 | `two` | network | never |\n";
        let found = |api: &str, code: &str| -> Vec<String> {
            check_given(api, &[("t.rs", table), ("x.rs", code)])
                .iter()
                .map(Finding::to_string)
                .collect()
        };
        assert_eq!(found(api, "Code::One.failure(m)"), [""; 0]);
        let place = "docs/spec/api.md: ";
        assert_eq!(
            found(api, "BackgroundAssetsErrorCode::Two"),
            ["nothing gives the code 1", "the code 2 is given, and the row says never"]
                .map(|what| format!("{place}{what}"))
        );
        assert_eq!(
            found("| 2 | `two` | network | never by it |", "Code::One"),
            [format!("{place}the code 1 has no row")]
        );
    }

    #[test]
    fn tests_may_use_codes_of_their_own() {
        let code = "(ErrorKind::NotFound, \"a\"); (ErrorKind::Network, \"b\");\n#[cfg(test)]\nmod tests {\n\
                    (ErrorKind::Usage, \"x\") }";
        assert_eq!(problems(code), [""; 0]);
    }
}
