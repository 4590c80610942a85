//! Which start of the machine this is.

use std::sync::OnceLock;

/// Differs from one start of the machine to the next and stays while it runs; none where the system tells nothing of the kind.
///
/// Ours: bytes that were written but not synced are certain to be there as long as this is the same, whatever happens to
/// processes. Linux tells; for other systems nothing is written, and whoever asks has to rely on synced bytes alone.
#[must_use]
pub fn boot_id() -> Option<&'static str> {
    static ID: OnceLock<Option<String>> = OnceLock::new();
    ID.get_or_init(read).as_deref()
}

#[cfg(target_os = "linux")]
fn read() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = text.trim();
    (!id.is_empty() && id.len() <= 64).then(|| id.to_owned())
}

#[cfg(not(target_os = "linux"))]
fn read() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_start_has_the_same_id() {
        assert_eq!(boot_id(), boot_id());
        assert_eq!(boot_id().is_some(), cfg!(target_os = "linux"));
    }
}
