//! The downloader extension of the game: says what is fetched, keeps what arrives, tries again what did not.
//!
//! It runs when the service needs an answer: at the installation, before the game was ever launched. It has a few megabytes of
//! memory and a few minutes a day, reads its own folder, writes the container of its group, and has no network.
#![expect(clippy::print_stderr, reason = "what an extension prints is in the log of the service")]

use std::path::Path;

use headstart::blocking::DownloadManager;
use headstart::downloads::FinishedFile;
use headstart::extension::{self, AppExtensionInfo, DownloaderExtension};
use headstart::{ContentRequest, Download, Error};
use headstart_example_levels::{Manifest, kept_in};

struct Levels {
    downloads: DownloadManager,
}

impl DownloaderExtension for Levels {
    fn downloads(
        &mut self,
        request: ContentRequest,
        manifest: &Path,
        _info: AppExtensionInfo,
    ) -> Result<Vec<Download>, Error> {
        let manifest = match Manifest::read(manifest) {
            Ok(manifest) => manifest,
            Err(error) => {
                eprintln!("the manifest is none: {error}");
                return Ok(Vec::new());
            }
        };
        let may_block = matches!(request, ContentRequest::Install | ContentRequest::Update);
        let kept = kept_in(&self.downloads);
        let missing = manifest.levels.iter().filter(|level| !kept.join(&level.name).exists());
        missing.map(|level| level.download(may_block)).collect()
    }

    fn failed(&mut self, download: &Download, error: &Error) {
        eprintln!("`{}` failed: {error}", download.identifier());
        // The game starts without it; it comes in the background.
        if download.is_essential()
            && let Err(error) = self.downloads.schedule(download.removing_essential())
        {
            eprintln!("`{}` does not come later either: {error}", download.identifier());
        }
    }

    fn finished(&mut self, download: &Download, file: &FinishedFile) {
        let kept = kept_in(&self.downloads);
        let moved = std::fs::create_dir_all(&kept).map_err(|error| error.to_string());
        let moved = moved.and_then(|()| {
            file.move_to(&kept.join(download.identifier())).map_err(|error| error.to_string())
        });
        if let Err(error) = moved {
            eprintln!("`{}` could not be kept: {error}", download.identifier());
        }
    }
}

fn main() -> Result<(), Error> {
    extension::run(Levels { downloads: DownloadManager::connect()? })
}
