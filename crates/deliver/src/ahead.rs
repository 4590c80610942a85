//! Reading a version that is still on its way.
//!
//! Whoever waits for a part of a file says so here. The delivery, which knows what has arrived and been verified, answers; and
//! it has the blocks of that part fetched before all others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headstart_model::{Digest, PackPath, PackVersion};
use headstart_pack::{ChunkSet, FileNode, Node, Tree};
use tokio::sync::{oneshot, watch};

/// Readers that wait at once; beyond it nobody is let in. `Ours:` what they cost with each block is bounded by it.
const READERS_MAX: usize = 256;
/// So much behind what is wanted is brought forward too: whoever reads a file goes on reading it.
const READ_ON_BYTES: u64 = 8 * 1024 * 1024;

/// The readers of one version that is on its way, and of those that take its place before it is there. `Ours:` for apps that begin
/// with the first bytes of a large file.
#[derive(Debug, Default)]
pub struct Ahead {
    state: Mutex<State>,
    /// Rises with what is wanted.
    wanted: watch::Sender<u64>,
}

/// A part of a file that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The file, as it grows. It becomes the installed one when the version is complete.
    pub file: PathBuf,
    /// The version.
    pub version: PackVersion,
    /// Its content: parts of the same content belong together.
    pub content: Digest,
    /// Bytes of the whole file.
    pub size: u64,
    /// Offset of the first byte behind what was wanted that has not arrived, or the file's size: all up to here was verified.
    pub end: u64,
}

/// Why nothing can be read ahead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AheadError {
    /// The version has no such file.
    #[error("the version that is on its way has no file `{path}`")]
    NoFile {
        /// The path.
        path: PackPath,
    },
    /// Too many wait already.
    #[error("{READERS_MAX} readers wait for this pack already")]
    TooMany,
}

type Answer = Result<Arrived, AheadError>;

#[derive(Debug, Default)]
struct State {
    site: Option<View>,
    wishes: BTreeMap<u64, Wish>,
    next: u64,
}

/// What is being put together, as readers need to know it.
#[derive(Debug)]
struct View {
    tree: Arc<Tree>,
    files: PathBuf,
    version: (PackVersion, Digest),
    held: ChunkSet,
}

#[derive(Debug)]
struct Wish {
    path: PackPath,
    offset: u64,
    bytes: u64,
    /// Position among the chunks of the file of the one that the wish begins in, and its offset; looked up once.
    begin: Option<(usize, u64)>,
    answer: oneshot::Sender<Answer>,
}

impl Wish {
    /// What is wanted of a file that is not empty: a byte at least, since the file is there only when one of its bytes is.
    fn range_in(&self, file: &FileNode) -> (u64, u64) {
        let offset = self.offset.min(file.size.saturating_sub(1));
        (offset, offset.saturating_add(self.bytes.max(1)).min(file.size))
    }
}

/// A wish that is taken back when nobody waits for it any more.
struct Waiting<'a> {
    ahead: &'a Ahead,
    number: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.ahead.lock().wishes.remove(&self.number);
    }
}

impl Ahead {
    /// Nobody waits yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and every state of it is a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `bytes` of the file at `path` from `offset` on have arrived, as far as the file has so many, and has them fetched first.
    /// Waits for ever if nothing is delivered, and for a file that is put together at the end only (an empty one, an opened container):
    /// the caller knows when the version is in its place.
    ///
    /// Cancel safe: dropping it takes the wish back.
    ///
    /// # Errors
    /// [`AheadError`]; [`AheadError::NoFile`] as soon as it is known what the version has.
    pub async fn arrival(&self, path: &PackPath, offset: u64, bytes: u64) -> Answer {
        let (answer, arrived) = oneshot::channel();
        let number = {
            let mut state = self.lock();
            if state.wishes.len() >= READERS_MAX {
                return Err(AheadError::TooMany);
            }
            let number = state.next;
            state.next += 1;
            let path = path.clone();
            state.wishes.insert(number, Wish { path, offset, bytes, begin: None, answer });
            state.answer_all();
            number
        };
        self.wanted.send_modify(|changes| *changes += 1);
        let _taken_back_when_dropped = Waiting { ahead: self, number };
        match arrived.await {
            Ok(answer) => answer,
            // The sender lives in the wish, which is there until it has answered.
            Err(_) => std::future::pending().await,
        }
    }

