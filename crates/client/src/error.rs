//! The one error of this library.

use std::fmt;
use std::sync::Arc;

use headstart_model::download::{BackgroundAssetsErrorCode, PriorityError};
use headstart_model::protocol::message::{MessageError, ReplyError};
use headstart_model::{ErrorKind, Failure, IdError};

use crate::AssetPack;

/// What this library's calls end with when they fail.
///
/// Match on [`kind`](Self::kind) to decide what to do, on [`code`](Self::code) to tell failures
/// apart; print it to show it to a person: `{}` is the message and its causes, `{:#}` also what to do.
/// A failure of the service arrives unchanged: kind, code,
/// message, hint and causes are those that the service gave.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

/// The domain of errors about managed packs.
const MANAGED_DOMAIN: &str = "BAManagedErrorDomain";
/// What the original tells of a transfer that somebody cancelled.
const CANCELLED: (&str, i64) = ("NSURLErrorDomain", -999);

struct Inner {
    failure: Failure,
    local_availability: Option<LocalAvailabilityError>,
    missing: Option<String>,
}

/// How each pack of a batch ended, of which at least one could not be had. `Spec: api 2`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LocalAvailabilityError {
    /// Packs that can be read.
    pub successes: Vec<AssetPack>,
    /// Packs that cannot, and why.
    pub failures: Vec<(AssetPack, Error)>,
}

impl Error {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.failure.kind
    }

    /// Which failure it is: a stable name in `camelCase`, never used for another failure.
    #[must_use]
    pub fn code(&self) -> &str {
        self.inner.failure.code.as_str()
    }

    /// What to do, for a person; none when there is nothing to advise.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        Some(self.inner.failure.hint.as_str()).filter(|hint| !hint.is_empty())
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// The whole failure, as programs exchange it.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.inner.failure
    }

    /// The domain and the number that the original gives such an error; none where it has none. For
    /// programs whose reports, or whose other halves, know errors by these. `Spec: api 10`.
    ///
    /// ```
    /// use headstart::{Error, ErrorKind, Failure};
    ///
    /// let gone = Failure::new(ErrorKind::NotFound, "downloadNotScheduled", "it has concluded");
    /// assert_eq!(Error::from(gone).number(), Some(("BAErrorDomain", 101)));
    /// ```
    #[must_use]
    pub fn number(&self) -> Option<(&'static str, i64)> {
        match self.code() {
            "assetPackNotFound" => Some((MANAGED_DOMAIN, 0)),
            "fileNotFound" => Some((MANAGED_DOMAIN, 1)),
            "localAvailabilityFailure" => Some((MANAGED_DOMAIN, 2)),
            _ => match BackgroundAssetsErrorCode::of(&self.failure().code) {
                Some(code) => Some((BackgroundAssetsErrorCode::DOMAIN, code.number())),
                None => (self.kind() == ErrorKind::Cancelled).then_some(CANCELLED),
            },
        }
    }

    /// What an app asked for and is not there, as it asked for it: the id of a pack (code
    /// `assetPackNotFound`) or the path of a file (`fileNotFound`). `Spec: api 10`, what stands with
    /// these errors of the original.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        self.inner.missing.as_deref()
    }

    /// How each pack of a batch ended, when this is the failure of a batch (code
    /// `localAvailabilityFailure`).
    #[must_use]
    pub fn local_availability(&self) -> Option<&LocalAvailabilityError> {
        self.inner.local_availability.as_ref()
    }

    pub(crate) fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Failure::new(kind, code, message).into()
    }

    pub(crate) fn of(
        kind: ErrorKind,
        code: &'static str,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        Failure::from_error(kind, code, error).into()
    }

    pub(crate) fn with_hint(&self, hint: &str) -> Self {
        self.failure().clone().with_hint(hint).into()
    }

    /// With `error` and what is below it as the causes.
    pub(crate) fn caused_by(&self, error: &(dyn std::error::Error + 'static)) -> Self {
        let Failure { kind, code, message, hint, .. } = self.failure().clone();
        let mut failure = Failure::from_error(kind, "", error).within(message);
        failure.code = code;
        failure.with_hint(hint).into()
    }

    /// With one more cause.
    pub(crate) fn with_cause(&self, cause: String) -> Self {
        let mut failure = self.failure().clone();
        failure.causes.push(cause);
        failure.into()
    }

    /// That of a call about the pack with this id.
    pub(crate) fn about_pack(self, id: &str) -> Self {
        self.naming("assetPackNotFound", id)
    }

    /// That of a call about the file with this path.
    pub(crate) fn about_file(self, path: &str) -> Self {
        self.naming("fileNotFound", path)
    }

    fn naming(self, code: &str, name: &str) -> Self {
        if self.code() != code {
            return self;
        }
        let (failure, missing) = (self.failure().clone(), Some(name.to_owned()));
        Self { inner: Arc::new(Inner { failure, local_availability: None, missing }) }
    }

    pub(crate) fn of_batch(local: LocalAvailabilityError) -> Self {
        let message = local.to_string();
        let mut failure = Failure::new(ErrorKind::Internal, "localAvailabilityFailure", message);
        if let Some((_, first)) = local.failures.first() {
            failure.kind = first.kind();
            failure.hint.clone_from(&first.failure().hint);
        }
        failure.causes = local.failures.iter().map(|(_, error)| error.to_string()).collect();
        let local_availability = Some(local);
        Self { inner: Arc::new(Inner { failure, local_availability, missing: None }) }
    }

    /// The other side does not keep to the protocol.
    pub(crate) fn of_message(error: &MessageError) -> Self {
        let kind = match error {
            MessageError::TooLong { .. } => ErrorKind::Usage,
            _ => ErrorKind::Internal,
        };
        Self::of(kind, "protocolViolated", error)
    }

    pub(crate) fn asset_pack_not_found(id: &str) -> Self {
        // An id from a caller may be any text: it is cut before it enters a message.
        let shown: String = id.chars().take(120).collect();
        let text = format!("there is no asset pack `{shown}`");
        Self::new(ErrorKind::NotFound, "assetPackNotFound", text).about_pack(id)
    }
}

impl fmt::Display for LocalAvailabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, all) = (self.failures.len(), self.failures.len() + self.successes.len());
        write!(f, "{failed} of {all} asset packs are not available")
    }
}

impl std::error::Error for LocalAvailabilityError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (_, first) = self.failures.first()?;
        Some(first)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self { inner: Arc::new(Inner { failure, local_availability: None, missing: None }) }
    }
}

/// For texts that are no identifier: code `invalidId`.
impl From<IdError> for Error {
    fn from(error: IdError) -> Self {
        Self::of(ErrorKind::Usage, "invalidId", &error)
    }
}

/// For numbers that are no priority: code `downloadInvalid`.
impl From<PriorityError> for Error {
    fn from(error: PriorityError) -> Self {
        BackgroundAssetsErrorCode::Invalid.failure(error.to_string()).into()
    }
}

impl From<ReplyError> for Error {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::Call(error) => error.into_failure().into(),
            ReplyError::Message(error) => Self::of_message(&error),
            _ => Self::of(ErrorKind::Internal, "protocolViolated", &error),
        }
    }
}

/// The message and its causes; with `{:#}` also the hint.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hint() {
            Some(hint) if f.alternate() => write!(f, "{}; {hint}", self.inner.failure),
            _ => self.inner.failure.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("failure", &self.inner.failure).finish_non_exhaustive()
    }
}

impl std::error::Error for Error {}
