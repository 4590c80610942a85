//! A description as a tree of plain values: what TOML and property lists have in common.

use crate::Place;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Option<Place>,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    /// `None` when 64 bits cannot hold it.
    Integer(Option<i64>),
    Boolean(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// A value that no key of ours has: what it is.
    Other(&'static str),
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Option<Place>,
    pub(super) node: Node,
}

impl Value {
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(Some(_)) => "a number",
            Self::Integer(None) => "a number that is too large",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// A description, its parts found but not yet judged. Keys are named as the author wrote them.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) id: Field,
    pub(super) version: Field,
    pub(super) name: Field,
    pub(super) icon: Field,
    pub(super) executable: Field,
    pub(super) extension: Field,
    pub(super) languages: Field,
    pub(super) app_groups: Field,
    /// The `BA…` keys, and the name of the table that holds them with a dot, or nothing.
    pub(super) assets: Vec<Entry>,
    pub(super) assets_prefix: &'static str,
    /// Mistakes that were found on the way.
    pub(super) problems: Vec<super::BundleProblem>,
}

/// A key that may be there.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) node: Option<Node>,
}
