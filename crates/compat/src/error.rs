//! Errors, as domain and code.

use std::fmt;

use headstart::Error;
use serde::Serialize;

/// What every function gives that can fail.
pub(crate) type Result<T, E = BackgroundAssetsError> = std::result::Result<T, E>;

const MANAGED_DOMAIN: &str = "BAManagedErrorDomain";
const BRIDGE_DOMAIN: &str = "BackgroundAssetsBridge";

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
        if self.is_managed() { Ok(ManagedBackgroundAssetsError(self)) } else { Err(self) }
    }

    fn is_managed(&self) -> bool {
        self.domain == MANAGED_DOMAIN || self.domain.ends_with(".ManagedBackgroundAssetsError")
    }

    #[cfg(feature = "async")]
    pub(crate) fn bridge(message: &str) -> Self {
        let (domain, message) = (BRIDGE_DOMAIN.to_owned(), message.to_owned());
        Self { domain, code: -1, message, asset_pack_id: None, file_path: None }
    }
}

impl From<Error> for BackgroundAssetsError {
    fn from(error: Error) -> Self {
        let missing = |code| error.missing().filter(|_| error.code() == code).map(str::to_owned);
        let (asset_pack_id, file_path) = (missing("assetPackNotFound"), missing("fileNotFound"));
        let (domain, code) = error.number().unwrap_or((BRIDGE_DOMAIN, -1));
        // What to do is worth more than brevity to somebody who ports.
        let (domain, message) = (domain.to_owned(), format!("{error:#}"));
        Self { domain, code, message, asset_pack_id, file_path }
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
pub struct ManagedBackgroundAssetsError(BackgroundAssetsError);

impl ManagedBackgroundAssetsError {
    /// As an error about managed packs; none when it is about something else.
    pub fn from_background_assets_error(error: BackgroundAssetsError) -> Option<Self> {
        error.into_managed_background_assets_error().ok()
    }

    /// Its code.
    pub const fn managed_code(&self) -> ManagedBackgroundAssetsErrorCode {
        ManagedBackgroundAssetsErrorCode::from_raw(self.0.code)
    }

    /// What the code is a code of.
    pub fn domain(&self) -> &str {
        self.0.domain()
    }

    /// The number of the code.
    pub const fn code(&self) -> i64 {
        self.0.code()
    }

    /// What went wrong.
    pub fn message_text(&self) -> &str {
        self.0.message_text()
    }

    /// The pack that it is about, where it is about one.
    pub fn asset_pack_id(&self) -> Option<&str> {
        self.0.asset_pack_id()
    }

    /// The file that it is about, where it is about one.
    pub fn file_path(&self) -> Option<&str> {
        self.0.file_path()
    }

    /// As any other error.
    pub fn as_background_assets_error(&self) -> &BackgroundAssetsError {
        &self.0
    }

    /// As any other error.
    pub fn into_background_assets_error(self) -> BackgroundAssetsError {
        self.0
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
        error.0
    }
}

impl fmt::Display for ManagedBackgroundAssetsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
