//! The languages of an app, as far as its packs are concerned. `Spec: packs 9`.

use headstart_model::Language;
use headstart_model::language::{nearest, resolve};
use serde::{Deserialize, Serialize};

/// Who said what the person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Teller {
    /// The device, for every app of which nobody else has said anything.
    Device,
    /// A process of the app. `Ours:` it runs in the person's own session, so its word goes before the device's.
    App,
}

/// What is known about the languages of an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Languages {
    /// What the person reads, best first, as last told; empty while nobody has told.
    pub preferred: Vec<Language>,
    /// Who told.
    pub told_by: Option<Teller>,
    /// What the app itself has set instead; none follows the person.
    pub chosen: Option<Language>,
    /// The language whose packs come by themselves; none when none suits, or no localized pack is offered.
    pub resolved: Option<Language>,
    /// `resolved` has changed, and no catalog has been looked at since for what has to come.
    pub changed: bool,
}

impl Languages {
    /// The language of `available` that suits the app: near to what it has chosen, else to what the person reads, else to
    /// its primary language.
    pub(crate) fn resolve(
        &self,
        available: &[Language],
        primary: Option<&Language>,
    ) -> Option<Language> {
        let chosen = self.chosen.as_ref().and_then(|chosen| nearest(chosen, available));
        chosen.or_else(|| resolve(&self.preferred, available, primary)).cloned()
    }

    /// Whether packs of `language` belong to the resolved one.
    #[must_use]
    pub fn is_resolved(&self, language: &Language) -> bool {
        self.resolved.as_ref().is_some_and(|resolved| resolved.is_same_as(language))
    }
}
