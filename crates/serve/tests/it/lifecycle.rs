//! How servers end.

use crate::world::{Setup, World, read_until_end, sparse_file};
use headstart_serve::{Limits, Outcome, Route, Server, ShutdownOutcome, Site, StartError};
use reqwest::header::HeaderValue;
use std::{sync::mpsc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn shutdown_closes_the_port_and_finishes_answers_under_way() {
    let world = World::new().await;
    let (entered, is_entered) = tokio::sync::oneshot::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new((Some(entered), is_released));
    let slow = Route::bytes(HeaderValue::from_static("text/plain"), move || {
        let mut gate = gate.lock().unwrap();
        gate.0.take().unwrap().send(()).unwrap();
        gate.1.recv().map_err(std::io::Error::other)?;
        Ok("finished".into())
    });
    world.routes.insert("/slow", slow).unwrap();
    let address = world.server.local_addr();
    let request = tokio::spawn(world.client.get(world.url("slow")).send());
    is_entered.await.unwrap();
    let shutdown = tokio::spawn(world.server.shutdown());
    // The port is closed although the answer is still under way.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!shutdown.is_finished());
    release.send(()).unwrap();
    let response = request.await.unwrap().unwrap();
    assert_eq!(response.text().await.unwrap(), "finished");
    assert_eq!(shutdown.await.unwrap(), ShutdownOutcome::Finished);
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_the_log() {
    let mut world = World::new().await;
    world.get("data", &[]).await.bytes().await.unwrap();
    let mut silent = world.connect().await;
    assert_eq!(world.event().await.outcome, Outcome::Complete);
    assert_eq!(world.server.shutdown().await, ShutdownOutcome::Finished);
    assert_eq!(world.log.recv().await, None);
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_that_does_not_read_is_cut_and_was_not_buffered_for() {
    let limits = Limits { shutdown_time: Duration::from_millis(20), ..Limits::default() };
    for http2 in [false, true] {
        let mut world = World::with(Setup { limits, ..Setup::default() }).await;
        let len = 256 << 20;
        sparse_file(&world.path("large"), len);
        let builder = reqwest::Client::builder().no_proxy();
        let client = if http2 { builder.http2_prior_knowledge() } else { builder.http1_only() };
        let response = client.build().unwrap().get(world.url("large")).send().await.unwrap();
        assert_eq!(world.server.shutdown().await, ShutdownOutcome::Cut);
        let event = world.log.recv().await.unwrap();
        assert_eq!(event.outcome, Outcome::Aborted);
        // The kernel's socket buffers may hold some megabytes, the server only pieces.
        assert!(event.bytes_sent < len / 4, "{} bytes were taken", event.bytes_sent);
        let (_, whole) = read_until_end(response).await;
        assert!(!whole);
    }
}

#[tokio::test]
async fn dropping_a_server_ends_its_connections_without_waiting() {
    let world = World::new().await;
    let mut stream = world.connect().await;
    stream.write_all(b"GET /bundles/b1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let address = world.server.local_addr();
    drop(world.server);
    let mut rest = Vec::new();
    // Ends, by a close or a reset.
    let _ = stream.read_to_end(&mut rest).await;
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn address_that_is_taken_is_named_in_the_error() {
    let world = World::new().await;
    let taken = world.server.local_addr();
    let error = Server::new(Site::new()).listen(taken).start().await.unwrap_err();
    assert!(matches!(error, StartError::Listen { address, .. } if address == taken));
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
}
