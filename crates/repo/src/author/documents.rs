//! The four signed documents, made from what they say.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tough::TargetName;
use tough::schema::{
    self, Hashes, Metafile, RoleKeys, RoleType, Root, Signed, Snapshot, Target, Targets,
};

use crate::author::keys::{Duty, KeyFolder, KeyId, SigningKey};
use crate::author::{KeyError, PublishError};
use crate::{Role, Sha256};

const SPEC_VERSION: &str = "1.0.0";

/// How long documents hold from the moment they are signed.
///
/// `Ours:` the timestamp is short, so that a frozen mirror is noticed within a month, and everything else a year, so that
/// a scheduled `repo refresh` is all the care that a repository needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Days of the root.
    pub root_days: u32,
    /// Days of targets and snapshot.
    pub release_days: u32,
    /// Days of the timestamp.
    pub timestamp_days: u32,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { root_days: 365, release_days: 365, timestamp_days: 30 }
    }
}

impl Lifetimes {
    fn days(self, role: Role) -> u32 {
        match role {
            Role::Root => self.root_days,
            Role::Targets | Role::Snapshot => self.release_days,
            Role::Timestamp => self.timestamp_days,
        }
    }

    /// The date that a document signed at `now` gets, in whole seconds as the specification asks.
    pub(crate) fn expiry(self, role: Role, now: Timestamp) -> Timestamp {
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        now.checked_add(span(self.days(role))).unwrap_or(Timestamp::MAX)
    }

    /// Whether less than half of its time is left to a document.
    pub(crate) fn is_half_used(self, role: Role, expires: Timestamp, now: Timestamp) -> bool {
        expires.duration_since(now) < span(self.days(role)) / 2
    }
}

fn span(days: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(days) * 24)
}

/// A signed document and the bytes of its file.
#[derive(Debug, Clone)]
pub(crate) struct SignedFile<T> {
    pub(crate) signed: Signed<T>,
    pub(crate) bytes: Vec<u8>,
}

impl<T: Serialize> SignedFile<T> {
    pub(crate) fn new(signed: Signed<T>) -> Self {
        // Without any space: every check of every device fetches it.
        let bytes =
            serde_json::to_vec(&signed).expect("a signed document holds only what JSON can hold");
        Self { signed, bytes }
    }

    /// How another document names this one.
    fn metafile(&self, version: NonZeroU64) -> Metafile {
        Metafile {
            length: Some(self.bytes.len() as u64),
            hashes: Some(hashes(&Sha256::of(&self.bytes))),
            version,
            _extra: HashMap::new(),
        }
    }
}

fn hashes(sha256: &Sha256) -> Hashes {
    Hashes { sha256: sha256.as_bytes().to_vec().into(), _extra: HashMap::new() }
}

/// The next version of a document.
pub(crate) fn after(version: NonZeroU64) -> NonZeroU64 {
    version.saturating_add(1)
}

/// A file that the targets name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TargetFile {
    pub(crate) sha256: Sha256,
    pub(crate) length: u64,
}

impl TargetFile {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { sha256: Sha256::of(bytes), length: bytes.len() as u64 }
    }
}

/// Makes and signs documents at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub(crate) root: &'a Root,
    pub(crate) keys: &'a KeyFolder,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) now: Timestamp,
}

