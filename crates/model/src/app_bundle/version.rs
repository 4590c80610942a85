//! Versions of apps.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not the version of an app.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version; give one like `1.4.0` or `2.0-beta.1`")]
pub struct VersionError {
    /// The text as given.
    pub text: String,
}

/// The version of an app as its author writes it: `1.4.0`, `2.0-beta.1`.
///
/// Begins with a digit; at most 64 ASCII letters, digits, `.`, `-` and `+`. Kept as text: `1.4` and `1.4.0` are different
/// texts, although [`AppVersion::precedence`] finds them equal. `Ours:` the specification leaves the form open.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppVersion(String);

const VERSION_BYTES_MAX: usize = 64;

impl AppVersion {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`VersionError`] when it is empty, too long, or has other characters.
    pub fn new(text: &str) -> Result<Self, VersionError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
        let good = text.bytes().next().is_some_and(|first| first.is_ascii_digit())
            && text.len() <= VERSION_BYTES_MAX
            && text.bytes().all(allowed);
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(VersionError { text: text.chars().take(VERSION_BYTES_MAX).collect() })
        }
    }

    /// The version as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which of two versions is the later one, by the rules of semantic versions with any number of parts.
    ///
    /// Parts between dots are compared as numbers where both are, else as text; missing ones count as 0. What follows a `-`
    /// makes a version earlier; what follows a `+` does not count.
    #[must_use]
    pub fn precedence(&self, other: &Self) -> Ordering {
        let (release, pre) = self.halves();
        let (other_release, other_pre) = other.halves();
        compare_parts(release, other_release, Some("0")).then_with(|| match (pre, other_pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(pre), Some(other)) => compare_parts(pre, other, None),
        })
    }

    fn halves(&self) -> (&str, Option<&str>) {
        let counted = self.0.split_once('+').map_or(self.0.as_str(), |(counted, _)| counted);
        counted.split_once('-').map_or((counted, None), |(release, pre)| (release, Some(pre)))
    }
}

/// `missing` stands for parts that only one side has; without it the longer side is the later one.
fn compare_parts(one: &str, other: &str, missing: Option<&str>) -> Ordering {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let (one, other) = (ones.next(), others.next());
        if one.is_none() && other.is_none() {
            return Ordering::Equal;
        }
        let order = match (one.or(missing), other.or(missing)) {
            (Some(one), Some(other)) => compare_part(one, other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers before words. Numbers are compared as digits: they may be longer than any integer.
fn compare_part(one: &str, other: &str) -> Ordering {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.trim_start_matches('0').to_owned())
    };
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one.len().cmp(&other.len()).then(one.cmp(&other)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.cmp(other),
    }
}

impl TryFrom<String> for AppVersion {
    type Error = VersionError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<AppVersion> for String {
    fn from(version: AppVersion) -> Self {
        version.0
    }
}

impl fmt::Display for AppVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> AppVersion {
        AppVersion::new(text).expect(text)
    }

    #[test]
    fn later_versions_come_later() {
        let order = [
            "0.9",
            "1.0-1",
            "1.0-2",
            "1.0-alpha",
            "1.0-alpha.1",
            "1.0-beta.2",
            "1.0-beta.11",
            "1.0",
            "1.0.1",
            "1.2",
            "1.10",
            "2",
            "100000000000000000000000000",
        ];
        for pair in order.windows(2) {
            assert_eq!(version(pair[0]).precedence(&version(pair[1])), Ordering::Less, "{pair:?}");
            assert_eq!(
                version(pair[1]).precedence(&version(pair[0])),
                Ordering::Greater,
                "{pair:?}"
            );
        }
    }

    #[test]
    fn equal_versions_may_be_written_in_several_ways() {
        for (one, other) in [("1.4", "1.4.0"), ("1.04", "1.4"), ("1+a", "1+b"), ("1", "1")] {
            assert_eq!(version(one).precedence(&version(other)), Ordering::Equal, "{one} {other}");
        }
        assert_ne!(version("1.4"), version("1.4.0"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "v1", "1 0", "1/2", "-1", "ä", &"1".repeat(65)] {
            assert!(AppVersion::new(text).is_err(), "{text:?}");
        }
    }
}
