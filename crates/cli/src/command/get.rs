//! `get`: plain downloads that resume.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use headstart_model::Failure;
use headstart_transfer::{Client, Downloaded, FileRequest, Meter, Tracking};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::Url;

use super::Verdict;
use crate::context::Context;
use crate::failure;
use crate::network::Network;
use crate::output::{Advance, Progress, size};

/// The most bytes of one file: what file systems can address.
const FILE_BYTES_MAX: u64 = i64::MAX.cast_unsigned();

/// Downloads files; what was broken off goes on where it was
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart get https://assets.example.com/level1.assetpack\n  \
    headstart get https://assets.example.com/a.bin https://assets.example.com/b.bin -C downloads --connections 2\n\n\
    Until a file is complete its bytes lie in NAME.part, with NAME.part.state beside it."
)]
pub(crate) struct Get {
    /// What is downloaded
    #[arg(value_name = "URL", required = true)]
    urls: Vec<Url>,
    /// Write the one file under this name
    #[arg(short, long, value_name = "FILE", conflicts_with = "directory")]
    output: Option<PathBuf>,
    /// Write the files into this folder; it is made if it does not exist
    #[arg(short = 'C', long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Download so many files at once
    #[arg(long, value_name = "N", default_value = "4")]
    connections: NonZeroUsize,
    #[command(flatten)]
    network: Network,
}

/// One download, planned.
struct Planned<'a> {
    url: &'a Url,
    path: PathBuf,
}

impl Get {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let planned = self.plan()?;
        let client = self.network.client(context.now())?;
        if let Some(folder) = &self.directory {
            std::fs::create_dir_all(folder).map_err(|error| {
                let error =
                    headstart_sys::FileError::new(headstart_sys::Action::Create, folder, error);
                failure::of_file(&error)
            })?;
        }
        let progress = context.output.progress();
        let tracking = Tracking::new("get");
        let downloads = context.block_on(async {
            tokio::select! {
                result = self.download(&client, &planned, &tracking) => result,
                never = report(tracking.meter(), &progress) => match never {},
            }
        })?;
        progress.finish();
        let text = text(&downloads);
        context.output.done(json!({"downloads": downloads}), || text);
        Ok(Verdict::Done)
    }

    fn plan(&self) -> Result<Vec<Planned<'_>>, Failure> {
        if self.output.is_some() && self.urls.len() > 1 {
            let message = "`--output` names one file, but several URLs are given";
            return Err(failure::usage(message).with_hint("use `-C DIR` for several"));
        }
        let folder = self.directory.as_deref().unwrap_or(Path::new(""));
        let mut taken = BTreeSet::new();
        let mut planned = Vec::new();
        for url in &self.urls {
            let path = match &self.output {
                Some(path) => path.clone(),
                None => folder.join(file_name(url)?),
            };
            if !taken.insert(path.clone()) {
                let message = format!("two of the URLs would be written to `{}`", path.display());
                return Err(failure::usage(message)
                    .with_hint("download one of them by itself with `-o FILE`"));
            }
            planned.push(Planned { url, path });
        }
        Ok(planned)
    }

    async fn download(
        &self,
        client: &Client,
        planned: &[Planned<'_>],
        tracking: &Tracking,
    ) -> Result<Vec<Value>, Failure> {
        let one = |Planned { url, path }: &Planned<'_>| {
            let request = FileRequest::new((*url).clone(), path.clone(), FILE_BYTES_MAX);
            let started = Instant::now();
            async move {
                let downloaded = client.download_file(&request, tracking).await;
                let downloaded = downloaded.map_err(|error| error.to_failure())?;
                Ok(document(&request, &downloaded, started))
            }
        };
        stream::iter(planned).map(one).buffered(self.connections.get()).try_collect().await
    }
}

fn document(request: &FileRequest, downloaded: &Downloaded, started: Instant) -> Value {
    json!({
        "url": request.url,
        "path": request.path,
        "bytes": downloaded.file_bytes,
        "bytesDown": downloaded.bytes_down,
        "resumedFrom": downloaded.resumed_from,
        "seconds": started.elapsed().as_secs_f64(),
    })
}

/// The last part of the URL's path, if it is a file name.
fn file_name(url: &Url) -> Result<String, Failure> {
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let name = percent_decode_str(last).decode_utf8_lossy().into_owned();
    // What a server's address is called must not decide where a file is written.
    let plain = headstart_model::PackPath::normalized(&name).is_ok() && !name.contains('/');
    if plain && !name.starts_with('.') {
        return Ok(name);
    }
    let message = format!("`{url}` does not end in a file name");
    Err(failure::usage(message).with_hint("name the file with `-o FILE`"))
}

/// Tells of bytes as they come. How many there will be in all is not known beforehand.
async fn report(meter: &Meter, progress: &Progress<'_>) -> std::convert::Infallible {
    let mut changes = meter.subscribe();
    loop {
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
        let bytes_done = changes.borrow_and_update().total().body_bytes;
        let phase = "download".to_owned();
        progress.advance(&Advance { phase, bytes_done, fraction: Some(0.0), ..Advance::default() });
    }
}

fn text(downloads: &[Value]) -> String {
    let lines = downloads.iter().map(|download| {
        let number = |key: &str| download[key].as_u64().unwrap_or_default();
        let path = download["path"].as_str().unwrap_or_default();
        let resumed = match number("resumedFrom") {
            0 => String::new(),
            bytes => format!(", resumed after {}", size(bytes)),
        };
        format!("{path}: {}{resumed}", size(number("bytes")))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(url: &str) -> Result<String, Failure> {
        file_name(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn names_of_files_cannot_leave_the_folder() {
        assert_eq!(name("https://a/x/level%201.bin?token=1").expect("plain"), "level 1.bin");
        for url in [
            "https://a/",
            "https://a/x/..%2fy",
            "https://a/%2e%2e",
            "https://a/.profile",
            "https://a/c%3a",
        ] {
            assert!(name(url).is_err(), "{url}");
        }
    }
}
