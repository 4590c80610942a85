//! Rollback, promotion, removal, rollout; listings and history.

use std::fs;

use headstart_model::{ChannelName, PackId, ReleaseNumber};
use headstart_repo::author::{
    Cause, ChangeError, Mode, Outcome, PublishError, ReleaseRequest, list, log,
};

use crate::world::{World, versions};

fn production() -> ChannelName {
    ChannelName::production()
}

#[tokio::test]
async fn a_rollback_is_a_new_release_that_goes_down() {
    let world = World::new();
    let device = world.device("device");
    world.publish(vec![world.pack("a", "one")]).await;
    world.publish(vec![world.pack("a", "two")]).await;
    assert_eq!(versions(&device.check().await.expect("trusted").catalog), [("a", 2)]);
    let back = world.writer().await.rollback(&production(), None, world.now).expect("a release");
    assert_eq!((back.release, back.outcome), (ReleaseNumber(3), Outcome::Released));
    assert_eq!(versions(&device.check().await.expect("trusted").catalog), [("a", 1)]);
    // What was withdrawn keeps its number, and comes back under it.
    let again = world.publish(vec![world.pack("a", "two")]).await;
    assert_eq!(again.packs.first().map(|pack| pack.version.0), Some(2));
}

#[tokio::test]
async fn a_rollback_can_name_its_release() {
    let world = World::new();
    for text in ["one", "two", "three"] {
        world.publish(vec![world.pack("a", text)]).await;
    }
    let mut writer = world.writer().await;
    writer.rollback(&production(), Some(ReleaseNumber(1)), world.now).expect("a release");
    assert_eq!(writer.reader().catalogs().map(versions).collect::<Vec<_>>(), [[("a", 1)]]);
    let nothing = writer.rollback(&production(), None, world.now).expect_err("nothing before");
    assert!(matches!(nothing, PublishError::Change(ChangeError::NothingBefore { .. })));
    let unknown =
        writer.rollback(&production(), Some(ReleaseNumber(9)), world.now).expect_err("unknown");
    assert!(matches!(unknown, PublishError::Change(ChangeError::UnknownRelease { .. })));
    let same =
        writer.rollback(&production(), Some(ReleaseNumber(1)), world.now).expect("nothing to do");
    assert_eq!(same.outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn a_rollback_to_files_that_are_gone_is_refused() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let bundle = world.repo.join(world.bundle("one"));
    world.publish(vec![world.pack("a", "two")]).await;
    fs::remove_file(bundle).expect("removed");
    let error = world.writer().await.rollback(&production(), None, world.now).expect_err("refused");
    assert!(matches!(error, PublishError::Gone { .. }));
}

#[tokio::test]
async fn a_promotion_copies_a_channel() {
    let world = World::new();
    let beta = ChannelName::new("beta").expect("a name");
    let request = ReleaseRequest {
        channel: beta.clone(),
        rollout_percent: 100,
        packs: vec![world.pack("a", "one")],
    };
    let mut writer = world.writer().await;
    writer.publish(&request, Mode::Commit, world.now).expect("a release");
    let promoted = writer.promote(&beta, &production(), world.now).expect("a release");
    assert_eq!((promoted.release, promoted.outcome), (ReleaseNumber(2), Outcome::Released));
    assert_eq!(
        versions(&world.device("device").check().await.expect("trusted").catalog),
        [("a", 1)]
    );
    let again = writer.promote(&beta, &production(), world.now).expect("nothing to do");
    assert_eq!((again.release, again.outcome), (ReleaseNumber(2), Outcome::Unchanged));
}

#[tokio::test]
async fn a_removed_pack_is_no_longer_offered() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one"), world.pack("b", "two")]).await;
    world.writer().await.remove(&[PackId::new("a").expect("an id")], world.now).expect("a release");
    assert_eq!(
        versions(&world.device("device").check().await.expect("trusted").catalog),
        [("b", 1)]
    );
}

#[tokio::test]
async fn a_rollout_reaches_more_devices_without_a_new_release() {
    let world = World::new();
    let device = world.device("device");
    world.publish(vec![world.pack("a", "one")]).await;
    let packs = vec![world.pack("a", "two")];
    let mut writer = world.writer().await;
    let request = ReleaseRequest { channel: production(), rollout_percent: 10, packs };
    writer.publish(&request, Mode::Commit, world.now).expect("a release");
    let reached = |catalog: &headstart_model::catalog::Catalog| -> Vec<u32> {
        let has_new =
            |id: &u32| catalog.packs_for(&id.to_le_bytes()).iter().any(|pack| pack.version.0 == 2);
        (0..500).filter(has_new).collect()
    };
    let some = reached(&device.check().await.expect("trusted").catalog);
    let wider = writer.rollout(&production(), 50, world.now).expect("a new share");
    assert_eq!(wider.release, ReleaseNumber(2));
    let more = reached(&device.check().await.expect("trusted").catalog);
    assert!(some.iter().all(|id| more.contains(id)) && some.len() < more.len());
    writer.rollout(&production(), 100, world.now).expect("for all");
    assert_eq!(reached(&device.check().await.expect("trusted").catalog).len(), 500);
    // Smaller again: the others go back to what was for all before.
    writer.rollout(&production(), 0, world.now).expect("for nobody");
    assert!(reached(&device.check().await.expect("trusted").catalog).is_empty());
}

#[tokio::test]
async fn the_log_tells_what_happened_and_the_list_what_is_live() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    world.publish(vec![world.pack("a", "two"), world.pack("b", "x")]).await;
    world.writer().await.rollback(&production(), None, world.now).expect("a release");
    let releases = log(&world.repo).await.expect("readable");
    let told: Vec<_> = releases
        .iter()
        .map(|release| (release.release.0, release.cause.clone(), release.packs.len()))
        .collect();
    let back = Cause::Rollback { to: ReleaseNumber(1) };
    assert_eq!(told, [(3, back, 1), (2, Cause::Publish, 2), (1, Cause::Publish, 1)]);
    let channels = list(&world.repo).await.expect("readable");
    let [channel] = channels.as_slice() else { panic!("one channel") };
    assert_eq!((channel.release.0, channel.rollout_percent), (3, 100));
    assert_eq!(
        channel.packs.first().map(|pack| (pack.id.as_str(), pack.version.0)),
        Some(("a", 1))
    );
}

#[tokio::test]
async fn changes_to_what_is_not_there_are_refused() {
    let world = World::new();
    let mut writer = world.writer().await;
    let beta = ChannelName::new("beta").expect("a name");
    let unknown = |error| matches!(error, PublishError::Change(ChangeError::UnknownChannel { .. }));
    assert!(unknown(writer.rollback(&beta, None, world.now).expect_err("unknown")));
    assert!(unknown(writer.rollout(&beta, 10, world.now).expect_err("unknown")));
    assert!(unknown(writer.promote(&beta, &production(), world.now).expect_err("unknown")));
    let pack = writer.remove(&[PackId::new("a").expect("an id")], world.now).expect_err("unknown");
    assert!(matches!(pack, PublishError::Change(ChangeError::UnknownPack { .. })));
}
