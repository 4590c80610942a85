//! Making a repository and publishing into it.

use std::fs;

use headstart_model::{ChannelName, ErrorKind, PackId, PackVersion, ReleaseNumber};
use headstart_repo::author::{
    ChangeError, KeyError, KeyFolder, KeysPlace, Lifetimes, Mode, Outcome, PublishError,
    ReleaseRequest, Writer, init, list,
};
use headstart_repo::{Change, Sha256};
use jiff::Timestamp;

use crate::world::{World, versions};

fn request(world: &World, texts: &[(&str, &str)]) -> ReleaseRequest {
    let packs = texts.iter().map(|(id, text)| world.pack(id, text)).collect();
    ReleaseRequest { channel: ChannelName::production(), rollout_percent: 100, packs }
}

#[tokio::test]
async fn what_is_published_is_what_a_device_reads() {
    let world = World::new();
    let released = world.publish(vec![world.pack("a", "one"), world.pack("b", "two")]).await;
    assert_eq!(released.committed.release, ReleaseNumber(1));
    assert_eq!(released.committed.outcome, Outcome::Released);
    let checked = world.device("device").check().await.expect("trusted");
    assert_eq!(checked.change, Change::Changed);
    assert_eq!(versions(&checked.catalog), [("a", 1), ("b", 1)]);
    for pack in &checked.catalog.packs {
        let index = fs::read(world.repo.join(pack.index_path())).expect("an index");
        assert_eq!(index.len() as u64, pack.index.structure_bytes + pack.index.names_bytes);
        let bundle =
            fs::read(world.repo.join(headstart_model::catalog::bundle_path(&pack.full.digest)));
        assert_eq!(headstart_model::Digest::of(&bundle.expect("a bundle")), pack.full.digest);
    }
}

#[tokio::test]
async fn versions_count_up_and_unnamed_packs_stay() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one"), world.pack("b", "two")]).await;
    let released = world.publish(vec![world.pack_after("a", "three", 1, "one")]).await;
    let [pack] = released.packs.as_slice() else { panic!("one pack") };
    assert_eq!(pack.version, PackVersion(2));
    let [delta] = pack.deltas.as_slice() else { panic!("one delta") };
    assert_eq!(delta.from, PackVersion(1));
    let catalog = world.device("device").check().await.expect("trusted").catalog;
    assert_eq!(versions(&catalog), [("a", 2), ("b", 1)]);
    let total: u64 = catalog
        .packs
        .first()
        .map(|a| {
            let former = a.former.as_ref().expect("there was one").bytes;
            a.index.structure_bytes + a.index.names_bytes + a.full.bytes + delta.bytes + former
        })
        .expect("a");
    assert_eq!(pack.new_bytes, total);
}

#[tokio::test]
async fn publishing_the_same_again_writes_nothing() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let before = world.files();
    let again = world.publish(vec![world.pack("a", "one")]).await;
    assert_eq!(again.committed.outcome, Outcome::Unchanged);
    assert_eq!(again.committed.release, ReleaseNumber(1));
    assert_eq!(
        again.packs.first().map(|pack| (pack.version, pack.new_bytes)),
        Some((PackVersion(1), 0))
    );
    assert_eq!(world.files(), before);
}

#[tokio::test]
async fn the_same_content_with_another_manifest_is_a_new_version() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let mut pack = world.pack("a", "one");
    pack.user_info = Some(serde_json::json!({ "mood": "new" }));
    assert_eq!(
        world.publish(vec![pack]).await.packs.first().map(|pack| pack.version),
        Some(PackVersion(2))
    );
}

#[tokio::test]
async fn another_channel_gets_the_version_that_is_there() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let beta = ChannelName::new("beta").expect("a name");
    let request = ReleaseRequest { channel: beta.clone(), ..request(&world, &[("a", "one")]) };
    let released =
        world.writer().await.publish(&request, Mode::Commit, world.now).expect("a release");
    assert_eq!(released.committed.release, ReleaseNumber(2));
    assert_eq!(released.packs.first().map(|pack| pack.version), Some(PackVersion(1)));
    let catalog = world
        .device("device")
        .check_channel(&beta, Timestamp::now())
        .await
        .expect("trusted")
        .catalog;
    assert_eq!(versions(&catalog), [("a", 1)]);
}

