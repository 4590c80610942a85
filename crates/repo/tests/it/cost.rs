//! What a check moves, and what a version tells of those before it.

use headstart_model::catalog::FormerVersions;
use headstart_repo::{Change, layout};

use crate::hostile::flip;
use crate::world::{Answer, World};

/// The names of versions: enough of them that a list of all would show.
const TEXTS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Publishes versions of one pack, each with deltas from three before it.
async fn publish(world: &World, texts: std::ops::Range<usize>) {
    for number in texts {
        let mut pack = world.pack("a", TEXTS[number]);
        for back in (1..=3).filter(|back| *back <= number) {
            let from = u64::try_from(number - back + 1).expect("small");
            let delta = world.pack_after("a", TEXTS[number], from, TEXTS[number - back]);
            pack.deltas.extend(delta.deltas);
        }
        world.publish(vec![pack]).await;
    }
}

#[tokio::test]
async fn a_check_moves_little_and_no_more_with_every_version() {
    let world = World::new();
    publish(&world, 0..4).await;
    let device = world.device("device");
    device.check().await.expect("trusted");
    let first = device.server.bytes();
    assert_eq!(device.server.asked().len(), 5, "next root, timestamp, snapshot, targets, catalog");
    publish(&world, 4..10).await;
    assert_eq!(device.check().await.expect("trusted").change, Change::Changed);
    let tenth = device.server.bytes();
    assert!(tenth < 3_600, "{tenth} bytes");
    assert!(tenth.abs_diff(first) < 40, "{first} bytes, then {tenth}: a few more digits");
    device.server.asked();
    assert_eq!(device.check().await.expect("trusted").change, Change::Unchanged);
    assert_eq!(device.server.asked(), [layout::TIMESTAMP]);
}

#[tokio::test]
async fn a_version_tells_of_those_before_it_in_a_file_of_its_own() {
    let world = World::new();
    publish(&world, 0..5).await;
    let catalog = world.device("device").check().await.expect("trusted").catalog;
    let pack = catalog.packs.first().expect("one");
    let bytes = std::fs::read(world.repo.join(pack.former_path().expect("four before")));
    let bytes = bytes.expect("published");
    let named = pack.former.as_ref().expect("four before");
    assert_eq!(headstart_model::Digest::of(&bytes), named.digest);
    let former = FormerVersions::from_json(&bytes).expect("own output").versions;
    let versions: Vec<_> =
        former.iter().map(|version| (version.version.0, version.deltas.len())).collect();
    assert_eq!(versions, [(4, 3), (3, 2), (2, 1), (1, 0)]);
    for version in &former {
        assert!(world.repo.join(version.index_path(&pack.id)).exists());
    }
}

#[tokio::test]
async fn what_a_cache_spoilt_is_asked_of_the_server_itself() {
    let world = World::new();
    publish(&world, 0..1).await;
    let device = world.device("device");
    device.check().await.expect("trusted");
    let old = std::fs::read(world.repo.join(layout::TIMESTAMP)).expect("there");
    publish(&world, 1..2).await;
    let catalog = world.newest(".targets.json");
    let whole = std::fs::read(&catalog).expect("there");
    flip(&catalog, 100);
    let spoilt = std::fs::read(&catalog).expect("there");
    std::fs::write(&catalog, whole).expect("writable");
    let path = catalog.strip_prefix(&world.repo).expect("in it").to_str().expect("UTF-8");
    device.server.lie(path, Answer::Bytes(spoilt));
    device.check().await.expect_err("it is the server that lies");
    device.server.let_cache_lie();
    assert_eq!(device.check().await.expect("the server is asked").change, Change::Changed);

    // A cache that keeps an old timestamp for too long is passed by too.
    publish(&world, 2..3).await;
    device.server.lie(layout::TIMESTAMP, Answer::Bytes(old));
    assert_eq!(device.check().await.expect("the server is asked").change, Change::Changed);
}

#[tokio::test]
async fn who_knows_that_there_is_news_is_not_told_by_a_cache_that_there_is_none() {
    let world = World::new();
    publish(&world, 0..1).await;
    let device = world.device("device");
    device.check().await.expect("trusted");
    let old = std::fs::read(world.repo.join(layout::TIMESTAMP)).expect("there");
    publish(&world, 1..2).await;
    device.server.lie(layout::TIMESTAMP, Answer::Bytes(old));
    device.server.let_cache_lie();
    assert_eq!(device.check().await.expect("trusted").change, Change::Unchanged);
    let fetch = std::sync::Arc::clone(&device.server) as std::sync::Arc<dyn headstart_repo::Fetch>;
    let (channel, now) = (headstart_model::ChannelName::production(), jiff::Timestamp::now());
    let checked = device.trust.check_past_caches(fetch, &channel, now).await.expect("trusted");
    assert_eq!(checked.change, Change::Changed);
}
