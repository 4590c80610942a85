//! One load of a repository through `tough`, and what its many errors mean.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use headstart_model::catalog::CATALOG_BYTES_MAX;
use headstart_sys::{Action, FileError};
use jiff::Timestamp;
use tough::error::Error as ToughError;
use tough::schema::RoleType;
use tough::{
    ExpirationEnforcement, IntoVec as _, Limits, Repository, RepositoryLoader, TargetName,
};

use crate::fetch::{Fetch, Freshness};
use crate::transport::{self, Bridge, Record};
use crate::{RepoError, Role, Sha256, layout};

/// What is known before a load begins.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Timestamp and snapshot that were trusted before; nothing older is taken.
    pub(crate) trusted: Trusted,
    /// Files that were fetched just now and need not be asked for again.
    pub(crate) fetched: Record,
    /// Who may answer.
    pub(crate) freshness: Freshness,
}

/// Documents that were trusted, in the form in which `tough` keeps them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Trusted {
    pub(crate) timestamp: Option<Vec<u8>>,
    pub(crate) snapshot: Option<Vec<u8>>,
}

/// A repository whose four documents hold together.
#[derive(Debug)]
pub(crate) struct Loaded {
    repository: Repository,
    bridge: Bridge,
    /// What `tough` writes to, until it is no longer asked for targets.
    _folder: tempfile::TempDir,
    /// What to keep for the next load.
    pub(crate) trusted: Trusted,
    /// The newest root, in the form in which `tough` keeps it.
    pub(crate) root: Vec<u8>,
    /// The timestamp as it came.
    pub(crate) timestamp: Bytes,
    /// The tag of the timestamp.
    pub(crate) tag: Option<String>,
}

/// Loads the repository behind `fetch`, beginning with `root`, which is trusted.
///
/// `Spec:` The Update Framework, 5.2 to 5.6, all of it by `tough`. `tough` keeps what it trusts in a folder that it writes
/// without care for crashes, so it is given a fresh one each time, and the caller keeps [`Loaded::trusted`] durably.
///
/// With [`ExpirationEnforcement::Safe`] expiry is judged by this machine's clock.
pub(crate) async fn load(
    root: &[u8],
    fetch: Arc<dyn Fetch>,
    known: Known,
    expiry: ExpirationEnforcement,
) -> Result<Loaded, RepoError> {
    let folder =
        tempfile::tempdir().map_err(|e| FileError::new(Action::Create, std::env::temp_dir(), e))?;
    write_seed(folder.path(), "timestamp.json", known.trusted.timestamp.as_deref()).await?;
    write_seed(folder.path(), "snapshot.json", known.trusted.snapshot.as_deref()).await?;
    let bridge = Bridge::new(fetch, known.fetched, known.freshness);
    let loaded = RepositoryLoader::new(
        &root,
        transport::base_url(layout::METADATA),
        transport::base_url(layout::CATALOGS),
    )
    .transport(bridge.clone())
    .limits(limits())
    .datastore(folder.path())
    .expiration_enforcement(expiry)
    .load()
    .await;
    let mut record = bridge.take_record();
    let repository = loaded.map_err(|error| explain(error, &mut record))?;
    let timestamp = record.bodies.remove(layout::TIMESTAMP).unwrap_or_default();
    Ok(Loaded {
        trusted: Trusted {
            timestamp: Some(read_back(folder.path(), "timestamp.json").await?),
            snapshot: Some(read_back(folder.path(), "snapshot.json").await?),
        },
        root: read_back(folder.path(), "root.json").await?,
        timestamp,
        tag: record.tag,
        repository,
        bridge,
        _folder: folder,
    })
}

impl Loaded {
    /// The documents, as `tough` holds them.
    pub(crate) fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The dates until which the documents hold.
    pub(crate) fn expiries(&self) -> [(Role, Timestamp); 4] {
        let repository = &self.repository;
        [
            (Role::Root, repository.root().signed.expires),
            (Role::Timestamp, repository.timestamp().signed.expires),
            (Role::Snapshot, repository.snapshot().signed.expires),
            (Role::Targets, repository.targets().signed.expires),
        ]
    }

    /// The bytes of a target, checked against its signed size and digest; none when no such target is signed.
    pub(crate) async fn read_target(
        &self,
        name: &str,
    ) -> Result<Option<(Sha256, Vec<u8>)>, RepoError> {
        let malformed = |source: ToughError| RepoError::Malformed {
            path: layout::targets(self.repository.targets().signed.version.get()),
            source: Box::new(source),
        };
        let name = TargetName::new(name).map_err(malformed)?;
        let Some(target) = self.repository.targets().signed.targets.get(&name) else {
            return Ok(None);
        };
        let path = layout::targets(self.repository.targets().signed.version.get());
        let sha256 =
            Sha256::from_slice(&target.hashes.sha256).ok_or(RepoError::Altered { path })?;
        let path = layout::target(&sha256, name.raw());
        if target.length > CATALOG_BYTES_MAX {
            return Err(RepoError::TooLarge { path, limit_bytes: CATALOG_BYTES_MAX });
        }
        let read = async {
            match self.repository.read_target(&name).await? {
                Some(stream) => stream.into_vec().await.map(Some),
                None => Ok(None),
            }
        };
        let read: Result<Option<Vec<u8>>, ToughError> = read.await;
        let bytes = read.map_err(|error| explain(error, &mut self.bridge.take_record()))?;
        Ok(bytes.map(|bytes| (sha256, bytes)))
    }
}

fn limits() -> Limits {
    Limits {
        max_root_size: transport::METADATA_BYTES_MAX,
        max_targets_size: transport::TARGETS_BYTES_MAX,
        max_timestamp_size: transport::METADATA_BYTES_MAX,
        max_snapshot_size: transport::METADATA_BYTES_MAX,
        max_root_updates: transport::ROOT_UPDATES_MAX,
    }
}

