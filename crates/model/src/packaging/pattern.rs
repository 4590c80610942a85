//! UNIX wildcards.

mod part;

use std::fmt;

use serde::{Serialize, Serializer};

use self::part::Part;
use super::selector_path::{SelectorError, SelectorPath};

/// A UNIX wildcard over paths below the source root. `Spec: packs 2.1`; the exact meaning is `Ours`, see `docs/spec/packs.md`.
///
/// `*` is any run of characters and `?` any one, both within one part; `[a-z]` is one of a set, `[!a-z]` one outside it;
/// `**` alone between slashes is any number of parts, also none (at the end: at least one). Every other character stands
/// for itself, braces included. Case counts, and names that begin with a dot are names like any other.
///
/// `Ours:` matched here and not by a library, since those at hand match bytes: `?` would not match `é`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

impl Pattern {
    /// Checks and tidies a pattern as [`SelectorPath::file`] does.
    ///
    /// # Errors
    /// [`SelectorError`] naming the broken rule.
    pub fn new(text: &str) -> Result<Self, SelectorError> {
        let path = SelectorPath::file(text)?;
        let parts = path.parts().map(|part| {
            if part != "**" && part.contains("**") {
                return Err(SelectorError::DoubleStar { pattern: text.to_owned() });
            }
            Part::new(part).ok_or_else(|| SelectorError::Set { pattern: text.to_owned() })
        });
        Ok(Self { parts: parts.collect::<Result<_, _>>()?, text: path.as_str().to_owned() })
    }

    /// The pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The folder that everything matching lies in: the leading parts without wildcards, but never the last part.
    #[must_use]
    pub fn folder(&self) -> SelectorPath {
        let (_, above) = self.parts.split_last().expect("a pattern has at least one part");
        let plain = above.iter().take_while(|part| part.is_plain()).count();
        let parts: Vec<&str> = self.text.split('/').take(plain).collect();
        let path = if parts.is_empty() { ".".to_owned() } else { parts.join("/") };
        SelectorPath::folder(&path).expect("a pattern begins like a path")
    }

    /// How many levels below [`Pattern::folder`] something matching can lie; `None` when there is no limit.
    #[must_use]
    pub fn depth(&self) -> Option<usize> {
        let bounded = !self.parts.contains(&Part::AnyParts);
        bounded.then(|| self.parts.len() - self.folder().parts().count())
    }

    /// Whether the whole of `path` matches: a path in normal form C, parts joined by `/`.
    ///
    /// Time grows at most with the length of the pattern times that of the path: no pattern makes it blow up.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        // `reached[n]`: the parts of the pattern looked at so far can match the first n parts of the path.
        let mut reached = vec![false; path.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        for (number, part) in self.parts.iter().enumerate() {
            reached = if *part == Part::AnyParts {
                any_parts(&reached, number + 1 == self.parts.len())
            } else {
                let steps =
                    reached.iter().zip(&path).map(|(from, name)| *from && part.matches(name));
                std::iter::once(false).chain(steps).collect()
            };
        }
        reached.last().copied().unwrap_or(false)
    }
}

/// At its end a pattern means what lies in a folder, not the folder: there `**` stands for at least one part.
fn any_parts(reached: &[bool], last: bool) -> Vec<bool> {
    let mut before = false;
    let step = |from: &bool| {
        let now = before || (*from && !last);
        before |= *from;
        now
    };
    reached.iter().map(step).collect()
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
