//! Noting which files a program reads, for the launch set of their packs.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::environment;

/// The recording of this process; none where nobody asked for one.
static RECORDING: OnceLock<Option<Recording>> = OnceLock::new();

struct Recording(Mutex<Noted>);

struct Noted {
    file: File,
    seen: HashSet<(String, String)>,
}

/// Notes that this process reads `path` of `pack`, if it was started with a recording.
pub(crate) fn note(pack: &str, path: &str) {
    let recording = RECORDING.get_or_init(|| Recording::open(environment::recording().as_deref()?));
    if let Some(recording) = recording {
        recording.note(pack, path);
    }
}

impl Recording {
    /// None where the file cannot be written: a recording is for developers, and never a reason not to read.
    fn open(file: &Path) -> Option<Self> {
        let file = OpenOptions::new().append(true).create(true).open(file).ok()?;
        Some(Self(Mutex::new(Noted { file, seen: HashSet::new() })))
    }

    /// Each file once, in the order in which they are read first. Lines of several processes do not mix: each is one write.
    fn note(&self, pack: &str, path: &str) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.seen.insert((pack.to_owned(), path.to_owned())) {
            // As above.
            let _ = noted.file.write_all(format!("{pack}\t{path}\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_noted_once_in_the_order_of_reading_behind_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("reads");
        std::fs::write(&file, "music\told\n").expect("a file");
        let recording = Recording::open(&file).expect("a recording");
        for (pack, path) in [("music", "b"), ("music", "a"), ("music", "b"), ("maps", "b")] {
            recording.note(pack, path);
        }
        let text = std::fs::read_to_string(&file).expect("the file");
        assert_eq!(text, "music\told\nmusic\tb\nmusic\ta\nmaps\tb\n");
        assert!(Recording::open(folder.path()).is_none());
    }
}
