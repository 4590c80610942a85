//! Where things lie in a repository. `docs/format/repository.md` is the normative page.
//!
//! Every path here is relative to the root of the repository and uses `/`, so that the same text serves as the path of a
//! URL and, after [`join`], as a path on disk. Everything but `metadata/timestamp.json` is immutable once a timestamp
//! leads to it.

use std::path::{Path, PathBuf};

use headstart_model::ChannelName;

use crate::Sha256;

/// Folder of the signed metadata.
pub const METADATA: &str = "metadata";
/// Folder of the catalogs and the ledger: the targets, in the words of The Update Framework.
pub const CATALOGS: &str = "catalogs";
/// Folder of the indexes.
pub const INDEXES: &str = "indexes";
/// Folder of the bundles.
pub const BUNDLES: &str = "bundles";
/// The file that leads to everything else: the only one that changes in place.
pub const TIMESTAMP: &str = "metadata/timestamp.json";
/// The first root, under the name that app bundles and `clone --root` know. Never changes.
pub const FIRST_ROOT: &str = "metadata/root.json";
/// Locked while the repository is written; says nothing and is never signed.
pub const LOCK: &str = ".lock";
/// Name of the ledger among the targets. `Ours:` no channel can take it, because their names end in `.json`.
pub const LEDGER_TARGET: &str = "ledger";

/// Path of a version of the root.
#[must_use]
pub fn root(version: u64) -> String {
    format!("{METADATA}/{version}.root.json")
}

/// Path of a version of the targets.
#[must_use]
pub fn targets(version: u64) -> String {
    format!("{METADATA}/{version}.targets.json")
}

/// Path of a version of the snapshot.
#[must_use]
pub fn snapshot(version: u64) -> String {
    format!("{METADATA}/{version}.snapshot.json")
}

/// Name of a channel's catalog among the targets.
#[must_use]
pub fn catalog_target(channel: &ChannelName) -> String {
    format!("{channel}.json")
}

/// Path of the file behind a target: consistent snapshots put the file's own digest before its name, so that a reader
/// in the middle of an update never meets a file of the next release.
#[must_use]
pub fn target(sha256: &Sha256, name: &str) -> String {
    format!("{CATALOGS}/{sha256}.{name}")
}

/// Path of one edition of a channel's catalog.
#[must_use]
pub fn catalog(sha256: &Sha256, channel: &ChannelName) -> String {
    target(sha256, &catalog_target(channel))
}

/// The path on disk of `path`, which came from outside; none unless each of its parts is an ordinary file name.
///
/// `Ours:` a hostile name must not lead out of the folder, whatever layer let it through.
#[must_use]
pub fn join(folder: &Path, path: &str) -> Option<PathBuf> {
    let plain = |part: &str| {
        !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', ':', '\0'])
    };
    path.split('/')
        .all(plain)
        .then(|| path.split('/').fold(folder.to_owned(), |at, part| at.join(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        let folder = Path::new("repo");
        for path in ["", "..", "a/../b", "/etc/passwd", "a//b", "a\\b", "c:/x", "a/.", "a\0"] {
            assert_eq!(join(folder, path), None, "{path:?}");
        }
        assert_eq!(join(folder, TIMESTAMP), Some(folder.join("metadata").join("timestamp.json")));
    }

    #[test]
    fn a_catalog_carries_its_digest_in_its_name() {
        let sha256 = Sha256::of(b"");
        assert_eq!(
            catalog(&sha256, &ChannelName::production()),
            "catalogs/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.production.json"
        );
    }
}
