//! The client: one connection pool and one set of rules for all transfers.

use std::sync::Arc;

use ::http::{HeaderName, HeaderValue, header};
use url::Origin;

use crate::{ClientConfig, HeaderScope, Jitter, ProxyPolicy};

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
    /// The HTTP client refuses the settings, for instance because the system has no trusted authorities.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] reqwest::Error),
}

/// Headers that decide how a response is read; a caller's value would break the checks made on it.
const RESERVED: [HeaderName; 8] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_NONE_MATCH,
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
    pub(crate) http: reqwest::Client,
    pub(crate) config: ClientConfig,
    pub(crate) headers: Vec<ScopedHeader>,
    pub(crate) jitter: Jitter,
}

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
        let mut builder = reqwest::Client::builder()
            .user_agent(config.user_agent.as_str())
            .connect_timeout(config.connect_timeout)
            .pool_max_idle_per_host(config.concurrency.get())
            .referer(false)
            // Redirects are followed by hand: other hosts must not see credentials, and each hop is checked and counted.
            .redirect(reqwest::redirect::Policy::none())
            // Repetitions are made here, where they are counted and paced.
            .retry(reqwest::retry::never())
            .tls_certs_merge(authorities(&config)?);
        if config.proxy == ProxyPolicy::Direct {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(ConfigError::Http)?;
        let jitter = Jitter::new(jitter_seed);
        Ok(Self { inner: Arc::new(Inner { http, config, headers, jitter }) })
    }
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
    let checked = |extra: &crate::ExtraHeader| {
        let name =
            HeaderName::try_from(&extra.name).ok().filter(|name| !RESERVED.contains(name))?;
        let mut value = HeaderValue::try_from(&extra.value).ok()?;
        value.set_sensitive(true);
        let origin = match &extra.scope {
            HeaderScope::EverySource => None,
            HeaderScope::Origin(url) => Some(url.origin()),
        };
        Some(ScopedHeader { origin, name, value })
    };
    let wrong = |name: &String| ConfigError::Header { name: name.clone() };
    config.headers.iter().map(|extra| checked(extra).ok_or_else(|| wrong(&extra.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExtraHeader;

    fn with_header(name: &str, value: &str) -> Result<Client, ConfigError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        let headers = vec![ExtraHeader { scope: HeaderScope::EverySource, name, value }];
        Client::new(ClientConfig { headers, ..ClientConfig::default() }, 0)
    }

    #[test]
    fn malformed_and_reserved_headers_are_refused_by_name() {
        assert!(with_header("x-token", "abc").is_ok());
        for (name, value) in [("x token", "a"), ("x-token", "a\nb"), ("Range", "bytes=0-")] {
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