async fn write_seed(folder: &Path, name: &str, bytes: Option<&[u8]>) -> Result<(), FileError> {
    let Some(bytes) = bytes else { return Ok(()) };
    let path = folder.join(name);
    tokio::fs::write(&path, bytes).await.map_err(|e| FileError::new(Action::Write, path, e))
}

async fn read_back(folder: &Path, name: &str) -> Result<Vec<u8>, FileError> {
    let path = folder.join(name);
    tokio::fs::read(&path).await.map_err(|e| FileError::new(Action::Read, path, e))
}

/// What an error of `tough` means to us.
fn explain(error: ToughError, record: &mut Record) -> RepoError {
    match error {
        ToughError::ExpiredMetadata { role, .. } => {
            let role = role_of(role);
            RepoError::Expired { role, since: record.expiry_of(role) }
        }
        ToughError::VerifyMetadata { role, .. } => {
            RepoError::WrongSignature { role: role_of(role) }
        }
        ToughError::VerifyTrustedMetadata { .. } => RepoError::WrongSignature { role: Role::Root },
        ToughError::OlderMetadata { role, current_version, new_version, .. } => {
            RepoError::Older { role: role_of(role), offered: new_version, trusted: current_version }
        }
        ToughError::OlderSnapshotInTimestamp { snapshot_new, snapshot_old, .. } => {
            RepoError::Older { role: Role::Snapshot, offered: snapshot_new, trusted: snapshot_old }
        }
        ToughError::SnapshotRoleRollback { old_role_version, new_role_version, .. } => {
            RepoError::Older {
                role: Role::Targets,
                offered: new_role_version,
                trusted: old_role_version,
            }
        }
        ToughError::VersionMismatch { role, expected, .. } => {
            RepoError::Altered { path: path_of_role(role_of(role), expected) }
        }
        ToughError::ParseMetadata { role, source, .. } => {
            RepoError::Malformed { path: record.path_of(role_of(role)), source: Box::new(source) }
        }
        ToughError::ParseTrustedMetadata { source, .. } => {
            RepoError::Malformed { path: layout::FIRST_ROOT.to_owned(), source: Box::new(source) }
        }
        ToughError::Transport { source, .. } => explain_transport(source, record),
        ToughError::MaxUpdatesExceeded { max_root_updates, .. } => RepoError::TooLarge {
            path: layout::METADATA.to_owned(),
            limit_bytes: max_root_updates.saturating_mul(transport::METADATA_BYTES_MAX),
        },
        ToughError::TimestampMetaLength { .. } | ToughError::MissingSnapshotMeta { .. } => {
            RepoError::Malformed { path: layout::TIMESTAMP.to_owned(), source: Box::new(error) }
        }
        ToughError::DatastoreCreate { path, source, .. } => {
            FileError::new(Action::Write, path, source).into()
        }
        ToughError::DatastoreOpen { path, source, .. } => {
            FileError::new(Action::Read, path, source).into()
        }
        ToughError::DatastoreRemove { path, source, .. } => {
            FileError::new(Action::Remove, path, source).into()
        }
        other => {
            RepoError::Malformed { path: layout::METADATA.to_owned(), source: Box::new(other) }
        }
    }
}

/// A failed fetch is what [`Fetch`] said; a failed check of size or digest is hidden inside as an error of `tough`.
fn explain_transport(error: tough::TransportError, record: &mut Record) -> RepoError {
    let path = transport::path_of(error.url());
    let cause =
        std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<ToughError>());
    match (cause, record.failure.take()) {
        (Some(ToughError::HashMismatch { .. } | ToughError::MaxSizeExceeded { .. }), _) => {
            RepoError::Altered { path }
        }
        (_, Some((path, crate::FetchError::TooLarge { limit_bytes }))) => {
            RepoError::TooLarge { path, limit_bytes }
        }
        (_, Some((path, source))) => RepoError::Fetch { path, source },
        (_, None) => RepoError::Fetch { path, source: crate::FetchError::Failed(Box::new(error)) },
    }
}

fn role_of(role: RoleType) -> Role {
    match role {
        RoleType::Root => Role::Root,
        RoleType::Timestamp => Role::Timestamp,
        RoleType::Snapshot => Role::Snapshot,
        RoleType::Targets | RoleType::DelegatedTargets => Role::Targets,
    }
}

fn path_of_role(role: Role, version: u64) -> String {
    match role {
        Role::Root => layout::root(version),
        Role::Timestamp => layout::TIMESTAMP.to_owned(),
        Role::Snapshot => layout::snapshot(version),
        Role::Targets => layout::targets(version),
    }
}

impl Record {
    /// Path of the newest file of `role` that was read.
    fn path_of(&self, role: Role) -> String {
        let ending = format!("{role}.json");
        let version = |path: &&String| {
            path.trim_start_matches("metadata/")
                .split('.')
                .next()
                .and_then(|n| n.parse::<u64>().ok())
        };
        let newest = self.bodies.keys().filter(|path| path.ends_with(&ending)).max_by_key(version);
        newest.cloned().unwrap_or_else(|| path_of_role(role, 1))
    }

    /// The date in the file of `role` that was read last. Its signature was checked before its date was found wanting.
    fn expiry_of(&self, role: Role) -> Option<Timestamp> {
        #[derive(serde::Deserialize)]
        struct Document {
            signed: Signed,
        }
        #[derive(serde::Deserialize)]
        struct Signed {
            expires: Timestamp,
        }
        let bytes = self.bodies.get(&self.path_of(role))?;
        serde_json::from_slice::<Document>(bytes).ok().map(|document| document.signed.expires)
    }
}
