//! Licences and bans of `deny.toml`, applied to what `cargo tree` prints.
//!
//! cargo-deny checks the same and more from the same file, but is too slow to build in every run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::Finding;

/// The part of `deny.toml` that is checked here.
#[derive(Debug, Deserialize)]
pub struct Deny {
    /// `[graph]`.
    pub graph: Graph,
    /// `[licenses]`.
    pub licenses: Licenses,
    /// `[bans]`.
    pub bans: Bans,
}

/// Which dependencies count.
#[derive(Debug, Deserialize)]
pub struct Graph {
    /// The target triples that are shipped.
    pub targets: Vec<String>,
}

/// Which licences are allowed.
#[derive(Debug, Deserialize)]
pub struct Licenses {
    /// For every package, as SPDX terms.
    pub allow: BTreeSet<String>,
    /// For single packages, additionally.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

/// More licences for one package.
#[derive(Debug, Deserialize)]
pub struct Exception {
    /// Its name.
    #[serde(rename = "crate")]
    pub name: String,
    /// As SPDX terms.
    pub allow: BTreeSet<String>,
}

/// Which packages are refused.
#[derive(Debug, Deserialize)]
pub struct Bans {
    /// One row each.
    pub deny: Vec<Ban>,
}

/// A refused package.
#[derive(Debug, Deserialize)]
pub struct Ban {
    /// Its name.
    #[serde(rename = "crate")]
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Checks each `NAME vVERSION …<tab>LICENCE` line of `tree`. A tree without lines is a finding: it would prove nothing.
#[must_use]
pub fn check(deny: &Deny, tree: &str) -> Vec<Finding> {
    let packages = packages(tree);
    if packages.is_empty() {
        return vec![Finding::new("cargo tree", "printed no package")];
    }
    let checks = packages.iter().flat_map(|(package, licence)| {
        let name = package.split(' ').next().unwrap_or_default();
        [check_ban(deny, name, package), check_licence(deny, name, package, licence)]
    });
    checks.flatten().collect()
}

/// Name with version to licence; packages that appear several times are folded.
fn packages(tree: &str) -> BTreeMap<&str, &str> {
    let lines = tree.lines().filter_map(|line| line.split_once('\t'));
    lines.map(|(package, licence)| (package, licence.trim_end_matches(" (*)").trim())).collect()
}

fn check_ban(deny: &Deny, name: &str, package: &str) -> Option<Finding> {
    let ban = deny.bans.deny.iter().find(|ban| ban.name == name)?;
    let what = format!("banned ({}): `cargo tree -i {name}` says who brings it", ban.reason);
    Some(Finding::new(package, what))
}

fn check_licence(deny: &Deny, name: &str, package: &str, licence: &str) -> Option<Finding> {
    let excepted = deny.licenses.exceptions.iter().filter(|exception| exception.name == name);
    let allowed: BTreeSet<&String> =
        excepted.flat_map(|exception| &exception.allow).chain(&deny.licenses.allow).collect();
    match Expression::parse_mode(licence, ParseMode::LAX) {
        Err(error) => Some(Finding::new(package, format!("licence `{licence}`: {}", error.reason))),
        Ok(terms) if terms.evaluate(|term| allowed.contains(&term.to_string())) => None,
        Ok(_) => Some(Finding::new(package, format!("licence `{licence}` is not in deny.toml"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deny() -> Deny {
        let text = r#"
            graph.targets = []
            licenses.allow = ["MIT", "Apache-2.0"]
            licenses.exceptions = [{ crate = "roots", allow = ["CDLA-Permissive-2.0"] }]
            bans.deny = [{ crate = "ring", reason = "one provider" }]
        "#;
        toml::from_str(text).expect("the sample has the form of deny.toml")
    }

    fn places(tree: &str) -> Vec<String> {
        check(&deny(), tree).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn permissive_licences_in_any_spelling_pass() {
        let tree = "a v1.0.0\tMIT OR GPL-3.0-only\nb v1.0.0\tMIT/Apache-2.0\nb v1.0.0\tMIT/Apache-2.0 (*)\n\
                    c v1.0.0\tApache-2.0 / MIT\nroots v1.0.0\tCDLA-Permissive-2.0\n\n";
        assert_eq!(places(tree), [""; 0]);
    }

    #[test]
    fn a_copyleft_unknown_or_missing_licence_is_named() {
        let tree = "a v1.0.0\tGPL-3.0-only\nb v2.0.0 (proc-macro)\tMIT AND MPL-2.0 (*)\nc v1.0.0\tmy own\nd v1.0.0\t\n";
        assert_eq!(places(tree), ["a v1.0.0", "b v2.0.0 (proc-macro)", "c v1.0.0", "d v1.0.0"]);
    }

    #[test]
    fn an_exception_covers_its_own_package_only() {
        assert_eq!(places("other v1.0.0\tCDLA-Permissive-2.0\n"), ["other v1.0.0"]);
    }

    #[test]
    fn a_banned_package_is_named_whatever_its_version() {
        assert_eq!(places("ring v0.17.0\tMIT\nstring v1.0.0\tMIT\n"), ["ring v0.17.0"]);
    }

    #[test]
    fn an_empty_tree_proves_nothing() {
        assert_eq!(places(""), ["cargo tree"]);
    }
}
