//! Why nothing was measured, or the measure was not met.

use std::path::PathBuf;

/// Why the benchmark failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("`{program}` cannot be started")]
    Start {
        program: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{command}` failed:\n{said}")]
    Failed { command: String, said: String },
    #[error("`{command}` did not say {what}")]
    Silent { command: String, what: &'static str },
    #[error("{} cannot be used", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{tool} made wrong bytes of {input}: {said}")]
    Wrong { tool: String, input: String, said: String },
    #[error("the memory of the service cannot be read: only Linux tells it")]
    NoMemory,
    #[error("not met: {0}")]
    NotMet(String),
}

impl BenchError {
    /// A file that cannot be used.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
