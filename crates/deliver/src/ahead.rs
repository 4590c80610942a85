//! Reading a version that is still on its way.
//!
//! Whoever waits for a part of a file says so here. The delivery, which knows what has arrived and been verified, answers; and
//! it has the blocks of that part fetched before all others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headstart_model::{Digest, PackPath, PackVersion};
use headstart_pack::{ChunkSet, FileNode, Node, Tree};
use headstart_sys::identity::FileStamp;
use tokio::sync::{oneshot, watch};

/// Readers that wait at once; beyond it nobody is let in. `Ours:` what they cost with each block is bounded by it.
const READERS_MAX: usize = 256;
/// So much behind what is wanted is brought forward too: whoever reads a file goes on reading it.
const READ_ON_BYTES: u64 = 8 * 1024 * 1024;
/// So much of what one reader waits for is told at once. `Ours:` whoever waits for a whole film does not keep others from their first bytes
/// for as long as it takes, nor the list of all its chunks in memory.
const TOLD_BYTES: u64 = 64 * 1024 * 1024;

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
    /// Which file that is: another one may lie there when the caller looks.
    pub stamp: FileStamp,
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
    /// Counts the attempts at putting a version together; it is that of the last one.
    attempt: u64,
    wishes: BTreeMap<u64, Wish>,
    next: u64,
}

/// One attempt at putting a version together, which readers follow until it is dropped. `Ours:` it speaks to them only while it is the
/// last one: who outlives a panic of its own has nothing to say about the next.
#[derive(Debug)]
pub(crate) struct Attempt {
    ahead: Arc<Ahead>,
    number: u64,
}

impl Attempt {
    /// All of `held` is in place.
    pub(crate) fn placed(&self, held: &ChunkSet) {
        let mut state = self.ahead.lock();
        if state.attempt != self.number {
            return;
        }
        if let Some(site) = &mut state.site {
            site.held.clone_from(held);
            state.answer_all();
            let more = state.wishes.values().any(Wish::wants_more);
            drop(state);
            if more {
                self.ahead.wanted.send_modify(|changes| *changes += 1);
            }
        }
    }
}

/// Nothing is put together any more; who still waits goes on waiting.
impl Drop for Attempt {
    fn drop(&mut self) {
        let mut state = self.ahead.lock();
        if state.attempt == self.number {
            state.site = None;
        }
    }
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
    /// The first chunk of the file, from the one on that the wish begins in, that has not arrived: its position among the chunks of
    /// the file, and its offset. Only ever moves on, so that waiting for a long file costs each chunk once.
    front: Option<(usize, u64)>,
    /// Where that was when it was last told what is wanted.
    told_at: Option<u64>,
    answer: oneshot::Sender<Answer>,
}

impl Wish {
    fn of((path, offset, bytes): (PackPath, u64, u64), answer: oneshot::Sender<Answer>) -> Self {
        Self { path, offset, bytes, front: None, told_at: None, answer }
    }

    /// Whether so much of what was told has arrived that more is to be told.
    fn wants_more(&self) -> bool {
        let front = self.front.map(|(_, at)| at);
        front.zip(self.told_at).is_some_and(|(front, told)| front >= told + TOLD_BYTES / 2)
    }

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
            state.wishes.insert(number, Wish::of((path, offset, bytes), answer));
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

    /// A version is put together below `files`, as long as what is given back is not dropped.
    pub(crate) fn begin(
        self: &Arc<Self>,
        tree: &Arc<Tree>,
        version: (PackVersion, Digest),
        files: PathBuf,
        held: &ChunkSet,
    ) -> Attempt {
        let mut state = self.lock();
        state.attempt += 1;
        for wish in state.wishes.values_mut() {
            (wish.front, wish.told_at) = (None, None);
        }
        let (tree, held) = (Arc::clone(tree), held.clone());
        state.site = Some(View { tree, files, version, held });
        state.answer_all();
        Attempt { ahead: Arc::clone(self), number: state.attempt }
    }

    /// Told when something else is wanted.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.wanted.subscribe()
    }

    /// The chunks that readers wait for, those of the newest first, then what follows in their files. Of each as much as is fetched in a
    /// while: when that has come, [`follow`](Self::follow) tells.
    pub(crate) fn wanted(&self) -> Vec<u32> {
        let mut state = self.lock();
        let State { site, wishes, .. } = &mut *state;
        let Some(site) = site else { return Vec::new() };
        let mut wanted = Vec::new();
        let mut read_on = Vec::new();
        for wish in wishes.values_mut().rev() {
            site.missing(wish, (&mut wanted, &mut read_on));
            wish.told_at = wish.front.map(|(_, at)| at);
        }
        wanted.extend(read_on);
        wanted
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
        let mut front = wish.front.unwrap_or_else(|| self.position(chunks, offset));
        let enough = wanted_end.saturating_add(READ_ON_BYTES);
        while let Some(chunk) = chunks.get(front.0).filter(|chunk| self.held.contains(**chunk))
            && front.1 < enough
        {
            front = (front.0 + 1, front.1 + u64::from(self.tree.chunk_bytes(*chunk)));
        }
        wish.front = Some(front);
        let end = front.1.min(file.size);
        if end < wanted_end {
            return None;
        }
        let path = self.files.join(wish.path.as_str());
        // Just now it may have been moved into its place: the caller hears of that in another way.
        let stamp = FileStamp::of_path(&path).ok()?;
        let (version, content) = self.version;
        Some(Ok(Arrived { file: path, stamp, version, content, size: file.size, end }))
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

    /// Adds the chunks that a wish waits for to the first list, and those that follow them to the second, in the order of the file.
    fn missing(&self, wish: &Wish, (wanted, read_on): (&mut Vec<u32>, &mut Vec<u32>)) {
        let entry = self.tree.find(&wish.path).map(|entry| &entry.node);
        let Some(Node::File(file)) = entry else { return };
        let chunks = self.tree.chunks_of(file);
        let (offset, wanted_end) = wish.range_in(file);
        // Of an opened container all chunks are needed for any byte.
        let (wanted_end, front) = match wish.front {
            _ if file.opened.is_some() => (u64::MAX, (0, 0)),
            Some(front) => (wanted_end, front),
            None => (wanted_end, self.position(chunks, offset)),
        };
        let told_end = front.1.saturating_add(TOLD_BYTES);
        let (mut at, read_on_end) = (front.1, wanted_end.saturating_add(READ_ON_BYTES));
        for chunk in chunks.iter().skip(front.0) {
            if at >= told_end.min(read_on_end) {
                break;
            }
            if !self.held.contains(*chunk) {
                if at < wanted_end { wanted.push(*chunk) } else { read_on.push(*chunk) }
            }
            at += u64::from(self.tree.chunk_bytes(*chunk));
        }
    }
}

#[cfg(test)]
mod tests;
