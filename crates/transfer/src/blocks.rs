//! Chosen blocks of one file: fetched by ranges, verified one by one, handed over at once.

mod board;
mod cutter;
mod growth;
mod heads;
mod precedence;
mod sink;
mod source;
mod sources;
mod straggler;
mod worker;

use std::path::PathBuf;

use futures::TryStreamExt as _;
use futures::stream::FuturesUnordered;
use headstart_model::Digest;

use crate::{Client, CoalescePolicy, RequestError, Tracking, TransferError, coalesce};

use heads::Heads;
pub use precedence::Precedence;
pub use sink::{BlockSink, DeliveredBlock, SinkError};
pub use source::{BlockSource, Distance, LocalCopy, RangeReader, RangeSource};
use worker::Fetch;

/// One block that is wanted: where it lies in its file and what it must hash to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedBlock {
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Length as stored; at least 1.
    pub bytes: u32,
    /// Digest of the stored bytes, from a trusted place.
    pub digest: Digest,
    /// The caller's number for it; handed to the sink with the bytes.
    pub tag: u64,
}

impl WantedBlock {
    /// Offset of the byte after its last. Saturates, so that nonsense from outside is refused and not wrapped.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes as u64)
    }
}

/// How blocks are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockOptions {
    /// How neighbours are joined to ranges.
    pub coalesce: CoalescePolicy,
    /// Longest block accepted; a request with a longer one is refused before anything is allocated.
    pub max_block_bytes: u32,
    /// The most unwanted bytes that are read from one answer when a server ignores ranges and sends the whole file. A server
    /// that would cost more is not used for that range.
    pub max_skip_bytes: u64,
}

