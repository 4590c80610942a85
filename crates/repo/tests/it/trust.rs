//! A device that checks for updates, and what it remembers.

use std::fs;

use headstart_model::{ChannelName, ErrorKind};
use headstart_repo::author::Duty;
use headstart_repo::{Change, FetchError, FolderFetch, RepoError, Role, Sha256, TrustStore};
use jiff::Timestamp;

use crate::world::{Answer, World, days, versions};

const TIMESTAMP: &str = "metadata/timestamp.json";

#[tokio::test]
async fn a_check_can_run_on_any_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    is_send(world.device("device").check()).await.expect("trusted");
    is_send(world.writer()).await;
}

#[tokio::test]
async fn nothing_new_costs_one_request() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    let first = device.check().await.expect("trusted");
    device.server.asked();
    let second = device.check().await.expect("trusted");
    assert_eq!(device.server.asked(), [TIMESTAMP]);
    assert_eq!(second.change, Change::Unchanged);
    assert_eq!((second.catalog, second.expires), (first.catalog, first.expires));
}

#[tokio::test]
async fn an_unchanged_tag_is_enough() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    device.server.tag("\"t1\"");
    device.check().await.expect("trusted");
    assert_eq!(device.check().await.expect("trusted").change, Change::Unchanged);
    world.publish(vec![world.pack("a", "two")]).await;
    device.server.tag("\"t2\"");
    assert_eq!(device.check().await.expect("trusted").change, Change::Changed);
}

#[tokio::test]
async fn a_new_timestamp_is_not_fetched_twice() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    device.check().await.expect("trusted");
    world.publish(vec![world.pack("a", "two")]).await;
    device.server.asked();
    assert_eq!(versions(&device.check().await.expect("trusted").catalog), [("a", 2)]);
    let asked = device.server.asked();
    assert_eq!(asked.iter().filter(|path| *path == TIMESTAMP).count(), 1, "{asked:?}");
}

#[tokio::test]
async fn once_a_day_everything_is_looked_at() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    device.check_at(world.now).await.expect("trusted");
    device.server.asked();
    let later = device.check_at(world.now + days(1)).await.expect("trusted");
    assert_eq!(later.change, Change::Unchanged);
    assert!(device.server.asked().contains(&"metadata/2.root.json".to_owned()));
}

#[tokio::test]
async fn another_channel_is_loaded_in_full() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    device.check().await.expect("trusted");
    let beta = ChannelName::new("beta").expect("a name");
    world.writer().await.promote(&ChannelName::production(), &beta, world.now).expect("a release");
    let checked = device.check_channel(&beta, Timestamp::now()).await.expect("trusted");
    assert_eq!((checked.change, checked.catalog.channel.clone()), (Change::Changed, beta.clone()));
    assert_eq!(device.known(), None, "the state is that of the other channel now");
    assert_eq!(device.trust.catalog(&beta).expect("readable"), Some(checked.catalog));
}

#[tokio::test]
async fn an_unknown_channel_is_named() {
    let world = World::new();
    let device = world.device("device");
    let error = device.check().await.expect_err("nothing published yet");
    assert!(
        matches!(error, RepoError::UnknownChannel { channel } if channel == ChannelName::production())
    );
}

#[tokio::test]
async fn what_was_trusted_is_known_after_a_restart_and_offline() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    assert_eq!(world.device("device").known(), None);
    let catalog = world.device("device").check().await.expect("trusted").catalog;
    let device = world.device("device");
    device.server.lie(TIMESTAMP, Answer::Broken);
    assert!(matches!(
        device.check().await,
        Err(RepoError::Fetch { source: FetchError::Failed(_), path }) if path == TIMESTAMP
    ));
    assert_eq!(device.known(), Some(catalog));
}

#[tokio::test]
async fn expired_documents_bring_no_news_and_take_nothing_away() {
    let world = World::at(Timestamp::now() - days(60));
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    let error = device.check().await.expect_err("expired");
    let RepoError::Expired { role: Role::Timestamp, since: Some(since) } = error else {
        panic!("{error}")
    };
    assert_eq!(since.as_second(), (world.now + days(30)).as_second());
    world.writer().await.refresh(Timestamp::now()).expect("refreshed");
    let catalog = device.check().await.expect("trusted").catalog;
    // A month later nobody has refreshed it again.
    let error = device.check_at(Timestamp::now() + days(31)).await.expect_err("expired");
    assert!(matches!(error, RepoError::Expired { role: Role::Timestamp, since: Some(_) }));
    assert_eq!(device.known(), Some(catalog));
}

