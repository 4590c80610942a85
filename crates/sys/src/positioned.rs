//! Reading and writing at a position of a file, and reserving its space beforehand.
//!
//! Several threads may use one descriptor this way, since no shared cursor takes part. (On Windows
//! the cursor moves along; do not mix these calls with `Read` and `Write` on one handle.)

use std::fs::File;
use std::io;

/// Fills `buffer` from the bytes at `offset`.
///
/// # Errors
/// `UnexpectedEof` if the file ends before the buffer is full (what is in the buffer then is
/// unspecified), else the system's error.
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    platform::read_exact_at(file, buffer, offset)
}

/// Writes all of `bytes` at `offset`; a gap between the end of the file and `offset` reads as zeros.
///
/// # Errors
/// The system's error; part of the bytes may then have been written.
pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    platform::write_all_at(file, bytes, offset)
}

/// Writes `parts`, one behind the other, from `offset` on: as [`write_all_at`], in as few calls of the system as it takes.
///
/// # Errors
/// As [`write_all_at`].
pub fn write_all_parts_at(file: &File, parts: &[&[u8]], offset: u64) -> io::Result<()> {
    platform::write_all_parts_at(file, parts, offset)
}

/// Has the system begin to write out what was written to these bytes of the file, without waiting for it: so that a sync that
/// comes later finds little left to do. Promises nothing, and what fails shows at that sync. Elsewhere than on Linux nothing
/// happens.
pub fn begin_write_out(file: &File, offset: u64, length_bytes: u64) {
    platform::begin_write_out(file, offset, length_bytes);
}

/// What [`preallocate`] could do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preallocated {
    /// The space is ours: writing within the length cannot end in a full disk (on file systems
    /// that write in place; those that copy on write may still run out).
    Reserved,
    /// The file has its length, but the file system cannot reserve: a full disk shows when writing.
    LengthOnly,
}

/// Makes the file at least `length_bytes` long and reserves the space, so that a full disk shows
/// before the first byte is fetched.
///
/// Never shortens, never changes existing bytes; new bytes read as zeros. The caller has held
/// `length_bytes` against its own limit.
///
/// # Errors
/// `StorageFull` or `QuotaExceeded` if there is too little space (some may stay reserved until the
/// file is removed), else the system's error.
pub fn preallocate(file: &File, length_bytes: u64) -> io::Result<Preallocated> {
    if length_bytes == 0 {
        return Ok(Preallocated::Reserved);
    }
    if platform::reserve(file, length_bytes)? {
        return Ok(Preallocated::Reserved);
    }
    if file.metadata()?.len() < length_bytes {
        file.set_len(length_bytes)?;
    }
    Ok(Preallocated::LengthOnly)
}

/// Parts that are given to the system in one call: what each system takes.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const PARTS_MAX: usize = 1024;

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn write_each_at(file: &File, parts: &[&[u8]], mut offset: u64) -> io::Result<()> {
    for part in parts {
        write_all_at(file, part, offset)?;
        offset += part.len() as u64;
    }
    Ok(())
}

#[cfg(unix)]
mod platform {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt as _;

