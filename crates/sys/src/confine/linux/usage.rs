//! What a process uses, from `/proc` and its clock.

use std::time::Duration;

use rustix::process::Pid;

use super::super::Usage;

/// What the process uses now, without the peak; nothing if it has ended or `/proc` is closed.
pub(in super::super) fn usage(pid: Pid) -> Option<Usage> {
    let number = pid.as_raw_nonzero().get();
    let status = std::fs::read_to_string(format!("/proc/{number}/status")).ok()?;
    let mut usage = parse(&status)?;
    usage.processor_time = processor_time(number)?;
    Some(usage)
}

/// A process that has ended and is not reaped has no lines about memory.
fn parse(status: &str) -> Option<Usage> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    // Huge pages have a line of their own, and none where the kernel has none.
    let huge = field("HugetlbPages").unwrap_or(0);
    let kibibytes = field("RssAnon")? + field("RssShmem")? + field("VmSwap")? + huge;
    let threads = field("Threads")?;
    Some(Usage { anonymous_bytes: kibibytes * 1024, threads, ..Usage::default() })
}

#[expect(unsafe_code, reason = "rustix has no clock of another process")]
fn processor_time(number: libc::pid_t) -> Option<Duration> {
    let mut clock: libc::clockid_t = 0;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both pointers are to locals that outlive the calls.
    let told = unsafe {
        libc::clock_getcpuclockid(number, &raw mut clock) == 0
            && libc::clock_gettime(clock, &raw mut time) == 0
    };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    told.then(|| Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_anonymous_swapped_and_shared_memory_but_no_files() {
        let status = "Name:\tx\nVmRSS:\t 900 kB\nRssAnon:\t 100 kB\nRssFile:\t 770 kB\n\
                      RssShmem:\t 30 kB\nVmSwap:\t 7 kB\nHugetlbPages:\t 2048 kB\nThreads:\t3\n";
        let usage = parse(status).unwrap();
        assert_eq!((usage.anonymous_bytes, usage.threads), (2185 * 1024, 3));
    }

    #[test]
    fn a_process_without_memory_has_no_usage() {
        assert_eq!(parse("Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let usage = usage(rustix::process::getpid()).unwrap();
        assert!(usage.anonymous_bytes > 0 && usage.threads > 0, "{usage:?}");
    }
}
