//! Headers that the servers of an app want, such as a token. `Spec: cli, the device`, private repositories.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Origin, Url};

/// Most servers of one app that get headers. `Ours:` a repository may have eight mirrors, and archives lie wherever a manifest says.
const SERVERS_MAX: usize = 32;

/// Most headers that one server gets. `Ours:` some gates want two, nobody a dozen; each goes with every request.
const HEADERS_MAX: usize = 16;
/// Most bytes of them together: servers refuse requests with more.
const BYTES_MAX: usize = 8 * 1024;

/// Headers by name, in lower case as names have none. `Debug` shows names alone: a value is a secret.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Headers(BTreeMap<String, String>);

/// A text is no header, or one too many. It does not show the text: that may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadersError {
    /// There is no colon between name and value.
    #[error("a header has no colon between its name and its value")]
    NoColon,
    /// A name occurs twice.
    #[error("a header is named twice")]
    Twice,
    /// They are too many, or too long together.
    #[error("a server gets at most {HEADERS_MAX} headers with {BYTES_MAX} bytes together")]
    TooMany,
}

impl Headers {
    /// Reads headers as they are written: `NAME: VALUE`, each on a line of its own.
    ///
    /// # Errors
    /// [`HeadersError`]; whether names and values can be sent is for whoever sends them.
    pub fn parse(text: &str) -> Result<Self, HeadersError> {
        let mut headers = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(HeadersError::NoColon)?;
            let name = name.trim().to_ascii_lowercase();
            if headers.0.insert(name, value.trim().to_owned()).is_some() {
                return Err(HeadersError::Twice);
            }
        }
        headers.check()?;
        Ok(headers)
    }

    /// Whether they are few enough.
    ///
    /// # Errors
    /// [`HeadersError::TooMany`].
    pub fn check(&self) -> Result<(), HeadersError> {
        let bytes: usize = self.iter().map(|(name, value)| name.len() + value.len()).sum();
        if self.0.len() > HEADERS_MAX || bytes > BYTES_MAX {
            return Err(HeadersError::TooMany);
        }
        Ok(())
    }

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

impl From<BTreeMap<String, String>> for Headers {
    fn from(headers: BTreeMap<String, String>) -> Self {
        headers.into_iter().collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let folded = |(name, value): (N, V)| (name.into().to_ascii_lowercase(), value.into());
        Self(headers.into_iter().map(folded).collect())
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

    /// Adds headers to those that a server gets, each in place of one of the same name. False where that changes nothing, or would be too
    /// much: then all is as it was.
    pub fn add(&mut self, server: ServerOrigin, headers: Headers) -> bool {
        let before = self.0.get(&server).cloned().unwrap_or_default();
        let mut all = before.clone();
        all.0.extend(headers.0);
        all != before && all.check().is_ok() && self.set(server, all)
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
        let a = || server("https://a.example");
        let two = [("x-id", "1"), ("authorization", "2")].into_iter().collect();
        assert!(all.set(a(), two) && all.add(a(), headers("3")));
        let expected: Headers = [("x-id", "1"), ("Authorization", "3")].into_iter().collect();
        assert_eq!(all.of("https://a.example"), expected);
        assert!(!all.add(a(), headers("3")), "nothing new");
        let many = (0..HEADERS_MAX).map(|n| (format!("x-{n}"), "1")).collect();
        assert!(!all.add(a(), many), "too many");
        assert_eq!(all.of("https://a.example"), expected);
    }

    #[test]
    fn headers_are_read_line_by_line_and_names_have_no_case() {
        let read = Headers::parse("X-Id: 1\n\n Authorization :  Bearer a:b \n").expect("two");
        let all: Vec<_> = read.iter().collect();
        assert_eq!(all, [("authorization", "Bearer a:b"), ("x-id", "1")]);
        let json = serde_json::from_str(r#"{"X-Id":"1","Authorization":"Bearer a:b"}"#);
        assert_eq!(json.ok(), Some(read));
        assert_eq!(Headers::parse("Bearer"), Err(HeadersError::NoColon));
        assert_eq!(Headers::parse("a: 1\nA: 2"), Err(HeadersError::Twice));
        let many: Vec<_> = (0..=HEADERS_MAX).map(|n| format!("x-{n}: 1")).collect();
        assert_eq!(Headers::parse(&many.join("\n")), Err(HeadersError::TooMany));
        let long = format!("x: {}", "a".repeat(BYTES_MAX));
        assert_eq!(Headers::parse(&long), Err(HeadersError::TooMany));
    }

    #[test]
    fn values_are_not_shown() {
        let mut all = ServerHeaders::default();
        all.set(server("https://a.example"), headers("hunter2"));
        let shown = format!("{all:?}");
        assert!(shown.contains("authorization") && !shown.contains("hunter2"), "{shown}");
    }
}
