//! What an author is told without keys.

use std::fs;

use headstart_model::ChannelName;
use headstart_repo::author::{
    ChangeError, Mode, Outcome, PreparedPack, PublishError, Reader, ReleaseRequest,
};

use crate::world::World;

fn request(packs: Vec<PreparedPack>) -> ReleaseRequest {
    ReleaseRequest { channel: ChannelName::production(), rollout_percent: 100, packs }
}

#[tokio::test]
async fn without_keys_a_release_is_worked_out_as_with_them_and_nothing_is_written() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let next = request(vec![world.pack_after("a", "two", 1, "one"), world.pack("b", "new")]);
    let with_keys =
        world.writer().await.publish(&next, Mode::DryRun, world.now).expect("worked out");
    fs::rename(&world.keys, world.path("elsewhere")).expect("moved");
    let before = world.files();
    let mut reader = world.reader().await;
    let released = reader.try_publish(&next, world.now).expect("worked out");
    assert_eq!(released, with_keys);
    assert_eq!(released.committed.outcome, Outcome::WouldRelease);
    let same = reader.try_publish(&request(vec![world.pack("a", "one")]), world.now);
    assert_eq!(same.expect("worked out").committed.outcome, Outcome::Unchanged);
    let empty = reader.try_publish(&request(Vec::new()), world.now).expect_err("refused");
    assert!(matches!(empty, PublishError::Change(ChangeError::Empty)));
    assert_eq!(world.files(), before);
}

#[tokio::test]
async fn a_release_that_would_name_files_that_are_gone_is_refused_without_keys_too() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    fs::remove_file(world.repo.join(world.bundle("one"))).expect("there");
    let mut reader = world.reader().await;
    let refused = reader.try_publish(&request(vec![world.pack("b", "new")]), world.now);
    assert!(matches!(refused, Err(PublishError::Gone { .. })), "{refused:?}");
}

#[tokio::test]
async fn who_looks_waits_for_no_writer() {
    let world = World::new();
    let _writer = world.writer().await;
    world.reader().await;
}

#[tokio::test]
async fn the_root_beside_the_keys_is_believed_rather_than_the_one_in_the_repository() {
    let (world, other) = (World::new(), World::new());
    let pinned = world.path("pinned");
    fs::create_dir(&pinned).expect("a folder");
    fs::copy(world.keys.join("root.json"), pinned.join("root.json")).expect("copied");
    Reader::open(&world.repo, Some(&pinned)).await.expect("no key is needed");
    let exchanged = Reader::open(&other.repo, Some(&pinned)).await;
    assert!(matches!(exchanged, Err(PublishError::Repository(_))), "{exchanged:?}");
    let elsewhere = Reader::open(&world.path("nothing"), None).await;
    assert!(matches!(elsewhere, Err(PublishError::NotARepository { .. })), "{elsewhere:?}");
}
