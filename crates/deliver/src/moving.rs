//! How far the blocks of a delivery are, for whoever wants to hear it.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use headstart_transfer::Tracking;

use crate::delivery::{Moved, ProgressListener};

/// Tells a listener what has arrived, from the two sides that know: who takes verified blocks, and the network.
pub(crate) struct Moving {
    listener: ProgressListener,
    now: Mutex<Moved>,
}

impl Moving {
    /// Nothing has moved yet.
    pub(crate) fn new(listener: ProgressListener) -> Self {
        Self { listener, now: Mutex::default() }
    }

    /// So many bytes of verified blocks were taken of so many.
    pub(crate) fn taken(&self, done_bytes: u64, total_bytes: u64) {
        self.change(|now| {
            let done_bytes = done_bytes.min(total_bytes);
            let news = done_bytes.saturating_sub(now.done_bytes);
            // What was arriving is among them by now; the network tells what else is.
            let arriving_bytes = now.arriving_bytes.saturating_sub(news);
            *now = capped(Moved { done_bytes, arriving_bytes, total_bytes });
        });
    }

    /// So many bytes have arrived of blocks that are not complete. What is between the network and whoever takes it counts for neither
    /// at that moment: the sum stays then.
    fn arriving(&self, arriving_bytes: u64) {
        self.change(|now| {
            let most = arriving_bytes.max(now.arriving_bytes);
            *now = capped(Moved { arriving_bytes: most, ..*now });
        });
    }

    /// A bundle's fetching has ended: what had arrived of blocks that are not complete is on its way no longer.
    pub(crate) fn ended(&self) {
        self.change(|now| now.arriving_bytes = 0);
    }

    /// Tells what arrives on this tracking, for as long as it is asked to.
    pub(crate) async fn follow(&self, tracking: &Tracking) -> Infallible {
        let mut counts = tracking.meter().subscribe();
        loop {
            let arriving_bytes = counts.borrow_and_update().total().arriving_bytes;
            self.arriving(arriving_bytes);
            if counts.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    fn change(&self, how: impl FnOnce(&mut Moved)) {
        // Nothing panics while it is held but the listener, and every state of it is a good one. Held while the listener hears it: what it
        // hears comes in order.
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *now;
        how(&mut now);
        if *now != before {
            (self.listener)(*now);
        }
    }
}

/// Only what is verified reaches the total.
fn capped(moved: Moved) -> Moved {
    let left = moved.total_bytes.saturating_sub(moved.done_bytes);
    Moved { arriving_bytes: moved.arriving_bytes.min(left.saturating_sub(1)), ..moved }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn progress_moves_within_blocks_and_never_falls_until_an_attempt_ends() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        let moving = Moving::new(Arc::new(move |moved: Moved| {
            told.lock().expect("whole").push((moved.done_bytes, moved.arriving_bytes));
        }));
        moving.taken(0, 100);
        moving.arriving(30);
        moving.arriving(45);
        // The block of 40 is complete and not taken yet.
        moving.arriving(5);
        moving.taken(40, 100);
        moving.arriving(70);
        moving.ended();
        moving.taken(100, 100);
        let heard = heard.lock().expect("whole").clone();
        assert_eq!(heard, [(0, 0), (0, 30), (0, 45), (40, 5), (40, 59), (40, 0), (100, 0)]);
    }
}
