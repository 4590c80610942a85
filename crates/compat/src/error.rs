//! Errors, as domain and code.

use std::fmt;

use headstart::downloads::BackgroundAssetsErrorCode;
use headstart::{Error, ErrorKind};
use serde::Serialize;

/// What every function gives that can fail.
pub(crate) type Result<T, E = BackgroundAssetsError> = std::result::Result<T, E>;

const MANAGED_DOMAIN: &str = "BAManagedErrorDomain";
const BRIDGE_DOMAIN: &str = "BackgroundAssetsBridge";
/// What the original tells of a transfer that somebody cancelled.
const CANCELLED: (&str, i64) = ("NSURLErrorDomain", -999);

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackgroundAssetsError {
    domain: String,
    code: i64,
    message: String,
    asset_pack_id: Option<String>,
    file_path: Option<String>,
}

impl BackgroundAssetsError {
    /// What the code is a code of.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The code.
    pub const fn code(&self) -> i64 {
        self.code
    }

    /// What went wrong.
    pub fn message_text(&self) -> &str {
        &self.message
    }

    /// The pack that it is about, where it is about one.
    pub fn asset_pack_id(&self) -> Option<&str> {
        self.asset_pack_id.as_deref()
    }

    /// The file that it is about, where it is about one.
    pub fn file_path(&self) -> Option<&str> {
        self.file_path.as_deref()
    }

    /// The code of an error about managed packs; none for others.
    pub fn managed_error_code(&self) -> Option<ManagedBackgroundAssetsErrorCode> {
        self.is_managed().then(|| ManagedBackgroundAssetsErrorCode::from_raw(self.code))
    }

    /// As an error about managed packs.
    ///
    /// # Errors
    /// Itself, when it is about something else.
    pub fn into_managed_background_assets_error(self) -> Result<ManagedBackgroundAssetsError> {
        if self.is_managed() { Ok(ManagedBackgroundAssetsError { inner: self }) } else { Err(self) }
    }

    fn is_managed(&self) -> bool {
        self.domain == MANAGED_DOMAIN || self.domain.ends_with(".ManagedBackgroundAssetsError")
    }

    pub(crate) fn bridge(message: impl Into<String>) -> Self {
        Self::with(BRIDGE_DOMAIN, -1, message.into())
    }

    pub(crate) fn of_code(code: BackgroundAssetsErrorCode, message: &str) -> Self {
        Self::with(BackgroundAssetsErrorCode::DOMAIN, code.number(), message.to_owned())
    }

    fn with(domain: &str, code: i64, message: String) -> Self {
        let domain = domain.to_owned();
        Self { domain, code, message, asset_pack_id: None, file_path: None }
    }
}

impl From<&Error> for BackgroundAssetsError {
    fn from(error: &Error) -> Self {
        let missing = |code| error.missing().filter(|_| error.code() == code).map(str::to_owned);
        let (asset_pack_id, file_path) = (missing("assetPackNotFound"), missing("fileNotFound"));
        let (domain, code) = match error.code() {
            "assetPackNotFound" => (MANAGED_DOMAIN, 0),
            "fileNotFound" => (MANAGED_DOMAIN, 1),
            _ => match BackgroundAssetsErrorCode::of(&error.failure().code) {
                Some(code) => (BackgroundAssetsErrorCode::DOMAIN, code.number()),
                None if error.kind() == ErrorKind::Cancelled => CANCELLED,
                None => (BRIDGE_DOMAIN, -1),
            },
        };
        // What to do is worth more than brevity to somebody who ports.
        let message = match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        };
        Self { asset_pack_id, file_path, ..Self::with(domain, code, message) }
    }
}

impl From<Error> for BackgroundAssetsError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl fmt::Display for BackgroundAssetsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.message, self.domain, self.code)
    }
}

impl std::error::Error for BackgroundAssetsError {}

/// The codes of errors about managed packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagedBackgroundAssetsErrorCode {
    /// There is no such pack.
    AssetPackNotFound,
    /// There is no such file.
    FileNotFound,
    /// Any other.
    Unknown(i64),
}

impl ManagedBackgroundAssetsErrorCode {
    /// The code of this number.
    pub const fn from_raw(code: i64) -> Self {
        match code {
            0 => Self::AssetPackNotFound,
            1 => Self::FileNotFound,
            other => Self::Unknown(other),
        }
    }

    /// Its number.
    pub const fn raw_value(self) -> i64 {
        match self {
            Self::AssetPackNotFound => 0,
            Self::FileNotFound => 1,
            Self::Unknown(code) => code,
        }
    }
}

/// An error about managed packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManagedBackgroundAssetsError {
    inner: BackgroundAssetsError,
}

impl ManagedBackgroundAssetsError {
    /// As an error about managed packs; none when it is about something else.
    pub fn from_background_assets_error(error: BackgroundAssetsError) -> Option<Self> {
        error.into_managed_background_assets_error().ok()
    }

    /// Its code.
    pub const fn managed_code(&self) -> ManagedBackgroundAssetsErrorCode {
        ManagedBackgroundAssetsErrorCode::from_raw(self.inner.code)
    }

    /// What the code is a code of.
    pub fn domain(&self) -> &str {
        self.inner.domain()
    }

    /// The number of the code.
    pub const fn code(&self) -> i64 {
        self.inner.code()
    }

    /// What went wrong.
    pub fn message_text(&self) -> &str {
        self.inner.message_text()
    }

    /// The pack that it is about, where it is about one.
    pub fn asset_pack_id(&self) -> Option<&str> {
        self.inner.asset_pack_id()
    }

    /// The file that it is about, where it is about one.
    pub fn file_path(&self) -> Option<&str> {
        self.inner.file_path()
    }

    /// As any other error.
    pub fn as_background_assets_error(&self) -> &BackgroundAssetsError {
        &self.inner
    }

    /// As any other error.
    pub fn into_background_assets_error(self) -> BackgroundAssetsError {
        self.inner
    }
}

impl TryFrom<BackgroundAssetsError> for ManagedBackgroundAssetsError {
    type Error = BackgroundAssetsError;
    fn try_from(error: BackgroundAssetsError) -> Result<Self> {
        error.into_managed_background_assets_error()
    }
}

impl From<ManagedBackgroundAssetsError> for BackgroundAssetsError {
    fn from(error: ManagedBackgroundAssetsError) -> Self {
        error.inner
    }
}

impl fmt::Display for ManagedBackgroundAssetsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl std::error::Error for ManagedBackgroundAssetsError {}

/// What functions give that say why they fail in 0.4, and did not in 0.3.
#[cfg(not(feature = "v0_3"))]
pub(crate) type Fallible<T> = Result<T>;
/// What functions give that say why they fail in 0.4, and did not in 0.3.
#[cfg(feature = "v0_3")]
pub(crate) type Fallible<T> = Option<T>;

pub(crate) fn fallible<T>(result: Result<T, Error>) -> Fallible<T> {
    #[cfg(feature = "v0_3")]
    return result.ok();
    #[cfg(not(feature = "v0_3"))]
    return result.map_err(Into::into);
}
