//! Failures as they are told to people and programs: one shape on the command line, on the local socket and in logs.

use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a caller can do about a failure. The names are those of the command line's `kind`. `Spec: cli, common rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call or command line is wrong.
    Usage,
    /// An input file is wrong: a manifest, an archive, a settings file.
    InvalidInput,
    /// The thing named does not exist.
    NotFound,
    /// Something else is in the way: it exists already, is locked, or was changed by hand.
    Conflict,
    /// The network or the server; trying later may help.
    Network,
    /// Policy or permission forbids it.
    Refused,
    /// A signature, hash or expiry date does not hold.
    Untrusted,
    /// Not enough free space.
    NoSpace,
    /// Somebody cancelled it.
    Cancelled,
    /// The service cannot be reached.
    Unavailable,
    /// A fault of Headstart itself or of the machine below it.
    Internal,
}

impl ErrorKind {
    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::InvalidInput => "invalidInput",
            Self::NotFound => "notFound",
            Self::Conflict => "conflict",
            Self::Network => "network",
            Self::Refused => "refused",
            Self::Untrusted => "untrusted",
            Self::NoSpace => "noSpace",
            Self::Cancelled => "cancelled",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Network | Self::Unavailable)
    }
}

/// The stable code of a failure. Each is described in `docs/errors.md`; none is ever used for something else.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCode(std::borrow::Cow<'static, str>);

impl ErrorCode {
    /// A code known at build time, in `camelCase`.
    #[must_use]
    pub const fn new(code: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(code))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A failure, complete enough to be shown: what went wrong, why, and the way out.
///
/// Crosses the local socket unchanged and is printed by the command line as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the caller can do about it.
    pub kind: ErrorKind,
    /// Which failure it is.
    pub code: ErrorCode,
    /// What went wrong, naming the thing; one sentence without a full stop.
    pub message: String,
    /// What to do; empty when there is nothing to advise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// Why, outermost cause first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

impl Failure {
    /// A failure without hint or causes.
    #[must_use]
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: ErrorCode::new(code),
            message: message.into(),
            hint: String::new(),
            causes: Vec::new(),
        }
    }

    /// A failure whose message and causes are those of `error`.
    #[must_use]
    pub fn from_error(
        kind: ErrorKind,
        code: &'static str,
        error: &(dyn StdError + 'static),
    ) -> Self {
        let mut failure = Self::new(kind, code, error.to_string());
        failure.causes = causes_of(error);
        failure
    }

    /// With advice on what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// With each of its texts cut to `chars` characters, and with few causes: for failures that come from outside and are kept.
    #[must_use]
    pub fn shortened(mut self, chars: usize) -> Self {
        const CAUSES_MAX: usize = 8;
        let cut = |text: &mut String| {
            if let Some((at, _)) = text.char_indices().nth(chars) {
                text.truncate(at);
            }
        };
        let mut code = self.code.as_str().to_owned();
        cut(&mut code);
        self.code = ErrorCode(code.into());
        cut(&mut self.message);
        cut(&mut self.hint);
        self.causes.truncate(CAUSES_MAX);
        self.causes.iter_mut().for_each(cut);
        self
    }

    /// With the message of this failure as the first cause of a wider one.
    #[must_use]
    pub fn within(mut self, message: impl Into<String>) -> Self {
        let inner = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, inner);
        self
    }
}

/// The messages of everything below `error`, outermost first, without one that only repeats the message above it.
fn causes_of(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut last = error.to_string();
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !last.ends_with(&text) {
            causes.push(text.clone());
        }
        last = text;
        next = cause.source();
    }
    causes
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl StdError for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_documented_fields() {
        let failure = Failure::new(ErrorKind::NoSpace, "diskFull", "pack `a` needs 3 bytes")
            .with_hint("free some");
        let json = serde_json::to_value(&failure).expect("plain data");
        assert_eq!(json["kind"], "noSpace");
        assert_eq!(json["code"], "diskFull");
        assert_eq!(json["hint"], "free some");
        assert_eq!(serde_json::from_value::<Failure>(json).expect("own output"), failure);
    }

    #[test]
    fn causes_are_kept_in_order() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        let failure =
            Failure::from_error(ErrorKind::Internal, "io", &Outer(std::io::Error::other("inner")));
        assert_eq!(failure.to_string(), "outer: inner");
    }
}
