//! From nodes to values, collecting every mistake on the way.

use super::node::{Entry, Node, Value};
use super::problem::{BundleProblem, ProblemKind, ValueError};
use crate::Place;

/// A key under its full name, its value, and the mistakes found so far.
pub(super) struct At<'p> {
    pub(super) problems: &'p mut Vec<BundleProblem>,
    pub(super) key: String,
}

impl At<'_> {
    pub(super) fn problem(&mut self, place: Option<Place>, kind: impl Into<ProblemKind>) {
        let key = self.key.clone();
        self.problems.push(BundleProblem { key, place, kind: kind.into() });
    }

    fn wrong_type(&mut self, node: &Node, expected: &'static str) {
        self.problem(node.place, ProblemKind::Type { expected, found: node.value.kind() });
    }

    pub(super) fn text<T, E: Into<ValueError>>(
        &mut self,
        node: &Node,
        new: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let Value::Text(text) = &node.value else {
            self.wrong_type(node, "text");
            return None;
        };
        match new(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(node.place, error.into());
                None
            }
        }
    }

    /// The entries of a list of texts, each once; what is wrong is left out.
    pub(super) fn texts<T: PartialEq, E: Into<ValueError>>(
        &mut self,
        node: &Node,
        new: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let Value::List(nodes) = &node.value else {
            self.wrong_type(node, "a list of texts");
            return Vec::new();
        };
        let mut values = Vec::new();
        for node in nodes {
            let Some(value) = self.text(node, &new) else { continue };
            if values.contains(&value) {
                let entry = match &node.value {
                    Value::Text(text) => text.chars().take(80).collect(),
                    _ => String::new(),
                };
                self.problem(node.place, ProblemKind::Repeated { entry });
            } else {
                values.push(value);
            }
        }
        values
    }
}

/// The entries of a table; none when there is no table. A key that stands there twice counts the first time.
pub(super) fn table(
    problems: &mut Vec<BundleProblem>,
    key: &str,
    node: Option<Node>,
) -> Vec<Entry> {
    let Some(node) = node else { return Vec::new() };
    let mut at = At { problems, key: key.to_owned() };
    let place = node.place;
    match node.value {
        Value::Table(entries) => {
            let mut kept = Vec::with_capacity(entries.len());
            let mut seen = std::collections::HashSet::new();
            for entry in entries {
                if seen.insert(entry.key.clone()) {
                    kept.push(entry);
                } else {
                    at.problem(entry.place, ProblemKind::Repeated { entry: entry.key });
                }
            }
            kept
        }
        value => {
            at.wrong_type(&Node { place, value }, "a table");
            Vec::new()
        }
    }
}

pub(super) fn boolean(at: &mut At<'_>, node: &Node) -> Option<bool> {
    if let Value::Boolean(value) = node.value {
        return Some(value);
    }
    at.wrong_type(node, "true or false");
    None
}

/// A number of bytes.
pub(super) fn bytes(at: &mut At<'_>, node: &Node) -> Option<u64> {
    let Value::Integer(Some(value)) = node.value else {
        at.wrong_type(node, "a number of bytes");
        return None;
    };
    let bytes = u64::try_from(value).ok();
    if bytes.is_none() {
        at.problem(node.place, ProblemKind::Negative { value });
    }
    bytes
}
