//! An extension that panics when it is first told that its file has arrived, and keeps the file when
//! it is told again. The manifest of its app is the address of the file.

#![expect(clippy::print_stdout, reason = "it tells what it is told")]

use std::fs;
use std::path::Path;

use backgroundassets::{
    AppExtensionInfo, BackgroundAssetsError, ContentRequest, Download, DownloaderExtensionHandler,
    UrlDownload, install_global_downloader_extension,
};

/// Bytes of the file.
const SIZE: u64 = 1024;
const GROUP: &str = "group.com.example.backgroundassets";

struct Careless;

/// An extension is started in the container of its group.
impl DownloaderExtensionHandler for Careless {
    fn downloads(
        &mut self,
        _: ContentRequest,
        manifest_url: &str,
        _: &AppExtensionInfo,
    ) -> Result<Vec<Download>, BackgroundAssetsError> {
        let manifest = manifest_url.trim_start_matches("file://");
        let address = fs::read_to_string(manifest).expect("a manifest");
        let download = UrlDownload::new("sample", address.trim(), SIZE, GROUP)?;
        Ok(vec![download.into_download()])
    }

    fn download_finished(&mut self, download: &Download, file_url: &str) {
        println!("told of {}", download.unique_identifier());
        let second = Path::new("panicked");
        if !second.exists() {
            fs::write(second, "").expect("a mark");
            panic!("it was not ready");
        }
        fs::rename(file_url.trim_start_matches("file://"), "kept").expect("the file");
    }
}

fn main() {
    drop(install_global_downloader_extension(Careless, 1));
}