#[tokio::test]
async fn a_number_is_never_given_twice_even_after_the_pack_was_removed() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let id = PackId::new("a").expect("an id");
    world.writer().await.remove(&[id], world.now).expect("a release");
    let released = world.publish(vec![world.pack("a", "two")]).await;
    assert_eq!(released.packs.first().map(|pack| pack.version), Some(PackVersion(2)));
}

#[tokio::test]
async fn a_dry_run_tells_all_and_writes_nothing() {
    let world = World::new();
    let before = world.files();
    let mut writer = world.writer().await;
    let planned =
        writer.publish(&request(&world, &[("a", "one")]), Mode::DryRun, world.now).expect("a plan");
    assert_eq!(planned.committed.outcome, Outcome::WouldRelease);
    assert_eq!(world.files().len(), before.len());
    let made = writer
        .publish(&request(&world, &[("a", "one")]), Mode::Commit, world.now)
        .expect("a release");
    assert_eq!(made.packs, planned.packs);
    assert_eq!(made.committed.release, planned.committed.release);
}

#[tokio::test]
async fn the_newest_versions_are_known_for_making_deltas() {
    let world = World::new();
    for text in ["one", "two", "three"] {
        world.publish(vec![world.pack("a", text)]).await;
    }
    let mut writer = world.writer().await;
    let id = PackId::new("a").expect("an id");
    let newest = writer.reader().versions(&id, 2).expect("readable");
    assert_eq!(newest.iter().map(|pack| pack.version.0).collect::<Vec<_>>(), [3, 2]);
    assert!(
        writer
            .reader()
            .versions(&PackId::new("b").expect("an id"), 2)
            .expect("readable")
            .is_empty()
    );
}

#[tokio::test]
async fn requests_without_sense_are_refused() {
    let world = World::new();
    let mut writer = world.writer().await;
    let mut publish =
        |request| writer.publish(&request, Mode::Commit, world.now).expect_err("refused");
    let twice = publish(request(&world, &[("a", "one"), ("a", "two")]));
    assert!(matches!(twice, PublishError::Change(ChangeError::Duplicate { .. })));
    assert_eq!(twice.to_failure().kind, ErrorKind::Usage);
    assert!(matches!(publish(request(&world, &[])), PublishError::Change(ChangeError::Empty)));
    let share = ReleaseRequest { rollout_percent: 101, ..request(&world, &[("a", "one")]) };
    assert!(matches!(publish(share), PublishError::Change(ChangeError::Percent { percent: 101 })));
}

#[tokio::test]
async fn a_prepared_file_that_changed_is_refused_and_nothing_becomes_live() {
    let world = World::new();
    let request = request(&world, &[("a", "one")]);
    let path = request.packs.first().map(|pack| pack.full.path.clone()).expect("a pack");
    let length = fs::metadata(&path).expect("staged").len();
    fs::write(&path, vec![b'x'; usize::try_from(length).expect("small")]).expect("changed");
    let error =
        world.writer().await.publish(&request, Mode::Commit, world.now).expect_err("refused");
    assert!(matches!(error, PublishError::Staged { path: named } if named == path));
    assert!(list(&world.repo).await.expect("whole").is_empty());
}

#[tokio::test]
async fn one_writer_at_a_time() {
    let world = World::new();
    let writer = world.writer().await;
    let second = Writer::open(&world.repo, &world.keys, Lifetimes::default()).await;
    let error = second.expect_err("locked");
    assert!(matches!(error, PublishError::Locked { .. }));
    assert_eq!(error.to_failure().kind, ErrorKind::Conflict);
    drop(writer);
    world.writer().await;
}

