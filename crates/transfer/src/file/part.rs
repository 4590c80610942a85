//! The half-finished file and what is known about it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use headstart_model::Digest;
use headstart_sys::positioned::{preallocate, write_all_at};

use super::extents::Extents;
use super::own::{Own, cannot_write, remove_left};
use super::state::{self, Record, StateFile};
use super::turn::Turn;
use super::validator::Validator;
use crate::TransferError;

/// `NAME.part` and `NAME.part.state`.
///
/// The state is created before the first byte and removed before the bytes are, so bytes never lie beside the validator of
/// another file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) target: PathBuf,
    pub(super) path: PathBuf,
    pub(super) state_path: PathBuf,
    source: Digest,
    pub(super) validator: Option<Validator>,
    pub(super) total_bytes: Option<u64>,
    disk: Option<Arc<Disk>>,
    pub(super) turn: Arc<Turn>,
    /// Whether an earlier call left a state, usable or not.
    pub(super) has_state: bool,
}

impl Part {
    /// What an earlier call left for this file and address; empty when there is nothing that can be resumed.
    pub(super) fn find(target: PathBuf, source: Digest, turn: Arc<Turn>) -> io::Result<Self> {
        headstart_sys::durable::check_replaceable(&target).map_err(io::Error::other)?;
        let (path, state_path) = (beside(&target, ".part"), beside(&target, ".part.state"));
        let (validator, total_bytes, disk) = (None, None, None);
        let has_state = state_path.try_exists()?;
        let mut part = Self {
            target,
            path,
            state_path,
            source,
            validator,
            total_bytes,
            disk,
            turn,
            has_state,
        };
        if !has_state {
            return Ok(part);
        }
        let Some(record) = state::read(&part.state_path)?.filter(|record| record.source == source)
        else {
            return Ok(part);
        };
        let Some(validator) = record.validator() else { return Ok(part) };
        let file = match Own::open(&part.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(part),
            Err(error) => return Err(error),
        };
        // A part cut short by somebody else, or a state from elsewhere: nothing of it is believed.
        if file.file().metadata()?.len() < record.reliable().end()
            || record.total_bytes.is_some_and(|total| record.reliable().end() > total)
        {
            return Ok(part);
        }
        let state = StateFile::open(&part.state_path)?;
        part.validator = Some(validator);
        part.total_bytes = record.total_bytes;
        part.disk = Some(Arc::new(Disk::resumed(file, &part.turn, state, record)));
        Ok(part)
    }

    /// The bytes that are there.
    pub(super) fn written(&self) -> Extents {
        self.disk.as_ref().map_or_else(Extents::default, |disk| disk.lock().written.clone())
    }

    /// Whether what is there can be continued: there is something, and a validator.
    pub(super) fn is_resumable(&self) -> bool {
        self.validator.is_some() && self.written().bytes() > 0
    }

    /// Whether every byte is there.
    pub(super) fn is_complete(&self) -> bool {
        let written = self.written();
        self.total_bytes.is_some_and(|total| written.bytes() == total && written.end() == total)
    }

    /// The place to write to; none before [`Self::start_over`] or when nothing was found.
    pub(super) fn disk(&self) -> Option<Arc<Disk>> {
        self.disk.clone()
    }

    /// Throws away what is there and begins a new part.
    ///
    /// The old file is removed and not cut to nothing: a write of a dropped call may still be under way, and must not land
    /// in the new one.
    pub(super) async fn start_over(
        &mut self,
        validator: Option<Validator>,
        total_bytes: Option<u64>,
    ) -> Result<(), TransferError> {
        self.forget().await?;
        let record =
            validator.as_ref().map(|validator| Record::new(self.source, validator, total_bytes));
        let (path, state_path) = (self.path.clone(), self.state_path.clone());
        let turn = Arc::clone(&self.turn);
        let disk = blocking(self.target.clone(), move || {
            let state = match record {
                Some(record) => {
                    let file = StateFile::create(&state_path)?;
                    file.write(&record)?;
                    Some((file, record))
                }
                None => None,
            };
            let file = Own::create(&path)?;
            if let Some(bytes) = total_bytes
                && let Err(error) = preallocate(file.file(), bytes)
            {
                // What was reserved until the disk was full would keep it full.
                [&state_path, &path].into_iter().try_for_each(|path| remove(path))?;
                return Err(error);
            }
            Ok(Disk::new(file, &turn, state))
        })
        .await?;
        self.disk = Some(Arc::new(disk));
        self.has_state = validator.is_some();
        (self.validator, self.total_bytes) = (validator, total_bytes);
        Ok(())
    }

    /// Throws away what is there.
    pub(super) async fn forget(&mut self) -> Result<(), TransferError> {
        // Held until it is removed, so that nobody else takes it.
        let own = self.disk.take();
        (self.validator, self.total_bytes, self.has_state) = (None, None, false);
        let (path, state_path) = (self.path.clone(), self.state_path.clone());
        let turn = Arc::clone(&self.turn);
        blocking(self.target.clone(), move || {
            let _turn = turn;
            match own {
                Some(_own) => [&state_path, &path].into_iter().try_for_each(|path| remove(path)),
                // The state of somebody who works on the part stays as well.
                None => remove_left(&path).and_then(|()| remove(&state_path)),
            }
        })
        .await
    }
}

