//! The bytes of an installed file.

use std::fmt;
use std::ops::Deref;

use headstart_sys::map::MappedFile;

use crate::Namespace;

/// The bytes of an installed file, mapped into memory: costs memory only for the pages that are
/// read, and the system takes it back when it needs it.
///
/// They stay the same for as long as this exists, also when the pack is updated or removed
/// meanwhile.
pub struct Contents {
    map: MappedFile,
    /// The lease, without which the file might be removed; on some systems that would fail while it
    /// is mapped.
    _namespace: Namespace,
}

impl Contents {
    pub(crate) const fn new(map: MappedFile, namespace: Namespace) -> Self {
        Self { map, _namespace: namespace }
    }
}

impl Deref for Contents {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Says how many bytes, not which.
impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").field("len", &self.len()).finish_non_exhaustive()
    }
}
