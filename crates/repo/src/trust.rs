//! What a device trusts of a repository, and keeps: the pinned root, the newest documents, the last good catalog.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use headstart_model::ChannelName;
use headstart_model::catalog::Catalog;
use headstart_sys::{Action, FileError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tough::schema::{Root, Signed};

use crate::fetch::{Fetch, FetchRequest, Fetched, Freshness};
use crate::load::Trusted;
use crate::{FetchError, RepoError, Role, Sha256, disk, layout, transport};

/// Name of the pinned root in the folder of a [`TrustStore`].
const ROOT_FILE: &str = "root.json";
/// Name of everything that changes, one file, so that it can only change as a whole.
const STATE_FILE: &str = "state.json";

/// The trust in one repository: a folder of two files, `root.json` (pinned once, never written again) and `state.json`
/// (replaced durably after each successful load).
///
/// `Ours:` root, timestamp, snapshot and catalog lie in one file, because a crash between two of them would mix releases.
/// Losing `state.json` loses the memory of what was newest, so a rollback could pass unseen once; it never adds trust.
#[derive(Debug)]
pub struct TrustStore {
    folder: PathBuf,
    first_root: Vec<u8>,
    /// Held through a check, and until what it found is written: of two at once, the slower must not put back what the faster replaced.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
}

/// The content of `state.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    pub(crate) format: u32,
    /// The newest root, timestamp and snapshot, as `tough` keeps them.
    pub(crate) root: String,
    pub(crate) timestamp: String,
    pub(crate) snapshot: String,
    /// Digest of the timestamp as it was fetched, and the server's tag of it: what "nothing changed" is judged by.
    pub(crate) timestamp_sha256: Sha256,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp_tag: Option<String>,
    pub(crate) channel: ChannelName,
    pub(crate) catalog: String,
    /// When the last full load succeeded.
    pub(crate) loaded_at: Timestamp,
    /// The first of the documents to expire.
    pub(crate) expiring: Expiring,
}

/// Which document expires first, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expiring {
    #[serde(with = "role_name")]
    pub(crate) role: Role,
    pub(crate) at: Timestamp,
}

impl State {
    pub(crate) const FORMAT: u32 = 1;

    pub(crate) fn trusted(&self) -> Trusted {
        Trusted {
            timestamp: Some(self.timestamp.clone().into_bytes()),
            snapshot: Some(self.snapshot.clone().into_bytes()),
        }
    }
}

mod role_name {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::Role;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(role.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Role, D::Error> {
        let name = String::deserialize(deserializer)?;
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| D::Error::custom("no such role"))
    }
}

impl TrustStore {
    /// Trusts `root` from now on, in `folder`, which is made if need be; done already, it is only opened.
    ///
    /// # Errors
    /// [`RepoError::Malformed`] or [`RepoError::WrongSignature`] when `root` is no root that signs itself;
    /// [`RepoError::OtherRoot`] when another one is pinned in the folder; [`RepoError::Store`] for the disk.
    pub fn pin(folder: &Path, root: &[u8]) -> Result<Self, RepoError> {
        check_root(root)?;
        if let Some(store) = Self::open(folder)? {
            let (trusted, offered) = (store.fingerprint(), Sha256::of(root));
            return if trusted == offered {
                Ok(store)
            } else {
                Err(RepoError::OtherRoot { trusted, offered })
            };
        }
        disk::create_folders(folder)?;
        disk::write(&folder.join(ROOT_FILE), root)?;
        Ok(Self::with_root(folder, root.to_owned()))
    }

    /// Fetches the first root of a repository and trusts it: trust on first use, for whoever was given no root.
    /// The caller shows [`TrustStore::fingerprint`] so that a person can compare it. `Spec: cli, clone`.
    ///
    /// # Errors
    /// Those of [`TrustStore::pin`], and [`RepoError::Fetch`].
    ///
    /// # Cancel safety
    /// Nothing is pinned unless the future completes.
    pub async fn pin_at_first_use(folder: &Path, fetch: &dyn Fetch) -> Result<Self, RepoError> {
        let request = FetchRequest {
            path: layout::FIRST_ROOT,
            max_bytes: transport::METADATA_BYTES_MAX,
            held: None,
            freshness: Freshness::Any,
        };
        let failed = |source| RepoError::Fetch { path: layout::FIRST_ROOT.to_owned(), source };
        match fetch.fetch(request).await.map_err(failed)? {
            Fetched::Body { bytes, .. } => Self::pin(folder, &bytes),
            Fetched::NotModified => {
                Err(failed(FetchError::Failed("unasked `not modified`".into())))
            }
        }
    }

    /// Opens the trust kept in `folder`; none when no root is pinned there.
    ///
    /// # Errors
    /// [`RepoError::Store`] when the disk fails.
    pub fn open(folder: &Path) -> Result<Option<Self>, RepoError> {
        let root = disk::read_if_there(&folder.join(ROOT_FILE))?;
        Ok(root.map(|root| Self::with_root(folder, root)))
    }

    pub(crate) fn with_root(folder: &Path, first_root: Vec<u8>) -> Self {
        Self { folder: folder.to_owned(), first_root, turn: Arc::default() }
    }

    /// What names the repository: the digest of the pinned root file.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256 {
        Sha256::of(&self.first_root)
    }

    /// The pinned root file.
    #[must_use]
    pub fn first_root(&self) -> &[u8] {
        &self.first_root
    }

    /// The last catalog of `channel` that was trusted, without asking anybody: what an offline device goes by.
    ///
    /// Expiry does not matter here: what was trusted once stays usable, only news are refused.
    ///
    /// # Errors
    /// [`RepoError::Store`] when the state cannot be read.
    pub fn catalog(&self, channel: &ChannelName) -> Result<Option<Catalog>, RepoError> {
        let Some(state) = self.read_state()?.filter(|state| state.channel == *channel) else {
            return Ok(None);
        };
        let damaged = |e| self.damaged(std::io::Error::new(std::io::ErrorKind::InvalidData, e));
        Catalog::from_json(state.catalog.as_bytes()).map(Some).map_err(damaged)
    }

    pub(crate) fn read_state(&self) -> Result<Option<State>, RepoError> {
        let Some(bytes) = disk::read_if_there(&self.folder.join(STATE_FILE))? else {
            return Ok(None);
        };
        let state: State = serde_json::from_slice(&bytes).map_err(|e| self.damaged(e.into()))?;
        if state.format != State::FORMAT {
            return Err(self.damaged(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                format!("format {} is not known", state.format),
            )));
        }
        Ok(Some(state))
    }

    pub(crate) fn write_state(folder: &Path, state: &State) -> Result<(), RepoError> {
        let bytes = serde_json::to_vec(state).expect("the state holds only what JSON can hold");
        disk::write(&folder.join(STATE_FILE), &bytes)?;
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn damaged(&self, error: std::io::Error) -> RepoError {
        RepoError::Store(FileError::new(Action::Read, self.folder.join(STATE_FILE), error))
    }
}

/// A root is worth pinning only if it is one, and signs itself; else every later load would fail for a reason hard to see.
fn check_root(root: &[u8]) -> Result<(), RepoError> {
    let root: Signed<Root> = serde_json::from_slice(root).map_err(|source| {
        RepoError::Malformed { path: layout::FIRST_ROOT.to_owned(), source: Box::new(source) }
    })?;
    root.signed.verify_role(&root).map_err(|_| RepoError::WrongSignature { role: Role::Root })
}