    pub(super) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        file.read_exact_at(buffer, offset)
    }

    pub(super) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    pub(super) fn write_all_parts_at(
        file: &File,
        parts: &[&[u8]],
        mut offset: u64,
    ) -> io::Result<()> {
        use std::io::IoSlice;

        use rustix::io::{pwritev, retry_on_intr};

        for parts in parts.chunks(super::PARTS_MAX) {
            let mut slices: Vec<IoSlice<'_>> =
                parts.iter().map(|part| IoSlice::new(part)).collect();
            let mut rest = slices.as_mut_slice();
            // What is empty is taken off, also before the first call.
            IoSlice::advance_slices(&mut rest, 0);
            while !rest.is_empty() {
                let count = retry_on_intr(|| pwritev(file, rest, offset))?;
                if count == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                offset += count as u64;
                IoSlice::advance_slices(&mut rest, count);
            }
        }
        Ok(())
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    pub(super) fn write_all_parts_at(file: &File, parts: &[&[u8]], offset: u64) -> io::Result<()> {
        super::write_each_at(file, parts, offset)
    }

    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "a call that only libc has")]
    pub(super) fn begin_write_out(file: &File, offset: u64, length_bytes: u64) {
        use std::os::fd::AsRawFd as _;

        let (Ok(offset), Ok(length)) = (offset.try_into(), length_bytes.try_into()) else { return };
        // SAFETY: the descriptor is open as long as `file` is borrowed, and no memory is passed.
        let _ = unsafe {
            libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE)
        };
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn begin_write_out(_: &File, _: u64, _: u64) {}

    /// False where the file system cannot reserve.
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    pub(super) fn reserve(file: &File, length_bytes: u64) -> io::Result<bool> {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::{Errno, retry_on_intr};

        match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, length_bytes)) {
            Ok(()) => Ok(true),
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Elsewhere not tried: on macOS the call would cut a longer file short.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    #[expect(clippy::unnecessary_wraps, reason = "Linux can fail")]
    pub(super) fn reserve(_: &File, _: u64) -> io::Result<bool> {
        Ok(false)
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::FileExt as _;

    pub(super) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let (mut rest, mut offset) = (buffer, offset);
        while !rest.is_empty() {
            match file.seek_read(rest, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    rest = rest.split_at_mut(count).1;
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut rest, mut offset) = (bytes, offset);
        while !rest.is_empty() {
            match file.seek_write(rest, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = rest.split_at(count).1;
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn write_all_parts_at(file: &File, parts: &[&[u8]], offset: u64) -> io::Result<()> {
        super::write_each_at(file, parts, offset)
    }

    pub(super) fn begin_write_out(_: &File, _: u64, _: u64) {}

    #[expect(clippy::unnecessary_wraps, reason = "Linux can fail")]
    pub(super) fn reserve(_: &File, _: u64) -> io::Result<bool> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_back_out_of_order() {
        let file = tempfile::tempfile().unwrap();
        write_all_at(&file, b"world", 6).unwrap();
        write_all_at(&file, b"hello ", 0).unwrap();
        let mut buffer = [0; 8];
        read_exact_at(&file, &mut buffer, 3).unwrap();
        assert_eq!(&buffer, b"lo world");
        let error = read_exact_at(&file, &mut buffer, 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn parts_lie_one_behind_the_other() {
        let file = tempfile::tempfile().unwrap();
        let parts: Vec<Vec<u8>> =
            (0..3000_usize).map(|n| vec![n.to_le_bytes()[0]; n % 7]).collect();
        let whole = parts.concat();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        write_all_parts_at(&file, &[], 9).unwrap();
        write_all_parts_at(&file, &[&[], &[]], 9).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        write_all_parts_at(&file, &parts, 5).unwrap();
        begin_write_out(&file, 0, whole.len() as u64);
        let mut found = vec![1; 5 + whole.len()];
        read_exact_at(&file, &mut found, 0).unwrap();
        assert_eq!((&found[..5], &found[5..]), (&[0; 5][..], &whole[..]));
        assert_eq!(file.metadata().unwrap().len(), found.len() as u64);
    }

    #[test]
    fn preallocation_lengthens_and_never_shortens() {
        let file = tempfile::tempfile().unwrap();
        write_all_at(&file, b"abc", 0).unwrap();
        preallocate(&file, 100_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100_000);
        preallocate(&file, 10).unwrap();
        preallocate(&file, 0).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100_000);
        let mut buffer = [1; 5];
        read_exact_at(&file, &mut buffer, 0).unwrap();
        assert_eq!(&buffer, b"abc\0\0");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn reserved_space_is_really_taken() {
        use std::os::unix::fs::MetadataExt as _;

        let file = tempfile::tempfile().unwrap();
        let taken = preallocate(&file, 1 << 20).unwrap();
        let blocks = file.metadata().unwrap().blocks();
        assert_eq!(taken == Preallocated::Reserved, blocks * 512 >= 1 << 20);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn more_than_the_disk_has_is_refused() {
        let file = tempfile::tempfile().unwrap();
        assert!(preallocate(&file, 1 << 61).is_err());
    }
}
