//! What can go wrong in the viewer.

use std::io;

use crate::picture::PictureError;
use crate::video::VideoError;

/// Why a command of the viewer failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The library or the service said so.
    #[error(transparent)]
    Headstart(#[from] headstart::Error),
    /// The file of a talk is no video that this program shows.
    #[error("the video cannot be shown")]
    Video(#[from] VideoError),
    /// A thumbnail is no picture.
    #[error("the thumbnail cannot be shown")]
    Picture(#[from] PictureError),
    /// There is no talk with this number.
    #[error("there is no talk {number}: the numbers are 1 to {count}")]
    NoSuchTalk {
        /// What was asked for.
        number: usize,
        /// How many talks there are.
        count: usize,
    },
    /// Not a command.
    #[error("`{0}` is no command: {usage}", usage = crate::command::USAGE)]
    NoCommand(String),
    /// The terminal or pipe is gone.
    #[error("nothing can be read or written any more")]
    Io(#[from] io::Error),
}
