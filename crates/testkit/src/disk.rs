//! A file system that forgets what was not synced.
//!
//! What a crash may do is what real ones may do: the bytes of a file that were not synced are lost from some point on, and
//! names (created, renamed, removed) are kept up to some moment, in their order, whatever became of the bytes behind them.

use std::collections::BTreeMap;

use crate::rng::Rng;

#[derive(Debug, Clone, Default)]
struct File {
    bytes: Vec<u8>,
    synced: usize,
}

#[derive(Debug, Clone)]
enum Naming {
    Link(String, u64),
    Unlink(String),
    Rename(String, String),
}

/// Files by path. There are no folders: a path exists when its file does.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: BTreeMap<u64, File>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    /// Changes of names since the last [`Self::sync_names`].
    journal: Vec<Naming>,
    next_file: u64,
}

impl Disk {
    /// Appends to the file at `path`, which comes into being if there is none.
    pub fn append(&mut self, path: &str, bytes: &[u8]) {
        let file = match self.names.get(path) {
            Some(file) => *file,
            None => self.create(path),
        };
        self.files.entry(file).or_default().bytes.extend_from_slice(bytes);
    }

    fn create(&mut self, path: &str) -> u64 {
        self.next_file += 1;
        self.files.insert(self.next_file, File::default());
        self.name(Naming::Link(path.to_owned(), self.next_file));
        self.next_file
    }

    /// Puts a new file with these bytes at `path`, whatever is there.
    pub fn replace(&mut self, path: &str, bytes: &[u8]) {
        self.remove(path);
        self.append(path, bytes);
    }

    /// Makes the bytes of a file durable; its name may still be lost.
    pub fn sync_file(&mut self, path: &str) {
        if let Some(file) = self.names.get(path).and_then(|file| self.files.get_mut(file)) {
            file.synced = file.bytes.len();
        }
    }

    /// Makes every name durable.
    pub fn sync_names(&mut self) {
        self.durable_names.clone_from(&self.names);
        self.journal.clear();
        let names = &self.names;
        self.files.retain(|file, _| names.values().any(|named| named == file));
    }

    /// Gives a file another path, replacing what is there.
    pub fn rename(&mut self, from: &str, to: &str) {
        if self.names.contains_key(from) {
            self.name(Naming::Rename(from.to_owned(), to.to_owned()));
        }
    }

    /// Removes a file, if there is one.
    pub fn remove(&mut self, path: &str) {
        if self.names.contains_key(path) {
            self.name(Naming::Unlink(path.to_owned()));
        }
    }

    fn name(&mut self, change: Naming) {
        apply(&mut self.names, &change);
        self.journal.push(change);
    }

    /// The bytes of a file.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<&[u8]> {
        self.names.get(path).and_then(|file| self.files.get(file)).map(|file| &file.bytes[..])
    }

    /// The paths that begin with `prefix`.
    pub fn paths<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.names
            .range(prefix.to_owned()..)
            .map(|(path, _)| &path[..])
            .take_while(move |path| path.starts_with(prefix))
    }

    /// Bytes of all files.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.names
            .values()
            .filter_map(|file| self.files.get(file))
            .map(|f| f.bytes.len() as u64)
            .sum()
    }

    /// The power goes.
    pub fn crash(&mut self, rng: &mut Rng) {
        let kept = usize::try_from(rng.below(self.journal.len() as u64 + 1)).expect("a length");
        let mut names = std::mem::take(&mut self.durable_names);
        for change in &self.journal[..kept] {
            apply(&mut names, change);
        }
        for file in self.files.values_mut() {
            let unsynced = (file.bytes.len() - file.synced) as u64;
            let survived = usize::try_from(rng.below(unsynced + 1)).expect("a length");
            file.bytes.truncate(file.synced + survived);
            file.synced = file.bytes.len();
        }
        self.names = names;
        self.sync_names();
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: &Naming) {
    match change {
        Naming::Link(path, file) => {
            names.insert(path.clone(), *file);
        }
        Naming::Unlink(path) => {
            names.remove(path);
        }
        Naming::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_survives_every_crash() {
        for seed in 0..50 {
            let mut disk = Disk::default();
            disk.append("a", b"kept");
            disk.sync_file("a");
            disk.sync_names();
            disk.append("a", b" lost");
            disk.append("b", b"new");
            disk.crash(&mut Rng::new(seed));
            assert!(disk.read("a").is_some_and(|bytes| bytes.starts_with(b"kept")));
        }
    }

    #[test]
    fn a_rename_without_a_sync_of_the_bytes_can_leave_an_empty_file() {
        let outcomes: Vec<Option<usize>> = (0..200)
            .map(|seed| {
                let mut disk = Disk::default();
                disk.append("new", b"bytes");
                disk.rename("new", "old");
                disk.crash(&mut Rng::new(seed));
                disk.read("old").map(<[u8]>::len)
            })
            .collect();
        assert!(outcomes.contains(&Some(0)) && outcomes.contains(&Some(5)));
        assert!(outcomes.contains(&None));
    }

    #[test]
    fn replacing_by_rename_after_a_sync_leaves_the_old_or_the_new_file() {
        for seed in 0..200 {
            let mut disk = Disk::default();
            disk.append("file", b"old");
            disk.sync_file("file");
            disk.sync_names();
            disk.append("file.new", b"brand new");
            disk.sync_file("file.new");
            disk.rename("file.new", "file");
            disk.crash(&mut Rng::new(seed));
            assert!(matches!(disk.read("file"), Some(b"old" | b"brand new")), "seed {seed}");
        }
    }
}
