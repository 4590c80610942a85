//! Crates stand on floors, and every dependency points down (docs/adr/0001-crates-in-floors.md).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{Finding, Member};

/// The lowest floor whose crates are programs; only they may ship a `dev` crate.
const PROGRAMS: f64 = 4.0;

/// `ci/floors.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Floors {
    /// What every crate may use under `[dev-dependencies]`.
    pub dev_uses: BTreeSet<String>,
    /// What `bench` may use: it measures from above, and nothing uses it.
    #[serde(default)]
    pub bench_uses: BTreeSet<String>,
    /// What the packages of `examples/` may use: what any app may.
    #[serde(default)]
    pub examples_uses: BTreeSet<String>,
    /// One row for each folder of `crates/`.
    pub crates: BTreeMap<String, Row>,
}

/// One crate of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its floor; `None` for a `dev` crate.
    pub floor: Option<f64>,
    /// Whether it serves tests.
    #[serde(default)]
    pub dev: bool,
    /// The crates it may use, by folder name.
    pub uses: BTreeSet<String>,
}

/// Which table of a `Cargo.toml` an edge stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeKind {
    /// `[dependencies]` or `[build-dependencies]`.
    Shipped,
    /// `[dev-dependencies]`.
    Dev,
}

impl EdgeKind {
    /// From the `kind` that `cargo metadata` prints.
    pub(crate) fn from_cargo(kind: Option<&str>) -> Self {
        if kind == Some("dev") { Self::Dev } else { Self::Shipped }
    }
}

/// One crate's use of another, both as folders relative to the root: `crates/cli` uses `crates/pack`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The crate whose `Cargo.toml` has the line.
    pub from: String,
    /// The crate that the line names.
    pub to: String,
    /// The table the line stands in.
    pub kind: EdgeKind,
}

/// Checks the table in itself and every edge of `members` against it.
#[must_use]
pub fn check(floors: &Floors, members: &[Member]) -> Vec<Finding> {
    let mut findings = check_rows(floors);
    let folders: BTreeSet<&str> = members.iter().filter_map(|m| in_crates(&m.folder)).collect();
    for name in floors.crates.keys().filter(|name| !folders.contains(name.as_str())) {
        findings.push(Finding::new(name, "has a row in ci/floors.toml and no folder in crates/"));
    }
    for name in folders.iter().filter(|name| !floors.crates.contains_key(**name)) {
        findings.push(Finding::new(*name, "has no row in ci/floors.toml: give it a floor"));
    }
    for edge in members.iter().flat_map(|member| &member.edges) {
        findings.extend(check_edge(floors, edge));
    }
    findings
}

fn check_rows(floors: &Floors) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, row) in &floors.crates {
        if row.floor.is_some() == row.dev {
            findings.push(Finding::new(name, "needs either `floor` or `dev = true`"));
        }
        for used in &row.uses {
            let place = format!("{name} -> {used}");
            match floors.crates.get(used) {
                None => findings.push(Finding::new(place, "names a crate without a row")),
                Some(below) if !points_down(row, below) => {
                    findings.push(Finding::new(place, "does not point to a lower floor"));
                }
                Some(_) => {}
            }
        }
    }
    findings
}

fn points_down(from: &Row, to: &Row) -> bool {
    match (from.floor, to.floor) {
        (Some(from), Some(to)) => to < from,
        (Some(from), None) => from >= PROGRAMS,
        (None, Some(to)) => to < PROGRAMS,
        (None, None) => false,
    }
}

fn check_edge(floors: &Floors, edge: &Edge) -> Option<Finding> {
    let place = format!("{} -> {}", edge.from, edge.to);
    let above = match edge.from.split('/').next() {
        Some("bench") => &floors.bench_uses,
        Some("examples") => &floors.examples_uses,
        _ => &BTreeSet::new(),
    };
    if in_crates(&edge.to).is_some_and(|to| above.contains(to)) {
        return None;
    }
    let Some(from) = in_crates(&edge.from) else {
        return Some(Finding::new(place, "a crate outside crates/ uses none of the workspace's"));
    };
    let Some(to) = in_crates(&edge.to) else {
        return Some(Finding::new(place, "points outside crates/"));
    };
    // A crate without a row is a finding already.
    let row = floors.crates.get(from)?;
    if row.uses.contains(to) {
        return None;
    }
    match edge.kind {
        EdgeKind::Dev if floors.dev_uses.contains(to) || from == to => None,
        EdgeKind::Dev => Some(Finding::new(place, "is not allowed even under [dev-dependencies]")),
        EdgeKind::Shipped => Some(Finding::new(
            place,
            "is not in ci/floors.toml: move the code down, or compose above",
        )),
    }
}

