//! Files that hide each other.

use super::Namespace;
use crate::error::Error;

/// A path that several installed packs have, of which one is read where no pack is named.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collision {
    /// The path.
    pub path: String,
    /// The pack whose file is read: the lowest id in byte order.
    pub read: String,
    /// The packs whose file is hidden, by id: it can be read by naming the pack.
    pub hidden: Vec<String>,
}

impl Namespace {
    /// Every path that several packs have, by path: the specification leaves open which is read,
    /// and asks for unique names. Folders that several packs have a part of, and packs of different
    /// languages, do not collide. `Spec: packs 2`. Reads the whole index.
    ///
    /// # Errors
    /// `namespaceDamaged`.
    pub fn collisions(&self) -> Result<Vec<Collision>, Error> {
        let found = self.held.snapshot.collisions().map(|collision| {
            let collision = collision.map_err(|error| self.damaged(&error))?;
            Ok(Collision {
                path: collision.read.path.to_owned(),
                read: collision.read.pack.id.to_owned(),
                hidden: collision.hidden.iter().map(|entry| entry.pack.id.to_owned()).collect(),
            })
        });
        found.collect()
    }
}
