//! A `lib.rs` is crate doc, list of modules and re-exports; a crate of names for another one is thin.

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

/// The most lines of code that `crates/compat` has without its tests. What decides, orders or holds
/// something belongs into the library, which then has it for everybody.
pub const THIN_LINES_MAX: usize = 1_499;

/// Lines that are neither blank nor a comment.
#[must_use]
pub fn code_lines(text: &str) -> usize {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// Checks the length of a thin crate: the text of each of its sources, without tests.
#[must_use]
pub fn check_thin<'a>(folder: &str, sources: impl IntoIterator<Item = &'a str>) -> Option<Finding> {
    let lines: usize = sources.into_iter().map(code_lines).sum();
    let what = format!(
        "{lines} lines of code, at most {THIN_LINES_MAX}: move what is no translation into the library"
    );
    (lines > THIN_LINES_MAX).then(|| Finding::new(folder, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_passes_and_one_more_line_fails() {
        assert_eq!(check("lib.rs", &"line\n".repeat(LIB_LINES_MAX)), None);
        assert!(check("lib.rs", &"line\n".repeat(LIB_LINES_MAX + 1)).is_some());
    }

    #[test]
    fn code_is_what_is_neither_blank_nor_a_comment() {
        assert_eq!(code_lines("//! It is.\n\nlet a = 1; // one\n    /// Not.\n  }\n\t\n"), 2);
    }

    #[test]
    fn a_thin_crate_is_measured_over_all_its_files() {
        let half = "code\n// no code\n".repeat(THIN_LINES_MAX / 2);
        assert_eq!(check_thin("thin", [half.as_str(), half.as_str(), "code"]), None);
        assert!(check_thin("thin", [half.as_str(), half.as_str(), "code\ncode"]).is_some());
    }
}
