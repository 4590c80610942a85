//! Signed metadata of a repository, from it or from a mirror.

use std::sync::Arc;

use async_trait::async_trait;
use headstart_repo::{Fetch, FetchError, FetchRequest, Fetched, FolderFetch, layout};
use headstart_transfer::{
    Condition, EntityTag, Freshness, SmallRequest, SmallResponse, TransferError,
};

use super::{Location, RepositoryAccess};

#[async_trait]
impl Fetch for RepositoryAccess {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let is_own = self.metadata_from == 0;
        if !is_own && request.path == layout::FIRST_ROOT {
            // What is trusted at first use comes from where the person said, and not from a mirror.
            return Err(FetchError::NotFound);
        }
        let base = match self.place(self.metadata_from) {
            Location::Http(base) => base,
            Location::Folder(folder) => return FolderFetch::new(folder).fetch(request).await,
            // Nothing that is signed lies in an archive.
            Location::Archive(_) => return Err(FetchError::NotFound),
        };
        let failed = |error: TransferError| match error {
            TransferError::NotFound { .. } => FetchError::NotFound,
            TransferError::Denied { status, .. } if status.as_u16() == 403 => {
                FetchError::Forbidden(Box::new(error))
            }
            TransferError::Denied { .. } => FetchError::Denied(Box::new(error)),
            TransferError::TooLarge { .. } => {
                FetchError::TooLarge { limit_bytes: request.max_bytes }
            }
            error => FetchError::Failed(Box::new(error)),
        };
        let url = base.join(request.path).map_err(|_| FetchError::Path)?;
        let mut ask = SmallRequest::new(url, request.max_bytes);
        // A tag is the word of one server: another one may have it for something else.
        if let Some(tag) = request.held.filter(|_| is_own).and_then(EntityTag::new) {
            ask.condition = Condition::IfChanged(tag);
        }
        if request.freshness == headstart_repo::Freshness::FromServer {
            ask.freshness = Freshness::FromServer;
        }
        match self.client.fetch_small(&ask, &self.tracking).await.map_err(failed)? {
            SmallResponse::Body(body) => {
                let tag = body.etag.filter(|_| is_own).map(|tag| tag.as_str().to_owned());
                Ok(Fetched::Body { bytes: body.bytes, tag })
            }
            SmallResponse::NotModified => Ok(Fetched::NotModified),
        }
    }

    fn elsewhere(&self) -> Option<Arc<dyn Fetch>> {
        let metadata_from = self.metadata_from + 1;
        let there = || Self { metadata_from, ..self.clone() };
        (metadata_from < self.place_count()).then(|| Arc::new(there()) as Arc<dyn Fetch>)
    }
}

#[cfg(test)]
mod tests {
    use headstart_transfer::{Client, ClientConfig, Tracking};

    use super::super::Mirror;
    use super::*;

    fn access(mirrors: Vec<Mirror>) -> RepositoryAccess {
        let client = Client::new(ClientConfig::default(), 1).expect("a client");
        let location = Location::Folder("/nowhere".into());
        RepositoryAccess::new(location, client, Tracking::new("test")).with_mirrors(mirrors)
    }

    async fn bytes(fetch: &dyn Fetch, path: &str) -> Option<Vec<u8>> {
        let freshness = headstart_repo::Freshness::Any;
        let request = FetchRequest { path, max_bytes: 9, held: None, freshness };
        match fetch.fetch(request).await {
            Ok(Fetched::Body { bytes, .. }) => Some(bytes.to_vec()),
            _ => None,
        }
    }

    #[tokio::test]
    async fn each_place_is_asked_by_itself_and_a_mirror_gives_no_first_root() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("metadata")).expect("a folder");
        for path in [layout::FIRST_ROOT, layout::TIMESTAMP] {
            std::fs::write(folder.path().join(path), b"mirror").expect("a file");
        }
        let mirror = Mirror::Repository(Location::Folder(folder.path().to_owned()));
        let archive = Mirror::Archive("/nowhere/p.assetpack".into());
        let access = access(vec![archive, mirror]);
        assert_eq!(bytes(&access, layout::TIMESTAMP).await, None);
        let elsewhere = access.elsewhere().expect("the mirror");
        assert_eq!(bytes(elsewhere.as_ref(), layout::TIMESTAMP).await, Some(b"mirror".to_vec()));
        assert_eq!(bytes(elsewhere.as_ref(), layout::FIRST_ROOT).await, None);
        assert!(elsewhere.elsewhere().is_none());
    }
}
