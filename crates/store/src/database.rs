//! The rows of the engine in SQLite. `docs/adr/0004-rows-in-sqlite.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use headstart_model::record::{Change, Row, Table};
use headstart_sys::{Action, FileError, mode, positioned};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::{StoreError, is_full};

/// 2 has the table `files`.
const VERSION: u32 = 2;
/// Kept free on disk so that a last commit fits when the disk is full.
const RESERVE_BYTES: u64 = 1024 * 1024;
/// How long another process (a person with the `sqlite3` tool) may hold the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pages that are copied at once when an earlier database is kept.
const PAGES_PER_STEP: i32 = 1024;

/// The database of the service: rows of JSON in one table for each [`Table`].
///
/// One writer: the service. Mode 0600, write-ahead log, every commit synced before it is answered.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    connection: Connection,
}

impl Database {
    /// Opens the database at `path`, which is made when it does not exist; its folder has to exist. One of an earlier version
    /// is brought up to this one, and a copy of what it was stays beside it as `headstart.db.N`. On a full disk the reserve
    /// is given up for it.
    ///
    /// # Errors
    /// [`StoreError::DatabaseTooNew`], [`StoreError::NoSpace`], [`StoreError::Database`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        make_private(path)?;
        let connect = || {
            let flags = OpenFlags::default() & !OpenFlags::SQLITE_OPEN_URI;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            let found: u32 =
                connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok((connection, found))
        };
        let connected = match connect() {
            // It needs a little room even to be read.
            Err(error) if is_full(&error) && release_reserve(path) => connect(),
            other => other,
        };
        let (connection, found) = connected.map_err(|source| database_error(path, source))?;
        let mut database = Self { path: path.to_owned(), connection };
        match found {
            VERSION => {}
            0 => database.create()?,
            1 => database.migrate(found)?,
            _ => {
                let path = path.to_owned();
                return Err(StoreError::DatabaseTooNew { path, found, known: VERSION });
            }
        }
        database.keep_reserve();
        Ok(database)
    }

    /// Keeps a copy of a database of an earlier version, then gives it what it lacks.
    fn migrate(&mut self, found: u32) -> Result<(), StoreError> {
        let backup = self.path.with_extension(format!("db.{found}"));
        make_private(&backup)?;
        let copy = |connection: &Connection| {
            let mut to = Connection::open(&backup)?;
            rusqlite::backup::Backup::new(connection, &mut to)?.run_to_completion(
                PAGES_PER_STEP,
                Duration::ZERO,
                None,
            )
        };
        copy(&self.connection).map_err(|source| database_error(&backup, source))?;
        self.create()
    }

    /// Makes the tables that are not there.
    fn create(&mut self) -> Result<(), StoreError> {
        let create = |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for table in Table::ALL {
                // The name comes from the list above, never from outside.
                transaction.execute_batch(&format!(
                    "CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID"
                ))?;
            }
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()
        };
        create(&mut self.connection).map_err(|source| database_error(&self.path, source))
    }

    /// Every row.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn load(&self) -> Result<Vec<Row>, StoreError> {
        let load = || {
            let mut rows = Vec::new();
            for table in Table::ALL {
                let mut query =
                    self.connection.prepare(&format!("SELECT key, body FROM {table}"))?;
                let found = query
                    .query_map([], |row| Ok(Row { table, key: row.get(0)?, body: row.get(1)? }))?;
                for row in found {
                    rows.push(row?);
                }
            }
            Ok(rows)
        };
        load().map_err(|source| database_error(&self.path, source))
    }

    /// Writes all changes in one transaction, or none. When this returns `Ok` they survive a power cut.
    ///
    /// A full disk gives up the reserve once, so that what has to be said about a full disk can be written down.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] and [`StoreError::Database`]; nothing was changed then, and what the caller holds in memory
    /// has to be dropped and loaded again.
    pub fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        headstart_sys::crash::point("database commit");
        let result = match self.write(changes) {
            Err(error) if is_full(&error) && release_reserve(&self.path) => self.write(changes),
            other => other,
        };
        headstart_sys::crash::point("database committed");
        result.map_err(|source| database_error(&self.path, source))
    }

    fn write(&mut self, changes: &[Change]) -> Result<(), rusqlite::Error> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for Change { table, key, body } in changes {
            match body {
                Some(body) => transaction
                    .prepare_cached(&format!(
                        "INSERT INTO {table} (key, body) VALUES (?1, ?2)
                         ON CONFLICT (key) DO UPDATE SET body = excluded.body"
                    ))?
                    .execute((key, body))?,
                None => transaction
                    .prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1"))?
                    .execute([key])?,
            };
        }
        transaction.commit()
    }

    /// Keeps the reserve, as long as there is room for it. Called again whenever space was freed.
    pub fn keep_reserve(&self) {
        let path = reserve_path(&self.path);
        if path.exists() {
            return;
        }
        let keep = || {
            let file = std::fs::File::create(&path)?;
            positioned::preallocate(&file, RESERVE_BYTES).map(drop)
        };
        if let Err(error) = keep() {
            tracing::warn!(%error, "no room for the database's reserve");
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// The reserve of the database at `path`.
fn reserve_path(path: &Path) -> PathBuf {
    path.with_extension("reserve")
}

fn release_reserve(path: &Path) -> bool {
    std::fs::remove_file(reserve_path(path)).is_ok()
}

/// Makes the file, and takes it away from everybody else, before anything is in it: the log and the index beside it get
/// the permissions that it has when they come into being.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let made = std::fs::OpenOptions::new().append(true).create(true).open(path);
    made.map_err(|error| FileError::new(Action::Create, path, error))?;
    Ok(mode::set_mode(path, mode::Mode::PRIVATE)?)
}

fn database_error(path: &Path, source: rusqlite::Error) -> StoreError {
    if is_full(&source) {
        StoreError::NoSpace { path: path.to_owned() }
    } else {
        StoreError::Database { path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(table: Table, key: &str, body: Option<&str>) -> Change {
        Change { table, key: key.to_owned(), body: body.map(ToOwned::to_owned) }
    }

    #[test]
    fn committed_rows_are_there_after_reopening() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("headstart.db");
        let mut database = Database::open(&path).expect("a new database");
        let put = [change(Table::Apps, "a", Some("1")), change(Table::Packs, "a/p", Some("2"))];
        database.commit(&put).expect("room");
        database
            .commit(&[change(Table::Apps, "a", Some("3")), change(Table::Packs, "a/p", None)])
            .expect("room");
        drop(database);
        let rows = Database::open(&path).expect("an old database").load().expect("readable");
        assert_eq!(rows, [Row { table: Table::Apps, key: "a".to_owned(), body: "3".to_owned() }]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("headstart.db");
        let _database = Database::open(&path).expect("a new database");
        for name in ["headstart.db", "headstart.db-wal", "headstart.db-shm"] {
            let metadata = std::fs::metadata(folder.path().join(name)).expect("exists");
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn an_earlier_version_keeps_its_rows_and_a_copy_of_what_it_was() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("headstart.db");
        let mut database = Database::open(&path).expect("a new database");
        database.commit(&[change(Table::Apps, "a", Some("1"))]).expect("room");
        // As the first version left it: without the table that the second one brought.
        database.connection.execute_batch("DROP TABLE files").expect("it is there");
        database.connection.pragma_update(None, "user_version", 1).expect("fine");
        drop(database);
        let mut database = Database::open(&path).expect("an earlier database");
        database.commit(&[change(Table::Files, "1", Some("2"))]).expect("the table is there");
        assert_eq!(database.load().expect("readable").len(), 2);
        let kept = Connection::open(folder.path().join("headstart.db.1")).expect("a copy");
        let version: u32 =
            kept.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a database");
        let apps: u32 = kept
            .query_row("SELECT count(*) FROM apps", [], |row| row.get(0))
            .expect("its rows are there");
        assert_eq!((version, apps), (1, 1));
    }

    #[test]
    fn a_later_version_is_refused_untouched() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("headstart.db");
        let database = Database::open(&path).expect("a new database");
        database.connection.pragma_update(None, "user_version", 99).expect("fine");
        drop(database);
        let error = Database::open(&path).expect_err("too new");
        assert!(matches!(error, StoreError::DatabaseTooNew { found: 99, .. }));
        assert_eq!(error.to_failure().code.as_str(), "databaseTooNew");
    }

    #[test]
    fn a_full_disk_costs_the_reserve_and_then_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("headstart.db");
        let mut database = Database::open(&path).expect("a new database");
        database.commit(&[change(Table::Meta, "before", Some("1"))]).expect("room");
        // SQLite's own limit on pages stands for the disk: the error is the same one.
        let pages: u32 = database
            .connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .expect("fine");
        database.connection.pragma_update(None, "max_page_count", pages + 1).expect("fine");
        let large = "x".repeat(100_000);
        let error =
            database.commit(&[change(Table::Meta, "large", Some(&large))]).expect_err("full");
        assert!(matches!(error, StoreError::NoSpace { .. }), "{error}");
        assert!(!reserve_path(&path).exists(), "the reserve was given up");
        let rows = database.load().expect("readable");
        assert_eq!(rows.len(), 1, "nothing of the failed commit is there");
        database.keep_reserve();
        assert!(reserve_path(&path).exists());
    }
}
