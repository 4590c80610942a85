//! What connections have until the engine forgets it: that they listen, and exclusive control.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Ends what connections have. One token for each time between two losses.
#[derive(Debug, Default)]
pub(super) struct Rights(Mutex<CancellationToken>);

impl Rights {
    /// The engine has forgotten who listens and who has exclusive control.
    pub(super) fn lose(&self) {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *present).cancel();
    }

    /// Cancelled at the next loss.
    pub(super) fn present(&self) -> CancellationToken {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until something is lost that a connection had: at the end of `over`, or at any later loss. Then it must not go on
    /// as if it had it still.
    pub(super) async fn until_lost(&self, mut over: CancellationToken, holds: &AtomicBool) {
        loop {
            over.cancelled().await;
            if holds.load(Ordering::Relaxed) {
                return;
            }
            over = self.present();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_connection_that_had_nothing_at_the_first_loss_notices_the_next() {
        let (rights, holds) = (Rights::default(), AtomicBool::new(false));
        let mut lost = Box::pin(rights.until_lost(rights.present(), &holds));
        rights.lose();
        assert_eq!(lost.as_mut().now_or_never(), None, "it had nothing");
        holds.store(true, Ordering::Relaxed);
        assert_eq!(lost.as_mut().now_or_never(), None, "nothing is lost");
        rights.lose();
        assert_eq!(lost.now_or_never(), Some(()));
    }
}
