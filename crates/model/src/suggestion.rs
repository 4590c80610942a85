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

/// Names longer than this are not compared: comparing takes time in the product of both lengths.
const COMPARED_CHARS_MAX: usize = 64;

impl Suggestion {
    /// What `given` may have meant among `known`.
    #[must_use]
    pub fn new(given: &str, known: &'static [&'static str]) -> Self {
        Self { nearest: nearest_name(given, known.iter().copied()), known }
    }
}

/// The name among `known` that `given` is probably a misspelling of; none when no name is near enough.
///
/// Ours: as many as a third of the letters may differ, and capitals count for nothing. Nor do parts that end in a dot and that both
/// begin with: `com.example.game` is no misspelling of `com.example.film`.
#[must_use]
pub fn nearest_name<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let compared = |name: &str| name.chars().nth(COMPARED_CHARS_MAX).is_none();
    if !compared(given) {
        return None;
    }
    let given = given.to_lowercase();
    let distance = |name: &str| {
        let name = name.to_lowercase();
        let (given, name) = without_common_parts(&given, &name);
        let distance = strsim::osa_distance(given, name);
        (distance <= (given.chars().count() / 3).max(1)).then_some(distance)
    };
    let near = known.into_iter().filter(|name| compared(name));
    let near = near.filter_map(|name| Some((distance(name)?, name)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

fn without_common_parts<'t>(mut one: &'t str, mut other: &'t str) -> (&'t str, &'t str) {
    while let (Some((a, rest)), Some((b, other_rest))) =
        (one.split_once('.'), other.split_once('.'))
        && a == b
    {
        (one, other) = (rest, other_rest);
    }
    (one, other)
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
    fn names_of_one_family_are_no_misspellings_of_each_other() {
        const KNOWN: [&str; 2] = ["com.example.game", "com.example.film"];
        for (given, nearest) in [
            ("com.example.gam", Some(KNOWN[0])),
            ("com.exmple.film", Some(KNOWN[1])),
            ("com.example.ext", None),
            ("game", None),
        ] {
            assert_eq!(nearest_name(given, KNOWN), nearest, "{given}");
        }
    }

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
