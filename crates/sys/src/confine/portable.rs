//! Unix systems without Landlock and seccomp. Written, not run.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Resource, getrlimit};

use super::plan::Failure;
use super::{CHANNEL_DESCRIPTOR, Confinement, Enforced, Offered, Usage};

/// How many descriptors are looked through where there may be any number.
const MOST_DESCRIPTORS: u64 = 1 << 16;

/// What this system has to confine programs with: nothing.
#[must_use]
pub fn offered() -> Offered {
    Offered::default()
}

#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
pub(super) fn restrict(_: &Confinement, _: u32) -> Result<Enforced, Failure> {
    Ok(Enforced::default())
}

pub(super) fn usage(_: Pid) -> Option<Usage> {
    None
}

/// Marks every descriptor above the channel to be closed when the program takes over.
#[expect(unsafe_code, reason = "descriptors that were inherited have no owner here")]
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
pub(super) fn close_others() -> io::Result<()> {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(MOST_DESCRIPTORS);
    let most = i32::try_from(most.min(MOST_DESCRIPTORS)).unwrap_or(i32::MAX);
    for number in CHANNEL_DESCRIPTOR + 1..most {
        // SAFETY: nothing is closed here; a number that is not open gives an error.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = fcntl_setfd(descriptor, FdFlags::CLOEXEC);
    }
    Ok(())
}
