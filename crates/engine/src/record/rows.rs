//! Records as rows of the database, and back.

use headstart_model::record::{Change, Row, Table};
use headstart_model::{AppId, PackId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Counters, Records, Settings};
use crate::id::{DownloadId, EffectId, PackKey};

/// Format of a row's body. A later one is refused: an older program must not misread what a newer one wrote.
const FORMAT: u32 = 1;
const COUNTERS_KEY: &str = "counters";
const SETTINGS_KEY: &str = "settings";
const GROUPS_KEY: &str = "groups";

/// Why rows are not a state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The body of a row is not what belongs there.
    #[error("row `{key}` of table `{table}` cannot be read")]
    Body {
        /// The table.
        table: Table,
        /// The row's key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The row was written by a later version of the program.
    #[error(
        "row `{key}` of table `{table}` has format {format}; this program reads format {FORMAT}"
    )]
    Format {
        /// The table.
        table: Table,
        /// The row's key.
        key: String,
        /// Its format.
        format: u32,
    },
    /// The key of a row is not a key of its table.
    #[error("table `{table}` has a row with the key `{key}`, which means nothing there")]
    Key {
        /// The table.
        table: Table,
        /// The row's key.
        key: String,
    },
    /// A row names another one that does not exist.
    #[error("row `{key}` of table `{table}` names {what}, which has no row")]
    Dangling {
        /// The table.
        table: Table,
        /// The row's key.
        key: String,
        /// What it names.
        what: String,
    },
}

#[derive(Serialize)]
struct Written<'a, T> {
    format: u32,
    record: &'a T,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Deserialize)]
struct Body<T> {
    record: T,
}

/// Names one row, before it is known what is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RowKey {
    App(AppId),
    Pack(PackKey),
    Download(DownloadId),
    File(DownloadId),
    Owed(EffectId),
    Counters,
    Settings,
    Groups,
}

/// The change that makes the row of `key` say what `records` say now.
pub(crate) fn encode(records: &Records, key: &RowKey) -> Change {
    let (table, key, body) = match key {
        RowKey::App(id) => (Table::Apps, id.to_string(), records.apps.get(id).map(body)),
        RowKey::Pack(id) => (Table::Packs, id.to_string(), records.packs.get(id).map(body)),
        RowKey::Download(id) => {
            (Table::Downloads, id.to_string(), records.downloads.get(id).map(body))
        }
        RowKey::File(id) => (Table::Files, id.to_string(), records.files.get(id).map(body)),
        RowKey::Owed(id) => (Table::Effects, id.to_string(), records.owed.get(id).map(body)),
        RowKey::Counters => (Table::Meta, COUNTERS_KEY.to_owned(), Some(body(&records.counters))),
        RowKey::Settings => (Table::Meta, SETTINGS_KEY.to_owned(), Some(body(&records.settings))),
        RowKey::Groups => (Table::Meta, GROUPS_KEY.to_owned(), Some(body(&records.kept_groups))),
    };
    Change { table, key, body }
}

fn body<T: Serialize>(record: &T) -> String {
    let written = Written { format: FORMAT, record };
    serde_json::to_string(&written).expect("records hold only what JSON can hold")
}

impl Records {
    /// Reads the rows of a database, in any order. Rows of `meta` that are not the engine's are left alone.
    pub(crate) fn from_rows(rows: impl IntoIterator<Item = Row>) -> Result<Self, LoadError> {
        let mut records = Self::default();
        for row in rows {
            records.take(&row)?;
        }
        records.check_references()?;
        Ok(records)
    }

    fn take(&mut self, row: &Row) -> Result<(), LoadError> {
        match row.table {
            Table::Apps => {
                let id = AppId::new(row.key.as_str()).map_err(|_| wrong_key(row))?;
                self.apps.insert(id, read(row)?);
            }
            Table::Packs => {
                self.packs.insert(pack_key(row)?, read(row)?);
            }
            Table::Downloads => {
                self.downloads.insert(DownloadId(number(row)?), read(row)?);
            }
            Table::Files => {
                self.files.insert(DownloadId(number(row)?), read(row)?);
            }
            Table::Effects => {
                self.owed.insert(EffectId(number(row)?), read(row)?);
            }
            Table::Meta if row.key == COUNTERS_KEY => self.counters = read::<Counters>(row)?,
            Table::Meta if row.key == SETTINGS_KEY => self.settings = read::<Settings>(row)?,
            Table::Meta if row.key == GROUPS_KEY => self.kept_groups = read(row)?,
            _ => {}
        }
        Ok(())
    }

