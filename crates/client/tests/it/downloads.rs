//! Single downloads: what they are, and what is done with them.

use futures_lite::future::block_on;
use headstart::downloads::{BackgroundAssetsErrorCode, FinishedFile};
use headstart::{
    Download, DownloadKind, DownloadPriority, DownloadStatus, Error, ErrorKind, UrlDownload,
};
use headstart_model::protocol::CALL_BYTES_MAX;
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::downloads::{
    CancelDownload, CancelledDownload, Current, CurrentPage, Schedule, Scheduled, ScheduledDownload,
};

use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::samples::{app, group, on_the_wire, url_download};

fn accepting(call: &Call, peer: &mut Peer) -> Then {
    match call {
        Call::ScheduleDownloads(_) => peer.reply::<Schedule>(&Scheduled {}),
        Call::CancelDownload(_) => peer.reply::<CancelDownload>(&CancelledDownload {}),
        _ => return Then::HangUp,
    }
    Then::KeepOpen
}

fn scheduled(call: &Call) -> &Schedule {
    match call {
        Call::ScheduleDownloads(schedule) => schedule,
        other => panic!("{other:?}"),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().code().to_owned()
}

#[test]
fn a_download_is_what_was_said_and_another_one_each_time() {
    let download = url_download("levels/1")
        .essential(true)
        .priority(DownloadPriority::MAX)
        .header("Authorization", "Bearer secret")
        .unwrap()
        .into_download();
    assert_eq!((download.identifier(), download.kind()), ("levels/1", DownloadKind::Url));
    assert_eq!(download.url(), "https://assets.example.com/levels/1");
    assert_eq!((download.file_size(), download.app_group()), (Some(70_000), &group()));
    assert_eq!(download.priority(), DownloadPriority::MAX);
    assert_eq!(download.status(), DownloadStatus::Created);
    assert!(download.is_essential() && download.is_url_download());
    let other = url_download("levels/1").into_download();
    assert_ne!(download.unique_identifier(), other.unique_identifier());
    assert_eq!(download.unique_identifier().len(), 36, "a UUID");

    let retried = download.removing_essential();
    assert!(!retried.is_essential());
    assert_eq!(retried.identifier(), download.identifier());
    assert_ne!(retried.unique_identifier(), download.unique_identifier(), "its end is news");
    let json = serde_json::to_string(&download).unwrap();
    assert_eq!(serde_json::from_str::<Download>(&json).unwrap(), download);
    let shown = format!("{download:?}");
    assert!(!shown.contains("secret") && shown.contains("Authorization"), "{shown}");
    assert_eq!(download.to_string(), "levels/1 (created)");
}

#[test]
fn a_download_that_cannot_be_is_refused_when_it_is_made() {
    let make = |id: &str, url: &str, size| UrlDownload::new(id, url, size, &group());
    let https = "https://example.com/x";
    for wrong in [
        make("", https, 1),
        make("a\nb", https, 1),
        make("a", https, 0),
        make("a", "nowhere", 1),
        make("a", "http://example.com/x", 1),
        make("a", "file:///x", 1),
        make("a", "https://me:secret@example.com/x", 1),
        make("a", https, 1).unwrap().header("Range", "bytes=0-1"),
        make("a", https, 1).unwrap().header("X", "a\r\nb"),
        make("a", https, 1).unwrap().method("POST"),
    ] {
        let error = wrong.unwrap_err();
        let code = BackgroundAssetsErrorCode::of(&error.failure().code);
        assert_eq!(code, Some(BackgroundAssetsErrorCode::Invalid), "{error}");
        assert!(error.hint().is_some());
    }
    // To this machine itself: the service knows whether it may be.
    make("a", "http://localhost:1234/x", 1).unwrap();
    make("a", https, 1).unwrap().method("GET").unwrap();
    let again =
        make("a", https, 1).unwrap().header("X-A", "1").unwrap().header("x-a", "2").unwrap();
    assert_eq!(on_the_wire(&again).headers, [("x-a".to_owned(), "2".to_owned())].into());
}

#[test]
fn headers_are_sent_together_or_refused() {
    let made = || url_download("a");
    let all = made().headers([("X-A", "1"), ("X-B", "2")]).unwrap();
    let one_by_one = made().header("X-A", "1").unwrap().header("X-B", "2").unwrap();
    assert_eq!(on_the_wire(&all).headers, on_the_wire(&one_by_one).headers);
    assert_eq!(code(made().headers([("X-A", "1"), ("Host", "x")]).map(drop)), "downloadInvalid");
}

#[test]
fn an_essential_download_without_a_size_is_not_scheduled() {
    let device = Device::new();
    let service = FakeService::start(&device, accepting);
    let downloads = device.connector().downloads_blocking().unwrap();
    let https = "https://example.com/x";
    let unknown = UrlDownload::without_size("a", https, &group()).unwrap();
    downloads.schedule(&unknown).unwrap();
    assert_eq!(code(downloads.schedule(unknown.essential(true))), "downloadInvalid");
    let good = url_download("b").into_download();
    let bad = UrlDownload::without_size("c", https, &group()).unwrap().essential(true);
    assert_eq!(code(downloads.schedule_all(&[good, bad.into()])), "downloadInvalid");
    assert_eq!(service.calls().len(), 1, "of several, none is scheduled when one is wrong");
}

#[test]
fn scheduling_and_cancelling_reach_the_service() {
    let device = Device::new();
    let service = FakeService::start(&device, accepting);
    let download = url_download("levels/1").into_download();
    block_on(async {
        let downloads = device.connector().downloads().unwrap();
        downloads.schedule(&download).await.unwrap();
        downloads.cancel(&download).await.unwrap();
    });
    let downloads = device.connector().on_behalf_of(app()).downloads_blocking().unwrap();
    downloads.schedule(&download).unwrap();
    let identifier = "levels/1".to_owned();
    let schedule =
        |app| Schedule { app, downloads: vec![on_the_wire(&download)], foreground: false };
    let expected = [
        Call::ScheduleDownloads(schedule(None)),
        Call::CancelDownload(CancelDownload { app: None, identifier }),
        Call::ScheduleDownloads(schedule(Some(app()))),
    ];
    assert_eq!(service.calls(), expected);
}

#[test]
fn a_refusal_arrives_with_the_code_of_the_original() {
    let device = Device::new();
    let _service = FakeService::start(&device, |_, peer| {
        peer.fail(BackgroundAssetsErrorCode::EssentialDownloadNotPermitted.failure("no"));
        Then::KeepOpen
    });
    let downloads = device.connector().downloads_blocking().unwrap();
    let error = downloads.schedule(url_download("a").essential(true)).unwrap_err();
    let code = BackgroundAssetsErrorCode::of(&error.failure().code).unwrap();
    assert_eq!((code.number(), error.kind()), (109, ErrorKind::Refused));
}

#[test]
fn ten_thousand_downloads_are_scheduled_in_pages_that_fit_into_a_message() {
    let device = Device::new();
    let service = FakeService::start(&device, accepting);
    let downloads = device.connector().downloads_blocking().unwrap();
    let long = "x".repeat(300);
    let all: Vec<Download> =
        (0..10_000).map(|n| url_download(&format!("{n:05}?{long}")).into()).collect::<Vec<_>>();
    let short: Vec<Download> =
        all.iter().map(|d| url_download(&d.identifier()[..5]).into()).collect();
    for wanted in [&all, &short] {
        let before = service.calls().len();
        downloads.schedule_all(wanted).unwrap();
        let calls = service.calls().split_off(before);
        assert!(calls.len() >= 10, "{}", calls.len());
        for call in &calls {
            let bytes = serde_json::to_vec(scheduled(call)).unwrap().len();
            assert!(bytes < CALL_BYTES_MAX / 2 + 100, "{bytes}");
            assert!(scheduled(call).downloads.len() <= 1_000);
        }
        let sent: Vec<_> = calls.iter().flat_map(|call| &scheduled(call).downloads).collect();
        assert!(sent.iter().map(|d| &d.identifier).eq(wanted.iter().map(Download::identifier)));
    }
    downloads.schedule_all(&[]).unwrap();
}

#[test]
fn what_is_in_the_foreground_shares_one_connection_that_ends_with_the_manager() {
    let device = Device::new();
    let (ended, has_ended) = std::sync::mpsc::channel();
    let service = FakeService::start(&device, move |call, peer| {
        let Call::ScheduleDownloads(schedule) = call else { return Then::HangUp };
        peer.reply::<Schedule>(&Scheduled {});
        if schedule.downloads[0].identifier == "last" {
            peer.wait_for_end();
            ended.send(()).unwrap();
        }
        Then::KeepOpen
    });
    let downloads = device.connector().downloads_blocking().unwrap();
    downloads.start_foreground(url_download("first")).unwrap();
    downloads.schedule(url_download("beside")).unwrap();
    let twin = downloads.clone();
    twin.start_foreground_all(&[url_download("last").into()]).unwrap();
    assert_eq!(service.connections(), 2, "one for the foreground, one for all else");
    let foreground: Vec<_> =
        service.calls().iter().map(|call| scheduled(call).foreground).collect();
    assert_eq!(foreground, [true, false, true]);
    drop(twin);
    assert!(has_ended.try_recv().is_err(), "a clone is still there");
    drop(downloads);
    has_ended.recv_timeout(std::time::Duration::from_secs(20)).expect("the connection was closed");
}

#[test]
fn the_foreground_goes_on_with_a_service_that_was_started_anew() {
    let device = Device::new();
    let service = FakeService::start(&device, accepting);
    block_on(async {
        let downloads = device.connector().downloads().unwrap();
        downloads.start_foreground(url_download("a")).await.unwrap();
        drop(service);
        let service = FakeService::start(&device, accepting);
        downloads.start_foreground(url_download("b")).await.unwrap();
        assert!(scheduled(&service.calls()[0]).foreground);
    });
}

fn in_queue(identifier: &str) -> ScheduledDownload {
    ScheduledDownload {
        download: on_the_wire(url_download(identifier)),
        status: DownloadStatus::Downloading,
        bytes_done: 5,
        bytes_total: Some(70_000),
    }
}

#[test]
fn current_downloads_are_gathered_from_all_pages() {
    let device = Device::new();
    let _service = FakeService::start(&device, |call, peer| {
        let Call::CurrentDownloads(Current { after, .. }) = call else { return Then::HangUp };
        let (names, next): (&[&str], _) = match after {
            None => (&["a", "b"], Some(2)),
            Some(2) => (&["c"], Some(3)),
            _ => (&[], None),
        };
        let downloads = names.iter().map(|name| in_queue(name)).collect();
        peer.reply::<Current>(&CurrentPage { downloads, next });
        Then::KeepOpen
    });
    let downloads = block_on(async {
        let downloads = device.connector().downloads().unwrap();
        downloads.current_downloads().await.unwrap()
    });
    assert_eq!(downloads.iter().map(Download::identifier).collect::<Vec<_>>(), ["a", "b", "c"]);
    let first = &downloads[0];
    assert_eq!(first.status(), DownloadStatus::Downloading);
    assert_eq!((first.bytes_done(), first.bytes_total()), (5, Some(70_000)));
}

#[test]
fn pages_that_never_end_are_an_error() {
    let device = Device::new();
    let _service = FakeService::start(&device, |_, peer| {
        peer.reply::<Current>(&CurrentPage { downloads: Vec::new(), next: Some(1) });
        Then::KeepOpen
    });
    let downloads = device.connector().downloads_blocking().unwrap();
    assert_eq!(code(downloads.current_downloads()), "protocolViolated");
}

#[test]
fn a_group_has_its_folder_in_the_home() {
    let device = Device::new();
    let downloads = device.connector().downloads().unwrap();
    let container = device.home().join("groups/group.com.example.game");
    assert_eq!(downloads.group_container(&group()), container);
    assert_eq!(downloads.to_blocking().group_container(&group()), container);
}

/// A file as the service hands it over.
pub(crate) fn arrived(device: &Device, name: &str) -> String {
    let inbox = device.home().join("groups/group.com.example.game/inbox/1");
    std::fs::create_dir_all(&inbox).unwrap();
    let file = inbox.join(name);
    std::fs::write(&file, name).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Moves the file beside the inbox.
pub(crate) fn keep(device: &Device, file: &FinishedFile) -> Result<(), Error> {
    let name = file.path().file_name().unwrap();
    file.move_to(&device.home().join("groups/group.com.example.game").join(name))
}
