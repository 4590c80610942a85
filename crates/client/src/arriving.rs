//! A file that is read while its pack is still on its way.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headstart_model::protocol::packs::{ArrivedPart, ReadAhead, Readable};
use headstart_model::{ErrorKind, PackId, PackPath, PackVersion, Urgency};
use headstart_sys::identity::FileStamp;
use headstart_sys::positioned;

use crate::blocking::AssetPackManager;
use crate::error::Error;
use crate::namespace::recording;
use crate::run::run;

/// How often a file is looked for that was moved while the answer was under way. Each further time the service has something
/// else to say, so this is not reached unless something else takes files away.
const TRIES_MAX: usize = 8;

/// A file of a pack, readable while the pack is still being downloaded. `Ours:` read ahead of arrival.
///
/// What is read was verified, and is fetched before everything else of the pack; reading waits for what has not arrived. When the pack is
/// installed it is the installed file. Clones read the same file, each from a position of its own.
///
/// ```no_run
/// # fn play(packs: headstart::blocking::AssetPackManager) -> Result<(), Box<dyn std::error::Error>> {
/// use std::io::Read;
///
/// let mut film = packs.read_ahead("films", "films/intro.m4v")?;
/// println!("{} bytes", film.size());
/// let mut head = vec![0; 64 * 1024];
/// film.read_exact(&mut head)?; // waits for these bytes, not for the pack
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ArrivingFile {
    packs: AssetPackManager,
    inner: Arc<Inner>,
    position: u64,
}

#[derive(Debug)]
struct Inner {
    pack: PackId,
    path: PackPath,
    version: PackVersion,
    edition: String,
    size: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: Arc<File>,
    stamp: FileStamp,
    arrived: Arrived,
}

/// Which bytes of a file can be read: ends by their starts, apart from each other.
#[derive(Debug, Default)]
struct Arrived(BTreeMap<u64, u64>);

impl Arrived {
    fn add(&mut self, part: Range<u64>) {
        let (mut start, mut end) = (part.start, part.end);
        if start >= end {
            return;
        }
        while let Some((other, other_end)) = self.0.range(..=end).next_back().map(|(s, e)| (*s, *e))
            && other_end >= start
        {
            self.0.remove(&other);
            (start, end) = (start.min(other), end.max(other_end));
        }
        self.0.insert(start, end);
    }

    /// Where what can be read from `offset` on ends.
    fn end_from(&self, offset: u64) -> Option<u64> {
        let (_, end) = self.0.range(..=offset).next_back()?;
        (*end > offset).then_some(*end)
    }
}

/// What can be read now.
struct Found {
    file: File,
    stamp: FileStamp,
    version: PackVersion,
    /// The version and its content: numbers begin anew in a repository that was made anew.
    edition: String,
    size: u64,
    part: Range<u64>,
}

impl ArrivingFile {
    pub(crate) fn open(packs: &AssetPackManager, pack: &str, path: &str) -> Result<Self, Error> {
        let pack = PackId::new(pack).map_err(|_| Error::asset_pack_not_found(pack))?;
        let path = crate::consume::path_of(path)?;
        let found = find(packs, (&pack, &path), 0..1)
            .map_err(|error| error.about_file(path.as_str()).about_pack(pack.as_str()))?;
        recording::note(pack.as_str(), path.as_str());
        let Found { file, stamp, version, edition, size, part } = found;
        let mut arrived = Arrived::default();
        arrived.add(part);
        let state = Mutex::new(State { file: Arc::new(file), stamp, arrived });
        let inner = Arc::new(Inner { pack, path, version, edition, size, state });
        Ok(Self { packs: packs.clone(), inner, position: 0 })
    }

    /// The same file, asked for through `packs`.
    pub(crate) fn through(self, packs: &AssetPackManager) -> Self {
        Self { packs: packs.clone(), ..self }
    }

