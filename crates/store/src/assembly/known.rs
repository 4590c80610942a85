//! What this process found when it last looked at a half-finished version, so that planning and fetching do not both read all of it.
//!
//! Only in memory: after a power cut a file may have its size and its times, and not its bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use headstart_model::{Digest, DigestHasher};
use headstart_pack::{ChunkSet, Places, Tree};
use headstart_sys::identity::FileStamp;

use super::output::OutputFiles;

/// Half-finished versions that are remembered. `Ours:` more than are fetched side by side; the oldest is forgotten first.
const REMEMBERED_MAX: usize = 16;

static REMEMBERED: Mutex<Vec<(PathBuf, Look)>> = Mutex::new(Vec::new());

/// One look at a half-finished version.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// Of the content that is built and of what its journal noted.
    journal: Digest,
    /// By entry: the file that its chunks are in, as it was before it was read.
    stamps: BTreeMap<u32, FileStamp>,
    /// The chunks that were found.
    held: ChunkSet,
}

impl Look {
    /// Begins to look: the files of everything that is `noted`, as they are now.
    pub(super) fn begin(
        content: &Digest,
        noted: &[(u32, Digest)],
        (output, places, tree): (&OutputFiles, &Places, &Tree),
    ) -> Self {
        let mut hasher = DigestHasher::new();
        hasher.update(content.as_bytes());
        let mut stamps = BTreeMap::new();
        for (chunk, name) in noted {
            hasher.update(&chunk.to_le_bytes());
            hasher.update(name.as_bytes());
            for place in places.of_chunk(*chunk) {
                if let std::collections::btree_map::Entry::Vacant(slot) = stamps.entry(place.entry)
                    && let Ok(stamp) = FileStamp::of_path(&output.chunks_path(tree, place.entry))
                {
                    slot.insert(stamp);
                }
            }
        }
        let held = ChunkSet::empty(tree.chunk_count());
        Self { journal: hasher.finish(), stamps, held }
    }

    /// The last look of this process at `folder`, if the journal was the same then.
    pub(super) fn last(&self, folder: &Path) -> Option<Self> {
        let remembered = lock();
        let last = remembered.iter().find(|(path, _)| path == folder);
        last.map(|(_, look)| look.clone()).filter(|look| look.journal == self.journal)
    }

    /// Whether `chunk` was found at that look, in files that are still as they were.
    pub(super) fn vouches_for(&self, chunk: u32, places: &Places, now: &Self) -> bool {
        let same = |entry: u32| {
            self.stamps.get(&entry).is_some_and(|then| now.stamps.get(&entry) == Some(then))
        };
        self.held.contains(chunk) && places.of_chunk(chunk).iter().all(|place| same(place.entry))
    }

    /// Keeps this look, with what was found.
    pub(super) fn remember(self, folder: &Path, held: &ChunkSet) {
        let mut remembered = lock();
        remembered.retain(|(path, _)| path != folder);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.remove(0);
        }
        remembered.push((folder.to_owned(), Self { held: held.clone(), ..self }));
    }
}

fn lock() -> std::sync::MutexGuard<'static, Vec<(PathBuf, Look)>> {
    // A panic elsewhere leaves the list whole: every change to it is one step.
    REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner)
}
