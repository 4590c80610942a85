//! Systems without a service of ours. Written, not run.

use std::io;
use std::path::Path;
use std::time::Duration;

use headstart_sys::process::Background;

use super::Outcome;

/// There is nothing to wait for on this system.
#[derive(Debug)]
pub(in crate::starting) struct Readiness(());

impl Readiness {
    pub(in crate::starting) fn bind(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[expect(clippy::unused_self, reason = "as on other systems")]
    pub(in crate::starting) fn wait(self, _: Background, _: Duration) -> io::Result<Outcome> {
        Ok(Outcome::TimedOut)
    }
}
