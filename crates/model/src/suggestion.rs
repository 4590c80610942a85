//! What somebody probably meant by a name that does not exist.

use std::fmt;

/// Advice for an unknown name: the nearest known one, or else all that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The known name that is nearest, if one is near enough to be meant.
    pub nearest: Option<&'static str>,
    /// All names that are known at that place.
    pub known: &'static [&'static str],
}

/// Names longer than this are no misspelling of ours; comparing takes time in the product of both lengths.
const COMPARED_CHARS_MAX: usize = 64;

impl Suggestion {
    /// What `given` may have meant among `known`.
    #[must_use]
    pub fn new(given: &str, known: &'static [&'static str]) -> Self {
        let given: String = given.chars().take(COMPARED_CHARS_MAX + 1).collect();
        let chars = given.chars().count();
        if chars > COMPARED_CHARS_MAX {
            return Self { nearest: None, known };
        }
        let lower = given.to_lowercase();
        let nearest = known
            .iter()
            .map(|name| (strsim::osa_distance(&lower, &name.to_lowercase()), *name))
            .filter(|(distance, _)| *distance <= (chars / 3).max(1))
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, name)| name);
        Self { nearest, known }
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nearest) = self.nearest {
            return write!(f, "did you mean `{nearest}`?");
        }
        match self.known.split_last() {
            None => f.write_str("nothing is allowed there"),
            Some((only, [])) => write!(f, "only `{only}` is known"),
            Some((last, others)) => {
                f.write_str("known are ")?;
                let text = others.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
                write!(f, "{} and `{last}`", text.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_finds_its_name() {
        const KNOWN: &[&str] = &["fileSelectors", "platforms", "language"];
        for (given, nearest) in [
            ("fileSelector", "fileSelectors"),
            ("Platforms", "platforms"),
            ("langauge", "language"),
        ] {
            assert_eq!(Suggestion::new(given, KNOWN).nearest, Some(nearest));
        }
        assert_eq!(
            Suggestion::new("zzz", KNOWN).to_string(),
            "known are `fileSelectors`, `platforms` and `language`"
        );
        assert_eq!(Suggestion::new(&"x".repeat(5_000), KNOWN).nearest, None);
    }
}
