//! Signing keys: a folder outside the repository.
//!
//! The folder holds `root.json`, the first root of the repository that the keys belong to, and one file for each key,
//! `DUTY-ID.pk8`: an Ed25519 private key in PKCS#8 form (DER), mode 0600, named by its duty and the first 16 digits of its
//! key id. There are two duties. The *root* key signs roots only, and may be kept elsewhere until keys are rotated; the
//! *online* key signs timestamp, snapshot and targets, for every release.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::{Ed25519Key, Ed25519Scheme, Key};
use tough::schema::{self, RoleType, Root, Signature, Signed};

use crate::author::KeyError;
use crate::{Role, Sha256, disk};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Duty {
    /// Signs roots.
    Root,
    /// Signs timestamp, snapshot and targets.
    Online,
}

impl Duty {
    /// The name as it stands in file names and listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Online => "online",
        }
    }

    /// The roles that a key of this duty signs for.
    pub(crate) const fn roles(self) -> &'static [RoleType] {
        match self {
            Self::Root => &[RoleType::Root],
            Self::Online => &[RoleType::Timestamp, RoleType::Snapshot, RoleType::Targets],
        }
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Name of the root that says which repository the keys belong to.
const PIN_FILE: &str = "root.json";
const KEY_ENDING: &str = ".pk8";

/// What `tough` knows a key by: a digest of its public half.
pub(crate) type KeyId = Decoded<Hex>;

/// One private key.
pub(crate) struct SigningKey {
    pub(crate) duty: Duty,
    pub(crate) id: KeyId,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    pub(crate) fn generate(duty: Duty) -> Result<Self, KeyError> {
        Self::new(duty, Ed25519KeyPair::generate().map_err(|_| KeyError::Crypto)?)
    }

    fn new(duty: Duty, pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let id = public_key(&pair).key_id().map_err(|_| KeyError::Crypto)?;
        Ok(Self { duty, id, pair })
    }

    /// Reads a key from its file. The name says the duty; what the key may sign is for the root to say.
    fn read(folder: &Path, name: &str) -> Result<Self, KeyError> {
        let path = folder.join(name);
        let bytes = disk::read(&path)?;
        let duty = duty_of(name);
        let pair = Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| KeyError::Malformed { path })?;
        Self::new(duty, pair)
    }

    fn write(&self, folder: &Path) -> Result<(), KeyError> {
        let bytes = self.pair.to_pkcs8().map_err(|_| KeyError::Crypto)?;
        Ok(disk::write_private(&folder.join(self.file_name()), bytes.as_ref())?)
    }

    pub(crate) fn public(&self) -> Key {
        public_key(&self.pair)
    }

    fn file_name(&self) -> String {
        let mut id = key_id_text(&self.id);
        id.truncate(16);
        format!("{}-{id}{KEY_ENDING}", self.duty)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", key_id_text(&self.id))
    }
}

/// The duty of a key, by the name of its file.
fn duty_of(name: &str) -> Duty {
    if name.starts_with("root-") { Duty::Root } else { Duty::Online }
}

fn public_key(pair: &Ed25519KeyPair) -> Key {
    Key::Ed25519 {
        keyval: Ed25519Key {
            public: pair.public_key().as_ref().to_vec().into(),
            _extra: HashMap::new(),
        },
        scheme: Ed25519Scheme::Ed25519,
        _extra: HashMap::new(),
    }
}

