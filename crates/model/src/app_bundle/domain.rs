//! Domains that an app may download from before its first launch.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Why a text is not a domain of the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a domain; give a name like `assets.example.com`, or `*.example.com` for all below it"
)]
pub struct DomainError {
    /// The text as given.
    pub text: String,
}

/// An entry of `BADownloadDomainAllowList`. `Spec: app-bundle 4`.
///
/// A host name or address, or `*.` and a name, which covers every name below that name. `Ours:` it does not cover the name
/// itself, which the specification leaves open: who wants both lists both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainPattern {
    /// In the form that URLs have: lower case, punycode.
    host: String,
    below: bool,
}

impl DomainPattern {
    /// Checks `text` and brings it into the form that hosts have in URLs.
    ///
    /// # Errors
    /// [`DomainError`] when it is no host, or has a `*` elsewhere than in front.
    pub fn new(text: &str) -> Result<Self, DomainError> {
        let error = || DomainError { text: text.chars().take(80).collect() };
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let bracketed = name.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
        let host = if bracketed { Host::parse(&format!("[{name}]")) } else { Host::parse(name) };
        let host = host.map_err(|_| error())?;
        let domain = matches!(host, Host::Domain(_));
        let host = host.to_string();
        if name.contains('*') || (below && !domain) || host.starts_with('.') || host.ends_with('.')
        {
            return Err(error());
        }
        Ok(Self { host, below })
    }

    /// Whether downloads from the host of `url` are covered.
    #[must_use]
    pub fn covers(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        // A dot at the end of a name only says that it is complete.
        let host = host.strip_suffix('.').unwrap_or(host);
        if self.below {
            let above = host.strip_suffix(&self.host).and_then(|rest| rest.strip_suffix('.'));
            above.is_some_and(|rest| !rest.is_empty())
        } else {
            host == self.host
        }
    }
}

impl TryFrom<String> for DomainPattern {
    type Error = DomainError;
    fn try_from(text: String) -> Result<Self, DomainError> {
        Self::new(&text)
    }
}

impl From<DomainPattern> for String {
    fn from(domain: DomainPattern) -> Self {
        domain.to_string()
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.below { "*." } else { "" }, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, url: &str) -> bool {
        DomainPattern::new(pattern).expect(pattern).covers(&url.parse().expect(url))
    }

    #[test]
    fn a_name_covers_itself_only() {
        assert!(covers("assets.example.com", "https://ASSETS.example.com:8443/x"));
        assert!(covers("assets.example.com", "https://assets.example.com./x"));
        assert!(!covers("example.com", "https://assets.example.com/"));
        assert!(!covers("example.com", "https://example.com.evil.net/"));
        assert!(covers("BÜCHER.example", "https://bücher.example/"));
        assert!(covers("127.0.0.1", "http://127.0.0.1:1/") && covers("::1", "http://[::1]/"));
    }

    #[test]
    fn a_star_covers_every_name_below() {
        for url in ["https://assets.example.com/", "https://a.b.example.com/"] {
            assert!(covers("*.example.com", url), "{url}");
        }
        for url in ["https://example.com/", "https://evilexample.com/", "https://example.com.net/"]
        {
            assert!(!covers("*.example.com", url), "{url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "*example.com",
            "a.*.com",
            "https://example.com",
            "a b",
            "a/b",
            "*.127.0.0.1",
            "a.",
            ".a",
        ] {
            assert!(DomainPattern::new(text).is_err(), "{text:?}");
        }
    }
}