impl Signer<'_> {
    pub(crate) fn targets(
        &self,
        version: NonZeroU64,
        files: &BTreeMap<String, TargetFile>,
    ) -> Result<SignedFile<Targets>, PublishError> {
        let target = |(name, file): (&String, &TargetFile)| {
            let name = TargetName::new(name.as_str())
                .expect("names of targets are made of a channel's name");
            let hashes = hashes(&file.sha256);
            (
                name,
                Target {
                    length: file.length,
                    hashes,
                    custom: HashMap::new(),
                    _extra: HashMap::new(),
                },
            )
        };
        let mut document = Targets::new(
            SPEC_VERSION.to_owned(),
            version,
            self.lifetimes.expiry(Role::Targets, self.now),
        );
        document.targets = files.iter().map(target).collect();
        document.delegations = None;
        Ok(SignedFile::new(self.keys.sign(self.root, Role::Targets, document)?))
    }

    pub(crate) fn snapshot(
        &self,
        version: NonZeroU64,
        targets: &SignedFile<Targets>,
    ) -> Result<SignedFile<Snapshot>, PublishError> {
        let expires = self.lifetimes.expiry(Role::Snapshot, self.now);
        let mut document = Snapshot::new(SPEC_VERSION.to_owned(), version, expires);
        document
            .meta
            .insert("targets.json".to_owned(), targets.metafile(targets.signed.signed.version));
        Ok(SignedFile::new(self.keys.sign(self.root, Role::Snapshot, document)?))
    }

    pub(crate) fn timestamp(
        &self,
        version: NonZeroU64,
        snapshot: &SignedFile<Snapshot>,
    ) -> Result<SignedFile<schema::Timestamp>, PublishError> {
        let meta = snapshot.metafile(snapshot.signed.signed.version);
        self.timestamp_of(version, meta)
    }

    /// A timestamp that leads to the same snapshot as an earlier one.
    pub(crate) fn timestamp_of(
        &self,
        version: NonZeroU64,
        snapshot: Metafile,
    ) -> Result<SignedFile<schema::Timestamp>, PublishError> {
        let expires = self.lifetimes.expiry(Role::Timestamp, self.now);
        let mut document = schema::Timestamp::new(SPEC_VERSION.to_owned(), version, expires);
        document.meta.insert("snapshot.json".to_owned(), snapshot);
        Ok(SignedFile::new(self.keys.sign(self.root, Role::Timestamp, document)?))
    }
}

/// A first root: one key for each duty.
pub(crate) fn first_root(keys: &[SigningKey], lifetimes: Lifetimes, now: Timestamp) -> Root {
    let mut root = Root {
        spec_version: SPEC_VERSION.to_owned(),
        consistent_snapshot: true,
        version: NonZeroU64::MIN,
        expires: lifetimes.expiry(Role::Root, now),
        keys: HashMap::new(),
        roles: HashMap::new(),
        _extra: HashMap::new(),
    };
    for key in keys {
        allow(&mut root, key);
    }
    root
}

/// Lets `key` sign whatever its duty signs; one signature of any allowed key is enough.
pub(crate) fn allow(root: &mut Root, key: &SigningKey) {
    root.keys.insert(key.id.clone(), key.public());
    for role in key.duty.roles() {
        let keys = root.roles.entry(*role).or_insert_with(|| RoleKeys {
            keyids: Vec::new(),
            threshold: NonZeroU64::MIN,
            _extra: HashMap::new(),
        });
        keys.keyids.push(key.id.clone());
    }
}

/// Takes every key but that of `id` from the roles of `duty`, and drops keys that no role names any more.
pub(crate) fn allow_only(root: &mut Root, duty: Duty, id: &KeyId) {
    for role in duty.roles() {
        if let Some(keys) = root.roles.get_mut(role) {
            keys.keyids.retain(|other| other == id);
        }
    }
    let named: Vec<_> = root.roles.values().flat_map(|role| role.keyids.clone()).collect();
    root.keys.retain(|id, _| named.contains(id));
}

/// Signs a root that follows `former`: by its own keys and by those of the one before it.
pub(crate) fn sign_root(
    keys: &KeyFolder,
    former: &Root,
    root: Root,
) -> Result<SignedFile<Root>, KeyError> {
    let own = root.clone();
    keys.sign_for(&[former, &own], Role::Root, root).map(SignedFile::new)
}

/// The keys that `root` names for a duty, for listings: those of the first of its roles stand for all.
pub(crate) fn key_ids(root: &Root, duty: Duty) -> Vec<KeyId> {
    let role: Option<&RoleType> = duty.roles().first();
    role.and_then(|role| root.roles.get(role)).map(|role| role.keyids.clone()).unwrap_or_default()
}
