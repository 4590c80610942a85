//! The one right of an app to look at its downloads and change them. `Spec: concepts 12`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use headstart_model::ErrorKind;
use headstart_model::protocol::downloads::{AcquireExclusiveControl, ReleaseExclusiveControl};
use headstart_model::protocol::message::Answer;

use crate::connection::Connection;
use crate::error::Error;
use crate::link::{Caller, Link};

/// Held exclusive control over the downloads of an app and its extension. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "dropping it gives the control back"]
pub struct ExclusiveControl {
    link: Arc<Link>,
    /// The control is that of this connection. None when it was given back.
    connection: Option<Connection>,
}

/// Takes it, waiting until `deadline` at most.
pub(crate) fn acquire(
    caller: &Caller,
    deadline: Option<SystemTime>,
) -> Result<ExclusiveControl, Error> {
    let app = caller.on_behalf_of();
    let mut connection = caller.open()?;
    let wait_milliseconds = deadline.map(|deadline| milliseconds_until(deadline, now()));
    let asked = connection.call(&AcquireExclusiveControl { app, wait_milliseconds });
    if !caller.still_open() {
        return Err(Error::new(ErrorKind::Cancelled, "cancelled", "the caller gave the call up"));
    }
    let link = Arc::clone(caller.link());
    match asked {
        Ok(_) => Ok(ExclusiveControl { link, connection: Some(connection) }),
        Err(error) => {
            // A refusal leaves the connection as good as it was.
            link.give_back(connection);
            Err(error)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a library has no `main` that could read the clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// 0 when it has passed; rounded up, so that a wait is never shorter than was asked.
fn milliseconds_until(deadline: SystemTime, now: SystemTime) -> u64 {
    let left = deadline.duration_since(now).unwrap_or(Duration::ZERO);
    u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl ExclusiveControl {
    /// Gives it back, and waits until it is free for others. Where the service is gone nobody holds
    /// it.
    pub async fn release(mut self) {
        if let Some(connection) = self.begin_release() {
            let link = Arc::clone(&self.link);
            ::blocking::unblock(move || end_release(&link, connection)).await;
        }
    }

    /// As [`release`](Self::release), waiting.
    pub fn release_blocking(mut self) {
        if let Some(connection) = self.begin_release() {
            end_release(&self.link, connection);
        }
    }

    /// Tells the service; none when that is done already, or nobody is there to be told.
    fn begin_release(&mut self) -> Option<Connection> {
        let mut connection = self.connection.take()?;
        connection.send(&ReleaseExclusiveControl {}, Answer::Once).ok()?;
        Some(connection)
    }
}

fn end_release(link: &Link, mut connection: Connection) {
    if connection.receive_only::<ReleaseExclusiveControl>().is_ok() {
        link.give_back(connection);
    }
}

impl Drop for ExclusiveControl {
    fn drop(&mut self) {
        if let Some(connection) = self.begin_release() {
            // The service frees it as soon as it reads this; nobody has to wait for the answer.
            let link = Arc::clone(&self.link);
            ::blocking::unblock(move || end_release(&link, connection)).detach();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_has_passed_waits_for_nothing_and_a_later_one_no_less_than_asked() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let at = |nanos| milliseconds_until(now + Duration::from_nanos(nanos), now);
        assert_eq!((at(0), at(1), at(1_000_000), at(1_000_001)), (0, 1, 1, 2));
        assert_eq!(milliseconds_until(SystemTime::UNIX_EPOCH, now), 0);
    }
}