fn in_crates(folder: &str) -> Option<&str> {
    folder.strip_prefix("crates/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
        dev-uses = ["testkit"]
        crates.model = { floor = 1, uses = [] }
        crates.store = { floor = 3, uses = ["model"] }
        crates.daemon = { floor = 4, uses = ["model", "store"] }
        crates.testkit = { dev = true, uses = ["store"] }
    "#;

    fn table(text: &str) -> Floors {
        toml::from_str(text).expect("the sample is a table of floors")
    }

    fn member(name: &str, edges: &[(&str, EdgeKind)]) -> Member {
        let from = format!("crates/{name}");
        let edge = |(to, kind): &(&str, EdgeKind)| Edge {
            from: from.clone(),
            to: format!("crates/{to}"),
            kind: *kind,
        };
        Member { edges: edges.iter().map(edge).collect(), folder: from.clone() }
    }

    fn places(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.place.as_str()).collect()
    }

    fn good() -> Vec<Member> {
        vec![
            member("model", &[("testkit", EdgeKind::Dev)]),
            member("store", &[("model", EdgeKind::Shipped), ("testkit", EdgeKind::Dev)]),
            member("daemon", &[("store", EdgeKind::Shipped), ("model", EdgeKind::Shipped)]),
            member("testkit", &[("store", EdgeKind::Shipped)]),
        ]
    }

    #[test]
    fn edges_that_the_table_has_pass() {
        assert_eq!(check(&table(TABLE), &good()), []);
    }

    #[test]
    fn an_upward_edge_is_named() {
        let mut members = good();
        members[0] = member("model", &[("store", EdgeKind::Shipped)]);
        assert_eq!(places(&check(&table(TABLE), &members)), ["crates/model -> crates/store"]);
    }

    #[test]
    fn a_dev_dependency_may_point_only_at_what_is_listed() {
        let mut members = good();
        members[1] = member("store", &[("testkit", EdgeKind::Shipped), ("daemon", EdgeKind::Dev)]);
        let findings = check(&table(TABLE), &members);
        assert_eq!(
            places(&findings),
            ["crates/store -> crates/testkit", "crates/store -> crates/daemon"]
        );
    }

    #[test]
    fn rows_and_folders_match_one_to_one() {
        let mut members = good();
        members.pop();
        members.push(member("extra", &[]));
        assert_eq!(places(&check(&table(TABLE), &members)), ["testkit", "extra"]);
    }

    #[test]
    fn a_row_that_points_up_or_sideways_or_nowhere_is_named() {
        let text = r#"
            dev-uses = []
            crates.a = { floor = 2, uses = ["b", "c", "d", "t"] }
            crates.b = { floor = 2, uses = [] }
            crates.c = { floor = 4, uses = ["t"] }
            crates.t = { dev = true, uses = ["c"] }
            crates.n = { uses = [] }
        "#;
        let members = ["a", "b", "c", "n", "t"].map(|name| member(name, &[]));
        let findings = check(&table(text), &members);
        assert_eq!(places(&findings), ["a -> b", "a -> c", "a -> d", "a -> t", "n", "t -> c"]);
    }

    #[test]
    fn an_example_uses_what_an_app_may_and_nothing_else() {
        let text = format!("examples-uses = [\"store\"]\n{TABLE}");
        let edge = |to: &str| Edge {
            from: "examples/viewer".into(),
            to: to.into(),
            kind: EdgeKind::Shipped,
        };
        let edges = vec![edge("crates/store"), edge("crates/model")];
        let mut members = good();
        members.push(Member { folder: "examples/viewer".into(), edges });
        let findings = check(&table(&text), &members);
        assert_eq!(places(&findings), ["examples/viewer -> crates/model"]);
    }

    #[test]
    fn nothing_in_crates_uses_what_lies_outside() {
        let edge = Edge { from: "crates/model".into(), to: "ci/rules".into(), kind: EdgeKind::Dev };
        let mut members = good();
        members[0].edges = vec![edge];
        assert_eq!(places(&check(&table(TABLE), &members)), ["crates/model -> ci/rules"]);
    }
}
