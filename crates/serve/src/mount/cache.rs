//! How long answers may be kept by caches.

use http::HeaderValue;

/// The Cache-Control of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CachePolicy {
    /// May be kept for ever: the name is made from the content.
    Immutable,
    /// May be kept, but has to be asked for again before each use.
    #[default]
    Revalidate,
    /// Must not be kept.
    NoStore,
}

impl CachePolicy {
    pub(crate) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Revalidate => "no-cache",
            Self::NoStore => "no-store",
        })
    }
}

/// Which paths of a folder get which [`CachePolicy`]: the first rule whose prefix fits; paths that
/// fit none are revalidated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheRules {
    rules: Vec<(String, CachePolicy)>,
}

impl CacheRules {
    /// No rules: everything is revalidated.
    #[must_use]
    pub const fn new() -> Self {
        Self { rules: Vec::new() }
    }

    /// The rules of a repository: `bundles/` and `indexes/` hold immutable files, all else is
    /// revalidated.
    #[must_use]
    pub fn repository() -> Self {
        Self::new()
            .with("bundles/", CachePolicy::Immutable)
            .with("indexes/", CachePolicy::Immutable)
    }

    /// Adds a rule for paths that begin so, relative to the folder and without a leading slash.
    #[must_use]
    pub fn with(mut self, prefix: impl Into<String>, policy: CachePolicy) -> Self {
        self.rules.push((prefix.into(), policy));
        self
    }

    pub(crate) fn policy(&self, path: &str) -> CachePolicy {
        self.rules
            .iter()
            .find(|(prefix, _)| path.starts_with(prefix))
            .map_or_else(CachePolicy::default, |(_, policy)| *policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_content_named_files_of_a_repository_are_immutable() {
        let rules = CacheRules::repository();
        assert_eq!(rules.policy("bundles/abc"), CachePolicy::Immutable);
        assert_eq!(rules.policy("indexes/p/1.index"), CachePolicy::Immutable);
        assert_eq!(rules.policy("metadata/timestamp.json"), CachePolicy::Revalidate);
        assert_eq!(rules.policy("bundles"), CachePolicy::Revalidate);
    }

    #[test]
    fn first_rule_that_fits_wins() {
        let rules =
            CacheRules::new().with("a/b", CachePolicy::NoStore).with("a/", CachePolicy::Immutable);
        assert_eq!(rules.policy("a/b/c"), CachePolicy::NoStore);
        assert_eq!(rules.policy("a/c"), CachePolicy::Immutable);
    }
}
