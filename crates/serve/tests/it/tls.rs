//! TLS by an own authority and from files.

use crate::world::{Setup, World, data, plain_client, read_until_end};
use headstart_serve::{Authority, Fault, FaultKind, Script, Server, Site, StartError, Tls};
use reqwest::{Certificate, Client, Version};
use std::path::Path;

fn trusting(authority: &Path) -> reqwest::ClientBuilder {
    let certificate = Certificate::from_pem(&std::fs::read(authority).unwrap()).unwrap();
    Client::builder().no_proxy().tls_certs_only([certificate])
}

async fn world_with_authority(folder: &Path) -> World {
    let tls = Tls::Auto { folder: folder.to_owned(), names: vec!["assets.example".to_owned()] };
    World::with(Setup { tls, ..Setup::default() }).await
}

#[tokio::test]
async fn client_that_trusts_the_authority_speaks_http2() {
    let home = tempfile::tempdir().unwrap();
    let world = world_with_authority(home.path()).await;
    assert_eq!(world.server.url().scheme(), "https");
    let authority = world.server.authority().unwrap();
    assert_eq!(authority, home.path().join("ca.pem"));
    let client = trusting(authority).build().unwrap();
    let response = client.get(world.url("data")).send().await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert!(response.bytes().await.unwrap() == data());
    let old = trusting(authority).http1_only().build().unwrap();
    let response = old.get(world.url("data")).send().await.unwrap();
    assert_eq!(response.version(), Version::HTTP_11);
}

#[tokio::test]
async fn leaf_is_good_for_localhost_and_the_names_given() {
    let home = tempfile::tempdir().unwrap();
    let world = world_with_authority(home.path()).await;
    let address = world.server.local_addr();
    let client = trusting(world.server.authority().unwrap())
        .resolve("localhost", address)
        .resolve("assets.example", address)
        .resolve("other.example", address)
        .build()
        .unwrap();
    let get = |host: &str| client.get(format!("https://{host}:{}/data", address.port())).send();
    assert!(get("localhost").await.is_ok());
    assert!(get("assets.example").await.is_ok());
    assert!(get("other.example").await.unwrap_err().is_connect());
}

#[tokio::test]
async fn client_that_does_not_trust_the_authority_gets_nothing() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut world = world_with_authority(home.path()).await;
    let stranger = Authority::in_folder(other.path()).unwrap();
    let client = trusting(stranger.certificate_path()).build().unwrap();
    assert!(client.get(world.url("data")).send().await.unwrap_err().is_connect());
    let client = trusting(world.server.authority().unwrap()).build().unwrap();
    assert!(client.get(world.url("data")).send().await.is_ok());
    assert_eq!(world.event().await.number, 1, "the refused client never asked");
}

#[tokio::test]
async fn second_server_of_a_home_is_trusted_by_the_first_ones_clients() {
    let home = tempfile::tempdir().unwrap();
    let first = world_with_authority(home.path()).await;
    let client = trusting(first.server.authority().unwrap()).build().unwrap();
    first.server.shutdown().await;
    let second = world_with_authority(home.path()).await;
    assert!(client.get(second.url("data")).send().await.is_ok());
}

#[tokio::test]
async fn cut_through_tls_delivers_exactly_the_bytes_before_it() {
    let home = tempfile::tempdir().unwrap();
    let world = world_with_authority(home.path()).await;
    let cut = Fault::after_bytes(FaultKind::Cut, 150_000);
    world.faults.set_script(Script::of_requests([(1, cut)]));
    let client = trusting(world.server.authority().unwrap()).http1_only().build().unwrap();
    let response = client.get(world.url("data")).send().await.unwrap();
    let (bytes, whole) = read_until_end(response).await;
    assert!(!whole);
    assert!(bytes == data()[..150_000], "{} bytes", bytes.len());
}

#[tokio::test]
async fn certificate_from_files_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = Tls::Pem { certificate: certificate.clone(), key };
    let world = World::with(Setup { tls, ..Setup::default() }).await;
    assert_eq!(world.server.authority(), None);
    let client = trusting(&certificate).build().unwrap();
    assert!(client.get(world.url("data")).send().await.is_ok());
    // Plain HTTP on a TLS port is refused, and the server goes on.
    assert!(
        plain_client()
            .build()
            .unwrap()
            .get(format!("http://{}/", world.server.local_addr()))
            .send()
            .await
            .is_err()
    );
    assert!(client.get(world.url("data")).send().await.is_ok());
}

#[tokio::test]
async fn server_with_unusable_tls_does_not_start() {
    let tls = Tls::Pem { certificate: "/nonexistent/a".into(), key: "/nonexistent/b".into() };
    let error = Server::new(Site::new()).tls(tls).start().await.unwrap_err();
    assert!(matches!(error, StartError::Tls(_)), "{error}");
}
