//! Keeping a repository whole, small and believable.

use std::fs;

use headstart_model::{ChannelName, ReleaseNumber};
use headstart_repo::author::{
    ChangeError, Duty, Fault, Freed, KeyError, KeyPlace, Lifetimes, PublishError, Writer, log,
    verify,
};
use headstart_repo::{RepoError, Role};
use jiff::{SignedDuration, Timestamp};

use crate::world::{World, days, versions};

/// Flips a bit of the last byte.
fn damage(path: &std::path::Path) {
    let mut bytes = fs::read(path).expect("there");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(path, bytes).expect("altered");
}

#[tokio::test]
async fn a_refresh_extends_the_timestamp_alone_while_the_rest_is_young() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let before = world.files();
    let later = world.now + days(20);
    let refreshed = world.writer().await.refresh(later).expect("refreshed");
    assert_eq!(refreshed.renewed, [Role::Timestamp]);
    assert_eq!(refreshed.expires.as_second(), (later + days(30)).as_second());
    let changed: Vec<_> =
        world.files().into_iter().filter(|(path, bytes)| before.get(path) != Some(bytes)).collect();
    assert_eq!(changed.len(), 1);
    world.device("device").check_at(world.now + days(45)).await.expect("trusted");
}

#[tokio::test]
async fn a_refresh_renews_everything_that_is_half_used() {
    let world = World::at(Timestamp::now() - days(200));
    world.publish(vec![world.pack("a", "one")]).await;
    let refreshed = world.writer().await.refresh(Timestamp::now()).expect("refreshed");
    assert_eq!(refreshed.renewed, [Role::Root, Role::Targets, Role::Snapshot, Role::Timestamp]);
    assert!(refreshed.root_expires > Timestamp::now() + days(364));
    let checked = world.device("device").check().await.expect("trusted");
    assert_eq!(versions(&checked.catalog), [("a", 1)]);
    assert_eq!(log(&world.repo).await.expect("readable").len(), 1, "it is no release");
}

#[tokio::test]
async fn an_offline_root_key_does_not_stop_a_refresh() {
    let world = World::at(Timestamp::now() - days(200));
    let root_key = fs::read_dir(&world.keys)
        .expect("there")
        .map(|entry| entry.expect("there").path())
        .find(|path| path.to_string_lossy().contains("root-"))
        .expect("a root key");
    fs::rename(&root_key, world.path("safe.pk8")).expect("moved away");
    let mut writer = world.writer().await;
    let refreshed = writer.refresh(Timestamp::now()).expect("refreshed");
    assert_eq!(refreshed.renewed, [Role::Targets, Role::Snapshot, Role::Timestamp]);
    let places: Vec<_> = writer.keys().into_iter().map(|key| (key.duty, key.place)).collect();
    assert_eq!(places, [(Duty::Root, KeyPlace::Elsewhere), (Duty::Online, KeyPlace::Here)]);
    let error = writer.rotate(Duty::Online, Timestamp::now()).expect_err("needs the root key");
    assert!(
        matches!(error, PublishError::Keys(KeyError::Missing { role: Role::Root, .. })),
        "{error}"
    );
    world.device("device").check().await.expect_err("no channel yet");
}

#[tokio::test]
async fn a_rotated_key_signs_nothing_any_more() {
    let world = World::new();
    let mut writer = world.writer().await;
    let old: Vec<_> = writer.keys();
    let new = writer.rotate(Duty::Online, world.now).expect("rotated");
    let keys = writer.keys();
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&new) && !old.contains(&new));
    drop(writer);
    // With the old key alone nothing can be signed.
    for entry in fs::read_dir(&world.keys).expect("there") {
        let path = entry.expect("there").path();
        if path.to_string_lossy().contains(new.id.get(..16).expect("64 digits")) {
            fs::remove_file(path).expect("removed");
        }
    }
    let error = world.writer().await.refresh(world.now).expect_err("no key");
    assert!(
        matches!(error, PublishError::Keys(KeyError::Missing { role: Role::Timestamp, .. })),
        "{error}"
    );
}

#[tokio::test]
async fn a_whole_repository_verifies() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    world.publish(vec![world.pack_after("a", "two", 1, "one")]).await;
    let root = fs::read(&world.made.root).expect("a root");
    let verified = verify(&world.repo, Some(&root), world.now).await.expect("readable");
    assert!(verified.damaged.is_empty(), "{verified:?}");
    // Two catalogs, two indexes, two full bundles, one delta, one list of earlier versions.
    assert_eq!(verified.files, 8);
    let late = verify(&world.repo, None, world.now + days(31)).await.expect("readable");
    assert!(
        matches!(late.damaged.as_slice(), [damage] if matches!(damage.fault, Fault::Expired { .. }))
    );
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    world.publish(vec![world.pack("a", "two")]).await;
    let (missing, altered) = (world.bundle("one"), world.bundle("two"));
    fs::remove_file(world.repo.join(&missing)).expect("removed");
    damage(&world.repo.join(&altered));
    let index =
        world.device("device").check().await.expect("trusted").catalog.packs.remove(0).index_path();
    damage(&world.repo.join(&index));
    let verified = verify(&world.repo, None, world.now).await.expect("readable");
    let found = |path: &str| {
        verified.damaged.iter().find(|damage| damage.path == path).map(|damage| &damage.fault)
    };
    assert_eq!(verified.damaged.len(), 3);
    assert!(matches!(found(&missing), Some(Fault::Missing)));
    assert!(matches!(found(&altered), Some(Fault::Altered)));
    assert!(
        matches!(found(&index), Some(Fault::Altered)),
        "its last byte is one of a chunk's name"
    );
}