    /// Bytes of the whole file, arrived or not.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.inner.size
    }

    /// The version that the file belongs to.
    #[must_use]
    pub fn version(&self) -> PackVersion {
        self.inner.version
    }

    /// How many bytes from `offset` on are known to have arrived. Asks nobody and waits for nothing: there may be more.
    #[must_use]
    pub fn arrived_from(&self, offset: u64) -> u64 {
        self.inner.lock().arrived.end_from(offset).map_or(0, |end| end - offset)
    }

    /// Reads at `offset` as much as has arrived and fits into `buffer`, at least a byte unless the file ends there or `buffer` is empty; waits
    /// for that byte. Leaves the position of [`Read`] alone.
    ///
    /// # Errors
    /// Why the pack could not be had, as [`ensure_local_availability`](AssetPackManager::ensure_local_availability); `assetPackReplaced`
    /// when another version took its place, and the file is to be opened again; `fileDamaged` when the disk fails.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        if buffer.is_empty() || offset >= self.size() {
            return Ok(0);
        }
        let (file, end) = self.inner.wait_for(&self.packs, offset..offset + 1)?;
        let most = usize::try_from(end - offset).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        positioned::read_exact_at(&file, buffer, offset).map_err(|error| damaged(&error))?;
        Ok(most)
    }

    /// Waits until these bytes have arrived, as far as the file has so many; [`read_at`](Self::read_at) does not wait for them then.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    pub fn wait_for(&self, bytes: Range<u64>) -> Result<(), Error> {
        self.inner.wait_for(&self.packs, bytes).map(drop)
    }

    /// As [`wait_for`](Self::wait_for), for futures.
    ///
    /// Cancel safe: dropping it ends the wait; the download goes on.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    pub async fn arrival(&self, bytes: Range<u64>) -> Result<(), Error> {
        let inner = Arc::clone(&self.inner);
        run(&self.packs, move |packs| inner.wait_for(&packs, bytes).map(drop)).await
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and every state of it is a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file, and where what has arrived from the beginning of `bytes` on ends.
    fn wait_for(
        &self,
        packs: &AssetPackManager,
        bytes: Range<u64>,
    ) -> Result<(Arc<File>, u64), Error> {
        let bytes = bytes.start..bytes.end.min(self.size);
        {
            let state = self.lock();
            let end = state.arrived.end_from(bytes.start).unwrap_or(bytes.start);
            if end >= bytes.end {
                return Ok((Arc::clone(&state.file), end));
            }
        }
        let found = find(packs, (&self.pack, &self.path), bytes.clone())?;
        if found.edition != self.edition || found.size != self.size {
            return Err(self.replaced());
        }
        let mut state = self.lock();
        // What was put together may have been begun anew, in another file.
        if !found.stamp.is_same_file(&state.stamp) {
            (state.file, state.stamp) = (Arc::new(found.file), found.stamp);
            state.arrived = Arrived::default();
        }
        let end = found.part.end;
        state.arrived.add(found.part);
        Ok((Arc::clone(&state.file), end))
    }

    fn replaced(&self) -> Error {
        let text = format!(
            "version {} of asset pack `{}` gave way to another while it was read",
            self.version, self.pack
        );
        Error::new(ErrorKind::Conflict, "assetPackReplaced", text).with_hint("open the file again")
    }
}

/// Waits for a part of a file, and opens the file.
fn find(
    packs: &AssetPackManager,
    (pack, path): (&PackId, &PackPath),
    bytes: Range<u64>,
) -> Result<Found, Error> {
    for _ in 0..TRIES_MAX {
        if packs.asset_pack_is_available_locally(pack.as_str()) {
            return installed(packs, pack, path);
        }
        let call = ReadAhead {
            app: packs.on_behalf_of(),
            pack: pack.clone(),
            path: path.clone(),
            offset: bytes.start,
            bytes: bytes.end.saturating_sub(bytes.start),
            urgency: Urgency::Immediate,
        };
        if let Readable::Arrived(part) = packs.call(&call)?
            && let Some(found) = open_part(part, bytes.start)?
        {
            return Ok(found);
        }
    }
    let text = format!("`{path}` of asset pack `{pack}` is taken away again and again");
    Err(Error::new(ErrorKind::Internal, "fileDamaged", text).with_hint("try again"))
}

/// None when the file was moved meanwhile, or another one lies there.
fn open_part(part: ArrivedPart, start: u64) -> Result<Option<Found>, Error> {
    let ArrivedPart { file, device, inode, version, content, size, end } = part;
    let file = match File::open(&file) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(damaged(&error)),
    };
    let stamp = FileStamp::of_file(&file).map_err(|error| damaged(&error))?;
    let is_another = inode != 0 && (device, inode) != (stamp.device, stamp.inode);
    let edition = format!("{version}-{}", content.short());
    let part = start..end.min(size);
    Ok((!is_another).then_some(Found { file, stamp, version, edition, size, part }))
}

fn installed(packs: &AssetPackManager, pack: &PackId, path: &PackPath) -> Result<Found, Error> {
    let namespace = packs.namespace()?;
    let (version, edition) = namespace.edition(pack.as_str())?;
    let file = namespace.descriptor_in(pack.as_str(), path.as_str())?;
    let stamp = FileStamp::of_file(&file).map_err(|error| damaged(&error))?;
    let size = stamp.size_bytes;
    Ok(Found { file, stamp, version, edition, size, part: 0..size })
}

fn damaged(error: &io::Error) -> Error {
    Error::of(ErrorKind::Internal, "fileDamaged", error)
}

impl Read for ArrivingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read_at(self.position, buffer).map_err(io::Error::other)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for ArrivingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.size().checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_touch_become_one_and_holes_stay() {
        let mut arrived = Arrived::default();
        for part in [10..20, 40..50, 20..30, 5..5] {
            arrived.add(part);
        }
        assert_eq!(arrived.0, BTreeMap::from([(10, 30), (40, 50)]));
        assert_eq!(arrived.end_from(9), None);
        assert_eq!(arrived.end_from(10), Some(30));
        assert_eq!(arrived.end_from(30), None);
        arrived.add(0..45);
        assert_eq!(arrived.0, BTreeMap::from([(0, 50)]));
        arrived.add(10..20);
        assert_eq!(arrived.end_from(49), Some(50));
    }
}
