//! HTTP clients: one for ordinary apps, one for apps under development.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use headstart_engine::record::Trust;
use headstart_model::{ErrorKind, Failure};
use headstart_sys::identity::FileStamp;
use headstart_transfer::{Client, ClientConfig, HttpsPolicy};

/// Makes clients and keeps them, so that connections are kept too.
///
/// The authorities that this home trusts besides the system's may appear while the service runs (`serve --tls auto` makes
/// one); a client is made anew when they change.
#[derive(Debug)]
pub struct Clients {
    authorities: Vec<PathBuf>,
    stall_timeout: Duration,
    seed: u64,
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    https: HttpsPolicy,
    stamps: Vec<Option<FileStamp>>,
    client: Client,
}

impl Clients {
    /// Clients that trust these files (PEM) besides the system's authorities; files that do not exist count for nothing.
    /// They give up a request of which no byte came for `stall_timeout`.
    #[must_use]
    pub const fn new(authorities: Vec<PathBuf>, stall_timeout: Duration, seed: u64) -> Self {
        Self { authorities, stall_timeout, seed, kept: Mutex::new(Vec::new()) }
    }

    /// A client for what an installation allows.
    ///
    /// # Errors
    /// A failure when an authority's file is no certificate.
    pub fn for_trust(&self, trust: Trust) -> Result<Client, Failure> {
        let https = https_policy(trust);
        let stamps: Vec<_> =
            self.authorities.iter().map(|path| FileStamp::of_path(path).ok()).collect();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.iter().find(|kept| kept.https == https && kept.stamps == stamps) {
            return Ok(kept.client.clone());
        }
        let extra_authorities =
            self.authorities.iter().filter_map(|path| std::fs::read(path).ok()).collect();
        let stall_timeout = self.stall_timeout;
        let config =
            ClientConfig { https, extra_authorities, stall_timeout, ..ClientConfig::default() };
        let client = Client::new(config, self.seed).map_err(|error| {
            Failure::from_error(ErrorKind::InvalidInput, "badAuthority", &error)
                .with_hint("check the files given with --ca, and that the system has trusted authorities (package ca-certificates)")
        })?;
        kept.retain(|kept| kept.https != https);
        kept.push(Kept { https, stamps, client: client.clone() });
        Ok(client)
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
