//! Rows of the service's database, as the engine writes and reads them.
//!
//! The engine decides what has to survive and writes it as rows of JSON; the store keeps rows without knowing what is in
//! them. A change is committed in the same transaction as every other change of its event, or not at all.

use std::fmt;
use std::str::FromStr;

/// A table of the service's database. Each row has a key, unique in its table, and a body of JSON text.
///
/// `Ours:` calls that wait for an answer are in no table: a call lives as long as its connection. What a call asks for is
/// in these tables before it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Table {
    /// Installed apps; the key is the app id.
    Apps,
    /// Packs by app: what is offered, what is local; the key is `<app>/<pack>`.
    Packs,
    /// Downloads of packs that have not concluded; the key is their number.
    Downloads,
    /// Single downloads, until whoever scheduled them has taken note of their end; the key is their number.
    Files,
    /// Effects that are owed: begun or about to begin, and not yet reported as ended; the key is their number.
    Effects,
    /// Counters and other single values.
    Meta,
}

impl Table {
    /// Every table, in the order in which a store may create them.
    pub const ALL: [Self; 6] =
        [Self::Apps, Self::Packs, Self::Downloads, Self::Files, Self::Effects, Self::Meta];

    /// The name of the table in the database; stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apps => "apps",
            Self::Packs => "packs",
            Self::Downloads => "downloads",
            Self::Files => "files",
            Self::Effects => "effects",
            Self::Meta => "meta",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No table has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no table `{name}`")]
pub struct UnknownTable {
    /// The name as given.
    pub name: String,
}

impl FromStr for Table {
    type Err = UnknownTable;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|table| table.as_str() == name);
        found.ok_or_else(|| UnknownTable { name: name.to_owned() })
    }
}

/// One row to write or to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub table: Table,
    /// The row's key.
    pub key: String,
    /// The row's new body, JSON text; none deletes the row, and deleting a row that does not exist is no error.
    pub body: Option<String>,
}

/// One row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The table.
    pub table: Table,
    /// The row's key.
    pub key: String,
    /// The row's body, JSON text.
    pub body: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_found_by_its_name() {
        for table in Table::ALL {
            assert_eq!(table.as_str().parse(), Ok(table));
        }
        assert!("requests".parse::<Table>().is_err());
    }
}
