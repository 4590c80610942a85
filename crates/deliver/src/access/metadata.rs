//! Signed metadata of a repository, from it or a copy of it.

use std::sync::Arc;

use async_trait::async_trait;
use headstart_repo::{Fetch, FetchError, FetchRequest, Fetched, FolderFetch, layout};
use headstart_transfer::{
    Condition, EntityTag, Freshness, SmallRequest, SmallResponse, TransferError,
};

use super::{Location, RepositoryAccess};
use crate::places::Turn;

#[async_trait]
impl Fetch for RepositoryAccess {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        if request.path == layout::FIRST_ROOT {
            // What is trusted at first use comes from where the person said, and not from a copy.
            return self.metadata(0, request).await;
        }
        // The next root is missing almost always: that it is not there is an answer, whoever gives it. Who could hide it so could as well
        // answer for the repository.
        let is_root = request.path.ends_with("root.json");
        let ask = |place| async move {
            match self.metadata(place, request).await {
                Err(FetchError::NotFound) if is_root => Ok(None),
                answer => answer.map(Some),
            }
        };
        self.ask_places(ask).await?.ok_or(FetchError::NotFound)
    }

    fn elsewhere(&self) -> Option<Arc<dyn Fetch>> {
        let place = self.turn.first() + 1;
        let access = || Self { turn: Turn::at(place), ..self.clone() };
        (place < self.place_count()).then(|| Arc::new(access()) as Arc<dyn Fetch>)
    }
}

impl RepositoryAccess {
    async fn metadata(
        &self,
        place: usize,
        request: FetchRequest<'_>,
    ) -> Result<Fetched, FetchError> {
        let base = match self.place(place) {
            Location::Http(base) => base,
            Location::Folder(folder) => return FolderFetch::new(folder).fetch(request).await,
            // Nothing that is signed lies in an archive.
            Location::Archive(_) => return Err(FetchError::NotFound),
        };
        let failed = |error: TransferError| match error {
            TransferError::NotFound { .. } => FetchError::NotFound,
            TransferError::TooLarge { .. } => {
                FetchError::TooLarge { limit_bytes: request.max_bytes }
            }
            error => FetchError::Failed(Box::new(error)),
        };
        let url = base.join(request.path).map_err(|_| FetchError::Path)?;
        let mut ask = SmallRequest::new(url, request.max_bytes);
        // A tag is the word of one server: another one may have it for something else.
        let is_own = place == 0;
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
}
