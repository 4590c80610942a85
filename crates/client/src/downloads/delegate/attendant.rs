//! The thread that listens for a closure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use headstart_model::ErrorKind;
use headstart_model::protocol::downloads::{Attend, DelegateEvent};

use super::registration::{DelegateRegistration, Gate};
use crate::connection::unexpected;
use crate::downloads::DownloadEvent;
use crate::downloads::callback::DealtWith;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::link::{Caller, Replies};

/// The wait before the service is looked for again, at first and at last. `Ours:` looking costs one
/// system call, and a service that was started again has news.
const RETRY: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];
/// The longest wait after an event was dropped that has to be acknowledged: it will be told again.
const AFTER_DROP_MAX: Duration = Duration::from_mins(1);

/// Makes `hear` the one who hears; everything from the return on.
pub(crate) fn register(
    caller: &Caller,
    hear: impl FnMut(DownloadEvent) + Send + 'static,
) -> Result<DelegateRegistration, Error> {
    let gate = Arc::new(Gate::default());
    let attend = Attend { app: caller.on_behalf_of() };
    let interrupt = gate.connecting();
    let replies = attending(caller.with(interrupt.clone()).stream(&attend)?)?;
    let attendant = Attendant {
        hear,
        gate: Arc::clone(&gate),
        caller: caller.clone(),
        attend,
        dealt_with: DealtWith::default(),
    };
    let builder = std::thread::Builder::new().name("headstart-delegate".to_owned());
    let thread = builder.spawn(move || attendant.run(interrupt, replies)).map_err(|error| {
        Error::new(ErrorKind::Internal, "noThread", "no thread could be started for the delegate")
            .caused_by(&error)
    })?;
    Ok(DelegateRegistration { gate, thread: Some(thread) })
}

/// Takes the reply that says that everything is heard from here on.
pub(crate) fn attending(mut replies: Replies<Attend>) -> Result<Replies<Attend>, Error> {
    match replies.next().transpose()? {
        Some(DelegateEvent::Attending {}) => Ok(replies),
        _ => Err(unexpected()),
    }
}

struct Attendant<F> {
    hear: F,
    gate: Arc<Gate>,
    caller: Caller,
    attend: Attend,
    dealt_with: DealtWith,
}

impl<F: FnMut(DownloadEvent)> Attendant<F> {
    fn run(mut self, mut interrupt: Interrupt, mut replies: Replies<Attend>) {
        loop {
            let mut wait = RETRY[0];
            self.listen(&interrupt, replies);
            if interrupt.is_interrupted() {
                let before = self.dealt_with.count_dropped().min(16);
                wait = wait.saturating_mul(1 << before).min(AFTER_DROP_MAX);
            }
            (interrupt, replies) = loop {
                self.gate.wait(wait);
                if self.gate.is_closed() {
                    return;
                }
                let interrupt = self.gate.connecting();
                // A service that somebody stopped is not started for this: its downloads rest with it.
                let stream = self.caller.with(interrupt.clone()).stream_running(&self.attend);
                if let Ok(replies) = stream.and_then(attending) {
                    break (interrupt, replies);
                }
                wait = wait.max(wait.saturating_mul(2).min(RETRY[1]));
            };
        }
    }

    /// Hears until the connection ends, which dropping an event ends too.
    fn listen(&mut self, interrupt: &Interrupt, replies: Replies<Attend>) {
        for event in replies {
            let Ok(event) = event else { break };
            if self.gate.is_closed() {
                break;
            }
            let event =
                DownloadEvent::to_listener(event, &self.caller, &self.dealt_with, interrupt);
            let Some(event) = event else { continue };
            // The panic itself is shown by the process's hook, and drops the event.
            let _contained = catch_unwind(AssertUnwindSafe(|| (self.hear)(event)));
            if interrupt.is_interrupted() {
                break;
            }
        }
    }
}
