//! What can be wrong with a packaging manifest.

use crate::packaging::selector_path::SelectorError;
use crate::suggestion::Suggestion;
use crate::{AppVersionsError, IdError, LanguageError, Place};

/// A packaging manifest that was refused: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ManifestError {
    /// Where in the text; its beginning when the whole is meant.
    pub place: Place,
    /// What is wrong there.
    #[source]
    pub problem: ManifestProblem,
}

/// What is wrong with a packaging manifest. Each rule is one of `Spec: packs 2` unless it says `Ours`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestProblem {
    /// The text is not JSON with comments, or breaks a limit.
    #[error(transparent)]
    Json(#[from] JsonProblem),
    /// A key that has no meaning there.
    #[error("unknown key `{key}` in {within}; {suggestion}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The object that holds it.
        within: String,
        /// What may have been meant.
        suggestion: Suggestion,
    },
    /// A key that has to be there.
    #[error("{within} lacks the key `{key}`")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// The object that should hold it.
        within: String,
    },
    /// A value of the wrong kind.
    #[error("{what} must be {expected}, but is {found}")]
    Type {
        /// The value, by its keys.
        what: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A name outside a fixed set.
    #[error("{what} does not know `{name}`; {suggestion}")]
    UnknownName {
        /// The list that holds it.
        what: String,
        /// The name.
        name: String,
        /// What may have been meant.
        suggestion: Suggestion,
    },
    /// A platform that is part of another.
    #[error("`iPadOS` is not a platform of its own: `iOS` covers it; write `iOS`")]
    IpadOs,
    /// A list without entries where that has no meaning. For `fileSelectors` `Ours:` a pack without files is a mistake.
    #[error("{what} is empty; give at least one {of}")]
    Empty {
        /// The list.
        what: String,
        /// What it lists.
        of: &'static str,
    },
    /// A list that is too long.
    #[error("{what} has more than {limit} entries")]
    TooMany {
        /// The list.
        what: String,
        /// Most entries.
        limit: usize,
    },
    /// The same entry twice in a list.
    #[error("{what} names `{name}` twice")]
    Repeated {
        /// The list.
        what: String,
        /// The entry.
        name: String,
    },
    /// A download policy with no key, or with several.
    #[error(
        "`downloadPolicy` needs exactly one of `essential`, `prefetch` and `onDemand`, but has {keys}"
    )]
    PolicyShape {
        /// How many keys it has.
        keys: usize,
    },
    /// A selector whose keys do not go together.
    #[error(
        "{what} is not a FileSelector: it has {found}; use one of `file`, `directory`, `filePattern` and `fileExclusion`, or \
         `fileSource` with `fileDestination`, or `directorySource` with `directoryDestination`"
    )]
    SelectorShape {
        /// The selector.
        what: String,
        /// The keys that it has.
        found: String,
    },
    /// An identifier that is not one.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A language tag that is not one.
    #[error(transparent)]
    Language(#[from] LanguageError),
    /// A range of app versions that is none.
    #[error("`appVersions`: {0}")]
    AppVersions(#[from] AppVersionsError),
    /// A path or pattern that breaks a rule.
    #[error("{what}: {problem}")]
    Path {
        /// The value, by its keys.
        what: String,
        /// The rule.
        #[source]
        problem: SelectorError,
    },
}

/// What is wrong with a text as JSON with comments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonProblem {
    /// More bytes than are read.
    #[error("the manifest has {bytes} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not JSON.
    #[error("this is not JSON with comments: {reason}")]
    Syntax {
        /// What the parser stumbled over.
        reason: String,
    },
    /// Objects and lists inside each other beyond the limit.
    #[error("objects and lists lie more than {limit} deep in each other")]
    TooDeep {
        /// Depth allowed.
        limit: usize,
    },
    /// A number that 64 bits cannot hold.
    #[error("the number {text} is too large")]
    Number {
        /// The number as given.
        text: String,
    },
    /// The same key twice in one object: nobody can say which counts.
    #[error("the key `{key}` stands twice in the same object")]
    DuplicateKey {
        /// The key.
        key: String,
    },
}