    /// A version is put together below `files`.
    pub(crate) fn begin(
        &self,
        tree: &Arc<Tree>,
        version: (PackVersion, Digest),
        files: PathBuf,
        held: &ChunkSet,
    ) {
        let mut state = self.lock();
        for wish in state.wishes.values_mut() {
            wish.begin = None;
        }
        let (tree, held) = (Arc::clone(tree), held.clone());
        state.site = Some(View { tree, files, version, held });
        state.answer_all();
    }

    /// All of `held` is in place.
    pub(crate) fn placed(&self, held: &ChunkSet) {
        let mut state = self.lock();
        if let Some(site) = &mut state.site {
            site.held.clone_from(held);
            state.answer_all();
        }
    }

    /// Nothing is put together any more; who still waits goes on waiting.
    pub(crate) fn end(&self) {
        self.lock().site = None;
    }

    /// Told when something else is wanted.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.wanted.subscribe()
    }

    /// The chunks that readers wait for, and some behind them, most urgent first.
    pub(crate) fn wanted(&self) -> Vec<u32> {
        let state = self.lock();
        let Some(site) = &state.site else { return Vec::new() };
        state.wishes.values().flat_map(|wish| site.missing(wish)).collect()
    }
}

impl State {
    fn answer_all(&mut self) {
        let Some(site) = &self.site else { return };
        let answered: Vec<_> = self
            .wishes
            .iter_mut()
            .filter_map(|(number, wish)| Some((*number, site.answer(wish)?)))
            .collect();
        for (number, answer) in answered {
            if let Some(wish) = self.wishes.remove(&number) {
                // One that nobody waits for any more needs no answer.
                let _ = wish.answer.send(answer);
            }
        }
    }
}

impl View {
    /// The answer to a wish, if there is one already.
    fn answer(&self, wish: &mut Wish) -> Option<Answer> {
        let entry = self.tree.find(&wish.path).map(|entry| &entry.node);
        let Some(Node::File(file)) = entry else {
            return Some(Err(AheadError::NoFile { path: wish.path.clone() }));
        };
        if file.opened.is_some() || file.size == 0 {
            return None;
        }
        let chunks = self.tree.chunks_of(file);
        let (offset, wanted_end) = wish.range_in(file);
        let begin = wish.begin.get_or_insert_with(|| self.position(chunks, offset));
        let mut end = begin.1;
        for chunk in chunks.iter().skip(begin.0) {
            if !self.held.contains(*chunk) || end >= wanted_end.saturating_add(READ_ON_BYTES) {
                break;
            }
            end += u64::from(self.tree.chunk_bytes(*chunk));
        }
        let end = end.min(file.size);
        (end >= wanted_end).then(|| {
            let file_path = self.files.join(wish.path.as_str());
            let (version, content) = self.version;
            Ok(Arrived { file: file_path, version, content, size: file.size, end })
        })
    }

    /// The chunk that `offset` lies in: its position and its own offset.
    fn position(&self, chunks: &[u32], offset: u64) -> (usize, u64) {
        let mut at = 0;
        for (position, chunk) in chunks.iter().enumerate() {
            let end = at + u64::from(self.tree.chunk_bytes(*chunk));
            if end > offset {
                return (position, at);
            }
            at = end;
        }
        (chunks.len(), at)
    }

    /// The chunks that a wish waits for, in the order of the file.
    fn missing(&self, wish: &Wish) -> Vec<u32> {
        let entry = self.tree.find(&wish.path).map(|entry| &entry.node);
        let Some(Node::File(file)) = entry else { return Vec::new() };
        let chunks = self.tree.chunks_of(file);
        let whole = file.opened.is_some();
        let (offset, end) = wish.range_in(file);
        let (skip, mut at) = match wish.begin {
            _ if whole => (0, 0),
            Some(begin) => begin,
            None => self.position(chunks, offset),
        };
        let end = end.saturating_add(READ_ON_BYTES);
        let mut missing = Vec::new();
        for chunk in chunks.iter().skip(skip) {
            if at >= end && !whole {
                break;
            }
            at += u64::from(self.tree.chunk_bytes(*chunk));
            if !self.held.contains(*chunk) {
                missing.push(*chunk);
            }
        }
        missing
    }
}

#[cfg(test)]
mod tests;
