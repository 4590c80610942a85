//! Streams of updates.

use std::sync::mpsc;
use std::time::Duration;

use futures_lite::StreamExt as _;
use futures_lite::future::block_on;
use headstart::packs::{StatusUpdate, StatusUpdateEvent};
use headstart::{DownloadStatusUpdate, ErrorKind, Failure, Reason};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{Cancel, Cancelled, StatusUpdates};

use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::samples::{failure, pack, pack_id, progress};

fn tell(peer: &mut Peer, event: &StatusUpdateEvent) {
    peer.reply_and_go_on::<StatusUpdates>(event);
}

fn reason() -> Reason {
    Reason {
        fact: "noNetwork".to_owned(),
        text: "there is no network".to_owned(),
        since: Some(std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
        until: None,
    }
}

/// Tells one whole story of the pack that is asked for, or of `a`.
fn story(call: &Call, peer: &mut Peer) -> Then {
    let Call::StatusUpdates(ask) = call else {
        return Then::HangUp;
    };
    let pack = pack(ask.pack.as_ref().map_or("a", |id| id.as_str()));
    tell(peer, &StatusUpdateEvent::Subscribed {});
    let updates = [
        StatusUpdate::Began { pack: pack.clone() },
        StatusUpdate::Paused { pack: pack.clone(), reasons: vec![reason()] },
        StatusUpdate::Began { pack: pack.clone() },
        StatusUpdate::Downloading { pack: pack.clone(), progress: progress(0.5) },
    ];
    for update in updates {
        tell(peer, &StatusUpdateEvent::Update(update));
    }
    let finished = StatusUpdateEvent::Update(StatusUpdate::Finished { pack: pack.clone() });
    if ask.pack.is_some() {
        peer.reply::<StatusUpdates>(&finished);
        return Then::KeepOpen;
    }
    tell(peer, &finished);
    tell(peer, &StatusUpdateEvent::Lost { count: 3 });
    tell(peer, &StatusUpdateEvent::Update(StatusUpdate::Failed { pack, failure: failure() }));
    // Dies in mid-stream.
    Then::HangUp
}

fn in_short(update: &DownloadStatusUpdate) -> String {
    match update {
        DownloadStatusUpdate::Began(pack) => format!("began {}", pack.id()),
        DownloadStatusUpdate::Paused(pack, reasons) => {
            assert_eq!(*reasons, [reason()]);
            format!("paused {}", pack.id())
        }
        DownloadStatusUpdate::Downloading(pack, progress) => {
            format!("downloading {} {}", pack.id(), progress.fraction())
        }
        DownloadStatusUpdate::Finished(pack) => format!("finished {}", pack.id()),
        DownloadStatusUpdate::Failed(pack, error) => {
            format!("failed {} {}", pack.id(), error.code())
        }
        DownloadStatusUpdate::Missed(count) => format!("missed {count}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn updates_of_one_pack_end_when_it_has_concluded() {
    let device = Device::new();
    let service = FakeService::start(&device, story);
    let packs = device.connector().asset_packs_blocking().unwrap();
    for _ in 0..2 {
        let updates = packs.status_updates_for("b").unwrap();
        let told: Vec<_> = updates.map(|update| in_short(&update.unwrap())).collect();
        assert_eq!(told, ["began b", "paused b", "began b", "downloading b 0.5", "finished b"]);
    }
    assert_eq!(service.connections(), 1, "the connection is used again");
}

#[test]
fn updates_of_all_packs_end_in_an_error_when_the_service_dies() {
    let device = Device::new();
    let _service = FakeService::start(&device, story);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let mut updates = packs.status_updates().unwrap();
    let told: Vec<_> = updates.by_ref().take(7).map(|u| in_short(&u.unwrap())).collect();
    assert_eq!(told[3..], ["downloading a 0.5", "finished a", "missed 3", "failed a diskFull"]);
    let error = updates.next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "serviceGone"));
    assert!(updates.next().is_none(), "after the error nothing follows");
}

#[test]
fn a_stream_gives_the_same_as_the_iterator() {
    let device = Device::new();
    let _service = FakeService::start(&device, story);
    block_on(async {
        let packs = device.connector().asset_packs().await.unwrap();
        let mut updates = packs.status_updates_for("b").await.unwrap();
        let mut told = Vec::new();
        while let Some(update) = updates.next().await {
            told.push(in_short(&update.unwrap()));
        }
        assert_eq!(told, ["began b", "paused b", "began b", "downloading b 0.5", "finished b"]);
        let mut updates = packs.status_updates().await.unwrap();
        let mut last = None;
        while let Some(update) = updates.next().await {
            last = Some(update);
        }
        assert_eq!(last.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    });
}

#[test]
fn a_subscription_that_is_refused_says_so() {
    let device = Device::new();
    let _service = FakeService::start(&device, |_, peer| {
        peer.fail(Failure::new(ErrorKind::NotFound, "assetPackNotFound", "no such pack"));
        Then::KeepOpen
    });
    let packs = device.connector().asset_packs_blocking().unwrap();
    assert_eq!(packs.status_updates_for("b").unwrap_err().code(), "assetPackNotFound");
}

#[test]
fn cancelling_through_the_progress_reaches_the_service_every_time() {
    let device = Device::new();
    let (cancelled, was_cancelled) = mpsc::channel();
    let _service = FakeService::start(&device, move |call, peer| match call {
        Call::Cancel(cancel) => {
            peer.reply::<Cancel>(&Cancelled {});
            cancelled.send(cancel.pack.clone()).unwrap();
            Then::KeepOpen
        }
        _ => story(call, peer),
    });
    let packs = device.connector().asset_packs_blocking().unwrap();
    let updates: Vec<_> = packs.status_updates_for("b").unwrap().collect();
    let progress = updates.into_iter().find_map(|update| match update.unwrap() {
        DownloadStatusUpdate::Downloading(_, progress) => Some(progress),
        _ => None,
    });
    let progress = progress.unwrap();
    assert_eq!((progress.bytes_done(), progress.bytes_total()), (1, 10));
    assert_eq!((progress.bytes_per_second(), progress.eta_seconds()), (5, Some(2)));
    // The stream has ended, the download with it; cancelling is still no error.
    progress.cancel();
    progress.cancel();
    for _ in 0..2 {
        assert_eq!(was_cancelled.recv_timeout(Duration::from_secs(20)), Ok(pack_id("b")));
    }
}

#[test]
fn a_dropped_stream_closes_its_connection() {
    let device = Device::new();
    let (ended, has_ended) = mpsc::channel();
    let _service = FakeService::start(&device, move |_, peer| {
        tell(peer, &StatusUpdateEvent::Subscribed {});
        tell(peer, &StatusUpdateEvent::Update(StatusUpdate::Began { pack: pack("a") }));
        peer.wait_for_end();
        ended.send(()).unwrap();
        Then::HangUp
    });
    block_on(async {
        let packs = device.connector().asset_packs().await.unwrap();
        let mut updates = packs.status_updates().await.unwrap();
        assert_eq!(in_short(&updates.next().await.unwrap().unwrap()), "began a");
        drop(updates);
    });
    has_ended.recv_timeout(Duration::from_secs(20)).expect("the connection was closed");
}

#[test]
fn a_closure_hears_until_what_keeps_it_is_dropped() {
    let device = Device::new();
    let (ended, has_ended) = mpsc::channel();
    let _service = FakeService::start(&device, move |_, peer| {
        tell(peer, &StatusUpdateEvent::Subscribed {});
        for id in ["a", "b"] {
            tell(peer, &StatusUpdateEvent::Update(StatusUpdate::Began { pack: pack(id) }));
        }
        peer.wait_for_end();
        ended.send(()).unwrap();
        Then::HangUp
    });
    let packs = device.connector().asset_packs_blocking().unwrap();
    let (told, was_told) = mpsc::channel();
    let listening = packs.listen(None, move |update| {
        told.send(in_short(&update)).unwrap();
        assert!(!in_short(&update).ends_with('a'), "this panic is contained");
    });
    for update in ["began a", "began b"] {
        assert_eq!(was_told.recv_timeout(Duration::from_secs(20)).as_deref(), Ok(update));
    }
    drop(listening.unwrap());
    has_ended.recv_timeout(Duration::from_secs(20)).expect("the connection was closed");
    assert!(was_told.recv_timeout(Duration::from_secs(20)).is_err(), "the closure is dropped");
}

#[test]
fn a_closure_is_dropped_when_its_pack_has_concluded() {
    let device = Device::new();
    let _service = FakeService::start(&device, story);
    block_on(async {
        let packs = device.connector().asset_packs().await.unwrap();
        let (told, was_told) = mpsc::channel();
        let hear = move |update| told.send(in_short(&update)).unwrap();
        let _listening = packs.listen(Some("b"), hear).await.unwrap();
        let told: Vec<_> = was_told.iter().collect();
        assert_eq!(told, ["began b", "paused b", "began b", "downloading b 0.5", "finished b"]);
    });
}
