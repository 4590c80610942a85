//! Checking everything that a repository names: every signature, every size, every digest.

use std::collections::BTreeMap;
use std::path::Path;

use headstart_model::catalog::CatalogPack;
use headstart_sys::{Action, FileError};
use jiff::Timestamp;

use crate::author::PublishError;
use crate::author::history::own_root;
use crate::author::index;
use crate::author::prepared::{Content, files_of};
use crate::author::published::{Editions, Published};
use crate::{RepoError, Role, disk, layout};

/// What [`verify`] found.
#[derive(Debug)]
pub struct Verification {
    /// Files that were looked at, besides the signed documents.
    pub files: u64,
    /// Bytes that were read and hashed.
    pub bytes: u64,
    /// What is wrong; nothing when the repository is whole.
    pub damaged: Vec<Damage>,
}

/// One thing that is wrong.
#[derive(Debug)]
pub struct Damage {
    /// Path of the file in the repository.
    pub path: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// It is not there.
    Missing,
    /// Its bytes are not those that were signed.
    Altered,
    /// It is signed, and past its date.
    Expired {
        /// Its date.
        since: Timestamp,
    },
    /// The signed documents do not hold together, so nothing behind them could be checked.
    Refused(RepoError),
}

/// Checks the repository in `repo`, with `root` as its first root, or with the one that lies in it.
///
/// Every release in the ledger is checked, not only those that are live.
///
/// # Errors
/// [`PublishError::NotARepository`], or [`PublishError::Disk`] when files cannot be read. Damage is no error.
///
/// # Cancel safety
/// Nothing is written.
pub async fn verify(
    repo: &Path,
    root: Option<&[u8]>,
    now: Timestamp,
) -> Result<Verification, PublishError> {
    let own = own_root(repo)?;
    let mut damaged = Vec::new();
    if root.is_some_and(|root| root != own) {
        damaged.push(Damage { path: layout::FIRST_ROOT.to_owned(), fault: Fault::Altered });
    }
    let published = match Published::load(repo, root.unwrap_or(&own)).await {
        Ok(published) => published,
        Err(error) => {
            damaged.push(Damage { path: path_of(&error), fault: Fault::Refused(error) });
            return Ok(Verification { files: 0, bytes: 0, damaged });
        }
    };
    damaged.extend(expired(&published, now));
    let folder = repo.to_owned();
    let found = match tokio::task::spawn_blocking(move || check_files(&folder, &published)).await {
        Ok(found) => found?,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down.
        Err(error) => {
            return Err(FileError::new(Action::Read, repo, std::io::Error::other(error)).into());
        }
    };
    damaged.extend(found.damaged);
    Ok(Verification { damaged, ..found })
}

fn expired(published: &Published, now: Timestamp) -> impl Iterator<Item = Damage> {
    let documents = [
        (layout::root(published.root.version.get()), published.root.expires),
        (layout::TIMESTAMP.to_owned(), published.timestamp.expires),
        (layout::snapshot(published.snapshot.version.get()), published.snapshot.expires),
        (layout::targets(published.targets.version.get()), published.targets.expires),
    ];
    let late = documents.into_iter().filter(move |(_, expires)| *expires < now);
    late.map(|(path, since)| Damage { path, fault: Fault::Expired { since } })
}

fn check_files(repo: &Path, published: &Published) -> Result<Verification, PublishError> {
    let mut editions = Editions::new(repo);
    let mut result = Verification { files: 0, bytes: 0, damaged: Vec::new() };
    let mut wanted: BTreeMap<String, Content> = BTreeMap::new();
    let mut indexes: BTreeMap<String, CatalogPack> = BTreeMap::new();
    for row in &published.ledger.rows {
        result.files += 1;
        match editions.of_row(row) {
            Ok(catalog) => {
                let packs = catalog.packs.iter().chain(&catalog.former);
                wanted
                    .extend(packs.clone().flat_map(files_of).map(|file| (file.path, file.content)));
                indexes.extend(packs.map(|pack| (pack.index_path(), pack.clone())));
            }
            Err(error) => result.damaged.push(damaged_edition(error)),
        }
    }
    for (path, content) in wanted {
        let file = layout::join(repo, &path).expect("paths of a catalog are made of checked names");
        result.files += 1;
        // Of an index the catalog signs only the head; what follows is bound by the content.
        let index_holds = || indexes.get(&path).is_none_or(|pack| index::read(repo, pack).is_ok());
        if disk::is(&file, &content)? && index_holds() {
            result.bytes = result.bytes.saturating_add(content.bytes);
        } else {
            let fault = if disk::is_file(&file) { Fault::Altered } else { Fault::Missing };
            result.damaged.push(Damage { path, fault });
        }
    }
    Ok(result)
}

fn damaged_edition(error: RepoError) -> Damage {
    let path = path_of(&error);
    let fault = match error {
        RepoError::Fetch { source: crate::FetchError::NotFound, .. } => Fault::Missing,
        RepoError::Altered { .. } => Fault::Altered,
        other => Fault::Refused(other),
    };
    Damage { path, fault }
}

/// The file that an error is about, as well as it is known.
fn path_of(error: &RepoError) -> String {
    match error {
        RepoError::Altered { path }
        | RepoError::Malformed { path, .. }
        | RepoError::TooLarge { path, .. }
        | RepoError::Fetch { path, .. } => path.clone(),
        RepoError::WrongSignature { role: Role::Timestamp } => layout::TIMESTAMP.to_owned(),
        RepoError::Catalog { channel, .. } => layout::catalog_target(channel),
        _ => layout::METADATA.to_owned(),
    }
}
