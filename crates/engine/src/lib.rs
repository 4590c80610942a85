//! The brain of the service: decides what is fetched, when, in which order, and what becomes of it.
//!
//! One function, [`handle`]: an event and the time come in, [`Effects`] go out. The same state, event and time give the
//! same result on every machine. Nothing here touches a file, a clock, a network or a thread; the daemon does what the
//! engine wants and reports back, and the test kit does the same in a virtual world.
//!
//! Not here: how bytes are moved and verified, how rows are stored, who may call. The engine never sees a byte of content.
//!
//! Start with [`Event`], [`Effect`] and [`handle`]; then [`record`] for what is remembered, [`admit()`] for the one decision
//! whether bytes move, and [`explain()`] and [`view`] for what can be asked. The scenario tests of the test kit read as the
//! manual.

mod admit;
mod allowance;
mod ask;
mod backoff;
mod class;
mod effect;
mod event;
mod explain;
mod facts;
mod failures;
mod handle;
mod id;
mod live;
mod order;
mod progress;
mod reason;
pub mod record;
mod state;
#[cfg(test)]
mod testing;
mod time;
mod transition;
pub mod view;
mod work;

pub use admit::{Ask, ESSENTIAL_PATIENCE_MS, Others, Verdict, admit};
pub use backoff::{BACKOFF_MAX_MS, ESSENTIAL_BACKOFF_MAX_MS, backoff_ms};
pub use class::{Class, Demand};
pub use effect::{
    ArchivedOffer, Delivery, Effect, Effects, ExtensionEnd, FileLimit, FileTransfer, FileUpdate,
    Inquiry, InstallProgress, Notice, Order, PackUpdate, Question, Receiver, Reply, Supply,
    Withheld,
};
pub use event::{Caller, CancelTarget, Challenged, Event, ExtensionAnswer, Origin, Terms};
pub use explain::{
    Explanation, FileExplanation, PackState, explain, explain_catalog, explain_download,
};
pub use facts::{
    DISK_RESERVE_BYTES, Facts, FactsChange, Known, Network, Power, TRANSFERS_MAX_DEFAULT,
};
pub use handle::handle;
pub use id::{CallId, ClientId, DownloadId, EffectId, PackKey, RequestId};
pub use reason::{Fact, Reason};
pub use state::{Device, State};
pub use time::{MonotonicTime, Now, WallTime};
