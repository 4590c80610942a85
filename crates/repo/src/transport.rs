//! The bridge from `tough` to [`Fetch`]: limits by role, and a record of what was read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream;
use headstart_model::catalog::CATALOG_BYTES_MAX;
use tough::{Transport, TransportError, TransportErrorKind, TransportStream};
use url::Url;

use crate::fetch::{Fetch, FetchError, FetchRequest, Fetched, Freshness};
use crate::layout;

/// Bytes of one root, timestamp or snapshot. `Ours:` they have one to four kilobytes; key rotation adds a few.
pub(crate) const METADATA_BYTES_MAX: u64 = 256 * 1024;
/// Bytes of the targets: about 250 for each channel.
pub(crate) const TARGETS_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// New roots taken in one check. `Ours:` one a year by default, so this is decades, and bounds an endless chain.
pub(crate) const ROOT_UPDATES_MAX: u64 = 256;

/// Where `tough` believes the repository to be; [`Fetch`] alone knows the real place.
const BASE: &str = "headstart-repository://repository/";

/// The base address of a folder of the repository, as `tough` is told it.
pub(crate) fn base_url(folder: &str) -> Url {
    Url::parse(&format!("{BASE}{folder}/"))
        .expect("constant text around a constant folder is a URL")
}

/// The path in the repository that an address of `tough` stands for.
pub(crate) fn path_of(url: &str) -> String {
    url.strip_prefix(BASE).unwrap_or(url).to_owned()
}

/// The most bytes that the file at `path` may have, whatever the signed documents say.
fn limit_of(path: &str) -> u64 {
    if path.starts_with(layout::CATALOGS) {
        CATALOG_BYTES_MAX
    } else if path.ends_with(".targets.json") {
        TARGETS_BYTES_MAX
    } else {
        METADATA_BYTES_MAX
    }
}

/// What passed through a [`Bridge`] during one load.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The metadata files that were read, by path.
    pub(crate) bodies: BTreeMap<String, Bytes>,
    /// The tag of the timestamp.
    pub(crate) tag: Option<String>,
    /// The last failure that was not a missing file, or was one of a file that must be there.
    pub(crate) failure: Option<(String, FetchError)>,
}

/// Hands the requests of `tough` to a [`Fetch`].
#[derive(Clone)]
pub(crate) struct Bridge {
    fetch: Arc<dyn Fetch>,
    record: Arc<Mutex<Record>>,
    freshness: Freshness,
}

impl Bridge {
    /// A bridge that already holds `known` files, which are not asked for again.
    pub(crate) fn new(fetch: Arc<dyn Fetch>, known: Record, freshness: Freshness) -> Self {
        Self { fetch, record: Arc::new(Mutex::new(known)), freshness }
    }

    /// What was read so far, leaving nothing.
    pub(crate) fn take_record(&self) -> Record {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Record> {
        // A panic elsewhere leaves the record whole: every change to it is one insertion.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, path: &str) -> Result<Bytes, TransportErrorKind> {
        let known = self.lock().bodies.get(path).cloned();
        if let Some(bytes) = known {
            return Ok(bytes);
        }
        let (max_bytes, freshness) = (limit_of(path), self.freshness);
        let request = FetchRequest { path, max_bytes, held: None, freshness };
        match self.fetch.fetch(request).await {
            Ok(Fetched::Body { bytes, tag }) => {
                let mut record = self.lock();
                if path == layout::TIMESTAMP {
                    record.tag = tag;
                }
                if path.starts_with(layout::METADATA) {
                    record.bodies.insert(path.to_owned(), bytes.clone());
                }
                Ok(bytes)
            }
            // Nothing was said to be held, so this answer is a fault of the server.
            Ok(Fetched::NotModified) => {
                Err(self.failed(path, FetchError::Failed("unasked `not modified`".into())))
            }
            Err(error) => Err(self.failed(path, error)),
        }
    }

    fn failed(&self, path: &str, error: FetchError) -> TransportErrorKind {
        let kind = match error {
            FetchError::NotFound | FetchError::Forbidden(_) => TransportErrorKind::FileNotFound,
            _ => TransportErrorKind::Other,
        };
        self.lock().failure = Some((path.to_owned(), error));
        kind
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").finish_non_exhaustive()
    }
}

#[tough::async_trait]
impl Transport for Bridge {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let path = path_of(url.as_str());
        let result = self.read(&path).await.map_err(|kind| TransportError::new(kind, url));
        // The error travels inside the stream on purpose: `tough` takes any error of this call for "there is no newer
        // root", so a network that drops only the roots could hold back a key rotation for ever.
        Ok(Box::pin(stream::iter([result])))
    }
}
