//! Who takes the blocks.

use std::future::Future;
use std::io;

use bytes::Bytes;
use headstart_model::{Failure, Verified};
use tokio::sync::mpsc;

/// Why a sink takes no more blocks. Ends the transfer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Nobody wants the blocks any more.
    #[error("nobody takes the blocks any more")]
    Closed,
    /// The block cannot be stored.
    #[error("a block cannot be stored")]
    Io(#[from] io::Error),
    /// Another failure, told on unchanged.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Takes verified blocks one at a time. A sink that takes its time slows the transfer down: that is the back-pressure.
///
/// Implemented for [`mpsc::Sender`], whose capacity then is the number of blocks held between transfer and receiver.
pub trait BlockSink: Send {
    /// Takes the block with the caller's number `tag`.
    ///
    /// Need not be cancel safe: a call is only dropped together with the whole transfer.
    ///
    /// # Errors
    /// Any [`SinkError`]; the transfer ends with it and the block does not count as handed over.
    fn block(
        &mut self,
        tag: u64,
        bytes: Verified<Bytes>,
    ) -> impl Future<Output = Result<(), SinkError>> + Send;
}

/// A block on its way through a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredBlock {
    /// The caller's number for it.
    pub tag: u64,
    /// Its bytes as stored.
    pub bytes: Verified<Bytes>,
}

impl BlockSink for mpsc::Sender<DeliveredBlock> {
    async fn block(&mut self, tag: u64, bytes: Verified<Bytes>) -> Result<(), SinkError> {
        self.send(DeliveredBlock { tag, bytes }).await.map_err(|_| SinkError::Closed)
    }
}
