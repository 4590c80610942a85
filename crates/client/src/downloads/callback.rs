//! Acknowledging what a program was told.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headstart_model::protocol::downloads::{Acknowledge, ChallengeAnswer};

use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::link::Caller;
use crate::run::run;

/// What has to be acknowledged.
#[derive(Debug)]
pub(super) struct Callback {
    caller: Caller,
    number: u64,
    /// Who is told the same again when this is dropped instead; nobody at once where events are a
    /// stream.
    listener: Option<Listener>,
}

/// The end of a download: which, and its unique identifier.
pub(super) type End = (&'static str, String);

/// What a listener has dealt with, from connection to connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct DealtWith(Arc<Dealt>);

#[derive(Debug, Default)]
struct Dealt {
    /// What the service does not know yet: it will tell it again.
    ends: Mutex<HashSet<End>>,
    /// Connections that ended because something was not dealt with, since the last that was.
    dropped: AtomicU32,
}

impl DealtWith {
    /// Counts a connection that ended because something was not dealt with, and gives how many ended so
    /// before it.
    pub(crate) fn count_dropped(&self) -> u32 {
        self.0.dropped.fetch_add(1, Ordering::Relaxed)
    }

    fn ends(&self) -> MutexGuard<'_, HashSet<End>> {
        self.0.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A closure that listens, as far as one event is concerned.
#[derive(Debug)]
struct Listener {
    /// None for what is no end.
    end: Option<End>,
    dealt_with: DealtWith,
    /// Has the service tell the same again.
    again: Interrupt,
}

impl Callback {
    pub(super) fn new(caller: &Caller, number: u64) -> Self {
        // Acknowledging must not be ended by whatever ends the telling.
        Self { caller: caller.with(Interrupt::default()), number, listener: None }
    }

    /// One that is told again when it is dropped: then `again` interrupts.
    pub(super) fn heard_by(
        mut self,
        end: Option<End>,
        dealt_with: &DealtWith,
        again: &Interrupt,
    ) -> Self {
        let (dealt_with, again) = (dealt_with.clone(), again.clone());
        self.listener = Some(Listener { end, dealt_with, again });
        self
    }

    /// Whether this is the end of a download that the listener has dealt with already.
    pub(super) fn is_dealt_with(&self) -> bool {
        let Some(Listener { end: Some(end), dealt_with, .. }) = &self.listener else {
            return false;
        };
        dealt_with.ends().contains(end)
    }

    pub(super) async fn acknowledge(self, answer: Option<ChallengeAnswer>) -> Result<(), Error> {
        let caller = self.caller.clone();
        run(&caller, move |_| self.acknowledge_blocking(answer)).await
    }

    pub(super) fn acknowledge_blocking(
        mut self,
        answer: Option<ChallengeAnswer>,
    ) -> Result<(), Error> {
        let (app, callback) = (self.caller.on_behalf_of(), self.number);
        let acknowledge = Acknowledge { app, callback, answer };
        let Some(listener) = self.listener.take() else {
            return self.caller.call(&acknowledge).map(drop);
        };
        let Listener { end, dealt_with, again } = listener;
        dealt_with.ends().extend(end.clone());
        // A service that was started anew refuses the number of the one before, and tells the same again.
        // One that lives on and was not reached waits for this: it is made to tell it again, and then it
        // is acknowledged.
        self.caller.call_running(&acknowledge).inspect_err(|_| again.interrupt())?;
        if let Some(end) = end {
            dealt_with.ends().remove(&end);
            dealt_with.0.dropped.store(0, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.again.interrupt();
        }
    }
}
