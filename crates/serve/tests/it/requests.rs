//! The log: one event per request.

use crate::world::{SIZE, Setup, World};
use headstart_serve::{Limits, Outcome};
use serde_json::Value;

#[tokio::test]
async fn each_request_leaves_one_event_that_says_what_happened() {
    let mut world = World::new().await;
    world.get("data", &[]).await.bytes().await.unwrap();
    world.get("data?x=1", &[("range", "bytes=0-9")]).await.bytes().await.unwrap();
    world.head("none%20at%20all", &[]).await;
    let first = world.event().await;
    assert_eq!((first.number, first.connection), (1, 1));
    assert_eq!((first.status, first.bytes_sent), (Some(200), SIZE as u64));
    assert_eq!((first.outcome, first.fault), (Outcome::Complete, None));
    let second = world.event().await;
    assert_eq!((second.path.as_str(), second.range.as_deref()), ("/data", Some("bytes=0-9")));
    assert_eq!((second.status, second.bytes_sent), (Some(206), 10));
    let third = world.event().await;
    assert_eq!((third.method.as_str(), third.path.as_str()), ("HEAD", "/none%20at%20all"));
    assert_eq!((third.status, third.bytes_sent), (Some(404), 0));
    let object: Value = serde_json::to_value(&third).unwrap();
    assert_eq!(object["event"], "request");
    assert_eq!(object["status"], 404);
    assert!(third.to_string().starts_with("404 HEAD /none%20at%20all 0 bytes "), "{third}");
}

#[tokio::test]
async fn serving_goes_on_when_nobody_reads_the_log() {
    let limits = Limits { unread_events: 3, ..Limits::default() };
    let mut world = World::with(Setup { limits, ..Setup::default() }).await;
    for _ in 0..10 {
        world.get("bundles/b1", &[]).await.bytes().await.unwrap();
    }
    let World { server, ref mut log, .. } = world;
    server.shutdown().await;
    let mut numbers = Vec::new();
    while let Some(event) = log.recv().await {
        numbers.push(event.number);
    }
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(log.lost(), 7);
}
