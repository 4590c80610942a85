//! Identifiers. Each is checked once, when it is made from text.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Nothing was given.
    #[error("{what} is empty")]
    Empty {
        /// Which identifier.
        what: &'static str,
    },
    /// Longer than a file name may safely be.
    #[error("{what} has {length} bytes; at most {limit} are allowed")]
    TooLong {
        /// Which identifier.
        what: &'static str,
        /// Bytes given.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A character outside the allowed set, or in a place where it may not stand.
    #[error(
        "{what} `{text}` has {character:?}; allowed are letters, digits, `.`, `-` and `_`, beginning with a letter or digit and not ending in `.`"
    )]
    Character {
        /// Which identifier.
        what: &'static str,
        /// The text as given.
        text: String,
        /// The first character that is not allowed.
        character: char,
    },
}

const ID_BYTES_MAX: usize = 120;

/// Identifiers become folder names on every platform and parts of URLs, so the set is the one that is safe in both.
fn check(what: &'static str, text: &str) -> Result<(), IdError> {
    let first = text.chars().next().ok_or(IdError::Empty { what })?;
    if text.len() > ID_BYTES_MAX {
        return Err(IdError::TooLong { what, length: text.len(), limit: ID_BYTES_MAX });
    }
    let wrong = |character| IdError::Character { what, text: text.to_owned(), character };
    if !first.is_ascii_alphanumeric() {
        return Err(wrong(first));
    }
    if text.ends_with('.') {
        return Err(wrong('.'));
    }
    match text.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_')) {
        Some(character) => Err(wrong(character)),
        None => Ok(()),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// 1 to 120 ASCII letters, digits, `.`, `-`, `_`; begins with a letter or digit, does not end in `.`.
        /// `Ours:` the specification leaves the set open; this one is safe as a folder name and in a URL everywhere.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text` and makes an identifier of it.
            ///
            /// # Errors
            /// [`IdError`] when the text is empty, too long or has a character that is not allowed.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check($what, &text)?;
                Ok(Self(text))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// Names an asset pack. `Spec: packs 2`.
    PackId, "the asset pack id"
}
text_id! {
    /// Names an app (its bundle identifier). `Spec: concepts 2`.
    AppId, "the app id"
}
text_id! {
    /// Names an app group: the storage that an app and its extension share. `Spec: concepts 2`.
    AppGroupId, "the app group id"
}
text_id! {
    /// Names a channel of a repository. `Ours:` releases are tried on one channel before another gets them.
    ChannelName, "the channel name"
}

impl ChannelName {
    /// The channel that apps follow when nothing else is said: `production`.
    #[must_use]
    pub fn production() -> Self {
        Self("production".to_owned())
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number_id! {
    /// The version of an asset pack: 0 or more, chosen by the publisher's side. `Spec: packs 8`.
    PackVersion
}
number_id! {
    /// The number of a release of a repository: 1, 2, 3 … over all channels. `Ours:` one release is one signed set of metadata.
    ReleaseNumber
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_ids_are_taken() {
        for text in ["Level1", "com.example.game", "a", "0-textures_hd"] {
            assert_eq!(PackId::new(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn ids_that_could_leave_a_folder_are_refused() {
        for text in ["", ".", "..", "a/b", "a\\b", ".hidden", "a.", "ä", "a b", "a\0", "-x"] {
            assert!(PackId::new(text).is_err(), "{text:?}");
        }
        assert!(PackId::new("x".repeat(121)).is_err());
    }

    #[test]
    fn json_is_checked_like_text() {
        assert!(serde_json::from_str::<AppId>("\"../x\"").is_err());
        assert_eq!(serde_json::from_str::<PackVersion>("7").expect("a number"), PackVersion(7));
    }
}
