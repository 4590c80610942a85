//! Files that the author freed, or that are not what was signed.

use headstart_deliver::{Delivery, Way};
use headstart_model::catalog::bundle_path;
use tokio_util::sync::CancellationToken;

use crate::world::{World, assert_files, carry_out, silent, version};

#[tokio::test]
async fn a_delta_that_is_gone_gives_way_to_the_full_bundle() {
    let (world, packs) = World::with_versions(2, 3).await;
    let held = world.install("device", &packs[0]).await;
    let delta = world.repo(&bundle_path(&packs[1].deltas[0].digest));
    std::fs::remove_file(delta).expect("there");
    let outcome = world.deliver(world.goal("device", &packs[1], vec![held])).await;
    assert_eq!(outcome.receipt.way, Way::Mixed);
    assert!(outcome.receipt.bytes_reused > 3_000_000, "{outcome:?}");
    assert_files(&world.path("device/2"), &version(2));
}

#[tokio::test]
async fn a_delta_that_goes_in_the_middle_gives_way_too() {
    let (world, packs) = World::with_versions(2, 3).await;
    let held = world.install("device", &packs[0]).await;
    let goal = world.goal("device", &packs[1], vec![held]);
    let access = world.access();
    let prepared = Delivery::prepare(access.clone(), goal, &CancellationToken::new()).await;
    let delta = world.repo(&bundle_path(&packs[1].deltas[0].digest));
    std::fs::remove_file(delta).expect("there");
    let outcome = carry_out(&access, prepared.expect("a way")).await.expect("another way");
    assert_eq!(outcome.delivered.way, Way::Mixed);
    assert_files(&world.path("device/2"), &version(2));
}

#[tokio::test]
async fn a_link_of_a_chain_that_is_gone_gives_way_to_the_full_bundle() {
    let (world, packs) = World::with_versions(3, 1).await;
    let held = world.install("device", &packs[0]).await;
    let link = world.repo(&bundle_path(&packs[1].deltas[0].digest));
    std::fs::remove_file(link).expect("there");
    let outcome = world.deliver(world.goal("device", &packs[2], vec![held])).await;
    assert_eq!(outcome.receipt.way, Way::Mixed);
    assert_files(&world.path("device/3"), &version(3));
}

#[tokio::test]
async fn a_release_without_its_bundle_is_told_from_a_bad_network() {
    let (world, packs) = World::with_versions(1, 0).await;
    let bundle = world.repo(&bundle_path(&packs[0].full.digest));
    let goal = world.goal("device", &packs[0], Vec::new());
    let stop = CancellationToken::new();
    let prepared = Delivery::prepare(world.access(), goal.clone(), &stop).await.expect("a way");
    std::fs::remove_file(bundle).expect("there");
    let error = prepared.carry_out(silent(), &stop).await.expect_err("gone");
    assert!(error.is_missing(), "{error:?}");
    std::fs::remove_file(world.repo(&packs[0].index_path())).expect("there");
    std::fs::remove_dir_all(&goal.staging).expect("there");
    let error = Delivery::prepare(world.access(), goal, &stop).await.expect_err("gone");
    assert!(error.is_missing(), "{error:?}");
}
