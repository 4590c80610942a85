//! Finished files get their names, many at once where many are finished.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use headstart_sys::durable::{Unnamed, name_files};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::batcher::Batcher;
use super::own::{Own, cannot_write, remove_left};
use super::part::{Disk, remove};
use super::turn::Turn;
use crate::TransferError;

/// What a finished file consists of.
#[derive(Debug)]
pub(super) enum Content {
    /// All of it, not written yet.
    Bytes(Vec<Bytes>),
    /// A file that is completely written.
    File(Arc<Disk>),
}

/// A finished file on its way to its name.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) content: Content,
    /// Where it is, or is written, before it has its name.
    pub(super) path: PathBuf,
    pub(super) target: PathBuf,
    /// Removed when the file has its name.
    pub(super) state_path: Option<PathBuf>,
    /// Held until the file has its name.
    pub(super) turn: Arc<Turn>,
}

/// Names finished files. While one group is being brought to disk the next one gathers, so a single file is named at once,
/// and ten thousand small ones cost some tens of syncs.
#[derive(Debug)]
pub(crate) struct Settler {
    batcher: Arc<Batcher<Waiting, io::Result<()>>>,
    room: Arc<Semaphore>,
}

/// Room in memory for what waits to be brought to disk, until it is dropped.
#[derive(Debug)]
pub(super) struct Room(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

#[derive(Debug)]
struct Waiting {
    finished: Finished,
    _room: Room,
}

impl Settler {
    /// The most bytes of small files that wait in memory.
    const ROOM_BYTES: u32 = 32 * 1024 * 1024;

    pub(crate) fn new() -> Self {
        let room = Arc::new(Semaphore::new(Self::ROOM_BYTES as usize));
        Self { batcher: Arc::new(Batcher::new(name)), room }
    }

    /// Waits until there is room in memory for `content` until it is on disk.
    pub(super) async fn room(&self, content: &Content) -> Room {
        let bytes = match content {
            Content::Bytes(chunks) => chunks.iter().map(Bytes::len).sum(),
            Content::File(_) => 0,
        };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(Self::ROOM_BYTES);
        // The semaphore is never closed.
        Room(Arc::clone(&self.room).acquire_many_owned(bytes).await.expect("nobody closes it"))
    }

    /// Gives a file its name. When this returns it survives a power cut. Dropped once the file waits, it is named all the same.
    pub(super) async fn settle(&self, finished: Finished, room: Room) -> Result<(), TransferError> {
        let path = finished.target.clone();
        let named = self.batcher.submit(Waiting { finished, _room: room }).await;
        named.flatten().map_err(|source| cannot_write(path, source))
    }
}

/// Keeps a file from others until it has its name.
enum Held {
    Written(Own),
    Disk(Arc<Disk>),
}

impl Held {
    fn file(&self) -> &File {
        match self {
            Self::Written(own) => own.file(),
            Self::Disk(disk) => disk.file(),
        }
    }
}

fn name(group: Vec<Waiting>) -> Vec<io::Result<()>> {
    let (mut batch, mut held) = (Vec::new(), Vec::new());
    let written: Vec<io::Result<Option<PathBuf>>> = group
        .into_iter()
        .map(|Waiting { finished, _room }| {
            let Finished { content, path, target, state_path, turn } = finished;
            let of_one = match content {
                Content::File(disk) => Held::Disk(disk),
                Content::Bytes(chunks) => Held::Written(write(&path, &chunks)?),
            };
            batch.push(Unnamed { file: of_one.file().try_clone()?, path, target });
            held.push((of_one, turn));
            Ok(state_path)
        })
        .collect();
    let mut named = name_files(batch).into_iter();
    let outcomes = written.into_iter().map(|written| {
        let state_path = written?;
        // There is one for each that was written.
        named.next().ok_or(io::ErrorKind::Interrupted)??;
        state_path.map_or(Ok(()), |path| remove(&path))
    });
    let outcomes = outcomes.collect();
    drop(held);
    outcomes
}

/// A new file, so that no late write of a dropped call lands in it.
fn write(path: &std::path::Path, chunks: &[Bytes]) -> io::Result<Own> {
    let own = match Own::create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            remove_left(path)?;
            Own::create(path)?
        }
        created => created?,
    };
    chunks.iter().try_for_each(|chunk| own.file().write_all(chunk))?;
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_files_are_named_and_a_bad_one_fails_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let settler = Arc::new(Settler::new());
        let finished = |number: usize| {
            let name = if number == 7 { "missing/7".to_owned() } else { number.to_string() };
            let target = folder.path().join(&name);
            let path = folder.path().join(format!("{name}.part"));
            let content = Content::Bytes(vec![Bytes::from(name)]);
            Finished { content, path, target, state_path: None, turn: Turn::free() }
        };
        let all = (0..40).map(|number| {
            let (finished, settler) = (finished(number), Arc::clone(&settler));
            async move {
                let room = settler.room(&finished.content).await;
                settler.settle(finished, room).await
            }
        });
        let results = futures::future::join_all(all).await;
        for (number, result) in results.iter().enumerate() {
            assert_eq!(result.is_ok(), number != 7, "{number}: {result:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 39);
        assert_eq!(std::fs::read(folder.path().join("12")).expect("named"), b"12");
    }
}
