//! The subtags of a language tag, with the implied ones filled in.

use icu_locale::subtags::{Language as Code, Region, Script};
use icu_locale::{LanguageIdentifier, Locale, LocaleCanonicalizer, LocaleExpander};

/// Language, script and region of a tag after aliases are replaced (`iw` is `he`) and CLDR's likely
/// subtags are added (`en` is `en-Latn-US`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Subtags {
    pub(super) language: Code,
    pub(super) script: Option<Script>,
    pub(super) region: Option<Region>,
    /// Which of the three the tag itself says: bit 2 language, bit 1 script, bit 0 region.
    pub(super) explicit: u8,
}

impl Subtags {
    pub(super) fn of(tag: &LanguageIdentifier) -> Self {
        let mut locale = Locale::from(tag.clone());
        LocaleCanonicalizer::new_extended().canonicalize(&mut locale);
        let mut full = locale.id;
        let explicit = u8::from(!full.language.is_unknown()) << 2
            | u8::from(full.script.is_some()) << 1
            | u8::from(full.region.is_some());
        // CLDR takes the unknown language for English; somebody who says nothing has not asked for English.
        if explicit != 0 {
            LocaleExpander::new_extended().maximize(&mut full);
        }
        Self { language: full.language, script: full.script, region: full.region, explicit }
    }

    /// Whether both mean the same, whatever of it they leave out.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.language, self.script, self.region) == (other.language, other.script, other.region)
    }

    /// Whether the region is one of those for tests of translations, which nobody reads.
    pub(super) fn is_pseudo(&self) -> bool {
        self.region.is_some_and(|region| ["XA", "XB", "XC"].contains(&region.as_str()))
    }

    /// Whether `self` is what CLDR takes its language (and script, where `other` has the same one)
    /// for, and `other` is not. `other` has the same language.
    pub(super) fn is_likelier(&self, other: &Self) -> bool {
        if self.script != other.script {
            self.script == self.likely(None).script
        } else if self.region != other.region {
            self.region == self.likely(self.script).region
        } else {
            false
        }
    }

    fn likely(&self, script: Option<Script>) -> LanguageIdentifier {
        let mut tag = LanguageIdentifier::from((self.language, script, None));
        LocaleExpander::new_extended().maximize(&mut tag);
        tag
    }
}
