//! Metadata from mirrors: where the repository cannot be had, and only there.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use headstart_model::{ChannelName, ReleaseNumber};
use headstart_repo::{Checked, Fetch, FetchError, FetchRequest, Fetched, RepoError, layout};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::world::{Answer, Device, Server, World};

/// Closed at first; once open it stays so.
type Gate = Arc<Semaphore>;

fn gate() -> Gate {
    Arc::new(Semaphore::new(0))
}

/// A server that takes its time.
#[derive(Clone)]
struct Place {
    server: Arc<Server>,
    /// Says at once that it stalls.
    stalls: bool,
    /// Answers when this is open.
    answers: Option<Gate>,
    /// Opened when it is asked, and when it has answered.
    opens: [Option<Gate>; 2],
}

impl Place {
    fn prompt(server: &Arc<Server>) -> Self {
        Self { server: Arc::clone(server), stalls: false, answers: None, opens: [None, None] }
    }

    fn stalling(server: &Arc<Server>, until: &Gate) -> Self {
        Self { stalls: true, answers: Some(Arc::clone(until)), ..Self::prompt(server) }
    }
}

/// The places from one of them on; that one is asked.
struct Places(Vec<Place>);

#[async_trait]
impl Fetch for Places {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let Place { server, answers, opens: [asked, answered], .. } = &self.0[0];
        let open = |gate: &Option<Gate>| gate.iter().for_each(|gate| gate.add_permits(1));
        open(asked);
        if let Some(gate) = answers {
            drop(gate.acquire().await.expect("never closed"));
        }
        let answer = server.fetch(request).await;
        open(answered);
        answer
    }

    fn elsewhere(&self) -> Option<Arc<dyn Fetch>> {
        (self.0.len() > 1).then(|| Arc::new(Self(self.0[1..].to_vec())) as Arc<dyn Fetch>)
    }

    fn stalled(&self) -> BoxFuture<'static, ()> {
        if self.0[0].stalls {
            Box::pin(std::future::ready(()))
        } else {
            Box::pin(std::future::pending())
        }
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
    check_at(device, places.iter().map(Place::prompt).collect()).await
}

async fn check_at(device: &Device, places: Vec<Place>) -> Result<Checked, RepoError> {
    let places = Arc::new(Places(places));
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

#[tokio::test]
async fn places_that_stall_are_not_waited_for() {
    let (_world, device, places) = world().await;
    let never = gate();
    let stalling = places[..2].iter().map(|server| Place::stalling(server, &never));
    let all = stalling.chain([Place::prompt(&places[2])]).collect();
    let checked = check_at(&device, all).await.expect("the second mirror has it");
    assert_eq!(checked.catalog.release, ReleaseNumber(2));
}

#[tokio::test]
async fn a_repository_that_answers_after_all_counts_before_a_mirror_that_does_not_yet() {
    let (_world, device, places) = world().await;
    let (mirror_is_asked, never) = (gate(), gate());
    let repository = Place::stalling(&places[0], &mirror_is_asked);
    let opens = [Some(mirror_is_asked), None];
    let mirror = Place { opens, ..Place::stalling(&places[1], &never) };
    let checked = check_at(&device, vec![repository, mirror]).await.expect("the repository");
    assert_eq!(checked.catalog.release, ReleaseNumber(2));
    assert!(!places[0].asked().is_empty() && places[1].asked().is_empty());
}

#[tokio::test]
async fn what_does_not_hold_in_the_repository_is_told_also_when_it_comes_late() {
    let (_world, device, places) = world().await;
    places[0].lie(layout::TIMESTAMP, Answer::Bytes(b"{}".to_vec()));
    let (mirror_is_asked, never) = (gate(), gate());
    let repository = Place::stalling(&places[0], &mirror_is_asked);
    let opens = [Some(mirror_is_asked), None];
    let mirror = Place { opens, ..Place::stalling(&places[1], &never) };
    let error = check_at(&device, vec![repository, mirror]).await.expect_err("it does not hold");
    assert!(!matches!(error, RepoError::Fetch { .. }), "{error}");
}

#[tokio::test]
async fn a_mirror_does_not_pay_for_the_failure_of_the_repository() {
    let (_world, device, places) = world().await;
    places[0].lie(layout::TIMESTAMP, Answer::Broken);
    let (mirror_is_asked, repository_failed) = (gate(), gate());
    let repository = Place {
        opens: [None, Some(Arc::clone(&repository_failed))],
        ..Place::stalling(&places[0], &mirror_is_asked)
    };
    let mirror = Place {
        answers: Some(repository_failed),
        opens: [Some(mirror_is_asked), None],
        ..Place::prompt(&places[1])
    };
    let all = vec![repository, mirror, Place::prompt(&places[2])];
    let checked = check_at(&device, all).await.expect("the first mirror has it");
    assert_eq!(checked.catalog.release, ReleaseNumber(2));
    assert!(places[2].asked().is_empty(), "the first mirror was at work");
}

#[tokio::test]
async fn a_repository_that_stalls_is_asked_on_while_mirrors_are_of_no_use() {
    let (world, device, places) = world().await;
    let empty = Arc::new(Server::new(&world.repo));
    empty.lie(layout::TIMESTAMP, Answer::NotFound);
    let (mirror_failed, never) = (gate(), gate());
    let repository = Place::stalling(&places[0], &mirror_failed);
    let mirror = Place { opens: [None, Some(mirror_failed)], ..Place::prompt(&empty) };
    let last = Place::stalling(&places[1], &never);
    let checked = check_at(&device, vec![repository, mirror, last]).await.expect("had at last");
    assert_eq!(checked.catalog.release, ReleaseNumber(2));
    assert_eq!(device.known().expect("kept").release, ReleaseNumber(2));
}
