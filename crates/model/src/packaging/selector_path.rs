//! Paths as they stand in selectors.

use std::fmt;

use serde::{Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

use crate::{PackPath, PathError};

/// Why a text is not a path or pattern that a selector may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// Nothing was given.
    #[error("the path is empty; the source root itself is `.`")]
    Empty,
    /// Longer than any path can be.
    #[error("the path has {bytes} bytes; at most {limit} are allowed", limit = SELECTOR_BYTES_MAX)]
    TooLong {
        /// Bytes given.
        bytes: usize,
    },
    /// A path from the root of the file system.
    #[error("`{path}` is absolute; give a path below the source root")]
    Absolute {
        /// The path.
        path: String,
    },
    /// A path with `..`.
    #[error(
        "`{path}` leaves the source root; set `sourceRoot` to a folder that holds everything, and leave out `..`"
    )]
    Leaves {
        /// The path.
        path: String,
    },
    /// `\` where `/` is meant.
    #[error("`{path}` has a `\\`; parts of a path are joined by `/` on every platform")]
    Backslash {
        /// The path.
        path: String,
    },
    /// A control character.
    #[error("`{path}` has {character:?}, which no path may have")]
    Character {
        /// The path.
        path: String,
        /// The character.
        character: char,
    },
    /// The source root where a file, or something in it, is wanted.
    #[error("`{path}` is the source root, which is a folder; `directory` selects it")]
    Root {
        /// The path.
        path: String,
    },
    /// `**` beside other characters.
    #[error(
        "`{pattern}` has `**` inside a part; it stands alone between slashes, as in `**/*.png`"
    )]
    DoubleStar {
        /// The pattern.
        pattern: String,
    },
    /// A `[` without `]`, or a range from high to low.
    #[error(
        "`{pattern}` has a set of characters that is not whole; sets look like `[abc]`, `[a-z]` or `[!0-9]`"
    )]
    Set {
        /// The pattern.
        pattern: String,
    },
    /// A destination that no pack may hold.
    #[error(transparent)]
    Destination(#[from] PathError),
}

/// Most bytes of one path or pattern.
const SELECTOR_BYTES_MAX: usize = 4096;

/// What a path may begin with or climb to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Climb {
    Refused,
    Allowed,
}

/// The path in normal form C without `.` parts, empty parts and a slash at its end; empty for the root.
fn tidy(text: &str, climb: Climb) -> Result<String, SelectorError> {
    let shown = || text.chars().take(200).collect::<String>();
    if text.is_empty() {
        return Err(SelectorError::Empty);
    }
    if text.len() > SELECTOR_BYTES_MAX {
        return Err(SelectorError::TooLong { bytes: text.len() });
    }
    if text.contains('\\') {
        return Err(SelectorError::Backslash { path: shown() });
    }
    if let Some(character) = text.chars().find(|c| c.is_control()) {
        return Err(SelectorError::Character { path: shown(), character });
    }
    let drive = matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if text.starts_with('/') || drive {
        return Err(SelectorError::Absolute { path: shown() });
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if climb == Climb::Refused && parts.contains(&"..") {
        return Err(SelectorError::Leaves { path: shown() });
    }
    Ok(parts.join("/").nfc().collect())
}

/// A path below the source root, or the source root itself (`.`). `Spec: packs 2.1`.
///
/// Relative, parts joined by `/`, in Unicode NFC, without `..`. `Ours:` `./a`, `a//b` and `a/` are taken for `a`, `a/b`
/// and `a`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SelectorPath(String);

impl SelectorPath {
    /// Checks and tidies the path of a file: anything but the source root.
    ///
    /// # Errors
    /// [`SelectorError`] naming the broken rule.
    pub fn file(text: &str) -> Result<Self, SelectorError> {
        let path = Self::folder(text)?;
        if path.is_root() { Err(SelectorError::Root { path: text.to_owned() }) } else { Ok(path) }
    }

    /// Checks and tidies the path of a folder: the source root, or something in it.
    ///
    /// # Errors
    /// [`SelectorError`] naming the broken rule.
    pub fn folder(text: &str) -> Result<Self, SelectorError> {
        tidy(text, Climb::Refused).map(Self)
    }

    /// Whether this is the source root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path as text; `.` for the source root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.is_root() { "." } else { &self.0 }
    }

    /// The parts, outermost first; none for the source root.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }
}

