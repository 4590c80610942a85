//! The mark on files that may be deleted when the disk gets full.
//!
//! An extended attribute of the file: moving keeps it, copying or writing anew loses it. `Spec: concepts 13`. Where the file
//! system or the platform has none, nothing is marked, and the file is kept like any other.

use std::io;
use std::path::Path;

/// The attribute's name.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NAME: &str = "user.headstart.purgeable";
#[cfg(target_vendor = "apple")]
const NAME: &str = "io.headstart.purgeable";

/// Marks a file. It must not be a link.
///
/// # Errors
/// The system's error; `Unsupported` where there are no such marks.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub fn mark(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::lsetxattr(path, NAME, b"1", rustix::fs::XattrFlags::empty())?)
}

/// Whether a file is marked. One that cannot be asked is not.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
#[must_use]
pub fn is_marked(path: &Path) -> bool {
    let mut value = [0_u8; 8];
    rustix::fs::lgetxattr(path, NAME, &mut value[..]).is_ok_and(|length| length > 0)
}

/// Nothing is marked here.
///
/// # Errors
/// Always `Unsupported`.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub fn mark(_: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nothing is marked here.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[must_use]
pub fn is_marked(_: &Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn moving_keeps_the_mark_and_copying_loses_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [file, moved, copy] = ["file", "moved", "copy"].map(|name| folder.path().join(name));
        std::fs::write(&file, b"content").expect("room");
        assert!(!is_marked(&file));
        if mark(&file).is_err() {
            // A file system without attributes: there is nothing to keep.
            return;
        }
        assert!(is_marked(&file));
        std::fs::rename(&file, &moved).expect("in one folder");
        assert!(is_marked(&moved));
        let content = std::fs::read(&moved).expect("it is there");
        std::fs::write(&copy, content).expect("room");
        assert!(!is_marked(&copy));
    }
}
