//! Language tags of asset packs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a language tag that a pack may carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LanguageError {
    /// The text does not have the shape language, script, region.
    #[error(
        "`{text}` is not a language tag; give a language with an optional script and region, such as `ja`, `es-US` or `zh-Hans-VN`"
    )]
    Shape {
        /// The text as given.
        text: String,
    },
}

/// A BCP-47 tag of language, script and region only: `ja`, `es-US`, `zh-Hant`, `zh-Hans-VN`. `Spec: packs 2`.
///
/// Written in the canonical case whatever the case it was given in; `_` is not accepted for `-`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// Checks `text` and brings it into canonical case.
    ///
    /// # Errors
    /// [`LanguageError::Shape`] for anything but language, script, region; variants and extensions are not allowed.
    pub fn new(text: &str) -> Result<Self, LanguageError> {
        let shape = || LanguageError::Shape { text: text.chars().take(80).collect() };
        let mut parts = text.split('-').peekable();
        let language = parts
            .next()
            .filter(|p| matches!(p.len(), 2..=3 | 5..=8) && alphabetic(p))
            .ok_or_else(shape)?;
        let mut tag = language.to_ascii_lowercase();
        if let Some(script) = parts.next_if(|p| p.len() == 4 && alphabetic(p)) {
            let (first, rest) = script.split_at(1);
            tag.push('-');
            tag.push_str(&first.to_ascii_uppercase());
            tag.push_str(&rest.to_ascii_lowercase());
        }
        if let Some(region) = parts.next_if(|p| is_region(p)) {
            tag.push('-');
            tag.push_str(&region.to_ascii_uppercase());
        }
        if parts.next().is_some() { Err(shape()) } else { Ok(Self(tag)) }
    }

    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn alphabetic(part: &str) -> bool {
    part.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_region(part: &str) -> bool {
    (part.len() == 2 && alphabetic(part))
        || (part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()))
}

impl TryFrom<String> for Language {
    type Error = LanguageError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl FromStr for Language {
    type Err = LanguageError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_examples_are_taken_in_canonical_case() {
        for (given, tag) in [
            ("ja", "ja"),
            ("es-us", "es-US"),
            ("zh-hant", "zh-Hant"),
            ("ZH-HANS-vn", "zh-Hans-VN"),
            ("es-419", "es-419"),
        ] {
            assert_eq!(Language::new(given).expect(given).as_str(), tag);
        }
    }

    #[test]
    fn variants_extensions_and_other_shapes_are_refused() {
        for text in [
            "",
            "e",
            "en_US",
            "de-1996",
            "en-u-ca-buddhist",
            "en-US-x-a",
            "1a",
            "en-",
            "en-Latn-US-US",
        ] {
            assert!(Language::new(text).is_err(), "{text:?}");
        }
    }
}
