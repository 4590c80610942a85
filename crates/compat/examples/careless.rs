//! Panics when it is first told that its file has arrived, and keeps the file when it is told again.
//!
//! As an extension, which is started without arguments, it downloads the file whose address its
//! app's manifest is; as an app the one that its argument names.

#![expect(clippy::print_stdout, reason = "it tells what it is told")]

use std::fs;
use std::path::Path;

use backgroundassets::{
    AppExtensionInfo, BackgroundAssetsError, ContentRequest, Download, DownloadManager,
    DownloadManagerDelegate, DownloadManagerEvent, DownloadSnapshot, DownloaderExtensionHandler,
    UrlDownload, install_global_download_manager_delegate, install_global_downloader_extension,
};

/// Bytes of the file.
const SIZE: u64 = 1024;
const GROUP: &str = "group.com.example.backgroundassets";

fn download(address: &str) -> Result<Download, BackgroundAssetsError> {
    Ok(UrlDownload::new("careless", address, SIZE, GROUP)?.into_download())
}

/// Both run in a folder of their own.
fn finished(unique_identifier: &str, file_url: &str) {
    println!("told of {unique_identifier}");
    let mark = Path::new("panicked");
    if !mark.exists() {
        fs::write(mark, "").expect("a mark");
        panic!("it was not ready");
    }
    fs::rename(file_url.trim_start_matches("file://"), "kept").expect("the file");
}

struct Careless;

impl DownloaderExtensionHandler for Careless {
    fn downloads(
        &mut self,
        _: ContentRequest,
        manifest_url: &str,
        _: &AppExtensionInfo,
    ) -> Result<Vec<Download>, BackgroundAssetsError> {
        let manifest = manifest_url.trim_start_matches("file://");
        let address = fs::read_to_string(manifest).expect("a manifest");
        Ok(vec![download(address.trim())?])
    }

    fn download_finished(&mut self, download: &Download, file_url: &str) {
        finished(&download.unique_identifier(), file_url);
    }
}

impl DownloadManagerDelegate for Careless {
    fn download_finished(&mut self, download: &DownloadSnapshot, file_url: &str) {
        finished(&download.unique_identifier, file_url);
    }
}

fn main() -> Result<(), BackgroundAssetsError> {
    let Some(address) = std::env::args().nth(1) else {
        drop(install_global_downloader_extension(Careless, 1));
        return Ok(());
    };
    let events = install_global_download_manager_delegate(Careless, 64)?;
    let manager = DownloadManager::shared();
    // In 0.4 it says why there is none.
    #[cfg(not(feature = "v0_3"))]
    let manager = manager?;
    #[cfg(feature = "v0_3")]
    let manager = manager.expect("a service");
    manager.start_foreground_download(&download(&address)?)?;
    // The event of each time that it is told.
    let mut times = 0;
    while times < 2 {
        let event = pollster::block_on(events.next()).expect("a service");
        times += u32::from(matches!(event, DownloadManagerEvent::Finished { .. }));
    }
    Ok(())
}
