//! Routes that come, change and go while the server runs.

use crate::world::{World, text};
use headstart_serve::Route;
use reqwest::{StatusCode, header::HeaderValue};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

#[tokio::test]
async fn manifest_that_changes_changes_its_tag() {
    let world = World::new().await;
    let version = Arc::new(AtomicU64::new(1));
    let shown = Arc::clone(&version);
    let manifest = Route::bytes(HeaderValue::from_static("application/json"), move || {
        Ok(format!("{{\"version\":{}}}", shown.load(Ordering::Relaxed)).into())
    });
    world.routes.insert("/manifest", manifest).unwrap();
    let first = world.get("manifest?platform=linux", &[]).await;
    assert_eq!(text(first.headers(), "content-type"), Some("application/json"));
    let etag = text(first.headers(), "etag").unwrap().to_owned();
    assert_eq!(first.text().await.unwrap(), "{\"version\":1}");
    let unchanged = world.get("manifest", &[("if-none-match", &etag)]).await;
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    version.store(2, Ordering::Relaxed);
    let changed = world.get("manifest", &[("if-none-match", &etag)]).await;
    assert_eq!(changed.text().await.unwrap(), "{\"version\":2}");
    let part = world.get("manifest", &[("range", "bytes=2-8")]).await;
    assert_eq!(part.text().await.unwrap(), "version");
}

#[tokio::test]
async fn archive_is_served_under_its_pack_and_can_be_taken_away() {
    let world = World::new().await;
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), "archive bytes").unwrap();
    world.routes.insert("/assets/terrain", Route::file(outside.path())).unwrap();
    let part = world.get("assets/terrain", &[("range", "bytes=8-")]).await;
    assert_eq!(text(part.headers(), "content-range"), Some("bytes 8-12/13"));
    assert_eq!(part.text().await.unwrap(), "bytes");
    assert!(world.routes.remove("/assets/terrain"));
    assert_eq!(world.get("assets/terrain", &[]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn route_that_fails_answers_500_and_the_server_goes_on() {
    let world = World::new().await;
    let broken = Route::bytes(HeaderValue::from_static("text/plain"), || {
        Err(std::io::Error::other("out of order"))
    });
    world.routes.insert("/broken", broken).unwrap();
    world.routes.insert("/missing", Route::file(world.path("nowhere"))).unwrap();
    let response = world.get("broken", &[]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!response.text().await.unwrap().contains("out of order"));
    assert_eq!(world.get("data", &[]).await.status(), StatusCode::OK);
    assert_eq!(world.get("missing", &[]).await.status(), StatusCode::NOT_FOUND);
}
