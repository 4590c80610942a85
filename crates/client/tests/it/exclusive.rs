//! Exclusive control over an app's downloads.

use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_lite::future::{block_on, poll_once};
use headstart::{Error, ErrorKind, Failure};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::downloads::{
    AcquireExclusiveControl, CancelDownload, CancelledDownload, ExclusiveControl,
    ReleaseExclusiveControl, ReleasedExclusiveControl,
};

use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::samples::url_download;

/// Grants it every time.
fn granting(call: &Call, peer: &mut Peer) -> Then {
    match call {
        Call::AcquireExclusiveControl(_) => {
            peer.reply::<AcquireExclusiveControl>(&ExclusiveControl {});
        }
        Call::ReleaseExclusiveControl(_) => {
            peer.reply::<ReleaseExclusiveControl>(&ReleasedExclusiveControl {});
        }
        Call::CancelDownload(_) => peer.reply::<CancelDownload>(&CancelledDownload {}),
        _ => return Then::HangUp,
    }
    Then::KeepOpen
}

fn methods(service: &FakeService) -> Vec<&'static str> {
    let name = |call: &Call| call.method().rsplit('.').next().unwrap();
    service.calls().iter().map(name).collect()
}

#[test]
fn control_is_held_for_as_long_as_the_body_runs() {
    let device = Device::new();
    let service = FakeService::start(&device, granting);
    let download = url_download("a");
    let downloads = device.connector().downloads_blocking().unwrap();
    let given = downloads.with_exclusive_control(|| downloads.cancel(&download).map(|()| 7));
    assert_eq!(given.unwrap().unwrap(), 7);
    block_on(async {
        let downloads = device.connector().downloads().unwrap();
        let body = async || downloads.cancel(&download).await.map(|()| 8);
        assert_eq!(downloads.with_exclusive_control(body).await.unwrap().unwrap(), 8);
    });
    let once = ["AcquireExclusiveControl", "Cancel", "ReleaseExclusiveControl"];
    assert_eq!(methods(&service), [once, once].concat());
    assert_eq!(service.connections(), 4, "the control has a connection of its own");
    let waits_for_ever = AcquireExclusiveControl { app: None, wait_milliseconds: None };
    assert_eq!(service.calls()[0], Call::AcquireExclusiveControl(waits_for_ever));
}

#[test]
fn the_error_of_a_body_is_given_on() {
    let device = Device::new();
    let service = FakeService::start(&device, granting);
    let downloads = device.connector().downloads_blocking().unwrap();
    let given: Result<Result<(), &str>, Error> = downloads.with_exclusive_control(|| Err("mine"));
    assert_eq!(given.unwrap(), Err("mine"));
    assert_eq!(methods(&service), ["AcquireExclusiveControl", "ReleaseExclusiveControl"]);
}

#[test]
fn a_deadline_that_has_passed_tries_once_and_a_body_without_control_does_not_run() {
    let device = Device::new();
    let service = FakeService::start(&device, |_, peer| {
        peer.fail(Failure::new(ErrorKind::Conflict, "exclusiveControlTaken", "somebody has it"));
        Then::KeepOpen
    });
    let downloads = device.connector().downloads_blocking().unwrap();
    let body = || panic!("it must not run");
    let error = downloads.with_exclusive_control_before(UNIX_EPOCH, body).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "exclusiveControlTaken"));
    #[expect(clippy::disallowed_methods, reason = "the deadline is one of the clock")]
    let soon = SystemTime::now() + Duration::from_mins(1);
    block_on(async {
        let downloads = device.connector().downloads().unwrap();
        let refused = downloads.with_exclusive_control_before(soon, async || ()).await;
        assert_eq!(refused.unwrap_err().code(), "exclusiveControlTaken");
    });
    let waits = service.calls().into_iter().map(|call| match call {
        Call::AcquireExclusiveControl(acquire) => acquire.wait_milliseconds.unwrap(),
        other => panic!("{other:?}"),
    });
    let waits: Vec<_> = waits.collect();
    assert_eq!(waits[0], 0);
    assert!((1..=60_000).contains(&waits[1]), "{waits:?}");
}

#[test]
fn who_only_tries_is_told_that_somebody_else_has_it() {
    let device = Device::new();
    let service = FakeService::start(&device, granting);
    let downloads = device.connector().downloads_blocking().unwrap();
    downloads.try_exclusive_control(None).unwrap().expect("it is free").release_blocking();
    drop(service);
    let service = FakeService::start(&device, |_, peer| {
        peer.fail(Failure::new(ErrorKind::Conflict, "exclusiveControlTaken", "somebody has it"));
        Then::KeepOpen
    });
    let downloads = device.connector().downloads().unwrap();
    let tried = block_on(downloads.try_exclusive_control(Some(UNIX_EPOCH)));
    assert!(tried.unwrap().is_none());
    drop(service);
    let unavailable = downloads.to_blocking().try_exclusive_control(Some(UNIX_EPOCH));
    assert_eq!(unavailable.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn control_is_given_back_when_the_body_panics_or_its_future_is_dropped() {
    let device = Device::new();
    let (released, was_released) = mpsc::channel();
    let _service = FakeService::start(&device, move |call, peer| {
        let then = granting(call, peer);
        if let Call::ReleaseExclusiveControl(_) = call {
            released.send(()).unwrap();
        }
        then
    });
    let patience = Duration::from_secs(20);
    let downloads = device.connector().downloads_blocking().unwrap();
    let body = || -> () { std::panic::resume_unwind(Box::new("in the body")) };
    let panicked = std::panic::catch_unwind(|| drop(downloads.with_exclusive_control(body)));
    assert!(panicked.is_err());
    was_released.recv_timeout(patience).expect("released after the panic");

    block_on(async {
        let downloads = device.connector().downloads().unwrap();
        let (begun, has_begun) = futures::channel::oneshot::channel();
        let body = async || {
            begun.send(()).unwrap();
            std::future::pending::<()>().await;
        };
        let mut control = Box::pin(downloads.with_exclusive_control(body));
        let control_or_begun = futures::future::select(&mut control, has_begun).await;
        assert!(matches!(control_or_begun, futures::future::Either::Right(_)));
        drop(control);
    });
    was_released.recv_timeout(patience).expect("released after the future");

    drop(downloads.exclusive_control(None).unwrap());
    was_released.recv_timeout(patience).expect("released with the guard");
}

#[test]
fn who_no_longer_waits_for_control_does_not_get_it() {
    let device = Device::new();
    let (asked, was_asked) = mpsc::channel();
    let (ended, has_ended) = mpsc::channel();
    let _service = FakeService::start(&device, move |_, peer| {
        asked.send(()).unwrap();
        peer.wait_for_end();
        ended.send(()).unwrap();
        Then::HangUp
    });
    block_on(async {
        let downloads = device.connector().downloads().unwrap();
        let mut control = Box::pin(downloads.exclusive_control(None));
        assert!(poll_once(&mut control).await.is_none());
        was_asked.recv_timeout(Duration::from_secs(20)).expect("the call has reached the service");
        drop(control);
        has_ended.recv_timeout(Duration::from_secs(20)).expect("the connection was closed");
    });
}