#[test]
fn keys_inside_the_repository_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let repo = folder.path().join("repo");
    for keys in [
        KeysPlace::Folder(repo.join("keys")),
        KeysPlace::Under(repo.clone()),
        KeysPlace::Folder(repo.join("../repo/keys")),
    ] {
        let error =
            init(&repo, &keys, Lifetimes::default(), Timestamp::now()).expect_err("refused");
        assert!(matches!(error, PublishError::Keys(KeyError::Inside { .. })), "{keys:?}");
        assert_eq!(error.to_failure().kind, ErrorKind::Refused);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn keys_that_a_link_puts_inside_the_repository_are_refused() {
    let world = World::new();
    let inside = world.repo.join("keys");
    fs::rename(&world.keys, &inside).expect("moved");
    std::os::unix::fs::symlink(&inside, &world.keys).expect("a link");
    let error =
        Writer::open(&world.repo, &world.keys, Lifetimes::default()).await.expect_err("refused");
    assert!(matches!(error, PublishError::Keys(KeyError::Inside { .. })));
}

#[cfg(unix)]
#[test]
fn keys_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let mode =
        |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&world.keys), 0o700);
    let keys: Vec<_> = fs::read_dir(&world.keys)
        .expect("there")
        .map(|entry| entry.expect("there").path())
        .collect();
    let private = keys.iter().filter(|path| path.extension().is_some_and(|ending| ending == "pk8"));
    assert_eq!(private.map(|path| mode(path)).collect::<Vec<_>>(), [0o600, 0o600]);
}

#[test]
fn by_default_the_keys_lie_under_the_fingerprint() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let made = init(
        &folder.path().join("repo"),
        &KeysPlace::Under(data.clone()),
        Lifetimes::default(),
        Timestamp::now(),
    )
    .expect("a repository");
    assert_eq!(made.keys, KeyFolder::default_place(&data, &made.fingerprint));
    assert_eq!(Sha256::of(&fs::read(&made.root).expect("a root")), made.fingerprint);
}

#[test]
fn a_new_repository_wants_an_empty_folder() {
    let world = World::new();
    let init = |repo: &std::path::Path| {
        init(repo, &KeysPlace::Folder(world.path("other-keys")), Lifetimes::default(), world.now)
    };
    assert!(matches!(init(&world.repo), Err(PublishError::Exists { .. })));
    let occupied = world.path("occupied");
    fs::create_dir(&occupied).expect("a folder");
    fs::write(occupied.join("file"), "x").expect("a file");
    let error = init(&occupied).expect_err("refused");
    assert!(matches!(error, PublishError::NotEmpty { .. }));
    assert_eq!(error.to_failure().kind, ErrorKind::Conflict);
    init(&world.path("fresh/below")).expect("a new folder is fine");
}

#[tokio::test]
async fn a_folder_that_is_no_repository_is_named() {
    let world = World::new();
    let elsewhere = world.path("elsewhere");
    let error = Writer::open(&elsewhere, &world.keys, Lifetimes::default())
        .await
        .expect_err("nothing there");
    assert!(matches!(error, PublishError::NotARepository { .. }));
    assert_eq!(error.to_failure().kind, ErrorKind::NotFound);
    assert!(matches!(list(&elsewhere).await, Err(PublishError::NotARepository { .. })));
}

#[tokio::test]
async fn keys_of_another_repository_sign_nothing() {
    let (world, other) = (World::new(), World::new());
    let error =
        Writer::open(&world.repo, &other.keys, Lifetimes::default()).await.expect_err("refused");
    assert!(matches!(error, PublishError::Repository(_)));
    assert_eq!(error.to_failure().kind, ErrorKind::Untrusted);
}

#[tokio::test]
async fn without_the_online_key_nothing_is_released() {
    let world = World::new();
    for entry in fs::read_dir(&world.keys).expect("there") {
        let path = entry.expect("there").path();
        if path.to_string_lossy().contains("online-") {
            fs::remove_file(path).expect("removed");
        }
    }
    let error = world
        .writer()
        .await
        .publish(&request(&world, &[("a", "one")]), Mode::Commit, world.now)
        .expect_err("no key");
    assert!(matches!(error, PublishError::Keys(KeyError::Missing { .. })));
    assert!(list(&world.repo).await.expect("whole").is_empty());
}
