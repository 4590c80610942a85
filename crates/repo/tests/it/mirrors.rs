//! Metadata from mirrors: where the repository cannot be had, and only there.

use std::sync::Arc;

use async_trait::async_trait;
use headstart_model::{ChannelName, ReleaseNumber};
use headstart_repo::{Checked, Fetch, FetchError, FetchRequest, Fetched, RepoError, layout};
use jiff::Timestamp;

use crate::world::{Answer, Device, Server, World};

/// The places from one of them on; that one is asked.
struct Places(Vec<Arc<Server>>);

#[async_trait]
impl Fetch for Places {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        self.0[0].fetch(request).await
    }

    fn elsewhere(&self) -> Option<Arc<dyn Fetch>> {
        (self.0.len() > 1).then(|| Arc::new(Self(self.0[1..].to_vec())) as Arc<dyn Fetch>)
    }
}

/// A device that knows release 1, the repository with release 2, and two mirrors of that.
async fn world() -> (World, Device, Vec<Arc<Server>>) {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    device.check().await.expect("trusted");
    world.publish(vec![world.pack("a", "two")]).await;
    let places = (0..3).map(|_| Arc::new(Server::new(&world.repo))).collect();
    (world, device, places)
}

async fn check(device: &Device, places: &[Arc<Server>]) -> Result<Checked, RepoError> {
    let places = Arc::new(Places(places.to_vec()));
    device.trust.check(places, &ChannelName::production(), Timestamp::now()).await
}

#[tokio::test]
async fn where_the_repository_cannot_be_had_the_next_mirror_is_asked() {
    for answer in [Answer::Broken, Answer::NotFound] {
        let (_world, device, places) = world().await;
        for place in &places[..2] {
            place.lie(layout::TIMESTAMP, answer.clone());
        }
        let checked = check(&device, &places).await.expect("the second mirror has it");
        assert_eq!(checked.catalog.release, ReleaseNumber(2));
        assert!(!places[1].asked().is_empty(), "in their order");
    }
}

#[tokio::test]
async fn where_nobody_has_it_the_error_is_that_of_the_repository() {
    let (_world, device, places) = world().await;
    places[0].lie(layout::TIMESTAMP, Answer::Broken);
    places[1].lie(layout::TIMESTAMP, Answer::Bytes(b"{}".to_vec()));
    places[2].lie(layout::TIMESTAMP, Answer::NotFound);
    let error = check(&device, &places).await.expect_err("nobody has it");
    let RepoError::Fetch { source: FetchError::Failed(_), .. } = error else { panic!("{error}") };
    assert!(places.iter().all(|place| !place.asked().is_empty()), "each was asked");
    assert_eq!(device.known().expect("still known").release, ReleaseNumber(1));
}

#[tokio::test]
async fn what_does_not_hold_in_the_repository_is_told_and_no_mirror_is_asked() {
    let (_world, device, places) = world().await;
    places[0].lie(layout::TIMESTAMP, Answer::Bytes(b"{}".to_vec()));
    let error = check(&device, &places).await.expect_err("it does not hold");
    assert!(!matches!(error, RepoError::Fetch { .. }), "{error}");
    assert!(places[1].asked().is_empty() && places[2].asked().is_empty());
}
