//! What the engine wants.

mod notice;
mod order;
mod question;
mod reply;

use headstart_model::record::Change;
use headstart_model::{AppId, Failure};

pub use notice::{FileUpdate, InstallProgress, Notice, PackUpdate};
pub use order::{ArchivedOffer, Delivery, FileLimit, FileTransfer, Order, Supply};
pub use question::{ExtensionEnd, Inquiry, Question, Receiver};
pub use reply::{Reply, Withheld};

use crate::class::Class;
use crate::id::{CallId, EffectId, RequestId};
use crate::time::MonotonicTime;

/// What comes of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Rows to commit, all in one transaction, before any effect is started. Empty for volatile events.
    pub changes: Vec<Change>,
    /// What to do then, in this order. When the commit fails nothing of it is done: the state is dropped and loaded again.
    pub effects: Vec<Effect>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Do this and report its end, quoting the id. Issued again with the same id after a restart or when it is to be tried
    /// again; one that is still running under this id is not started twice.
    Order {
        /// Names it and fences its completion.
        id: EffectId,
        /// What.
        order: Order,
    },
    /// End this effect soon, keeping what is staged. It is reported as usual if it was just ending, else as
    /// [`Stopped`](crate::Event::Stopped), also when no effect of this id is running.
    Stop {
        /// The effect.
        id: EffectId,
    },
    /// Answer a call. Each call is answered once, unless its client is gone first.
    Answer {
        /// The call.
        request: RequestId,
        /// The answer.
        outcome: Result<Reply, Failure>,
    },
    /// Give a running transfer another class, without interrupting it. One that is not running is let be.
    Reclass {
        /// The effect.
        id: EffectId,
        /// Its class from now on.
        class: Class,
    },
    /// Ask an app or its extension something. One question to each of them at a time.
    Ask(Inquiry),
    /// The answer to this question is not wanted any more, and whoever was asked need not be told.
    Forget {
        /// The app.
        app: AppId,
        /// The question.
        call: CallId,
    },
    /// End the extension of an app, if it is there.
    EndExtension {
        /// The app.
        app: AppId,
        /// Why.
        why: ExtensionEnd,
    },
    /// Let what all transfers together take in a second be this from now on; none for no limit.
    Limit {
        /// Bytes a second.
        bytes_per_second: Option<u64>,
    },
    /// Tell whoever listens.
    Tell(Notice),
    /// Send [`TimerDue`](crate::Event::TimerDue) at this time. Replaces the time set before.
    SetTimer {
        /// When.
        at: MonotonicTime,
    },
}
