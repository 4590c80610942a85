//! Mistakes that end the process with Apple's framework, and are errors here.
//!
//! As an app it makes the one that its argument names. As an extension, which is started without
//! any, it schedules a download while it is asked for downloads, answers a periodic request with an
//! essential one, and deals with no file.

#![expect(clippy::print_stdout, reason = "it tells what comes of it")]

use backgroundassets::{
    AppExtensionInfo, AssetPackManager, BackgroundAssetsError, ContentRequest, Download,
    DownloadManager, DownloaderExtensionHandler, UrlDownload, UrlDownloadOptions,
    install_global_downloader_extension,
};

type Outcome<T> = Result<T, BackgroundAssetsError>;

fn download(group: &str, essential: bool) -> Outcome<Download> {
    let options = UrlDownloadOptions { essential, ..UrlDownloadOptions::default() };
    let url = "https://example.com/assets/sample.bin";
    Ok(UrlDownload::with_options("sample", url, 1024, group, options)?.into_download())
}

fn schedule(group: &str, essential: bool) -> Outcome<()> {
    let manager = DownloadManager::shared();
    // In 0.4 it says why there is none.
    #[cfg(not(feature = "v0_3"))]
    let manager = manager?;
    #[cfg(feature = "v0_3")]
    let manager = manager.expect("a service");
    manager.schedule_download(&download(group, essential)?)
}

const GROUP: &str = "group.com.example.backgroundassets";

struct Extension;

impl DownloaderExtensionHandler for Extension {
    fn downloads(
        &mut self,
        request: ContentRequest,
        _: &str,
        _: &AppExtensionInfo,
    ) -> Outcome<Vec<Download>> {
        tell("scheduling-while-asked", schedule(GROUP, false));
        let periodic = request == ContentRequest::Periodic;
        if periodic { Ok(vec![download(GROUP, true)?]) } else { Ok(Vec::new()) }
    }

    fn download_finished(&mut self, _: &Download, _: &str) {
        panic!("it deals with no file");
    }
}

fn tell<T>(trap: &str, outcome: Outcome<T>) {
    match outcome {
        Ok(_) => println!("{trap}: nothing stands in the way"),
        Err(error) => println!("{trap}: {error}"),
    }
}

fn main() {
    let Some(trap) = std::env::args().nth(1) else {
        drop(install_global_downloader_extension(Extension, 1));
        return;
    };
    match trap.as_str() {
        "essential" => tell(&trap, schedule(GROUP, true)),
        "other-group" => tell(&trap, schedule("group.com.example.other", false)),
        "scheduling" => tell(&trap, schedule(GROUP, false)),
        "packs" => tell(&trap, pollster::block_on(packs())),
        _ => println!("{trap} is no trap"),
    }
}

async fn packs() -> Outcome<usize> {
    let manager = AssetPackManager::shared();
    #[cfg(not(feature = "v0_3"))]
    let manager = manager?;
    #[cfg(feature = "v0_3")]
    let manager = manager.expect("a service");
    Ok(manager.all_asset_packs().await?.len())
}
