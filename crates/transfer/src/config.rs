//! The settings of a client.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use url::{Host, Url};

use crate::{ClientCertificate, ConfigError, Reach, RetryPolicy};

/// Settings of a [`Client`](crate::Client). `Debug` shows no secret.
#[derive(Clone)]
pub struct ClientConfig {
    /// Certificates (PEM, each with one or more) of authorities trusted besides those of the system.
    pub extra_authorities: Vec<Vec<u8>>,
    /// The `User-Agent`.
    pub user_agent: String,
    /// Ranges of one file fetched at the same time, or files downloaded at the same time: HTTP/1.1 connections, or streams of
    /// one HTTP/2 connection.
    pub concurrency: NonZeroUsize,
    /// The longest time until a connection stands, name look-up and TLS included.
    pub connect_timeout: Duration,
    /// The longest time without one byte from the server. There is no limit on the whole: a slow link is fine.
    pub stall_timeout: Duration,
    /// When failed requests are repeated.
    pub retry: RetryPolicy,
    /// Headers sent besides the usual ones, such as tokens.
    pub headers: Vec<ExtraHeader>,
    /// Whether plain HTTP may be used.
    pub https: HttpsPolicy,
    /// Which hosts may be reached.
    pub reach: Reach,
    /// The certificate that is shown to servers that the caller names, if they want one; never to those that redirects lead
    /// to.
    pub client_certificate: Option<ClientCertificate>,
    /// Which proxy is used.
    pub proxy: ProxyPolicy,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            extra_authorities: Vec::new(),
            user_agent: concat!("headstart/", env!("CARGO_PKG_VERSION")).to_owned(),
            concurrency: NonZeroUsize::new(8).expect("eight is not zero"),
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            headers: Vec::new(),
            https: HttpsPolicy::default(),
            reach: Reach::default(),
            client_certificate: None,
            proxy: ProxyPolicy::default(),
        }
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("extra_authorities", &self.extra_authorities.len())
            .field("user_agent", &self.user_agent)
            .field("concurrency", &self.concurrency)
            .field("connect_timeout", &self.connect_timeout)
            .field("stall_timeout", &self.stall_timeout)
            .field("retry", &self.retry)
            .field("headers", &self.headers)
            .field("https", &self.https)
            .field("reach", &self.reach)
            .field("client_certificate", &self.client_certificate)
            .field("proxy", &self.proxy)
            .finish()
    }
}

/// Whether plain HTTP may be used. A redirect from https to http is refused in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpsPolicy {
    /// Only https.
    #[default]
    HttpsOnly,
    /// Plain HTTP for loopback addresses and `localhost`, https for all others.
    HttpOnLoopback,
    /// Plain HTTP for all.
    AllowHttp,
}

impl HttpsPolicy {
    /// Whether `url` may be asked.
    #[must_use]
    pub fn allows(self, url: &Url) -> bool {
        match url.scheme() {
            "https" => url.has_host(),
            "http" => match self {
                Self::HttpsOnly => false,
                Self::HttpOnLoopback => is_loopback(url),
                Self::AllowHttp => url.has_host(),
            },
            _ => false,
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Which proxy is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyPolicy {
    /// What the system or the usual environment variables say.
    #[default]
    System,
    /// None.
    Direct,
}

/// A header for every request to some servers. `Debug` hides its value.
///
/// Goes to the server it is meant for and never along with a redirect to another scheme, host or port.
#[derive(Clone)]
pub struct ExtraHeader {
    /// Who gets it.
    pub scope: HeaderScope,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl ExtraHeader {
    /// Whether it can be sent.
    ///
    /// # Errors
    /// [`ConfigError::Header`] when its name or value is malformed, or it is one that the client sets itself.
    pub fn check(&self) -> Result<(), ConfigError> {
        crate::client::parts(self).map(drop)
    }
}

impl fmt::Debug for ExtraHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtraHeader")
            .field("scope", &self.scope)
            .field("name", &self.name)
            .field("value", &"…")
            .finish()
    }
}

/// Who gets an [`ExtraHeader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderScope {
    /// The server of every URL that the caller names; not those that redirects lead to.
    EverySource,
    /// The server with the scheme, host and port of this URL, and no other.
    Origin(Url),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn plain_http_is_allowed_only_where_the_policy_says() {
        let allowed = |policy: HttpsPolicy| {
            [
                "https://a/",
                "http://a/",
                "http://127.0.0.9:1/",
                "http://[::1]/",
                "http://localhost/",
                "file:///a",
            ]
            .map(|text| policy.allows(&url(text)))
        };
        assert_eq!(allowed(HttpsPolicy::HttpsOnly), [true, false, false, false, false, false]);
        assert_eq!(allowed(HttpsPolicy::HttpOnLoopback), [true, false, true, true, true, false]);
        assert_eq!(allowed(HttpsPolicy::AllowHttp), [true, true, true, true, true, false]);
    }

    #[test]
    fn debug_output_hides_header_values() {
        let header = ExtraHeader {
            scope: HeaderScope::EverySource,
            name: "x-token".to_owned(),
            value: "hunter2".to_owned(),
        };
        let config = ClientConfig { headers: vec![header], ..ClientConfig::default() };
        let shown = format!("{config:?}");
        assert!(shown.contains("x-token") && !shown.contains("hunter2"), "{shown}");
    }
}
