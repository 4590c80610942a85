//! Whole files that are not what was promised.

use std::num::NonZeroU32;

use headstart_model::Digest;
use headstart_transfer::{Client, Downloaded, FileHash, FileRequest, Tracking, TransferError};

use crate::server::{Exchange, Server, content_range};
use crate::support::{TestFile, client_with, config};

/// What a server has, and how it names it.
#[derive(Clone)]
struct Held {
    file: TestFile,
    etag: Option<&'static str>,
    /// Whether it knows conditions; else it sends the file whatever was asked.
    conditions: bool,
}

impl Held {
    fn new(file: TestFile, etag: Option<&'static str>) -> Self {
        Self { file, etag, conditions: true }
    }

    async fn answer(&self, mut exchange: Exchange) -> Option<Exchange> {
        let file = &self.file.bytes[..];
        let mut headers: Vec<_> = self.etag.iter().map(|tag| format!("etag: {tag}")).collect();
        let held = exchange.request.header("if-none-match");
        if self.conditions && held.is_some() && held == self.etag {
            exchange.answer(304, &headers, b"").await;
        } else if let Some((start, end)) = exchange.request.range(file.len()) {
            headers.push(content_range(start, end, file.len()));
            exchange.answer(206, &headers, &file[start..end]).await;
        } else {
            exchange.answer(200, &headers, file).await;
        }
        Some(exchange)
    }
}

/// Short files are kept in memory, long ones come by several ranges.
fn files() -> [TestFile; 2] {
    [TestFile::new(10, 1000), TestFile::new(100, 10_000)]
}

/// One with attempts to spare.
fn patient() -> Client {
    let mut config = config();
    config.retry.corrupt_attempts = NonZeroU32::new(9).expect("not zero");
    config.retry.attempts = NonZeroU32::new(9).expect("not zero");
    client_with(config)
}

async fn download(
    server: &Server,
    expected: FileHash,
) -> (Result<Downloaded, TransferError>, Option<Vec<u8>>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let request = FileRequest::new(server.url("f"), path.clone(), 10_000_000);
    let request = FileRequest { hash: Some(expected), ..request };
    let tracking = Tracking::new("test");
    let result = patient().download_file(&request, &tracking).await;
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, usize::from(result.is_ok()), "what is wrong is thrown away");
    (result, std::fs::read(&path).ok())
}

fn assert_wrong(result: &Result<Downloaded, TransferError>, wanted: FileHash, came: &TestFile) {
    let Err(TransferError::OtherHash { expected, actual, .. }) = result else {
        panic!("{result:?}")
    };
    let came = match wanted {
        FileHash::Blake3(_) => FileHash::Blake3(Digest::of(&came.bytes)),
        FileHash::Sha256(_) => **actual,
    };
    assert_eq!((**expected, **actual), (wanted, came));
    let text = result.as_ref().expect_err("wrong").to_string();
    assert!(text.contains(&expected.to_string()) && text.contains(&actual.to_string()), "{text}");
}

const WANTED: [FileHash; 2] =
    [FileHash::Sha256([7; 32]), FileHash::Blake3(Digest::from_bytes([7; 32]))];

#[tokio::test]
async fn a_file_that_its_server_calls_the_same_is_not_fetched_again() {
    for file in files() {
        for wanted in WANTED {
            let held = Held::new(file.clone(), Some("\"one\""));
            let server = Server::start(move |exchange| {
                let held = held.clone();
                async move { held.answer(exchange).await }
            })
            .await;
            let (result, named) = download(&server, wanted).await;
            assert_wrong(&result, wanted, &file);
            assert_eq!((named, server.log.body_bytes()), (None, file.bytes.len() as u64));
            let requests = server.log.requests();
            let (last, fetched) = requests.split_last().expect("some");
            assert!(fetched.iter().all(|request| request.header("if-none-match").is_none()));
            assert_eq!(last.header("if-none-match"), Some("\"one\""), "nothing is sent for it");
            assert_eq!(last.header("cache-control"), Some("no-cache"), "and no cache answers it");
        }
    }
}

#[tokio::test]
async fn a_server_that_knows_no_conditions_is_not_listened_to() {
    let file = TestFile::new(10, 1000);
    let held = Held { conditions: false, ..Held::new(file.clone(), Some("\"one\"")) };
    let server = Server::start(move |exchange| {
        let held = held.clone();
        async move { held.answer(exchange).await }
    })
    .await;
    let (result, _) = download(&server, WANTED[1]).await;
    assert_wrong(&result, WANTED[1], &file);
    assert_eq!(server.log.requests().len(), 2);
}

#[tokio::test]
async fn what_a_server_has_no_name_for_is_fetched_twice_and_no_more() {
    for etag in [None, Some("W/\"weak\"")] {
        let file = TestFile::new(10, 1000);
        let held = Held::new(file.clone(), etag);
        let server = Server::start(move |exchange| {
            let held = held.clone();
            async move { held.answer(exchange).await }
        })
        .await;
        let (result, _) = download(&server, WANTED[0]).await;
        assert_wrong(&result, WANTED[0], &file);
        assert_eq!(server.log.body_bytes(), 2 * file.bytes.len() as u64);
    }
}

#[tokio::test]
async fn an_old_file_of_a_cache_is_passed_over_when_the_server_has_another() {
    for (old, new) in files().into_iter().zip([TestFile::new(11, 1000), TestFile::new(101, 10_000)])
    {
        let wanted = FileHash::Blake3(Digest::of(&new.bytes));
        let cached = Held::new(old, Some("\"one\""));
        let origin = Held::new(new.clone(), Some("\"two\""));
        let server = Server::start(move |exchange| {
            // The first that is asked past it brings it up to date, as caches do.
            let past = exchange.request.header("cache-control") == Some("no-cache");
            let changed = exchange.request.header("if-range") == Some("\"two\"");
            let held = if past || changed { origin.clone() } else { cached.clone() };
            async move { held.answer(exchange).await }
        })
        .await;
        let (result, named) = download(&server, wanted).await;
        result.expect("the new one");
        assert!(named.expect("a file") == *new.bytes);
    }
}
