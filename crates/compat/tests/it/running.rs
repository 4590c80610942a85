//! The published examples against a service, and delegates and streams of this crate.

use std::process::{Command, Output};
use std::time::Duration;

use headstart::Status;
use headstart::packs::{StatusUpdate, StatusUpdateEvent};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::downloads::{Current, CurrentPage};
use headstart_model::protocol::packs::{
    Ensure, EnsureEvent, EnsureOutcome, List, PackList, Status as AskStatus, StatusUpdates,
};

use crate::build::Built;
use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::published::published;
use crate::samples::{pack, progress, state};

/// A service with the pack `maps`, which arrives when it is asked for.
fn shelf(call: &Call, peer: &mut Peer) -> Then {
    match call {
        Call::ListPacks(_) => {
            let packs = vec![state("maps", Status::DOWNLOAD_AVAILABLE)];
            peer.reply::<List>(&PackList { packs });
        }
        Call::PackStatus(_) => {
            peer.reply::<AskStatus>(&state("maps", Status::DOWNLOAD_AVAILABLE));
        }
        Call::StatusUpdates(_) => {
            let (began, finished) = (
                StatusUpdate::Began { pack: pack("maps") },
                StatusUpdate::Finished { pack: pack("maps") },
            );
            let moving = StatusUpdate::Downloading { pack: pack("maps"), progress: progress(0.5) };
            peer.reply_and_go_on::<StatusUpdates>(&StatusUpdateEvent::Subscribed {});
            peer.reply_and_go_on::<StatusUpdates>(&StatusUpdateEvent::Update(began));
            peer.reply_and_go_on::<StatusUpdates>(&StatusUpdateEvent::Update(moving));
            peer.reply::<StatusUpdates>(&StatusUpdateEvent::Update(finished));
        }
        Call::Ensure(_) => {
            let outcome = EnsureOutcome { successes: vec![pack("maps")], failures: Vec::new() };
            peer.reply::<Ensure>(&EnsureEvent::Done(outcome));
        }
        Call::CurrentDownloads(_) => peer.reply::<Current>(&CurrentPage::default()),
        _ => return Then::HangUp,
    }
    Then::KeepOpen
}

/// Runs a program of the app.
fn run(device: &Device, program: &std::path::Path) -> Output {
    let mut command = Command::new(program);
    command.env_clear().env("HEADSTART_HOME", device.home());
    command.env("HEADSTART_SOCKET", device.socket());
    command.env("HEADSTART_DAEMON", device.file("no-such-program"));
    command.output().unwrap()
}

#[test]
fn the_published_examples_bring_a_pack_in() {
    let Some(crate_folder) = published("0.4.2") else { return };
    let built = Built::with("async");
    let into = tempfile::tempdir().unwrap();
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    for name in ["01_list_pack_status", "02_download_pack", "04_async_download"] {
        let source = crate_folder.join("examples").join(name).with_extension("rs");
        let compiled = built.compile(&source, &["--crate-type", "bin"], into.path());
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let output = run(&device, &into.path().join(name));
        let told = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {told}{failed}");
        assert!(told.contains("maps"), "{name}: {told}{failed}");
    }
    let ensured = service.calls().iter().filter(|call| matches!(call, Call::Ensure(_))).count();
    assert_eq!(ensured, 2, "both that download asked the service for it");
}

#[test]
fn an_extension_outside_of_the_service_is_asked_nothing() {
    use backgroundassets::{
        ManagedDownloaderExtensionHandler, install_global_managed_downloader_extension,
    };

    struct Handler;
    impl ManagedDownloaderExtensionHandler for Handler {}
    let first = install_global_managed_downloader_extension(Handler, 0);
    assert!(!first.is_closed());
    let second = install_global_managed_downloader_extension(Handler, 16);
    assert!(first.is_closed(), "another took its place");
    drop(first);
    assert!(!second.is_closed(), "what was replaced does not unregister what replaced it");
    assert_eq!((second.buffered_count(), second.try_next()), (0, None));
    let waits = futures_lite::future::block_on(futures_lite::future::or(
        async {
            second.next().await;
            false
        },
        async { true },
    ));
    assert!(waits, "nobody asks");
    let began = std::time::Instant::now();
    drop(second);
    assert!(began.elapsed() < Duration::from_secs(10), "and nobody is waited for");
}
