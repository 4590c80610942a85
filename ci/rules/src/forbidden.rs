//! Text that no committed file may contain.

use regex::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::Finding;

/// `ci/forbidden.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forbidden {
    /// Files that no rule applies to: beginnings of paths.
    #[serde(default)]
    pub except: Vec<String>,
    /// The rules.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One text that is forbidden.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What a line must not match.
    #[serde(deserialize_with = "regex")]
    pub text: Regex,
    /// What to do instead.
    pub why: String,
    /// Only files whose name ends so; empty: all.
    #[serde(default)]
    pub endings: Vec<String>,
    /// Only files whose path begins so; empty: all.
    #[serde(default)]
    pub below: Vec<String>,
    /// Files whose path begins so are left out.
    #[serde(default)]
    pub except: Vec<String>,
    /// Which part of a file is meant.
    #[serde(default)]
    pub part: Part,
}

/// A part of a Rust file.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// All lines.
    #[default]
    All,
    /// Test code: folders `tests`, files `tests.rs`, and in other files what follows `#[cfg(test)]`.
    Tests,
}

/// Checks files, given as (path, text). A rule with `below` that applies to none of them is a finding.
#[must_use]
pub fn check(forbidden: &Forbidden, files: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in &forbidden.rules {
        let mut covered = 0;
        for (path, text) in files.iter().filter(|(path, _)| applies(forbidden, rule, path)) {
            covered += 1;
            findings.extend(lines(rule, path, text));
        }
        if covered == 0 && !rule.below.is_empty() {
            let what = "a rule of ci/forbidden.toml guards nothing";
            findings.push(Finding::new(rule.below.join(", "), what));
        }
    }
    findings
}

fn applies(forbidden: &Forbidden, rule: &Rule, path: &str) -> bool {
    let begins = |list: &[String]| list.iter().any(|start| path.starts_with(start));
    !begins(&forbidden.except)
        && !begins(&rule.except)
        && (rule.below.is_empty() || begins(&rule.below))
        && (rule.endings.is_empty() || rule.endings.iter().any(|ending| path.ends_with(ending)))
}

fn lines(rule: &Rule, path: &str, text: &str) -> Vec<Finding> {
    let first = match rule.part {
        Part::All => 0,
        Part::Tests if path.split('/').any(|name| name == "tests" || name == "tests.rs") => 0,
        Part::Tests => text.lines().take_while(|line| !line.contains("#[cfg(test)]")).count(),
    };
    let meant = text.lines().enumerate().skip(first);
    meant
        .filter(|(_, line)| rule.text.is_match(line))
        .map(|(at, line)| {
            Finding::new(format!("{path}:{}", at + 1), format!("`{}`: {}", line.trim(), rule.why))
        })
        .collect()
}

fn regex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    Regex::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The committed list itself, so that these tests show that its patterns work.
    fn committed() -> Forbidden {
        toml::from_str(include_str!("../../forbidden.toml"))
            .expect("ci/forbidden.toml has its form")
    }

    const PLAN: (&str, &str) = ("crates/pack/src/plan.rs", "fn plan() {}");

    fn places(files: &[(&str, &str)]) -> Vec<String> {
        check(&committed(), files).into_iter().map(|finding| finding.place).collect()
    }

    fn places_of(path: &str, text: &str) -> Vec<String> {
        places(&[PLAN, (path, text)])
    }

    #[test]
    fn clean_files_pass() {
        let wait = concat!("fn wait() { std::thread", "::sleep(pause); }");
        let code = format!("{wait}\n/// Not unsafe at all\nlet a = \"XXXXXX\";");
        assert_eq!(places_of("crates/pack/src/a.rs", &code), [""; 0]);
        assert_eq!(places_of("docs/a.md", "A path like a/work/b and ~/work/c.\n"), [""; 0]);
    }

    #[test]
    fn unfinished_code_is_found_with_its_line() {
        let code = concat!(
            "fn a() {\n    to",
            "do!()\n}\nfn b() { unimple",
            "mented!(\"b\") }\n#[ig",
            "nore]\n"
        );
        let found = places_of("crates/pack/src/a.rs", code);
        let line = |line| format!("crates/pack/src/a.rs:{line}");
        assert_eq!(found, [line(2), line(4), line(5)]);
    }

    #[test]
    fn notes_of_unfinished_work_are_found_in_every_kind_of_file() {
        for note in [
            concat!("TO", "DO"),
            concat!("FIX", "ME:"),
            concat!("// XX", "X"),
            concat!("For", " now"),
        ] {
            assert_eq!(
                places_of("docs/a.md", &format!("one\n{note} two")),
                ["docs/a.md:2"],
                "{note}"
            );
        }
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        for path in [concat!("cd /wo", "rk/main"), concat!("\"/ro", "ot/.cache\"")] {
            assert_eq!(places_of("ci/a.sh", path), ["ci/a.sh:1"], "{path}");
        }
    }

    #[test]
    fn sleeping_tests_are_found_wherever_tests_stand() {
        let sleep = concat!("std::thread", "::sleep(pause);");
        assert_eq!(places_of("crates/a/tests/it/main.rs", sleep), ["crates/a/tests/it/main.rs:1"]);
        assert_eq!(places_of("crates/a/src/b/tests.rs", sleep), ["crates/a/src/b/tests.rs:1"]);
        let beside = format!("{sleep}\n#[cfg(test)]\nmod tests {{\n{sleep}\n}}");
        assert_eq!(places_of("crates/a/src/b.rs", &beside), ["crates/a/src/b.rs:4"]);
    }

    #[test]
    fn unsafe_code_is_found_outside_sys() {
        for code in [
            concat!("let a = unsa", "fe { b };"),
            concat!("pub unsa", "fe fn a() {}"),
            concat!("#[unsa", "fe(no_mangle)]"),
            concat!("#![allow(unsa", "fe_code)]"),
        ] {
            assert_eq!(
                places_of("crates/store/src/a.rs", code),
                ["crates/store/src/a.rs:1"],
                "{code}"
            );
            assert_eq!(places_of("crates/sys/src/a.rs", code), [""; 0], "{code}");
        }
    }

    #[test]
    fn a_planner_that_reads_files_or_clocks_is_found() {
        for code in ["use std::fs;", "let a = File::open(b)?;", "let a = Instant::now();"] {
            assert_eq!(
                places(&[("crates/pack/src/plan/cost.rs", code)]),
                ["crates/pack/src/plan/cost.rs:1"]
            );
        }
    }

    #[test]
    fn a_rule_that_guards_nothing_is_found() {
        assert_eq!(places(&[("crates/pack/src/lib.rs", "")]), ["crates/pack/src/plan"]);
    }
}