#[tokio::test]
async fn setting_the_clock_back_does_not_bring_expired_documents_to_life() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    let old = fs::read(world.repo.join(TIMESTAMP)).expect("a timestamp");
    world.writer().await.refresh(world.now + days(20)).expect("refreshed");
    device.check_at(world.now + days(40)).await.expect("trusted");
    // The clock says day 10, at which the old timestamp was good; but day 40 was seen already.
    device.server.lie(TIMESTAMP, Answer::Bytes(old));
    let error = device.check_at(world.now + days(10)).await.expect_err("refused");
    assert!(matches!(error, RepoError::Older { role: Role::Timestamp, .. }), "{error}");
    device.server.stop_lying();
    assert_eq!(
        device.check_at(world.now + days(10)).await.expect("good until day 50").change,
        Change::Unchanged
    );
}

#[tokio::test]
async fn rotated_keys_are_followed() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let (near, far) = (world.device("near"), world.device("far"));
    near.check().await.expect("trusted");
    for duty in [Duty::Online, Duty::Root, Duty::Online] {
        world.writer().await.rotate(duty, world.now).expect("rotated");
        assert_eq!(near.check().await.expect("trusted").change, Change::Unchanged, "{duty}");
    }
    world.publish(vec![world.pack("a", "two")]).await;
    assert_eq!(versions(&near.check().await.expect("trusted").catalog), [("a", 2)]);
    assert_eq!(
        versions(&far.check().await.expect("trusted").catalog),
        [("a", 2)],
        "from the first root"
    );
    assert_eq!(near.trust.fingerprint(), world.made.fingerprint, "the fingerprint stays");
}

#[tokio::test]
async fn a_store_that_refuses_what_is_missing_is_read_and_one_that_wants_a_token_says_so() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    // Where listing is not allowed, object stores say this of the next root.
    device.server.lie("metadata/2.root.json", Answer::Forbidden);
    device.check().await.expect("there is no newer root");
    for refusal in [Answer::Forbidden, Answer::Denied] {
        device.server.lie(TIMESTAMP, refusal);
        let failure = device.check().await.expect_err("refused").to_failure();
        assert_eq!((failure.kind, failure.code.as_str()), (ErrorKind::Refused, "serverDenied"));
    }
    let other = world.device("other");
    other.server.lie("metadata/2.root.json", Answer::Denied);
    other.check().await.expect_err("a newer root may be behind the door");
}

#[tokio::test]
async fn a_network_that_drops_only_the_roots_is_not_mistaken_for_no_new_root() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    device.server.lie("metadata/2.root.json", Answer::Broken);
    let error = device.check().await.expect_err("refused");
    assert!(matches!(error, RepoError::Fetch { path, .. } if path == "metadata/2.root.json"));
}

#[tokio::test]
async fn the_first_root_is_pinned_at_first_use() {
    let (world, other) = (World::new(), World::new());
    let folder = world.path("clone");
    let pinned = TrustStore::pin_at_first_use(&folder, &FolderFetch::new(&world.repo))
        .await
        .expect("a root");
    assert_eq!(pinned.fingerprint(), world.made.fingerprint);
    let again = TrustStore::pin_at_first_use(&folder, &FolderFetch::new(&world.repo))
        .await
        .expect("the same");
    assert_eq!(again.first_root(), pinned.first_root());
    let error = TrustStore::pin_at_first_use(&folder, &FolderFetch::new(&other.repo))
        .await
        .expect_err("another");
    let RepoError::OtherRoot { trusted, offered } = error else { panic!("{error}") };
    assert_eq!((trusted, offered), (world.made.fingerprint, other.made.fingerprint));
    assert!(TrustStore::open(&world.path("nowhere")).expect("no error").is_none());
}

#[test]
fn what_is_no_root_is_not_pinned() {
    let world = World::new();
    let pin = |root: &[u8]| TrustStore::pin(&world.path("device"), root).expect_err("refused");
    assert!(matches!(pin(b"<html>"), RepoError::Malformed { .. }));
    let timestamp = fs::read(world.repo.join(TIMESTAMP)).expect("a timestamp");
    assert!(matches!(pin(&timestamp), RepoError::Malformed { .. }));
    let root = fs::read_to_string(&world.made.root).expect("a root");
    let later = root.replace("\"version\":1", "\"version\":2");
    assert_ne!(root, later);
    assert!(matches!(pin(later.as_bytes()), RepoError::WrongSignature { role: Role::Root }));
    assert_eq!(Sha256::of(root.as_bytes()), world.made.fingerprint);
}

#[tokio::test]
async fn a_damaged_memory_is_named_and_can_be_removed() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    device.check().await.expect("trusted");
    let state = world.path("device").join("state.json");
    fs::write(&state, b"{").expect("damaged");
    let error = device.check().await.expect_err("refused");
    assert!(matches!(&error, RepoError::Store(file) if file.path() == state), "{error}");
    assert!(!error.to_failure().hint.is_empty());
    fs::remove_file(&state).expect("removed");
    device.check().await.expect("trusted anew from the pinned root");
}
