//! Keeping a repository believable: new dates, new keys.

use jiff::Timestamp;
use tough::schema::Root;

use crate::author::PublishError;
use crate::author::documents::{self, after, allow, allow_only, key_ids, sign_root};
use crate::author::keys::{Duty, SigningKey, key_id_text};
use crate::author::plan::WritePlan;
use crate::author::writer::Writer;
use crate::{Role, layout};

/// What a refresh did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// The new date of the timestamp: the next refresh is due before it.
    pub expires: Timestamp,
    /// The date of the root. When it is near and the root is not among [`renewed`](Self::renewed), its key was not at hand.
    pub root_expires: Timestamp,
    /// What was signed anew, in the order in which it was written.
    pub renewed: Vec<Role>,
}

/// A key that may sign for the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its id: SHA-256 of its public half as The Update Framework writes it, in hexadecimal digits.
    pub id: String,
    /// What it signs.
    pub duty: Duty,
    /// Whether its private half is in the keys folder.
    pub place: KeyPlace,
}

/// Whether a private key is at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the keys folder.
    Here,
    /// Somewhere else; fine for a root key until keys are rotated.
    Elsewhere,
}

impl Writer {
    /// Signs the timestamp anew; targets and snapshot too when half of their time is used, and the root when half of its
    /// time is used and its key is in the keys folder. Run from cron, this is all the care that a repository needs.
    ///
    /// # Errors
    /// [`PublishError::Keys`] without the online key; [`PublishError::Disk`].
    pub fn refresh(&mut self, now: Timestamp) -> Result<Refreshed, PublishError> {
        let mut renewed = Vec::new();
        let used = |role, expires| self.lifetimes.is_half_used(role, expires, now);
        let root_due = used(Role::Root, self.reader.published.root.expires);
        let release_due = used(Role::Targets, self.reader.published.targets.expires)
            || used(Role::Snapshot, self.reader.published.snapshot.expires);
        let root_key_here =
            key_ids(&self.reader.published.root, Duty::Root).iter().any(|id| self.keys.holds(id));
        if root_due && root_key_here {
            self.replace_root(self.reader.published.root.clone(), now)?;
            renewed.push(Role::Root);
        }
        if release_due {
            self.sign_release(now)?;
            renewed.extend([Role::Targets, Role::Snapshot]);
        } else {
            self.sign_timestamp(now)?;
        }
        renewed.push(Role::Timestamp);
        let (expires, root_expires) =
            (self.reader.published.timestamp.expires, self.reader.published.root.expires);
        Ok(Refreshed { expires, root_expires, renewed })
    }

    /// Replaces the key of a duty with a new one; returns the new one.
    ///
    /// `Ours:` an online key is replaced in three steps: a root that allows both, documents signed with both, a root that
    /// allows only the new one. After each of them, and so after a kill between any two, devices find documents that
    /// the root in force allows. A rotation that was cut short is completed by another one.
    ///
    /// The file of the old key stays in the keys folder; it signs nothing any more.
    ///
    /// # Errors
    /// [`PublishError::Keys`] when the root key is not in the keys folder; [`PublishError::Disk`].
    pub fn rotate(&mut self, duty: Duty, now: Timestamp) -> Result<KeyInfo, PublishError> {
        let key = SigningKey::generate(duty)?;
        let id = key.id.clone();
        let mut root = self.reader.published.root.clone();
        allow(&mut root, &key);
        self.keys.add(key)?;
        if duty == Duty::Online {
            self.replace_root(root.clone(), now)?;
            self.sign_release(now)?;
        }
        allow_only(&mut root, duty, &id);
        self.replace_root(root, now)?;
        tracing::info!(repo = %self.reader.repo.display(), %duty, "rotated a key");
        Ok(KeyInfo { id: key_id_text(&id), duty, place: KeyPlace::Here })
    }

    /// The keys that may sign for the repository.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyInfo> {
        let of_duty = |duty| {
            let info = move |id| {
                let place = if self.keys.holds(&id) { KeyPlace::Here } else { KeyPlace::Elsewhere };
                KeyInfo { id: key_id_text(&id), duty, place }
            };
            key_ids(&self.reader.published.root, duty).into_iter().map(info)
        };
        [Duty::Root, Duty::Online].into_iter().flat_map(of_duty).collect()
    }

    /// Makes `root` the next version of the root. Devices follow it from the moment its file appears.
    fn replace_root(&mut self, root: Root, now: Timestamp) -> Result<(), PublishError> {
        let former = &self.reader.published.root;
        let next = Root {
            version: after(former.version),
            expires: self.lifetimes.expiry(Role::Root, now),
            ..root
        };
        let signed: documents::SignedFile<Root> = sign_root(&self.keys, former, next)?;
        let mut plan = WritePlan::default();
        plan.bytes(layout::root(signed.signed.signed.version.get()), signed.bytes);
        plan.apply(&self.reader.repo)?;
        self.reader.published.root = signed.signed.signed;
        Ok(())
    }

    /// Signs targets, snapshot and timestamp anew, without any change of content.
    fn sign_release(&mut self, now: Timestamp) -> Result<(), PublishError> {
        let mut plan = WritePlan::default();
        let mut next = self.reader.published.clone();
        self.plan_documents(&mut plan, &mut next, now)?;
        plan.apply(&self.reader.repo)?;
        self.reader.published = next;
        Ok(())
    }
}