/// A key id as text: 64 hexadecimal digits.
pub(crate) fn key_id_text(id: &KeyId) -> String {
    id.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The signing keys of one repository, read from their folder.
#[derive(Debug)]
pub struct KeyFolder {
    folder: PathBuf,
    first_root: Vec<u8>,
    keys: Vec<SigningKey>,
}

impl KeyFolder {
    /// Where the keys of a repository lie when nobody says otherwise: a folder named by the root's fingerprint.
    /// `Spec: cli, repo`.
    #[must_use]
    pub fn default_place(data_folder: &Path, fingerprint: &Sha256) -> PathBuf {
        data_folder.join(fingerprint.to_string())
    }

    /// Reads the keys in `folder` for the repository in `repo`.
    ///
    /// # Errors
    /// [`KeyError::Inside`] when the folder lies in the repository; [`KeyError::Malformed`] for a file that is no key;
    /// [`KeyError::Disk`] when the folder or its `root.json` cannot be read.
    pub fn open(folder: &Path, repo: &Path) -> Result<Self, KeyError> {
        let first_root = Self::read_first_root(folder, repo)?;
        let mut keys = Vec::new();
        for name in disk::names_in(folder)?.iter().filter(|name| name.ends_with(KEY_ENDING)) {
            keys.push(SigningKey::read(folder, name)?);
        }
        Ok(Self { folder: folder.to_owned(), first_root, keys })
    }

    /// Whether there is a key in `folder` that signs releases; none is read.
    ///
    /// # Errors
    /// [`KeyError::Disk`] when the folder cannot be read.
    pub fn has_online_key(folder: &Path) -> Result<bool, KeyError> {
        let signs_releases =
            |name: &String| name.ends_with(KEY_ENDING) && duty_of(name) == Duty::Online;
        Ok(disk::names_in(folder)?.iter().any(signs_releases))
    }

    /// The first root of the repository in `repo`, as it lies in the folder of its keys.
    pub(crate) fn read_first_root(folder: &Path, repo: &Path) -> Result<Vec<u8>, KeyError> {
        refuse_inside(folder, repo)?;
        Ok(disk::read(&folder.join(PIN_FILE))?)
    }

    /// Keys that are in memory only, until [`KeyFolder::save_new`].
    pub(crate) fn unsaved(keys: Vec<SigningKey>) -> Self {
        Self { folder: PathBuf::new(), first_root: Vec::new(), keys }
    }

    /// Puts the keys of a new repository into `folder`, which must hold nothing else.
    pub(crate) fn save_new(&mut self, folder: &Path, first_root: &[u8]) -> Result<(), KeyError> {
        disk::create_private_folders(folder)?;
        if !disk::names_in(folder)?.is_empty() {
            return Err(KeyError::OtherRepository { folder: folder.to_owned() });
        }
        self.keys.iter().try_for_each(|key| key.write(folder))?;
        disk::write(&folder.join(PIN_FILE), first_root)?;
        folder.clone_into(&mut self.folder);
        first_root.clone_into(&mut self.first_root);
        Ok(())
    }

    /// Keeps another key, durably before it is used: a root that names a lost key could never be followed.
    pub(crate) fn add(&mut self, key: SigningKey) -> Result<(), KeyError> {
        key.write(&self.folder)?;
        self.keys.push(key);
        Ok(())
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The first root of the repository that the keys belong to: what an author trusts it by.
    #[must_use]
    pub fn first_root(&self) -> &[u8] {
        &self.first_root
    }

    /// The keys here that `root` lets sign for `role`.
    pub(crate) fn for_role<'a>(
        &'a self,
        root: &'a Root,
        role: RoleType,
    ) -> impl Iterator<Item = &'a SigningKey> {
        let allowed = root.roles.get(&role);
        self.keys
            .iter()
            .filter(move |key| allowed.is_some_and(|role| role.keyids.contains(&key.id)))
    }

    /// Whether a key with this id is here.
    pub(crate) fn holds(&self, id: &KeyId) -> bool {
        self.keys.iter().any(|key| key.id == *id)
    }

    /// Signs a document with every key that `root` allows.
    pub(crate) fn sign<T: schema::Role>(
        &self,
        root: &Root,
        role: Role,
        document: T,
    ) -> Result<Signed<T>, KeyError> {
        self.sign_for(&[root], role, document)
    }

    /// Signs a document with every key that one of `roots` allows; each of them must be satisfied.
    pub(crate) fn sign_for<T: schema::Role>(
        &self,
        roots: &[&Root],
        role: Role,
        document: T,
    ) -> Result<Signed<T>, KeyError> {
        let data = document.canonical_form().map_err(|_| KeyError::Crypto)?;
        let mut signatures: Vec<Signature> = Vec::new();
        for key in roots.iter().flat_map(|root| self.for_role(root, T::TYPE)) {
            if signatures.iter().all(|signature| signature.keyid != key.id) {
                let sig = key.pair.try_sign(&data).map_err(|_| KeyError::Crypto)?;
                signatures
                    .push(Signature { keyid: key.id.clone(), sig: sig.as_ref().to_vec().into() });
            }
        }
        let signed = Signed { signed: document, signatures };
        // Asked of the verifier itself, so that nothing is ever written that a device would refuse.
        if roots.iter().any(|root| root.verify_role(&signed).is_err()) {
            return Err(KeyError::Missing { role, folder: self.folder.clone() });
        }
        Ok(signed)
    }
}

/// Keys in the repository would be served to everybody. Links are followed, because the server follows them too.
pub(crate) fn refuse_inside(keys: &Path, repo: &Path) -> Result<(), KeyError> {
    if disk::real_path(keys)?.starts_with(disk::real_path(repo)?) {
        return Err(KeyError::Inside { keys: keys.to_owned(), repo: repo.to_owned() });
    }
    Ok(())
}
