//! What a folder holds, over all packs.

use super::{Entry, Snapshot, SnapshotError};

/// The files and folders directly in a folder, by the bytes of their paths, then by pack: a name
/// that several packs have comes once for each. Ends after the first error.
#[derive(Debug)]
pub struct Children<'a, B> {
    snapshot: &'a Snapshot<B>,
    /// The folder with its `/`; nothing for the top.
    prefix: String,
    next: u32,
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// What is directly in `folder`, in any pack; the empty path is the top. Nothing for a path
    /// that is no folder.
    ///
    /// # Errors
    /// [`SnapshotError::Record`] when the search meets a damaged record; so may each item.
    pub fn children(&self, folder: &str) -> Result<Children<'_, B>, SnapshotError> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let next = self.first_at_or_after(&prefix, 0)?;
        Ok(Children { snapshot: self, prefix, next })
    }
}

impl<'a, B: AsRef<[u8]>> Children<'a, B> {
    fn step(&mut self) -> Result<Option<Entry<'a>>, SnapshotError> {
        while self.next < self.snapshot.entry_count {
            let (path, _) = self.snapshot.key_at(self.next)?;
            let Some(name) = path.strip_prefix(&self.prefix) else {
                return Ok(None);
            };
            let Some((child, _)) = name.split_once('/') else {
                let entry = self.snapshot.entry_at(self.next)?;
                self.next += 1;
                return Ok(Some(entry));
            };
            // Deeper: everything below that child lies between `child/` and `child0`, the next
            // character after `/`. Damaged tables may not be sorted, so the jump never goes back.
            let after = format!("{}{child}0", self.prefix);
            self.next = self.snapshot.first_at_or_after(&after, 0)?.max(self.next + 1);
        }
        Ok(None)
    }
}

impl<'a, B: AsRef<[u8]>> Iterator for Children<'a, B> {
    type Item = Result<Entry<'a>, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.step().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.next = self.snapshot.entry_count;
        }
        item
    }
}
