//! What the core hears.

use headstart_engine::{Caller, ClientId, Event, Now, Reply, State};
use headstart_model::Failure;
use tokio::sync::oneshot;

use super::Subscription;

/// A question about the state, with where its answer goes.
pub(crate) type Query = Box<dyn FnOnce(&State, Now) + Send>;

/// Something for the core.
pub enum Input {
    /// An event that nobody waits on.
    Event(Event),
    /// A call that is answered when the engine says so.
    Call(Call),
    /// A question about the state, answered at once.
    Query(Query),
    /// Somebody wants to hear notices.
    Subscribe(Subscription),
    /// End.
    Stop,
}

impl Input {
    /// Whether it is worth trying to go on for, after changes could not be committed: somebody acts, or time has passed.
    pub(crate) const fn may_wake(&self) -> bool {
        matches!(self, Self::Call(_) | Self::Event(Event::TimerDue))
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Event(_) => "Event",
            Self::Call(_) => "Call",
            Self::Query(_) => "Query",
            Self::Subscribe(_) => "Subscribe",
            Self::Stop => "Stop",
        })
    }
}

/// A call on its way to the engine.
pub struct Call {
    /// The connection that it came over.
    pub(crate) client: ClientId,
    /// Makes the event once the call has its number.
    pub(crate) event: Box<dyn FnOnce(Caller) -> Event + Send>,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Answered>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("client", &self.client).finish_non_exhaustive()
    }
}

/// What a call is answered with.
pub type Answered = Result<Reply, Failure>;
