//! How much memory a process takes, for the service's status and for benchmarks.
//!
//! Read from `/proc`, so known on Linux alone; elsewhere the answer is `None`.

use std::fs;

/// Bytes of memory that belong to the process alone: heap and stacks, without mapped files, which
/// the system can take back at any time. `None` if there is no such process or no way to know.
#[must_use]
pub fn anonymous_memory_bytes(pid: u32) -> Option<u64> {
    field_bytes(&status(pid)?, "RssAnon:")
}

/// The most bytes of memory, mapped files included, that the process ever had at once. `None` as
/// for [`anonymous_memory_bytes`].
#[must_use]
pub fn peak_memory_bytes(pid: u32) -> Option<u64> {
    field_bytes(&status(pid)?, "VmHWM:")
}

fn status(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/status")).ok()
}

/// The value of a line like `RssAnon:      1234 kB`.
fn field_bytes(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nRssAnon:\t     12 kB\n";
        assert_eq!(field_bytes(status, "RssAnon:"), Some(12 * 1024));
        assert_eq!(field_bytes(status, "VmHWM:"), Some(2048 * 1024));
        assert_eq!(field_bytes(status, "RssFile:"), None);
        assert_eq!(field_bytes("RssAnon: 18446744073709551615 kB", "RssAnon:"), None);
        assert_eq!(field_bytes("RssAnon: -1 kB", "RssAnon:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_was_touched_is_counted() {
        let pid = std::process::id();
        let size = 64 << 20;
        let block = vec![1_u8; size];
        assert!(anonymous_memory_bytes(pid).unwrap() >= size as u64);
        drop(std::hint::black_box(block));
        assert!(peak_memory_bytes(pid).unwrap() >= size as u64);
    }

    #[test]
    fn a_process_that_is_not_there_has_none() {
        assert_eq!(anonymous_memory_bytes(u32::MAX), None);
    }
}
