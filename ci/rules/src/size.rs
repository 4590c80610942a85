//! A `lib.rs` is crate doc, list of modules and re-exports.

use crate::Finding;

/// The most lines a `lib.rs` has.
pub const LIB_LINES_MAX: usize = 80;

/// Checks the length of one `lib.rs`.
#[must_use]
pub fn check(path: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    let what = format!("{lines} lines, at most {LIB_LINES_MAX}: move code into modules");
    (lines > LIB_LINES_MAX).then(|| Finding::new(path, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_passes_and_one_more_line_fails() {
        assert_eq!(check("lib.rs", &"line\n".repeat(LIB_LINES_MAX)), None);
        assert!(check("lib.rs", &"line\n".repeat(LIB_LINES_MAX + 1)).is_some());
    }
}
