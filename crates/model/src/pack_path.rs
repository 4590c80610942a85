//! Paths inside a pack.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Why a text is not a path inside a pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path is empty, or has an empty part (`a//b`, `/a`, `a/`).
    #[error("path `{path}` has an empty part")]
    EmptyPart {
        /// The path as given.
        path: String,
    },
    /// A part is `.` or `..`.
    #[error("path `{path}` leaves the pack")]
    Leaves {
        /// The path as given.
        path: String,
    },
    /// The path or one of its parts is longer than file systems allow.
    #[error("path `{path}` is too long (at most 1024 bytes, 255 a part)")]
    TooLong {
        /// The path as given.
        path: String,
    },
    /// A character that some platform cannot store.
    #[error("path `{path}` has {character:?}, which not every platform can store")]
    Character {
        /// The path as given.
        path: String,
        /// The character.
        character: char,
    },
    /// A part ends in a dot or a space, which one platform drops silently.
    #[error("path `{path}` has a part that ends in a dot or a space")]
    Trailing {
        /// The path as given.
        path: String,
    },
    /// A part is a name that one platform reserves for a device (`CON`, `LPT1.txt` …).
    #[error("path `{path}` uses the device name `{name}`")]
    DeviceName {
        /// The path as given.
        path: String,
        /// The part.
        name: String,
    },
    /// The path is not in Unicode NFC.
    #[error("path `{path}` is not in Unicode normal form C")]
    NotNormal {
        /// The path as given.
        path: String,
    },
}

/// A path of a file or folder inside a pack: parts joined by `/`, relative, in Unicode NFC, safe on every platform.
///
/// No part is empty, `.` or `..`; none holds a control character, `\`, `:` or one of `<>"|?*`; none ends in a dot or a space;
/// none is a reserved device name. At most 1024 bytes, 255 a part. The order is that of the bytes.
/// `Spec: packs 2.2`; the character rules are `Ours:` a pack that installs on one platform installs on all.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackPath(String);

const PATH_BYTES_MAX: usize = 1024;
const PART_BYTES_MAX: usize = 255;

impl PackPath {
    /// Checks a path that has to be in normal form already: from an archive, an index, or an app.
    ///
    /// # Errors
    /// [`PathError`] naming the rule that the path breaks.
    pub fn new(text: impl Into<String>) -> Result<Self, PathError> {
        let text = text.into();
        if text.len() > PATH_BYTES_MAX {
            // A path from outside may be megabytes long: it is cut before it enters a message.
            return Err(PathError::TooLong { path: text.chars().take(80).collect() });
        }
        if !is_nfc(&text) {
            return Err(PathError::NotNormal { path: text });
        }
        text.split('/').try_for_each(|part| check_part(&text, part))?;
        Ok(Self(text))
    }

    /// Brings `text` into normal form C, then checks it: for names that come from an author's file system.
    ///
    /// # Errors
    /// As [`PackPath::new`].
    pub fn normalized(text: &str) -> Result<Self, PathError> {
        Self::new(text.nfc().collect::<String>())
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder that holds this, or `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<PackPath> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The parts, outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// This path with another below it.
    ///
    /// # Errors
    /// [`PathError::TooLong`] when both together are too long.
    pub fn join(&self, below: &PackPath) -> Result<PackPath, PathError> {
        Self::new(format!("{}/{}", self.0, below.0))
    }

    /// A key that is equal for two paths which some platform would store as the same file: they differ by case only. `Ours:` Unicode's
    /// full case folding, of which every platform uses a part: `σ`, `ς` and `Σ` are alike, and so are `ß` and `ss`.
    #[must_use]
    pub fn case_key(&self) -> String {
        let mut folded = String::with_capacity(self.0.len());
        for character in self.0.chars().flat_map(char::to_lowercase) {
            match character {
                // It has the upper case of `i`, and is another letter on every platform.
                'ı' => folded.push(character),
                // By way of the upper case, which several small letters have in common.
                _ => folded.extend(character.to_uppercase().flat_map(char::to_lowercase)),
            }
        }
        folded.nfc().collect()
    }
}

fn check_part(path: &str, part: &str) -> Result<(), PathError> {
    let path = || path.to_owned();
    if part.is_empty() {
        return Err(PathError::EmptyPart { path: path() });
    }
    if part == "." || part == ".." {
        return Err(PathError::Leaves { path: path() });
    }
    if part.len() > PART_BYTES_MAX {
        return Err(PathError::TooLong { path: path() });
    }
    if let Some(character) = part.chars().find(|c| c.is_control() || "\\:<>\"|?*".contains(*c)) {
        return Err(PathError::Character { path: path(), character });
    }
    if part.ends_with(['.', ' ']) {
        return Err(PathError::Trailing { path: path() });
    }
    if is_device_name(part) {
        return Err(PathError::DeviceName { path: path(), name: part.to_owned() });
    }
    Ok(())
}

fn is_device_name(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        _ => {
            let digits = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
            digits.is_some_and(|d| {
                matches!(
                    d,
                    "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
                )
            })
        }
    }
}

impl TryFrom<String> for PackPath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<PackPath> for String {
    fn from(path: PackPath) -> Self {
        path.0
    }
}

impl FromStr for PackPath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl fmt::Display for PackPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PackPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_taken() {
        for text in ["a", "a/b.png", "Größe/日本.txt", ".hidden/x", "a b/c", "console/COM10"] {
            assert_eq!(PackPath::new(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn each_broken_rule_is_named() {
        let error = |text: &str| PackPath::new(text).expect_err(text);
        for text in ["", "/a", "a/", "a//b"] {
            assert!(matches!(error(text), PathError::EmptyPart { .. }), "{text:?}");
        }
        for text in ["..", "a/../b", "./a"] {
            assert!(matches!(error(text), PathError::Leaves { .. }), "{text:?}");
        }
        for text in ["a\\b", "c:/x", "a\nb", "a\0", "x?"] {
            assert!(matches!(error(text), PathError::Character { .. }), "{text:?}");
        }
        assert!(matches!(error("a./b"), PathError::Trailing { .. }));
        assert!(matches!(error("x /b"), PathError::Trailing { .. }));
        for text in ["con", "a/NUL.txt", "lpt1", "COM9.tar.gz"] {
            assert!(matches!(error(text), PathError::DeviceName { .. }), "{text:?}");
        }
        assert!(matches!(error("e\u{301}"), PathError::NotNormal { .. }));
        assert!(matches!(error(&"x".repeat(256)), PathError::TooLong { .. }));
        assert!(matches!(error(&"x/".repeat(700)), PathError::TooLong { .. }));
    }

    #[test]
    fn names_of_an_author_are_normalized() {
        assert_eq!(PackPath::normalized("e\u{301}").expect("fine").as_str(), "é");
    }

    #[test]
    fn paths_that_differ_by_case_share_a_key() {
        let key = |text: &str| PackPath::new(text).expect(text).case_key();
        assert_eq!(key("Ä/File.PNG"), key("ä/file.png"));
        assert_ne!(key("a"), key("b"));
        assert_ne!(key("ı"), key("i"));
        for (one, other) in [
            ("ΣΑΣ.txt", "σας.txt"),
            ("\u{b5}", "\u{3bc}"),
            ("ſ", "S"),
            ("ẞ", "ß"),
            ("ß", "SS"),
            ("ǅ", "ǆ"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
    }
}