/// An open part, shared by those who write to it.
#[derive(Debug)]
pub(super) struct Disk {
    file: Own,
    _turn: Arc<Turn>,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    written: Extents,
    durable: Extents,
    /// None: without a validator nothing can be resumed, so nothing is noted down.
    state: Option<(Arc<StateFile>, Record)>,
    recorded_bytes: u64,
    recorded: Instant,
    synced_bytes: u64,
    synced: Instant,
    syncing: bool,
}

impl Disk {
    /// What is written is noted down at least so often …
    const RECORD_EVERY: Duration = Duration::from_millis(200);
    /// … and after this share of the file, so that a kill costs a thousandth of it.
    const RECORD_SHARE: u64 = 1024;
    /// … but not for fewer bytes than this.
    const RECORD_BYTES_MIN: u64 = 64 * 1024;
    /// A power cut costs what came in so long. `Ours:` a download that is over sooner is synced once, at its end.
    const SYNC_EVERY: Duration = Duration::from_secs(5);

    fn new(file: Own, turn: &Arc<Turn>, state: Option<(StateFile, Record)>) -> Self {
        let now = Instant::now();
        let state = state.map(|(file, record)| (Arc::new(file), record));
        let progress = Progress {
            written: Extents::default(),
            durable: Extents::default(),
            state,
            recorded_bytes: 0,
            recorded: now,
            synced_bytes: 0,
            synced: now,
            syncing: false,
        };
        Self { file, _turn: Arc::clone(turn), progress: Mutex::new(progress) }
    }

    fn resumed(file: Own, turn: &Arc<Turn>, state: StateFile, mut record: Record) -> Self {
        let (written, durable) = record.resume();
        let disk = Self::new(file, turn, Some((state, record)));
        {
            let mut progress = disk.lock();
            progress.recorded_bytes = written.bytes();
            progress.synced_bytes = durable.bytes();
            (progress.written, progress.durable) = (written, durable);
        }
        disk
    }

    /// How many bytes are there.
    pub(super) fn bytes(&self) -> u64 {
        self.lock().written.bytes()
    }

    /// How many of the bytes from `start` to `end` are not there.
    pub(super) fn missing_bytes(&self, start: u64, end: u64) -> u64 {
        let progress = self.lock();
        let (mut at, mut missing) = (start, 0);
        while let Some((from, to)) = progress.written.first_gap(at, end) {
            missing += to - from;
            at = to;
        }
        missing
    }

    /// Writes bytes at their place and notes that down if it is time. Blocks, at times until the disk has them.
    pub(super) fn write(&self, start: u64, chunks: &[Bytes]) -> io::Result<()> {
        self.write_out(start, chunks)?;
        let sync = self.lock().begin_sync(Instant::now());
        sync.map_or(Ok(()), |written| self.sync(written))
    }

    /// As [`Self::write`], but does not wait for the disk.
    pub(super) fn write_out(&self, start: u64, chunks: &[Bytes]) -> io::Result<()> {
        let mut end = start;
        for chunk in chunks {
            write_all_at(self.file.file(), chunk, end)?;
            end += chunk.len() as u64;
        }
        let mut progress = self.lock();
        progress.written.insert(start, end);
        progress.record_if_due(Instant::now())
    }

    fn sync(&self, written: Extents) -> io::Result<()> {
        let synced = self.file.file().sync_data();
        let state = {
            let mut progress = self.lock();
            progress.syncing = false;
            progress.synced = Instant::now();
            synced?;
            progress.synced_bytes = written.bytes();
            progress.durable = written;
            progress.record()?;
            progress.state.as_ref().map(|(file, _)| Arc::clone(file))
        };
        // Nobody who only counts bytes waits for this.
        state.map_or(Ok(()), |file| file.sync())
    }

    /// The file itself, to be synced and named.
    pub(super) const fn file(&self) -> &File {
        self.file.file()
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Nothing panics while it is held, and every state of it is a good one.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is written is noted down in any case, so that a call that is dropped or fails loses nothing.
impl Drop for Disk {
    fn drop(&mut self) {
        let progress = self.progress.get_mut().unwrap_or_else(PoisonError::into_inner);
        if progress.recorded_bytes != progress.written.bytes() {
            // What fails here costs bytes that are fetched again.
            let _ = progress.record();
        }
    }
}

impl Progress {
    fn record_if_due(&mut self, now: Instant) -> io::Result<()> {
        let Some((_, record)) = &self.state else { return Ok(()) };
        let share = record.total_bytes.unwrap_or(0) / Disk::RECORD_SHARE;
        let new_bytes = self.written.bytes() - self.recorded_bytes;
        let late = now.saturating_duration_since(self.recorded) >= Disk::RECORD_EVERY;
        if late || new_bytes >= share.max(Disk::RECORD_BYTES_MIN) {
            self.recorded = now;
            self.record()?;
        }
        Ok(())
    }

    fn record(&mut self) -> io::Result<()> {
        self.recorded_bytes = self.written.bytes();
        match &mut self.state {
            Some((file, record)) => {
                record.set(&self.written, &self.durable);
                file.write(record)
            }
            None => Ok(()),
        }
    }

    /// Whether it is time to sync, and what will then be durable.
    fn begin_sync(&mut self, now: Instant) -> Option<Extents> {
        let late = now.saturating_duration_since(self.synced) >= Disk::SYNC_EVERY;
        let due = late && self.state.is_some() && !self.syncing;
        if !due || self.written.bytes() == self.synced_bytes {
            return None;
        }
        self.syncing = true;
        Some(self.written.clone())
    }
}

/// Runs `work` where it may block; its errors name the file.
pub(super) async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, TransferError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|source| cannot_write(path, source))
}

