//! Paths that several packs have.

use super::{Entry, EntryKind, Snapshot, SnapshotError};

/// A path that several packs have, of which only one is read where no pack is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision<'a> {
    /// What is read: the entry of the pack whose id is lowest in byte order.
    pub read: Entry<'a>,
    /// What is hidden by it, by pack.
    pub hidden: Vec<Entry<'a>>,
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// Every path that several packs have and that is a file in one of them, by the bytes of the
    /// paths. `Spec: packs 2`.
    ///
    /// Folders that several packs have are no collision: their parts are merged. Neither are packs
    /// of different languages, which have the same paths on purpose (`Spec: packs 9`): a pack is
    /// compared with those of its own language and of none.
    ///
    /// Reads the whole table; an item is an error where it meets a damaged record, and the last
    /// one then.
    pub fn collisions(&self) -> impl Iterator<Item = Result<Collision<'_>, SnapshotError>> {
        let mut next = 0;
        std::iter::from_fn(move || {
            while next < self.entry_count() {
                match self.collision_at(&mut next) {
                    Ok(None) => {}
                    Ok(Some(collision)) => return Some(Ok(collision)),
                    Err(error) => {
                        next = self.entry_count();
                        return Some(Err(error));
                    }
                }
            }
            None
        })
    }

    /// Looks at the entries of the path at `next`, and moves on to the path after it.
    fn collision_at(&self, next: &mut u32) -> Result<Option<Collision<'_>>, SnapshotError> {
        let begin = *next;
        let (path, _) = self.key_at(begin)?;
        *next += 1;
        while *next < self.entry_count() && self.key_at(*next)?.0 == path {
            *next += 1;
        }
        if *next - begin < 2 {
            return Ok(None);
        }
        let same: Vec<Entry<'_>> =
            (begin..*next).map(|index| self.entry_at(index)).collect::<Result<_, _>>()?;
        for (at, read) in same.iter().enumerate() {
            let later = same.iter().skip(at + 1).copied();
            let hidden: Vec<_> = later.filter(|entry| hides(read, entry)).collect();
            if !hidden.is_empty() {
                return Ok(Some(Collision { read: *read, hidden }));
            }
        }
        Ok(None)
    }
}

/// Whether `read` stands in the way of `other`, which has the same path in a later pack.
fn hides(read: &Entry<'_>, other: &Entry<'_>) -> bool {
    let folders = read.kind == EntryKind::Folder && other.kind == EntryKind::Folder;
    let languages = match (read.pack.language, other.pack.language) {
        (Some(one), Some(two)) => one == two,
        _ => true,
    };
    !folders && languages
}
