//! Systems where nothing is started confined: every call says so. Written, not run.

use std::convert::Infallible;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::{ConfineError, Confinement, End, Enforced, NOT_STARTED, Offered, Program, Usage};

/// A confined program; there is none on this system.
#[derive(Debug)]
pub struct Confined(Infallible);

impl Confined {
    /// Never called, like all below: there is no confined program.
    #[must_use]
    pub fn pid(&self) -> u32 {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub fn enforced(&self) -> Enforced {
        match self.0 {}
    }

    /// Never called.
    pub fn suspend(&self) {
        match self.0 {}
    }

    /// Never called.
    pub fn resume(&self) {
        match self.0 {}
    }

    /// Never called.
    pub fn terminate(&self) {
        match self.0 {}
    }

    /// Never called.
    pub fn kill(&self) {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub fn wait(&self) -> End {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub fn wait_for(&self, _: Duration) -> Option<End> {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        match self.0 {}
    }
}

/// What this system has to confine programs with: nothing.
#[must_use]
pub fn offered() -> Offered {
    Offered::default()
}

/// Never starts anything.
///
/// # Errors
/// Always [`ConfineError::Unsupported`].
pub fn spawn(_: &Path, _: Program, _: &Confinement) -> Result<Confined, ConfineError> {
    Err(ConfineError::Unsupported)
}

/// Nobody starts a launcher here.
#[must_use]
pub fn launch() -> ExitCode {
    ExitCode::from(NOT_STARTED)
}
