//! A viewer of talks in the terminal: the app that docs/tutorial.md builds.
//!
//! Each talk is an asset pack with a video; the thumbnails of all talks are one essential pack. What
//! an app does with the library is in [`viewer`]; the rest is what any program has: commands,
//! output, and a format of video simple enough to need no codec.

pub mod command;
pub mod content;
mod error;
pub mod output;
pub mod picture;
pub mod session;
pub mod talk;
pub mod video;
pub mod viewer;

pub use error::Error;
