//! Which URLs content may come from.

use url::{Host, Url};

/// How strict the check of a URL is.
///
/// `Spec: app-bundle 5`. The original allows nothing but https. `Ours:` trying things on one machine needs no certificate, and a
/// repository in a folder works offline (`docs/spec/app-bundle.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UrlPolicy {
    /// https only: what installed apps get.
    Secure,
    /// Also http to this machine itself: for authors' commands and apps that were installed for development.
    Development,
    /// Also http to anywhere: only when a person asked for it.
    Insecure,
}

/// Why a URL may not be used. The URL stands in the message without its query, which may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlProblem {
    /// http where https is needed.
    #[error("`{url}` is not encrypted; use https")]
    Http {
        /// The URL.
        url: String,
    },
    /// http to another machine during development.
    #[error("`{url}` is not encrypted and leaves this machine; use https, or http to `localhost`")]
    HttpElsewhere {
        /// The URL.
        url: String,
    },
    /// A scheme that content cannot come from.
    #[error("`{url}` begins with `{scheme}:`; use https")]
    Scheme {
        /// The URL.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// A `file:` URL that names another machine.
    #[error("`{url}` names another machine; a file URL has three slashes: `file:///path`")]
    FileHost {
        /// The URL.
        url: String,
    },
    /// A name or password in the URL, which would end up in logs.
    #[error("the URL of `{host}` holds a user name or password; send them in a header")]
    Credentials {
        /// The host.
        host: String,
    },
}

impl UrlPolicy {
    /// Checks a URL that is fetched over the network.
    ///
    /// # Errors
    /// [`UrlProblem`] when the policy does not allow it.
    pub fn check_web(self, url: &Url) -> Result<(), UrlProblem> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlProblem::Credentials { host: url.host_str().unwrap_or("").to_owned() });
        }
        match (url.scheme(), self) {
            ("https", _) | ("http", Self::Insecure) => Ok(()),
            ("http", Self::Development) if is_loopback(url) => Ok(()),
            ("http", Self::Development) => Err(UrlProblem::HttpElsewhere { url: shown(url) }),
            ("http", Self::Secure) => Err(UrlProblem::Http { url: shown(url) }),
            (scheme, _) => Err(UrlProblem::Scheme { url: shown(url), scheme: scheme.to_owned() }),
        }
    }

    /// Checks a URL that may also be a folder of this machine (`file:///…`).
    ///
    /// Only for URLs that the person or the app gave, never for one that came over the network: that could read any file.
    ///
    /// # Errors
    /// [`UrlProblem`] when the policy does not allow it.
    pub fn check(self, url: &Url) -> Result<(), UrlProblem> {
        if url.scheme() != "file" {
            return self.check_web(url);
        }
        match url.host() {
            None => Ok(()),
            Some(_) => Err(UrlProblem::FileHost { url: shown(url) }),
        }
    }
}

/// Whether the host is this machine. `localhost` counts by its name, as in browsers: it is reserved for that.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect(text)
    }

    #[test]
    fn https_is_always_fine() {
        for policy in [UrlPolicy::Secure, UrlPolicy::Development, UrlPolicy::Insecure] {
            assert_eq!(policy.check_web(&url("https://assets.example.com/x")), Ok(()));
        }
    }

    #[test]
    fn http_stays_on_this_machine_unless_a_person_insists() {
        for text in
            ["http://localhost:8/", "http://127.1.2.3/", "http://[::1]:9/a", "http://a.localhost/"]
        {
            assert_eq!(UrlPolicy::Development.check_web(&url(text)), Ok(()), "{text}");
            let refused = UrlPolicy::Secure.check_web(&url(text));
            assert!(matches!(refused, Err(UrlProblem::Http { .. })), "{text}");
        }
        for text in ["http://example.com/", "http://127.0.0.1.example.com/", "http://10.0.0.1/"] {
            let refused = UrlPolicy::Development.check_web(&url(text));
            assert!(matches!(refused, Err(UrlProblem::HttpElsewhere { .. })), "{text}");
            assert_eq!(UrlPolicy::Insecure.check_web(&url(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn files_are_only_for_urls_that_were_given_here() {
        assert_eq!(UrlPolicy::Secure.check(&url("file:///srv/repo")), Ok(()));
        assert!(matches!(
            UrlPolicy::Insecure.check_web(&url("file:///etc/passwd")),
            Err(UrlProblem::Scheme { .. })
        ));
        assert!(matches!(
            UrlPolicy::Insecure.check(&url("file://server/share")),
            Err(UrlProblem::FileHost { .. })
        ));
    }

    #[test]
    fn secrets_are_refused_and_never_shown() {
        let error = UrlPolicy::Insecure.check_web(&url("https://me:secret@example.com/"));
        assert!(!error.expect_err("credentials").to_string().contains("secret"));
        let error = UrlPolicy::Secure.check_web(&url("http://example.com/?token=secret"));
        assert!(!error.expect_err("not encrypted").to_string().contains("secret"));
    }
}
