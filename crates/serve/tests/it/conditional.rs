//! RFC 9110, 13: conditional requests, and what caches are told.

use crate::world::{SIZE, World, text};
use reqwest::StatusCode;

async fn tag(world: &World, path: &str) -> String {
    text(world.get(path, &[]).await.headers(), "etag").unwrap().to_owned()
}

#[tokio::test]
async fn client_that_has_the_file_is_told_so_without_a_body() {
    let world = World::new().await;
    let first = world.get("data", &[]).await;
    let etag = text(first.headers(), "etag").unwrap();
    let modified = text(first.headers(), "last-modified").unwrap();
    for condition in [("if-none-match", etag), ("if-modified-since", modified)] {
        let again = world.get("data", &[condition]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{condition:?}");
        assert_eq!(text(again.headers(), "etag"), Some(etag));
        assert!(again.bytes().await.unwrap().is_empty());
    }
    let other = world.get("data", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn replaced_file_has_another_tag() {
    let world = World::new().await;
    let before = tag(&world, "data").await;
    assert!(before.starts_with('"'), "the tag is strong: {before}");
    assert_eq!(tag(&world, "data").await, before);
    std::fs::write(world.path("new"), vec![0; SIZE]).unwrap();
    std::fs::rename(world.path("new"), world.path("data")).unwrap();
    assert_ne!(tag(&world, "data").await, before);
}

#[tokio::test]
async fn if_range_gives_the_rest_only_of_the_same_file() {
    let world = World::new().await;
    let etag = tag(&world, "data").await;
    let resume = |condition: String| {
        let world = &world;
        async move {
            let headers = [("range", "bytes=1000-"), ("if-range", condition.as_str())];
            world.get("data", &headers).await.status()
        }
    };
    assert_eq!(resume(etag.clone()).await, StatusCode::PARTIAL_CONTENT);
    assert_eq!(resume(format!("W/{etag}")).await, StatusCode::OK);
    assert_eq!(resume("Tue, 15 Nov 1994 08:12:31 GMT".to_owned()).await, StatusCode::OK);
    std::fs::write(world.path("new"), "new").unwrap();
    std::fs::rename(world.path("new"), world.path("data")).unwrap();
    assert_eq!(resume(etag).await, StatusCode::OK);
}

#[tokio::test]
async fn if_match_refuses_what_has_changed() {
    let world = World::new().await;
    let stale = [("if-match", "\"stale\""), ("range", "bytes=0-1")];
    assert_eq!(world.get("data", &stale).await.status(), StatusCode::PRECONDITION_FAILED);
    let etag = tag(&world, "data").await;
    let fresh = [("if-match", etag.as_str()), ("range", "bytes=0-1")];
    assert_eq!(world.get("data", &fresh).await.status(), StatusCode::PARTIAL_CONTENT);
}

#[tokio::test]
async fn only_files_named_by_content_may_be_kept_for_ever() {
    let world = World::new().await;
    let bundle = world.get("bundles/b1", &[]).await;
    assert_eq!(
        text(bundle.headers(), "cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let other = world.get("data", &[]).await;
    assert_eq!(text(other.headers(), "cache-control"), Some("no-cache"));
    let missing = world.get("bundles/none", &[]).await;
    assert_eq!(text(missing.headers(), "cache-control"), Some("no-store"));
}