/// A folder inside a pack, or its top (`.`). `Spec: packs 2.1`; that it may be the top is `Ours`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackFolder(Option<PackPath>);

impl PackFolder {
    /// Checks and tidies a destination as [`SelectorPath::folder`] does; it has to be a path that a pack may hold.
    ///
    /// # Errors
    /// [`SelectorError`] naming the broken rule.
    pub fn new(text: &str) -> Result<Self, SelectorError> {
        let path = SelectorPath::folder(text)?;
        if path.is_root() { Ok(Self(None)) } else { Ok(Self(Some(PackPath::new(path.0)?))) }
    }

    /// The folder; `None` for the top of the pack.
    #[must_use]
    pub fn path(&self) -> Option<&PackPath> {
        self.0.as_ref()
    }

    /// The folder as text; `.` for the top of the pack.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or(".", PackPath::as_str)
    }
}

/// The folder that selectors start from, relative to the folder of the manifest. `Spec: packs 2`.
///
/// `Ours:` it may climb (`../assets`), so that manifests can lie beside the assets; it is never absolute, so that the
/// manifest means the same on another machine.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceRoot(String);

impl SourceRoot {
    /// Checks and tidies the path of a source root.
    ///
    /// # Errors
    /// [`SelectorError`] naming the broken rule.
    pub fn new(text: &str) -> Result<Self, SelectorError> {
        tidy(text, Climb::Allowed).map(Self)
    }

    /// The path as text; `.` for the folder of the manifest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "." } else { &self.0 }
    }
}

macro_rules! text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

text!(SelectorPath);
text!(PackFolder);
text!(SourceRoot);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_tidied() {
        for (given, tidy) in [
            ("a/b", "a/b"),
            ("./a//b/", "a/b"),
            (".", "."),
            ("./", "."),
            ("e\u{301}", "é"),
            ("...", "..."),
        ] {
            assert_eq!(SelectorPath::folder(given).expect(given).as_str(), tidy);
        }
    }

    #[test]
    fn each_way_out_of_the_source_root_is_refused() {
        let error = |text: &str| SelectorPath::folder(text).expect_err(text);
        for text in ["..", "a/..", "../a", "a/../b", "./.."] {
            assert!(matches!(error(text), SelectorError::Leaves { .. }), "{text:?}");
        }
        for text in ["/", "/a", "C:", "c:/x"] {
            assert!(matches!(error(text), SelectorError::Absolute { .. }), "{text:?}");
        }
        assert!(matches!(error("a\\b"), SelectorError::Backslash { .. }));
        assert!(matches!(error("a\0"), SelectorError::Character { .. }));
        assert!(matches!(error(""), SelectorError::Empty));
        assert!(matches!(error(&"x".repeat(5_000)), SelectorError::TooLong { .. }));
        assert!(matches!(SelectorPath::file("./"), Err(SelectorError::Root { .. })));
    }

    #[test]
    fn a_source_root_may_climb_but_not_be_absolute() {
        assert_eq!(SourceRoot::new("../assets/").expect("climbs").as_str(), "../assets");
        assert!(matches!(SourceRoot::new("/assets"), Err(SelectorError::Absolute { .. })));
    }

    #[test]
    fn destinations_are_paths_of_a_pack() {
        assert_eq!(PackFolder::new(".").expect("the top").path(), None);
        assert!(matches!(PackFolder::new("a/con"), Err(SelectorError::Destination(_))));
    }
}
