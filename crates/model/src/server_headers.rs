//! Headers that the servers of an app want, such as a token. `Spec: cli, any machine`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Origin, Url};

/// Most servers of one app that get headers. `Ours:` a repository may have eight mirrors, and archives lie wherever a manifest says.
const SERVERS_MAX: usize = 32;

/// Headers by name. `Debug` shows names alone: a value is a secret.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same, as a map.
    #[must_use]
    pub fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A server: scheme, host and port, as in `https://assets.example.com`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerOrigin(String);

impl ServerOrigin {
    /// The server of an address; none where there is no server, as with `file:`, or the text is no address.
    #[must_use]
    pub fn of(address: &str) -> Option<Self> {
        let origin = Url::parse(address).ok()?.origin();
        matches!(origin, Origin::Tuple(..)).then(|| Self(origin.ascii_serialization()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The headers that the servers of one app get, each its own: what opens one never reaches another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerHeaders(BTreeMap<ServerOrigin, Headers>);

impl ServerHeaders {
    /// Whether no server gets any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The headers of one server in place of those that it got; none take them away. False when there are too many servers already:
    /// then all is as it was.
    pub fn set(&mut self, server: ServerOrigin, headers: Headers) -> bool {
        if headers.is_empty() {
            self.0.remove(&server);
            return true;
        }
        let fits = self.0.len() < SERVERS_MAX || self.0.contains_key(&server);
        if fits {
            self.0.insert(server, headers);
        }
        fits
    }

    /// Adds headers to those that a server gets, each in place of one of the same name, whatever its case. False as with
    /// [`set`](Self::set).
    pub fn add(&mut self, server: ServerOrigin, headers: Headers) -> bool {
        let mut all = self.0.get(&server).cloned().unwrap_or_default();
        all.0.retain(|name, _| !headers.0.keys().any(|other| other.eq_ignore_ascii_case(name)));
        all.0.extend(headers.0);
        self.set(server, all)
    }

    /// What goes to the server of `address`.
    #[must_use]
    pub fn of(&self, address: &str) -> Headers {
        // The common case, an app that needs none, parses nothing.
        if self.is_empty() {
            return Headers::default();
        }
        let headers = ServerOrigin::of(address).and_then(|server| self.0.get(&server));
        headers.cloned().unwrap_or_default()
    }

    /// Every server and its headers, by server.
    pub fn iter(&self) -> impl Iterator<Item = (&ServerOrigin, &Headers)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> Headers {
        [("Authorization", value)].into_iter().collect()
    }

    fn server(address: &str) -> ServerOrigin {
        ServerOrigin::of(address).expect("an address")
    }

    #[test]
    fn headers_go_to_the_scheme_host_and_port_that_they_were_given_for() {
        let mut all = ServerHeaders::default();
        assert!(all.set(server("https://a.example/game/"), headers("1")));
        assert_eq!(all.of("https://a.example:443/other?x=1"), headers("1"));
        for elsewhere in [
            "http://a.example/",
            "https://a.example:8443/",
            "https://b.a.example/",
            "file:///a",
            "?",
        ] {
            assert!(all.of(elsewhere).is_empty(), "{elsewhere}");
        }
        assert!(all.set(server("https://a.example"), Headers::default()) && all.is_empty());
    }

    #[test]
    fn servers_are_bounded_and_a_known_one_gets_another_token() {
        let mut all = ServerHeaders::default();
        let number = |n: usize| server(&format!("https://{n}.example"));
        for n in 0..SERVERS_MAX {
            assert!(all.set(number(n), headers("1")));
        }
        assert!(!all.set(number(SERVERS_MAX), headers("1")), "one more");
        assert!(all.set(number(0), headers("2")), "another token for one that is known");
        assert_eq!(all.of("https://0.example"), headers("2"));
    }

    #[test]
    fn a_header_takes_the_place_of_one_of_the_same_name() {
        let mut all = ServerHeaders::default();
        let two = [("x-id", "1"), ("authorization", "2")].into_iter().collect();
        assert!(all.set(server("https://a.example"), two));
        assert!(all.add(server("https://a.example"), headers("3")));
        let expected: Headers = [("x-id", "1"), ("Authorization", "3")].into_iter().collect();
        assert_eq!(all.of("https://a.example"), expected);
    }

    #[test]
    fn values_are_not_shown() {
        let mut all = ServerHeaders::default();
        all.set(server("https://a.example"), headers("hunter2"));
        let shown = format!("{all:?}");
        assert!(shown.contains("Authorization") && !shown.contains("hunter2"), "{shown}");
    }
}
