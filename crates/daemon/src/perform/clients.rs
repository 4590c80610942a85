//! HTTP clients: one for ordinary apps, one for apps under development.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use headstart_engine::FileTransfer;
use headstart_engine::record::{ServerAccess, Trust};
use headstart_model::{ErrorKind, Failure, ServerHeaders, ServerOrigin};
use headstart_sys::identity::FileStamp;
use headstart_transfer::{
    Client, ClientConfig, ExtraHeader, HeaderScope, HostPolicy, HttpsPolicy, LoopbackPolicy, Reach,
    RetryPolicy,
};
use url::Url;

/// Makes clients and keeps them, so that connections are kept too.
///
/// The authorities that this home trusts besides the system's may appear while the service runs (`serve --tls auto` makes
/// one); a client is made anew when they change.
pub struct Clients {
    authorities: Vec<PathBuf>,
    patience: Patience,
    seed: u64,
    kept: Mutex<Vec<Kept>>,
}

/// Clients that are kept, at most. `Ours:` each keeps connections of its own; downloads of one app are mostly alike.
const KEPT_MAX: usize = 24;

/// How long is waited for servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A request of which no byte came for so long is given up.
    pub stall: Duration,
    /// The longest wait before a server that has failed is asked again; none for that of
    /// [`RetryPolicy`](headstart_transfer::RetryPolicy).
    pub retry_delay: Option<Duration>,
}

/// How long a transfer tries by itself before the engine hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempts {
    /// While somebody waits, one quick repetition. `Spec: concepts 4.4`.
    OfFiles,
    /// As long, whoever waits.
    Long,
}

impl Attempts {
    fn retry(self, patience: Patience) -> RetryPolicy {
        let usual = RetryPolicy::default();
        let longest = patience.retry_delay.unwrap_or(usual.max_delay);
        let usual = RetryPolicy {
            base_delay: usual.base_delay.min(longest),
            max_delay: usual.max_delay.min(longest),
            ..usual
        };
        match self {
            Self::OfFiles => RetryPolicy { urgent_attempts: NonZeroU32::new(2), ..usual },
            Self::Long => usual,
        }
    }
}

/// What makes clients different.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    https: HttpsPolicy,
    reach: Reach,
    headers: ServerHeaders,
    attempts: Attempts,
}

struct Kept {
    key: Key,
    stamps: Vec<Option<FileStamp>>,
    client: Client,
}

/// Shows neither headers nor authorities.
impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Clients {
    /// Clients that trust these files (PEM) besides the system's authorities; files that do not exist count for nothing.
    #[must_use]
    pub const fn new(authorities: Vec<PathBuf>, patience: Patience, seed: u64) -> Self {
        Self { authorities, patience, seed, kept: Mutex::new(Vec::new()) }
    }

    /// A client for a single file: it sends the file's headers to the server that is named and to no other, and is redirected
    /// only where the app may download from. `Spec: concepts 14`.
    ///
    /// # Errors
    /// A failure when an authority's file is no certificate, or a header cannot be sent.
    pub(super) fn for_file(&self, transfer: &FileTransfer, url: &Url) -> Result<Client, Failure> {
        let mut headers = ServerHeaders::default();
        if let Some(server) = ServerOrigin::of(url.as_str()) {
            headers.set(server, transfer.request.headers.iter().collect());
        }
        let hosts = match &transfer.restrictions {
            Some(restrictions) => HostPolicy::Only(restrictions.domains.clone()),
            None => HostPolicy::Any,
        };
        let loopback = loopback_policy(transfer.trust);
        let key = Key {
            https: https_policy(transfer.trust),
            reach: Reach { hosts, loopback },
            headers,
            attempts: Attempts::OfFiles,
        };
        self.get(key)
    }

    /// A client for archives that a download manifest names, and for that: what a server names must not lead to this machine, but for
    /// apps under development.
    ///
    /// # Errors
    /// A failure when an authority's file is no certificate, or a header cannot be sent.
    pub(super) fn for_archives(&self, access: &ServerAccess) -> Result<Client, Failure> {
        let loopback = loopback_policy(access.trust);
        self.for_access(access, Reach { hosts: HostPolicy::Any, loopback })
    }

    /// A client for a repository: it is where the app's bundle says, or a person.
    ///
    /// # Errors
    /// A failure when an authority's file is no certificate, or a header cannot be sent.
    pub fn for_repository(&self, access: &ServerAccess) -> Result<Client, Failure> {
        self.for_access(access, Reach::default())
    }

    fn for_access(&self, access: &ServerAccess, reach: Reach) -> Result<Client, Failure> {
        let (https, headers) = (https_policy(access.trust), access.headers.clone());
        self.get(Key { https, reach, headers, attempts: Attempts::Long })
    }

    /// The client that is kept for `key`, or a new one.
    fn get(&self, key: Key) -> Result<Client, Failure> {
        let stamps: Vec<_> =
            self.authorities.iter().map(|path| FileStamp::of_path(path).ok()).collect();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.stamps == stamps);
        if let Some(at) = kept.iter().position(|kept| kept.key == key) {
            // The one that was used last is the last to go.
            let found = kept.remove(at);
            let client = found.client.clone();
            kept.push(found);
            return Ok(client);
        }
        let extra_authorities =
            self.authorities.iter().filter_map(|path| std::fs::read(path).ok()).collect();
        let config = ClientConfig {
            https: key.https,
            reach: key.reach.clone(),
            extra_authorities,
            stall_timeout: self.patience.stall,
            headers: extra_headers(&key.headers),
            retry: key.attempts.retry(self.patience),
            ..ClientConfig::default()
        };
        let client = Client::new(config, self.seed).map_err(|error| {
            Failure::from_error(ErrorKind::InvalidInput, "badAuthority", &error)
                .with_hint("check the files given with --ca, and that the system has trusted authorities (package ca-certificates)")
        })?;
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push(Kept { key, stamps, client: client.clone() });
        Ok(client)
    }
}

/// Each header for the server that it was given for, and for no other.
fn extra_headers(all: &ServerHeaders) -> Vec<ExtraHeader> {
    let mut extra = Vec::new();
    for (server, headers) in all.iter() {
        let Ok(url) = Url::parse(server.as_str()) else { continue };
        extra.extend(headers.iter().map(|(name, value)| ExtraHeader {
            scope: HeaderScope::Origin(url.clone()),
            name: name.to_owned(),
            value: value.to_owned(),
        }));
    }
    extra
}

/// Whether a single file, or an archive, may lie on this machine.
const fn loopback_policy(trust: Trust) -> LoopbackPolicy {
    match trust {
        Trust::Ordinary => LoopbackPolicy::Refused,
        Trust::Development | Trust::Insecure => LoopbackPolicy::Allowed,
    }
}

/// What an installation allows of plain http.
pub(super) const fn https_policy(trust: Trust) -> HttpsPolicy {
    match trust {
        Trust::Ordinary => HttpsPolicy::HttpsOnly,
        Trust::Development => HttpsPolicy::HttpOnLoopback,
        Trust::Insecure => HttpsPolicy::AllowHttp,
    }
}
