//! What a running app hears of its downloads, and how it answers. `Spec: api 5`, `BADownloadManagerDelegate`.

use serde::{Deserialize, Serialize};

use super::method;
use crate::download::UrlDownload;
use crate::{AppId, Failure};

/// Makes the caller the one who hears of the app's downloads, for as long as it listens; before it the one who attended
/// last. `Spec: concepts 11`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attend {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
}

/// News of a download. Those with a `callback` are repeated until they are [acknowledged](Acknowledge), to this listener or
/// another; the download's unique identifier tells repetitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum DelegateEvent {
    /// The caller hears everything from here on. The first reply.
    Attending {},
    /// Some news that needed no answer were lost, because the caller did not keep up.
    Lost {
        /// How many.
        count: u64,
    },
    /// Bytes begin to move, or move again.
    Began {
        /// The download.
        download: UrlDownload,
    },
    /// It waits.
    Paused {
        /// The download.
        download: UrlDownload,
    },
    /// Bytes arrived.
    Progress {
        /// The download.
        download: UrlDownload,
        /// How many.
        progress: WriteProgress,
    },
    /// A server asks for a credential; the transfer waits for the answer.
    Challenged {
        /// What the answer names.
        callback: u64,
        /// The download.
        download: UrlDownload,
        /// What the server asks.
        challenge: DownloadChallenge,
    },
    /// It failed.
    Failed {
        /// What the acknowledgement names.
        callback: u64,
        /// The download.
        download: UrlDownload,
        /// Why.
        failure: Failure,
    },
    /// It arrived. The file is there until this is acknowledged: who wants to keep it moves it first.
    Finished {
        /// What the acknowledgement names.
        callback: u64,
        /// The download.
        download: UrlDownload,
        /// The file, absolute; in the container of the download's group.
        file: String,
    },
}

method!(Attend, "io.headstart.Downloads.Attend", Stream, DelegateEvent);

/// Bytes of a download. `Spec: api 5`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteProgress {
    /// Bytes that arrived since the last news.
    pub bytes_written: u64,
    /// Bytes that have arrived.
    pub total_bytes_written: u64,
    /// Bytes in all; none while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes_expected: Option<u64>,
}

/// What a server asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AuthenticationMethod {
    /// A name and a password, in the clear.
    Basic,
    /// A name and proof of a password.
    Digest,
    /// A token.
    Bearer,
    /// Another header than the one that was sent.
    Header,
    /// A certificate of this side.
    ClientCertificate,
    /// Trust in a certificate that no known authority vouches for.
    ServerTrust,
}

impl AuthenticationMethod {
    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Digest => "digest",
            Self::Bearer => "bearer",
            Self::Header => "header",
            Self::ClientCertificate => "clientCertificate",
            Self::ServerTrust => "serverTrust",
        }
    }
}

/// A question of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownloadChallenge {
    /// Scheme, host and port.
    pub origin: String,
    /// The host alone: a name or an address, the latter without brackets.
    pub host: String,
    /// What is asked for.
    pub method: AuthenticationMethod,
    /// The realm that the server names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// How many credentials the server has refused in this request already.
    pub previous_failure_count: u32,
    /// With [`AuthenticationMethod::ServerTrust`]: BLAKE3 of the server's own certificate (DER), lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_blake3: Option<String>,
}

impl DownloadChallenge {
    /// The answer that trusts the server, if it is the server's certificate that the question is about.
    #[must_use]
    pub fn trust_server(&self) -> Option<ChallengeAnswer> {
        (self.method == AuthenticationMethod::ServerTrust)
            .then_some(ChallengeAnswer::UseCredential(ChallengeCredential::TrustServer {}))
    }
}

/// What to do about a challenge. `Spec: concepts 14`, the dispositions of URLSession.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ChallengeAnswer {
    /// Try this.
    UseCredential(ChallengeCredential),
    /// As if nobody had been asked.
    #[default]
    PerformDefaultHandling,
    /// End the download.
    CancelAuthenticationChallenge,
    /// Leave this question, and hear the next that the server puts.
    RejectProtectionSpace,
}

/// Something that opens a door. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ChallengeCredential {
    /// For Basic and Digest.
    Password {
        /// The user's name.
        user: String,
        /// The password.
        password: String,
    },
    /// For Bearer.
    Token {
        /// The token.
        token: String,
    },
    /// A header in place of one that was refused.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// The server's certificate is trusted, for this download.
    TrustServer {},
}

impl std::fmt::Debug for ChallengeCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::Token { .. } => "Token",
            Self::Header { .. } => "Header",
            Self::TrustServer {} => "TrustServer",
        })
    }
}

/// Says that a callback has been dealt with: a file that is still there is deleted, a challenge has its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// Which.
    pub callback: u64,
    /// The answer to a challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ChallengeAnswer>,
}

/// It is on record. What does not count, because that callback is not open, fails with `notAsked`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {}

method!(Acknowledge, "io.headstart.Downloads.Acknowledge", One, Acknowledged);
