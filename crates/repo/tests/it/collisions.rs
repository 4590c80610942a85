//! Paths that several packs of a channel have are told before they are published.

use headstart_model::{ChannelName, PackId, Platform};
use headstart_repo::author::{Collision, PreparedPack};

use crate::world::World;

/// Every pack of this world has one file, `data.bin`.
fn told(found: &[Collision]) -> Vec<(&str, Vec<&str>)> {
    let mut told = Vec::new();
    for Collision { path, packs } in found {
        told.push((path.as_str(), packs.iter().map(PackId::as_str).collect()));
    }
    told
}

fn in_language(pack: PreparedPack, tag: &str) -> PreparedPack {
    PreparedPack { language: Some(tag.parse().expect("a tag")), ..pack }
}

#[tokio::test]
async fn a_path_of_a_new_pack_that_another_has_is_named_with_both() {
    let world = World::new();
    world.publish(vec![world.pack("b", "one")]).await;
    let reader = world.reader().await;
    let production = ChannelName::production();
    let packs = [world.pack("c", "two"), world.pack("a", "three")];
    let found = reader.collisions(&production, &packs);
    assert_eq!(told(&found), [("data.bin", vec!["a", "b", "c"])], "the first one is read");
    // A new version takes the place of the one before; it does not collide with it.
    assert!(reader.collisions(&production, &[world.pack("b", "new")]).is_empty());
    // Another channel has other packs.
    let beta = ChannelName::new("beta").expect("a name");
    assert!(reader.collisions(&beta, &[world.pack("a", "three")]).is_empty());
}

#[tokio::test]
async fn languages_and_platforms_that_never_meet_do_not_collide() {
    let world = World::new();
    world.publish(vec![in_language(world.pack("a", "one"), "en")]).await;
    let reader = world.reader().await;
    let found = |pack| reader.collisions(&ChannelName::production(), &[pack]).len();
    assert_eq!(found(in_language(world.pack("b", "two"), "ja")), 0);
    assert_eq!(found(in_language(world.pack("b", "two"), "en-US")), 1, "the same language");
    assert_eq!(found(world.pack("b", "two")), 1, "one without a language is read beside each");
    let of = |id, platform| PreparedPack { platforms: vec![platform], ..world.pack(id, "two") };
    let both = [of("x", Platform::Linux), of("y", Platform::Windows)];
    let found = reader.collisions(&ChannelName::new("beta").expect("a name"), &both);
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn only_paths_of_what_is_published_are_told_with_every_pack_that_has_them() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one"), world.pack("b", "two")]).await;
    let reader = world.reader().await;
    let other = in_language(world.pack("c", "three"), "ja");
    let found = reader.collisions(&ChannelName::production(), &[other]);
    assert_eq!(told(&found), [("data.bin", vec!["a", "b", "c"])]);
    assert!(reader.collisions(&ChannelName::production(), &[]).is_empty());
}

#[tokio::test]
async fn a_pack_whose_index_is_lost_stops_nothing() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one"), world.pack("b", "two")]).await;
    std::fs::remove_dir_all(world.repo.join("indexes/a")).expect("there");
    let reader = world.reader().await;
    let found = reader.collisions(&ChannelName::production(), &[world.pack("c", "three")]);
    assert_eq!(told(&found), [("data.bin", vec!["b", "c"])]);
}
