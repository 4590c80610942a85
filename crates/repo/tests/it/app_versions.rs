//! Packs for some versions of the app: what is published, kept and freed.

use headstart_model::app_bundle::AppVersion;
use headstart_model::catalog::{Catalog, bundle_path};
use headstart_model::{ChannelName, PackVersion};
use headstart_repo::author::{Mode, Outcome, Preparation, PreparedPack, verify};
use jiff::SignedDuration;

use crate::world::{World, days};

fn pack(world: &World, text: &str, range: Option<&str>) -> PreparedPack {
    let app_versions = range.map(|range| range.parse().expect("a range"));
    PreparedPack { app_versions, ..world.pack("a", text) }
}

async fn catalog(world: &World) -> Catalog {
    world.device("device").check().await.expect("trusted").catalog
}

fn chosen(catalog: &Catalog, app: &str) -> Option<u64> {
    let app = AppVersion::new(app).expect("a version");
    catalog.packs.first().expect("a pack").choose(&app).map(|pack| pack.version.0)
}

#[tokio::test]
async fn older_builds_are_offered_the_newest_version_that_is_for_them() {
    let world = World::new();
    world.publish(vec![pack(&world, "one", None)]).await;
    assert_eq!(catalog(&world).await.format, 1);
    world.publish(vec![pack(&world, "two", Some(">=2"))]).await;
    world.publish(vec![pack(&world, "three", Some(">=2"))]).await;
    let told = catalog(&world).await;
    assert_eq!(told.format, 2);
    assert_eq!((chosen(&told, "1.9"), chosen(&told, "2.0")), (Some(1), Some(3)));
    assert_eq!(told.packs[0].fallbacks.len(), 1, "version 2 is for nobody any more");
    // A correction for the old builds alone.
    world.publish(vec![pack(&world, "four", Some("<2"))]).await;
    let told = catalog(&world).await;
    assert_eq!((chosen(&told, "1.9"), chosen(&told, "2.0")), (Some(4), Some(3)));
    // One for all is all that is left.
    world.publish(vec![pack(&world, "five", None)]).await;
    let told = catalog(&world).await;
    assert_eq!((told.format, told.packs[0].fallbacks.len()), (1, 0));
}

#[tokio::test]
async fn the_same_content_for_other_versions_of_the_app_is_another_version() {
    let world = World::new();
    world.publish(vec![pack(&world, "one", Some(">=1"))]).await;
    let same = world.publish(vec![pack(&world, "one", Some(">=1"))]).await;
    assert_eq!(same.committed.outcome, Outcome::Unchanged);
    let wider = world.publish(vec![pack(&world, "one", None)]).await;
    assert_eq!(wider.packs[0].version, PackVersion(2));
}

#[tokio::test]
async fn fallbacks_are_each_channels_own_and_go_with_what_is_promoted_and_rolled_back() {
    let world = World::new();
    let beta = ChannelName::new("beta").expect("a name");
    world.publish(vec![pack(&world, "one", None)]).await;
    world.publish(vec![pack(&world, "two", Some(">=2"))]).await;
    let mut writer = world.writer().await;
    writer.promote(&ChannelName::production(), &beta, world.now).expect("promoted");
    let request = headstart_repo::author::ReleaseRequest {
        channel: beta.clone(),
        rollout_percent: 100,
        packs: vec![pack(&world, "three", Some(">=3"))],
    };
    writer.publish(&request, Mode::Commit, world.now).expect("published");
    drop(writer);
    let of_beta = world.device("other").check_channel(&beta, jiff::Timestamp::now()).await;
    let of_beta = of_beta.expect("trusted").catalog;
    assert_eq!(
        ["1", "2", "3"].map(|app| chosen(&of_beta, app)),
        [Some(1), Some(2), Some(3)],
        "two fallbacks"
    );
    let production = catalog(&world).await;
    assert_eq!(["1", "2", "3"].map(|app| chosen(&production, app)), [Some(1), Some(2), Some(2)]);
    let mut writer = world.writer().await;
    writer.rollback(&beta, None, world.now).expect("rolled back");
    drop(writer);
    let of_beta = world.device("third").check_channel(&beta, jiff::Timestamp::now()).await;
    let of_beta = of_beta.expect("trusted").catalog;
    assert_eq!(["1", "3"].map(|app| chosen(&of_beta, app)), [Some(1), Some(2)]);
}

#[tokio::test]
async fn files_of_fallbacks_are_never_freed_while_they_are_offered() {
    let world = World::new();
    world.publish(vec![pack(&world, "one", None)]).await;
    world.publish(vec![pack(&world, "two", Some(">=2"))]).await;
    let mut writer = world.writer().await;
    let later = world.now + days(365);
    writer.gc(SignedDuration::ZERO, later).expect("freed");
    assert!(world.repo.join(world.bundle("one")).exists(), "old builds fetch it");
    // It is still a version: the next one is numbered after it, and may be a delta from it.
    let known = writer.reader().versions(&world.pack("a", "one").id, 9).expect("readable");
    assert_eq!(known.iter().map(|pack| pack.version.0).collect::<Vec<_>>(), [2, 1]);
    drop(writer);
    assert!(verify(&world.repo, None, world.now).await.expect("readable").damaged.is_empty());
    std::fs::remove_file(world.repo.join(bundle_path(&world.pack("a", "one").full.named.digest)))
        .expect("there");
    assert!(
        !verify(&world.repo, None, world.now).await.expect("readable").damaged.is_empty(),
        "it is missed"
    );
}

#[tokio::test]
async fn the_range_of_a_publication_goes_before_that_of_the_manifest() {
    let world = World::new();
    let archive = world.archive("a", "one");
    let how = |range: Option<&str>| Preparation {
        staging: world.path("prepared"),
        deltas: 0,
        level: headstart_pack::Level::Fast,
        app_versions: range.map(|range| range.parse().expect("a range")),
    };
    std::fs::create_dir_all(world.path("prepared")).expect("a folder");
    let mut writer = world.writer().await;
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    let plain = writer.reader().prepare(&archive, &how(None), go_on).expect("prepared");
    assert_eq!(plain.app_versions, None);
    let ranged = writer.reader().prepare(&archive, &how(Some(">=2")), go_on).expect("prepared");
    assert_eq!(ranged.app_versions, Some(">=2".parse().expect("a range")));
}
