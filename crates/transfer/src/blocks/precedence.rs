//! What is to come first.

use std::sync::Arc;

use tokio::sync::watch;

/// Says, also while blocks are being fetched, which of them are to come before the others. `Ours:` somebody waits for them.
///
/// Clones say the same. What was said last counts for every call of [`Client::fetch_blocks`](crate::Client::fetch_blocks) that has it in its request,
/// those that begin later included.
#[derive(Debug, Clone)]
pub struct Precedence {
    wanted: Arc<watch::Sender<Arc<[u64]>>>,
}

impl Precedence {
    /// Nothing comes first.
    #[must_use]
    pub fn new() -> Self {
        Self { wanted: Arc::new(watch::Sender::new(Arc::new([]))) }
    }

    /// The blocks with these tags come first from now on, the first of them before the second. Tags that a call does not have are
    /// ignored, and so are blocks that have arrived.
    ///
    /// A request under way goes on to the end of its block, then gives way. That costs at worst its connection and what had come of the
    /// next block; no block is fetched twice. Nothing is brought forward before a server has shown that it gives ranges, nor on one that
    /// does not.
    pub fn prefer(&self, tags: impl Into<Arc<[u64]>>) {
        self.wanted.send_replace(tags.into());
    }

    pub(super) fn follow(&self) -> watch::Receiver<Arc<[u64]>> {
        self.wanted.subscribe()
    }
}

impl Default for Precedence {
    fn default() -> Self {
        Self::new()
    }
}