pub(super) fn beside(target: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = target.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(target: &Path, url: &str) -> Part {
        let url = url::Url::parse(url).expect("a URL");
        Part::find(target.to_owned(), state::source_digest(&url), Turn::free()).expect("a folder")
    }

    async fn left_over(target: &Path, validator: Option<&str>) {
        let mut part = find(target, "https://a/f?sig=1");
        let validator = validator.and_then(Validator::parse);
        part.start_over(validator, Some(9)).await.expect("a folder");
        let disk = part.disk().expect("begun");
        disk.write(3, &[Bytes::from_static(b"abc")]).expect("space");
        assert_eq!(disk.missing_bytes(0, 9), 6);
        disk.write(4, &[Bytes::from_static(b"bcd")]).expect("space");
    }

    #[tokio::test]
    async fn a_part_is_found_again_for_the_same_address_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("f");
        left_over(&target, Some("\"one\"")).await;
        let found = find(&target, "https://a/f?sig=2");
        assert_eq!((found.written().bytes(), found.total_bytes), (4, Some(9)));
        assert_eq!(found.written().first_gap(3, 9), Some((7, 9)));
        assert_eq!(found.validator.as_ref().map(Validator::as_str), Some("\"one\""));
        assert!(found.is_resumable() && !found.is_complete());
        let other = find(&target, "https://a/g");
        assert!(!other.is_resumable());
    }

    #[tokio::test]
    async fn without_a_validator_a_readable_state_or_the_bytes_nothing_is_resumed() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("f");
        let found = || find(&target, "https://a/f");
        left_over(&target, None).await;
        assert!(!found().is_resumable());
        left_over(&target, Some("\"one\"")).await;
        std::fs::write(beside(&target, ".part.state"), b"{").expect("writable");
        assert!(!found().is_resumable());
        left_over(&target, Some("\"one\"")).await;
        std::fs::write(beside(&target, ".part"), b"cut").expect("writable");
        assert!(!found().is_resumable());
    }

    #[tokio::test]
    async fn what_was_durable_stays_so_when_it_is_resumed_after_a_new_start_of_the_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("f");
        left_over(&target, Some("\"one\"")).await;
        let part = find(&target, "https://a/f");
        let disk = part.disk().expect("resumed");
        disk.sync(part.written()).expect("a disk");
        drop((disk, part));
        for _ in 0..2 {
            let mut record = state::read(&beside(&target, ".part.state")).expect("readable");
            let record = record.as_mut().expect("a record");
            record.boot = Some("another start".to_owned());
            record.sequence += 1;
            let file = StateFile::open(&beside(&target, ".part.state")).expect("there");
            file.write(record).expect("writable");
            drop(file);
            let part = find(&target, "https://a/f");
            assert_eq!(part.written().first_gap(3, 9), Some((7, 9)));
            // What comes now is not durable yet, and the rest stays so.
            part.disk().expect("resumed").write(0, &[Bytes::from_static(b"a")]).expect("space");
        }
    }

    #[tokio::test]
    async fn a_length_that_finds_no_room_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut part = find(&folder.path().join("f"), "https://a/f");
        let endless = Some(i64::MAX.cast_unsigned());
        let result = part.start_over(Validator::parse("\"one\""), endless).await;
        assert!(matches!(result, Err(TransferError::File { .. })), "{result:?}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0);
    }

    #[tokio::test]
    async fn a_part_that_somebody_writes_is_left_to_him() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("f");
        let mut part = find(&target, "https://a/f");
        part.start_over(Validator::parse("\"one\""), Some(9)).await.expect("a folder");
        let url = url::Url::parse("https://a/g").expect("a URL");
        let found = |url| Part::find(target.clone(), state::source_digest(url), Turn::free());
        // With another address nothing is taken up, and nothing is thrown away either.
        let mut other = found(&url).expect("nothing for this address");
        let result = other.start_over(None, Some(5)).await;
        assert!(matches!(result, Err(TransferError::Busy { .. })), "{result:?}");
        let same = url::Url::parse("https://a/f").expect("a URL");
        assert!(found(&same).is_err());
        assert!(part.path.exists() && part.state_path.exists());
        drop(part);
        other.start_over(None, Some(5)).await.expect("it is free");
    }
}