    /// What later code relies on: a download has its pack, and its pack knows it.
    fn check_references(&self) -> Result<(), LoadError> {
        for (id, download) in &self.downloads {
            let known = self.packs.get(&download.key).and_then(|pack| pack.download);
            if known != Some(*id) || !self.apps.contains_key(&download.key.app) {
                let what = format!("pack `{}`", download.key);
                return Err(LoadError::Dangling {
                    table: Table::Downloads,
                    key: id.to_string(),
                    what,
                });
            }
        }
        for (id, file) in &self.files {
            if !self.apps.contains_key(&file.app) {
                let what = format!("app `{}`", file.app);
                return Err(LoadError::Dangling { table: Table::Files, key: id.to_string(), what });
            }
        }
        for (key, pack) in &self.packs {
            if let Some(id) = pack.download.filter(|id| !self.downloads.contains_key(id)) {
                let what = format!("download {id}");
                return Err(LoadError::Dangling {
                    table: Table::Packs,
                    key: key.to_string(),
                    what,
                });
            }
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(row: &Row) -> Result<T, LoadError> {
    let wrong = |source| LoadError::Body { table: row.table, key: row.key.clone(), source };
    // The format is looked at first: a later one may have a record of another shape.
    let Head { format } = serde_json::from_str(&row.body).map_err(wrong)?;
    if format != FORMAT {
        return Err(LoadError::Format { table: row.table, key: row.key.clone(), format });
    }
    serde_json::from_str::<Body<T>>(&row.body).map(|body| body.record).map_err(wrong)
}

fn wrong_key(row: &Row) -> LoadError {
    LoadError::Key { table: row.table, key: row.key.clone() }
}

fn number(row: &Row) -> Result<u64, LoadError> {
    row.key.parse().map_err(|_| wrong_key(row))
}

fn pack_key(row: &Row) -> Result<PackKey, LoadError> {
    let (app, pack) = row.key.split_once('/').ok_or_else(|| wrong_key(row))?;
    let app = AppId::new(app).map_err(|_| wrong_key(row))?;
    let pack = PackId::new(pack).map_err(|_| wrong_key(row))?;
    Ok(PackKey::new(app, pack))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: Table, key: &str, body: &str) -> Row {
        Row { table, key: key.to_owned(), body: body.to_owned() }
    }

    #[test]
    fn rows_of_a_later_program_are_refused() {
        let later = row(Table::Packs, "app/pack", r#"{"format":2,"record":{"shape":"unknown"}}"#);
        let error = Records::from_rows([later]).expect_err("format 2");
        assert!(matches!(error, LoadError::Format { format: 2, .. }), "{error}");
    }

    #[test]
    fn damaged_rows_are_named() {
        let cut = row(Table::Downloads, "7", r#"{"format":1,"record":{"key""#);
        let error = Records::from_rows([cut]).expect_err("not JSON");
        assert_eq!(error.to_string(), "row `7` of table `downloads` cannot be read");
        for (table, key) in [(Table::Packs, "app"), (Table::Packs, "../x/y"), (Table::Effects, "x")]
        {
            let error = Records::from_rows([row(table, key, "{}")]).expect_err("no key");
            assert!(matches!(error, LoadError::Key { .. }), "{error}");
        }
    }

    #[test]
    fn a_pack_without_its_download_is_refused() {
        let pack = super::super::Pack { download: Some(DownloadId(3)), ..Default::default() };
        let written = row(Table::Packs, "app/pack", &body(&pack));
        let error = Records::from_rows([written]).expect_err("no download 3");
        assert!(matches!(error, LoadError::Dangling { .. }), "{error}");
    }

    #[test]
    fn other_values_of_meta_are_left_alone() {
        let records = Records::from_rows([row(Table::Meta, "device", "anything")]);
        assert_eq!(records.expect("nothing of ours"), Records::default());
    }
}
