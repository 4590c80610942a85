//! One request and its answer: sending, redirects, status, and the body chunk by chunk.

mod body;
mod exchange;
mod header;

pub use header::EntityTag;

pub(crate) use body::Body;
pub(crate) use exchange::{Answer, Ask};
pub(crate) use header::{ContentRange, RangeWanted};
