//! Reading a file before its pack is there.

use serde::{Deserialize, Serialize};

use super::PackPath;
use super::method;
use crate::{AppId, Digest, PackId, PackVersion, Urgency};

/// Makes a pack readable, as [`Ensure`](super::Ensure) does, and answers as soon as a part of one of its files has arrived, which is fetched before
/// all others. Fails as `Ensure` does, and with `fileNotFound`.
///
/// `Ours:` for apps that begin with the first bytes of a large file. What has arrived was verified; it is the same file that will be
/// installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadAhead {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The pack.
    pub pack: PackId,
    /// The file's path inside the pack.
    pub path: PackPath,
    /// From which byte on it is read.
    #[serde(default)]
    pub offset: u64,
    /// How many bytes have to be there, as far as the file has so many; at least one is waited for.
    #[serde(default)]
    pub bytes: u64,
    /// How urgently the pack is waited for.
    #[serde(default)]
    pub urgency: Urgency,
}

/// What the service answers to [`ReadAhead`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Readable {
    /// A part of the file can be read; its pack is still on its way.
    Arrived(ArrivedPart),
    /// The pack is installed: its files are read as any other.
    Installed {},
}

/// A part of a file whose pack is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivedPart {
    /// Where the file grows, absolute. It is moved when the pack is complete: whoever has it open then goes on reading it; who finds
    /// it gone calls again.
    pub file: String,
    /// The device and inode of that file, so that another one that lies there meanwhile is not taken for it; 0 where there are none.
    pub device: u64,
    /// See `device`.
    pub inode: u64,
    /// The version that it belongs to.
    pub version: PackVersion,
    /// That version's content: parts of the same content belong together.
    pub content: Digest,
    /// Bytes of the whole file.
    pub size: u64,
    /// Everything from the offset asked for to here has arrived. What lies elsewhere in the file has perhaps not: it is not to be read.
    pub end: u64,
}

method!(ReadAhead, "io.headstart.Packs.ReadAhead", One, Readable);
