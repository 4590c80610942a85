//! The client: one connection pool and one set of rules for all transfers.

use std::sync::{Arc, OnceLock};

use ::http::{HeaderName, HeaderValue, header};
use rustls::pki_types::CertificateDer;
use tokio::sync::Semaphore;
use url::Origin;

use crate::access::{self, Identity, Resolver};
use crate::file::{Finder, Settler};
use crate::pacing::Paths;
use crate::{ClientConfig, ExtraHeader, HeaderScope, Jitter, LoopbackPolicy, ProxyPolicy, Urgency};

/// Why a client cannot be made from its settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An extra authority is not a certificate in PEM form.
    #[error("extra authority number {number} is not a PEM certificate")]
    Authority {
        /// Which one, counted from 1.
        number: usize,
        /// What the parser says.
        #[source]
        source: reqwest::Error,
    },
    /// An extra authority holds no certificate.
    #[error("extra authority number {number} holds no certificate; a PEM file is expected")]
    EmptyAuthority {
        /// Which one, counted from 1.
        number: usize,
    },
    /// An extra header is malformed, or one that the client sets itself.
    #[error("the header `{name}` cannot be set: its name or value is malformed, or it is reserved")]
    Header {
        /// Its name.
        name: String,
    },
    /// The certificate of this side, or its key, is not one.
    #[error("the client certificate and its key are not a matching pair in PEM form")]
    ClientCertificate,
    /// TLS cannot be set up, for instance because the system has no trusted authorities.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP client refuses the settings, for instance because the system has no trusted authorities.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] reqwest::Error),
}

/// Headers that decide how a response is read; a caller's value would break the checks made on it.
pub(crate) const RESERVED: [HeaderName; 13] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::EXPECT,
    header::TE,
    header::ACCEPT_ENCODING,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
];

/// Moves bytes over HTTP/1.1 and HTTP/2. Cheap to clone; clones share connections.
///
/// Responses are never decompressed on the way: ranges and digests are those of the bytes as stored.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    http: reqwest::Client,
    /// Connections of background transfers, made when there is the first: what holds one of these back must not hold back
    /// a foreground transfer that shares it (HTTP/2).
    background: OnceLock<reqwest::Client>,
    pub(crate) paths: Arc<Paths>,
    pub(crate) config: ClientConfig,
    pub(crate) headers: Vec<ScopedHeader>,
    pub(crate) jitter: Jitter,
    /// Connections that show the certificate of this side, where there is one: to servers that the caller names.
    identified: Option<reqwest::Client>,
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    /// The connections that downloads of files share.
    pub(crate) file_slots: Arc<Semaphore>,
    /// Downloads of files that are next: bounded, for each may hold two files open.
    pub(crate) next_files: Semaphore,
    pub(crate) finder: Finder,
    pub(crate) settler: Settler,
}

/// So many downloads of files are made ready while they wait for a connection.
const NEXT_FILES: usize = 64;

/// An extra header in its checked form.
#[derive(Debug)]
pub(crate) struct ScopedHeader {
    /// None: every source.
    pub(crate) origin: Option<Origin>,
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
}

