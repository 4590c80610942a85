//! A new repository.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::author::PublishError;
use crate::author::documents::{Lifetimes, SignedFile, Signer, TargetFile, first_root};
use crate::author::keys::{Duty, KeyFolder, SigningKey, refuse_inside};
use crate::author::ledger::Ledger;
use crate::author::plan::WritePlan;
use crate::{Role, Sha256, disk, layout};

/// Where the keys of a new repository go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysPlace {
    /// Into this folder.
    Folder(PathBuf),
    /// Into a folder below this one, named by the fingerprint; see [`KeyFolder::default_place`].
    Under(PathBuf),
}

impl KeysPlace {
    fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Under(path) => path,
        }
    }

    fn folder(&self, fingerprint: &Sha256) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.clone(),
            Self::Under(data_folder) => KeyFolder::default_place(data_folder, fingerprint),
        }
    }
}

/// What [`init`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialised {
    /// The first root: what app bundles carry.
    pub root: PathBuf,
    /// What names the repository; see [`Sha256`].
    pub fingerprint: Sha256,
    /// Where the keys lie.
    pub keys: PathBuf,
}

/// Makes a new repository without channels in `repo`, an empty folder or one that does not exist, with new keys.
///
/// What is refused or fails before anything was written leaves nothing: neither the lock nor a new folder. A kill in the middle leaves a folder that is not a repository yet, and keys that are of no use to anybody.
///
/// # Errors
/// [`PublishError::Exists`] and [`PublishError::NotEmpty`] for the folder, [`PublishError::Locked`] while somebody else
/// makes one there, [`PublishError::Keys`] for the place of the keys, [`PublishError::Disk`].
pub fn init(
    repo: &Path,
    keys: &KeysPlace,
    lifetimes: Lifetimes,
    now: Timestamp,
) -> Result<Initialised, PublishError> {
    // What is refused anyhow is refused before the lock would lie there.
    refuse_occupied(repo)?;
    let new: Vec<_> = repo.ancestors().take_while(|folder| disk::is_missing(folder)).collect();
    let made = init_in(repo, keys, lifetimes, now);
    if made.is_err() {
        // Those that are not empty stay.
        new.into_iter().take_while(|folder| disk::remove_folder(folder).is_ok()).for_each(drop);
    }
    made
}

fn init_in(
    repo: &Path,
    keys: &KeysPlace,
    lifetimes: Lifetimes,
    now: Timestamp,
) -> Result<Initialised, PublishError> {
    disk::create_folders(repo)?;
    // Only of folders that are there is it known where they really lie.
    refuse_inside(keys.path(), repo)?;
    let lock_was_there = !disk::is_missing(&repo.join(layout::LOCK));
    let lock = disk::lock(repo)?.ok_or_else(|| PublishError::Locked { path: repo.to_owned() })?;
    let made = refuse_occupied(repo).and_then(|()| fill(repo, keys, lifetimes, now));
    if made.is_err() && !lock_was_there {
        // While it is held: whoever has opened the file meanwhile finds it locked, or gone, and begins anew.
        if let Err(error) = disk::remove(&repo.join(layout::LOCK)) {
            tracing::warn!(%error, "the lock stays");
        }
    }
    drop(lock);
    made
}

/// Everything that makes an empty folder a repository. Its lock is held.
fn fill(
    repo: &Path,
    keys: &KeysPlace,
    lifetimes: Lifetimes,
    now: Timestamp,
) -> Result<Initialised, PublishError> {
    let made = vec![SigningKey::generate(Duty::Root)?, SigningKey::generate(Duty::Online)?];
    let root = first_root(&made, lifetimes, now);
    let mut folder = KeyFolder::unsaved(made);
    let signed_root = SignedFile::new(folder.sign(&root, Role::Root, root.clone())?);
    let fingerprint = Sha256::of(&signed_root.bytes);
    let place = keys.folder(&fingerprint);
    folder.save_new(&place, &signed_root.bytes)?;

    let signer = Signer { root: &root, keys: &folder, lifetimes, now };
    first_files(&signer, signed_root.bytes)?.apply(repo)?;
    tracing::info!(repo = %repo.display(), %fingerprint, "made a repository");
    let root =
        layout::join(repo, layout::FIRST_ROOT).expect("a constant path is made of ordinary names");
    Ok(Initialised { root, fingerprint, keys: place })
}

fn refuse_occupied(repo: &Path) -> Result<(), PublishError> {
    let path = || repo.to_owned();
    if disk::is_file(&repo.join(layout::METADATA).join("timestamp.json")) {
        return Err(PublishError::Exists { path: path() });
    }
    let names = match disk::names_in(repo) {
        Err(error) if error.is_missing() => return Ok(()),
        names => names?,
    };
    if names.iter().any(|name| name != layout::LOCK) {
        return Err(PublishError::NotEmpty { path: path() });
    }
    Ok(())
}

fn first_files(signer: &Signer<'_>, root: Vec<u8>) -> Result<WritePlan, PublishError> {
    let ledger = Ledger::empty().to_json();
    let file = TargetFile::of(&ledger);
    let first = NonZeroU64::MIN;
    let targets =
        signer.targets(first, &BTreeMap::from([(layout::LEDGER_TARGET.to_owned(), file)]))?;
    let snapshot = signer.snapshot(first, &targets)?;
    let timestamp = signer.timestamp(first, &snapshot)?;
    let mut plan = WritePlan::default();
    plan.bytes(layout::root(first.get()), root.clone());
    plan.bytes(layout::FIRST_ROOT, root);
    plan.bytes(layout::target(&file.sha256, layout::LEDGER_TARGET), ledger);
    plan.bytes(layout::targets(first.get()), targets.bytes);
    plan.bytes(layout::snapshot(first.get()), snapshot.bytes);
    plan.bytes(layout::TIMESTAMP, timestamp.bytes);
    Ok(plan)
}
