//! Ending a blocking call from outside: what makes a dropped future end the call that it waited
//! for.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::wire::HangUp;
use headstart_model::ErrorKind;

/// Ends the calls that are registered with it, now and later.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    interrupted: bool,
    /// The connection of the call that is under way.
    connection: Option<Arc<HangUp>>,
}

impl Interrupt {
    /// Ends the call that is under way, and every later one as it begins.
    pub(crate) fn interrupt(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.interrupted = true;
        if let Some(connection) = state.connection.take() {
            connection.hang_up();
        }
    }

    /// Whether it ends calls.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).interrupted
    }

    /// To be called before a call waits on `connection`.
    pub(crate) fn begin(&self, connection: &Arc<HangUp>) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.interrupted {
            let text = "the caller gave the call up";
            return Err(Error::new(ErrorKind::Cancelled, "cancelled", text));
        }
        state.connection = Some(Arc::clone(connection));
        Ok(())
    }

    /// To be called when the call has its last reply. Whether the connection may serve another
    /// call: an interrupted one is closed.
    pub(crate) fn end(&self) -> Reuse {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.connection = None;
        if state.interrupted { Reuse::Closed } else { Reuse::Open }
    }

    /// Interrupts when it is dropped, unless it is dismissed before.
    pub(crate) fn on_drop(&self) -> OnDrop {
        OnDrop { interrupt: Some(self.clone()) }
    }
}

/// Whether a connection may serve another call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It may.
    Open,
    /// It was closed.
    Closed,
}

/// See [`Interrupt::on_drop`].
#[derive(Debug)]
pub(crate) struct OnDrop {
    interrupt: Option<Interrupt>,
}

impl OnDrop {
    pub(crate) fn dismiss(mut self) {
        self.interrupt = None;
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.interrupt();
        }
    }
}
