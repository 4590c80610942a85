//! Downloader extensions.

use headstart::downloads::{AuthenticationMethod, DownloadChallenge};
use serde::{Deserialize, Serialize};

use crate::asset_pack::{AssetPackSnapshot, signed};
use crate::download::{ContentRequest, Download, DownloadSnapshot};
use crate::error::{BackgroundAssetsError, Result};

#[cfg(feature = "async")]
pub(crate) mod install;
#[cfg(all(feature = "async", not(feature = "v0_3")))]
pub use install::install_global_managed_downloader_extension;
#[cfg(feature = "async")]
pub use install::{ExtensionEventStream, install_global_downloader_extension};
#[cfg(all(feature = "async", feature = "v0_3"))]
mod v0_3;
#[cfg(all(feature = "async", feature = "v0_3"))]
pub use v0_3::{
    ManagedDownloaderExtensionConfiguration, ManagedDownloaderExtensionRegistration,
    install_global_managed_downloader_extension,
};

/// What limits the answer of an extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppExtensionInfoSnapshot {
    /// Bytes that may still be scheduled; none when nothing limits them.
    #[serde(alias = "restrictedDownloadSizeRemaining")]
    pub restricted_download_size_remaining: Option<i64>,
    /// The same for essential downloads.
    #[serde(alias = "restrictedEssentialDownloadSizeRemaining")]
    pub restricted_essential_download_size_remaining: Option<i64>,
}

/// What limits the answer of an extension.
#[derive(Debug, Clone)]
pub struct AppExtensionInfo(headstart::extension::AppExtensionInfo);

impl AppExtensionInfo {
    /// All of it.
    pub fn snapshot(&self) -> AppExtensionInfoSnapshot {
        AppExtensionInfoSnapshot {
            restricted_download_size_remaining: self.restricted_download_size_remaining(),
            restricted_essential_download_size_remaining: self
                .restricted_essential_download_size_remaining(),
        }
    }

    /// Bytes that may still be scheduled; none when nothing limits them.
    pub fn restricted_download_size_remaining(&self) -> Option<i64> {
        self.0.restricted_download_size_remaining.map(signed)
    }

    /// The same for essential downloads.
    pub fn restricted_essential_download_size_remaining(&self) -> Option<i64> {
        self.0.restricted_essential_download_size_remaining.map(signed)
    }
}

/// What to do about a challenge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[repr(i32)]
pub enum ChallengeDisposition {
    /// Use the credential; there is no way to give one but trust in the server.
    UseCredential = 0,
    /// As if nobody had been asked.
    #[default]
    PerformDefaultHandling = 1,
    /// End the download.
    CancelAuthenticationChallenge = 2,
    /// Leave this question.
    RejectProtectionSpace = 3,
}

/// A question of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationChallenge {
    /// The server's host.
    pub host: String,
    /// What is asked for, by the names of URLSession.
    #[serde(alias = "authenticationMethod")]
    pub authentication_method: String,
    /// How many credentials the server has refused already.
    #[serde(alias = "previousFailureCount")]
    pub previous_failure_count: i64,
    /// None: nothing proposes a credential here.
    #[serde(alias = "proposedCredentialUser")]
    pub proposed_credential_user: Option<String>,
    /// False: nothing proposes a credential here.
    #[serde(alias = "proposedCredentialHasPassword")]
    pub proposed_credential_has_password: bool,
}

impl From<&DownloadChallenge> for AuthenticationChallenge {
    fn from(challenge: &DownloadChallenge) -> Self {
        let method = match challenge.method {
            AuthenticationMethod::Basic => "NSURLAuthenticationMethodHTTPBasic",
            AuthenticationMethod::Digest => "NSURLAuthenticationMethodHTTPDigest",
            AuthenticationMethod::ClientCertificate => "NSURLAuthenticationMethodClientCertificate",
            AuthenticationMethod::ServerTrust => "NSURLAuthenticationMethodServerTrust",
            _ => "NSURLAuthenticationMethodDefault",
        };
        Self {
            host: challenge.host.clone(),
            authentication_method: method.to_owned(),
            previous_failure_count: challenge.previous_failure_count.into(),
            ..Self::default()
        }
    }
}

pub(crate) fn file_url(path: &std::path::Path) -> String {
    url::Url::from_file_path(path).map_or_else(|()| path.display().to_string(), Into::into)
}

/// Answers for the extension of an app with downloads of its own.
#[expect(unused_variables, reason = "the names of parameters document the methods")]
pub trait DownloaderExtensionHandler: Send + 'static {
    /// Which downloads are wanted?
    ///
    /// # Errors
    /// Whatever stands in the way.
    fn downloads(
        &mut self,
        request: ContentRequest,
        manifest_url: &str,
        extension_info: &AppExtensionInfo,
    ) -> Result<Vec<Download>>;
    /// Whether a pack is wanted.
    #[cfg(feature = "v0_3")]
    fn should_download_asset_pack(&mut self, asset_pack: &AssetPackSnapshot) -> bool {
        true
    }
    /// A server asks for a credential.
    fn did_receive_challenge(
        &mut self,
        download: &Download,
        challenge: &AuthenticationChallenge,
    ) -> ChallengeDisposition {
        ChallengeDisposition::PerformDefaultHandling
    }
    /// A download failed.
    fn download_failed(&mut self, download: &Download, error: &BackgroundAssetsError) {}
    /// A download arrived; the file is deleted when this returns.
    fn download_finished(&mut self, download: &Download, file_url: &str) {}
    /// The extension is about to be ended.
    fn extension_will_terminate(&mut self) {}
}

/// Answers for the extension of an app with managed packs.
#[expect(unused_variables, reason = "the names of parameters document the methods")]
pub trait ManagedDownloaderExtensionHandler: Send + 'static {
    /// Whether a pack is wanted.
    fn should_download_asset_pack(&mut self, asset_pack: &AssetPackSnapshot) -> bool {
        true
    }
    /// A server asks for a credential.
    fn did_receive_challenge(
        &mut self,
        download: &Download,
        challenge: &AuthenticationChallenge,
    ) -> ChallengeDisposition {
        ChallengeDisposition::PerformDefaultHandling
    }
}

/// What a handler was asked, and answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented at the handler's method")]
pub enum ExtensionEvent {
    ShouldDownloadAssetPack {
        asset_pack: AssetPackSnapshot,
        should_download: bool,
    },
    DownloadsRequested {
        request: ContentRequest,
        manifest_url: String,
        extension_info: AppExtensionInfoSnapshot,
        planned_downloads: Vec<DownloadSnapshot>,
    },
    DownloadPlanFailed {
        request: ContentRequest,
        manifest_url: String,
        error: BackgroundAssetsError,
    },
    ChallengeRequested {
        download: DownloadSnapshot,
        challenge: AuthenticationChallenge,
        disposition: ChallengeDisposition,
    },
    DownloadFailed {
        download: DownloadSnapshot,
        error: BackgroundAssetsError,
    },
    DownloadFinished {
        download: DownloadSnapshot,
        file_url: String,
    },
    Terminating,
}
