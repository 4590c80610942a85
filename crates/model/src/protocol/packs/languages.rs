//! The languages of an app's packs. `Spec: packs 9`.

use serde::{Deserialize, Serialize};

use super::method;
use super::{Language, Pack, PackFailure};
use crate::{AppId, PackId};

/// The languages of the app and of its packs. Asks nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Languages {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
}

/// What the service answers to [`Languages`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanguagesReply {
    /// The app's own first language; none when its bundle names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<Language>,
    /// Of the packs that are offered, each once, by tag.
    pub available: Vec<Language>,
    /// Of the packs that can be read, each once, by tag.
    pub local: Vec<Language>,
    /// What the app has set; none when it follows its person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Language>,
    /// The one whose packs come by themselves; none when none of those that are offered suits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Language>,
}

method!(Languages, "io.headstart.Packs.Languages", One, LanguagesReply);

/// Sets the language of the app, or has it follow its person again. Fetches and removes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetLanguage {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The language; none follows the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// What the service answers to [`SetLanguage`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanguageSet {
    /// What it comes to among the packs that are offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Language>,
}

method!(SetLanguage, "io.headstart.Packs.SetLanguage", One, LanguageSet);

/// Fetches what the app's language lacks; when all of it is there, removes localized packs of other
/// languages, but for those that somebody had asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileLanguages {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
}

/// What the service answers to [`ReconcileLanguages`]. Where anything failed nothing was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Packs that were missing and can be read now.
    pub successes: Vec<Pack>,
    /// Packs that are missing still.
    pub failures: Vec<PackFailure>,
    /// Packs of other languages that are gone.
    pub removed: Vec<PackId>,
}

method!(ReconcileLanguages, "io.headstart.Packs.ReconcileLanguages", One, Reconciliation);
