//! The extension that is measured: this very program, started by the service in its confinement.
#![expect(
    clippy::disallowed_methods,
    reason = "a program of its own, which reads its environment and the clock"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use headstart::extension::{self, AppExtensionInfo, DownloaderExtension};
use headstart::{AppGroupId, ContentRequest, Download, Error, UrlDownload};

/// The file in the group's folder with the times of each call.
pub(super) const TIMES: &str = "times";
/// What a service sets for an extension.
const PORT: &str = "HEADSTART_EXTENSION_PORT";

/// Whether a service has started this program as an extension.
pub(crate) fn is_wanted() -> bool {
    std::env::var_os(PORT).is_some()
}

/// Answers the service until it has no more questions.
pub(crate) fn run() -> Result<(), Error> {
    extension::run(Probe)
}

struct Probe;

impl DownloaderExtension for Probe {
    /// The manifest says how many downloads there are, and how the first one's name begins.
    fn downloads(
        &mut self,
        _request: ContentRequest,
        manifest: &Path,
        _info: AppExtensionInfo,
    ) -> Result<Vec<Download>, Error> {
        let called = now_ns();
        let text = std::fs::read_to_string(manifest).unwrap_or_default();
        let mut words = text.split_whitespace();
        let (count, name) = (words.next().unwrap_or("0"), words.next().unwrap_or("d"));
        let folder = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        let group = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Ok(group) = AppGroupId::new(group) else { return Ok(Vec::new()) };
        let downloads = some(name, count.parse().unwrap_or_default(), &group)?;
        let mut times = std::fs::read_to_string(folder.join(TIMES)).unwrap_or_default();
        let _ = writeln!(times, "{called} {}", now_ns());
        // One that cannot be written leaves a line too few, which is noticed.
        let _ = std::fs::write(folder.join(TIMES), times);
        Ok(downloads)
    }
}

/// So many downloads; nobody serves them.
pub(super) fn some(name: &str, count: usize, group: &AppGroupId) -> Result<Vec<Download>, Error> {
    let one = |n: usize| {
        let url = format!("http://127.0.0.1:9/assets/{name}/{n}");
        UrlDownload::new(&format!("{name}-{n}"), &url, 1_000, group).map(Download::from)
    };
    (0..count).map(one).collect()
}

/// The time of the system, the same in all processes.
pub(super) fn now_ns() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos()
}
