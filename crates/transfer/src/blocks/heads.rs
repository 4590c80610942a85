//! What has arrived of blocks that are not complete.
//!
//! A head is not verified: it is gone on with, and the whole block is hashed when its rest has come. Heads outlive the
//! connection in memory, and the process in a folder, if the caller names one.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::WantedBlock;

/// How old the newest bytes of a head get before they are written. A block that comes faster is never written at all.
pub(super) const SAVE_EVERY: Duration = Duration::from_millis(100);

/// The beginning of a block.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) bytes: BytesMut,
    /// How many of these are in the folder.
    pub(super) saved_bytes: usize,
    /// How many were there when the present attempt began.
    pub(super) begun_bytes: usize,
    /// How many an earlier life fetched, so that they are counted once.
    pub(super) found_bytes: usize,
    /// Who gave it.
    pub(super) giver: Giver,
}

/// Who gave the beginning of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Giver {
    /// There is none.
    #[default]
    Nobody,
    /// The source of this number, all of it.
    One(usize),
    /// Several, or one of an earlier life.
    Several,
}

impl Giver {
    /// Who gave it once `source` has given the rest.
    pub(super) fn and(self, source: usize) -> Self {
        match self {
            Self::Nobody => Self::One(source),
            Self::One(giver) if giver == source => self,
            Self::One(_) | Self::Several => Self::Several,
        }
    }
}

/// The heads of one call, by the offsets of their blocks.
#[derive(Debug)]
pub(super) struct Heads {
    folder: Option<PathBuf>,
    in_memory: Mutex<HashMap<u64, Head>>,
    on_disk: Mutex<HashSet<u64>>,
}

impl Heads {
    /// Looks into `folder` for heads of these blocks. What is there of other blocks is of no use any more and removed.
    /// Blocks.
    pub(super) fn find(folder: Option<PathBuf>, blocks: &[WantedBlock]) -> Self {
        let mut on_disk = HashSet::new();
        if let Some(folder) = &folder {
            let wanted: HashMap<String, &WantedBlock> =
                blocks.iter().map(|block| (name(block), block)).collect();
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                match name.to_str().and_then(|name| wanted.get(name)) {
                    Some(block) => {
                        on_disk.insert(block.offset);
                    }
                    None => drop(fs::remove_file(entry.path())),
                }
            }
        }
        Self { folder, in_memory: Mutex::default(), on_disk: Mutex::new(on_disk) }
    }

    /// The head of `block`, which is the caller's from now on.
    pub(super) async fn take(&self, block: &WantedBlock) -> Head {
        if let Some(head) = lock(&self.in_memory).remove(&block.offset) {
            return head;
        }
        let (Some(folder), true) = (&self.folder, lock(&self.on_disk).contains(&block.offset))
        else {
            return Head::default();
        };
        let (path, limit) = (folder.join(name(block)), block.bytes as usize);
        let read = tokio::task::spawn_blocking(move || read_head(&path, limit)).await;
        let bytes = read.unwrap_or_default();
        let (saved_bytes, found_bytes) = (bytes.len(), bytes.len());
        let giver = if bytes.is_empty() { Giver::Nobody } else { Giver::Several };
        Head { bytes, saved_bytes, begun_bytes: 0, found_bytes, giver }
    }

    /// Keeps a head for the next who asks.
    pub(super) fn keep(&self, block: &WantedBlock, head: Head) {
        if !head.bytes.is_empty() {
            lock(&self.in_memory).insert(block.offset, head);
        }
    }

    /// How many bytes of `block` are kept in memory.
    pub(super) fn kept_bytes(&self, block: &WantedBlock) -> usize {
        lock(&self.in_memory).get(&block.offset).map_or(0, |head| head.bytes.len())
    }

    /// Whether heads are written at all.
    pub(super) const fn are_written(&self) -> bool {
        self.folder.is_some()
    }

    /// Writes `news`, which follows the first `saved_bytes` of the head of `block`. Says how many bytes are saved then.
    ///
    /// `Ours:` not brought to stable storage, and a failure costs only a second fetch: the whole block is hashed anyway.
    pub(super) async fn save(&self, block: &WantedBlock, saved_bytes: usize, news: Bytes) -> usize {
        let Some(folder) = self.folder.clone() else { return saved_bytes };
        lock(&self.on_disk).insert(block.offset);
        let (path, length) = (folder.join(name(block)), news.len());
        let write = move || append(&folder, &path, saved_bytes, &news);
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => saved_bytes + length,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the beginning of a block is not kept");
                saved_bytes
            }
            Err(_) => saved_bytes,
        }
    }

    /// The head of `block` is of no use any more.
    pub(super) fn forget(&self, block: &WantedBlock) {
        lock(&self.in_memory).remove(&block.offset);
        if let (Some(folder), true) = (&self.folder, lock(&self.on_disk).remove(&block.offset)) {
            // One that stays is found to be unwanted the next time.
            let _ = fs::remove_file(folder.join(name(block)));
        }
    }
}

