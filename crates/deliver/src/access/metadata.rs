//! Signed metadata of a repository, from it or from a mirror.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use headstart_repo::{Fetch, FetchError, FetchRequest, Fetched, FolderFetch, layout};
use headstart_transfer::{
    Condition, EntityTag, Freshness, Notice, SmallRequest, SmallResponse, Tracking, TransferError,
};
use tokio::sync::watch;

use super::places::stall;
use super::{Location, RepositoryAccess};

/// How long one place may give nothing before a mirror is asked for what is signed. `Ours:` longer than for an index, of which it is
/// known what it has to be: a mirror can hold news back, so the repository gets the time in which two packets may be lost.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// Failed attempts in one check after which a place cannot be had. One that is an outage says it alone; a connection that broke is
/// tried again first.
const FAILURES_MAX: u32 = 2;

/// A place that is asked for signed metadata, and how it fares.
#[derive(Debug, Clone)]
pub(super) struct MetadataPlace {
    number: usize,
    /// Counts what is asked of this place alone.
    tracking: Tracking,
    /// Failed attempts since it was made; an outage counts as all that it takes.
    failures: watch::Sender<u32>,
}

impl MetadataPlace {
    /// Place number `number`; what is asked of it belongs to `tracking`.
    pub(super) fn new(number: usize, tracking: &Tracking) -> Self {
        let failures = watch::Sender::new(0_u32);
        let heard = failures.clone();
        let tracking = tracking.part().with_listener(move |notice| {
            if let Notice::Retrying { error, .. } = notice {
                let weight = if error.is_outage() { FAILURES_MAX } else { 1 };
                heard.send_modify(|failures| *failures = failures.saturating_add(weight));
            }
        });
        Self { number, tracking, failures }
    }

    /// Ends when the place cannot be had, by what is asked after this call.
    fn stalled(&self) -> impl Future<Output = ()> + use<> {
        let Self { tracking, failures, .. } = self.clone();
        let mut news = failures.subscribe();
        let enough = news.borrow_and_update().saturating_add(FAILURES_MAX);
        async move {
            tokio::select! {
                // The sender is here, so this ends for one reason only.
                _ = news.wait_for(|failures| *failures >= enough) => {}
                () = stall(tracking, SILENCE_MAX, |_| false) => {}
            }
            drop(failures);
        }
    }
}

#[async_trait]
impl Fetch for RepositoryAccess {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let is_own = self.metadata.number == 0;
        if !is_own && request.path == layout::FIRST_ROOT {
            // What is trusted at first use comes from where the person said, and not from a mirror.
            return Err(FetchError::NotFound);
        }
        let base = match self.place(self.metadata.number) {
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
            // Somebody who was asked for a credential wants none of it: trying again would only ask again.
            TransferError::Cancelled { .. } => FetchError::Denied(Box::new(error)),
            TransferError::Denied { status, .. } if status.as_u16() == 401 => {
                FetchError::Denied(Box::new(error))
            }
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
        match self.client.fetch_small(&ask, &self.metadata.tracking).await.map_err(failed)? {
            SmallResponse::Body(body) => {
                let tag = body.etag.filter(|_| is_own).map(|tag| tag.as_str().to_owned());
                Ok(Fetched::Body { bytes: body.bytes, tag })
            }
            SmallResponse::NotModified => Ok(Fetched::NotModified),
        }
    }

    fn elsewhere(&self) -> Option<Arc<dyn Fetch>> {
        let number = self.metadata.number + 1;
        let there =
            || Self { metadata: MetadataPlace::new(number, &self.tracking), ..self.clone() };
        (number < self.place_count()).then(|| Arc::new(there()) as Arc<dyn Fetch>)
    }

    fn stalled(&self) -> BoxFuture<'static, ()> {
        Box::pin(self.metadata.stalled())
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

    #[tokio::test(start_paused = true)]
    async fn a_place_that_gives_nothing_is_waited_for_five_seconds() {
        let begun = tokio::time::Instant::now();
        access(Vec::new()).stalled().await;
        assert_eq!(begun.elapsed(), SILENCE_MAX);
    }
}