impl Default for BlockOptions {
    /// `Ours:` packs have blocks of about 1 MiB, so 64 MiB is no legitimate block. Skipping 64 MiB lets a server without
    /// ranges continue a broken download, which beats starting it over.
    fn default() -> Self {
        Self {
            coalesce: CoalescePolicy::default(),
            max_block_bytes: 64 * 1024 * 1024,
            max_skip_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Blocks of one file, and where the file can be had.
#[derive(Debug, Clone)]
pub struct BlockRequest {
    /// Equal copies of the file. One on this machine is read first; servers share the work by what they carry, beginning
    /// with the first; one that fails, lies or is far slower gives way to the others.
    pub sources: Vec<BlockSource>,
    /// Length of the file, from a trusted place. A server that names another length is not believed.
    pub file_bytes: u64,
    /// The blocks, sorted by offset, without overlaps.
    pub blocks: Vec<WantedBlock>,
    /// A folder of this download's own for what has arrived of blocks that are not complete; made when it is needed. A later
    /// call with the same folder goes on with it. None: such bytes are fetched again when the process ends meanwhile.
    pub heads: Option<PathBuf>,
    /// Which blocks come before the others, changed while they are fetched. None: they come by offset.
    pub precedence: Option<Precedence>,
    /// How they are fetched.
    pub options: BlockOptions,
}

impl BlockRequest {
    /// With the default options and no folder for heads.
    #[must_use]
    pub fn new(
        sources: impl IntoIterator<Item = impl Into<BlockSource>>,
        file_bytes: u64,
        blocks: Vec<WantedBlock>,
    ) -> Self {
        let sources = sources.into_iter().map(Into::into).collect();
        let (heads, precedence, options) = (None, None, BlockOptions::default());
        Self { sources, file_bytes, blocks, heads, precedence, options }
    }

    fn check(&self) -> Result<(), RequestError> {
        let limit_bytes = u64::from(self.options.max_block_bytes);
        let mut end_of_last = 0;
        for block in &self.blocks {
            let (tag, bytes) = (block.tag, u64::from(block.bytes));
            if bytes > limit_bytes {
                return Err(RequestError::TooLong { bytes, limit_bytes });
            }
            if bytes == 0 || block.offset < end_of_last {
                return Err(RequestError::Order { tag, offset: block.offset });
            }
            if block.end() > self.file_bytes {
                let (end, file_bytes) = (block.end(), self.file_bytes);
                return Err(RequestError::BeyondEnd { tag, end, file_bytes });
            }
            end_of_last = block.end();
        }
        if self.sources.is_empty() { Err(RequestError::NoSource) } else { Ok(()) }
    }
}

impl Client {
    /// Fetches the blocks and hands each to `sink` as soon as it is verified, each exactly once, in any order.
    ///
    /// Several ranges are under way at once: few at first, more while that makes the whole faster, fewer after failures, and
    /// never more than [`ClientConfig::concurrency`](crate::ClientConfig::concurrency). While the sink takes its time nothing
    /// more is read than one block and one read buffer per range, so memory stays below `concurrency x (longest block + read
    /// buffer)` plus what the sink holds. The first request goes out alone: only when its answer shows that the server gives
    /// ranges do others follow; a server without ranges is read from the first byte to the last in one go.
    ///
    /// After a failure a range continues at the byte where it broke off; verified blocks are never fetched twice, and of
    /// others only what arrived wrong. A range that falls far behind the others, or of which nothing comes, is taken over by
    /// whoever has nothing to do. At its last block two race, so a straggler costs one block fetched twice at most.
    ///
    /// Cancel safe: dropping it stops all transfers at once; blocks that the sink took stay taken, and a later call for the
    /// others continues from there. A block whose hand-over was under way may or may not have been taken.
    ///
    /// # Errors
    /// [`TransferError::Request`] for a malformed request; [`TransferError::Sink`] as soon as the sink fails; else the error
    /// of the range that failed for good: no source is left that could give it, its attempts without progress are used up,
    /// or one of its blocks was [`TransferError::Corrupt`] too often.
    #[tracing::instrument(
        level = "debug",
        skip_all,
        fields(download = tracking.download(), blocks = request.blocks.len())
    )]
    pub async fn fetch_blocks<S: BlockSink>(
        &self,
        request: &BlockRequest,
        sink: &mut S,
        tracking: &Tracking,
    ) -> Result<(), TransferError> {
        request.check()?;
        for source in &request.sources {
            if let BlockSource::Url(url) = source {
                self.check_url(url)?;
            }
        }
        let ranges = coalesce(&request.blocks, request.options.coalesce);
        let workers = self.inner.config.concurrency.get().min(request.blocks.len());
        let (folder, blocks) = (request.heads.clone(), request.blocks.clone());
        let heads = match folder {
            None => Heads::find(None, &[]),
            Some(_) => tokio::task::spawn_blocking(move || Heads::find(folder, &blocks))
                .await
                .unwrap_or_else(|_| Heads::find(None, &[])),
        };
        let fetch = Fetch::new(self, (request, &ranges), heads, sink, tracking);
        // The first error ends all: a worker may wait for what another one had.
        let all: FuturesUnordered<_> = (0..workers).map(|_| fetch.work()).collect();
        let all = all.try_collect::<()>();
        match &request.precedence {
            None => all.await,
            Some(precedence) => tokio::select! {
                biased;
                never = fetch.follow(precedence) => match never {},
                fetched = all => fetched,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn check(blocks: &[(u64, u32)]) -> Result<(), RequestError> {
        let wanted =
            |(&(offset, bytes), tag)| WantedBlock { offset, bytes, digest: Digest::of(b""), tag };
        let blocks = blocks.iter().zip(0..).map(wanted).collect();
        let url = Url::parse("https://a/b").expect("a URL");
        BlockRequest::new(vec![url], 100, blocks).check()
    }

    #[test]
    fn requests_that_make_no_sense_are_refused_by_block() {
        assert_eq!(check(&[(0, 50), (50, 50)]), Ok(()));
        assert_eq!(check(&[(0, 50), (49, 1)]), Err(RequestError::Order { tag: 1, offset: 49 }));
        assert_eq!(check(&[(5, 0)]), Err(RequestError::Order { tag: 0, offset: 5 }));
        let beyond = RequestError::BeyondEnd { tag: 0, end: 101, file_bytes: 100 };
        assert_eq!(check(&[(99, 2)]), Err(beyond));
        let wrapping = RequestError::BeyondEnd { tag: 0, end: u64::MAX, file_bytes: 100 };
        assert_eq!(check(&[(u64::MAX, 2)]), Err(wrapping));
        assert!(matches!(check(&[(0, u32::MAX)]), Err(RequestError::TooLong { .. })));
        let nowhere = BlockRequest::new(Vec::<Url>::new(), 100, Vec::new());
        assert_eq!(nowhere.check(), Err(RequestError::NoSource));
    }
}
