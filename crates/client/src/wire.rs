//! The bytes of one connection to the service.

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod unsupported;

#[cfg(unix)]
pub(crate) use unix::{HangUp, Port, Wire};
#[cfg(not(unix))]
pub(crate) use unsupported::{HangUp, Port, Wire};