#[tokio::test]
async fn a_repository_that_was_exchanged_does_not_verify() {
    let (world, other) = (World::new(), World::new());
    let root = fs::read(&world.made.root).expect("a root");
    let verified = verify(&other.repo, Some(&root), world.now).await.expect("readable");
    assert!(verified.damaged.iter().any(|damage| damage.path == "metadata/root.json"));
    assert!(
        verified
            .damaged
            .iter()
            .any(|d| matches!(d.fault, Fault::Refused(RepoError::WrongSignature { .. })))
    );
}

#[tokio::test]
async fn publishing_again_heals_a_damaged_file() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let bundle = world.repo.join(world.bundle("one"));
    let whole = fs::read(&bundle).expect("there");
    damage(&bundle);
    let mut pack = world.pack("a", "one");
    pack.user_info = Some(serde_json::json!(1));
    world.publish(vec![pack]).await;
    assert_eq!(fs::read(&bundle).expect("there"), whole);
}

#[tokio::test]
async fn what_no_recent_release_needs_is_freed() {
    let world = World::at(Timestamp::now() - days(100));
    world.publish(vec![world.pack("a", "one"), world.pack("b", "stays")]).await;
    let mut writer = world.writer().await;
    let request = |packs| headstart_repo::author::ReleaseRequest {
        channel: ChannelName::production(),
        rollout_percent: 100,
        packs,
    };
    let mode = headstart_repo::author::Mode::Commit;
    writer
        .publish(&request(vec![world.pack("a", "two")]), mode, world.now + days(50))
        .expect("a release");
    writer
        .publish(&request(vec![world.pack("a", "three")]), mode, world.now + days(90))
        .expect("a release");
    fs::write(world.repo.join("bundles/.headstart-x.tmp"), b"cut short").expect("a leftover");
    let now = Timestamp::now();

    let foreseen = writer.reader().try_gc(days(30), now).expect("a dry run");
    assert!(foreseen.files.iter().all(|file| world.repo.join(&file.path).exists()));
    let freed = writer.gc(days(30), now).expect("freed");
    assert!(freed.bytes > 0);
    assert_eq!(freed, foreseen);
    let verified = verify(&world.repo, None, now).await.expect("readable");
    assert!(verified.damaged.is_empty(), "{verified:?}");
    let bundle = |text: &str| world.repo.join(world.bundle(text));
    assert!(!bundle("one").exists(), "live last 50 days ago");
    assert!(bundle("two").exists(), "live last 10 days ago");
    assert!(bundle("stays").exists(), "still live");
    assert!(!world.repo.join("bundles/.headstart-x.tmp").exists());
    assert_eq!(writer.gc(days(30), now).expect("nothing left"), Freed::default());
    let checked = world.device("device").check().await.expect("trusted");
    assert_eq!(versions(&checked.catalog), [("a", 3), ("b", 1)]);

    let gone = writer
        .rollback(&ChannelName::production(), Some(ReleaseNumber(1)), now)
        .expect_err("freed");
    assert!(matches!(gone, PublishError::Change(ChangeError::UnknownRelease { .. })));
    let id = headstart_model::PackId::new("b").expect("an id");
    assert_eq!(
        writer.reader().versions(&id, 3).expect("readable").len(),
        1,
        "described by a catalog that is still there"
    );
    let next =
        writer.publish(&request(vec![world.pack("a", "four")]), mode, now).expect("a release");
    assert_eq!(next.packs.first().map(|pack| pack.version.0), Some(4));
}

#[tokio::test]
async fn keeping_for_ever_frees_old_editions_of_the_ledger_alone() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    world.publish(vec![world.pack("a", "two")]).await;
    let before = world.files();
    let mut writer =
        Writer::open(&world.repo, &world.keys, Lifetimes::default()).await.expect("a writer");
    writer.gc(SignedDuration::MAX, world.now).expect("freed");
    let after = world.files();
    let gone: Vec<_> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    assert!(
        gone.iter().all(|path| path.extension().is_some_and(|ending| ending == "ledger")),
        "{gone:?}"
    );
    assert_eq!(log(&world.repo).await.expect("readable").len(), 2);
}
