//! The languages of the person before this process.

use headstart_model::Language;
use headstart_model::language::LanguageVariables;

/// What the person before this process reads, best first; empty when the system does not say.
///
/// On Unix the environment says it, in `LANGUAGE`, `LC_ALL`, `LC_MESSAGES` and `LANG`. Elsewhere these are looked at too, but
/// are rarely set: a program that knows better says so itself.
#[must_use]
pub fn preferred_languages() -> Vec<Language> {
    let [language, lc_all, lc_messages, lang] =
        ["LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"].map(variable);
    let variables = LanguageVariables {
        language: &language,
        lc_all: &lc_all,
        lc_messages: &lc_messages,
        lang: &lang,
    };
    variables.preferred()
}

/// The value of a variable; empty when it is not set, or is no text.
#[expect(clippy::disallowed_methods, reason = "the environment is what this module reads")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
