//! The hold on a delegate, and what it shares with the delegate's thread.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::interrupt::Interrupt;

/// Keeps a [delegate](super::DownloadManagerDelegate) registered. Dropping it unregisters: no call
/// of the delegate begins afterwards, and the app's extension hears what follows.
///
/// A call that is under way then goes on, and what it does with a file still counts;
/// [`unregister`](Self::unregister) waits for it.
#[must_use = "dropping it unregisters the delegate"]
pub struct DelegateRegistration {
    pub(super) gate: Arc<Gate>,
    pub(super) thread: Option<JoinHandle<()>>,
}

/// Lets calls of a delegate begin until it is closed.
#[derive(Debug, Default)]
pub(super) struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
    /// Ends the wait for news.
    pub(super) interrupt: Interrupt,
}

impl Gate {
    pub(super) fn is_closed(&self) -> bool {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
        self.interrupt.interrupt();
    }

    /// Waits that long, or until it is closed.
    pub(super) fn wait(&self, duration: Duration) {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(closed, duration, |closed| !*closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl DelegateRegistration {
    /// Unregisters, and waits until a call that is under way has returned. Called from the delegate
    /// itself it does not wait.
    pub fn unregister(mut self) {
        self.gate.close();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // Panics of the delegate are contained within the thread.
            let _ended = thread.join();
        }
    }
}

impl Drop for DelegateRegistration {
    fn drop(&mut self) {
        self.gate.close();
    }
}

impl fmt::Debug for DelegateRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DelegateRegistration")
    }
}
