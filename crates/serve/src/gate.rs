//! A gate in front of a server: requests without the headers that open it are told so. `Ours:` what private repositories do, to be
//! tried on one machine.

use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderMap, HeaderName, HeaderValue};

/// A header that a [`Gate`] wants, written `NAME: VALUE`. `Debug` shows its name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct WantedHeader(HeaderName, HeaderValue);

/// Why a text is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a header is written `NAME: VALUE`")]
pub struct WantedHeaderError;

impl FromStr for WantedHeader {
    type Err = WantedHeaderError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once(':').ok_or(WantedHeaderError)?;
        let name = name.trim().parse().map_err(|_| WantedHeaderError)?;
        let value = value.trim().parse().map_err(|_| WantedHeaderError)?;
        Ok(Self(name, value))
    }
}

impl std::fmt::Debug for WantedHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("WantedHeader").field(&self.0).finish()
    }
}

/// The headers without which a server answers 401. Clones share it, so that it may change while the server runs: another token, for
/// instance.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<RwLock<Vec<WantedHeader>>>);

impl Gate {
    /// A gate that lets everybody through.
    #[must_use]
    pub fn open() -> Self {
        Self::default()
    }

    /// Wants these headers from the next request on, in place of those that it wanted; without any it is open.
    pub fn require(&self, headers: Vec<WantedHeader>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = headers;
    }

    /// Whether a request with these headers comes through.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let wanted = self.0.read().unwrap_or_else(PoisonError::into_inner);
        wanted.iter().all(|WantedHeader(name, value)| headers.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> WantedHeader {
        text.parse().expect("a header")
    }

    #[test]
    fn every_header_is_wanted_with_its_very_value() {
        let gate = Gate::open();
        let mut headers = HeaderMap::new();
        assert!(gate.admits(&headers));
        gate.require(vec![wanted("x-id: 1"), wanted("X-Secret: a: b")]);
        headers.insert("x-id", HeaderValue::from_static("1"));
        assert!(!gate.admits(&headers));
        headers.insert("x-secret", HeaderValue::from_static("a"));
        assert!(!gate.admits(&headers));
        headers.insert("x-secret", HeaderValue::from_static("a: b"));
        assert!(gate.admits(&headers));
    }

    #[test]
    fn a_header_is_a_name_and_a_value_and_does_not_show_it() {
        for text in ["x-token", "x token: 1", "x-token: a\nb"] {
            assert_eq!(text.parse::<WantedHeader>(), Err(WantedHeaderError), "{text}");
        }
        let shown = format!("{:?}", wanted("x-token: hunter2"));
        assert!(shown.contains("x-token") && !shown.contains("hunter2"), "{shown}");
    }
}
