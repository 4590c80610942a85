use std::io;
use std::path::PathBuf;

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfineError {
    /// The launcher is not there or may not be run.
    #[error("cannot start the launcher {}", .launcher.display())]
    Launcher {
        /// Its path.
        launcher: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The launcher ended, or said nothing within its time, before it became the program.
    #[error("{} does not answer as a launcher of confined programs", .launcher.display())]
    NoAnswer {
        /// Its path.
        launcher: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The program is not there, may not be run, is no program, or lies where nothing was granted.
    #[error("cannot run {}", .executable.display())]
    Program {
        /// Its path.
        executable: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The program was named by a path that depends on a working folder.
    #[error("{} is not an absolute path", .executable.display())]
    NotAbsolute {
        /// Its path.
        executable: PathBuf,
    },
    /// The folder to start in is not there or closed.
    #[error("cannot start in {}", .folder.display())]
    Folder {
        /// Its path.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A path that was to be granted is not there or closed.
    #[error("cannot grant {}", .path.display())]
    Grant {
        /// The path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The system refused a step that it should offer.
    #[error("cannot confine the program: {step}")]
    Confine {
        /// What was being done.
        step: String,
        /// The system's error.
        source: io::Error,
    },
    /// The channel is a socket of datagrams: through it the program could write to others.
    #[error("the channel is a socket of datagrams; a confined program gets a connected stream")]
    DatagramChannel,
    /// Arguments, environment and paths are longer than [`limit`](Self::TooLong::limit) bytes.
    #[error(
        "arguments, environment and paths of the program take {length} bytes, more than {limit}"
    )]
    TooLong {
        /// How many bytes they take.
        length: usize,
        /// How many they may take.
        limit: usize,
    },
    /// No pipe or thread could be made.
    #[error("no means to start a confined program")]
    Means(#[source] io::Error),
    /// Programs cannot be confined on this system.
    #[error("programs cannot be confined on this system")]
    Unsupported,
}