impl Client {
    /// A client. `jitter_seed` seeds the waiting times between attempts and should differ from device to device.
    ///
    /// # Errors
    /// [`ConfigError`] when a certificate or header is malformed or TLS cannot be set up.
    pub fn new(config: ClientConfig, jitter_seed: u64) -> Result<Self, ConfigError> {
        let headers = scoped_headers(&config)?;
        let http = connections(&config, None)?;
        let authorities = access::authorities(&config.extra_authorities);
        let identified = identified(&config, &authorities)?;
        let file_slots = Arc::new(Semaphore::new(config.concurrency.get()));
        let (finder, settler) = (Finder::new(), Settler::new());
        let (jitter, background) = (Jitter::new(jitter_seed), OnceLock::new());
        let paths = Arc::new(Paths::new());
        let inner = Inner {
            http,
            background,
            paths,
            config,
            headers,
            jitter,
            identified,
            authorities,
            file_slots,
            next_files: Semaphore::new(NEXT_FILES),
            finder,
            settler,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The connections for transfers of this urgency.
    pub(crate) fn http(&self, urgency: Urgency) -> &reqwest::Client {
        match urgency {
            Urgency::Foreground => &self.inner.http,
            // The same settings made a client before. Should they fail now, sharing its connections still serves.
            Urgency::Background => self.inner.background.get_or_init(|| {
                connections(&self.inner.config, None).unwrap_or_else(|_| self.inner.http.clone())
            }),
        }
    }

    /// The connections to a server that the caller named: those that show the certificate of this side, where there is one.
    pub(crate) fn http_to_named(&self, urgency: Urgency) -> &reqwest::Client {
        self.inner.identified.as_ref().unwrap_or_else(|| self.http(urgency))
    }

    /// Connections of their own, with these settings of TLS.
    pub(crate) fn http_with(
        &self,
        tls: rustls::ClientConfig,
    ) -> Result<reqwest::Client, ConfigError> {
        connections(&self.inner.config, Some(tls))
    }
}

fn identified(
    config: &ClientConfig,
    authorities: &[CertificateDer<'static>],
) -> Result<Option<reqwest::Client>, ConfigError> {
    let Some(certificate) = &config.client_certificate else { return Ok(None) };
    let identity = Identity::new(certificate).ok_or(ConfigError::ClientCertificate)?;
    let tls = identity.settings(authorities).map_err(ConfigError::Tls)?;
    connections(config, Some(tls)).map(Some)
}

fn connections(
    config: &ClientConfig,
    tls: Option<rustls::ClientConfig>,
) -> Result<reqwest::Client, ConfigError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(config.user_agent.as_str())
        .connect_timeout(config.connect_timeout)
        .pool_max_idle_per_host(config.concurrency.get())
        .referer(false)
        // Redirects are followed by hand: other hosts must not see credentials, and each hop is checked and counted.
        .redirect(reqwest::redirect::Policy::none())
        // Repetitions are made here, where they are counted and paced.
        .retry(reqwest::retry::never());
    let certificates = authorities(config)?;
    builder = match tls {
        Some(tls) => builder.tls_backend_preconfigured(tls),
        None => builder.tls_certs_merge(certificates),
    };
    if config.reach.loopback == LoopbackPolicy::Refused {
        builder = builder.dns_resolver(Resolver);
    }
    if config.proxy == ProxyPolicy::Direct {
        builder = builder.no_proxy();
    }
    builder.build().map_err(ConfigError::Http)
}

fn authorities(config: &ClientConfig) -> Result<Vec<reqwest::Certificate>, ConfigError> {
    let mut all = Vec::new();
    for (pem, number) in config.extra_authorities.iter().zip(1..) {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|source| ConfigError::Authority { number, source })?;
        if certificates.is_empty() {
            return Err(ConfigError::EmptyAuthority { number });
        }
        all.extend(certificates);
    }
    Ok(all)
}

fn scoped_headers(config: &ClientConfig) -> Result<Vec<ScopedHeader>, ConfigError> {
    let scoped = |extra: &ExtraHeader| {
        let (name, value) = parts(extra)?;
        let origin = match &extra.scope {
            HeaderScope::EverySource => None,
            HeaderScope::Origin(url) => Some(url.origin()),
        };
        Ok(ScopedHeader { origin, name, value })
    };
    config.headers.iter().map(scoped).collect()
}

/// Name and value of a header that can be sent.
pub(crate) fn parts(extra: &ExtraHeader) -> Result<(HeaderName, HeaderValue), ConfigError> {
    let name = HeaderName::try_from(&extra.name).ok().filter(|name| !RESERVED.contains(name));
    let value = HeaderValue::try_from(&extra.value).ok();
    let both = name.zip(value).map(|(name, mut value)| {
        value.set_sensitive(true);
        (name, value)
    });
    both.ok_or_else(|| ConfigError::Header { name: extra.name.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_header(name: &str, value: &str) -> Result<Client, ConfigError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        let headers = vec![ExtraHeader { scope: HeaderScope::EverySource, name, value }];
        Client::new(ClientConfig { headers, ..ClientConfig::default() }, 0)
    }

    #[test]
    fn malformed_and_reserved_headers_are_refused_by_name() {
        assert!(with_header("x-token", "abc").is_ok());
        for (name, value) in [
            ("x token", "a"),
            ("x-token", "a\nb"),
            ("Range", "bytes=0-"),
            ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] {
            let refused = with_header(name, value);
            assert!(matches!(refused, Err(ConfigError::Header { name: n }) if n == name));
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused_by_number() {
        let config = |pem: &[u8]| ClientConfig {
            extra_authorities: vec![pem.to_vec()],
            ..ClientConfig::default()
        };
        let refused = Client::new(config(b"not a certificate"), 0);
        assert!(matches!(refused, Err(ConfigError::EmptyAuthority { number: 1 })));
    }
}