/// Offset and digest: a head is gone on with only for the very same block.
fn name(block: &WantedBlock) -> String {
    format!("{}-{}", block.offset, block.digest.short())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held, and every state is a good one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the file holds; nothing if that is not shorter than the block, for then it is not a head.
fn read_head(path: &Path, limit: usize) -> BytesMut {
    let fits = fs::metadata(path).is_ok_and(|metadata| metadata.len() < limit as u64);
    let read = if fits { fs::read(path).unwrap_or_default() } else { Vec::new() };
    if read.len() < limit { BytesMut::from(&read[..]) } else { BytesMut::new() }
}

fn append(folder: &Path, path: &Path, saved_bytes: usize, news: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = fs::File::options().append(true).create(true).open(path)?;
    // What an earlier life left behind may be longer than what is known here, or begin otherwise.
    if file.metadata()?.len() != saved_bytes as u64 {
        file.set_len(saved_bytes as u64)?;
    }
    file.write_all(news)
}

#[cfg(test)]
mod tests {
    use headstart_model::Digest;

    use super::*;

    fn block(offset: u64, text: &[u8]) -> WantedBlock {
        let bytes = u32::try_from(text.len()).expect("short");
        WantedBlock { offset, bytes, digest: Digest::of(text), tag: 0 }
    }

    #[tokio::test]
    async fn heads_outlive_the_process_and_only_for_the_same_block() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Some(folder.path().join("heads"));
        let (wanted, other) = (block(5, b"abcdef"), block(5, b"uvwxyz"));
        let first = Heads::find(place.clone(), &[wanted]);
        let saved = first.save(&wanted, 0, Bytes::from_static(b"ab")).await;
        assert_eq!(first.save(&wanted, saved, Bytes::from_static(b"c")).await, 3);
        let second = Heads::find(place.clone(), &[wanted]);
        let head = second.take(&wanted).await;
        assert_eq!((&head.bytes[..], head.saved_bytes, head.found_bytes), (&b"abc"[..], 3, 3));
        assert!(Heads::find(place.clone(), &[other]).take(&other).await.bytes.is_empty());
        assert!(Heads::find(place, &[wanted]).take(&wanted).await.bytes.is_empty(), "removed");
    }

    #[tokio::test]
    async fn what_is_as_long_as_the_block_is_no_head() {
        let folder = tempfile::tempdir().expect("a folder");
        let wanted = block(0, b"abc");
        fs::write(folder.path().join(name(&wanted)), b"abc").expect("written");
        let heads = Heads::find(Some(folder.path().to_owned()), &[wanted]);
        assert!(heads.take(&wanted).await.bytes.is_empty());
        assert_eq!(heads.save(&wanted, 0, Bytes::from_static(b"x")).await, 1);
        let again = Heads::find(Some(folder.path().to_owned()), &[wanted]);
        assert_eq!(&again.take(&wanted).await.bytes[..], b"x");
        again.forget(&wanted);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
