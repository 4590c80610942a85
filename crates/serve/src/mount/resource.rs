//! One thing to be sent: its bytes, its validators and how to label it.

use super::cache::CachePolicy;
use bytes::Bytes;
use http::HeaderValue;
use std::{
    fmt,
    fs::{File, Metadata},
    io,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// A strong entity tag, without its quotes. RFC 9110, 8.8.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(String);

/// A text that cannot be an entity tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be an entity tag: visible ASCII without quotes, 1 to 128 characters")]
pub struct BadEntityTag {
    /// What was given.
    pub text: String,
}

impl EntityTag {
    /// A tag of 1 to 128 visible ASCII characters without quotes. Whoever supplies one promises
    /// that it changes whenever a byte of the resource does.
    ///
    /// # Errors
    /// [`BadEntityTag`] if the text has other characters or another length.
    pub fn new(text: impl Into<String>) -> Result<Self, BadEntityTag> {
        let text = text.into();
        let good = (1..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        if good { Ok(Self(text)) } else { Err(BadEntityTag { text }) }
    }

    /// Ours: size, modification time in nanoseconds and, where there is one, the inode. A file that
    /// is replaced by a rename changes its inode, one that is rewritten changes its time.
    pub(crate) fn of_file(metadata: &Metadata) -> Self {
        let nanoseconds = metadata
            .modified()
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |since| since.as_nanos());
        Self(format!("{:x}-{nanoseconds:x}-{:x}", metadata.len(), inode(metadata)))
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let hash = blake3::hash(bytes).to_hex();
        Self(hash.chars().take(32).collect())
    }

    /// The same tag with a mark, for answers that pretend to a change.
    pub(crate) fn altered(&self, mark: u64) -> Self {
        Self(format!("{}-changed-{mark}", self.0))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string())
            .expect("an entity tag is visible ASCII, which any header value may hold")
    }
}

/// With the quotes, as in a header.
impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

/// Where the bytes of a resource are.
#[derive(Debug, Clone)]
pub(crate) enum ResourceBody {
    Bytes(Bytes),
    File { file: Arc<File>, len: u64 },
}

impl ResourceBody {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }
}

/// A resource as it was when its request was looked up. The open file keeps it together even if
/// another takes its name meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) body: ResourceBody,
    pub(crate) etag: EntityTag,
    pub(crate) modified: Option<SystemTime>,
    pub(crate) content_type: HeaderValue,
    pub(crate) cache: CachePolicy,
}

impl Resource {
    /// An open file; anything that is not a regular file is refused.
    pub(crate) fn of_file(
        file: File,
        content_type: HeaderValue,
        cache: CachePolicy,
    ) -> io::Result<Option<Self>> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(None);
        }
        Ok(Some(Self {
            etag: EntityTag::of_file(&metadata),
            modified: metadata.modified().ok(),
            body: ResourceBody::File { len: metadata.len(), file: Arc::new(file) },
            content_type,
            cache,
        }))
    }

    pub(crate) fn of_bytes(bytes: Bytes, content_type: HeaderValue, cache: CachePolicy) -> Self {
        Self {
            etag: EntityTag::of_bytes(&bytes),
            modified: None,
            body: ResourceBody::Bytes(bytes),
            content_type,
            cache,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_hold_only_what_a_header_may() {
        assert_eq!(EntityTag::new("v1").unwrap().header(), "\"v1\"");
        for text in ["", "a b", "a\"b", "é", "a\r\nb", &"x".repeat(129)] {
            assert!(EntityTag::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn tag_of_a_file_changes_when_the_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let tag = || EntityTag::of_file(&std::fs::metadata(&path).unwrap());
        std::fs::write(&path, "one").unwrap();
        let first = tag();
        assert_eq!(tag(), first);
        let other = folder.path().join("b");
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_ne!(tag(), first);
    }
}
