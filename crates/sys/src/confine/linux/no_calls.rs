//! Architectures that no filter of system calls is written for. Written, not run.

/// True if this kernel filters system calls, and filters are written for the architecture: no.
pub(super) fn offered() -> bool {
    false
}

/// Applies nothing, and says so.
#[expect(clippy::unnecessary_wraps, reason = "other architectures can fail")]
pub(super) fn restrict(_: u32, _: bool, _: bool) -> Result<bool, std::convert::Infallible> {
    Ok(false)
}
