//! `get`: plain downloads that resume. `Spec: cli, the device`.

mod list;
mod plan;
mod told;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use futures::stream::{self, StreamExt as _};
use headstart_model::{Digest, Failure};
use headstart_transfer::{Client, FileHash, FileRequest, Limit, Pace, Rate, Tracking, Urgency};
use url::Url;

use super::Verdict;
use crate::context::Context;
use crate::network::Network;
use crate::{failure, quantity};
use told::{Outcome, Teller};

/// The most bytes of one file: what file systems can address.
const FILE_BYTES_MAX: u64 = i64::MAX.cast_unsigned();
/// So many downloads are under way for each connection: those that are being brought to disk hold none.
const DOWNLOADS_PER_CONNECTION: usize = 32;

/// Downloads files; what was broken off goes on where it was
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart get https://assets.example.com/level1.assetpack\n  \
    headstart get https://assets.example.com/a.bin https://assets.example.com/b.bin -C downloads\n  \
    headstart get -i urls.txt -C downloads --connections 8\n\n\
    A list holds one URL a line; empty lines and lines that begin with # are left out. Lines that begin with a blank belong to \
    the URL above: out=NAME, size=BYTES, sha256=DIGEST, blake3=DIGEST.\n\n\
    Until a file is complete its bytes lie in NAME.part, with NAME.part.state beside it. A large file is fetched by several \
    connections where that is quicker."
)]
pub(crate) struct Get {
    /// What is downloaded
    #[arg(value_name = "URL", required_unless_present = "list")]
    urls: Vec<Url>,
    /// Download what this list names too; `-` is the standard input
    #[arg(short = 'i', long = "input-file", value_name = "FILE")]
    list: Option<PathBuf>,
    /// Write the one file under this name
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["directory", "list"])]
    output: Option<PathBuf>,
    /// Write the files into this folder; it is made if it does not exist
    #[arg(short = 'C', long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Use at most so many connections at once
    #[arg(long, value_name = "N", default_value = "16")]
    connections: NonZeroUsize,
    /// Take at most so much from the network, all downloads together
    #[arg(long, value_name = "RATE")]
    limit: Option<quantity::TypedRate>,
    /// Give way to everything else that uses the network
    #[arg(long)]
    background: bool,
    /// Accept the one file only if it has exactly this size
    #[arg(long, value_name = "SIZE", value_parser = quantity::bytes)]
    size: Option<u64>,
    /// Accept the one file only if it has this SHA-256
    #[arg(long, value_name = "DIGEST", value_parser = sha256)]
    sha256: Option<FileHash>,
    /// Accept the one file only if it has this BLAKE3
    #[arg(long, value_name = "DIGEST", value_parser = blake3, conflicts_with = "sha256")]
    blake3: Option<FileHash>,
    #[command(flatten)]
    network: Network,
}

impl Get {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let requests = self.plan()?;
        quantity::heed(&context.output, "--limit", self.limit);
        let client = self.network.client_with(context.now(), self.connections)?;
        if let Some(folder) = &self.directory {
            std::fs::create_dir_all(folder).map_err(|error| {
                let error =
                    headstart_sys::FileError::new(headstart_sys::Action::Create, folder, error);
                failure::of_file(&error)
            })?;
        }
        let teller = Teller::new(&context.output, requests.len());
        let tracking = teller.tracking().with_pace(self.pace());
        let outcomes = context.block_here(async {
            tokio::select! {
                outcomes = self.download(&client, &requests, &tracking, &teller) => Ok(outcomes),
                never = teller.report(&tracking) => match never {},
            }
        })?;
        teller.conclude(outcomes)
    }

    fn pace(&self) -> Pace {
        let limit = Limit::default();
        let bytes = self.limit.map(|typed| typed.rate.bytes_per_second());
        limit.set_rate(bytes.and_then(Rate::bytes_per_second));
        Pace::new(limit, if self.background { Urgency::Background } else { Urgency::Foreground })
    }

    /// All downloads, in the order of the command line. One that fails stops none of the others.
    async fn download(
        &self,
        client: &Client,
        requests: &[FileRequest],
        tracking: &Tracking,
        teller: &Teller<'_>,
    ) -> Vec<Outcome> {
        let one = |(number, request): (usize, &FileRequest)| {
            let request = request.clone();
            async move {
                let started = Instant::now();
                let result = client.download_file(&request, tracking).await;
                let outcome = Outcome::new(&request, result, started.elapsed());
                teller.tell(&outcome);
                (number, outcome)
            }
        };
        let at_once = self.connections.get().saturating_mul(DOWNLOADS_PER_CONNECTION);
        let all = stream::iter(requests.iter().enumerate()).map(one).buffer_unordered(at_once);
        let mut outcomes: Vec<_> = all.collect().await;
        outcomes.sort_unstable_by_key(|(number, _)| *number);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

fn sha256(text: &str) -> Result<FileHash, String> {
    FileHash::sha256(text).map_err(|error| error.to_string())
}

fn blake3(text: &str) -> Result<FileHash, String> {
    text.parse::<Digest>().map(FileHash::Blake3).map_err(|error| error.to_string())
}
