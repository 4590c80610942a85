//! What can be wrong with the description of a bundle.

use std::fmt;

use super::DESCRIPTION_BYTES_MAX;
use super::domain::DomainError;
use super::version::VersionError;
use crate::{IdError, LanguageError, PathError, Place, Suggestion, UrlProblem};

/// Why a bundle is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// More bytes than are read.
    #[error("the description of the app has {bytes} bytes; at most {limit} are allowed", limit = DESCRIPTION_BYTES_MAX)]
    TooLarge {
        /// Bytes given.
        bytes: usize,
    },
    /// Not TOML.
    #[error("the description of the app is not TOML")]
    Toml(#[source] toml::de::Error),
    /// Not a property list.
    #[error("the description of the app is not a property list in XML or binary form")]
    PropertyList(#[source] plist::Error),
    /// TOML that is not text.
    #[error("the description of the app is not UTF-8 text")]
    NotText(#[source] std::str::Utf8Error),
    /// Everything that is wrong in it, in the order of the checks; at least one.
    #[error("{}", listed(.0))]
    Problems(Vec<BundleProblem>),
}

impl BundleError {
    pub(super) fn unless_empty(problems: Vec<BundleProblem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self::Problems(problems)) }
    }
}

fn listed(problems: &[BundleProblem]) -> String {
    let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match problems {
        [_] => format!("the description of the app has a mistake: {text}"),
        _ => format!("the description of the app has {} mistakes: {text}", problems.len()),
    }
}

/// One mistake in the description of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleProblem {
    /// The key, with those above it: `app.id`, `BAInitialDownloadRestrictions.BADownloadAllowance`.
    pub key: String,
    /// Where it stands; unknown in property lists and for what is missing.
    pub place: Option<Place>,
    /// What is wrong.
    pub kind: ProblemKind,
}

impl fmt::Display for BundleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "`{}` {}", self.key, self.kind)
    }
}

/// What is wrong with a key, as the rest of a sentence that begins with the key. `Spec: app-bundle 7`
/// lists the rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// It has to be there.
    #[error("is missing{why}")]
    Missing {
        /// For whom it has to be there: empty, or the rest of the sentence.
        why: &'static str,
    },
    /// It has no meaning there.
    #[error("is not known; {0}")]
    Unknown(Suggestion),
    /// It is of the wrong kind.
    #[error("must be {expected}, but is {found}")]
    Type {
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// It lists nothing, where at least one entry is needed.
    #[error("is empty; give at least one entry")]
    Empty,
    /// It lists more than there may be.
    #[error("has {count} entries; at most {limit} are allowed")]
    TooMany {
        /// How many it lists.
        count: usize,
        /// How many it may list.
        limit: usize,
    },
    /// It is below zero.
    #[error("is {value}; it must be 0 or more")]
    Negative {
        /// The value.
        value: i64,
    },
    /// It names something twice.
    #[error("names `{entry}` twice")]
    Repeated {
        /// What it names.
        entry: String,
    },
    /// It is of the right kind, but not a good value.
    #[error("is not good: {0}")]
    Value(#[from] ValueError),
    /// Its URL may not be used.
    #[error("cannot be used: {0}")]
    Url(#[from] UrlProblem),
    /// It cannot stand beside another key.
    #[error("cannot stand beside `{other}`; keep one of them")]
    Conflict {
        /// The other key.
        other: &'static str,
    },
    /// It means nothing without another key.
    #[error("needs `{needed}` beside it")]
    Needs {
        /// The other key, and its value where that matters.
        needed: &'static str,
    },
    /// It asks for hosting by Apple, which nobody else can reach.
    #[error(
        "asks for hosting by Apple, which only Apple's systems can reach; give `BARepositoryURL` instead"
    )]
    AppleHosting,
    /// The extension is the app's own program: nobody could tell which of them asks.
    #[error("is the program of the app itself; the extension is a program of its own")]
    SameProgram,
}

/// Why a value of the right kind is not a good one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Not an identifier.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Not a version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Not a path in the bundle.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Not a language.
    #[error(transparent)]
    Language(#[from] LanguageError),
    /// Not a domain.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// Not a URL.
    #[error("not a URL: {0}")]
    Url(#[from] url::ParseError),
    /// Not a name that fits under an icon.
    #[error("a name is one line of 1 to {limit} characters")]
    Name {
        /// Characters that are allowed.
        limit: usize,
    },
    /// Not the identifier of an extension point that downloads assets.
    #[error("`{text}` is not the extension point of a downloader extension")]
    ExtensionPoint {
        /// The text as given.
        text: String,
    },
}
