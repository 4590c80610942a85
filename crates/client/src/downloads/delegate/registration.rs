//! The hold on a delegate, and what it shares with the delegate's thread.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::interrupt::Interrupt;

/// Keeps a [delegate](super::DownloadManagerDelegate), or a closure that
/// [listens](crate::DownloadManager::listen), registered. Dropping it unregisters: no call of the
/// delegate begins afterwards, and the app's extension hears what follows.
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
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    /// Ends the wait for news of the present connection.
    interrupt: Interrupt,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// What ends the wait for news of a connection that is about to be made.
    pub(super) fn connecting(&self) -> Interrupt {
        let mut state = self.state();
        let interrupt = Interrupt::default();
        if state.closed {
            interrupt.interrupt();
        }
        state.interrupt = interrupt.clone();
        interrupt
    }

    fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.interrupt.interrupt();
        self.changed.notify_all();
    }

    /// Waits that long, or until it is closed.
    pub(super) fn wait(&self, duration: Duration) {
        let waited = self.changed.wait_timeout_while(self.state(), duration, |it| !it.closed);
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
