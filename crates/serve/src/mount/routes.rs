//! Paths named one by one: made-up bytes and single files.

use super::{CachePolicy, EntityTag, FindError, RequestPath, Resource, content_type};
use bytes::Bytes;
use http::HeaderValue;
use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

/// A path under which no route can be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{path}` cannot be the path of a route: it begins with a slash and has neither `.` nor `..` \
     nor percent signs nor control characters"
)]
pub struct BadRoutePath {
    /// What was given.
    pub path: String,
}

type Produce = Arc<dyn Fn() -> io::Result<Bytes> + Send + Sync>;

#[derive(Clone)]
enum Source {
    Bytes { content_type: HeaderValue, produce: Produce },
    File(PathBuf),
}

/// What one path answers.
#[derive(Clone)]
pub struct Route {
    source: Source,
    cache: CachePolicy,
    etag: Option<EntityTag>,
}

impl Route {
    /// Bytes that `produce` makes anew for each request, so that they may change; their entity tag
    /// is made from them. `produce` runs on a thread that may block; its error answers 500.
    pub fn bytes(
        content_type: HeaderValue,
        produce: impl Fn() -> io::Result<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::of(Source::Bytes { content_type, produce: Arc::new(produce) })
    }

    /// A file, opened anew for each request. Its path is the caller's: links are followed.
    /// While there is no such file, the answer is 404.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::of(Source::File(path.into()))
    }

    const fn of(source: Source) -> Self {
        Self { source, cache: CachePolicy::Revalidate, etag: None }
    }

    /// Says how long caches may keep it; [`CachePolicy::Revalidate`] unless told.
    #[must_use]
    pub const fn with_cache(mut self, cache: CachePolicy) -> Self {
        self.cache = cache;
        self
    }

    /// Supplies the entity tag.
    #[must_use]
    pub fn with_etag(mut self, etag: EntityTag) -> Self {
        self.etag = Some(etag);
        self
    }

    fn open(&self) -> Result<Resource, FindError> {
        let mut resource = match &self.source {
            Source::Bytes { content_type, produce } => {
                let bytes = produce().map_err(FindError::Unreadable)?;
                Resource::of_bytes(bytes, content_type.clone(), self.cache)
            }
            Source::File(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let file = File::open(path).map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => FindError::NotFound,
                    _ => FindError::Unreadable(error),
                })?;
                Resource::of_file(file, content_type::of_name(&name), self.cache)
                    .map_err(FindError::Unreadable)?
                    .ok_or(FindError::NotFound)?
            }
        };
        if let Some(etag) = &self.etag {
            resource.etag = etag.clone();
        }
        Ok(resource)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Route");
        match &self.source {
            Source::Bytes { content_type, .. } => out.field("content_type", content_type),
            Source::File(path) => out.field("file", path),
        };
        out.field("cache", &self.cache).field("etag", &self.etag).finish()
    }
}

/// A table of routes; clones share it. Routes can come and go while the server runs.
///
/// Spec: cli (`serve` answers `/manifest` and `/assets/PACK-ID`).
#[derive(Debug, Clone, Default)]
pub struct Routes(Arc<RwLock<HashMap<RequestPathKey, Route>>>);

type RequestPathKey = Vec<String>;

impl Routes {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a route. The path is plain text, such as `/assets/terrain`: clients may
    /// percent-encode it as they like. Queries are ignored.
    ///
    /// # Errors
    /// [`BadRoutePath`] if no request could ever reach the path.
    pub fn insert(&self, path: &str, route: Route) -> Result<(), BadRoutePath> {
        let key = key(path)?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, route);
        Ok(())
    }

    /// Removes a route and tells whether there was one. Answers that are under way are finished.
    #[must_use = "tells whether there was a route"]
    pub fn remove(&self, path: &str) -> bool {
        key(path).is_ok_and(|key| {
            self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&key).is_some()
        })
    }

    pub(super) fn find(&self, path: &[String]) -> Result<Resource, FindError> {
        let route = self.0.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        route.ok_or(FindError::NotFound)?.open()
    }
}

fn key(path: &str) -> Result<RequestPathKey, BadRoutePath> {
    let bad = || BadRoutePath { path: path.to_owned() };
    if path.contains('%') {
        return Err(bad());
    }
    let parsed = RequestPath::parse(path).map_err(|_| bad())?;
    parsed.below(&[]).map(<[String]>::to_vec).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_that_no_request_can_reach_are_refused() {
        let routes = Routes::new();
        for path in ["manifest", "", "/a/../b", "/a%20b", "/a\\b", "/a\n"] {
            assert!(routes.insert(path, Route::file("/x")).is_err(), "{path:?}");
        }
        assert!(routes.insert("/assets/a b", Route::file("/x")).is_ok());
        assert!(routes.remove("/assets/a b"));
        assert!(!routes.remove("/assets/a b"));
    }

    #[test]
    fn supplied_entity_tag_replaces_the_made_one() {
        let route = Route::bytes(HeaderValue::from_static("text/plain"), || Ok(Bytes::new()));
        let tag = EntityTag::new("version-7").unwrap();
        assert_ne!(route.open().unwrap().etag, tag);
        assert_eq!(route.with_etag(tag.clone()).open().unwrap().etag, tag);
    }
}
