//! Cloning while the author frees what the release needed that the clone had read of.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::world::{World, assert_same_tree, noise};

/// A cache before the server at `origin` that keeps an old timestamp. Who asks with `no-cache` is let through. Gives its URL.
fn stale_cache(origin: &str, timestamp: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let origin: Arc<str> = origin.trim_start_matches("http://").trim_end_matches('/').into();
    let timestamp: Arc<[u8]> = timestamp.into();
    std::thread::spawn(move || {
        // Ends with the test.
        for client in listener.incoming().flatten() {
            let (origin, timestamp) = (Arc::clone(&origin), Arc::clone(&timestamp));
            std::thread::spawn(move || answer(client, &origin, &timestamp));
        }
    });
    url
}

fn answer(mut client: TcpStream, origin: &str, timestamp: &[u8]) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.extend_from_slice(&byte);
    }
    let text = String::from_utf8(head).ok()?.to_lowercase();
    if text.starts_with("get /metadata/timestamp.json ") && !text.contains("no-cache") {
        let length = timestamp.len();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        client.write_all(head.as_bytes()).ok()?;
        return client.write_all(timestamp).ok();
    }
    let (method_and_path, rest) = text.split_once("\r\n")?;
    // Paths of the repository are in lower case here, but for the name of the pack.
    let line = method_and_path.replace("get ", "GET ").replace(" http/1.1", " HTTP/1.1");
    let line = line.replace("/level1/", "/Level1/");
    let mut server = TcpStream::connect(origin).ok()?;
    write!(server, "{line}\r\nconnection: close\r\n{rest}").ok()?;
    std::io::copy(&mut server, &mut client).ok().map(drop)
}

fn bundles(world: &World) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(world.path("repo/bundles")).expect("there");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn free(bundles: &[PathBuf]) {
    for bundle in bundles {
        std::fs::remove_file(bundle).expect("there");
    }
}

fn publish(world: &World, name: &str) {
    let archive = world.pack(name);
    let archive = archive.to_str().expect("UTF-8");
    world.run(&["repo", "publish", "repo", archive, "--deltas", "0"]).succeeds();
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("there")
}

#[test]
fn a_clone_whose_release_is_freed_under_its_feet_brings_the_newest() {
    let world = World::with_repository();
    let old = bundles(&world);
    let server = world.serve(&["repo"]);
    let stale = stale_cache(&server.url, read(&world.path("repo/metadata/timestamp.json")));
    world.write("src/textures/grass.bin", noise(7, 300_000));
    publish(&world, "v2");
    free(&old);
    let done = world.json(&["clone", &stale, "Level1", "dest"]).succeeds().last();
    assert_eq!(done["version"], 2, "{done}");
    assert_same_tree(&world.path("src"), &world.path("dest"));
    server.stop();
}

#[test]
fn a_release_that_is_broken_and_the_newest_is_told_so() {
    let world = World::with_repository();
    let server = world.serve(&["repo"]);
    free(&bundles(&world));
    let ran = world.json(&["clone", &server.url, "Level1", "dest"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.last()["error"]["kind"], "notFound");
    server.stop();
}
