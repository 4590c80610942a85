//! What the tests share: clients, files made of blocks, and a sink that remembers.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use headstart_model::{Digest, Verified};
use headstart_transfer::{
    BlockRequest, BlockSink, Client, ClientConfig, CoalescePolicy, HttpsPolicy, Jitter,
    ProxyPolicy, RetryPolicy, SinkError, Tracking, TransferError, WantedBlock,
};
use url::Url;

/// Settings with which retries take no time worth mentioning.
pub(crate) fn config() -> ClientConfig {
    ClientConfig {
        https: HttpsPolicy::HttpOnLoopback,
        proxy: ProxyPolicy::Direct,
        concurrency: NonZeroUsize::new(4).expect("not zero"),
        retry: RetryPolicy {
            attempts: NonZeroU32::new(3).expect("not zero"),
            urgent_attempts: None,
            base_delay: Duration::from_micros(100),
            max_delay: Duration::from_millis(1),
            max_retry_after: Duration::from_millis(1),
            corrupt_attempts: NonZeroU32::new(2).expect("not zero"),
        },
        ..ClientConfig::default()
    }
}

pub(crate) fn client() -> Client {
    client_with(config())
}

pub(crate) fn client_with(config: ClientConfig) -> Client {
    Client::new(config, 7).expect("good settings")
}

/// A client with one range at a time, for tests that count requests.
pub(crate) fn one_at_a_time() -> Client {
    client_with(ClientConfig { concurrency: NonZeroUsize::MIN, ..config() })
}

/// A client that gives a silent server up quickly. Only for servers that provably never send: a slow machine must not be
/// able to change the outcome, so where the server is good in the end there are attempts to spare.
pub(crate) fn impatient(attempts: u32) -> Client {
    let mut config = ClientConfig { concurrency: NonZeroUsize::MIN, ..config() };
    config.retry.attempts = NonZeroU32::new(attempts).expect("not zero");
    // The time to the head of an answer is bounded by the sum of both.
    config.connect_timeout = Duration::from_millis(200);
    config.stall_timeout = Duration::from_millis(200);
    client_with(config)
}

/// A file of random bytes in blocks of equal length.
#[derive(Clone)]
pub(crate) struct TestFile {
    pub(crate) bytes: Arc<Vec<u8>>,
    block_bytes: usize,
}

impl TestFile {
    pub(crate) fn new(blocks: usize, block_bytes: usize) -> Self {
        let random = Jitter::new(blocks as u64);
        let bytes = (0..blocks * block_bytes).map(|_| random.next().to_le_bytes()[0]).collect();
        Self { bytes: Arc::new(bytes), block_bytes }
    }

    /// All blocks, tagged by their position.
    pub(crate) fn blocks(&self) -> Vec<WantedBlock> {
        let block = |(position, bytes): (usize, &[u8])| WantedBlock {
            offset: (position * self.block_bytes) as u64,
            bytes: u32::try_from(bytes.len()).expect("a small block"),
            digest: Digest::of(bytes),
            tag: position as u64,
        };
        self.bytes.chunks(self.block_bytes).enumerate().map(block).collect()
    }

    /// A request for the blocks at these positions, with ranges of at most `blocks_per_range` blocks and no gaps.
    pub(crate) fn request(
        &self,
        sources: &[Url],
        wanted: impl IntoIterator<Item = usize>,
        blocks_per_range: usize,
    ) -> BlockRequest {
        let all = self.blocks();
        let blocks = wanted.into_iter().map(|position| all[position]).collect();
        let mut request =
            BlockRequest::new(sources.iter().cloned(), self.bytes.len() as u64, blocks);
        request.options.coalesce = CoalescePolicy {
            max_gap_bytes: 0,
            max_range_bytes: (blocks_per_range * self.block_bytes) as u64,
        };
        request
    }
}

/// Keeps every block; a block that comes twice is a failed test.
#[derive(Debug, Default)]
pub(crate) struct Collector(pub(crate) BTreeMap<u64, Bytes>);

impl BlockSink for Collector {
    async fn block(&mut self, tag: u64, bytes: Verified<Bytes>) -> Result<(), SinkError> {
        assert!(self.0.insert(tag, bytes.into_inner()).is_none(), "block {tag} came twice");
        Ok(())
    }
}

impl Collector {
    pub(crate) fn tags(&self) -> Vec<u64> {
        self.0.keys().copied().collect()
    }
}

/// A finished call of `fetch_blocks`, with everything that it left.
pub(crate) struct Fetched {
    pub(crate) result: Result<(), TransferError>,
    pub(crate) sink: Collector,
    pub(crate) tracking: Tracking,
}

impl Fetched {
    pub(crate) fn counts(&self) -> headstart_transfer::Counts {
        self.tracking.meter().ledger().total()
    }

    pub(crate) fn error(&self) -> &TransferError {
        self.result.as_ref().expect_err("a failed transfer")
    }

    /// Asserts success and that exactly the wanted blocks came.
    pub(crate) fn assert_complete(&self, request: &BlockRequest) {
        self.result.as_ref().expect("a finished transfer");
        let wanted: Vec<_> = request.blocks.iter().map(|block| block.tag).collect();
        assert_eq!(self.sink.tags(), wanted);
        let useful: u64 = request.blocks.iter().map(|block| u64::from(block.bytes)).sum();
        assert_eq!(self.counts().useful_bytes, useful);
    }
}

pub(crate) async fn fetch(client: &Client, request: &BlockRequest) -> Fetched {
    let tracking = Tracking::new("test");
    let mut sink = Collector::default();
    let result = client.fetch_blocks(request, &mut sink, &tracking).await;
    Fetched { result, sink, tracking }
}
