//! The way into the core: what it hears, who sends it, and who is told.

mod handle;
mod input;
mod subscribers;

pub use handle::CoreHandle;
pub(crate) use input::Query;
pub use input::{Answered, Call, Input};
pub(crate) use subscribers::Subscribers;
pub use subscribers::{Heard, Subscription, Told};
