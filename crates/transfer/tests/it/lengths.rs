//! Files whose length is not what was said, and places that are written by somebody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use headstart_transfer::{FileRequest, Notice, Tracking, TransferError, Violation};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::server::{Server, content_range};
use crate::support::{TestFile, client};

/// Bytes of a file that is not kept in memory.
const LARGE: u64 = 3_000_000;

fn large() -> Arc<Vec<u8>> {
    TestFile::new(300, 10_000).bytes
}

async fn honest() -> Server {
    let file = large();
    Server::start(move |mut exchange| {
        let file = Arc::clone(&file);
        async move {
            let known = exchange.request.header("if-none-match") == Some("\"one\"");
            let range = exchange.request.range(file.len());
            let etag = "etag: \"one\"".to_owned();
            match range {
                _ if known => exchange.answer(304, &[etag], b"").await,
                Some((start, end)) => {
                    let length = format!("content-length: {}", end - start);
                    let headers = [content_range(start, end, file.len()), etag, length];
                    exchange.head(206, &headers).await;
                    exchange.body(&file[start..end]).await;
                }
                None => panic!("ranges are asked for"),
            }
            Some(exchange)
        }
    })
    .await
}

fn request(server: &Server, folder: &TempDir) -> FileRequest {
    FileRequest::new(server.url("f"), folder.path().join("file"), 10_000_000)
}

async fn download(request: &FileRequest) -> Result<u64, TransferError> {
    let done = client().download_file(request, &Tracking::new("test")).await;
    done.map(|done| done.bytes_down)
}

fn left_over(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("readable").file_name().into_string().expect("ASCII")
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_whole_part_is_held_against_what_this_call_allows() {
    let (server, folder) = (honest().await, tempfile::tempdir().expect("a folder"));
    let request = request(&server, &folder);
    // Something is in the way of the name, so that all of it lies there.
    std::fs::create_dir_all(request.path.join("x")).expect("a folder");
    download(&request).await.expect_err("it cannot be named");
    std::fs::remove_dir_all(&request.path).expect("removed");
    let limit_bytes = LARGE - 1;
    let result = download(&FileRequest { max_bytes: limit_bytes, ..request.clone() }).await;
    assert!(
        matches!(&result, Err(TransferError::TooLarge { limit_bytes: told, .. }) if *told == limit_bytes),
        "{result:?}"
    );
    // A larger limit has use for it.
    assert_eq!(left_over(&folder), ["file.part", "file.part.state"]);
    let result =
        download(&FileRequest { expected_bytes: Some(LARGE + 1), ..request.clone() }).await;
    let expected = Violation::OtherSize { promised_bytes: LARGE + 1, actual_bytes: LARGE };
    assert!(
        matches!(&result, Err(TransferError::Unusable { violation, .. }) if *violation == expected),
        "{result:?}"
    );
    assert!(!request.path.exists());
}

#[tokio::test]
async fn what_an_answer_has_beyond_the_length_that_it_names_is_not_taken() {
    let server = Server::start(|mut exchange| async move {
        let headers =
            ["content-range: bytes 0-9/10".to_owned(), "content-length: 500000".to_owned()];
        exchange.head(206, &headers).await;
        exchange.body(&vec![7; 500_000]).await;
        Some(exchange)
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let request = FileRequest { expected_bytes: Some(10), ..request(&server, &folder) };
    let bytes_down = download(&request).await.expect("the ten bytes that were promised");
    assert_eq!(std::fs::read(&request.path).expect("a file"), [7; 10]);
    assert_eq!(bytes_down, 10);
}

#[tokio::test]
async fn a_file_that_is_another_one_with_each_answer_is_given_up() {
    let (file, number) = (large(), Arc::new(AtomicUsize::new(0)));
    let server = Server::start(move |mut exchange| {
        let (file, number) = (Arc::clone(&file), number.fetch_add(1, Ordering::Relaxed));
        async move {
            let (start, end) = exchange.request.range(file.len()).expect("ranges are asked for");
            let etag = format!("etag: \"{number}\"");
            let length = format!("content-length: {}", end - start);
            exchange.head(206, &[content_range(start, end, file.len()), etag, length]).await;
            exchange.body(&file[start..end]).await;
            Some(exchange)
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let result = download(&request(&server, &folder)).await;
    assert!(
        matches!(&result, Err(TransferError::Unusable { violation: Violation::Replaced, .. })),
        "{result:?}"
    );
    assert!(server.log.requests().len() < 200, "{} requests", server.log.requests().len());
}

#[tokio::test]
async fn a_second_download_to_a_place_waits_for_the_first() {
    let (file, go_on) = (large(), Arc::new(Notify::new()));
    let release = Arc::clone(&go_on);
    let server = Server::start(move |mut exchange| {
        let (file, go_on) = (Arc::clone(&file), Arc::clone(&go_on));
        async move {
            let (start, end) = exchange.request.range(file.len()).expect("ranges are asked for");
            let length = format!("content-length: {}", end - start);
            let etag = "etag: \"one\"".to_owned();
            exchange.head(206, &[content_range(start, end, file.len()), etag, length]).await;
            // The first bytes of the first answer come at once, everything else when the second download waits.
            let at_once = if start == 0 { 1000 } else { 0 };
            exchange.body(&file[start..start + at_once]).await;
            go_on.notified().await;
            go_on.notify_one();
            exchange.body(&file[start + at_once..end]).await;
            Some(exchange)
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let request = request(&server, &folder);
    let (begun, begins) = tokio::sync::oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let tracking = Tracking::new("first").with_listener(move |notice| {
        if let Notice::LengthKnown { .. } = notice
            && let Some(begun) = begun.lock().expect("no panic").take()
        {
            let _ = begun.send(());
        }
    });
    let first = tokio::spawn({
        let request = request.clone();
        async move { client().download_file(&request, &tracking).await }
    });
    begins.await.expect("it begins");
    let other = FileRequest { url: server.url("another"), ..request.clone() };
    let mut second = Box::pin(download(&other));
    assert!(futures::poll!(&mut second).is_pending());
    release.notify_one();
    first.await.expect("no panic").expect("a file");
    assert_eq!(second.await.expect("a file"), LARGE);
    assert!(std::fs::read(&request.path).expect("a file") == *large());
    assert_eq!(left_over(&folder), ["file"]);
    let paths: Vec<_> = server.log.requests().into_iter().map(|asked| asked.path).collect();
    assert!(paths.is_sorted_by_key(|path| path.contains("another")), "{paths:?}");
}

#[tokio::test]
async fn a_place_that_another_process_writes_is_left_to_it() {
    let (server, folder) = (honest().await, tempfile::tempdir().expect("a folder"));
    let request = request(&server, &folder);
    // A lock belongs to one opening of a file: this one is not that of the download.
    let part = std::fs::File::create(folder.path().join("file.part")).expect("a folder");
    part.lock().expect("a file system with locks");
    let result = download(&request).await;
    assert!(
        matches!(&result, Err(TransferError::Busy { path }) if *path == request.path),
        "{result:?}"
    );
    assert_eq!(left_over(&folder), ["file.part"]);
    part.unlock().expect("it is locked");
    download(&request).await.expect("a file");
    assert!(std::fs::read(&request.path).expect("a file") == *large());
}
