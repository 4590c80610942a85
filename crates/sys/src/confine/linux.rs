//! Linux: Landlock, seccomp and the rest of what a process may take from itself.

// Other architectures have other calls, and filters for them are written when somebody can try
// them.
#[cfg_attr(
    not(all(
        any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"),
        target_pointer_width = "64"
    )),
    path = "linux/no_calls.rs"
)]
mod calls;
mod files;
mod usage;

use std::io;
use std::os::fd::RawFd;

use rustix::io::Errno;
use rustix::process::Signal;
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::plan::Failure;
use super::{CHANNEL_DESCRIPTOR, Confinement, Enforced, Offered};

pub(super) use usage::usage;

/// The first version of Landlock that keeps signals within.
const LANDLOCK_WITH_SIGNALS: u32 = 6;

/// What this kernel has to confine programs with.
#[must_use]
pub fn offered() -> Offered {
    Offered { landlock_abi: files::abi(), seccomp: calls::offered() }
}

/// Confines this process, which has one thread, as far as the kernel can.
///
/// The order matters: files are granted while this process can still open them, and what ends it
/// with the service is set up before the filter, which keeps the program from undoing it.
pub(super) fn restrict(confinement: &Confinement, service: u32) -> Result<Enforced, Failure> {
    let refused = |step| move |error: Errno| Failure::confining(step)(error.into());
    rustix::thread::set_no_new_privs(true).map_err(refused("no new privileges"))?;
    let landlock_abi = files::restrict(confinement)?;
    drop_capabilities().map_err(refused("capabilities"))?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(refused("the end of the service"))?;
    let signals_kept = landlock_abi.is_some_and(|abi| abi >= LANDLOCK_WITH_SIGNALS);
    let own = rustix::process::getpid().as_raw_nonzero().get().cast_unsigned();
    let seccomp = calls::offered()
        && calls::restrict(own, signals_kept, confinement.socket_pairs)
            .map_err(|error| Failure::confining("system calls")(io::Error::other(error)))?;
    Ok(Enforced {
        landlock_abi,
        seccomp,
        no_new_privileges: true,
        ends_with_service: service != 0,
        limits: false,
    })
}

/// Without new privileges they do not come back, not even for a service that runs as root.
fn drop_capabilities() -> rustix::io::Result<()> {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, sets)?;
    match rustix::thread::clear_ambient_capability_set() {
        // Kernels before 4.3 have no such set.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Marks every descriptor above the channel to be closed when the program takes over.
#[expect(unsafe_code, reason = "neither rustix nor every libc has this call")]
pub(super) fn close_others() -> io::Result<()> {
    let first = libc::c_uint::try_from(CHANNEL_DESCRIPTOR + 1).unwrap_or(libc::c_uint::MAX);
    // SAFETY: takes three numbers and closes nothing now.
    let closed = unsafe {
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    // Kernels before 5.11 do not know it.
    if closed == 0 { Ok(()) } else { close_others_singly() }
}

fn close_others_singly() -> io::Result<()> {
    use rustix::io::{FdFlags, fcntl_setfd};

    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        open.extend(entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    for number in open.into_iter().filter(|number| *number > CHANNEL_DESCRIPTOR) {
        // The descriptor of the listing is among them and closed by now.
        let _ = fcntl_setfd(borrow(number), FdFlags::CLOEXEC);
    }
    Ok(())
}

#[expect(unsafe_code, reason = "descriptors that were inherited have no owner here")]
fn borrow(number: RawFd) -> std::os::fd::BorrowedFd<'static> {
    // SAFETY: used for one call at once, which closes nothing; a number that is not open gives an
    // error.
    unsafe { std::os::fd::BorrowedFd::borrow_raw(number) }
}
