//! Going on where a delivery was broken off.

use std::sync::Arc;

use headstart_deliver::{DeliverError, Delivery, ProgressListener, Way};
use tokio_util::sync::CancellationToken;

use crate::world::{World, assert_files, carry_out, noise, version};

/// Carries a delivery out until some bytes have come.
async fn break_off(delivery: Delivery, after_bytes: u64) {
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    let progress: ProgressListener = Arc::new(move |moved| {
        if moved.done_bytes >= after_bytes {
            stopper.cancel();
        }
    });
    let broken = delivery.carry_out(progress, &stop).await;
    assert!(matches!(broken, Err(DeliverError::Cancelled)), "{broken:?}");
}

#[tokio::test]
async fn what_has_arrived_is_not_fetched_again_and_the_rest_costs_what_is_said() {
    let world = World::new().await;
    let files = [("f", noise(1, 24_000_000))].into();
    let pack = world.publish(&files, 0).await;
    let goal = world.goal("device", &pack, Vec::new());
    let stop = CancellationToken::new();
    let first = Delivery::prepare(world.access(), goal.clone(), &stop).await.expect("a way");
    let whole = *first.receipt();
    Box::pin(break_off(first, 6_000_000)).await;
    let access = world.access();
    let second = Delivery::prepare(access.clone(), goal, &stop).await.expect("a way");
    assert_eq!(second.receipt().bytes_total, whole.bytes_down);
    assert!(second.receipt().bytes_down <= whole.bytes_down - 6_000_000, "{:?}", second.receipt());
    let outcome = carry_out(&access, second).await.expect("delivered");
    outcome.assert_as_stated();
    assert_eq!(outcome.prepared.requests, 0, "the index is kept");
    assert_files(&world.path("device/1"), &files);
}

#[tokio::test]
async fn a_chain_that_was_broken_off_keeps_the_chunks_in_between() {
    let (world, packs) = World::with_versions(3, 1).await;
    let held = world.install("device", &packs[0]).await;
    let goal = world.goal("device", &packs[2], vec![held]);
    let stop = CancellationToken::new();
    let first = Delivery::prepare(world.access(), goal.clone(), &stop).await.expect("a way");
    assert!(matches!(first.receipt().way, Way::Chain { .. }));
    let whole = *first.receipt();
    Box::pin(break_off(first, 1)).await;
    let access = world.access();
    let second = Delivery::prepare(access.clone(), goal, &stop).await.expect("a way");
    assert!(second.receipt().bytes_down < whole.bytes_down, "{:?}", second.receipt());
    let outcome = carry_out(&access, second).await.expect("delivered");
    outcome.assert_as_stated();
    assert_files(&world.path("device/3"), &version(3));
}

#[tokio::test]
async fn what_has_arrived_of_a_version_serves_the_next_one() {
    let world = World::new().await;
    let mut files = [("f", noise(1, 12_000_000))].into();
    let first = world.publish(&files, 0).await;
    let goal = world.goal("device", &first, Vec::new());
    let stop = CancellationToken::new();
    let delivery = Delivery::prepare(world.access(), goal.clone(), &stop).await.expect("a way");
    Box::pin(break_off(delivery, 6_000_000)).await;
    files.insert("g", noise(2, 100_000));
    let second = world.publish(&files, 0).await;
    let mut newer = world.goal("device", &second, Vec::new());
    newer.leftovers = vec![goal.staging];
    let outcome = world.deliver(newer).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Mixed);
    assert!(outcome.receipt.bytes_down < second.full.bytes - 5_000_000, "{outcome:?}");
    assert_files(&world.path("device/2"), &files);
}
