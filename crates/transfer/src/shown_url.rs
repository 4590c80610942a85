//! URLs as they may be shown: without the secrets that URLs carry.

use std::fmt;

use url::Url;

/// A URL for messages and logs: no user name, no password, no fragment, and `?…` in place of a query.
///
/// `Ours:` signed URLs carry their credential in the query, so no query is ever shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShownUrl(Box<str>);

impl ShownUrl {
    /// What is fetched from but has no URL, by its name.
    pub(crate) fn named(name: &str) -> Self {
        Self(name.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Url> for ShownUrl {
    fn from(url: &Url) -> Self {
        let mut shown = url.clone();
        // Both fail only for URLs that cannot have credentials.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_fragment(None);
        shown.set_query(None);
        let query = if url.query().is_some() { "?…" } else { "" };
        Self(format!("{shown}{query}").into())
    }
}

impl fmt::Display for ShownUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let url =
            Url::parse("https://me:secret@host:81/a/b?signature=secret#secret").expect("a URL");
        assert_eq!(ShownUrl::from(&url).as_str(), "https://host:81/a/b?…");
        let plain = Url::parse("http://host/a").expect("a URL");
        assert_eq!(ShownUrl::from(&plain).to_string(), "http://host/a");
    }
}
