//! What paths cannot reach, sent as raw bytes because clients tidy paths up.

use crate::world::World;
use reqwest::StatusCode;

async fn status(world: &World, target: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = world.raw(request.as_bytes()).await;
    assert!(!answer.contains("TOP SECRET"), "{target}");
    answer.get(9..12).unwrap_or_default().to_owned()
}

/// A world with a secret beside its folder.
async fn world_with_secret() -> (World, tempfile::NamedTempFile) {
    let world = World::new().await;
    let secret = tempfile::NamedTempFile::new_in(world.folder.path().parent().unwrap()).unwrap();
    std::fs::write(secret.path(), "TOP SECRET").unwrap();
    (world, secret)
}

#[tokio::test]
async fn climbing_out_of_the_folder_is_refused_in_every_spelling() {
    let (world, secret) = world_with_secret().await;
    let name = secret.path().file_name().unwrap().to_str().unwrap();
    for up in ["..", "%2e%2e", ".%2E", "%2E.", "bundles/../..", "bundles/%2e%2e/.."] {
        assert_eq!(status(&world, &format!("/{up}/{name}")).await, "400", "{up}");
    }
    for up in ["..%2f", "..%5c", "%2e%2e%2f", "..%00/", "%00", "x%0a"] {
        assert_eq!(status(&world, &format!("/{up}{name}")).await, "400", "{up}");
    }
    // Decoded once only: this is a strange name, not a way up.
    assert_eq!(status(&world, &format!("/%252e%252e/{name}")).await, "404");
    assert_eq!(status(&world, &format!("/..%c0%af{name}")).await, "400");
    assert_eq!(status(&world, "//etc/passwd").await, "404");
    assert_eq!(status(&world, secret.path().to_str().unwrap()).await, "404");
}

#[cfg(unix)]
#[tokio::test]
async fn links_out_of_the_folder_are_not_followed() {
    use std::os::unix::fs::symlink;
    let (world, secret) = world_with_secret().await;
    symlink(secret.path(), world.path("absolute")).unwrap();
    let name = secret.path().file_name().unwrap();
    symlink(std::path::Path::new("..").join(name), world.path("relative")).unwrap();
    symlink("..", world.path("up")).unwrap();
    symlink("data", world.path("within")).unwrap();
    assert_eq!(status(&world, "/absolute").await, "404");
    assert_eq!(status(&world, "/relative").await, "404");
    assert_eq!(status(&world, &format!("/up/{}", name.to_str().unwrap())).await, "404");
    assert_eq!(status(&world, "/within").await, "200");
}

#[tokio::test]
async fn hidden_files_and_folders_look_like_missing_ones() {
    let world = World::new().await;
    std::fs::write(world.path(".secret"), "TOP SECRET").unwrap();
    std::fs::create_dir(world.path(".git")).unwrap();
    std::fs::write(world.path(".git/config"), "TOP SECRET").unwrap();
    for path in
        ["/", "/bundles", "/bundles/", "/none", "/data/", "/.secret", "/.git/config", "/%2esecret"]
    {
        assert_eq!(status(&world, path).await, "404", "{path}");
    }
}

#[tokio::test]
async fn queries_and_absolute_forms_name_the_same_file() {
    let world = World::new().await;
    assert_eq!(status(&world, "/data?platform=linux").await, "200");
    assert_eq!(status(&world, "http://elsewhere.example/data").await, "200");
    assert_eq!(status(&world, "/dat%61").await, "200");
}

#[tokio::test]
async fn other_methods_than_get_and_head_are_not_allowed() {
    let world = World::new().await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
        let method: reqwest::Method = method.parse().unwrap();
        let response =
            world.client.request(method.clone(), world.url("data")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(response.headers()["allow"], "GET, HEAD");
    }
}
