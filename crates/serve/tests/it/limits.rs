//! What clients cannot make the server hold.

use crate::world::{Setup, World};
use headstart_serve::Limits;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const GET: &[u8] = b"GET /bundles/b1 HTTP/1.1\r\nHost: x\r\n\r\n";

async fn world_with(limits: Limits) -> World {
    World::with(Setup { limits, ..Setup::default() }).await
}

/// Reads one answer to GET.
async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nbundle") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn heads_beyond_the_limit_are_refused() {
    let world = world_with(Limits { head_bytes: 8192, ..Limits::default() }).await;
    let request = format!("GET /data HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(9_000));
    let answer = world.raw(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let target = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(9_000));
    let answer = world.raw(target.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(world.get("data", &[]).await.status().is_success());
}

#[tokio::test]
async fn clients_that_send_no_request_in_time_are_cut() {
    let limits = Limits { head_time: Duration::from_millis(30), ..Limits::default() };
    let world = world_with(limits).await;
    for opening in [&b""[..], b"G", b"GET /data HTTP/1.1\r\nHost:", b"PRI * HTTP/2.0\r\n"] {
        let mut stream = world.connect().await;
        stream.write_all(opening).await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{opening:?}");
    }
}

#[tokio::test]
async fn idle_connection_is_closed_after_its_time() {
    let limits = Limits { head_time: Duration::from_millis(30), ..Limits::default() };
    let world = world_with(limits).await;
    let mut stream = world.connect().await;
    stream.write_all(GET).await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let world = world_with(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = world.connect().await;
    first.write_all(GET).await.unwrap();
    answer(&mut first).await;
    let mut second = world.connect().await;
    second.write_all(GET).await.unwrap();
    for _ in 0..10 {
        first.write_all(GET).await.unwrap();
        answer(&mut first).await;
    }
    let error = second.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    drop(first);
    assert!(answer(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn requests_without_sense_are_refused_and_the_server_goes_on() {
    let world = World::new().await;
    for junk in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"\r\n\r\n\r\n\0\0\0\0",
        b"GET\r\n\r\n",
        b"GET /data HTTP/9.9\r\n\r\n",
    ] {
        let mut stream = world.connect().await;
        stream.write_all(junk).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{junk:?}");
    }
    assert!(world.get("data", &[]).await.status().is_success());
}
