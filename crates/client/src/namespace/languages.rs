//! The languages of what can be read.

use std::collections::BTreeSet;

use headstart_model::Language;

use super::Namespace;
use crate::error::Error;

impl Namespace {
    /// The languages of the packs, each once, by tag. `Spec: packs 9`.
    ///
    /// # Errors
    /// `namespaceDamaged` when the index of the files cannot be used.
    pub fn languages(&self) -> Result<Vec<Language>, Error> {
        let mut languages = BTreeSet::new();
        for pack in self.held.snapshot.packs() {
            let pack = pack.map_err(|error| self.damaged(&error))?;
            languages.extend(pack.language.and_then(|tag| Language::new(tag).ok()));
        }
        Ok(languages.into_iter().collect())
    }
}
