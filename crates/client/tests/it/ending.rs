//! Services that end, break off or talk nonsense, and callers that give up.

use std::sync::mpsc;
use std::time::Duration;

use futures_lite::future::{block_on, poll_once};
use headstart::ErrorKind;
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{CheckForUpdates, Status as AskStatus, Updates};

use crate::fake_service::{Device, FakeService, Then};
use crate::samples::state;
use headstart::Status;

#[test]
fn a_service_that_dies_during_a_call_is_unavailable() {
    let device = Device::new();
    let _service = FakeService::start(&device, |_, _| Then::HangUp);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let error = packs.check_for_updates().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "serviceGone"));
    assert!(error.is_retryable());
}

#[test]
fn a_reply_that_breaks_off_is_unavailable() {
    let device = Device::new();
    let _service = FakeService::start(&device, |_, peer| {
        peer.send(br#"{"parameters":{"upda"#);
        Then::HangUp
    });
    let packs = device.connector().asset_packs_blocking().unwrap();
    let error = packs.check_for_updates().unwrap_err();
    assert_eq!(error.code(), "serviceGone");
    assert!(error.to_string().contains("inside a message"), "{error}");
}

#[test]
fn nonsense_ends_in_an_error_and_the_next_call_in_a_new_connection() {
    let device = Device::new();
    let nonsense: [&[u8]; 4] = [
        b"hello\0",
        b"{\"parameters\":{\"updating\":7,\"removed\":[]}}\0",
        b"{\"error\":\"org.example.Odd\"}\0",
        b"{\"continues\":true,\"parameters\":{\"updating\":[],\"removed\":[]}}\0",
    ];
    let next = std::sync::atomic::AtomicUsize::new(0);
    let service = FakeService::start(&device, move |_, peer| {
        match nonsense.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst)) {
            Some(bytes) => peer.send(bytes),
            None => peer.reply::<CheckForUpdates>(&Updates::default()),
        }
        Then::KeepOpen
    });
    let packs = device.connector().asset_packs_blocking().unwrap();
    for count in 1..=4 {
        let error = packs.check_for_updates().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Internal, "protocolViolated"));
        assert_eq!(service.connections(), count);
    }
    packs.check_for_updates().unwrap();
}

#[test]
fn an_older_service_is_told_apart_from_a_failure() {
    let device = Device::new();
    let _service = FakeService::start(&device, |_, peer| {
        let method = r#"{"method":"io.headstart.Packs.CheckForUpdates"}"#;
        let name = "org.varlink.service.MethodNotFound";
        peer.send(format!("{{\"error\":\"{name}\",\"parameters\":{method}}}\0").as_bytes());
        Then::KeepOpen
    });
    let packs = device.connector().asset_packs_blocking().unwrap();
    let error = packs.check_for_updates().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "methodNotFound"));
    assert!(error.hint().unwrap().contains("older"));
}

#[test]
fn a_dropped_future_ends_its_call() {
    let device = Device::new();
    let (began, has_begun) = mpsc::channel();
    let (ended, has_ended) = mpsc::channel();
    let _service = FakeService::start(&device, move |call, peer| {
        match call {
            Call::Ensure(_) => {
                began.send(()).unwrap();
                peer.wait_for_end();
                ended.send(()).unwrap();
                return Then::HangUp;
            }
            _ => peer.reply::<AskStatus>(&state("a", Status::DOWNLOAD_AVAILABLE)),
        }
        Then::KeepOpen
    });
    block_on(async {
        let packs = device.connector().asset_packs().await.unwrap();
        let a = packs.asset_pack("a").await.unwrap();
        let mut ensure = Box::pin(packs.ensure_local_availability(&a));
        assert!(poll_once(&mut ensure).await.is_none());
        has_begun.recv_timeout(Duration::from_secs(20)).expect("the call has reached the service");
        drop(ensure);
        has_ended.recv_timeout(Duration::from_secs(20)).expect("the connection was closed");
        assert_eq!(packs.asset_pack("a").await.unwrap(), a, "the manager goes on");
    });
}
