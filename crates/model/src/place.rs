//! Where something stands in a text file.

use std::fmt;

/// A place in a text, as editors count: the first line and the first column are 1, a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The beginning of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place of the byte `offset` in `text`; its end when the offset lies behind it.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.char_indices().take_while(|(at, _)| *at < offset);
        before.fold(Self::START, |place, (at, character)| {
            // A lone carriage return ends a line too; one before a line feed does not count twice.
            let ends_line = character == '\n'
                || (character == '\r' && text.as_bytes().get(at + 1) != Some(&b'\n'));
            if ends_line {
                Self { line: place.line + 1, column: 1 }
            } else {
                Self { line: place.line, column: place.column + 1 }
            }
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_like_editors_do() {
        let text = "a\nöx\r\nz\ry";
        let place = |needle: char| Place::of(text, text.find(needle).expect("in the text"));
        assert_eq!(place('a'), Place::START);
        assert_eq!(place('x'), Place { line: 2, column: 2 });
        assert_eq!(place('z'), Place { line: 3, column: 1 });
        assert_eq!(place('y'), Place { line: 4, column: 1 });
        assert_eq!(Place::of(text, 1_000), Place { line: 4, column: 2 });
    }
}
