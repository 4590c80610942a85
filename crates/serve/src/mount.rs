//! What a server hands out: folders and routes, each mounted at a path.

mod cache;
mod content_type;
mod folder;
mod request_path;
mod resource;
mod routes;

pub use cache::{CachePolicy, CacheRules};
pub use folder::{Folder, FolderError};
pub use resource::{BadEntityTag, EntityTag};
pub use routes::{BadRoutePath, Route, Routes};

pub(crate) use request_path::RequestPath;
pub(crate) use resource::{Resource, ResourceBody};

/// Something that can be mounted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Content {
    /// Files of a folder.
    Folder(Folder),
    /// Paths named one by one, changeable while the server runs.
    Routes(Routes),
}

impl From<Folder> for Content {
    fn from(folder: Folder) -> Self {
        Self::Folder(folder)
    }
}

impl From<Routes> for Content {
    fn from(routes: Routes) -> Self {
        Self::Routes(routes)
    }
}

/// Why a path has no resource.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindError {
    #[error("nothing is there")]
    NotFound,
    #[error("the resource cannot be read")]
    Unreadable(#[source] std::io::Error),
}

/// Everything a server hands out: the first mount that has a path answers for it.
#[derive(Debug, Clone, Default)]
pub struct Site {
    mounts: Vec<(Vec<String>, Content)>,
}

impl Site {
    /// A site with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds content below a path such as `/` or `/files`, behind what was mounted before.
    /// Slashes at the ends and doubled ones do not matter.
    #[must_use]
    pub fn mount(mut self, at: &str, content: impl Into<Content>) -> Self {
        let at = at.split('/').filter(|s| !s.is_empty()).map(str::to_owned);
        self.mounts.push((at.collect(), content.into()));
        self
    }

    /// Finds what a path names. Blocks on the file system.
    pub(crate) fn find(&self, path: &RequestPath) -> Result<Resource, FindError> {
        for (at, content) in &self.mounts {
            let Some(rest) = path.below(at) else { continue };
            let found = match content {
                Content::Folder(folder) => folder.find(rest),
                Content::Routes(routes) => routes.find(rest),
            };
            match found {
                Err(FindError::NotFound) => {}
                other => return other,
            }
        }
        Err(FindError::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn text(bytes: &'static str) -> Route {
        Route::bytes(HeaderValue::from_static("text/plain"), move || Ok(bytes.into()))
    }

    fn found(site: &Site, path: &str) -> Option<String> {
        let path = RequestPath::parse(path).unwrap();
        site.find(&path).ok().map(|resource| match resource.body {
            ResourceBody::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            ResourceBody::File { .. } => "a file".to_owned(),
        })
    }

    #[test]
    fn first_mount_that_has_the_path_answers() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("manifest"), "file").unwrap();
        std::fs::write(folder.path().join("other"), "file").unwrap();
        let routes = Routes::new();
        routes.insert("/manifest", text("route")).unwrap();
        let site = Site::new()
            .mount("/", routes)
            .mount("/", Folder::new(folder.path()).unwrap())
            .mount("below/here/", Folder::new(folder.path()).unwrap());
        assert_eq!(found(&site, "/manifest").as_deref(), Some("route"));
        assert_eq!(found(&site, "/other").as_deref(), Some("a file"));
        assert_eq!(found(&site, "/below/here/other").as_deref(), Some("a file"));
        assert_eq!(found(&site, "/below/hereother"), None);
        assert_eq!(found(&site, "/below/here"), None);
    }
}
