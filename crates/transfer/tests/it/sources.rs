//! Several copies of one file.

use std::sync::Arc;

use headstart_transfer::{LocalCopy, TransferError};
use tokio::sync::Notify;

use crate::server::Server;
use crate::support::{TestFile, client, fetch, one_at_a_time};

/// What a server does with every request.
#[derive(Clone, Copy)]
enum Habit {
    Good,
    Missing,
    Lying,
    Broken,
}

async fn server(file: &TestFile, habit: Habit) -> Server {
    let file = file.clone();
    Server::start(move |mut exchange| {
        let file = file.clone();
        async move {
            match habit {
                Habit::Good => exchange.serve(&file.bytes).await,
                Habit::Missing => exchange.answer(404, &[], b"").await,
                Habit::Lying => exchange.serve(&vec![0; file.bytes.len()]).await,
                Habit::Broken => return None,
            }
            Some(exchange)
        }
    })
    .await
}

#[tokio::test]
async fn good_servers_share_the_work() {
    let file = TestFile::new(8, 1000);
    let asked = Arc::new(Notify::new());
    let (original, second_asked) = (file.clone(), asked.clone());
    let first = Server::start(move |mut exchange| {
        let (file, second_asked) = (original.clone(), second_asked.clone());
        async move {
            let part = exchange.part_head(&file.bytes).await;
            if exchange.request.number == 0 {
                second_asked.notified().await;
            }
            exchange.body(part).await;
            Some(exchange)
        }
    })
    .await;
    let original = file.clone();
    let second = Server::start(move |mut exchange| {
        let (file, asked) = (original.clone(), asked.clone());
        async move {
            asked.notify_one();
            exchange.serve(&file.bytes).await;
            Some(exchange)
        }
    })
    .await;
    let request = file.request(&[first.url("f"), second.url("f")], 0..8, 2);
    let fetched = fetch(&client(), &request).await;
    fetched.assert_complete(&request);
    let ledger = fetched.tracking.meter().ledger();
    assert!(ledger.sources.iter().all(|source| source.counts.useful_bytes > 0), "{ledger:?}");
    assert_eq!((ledger.total().body_bytes, ledger.total().wasted_bytes()), (8000, 0));
}

#[tokio::test]
async fn a_copy_on_this_machine_is_read_first_and_a_wrong_one_costs_nothing_but_a_look() {
    let file = TestFile::new(8, 1000);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("Pack.assetpack");
    let archive = |bundle: &[u8]| [&[7; 200], bundle, b"the rest"].concat();
    for (bundle, from_server) in [(file.bytes.to_vec(), 0), (vec![0; 8000], 8000)] {
        std::fs::write(&path, archive(&bundle)).expect("written");
        let good = server(&file, Habit::Good).await;
        let mut request = file.request(&[good.url("f")], 0..8, 8);
        request.sources.push(LocalCopy::within(path.clone(), 200).into());
        let fetched = fetch(&one_at_a_time(), &request).await;
        fetched.assert_complete(&request);
        let ledger = fetched.tracking.meter().ledger();
        let useful: Vec<_> =
            ledger.sources.iter().map(|source| source.counts.useful_bytes).collect();
        assert_eq!(useful, [from_server, 8000 - from_server]);
        assert_eq!(good.log.body_bytes(), from_server);
    }
    let mut request = file.request(&[], 0..8, 8);
    request.sources.push(LocalCopy::new(folder.path().join("none")).into());
    let fetched = fetch(&client(), &request).await;
    assert_eq!(fetched.error().to_failure().code.as_str(), "copyUnreadable");
}

#[tokio::test]
async fn a_bad_source_gives_way_and_the_ledger_says_who_gave_what() {
    let file = TestFile::new(8, 1000);
    for habit in [Habit::Missing, Habit::Lying, Habit::Broken] {
        let (bad, good) = (server(&file, habit).await, server(&file, Habit::Good).await);
        let request = file.request(&[bad.url("f"), good.url("f")], 0..8, 8);
        let fetched = fetch(&one_at_a_time(), &request).await;
        fetched.assert_complete(&request);
        let ledger = fetched.tracking.meter().ledger();
        let [from_bad, from_good] = &ledger.sources[..] else { panic!("{ledger:?}") };
        assert_eq!(from_bad.origin, bad.url("f").origin().ascii_serialization());
        assert_eq!((from_bad.counts.requests, from_bad.counts.retries), (1, 1));
        assert_eq!(from_bad.counts.useful_bytes, 0);
        assert_eq!((from_good.counts.body_bytes, from_good.counts.useful_bytes), (8000, 8000));
    }
}

#[tokio::test]
async fn however_many_sources_are_bad_a_good_one_is_asked() {
    let file = TestFile::new(8, 1000);
    for habit in [Habit::Missing, Habit::Lying, Habit::Broken] {
        // More than there are attempts.
        let mut servers = Vec::new();
        for _ in 0..4 {
            servers.push(server(&file, habit).await);
        }
        servers.push(server(&file, Habit::Good).await);
        let urls: Vec<_> = servers.iter().map(|server| server.url("f")).collect();
        let request = file.request(&urls, 0..8, 8);
        fetch(&one_at_a_time(), &request).await.assert_complete(&request);
        assert!(servers.iter().all(|server| server.log.requests().len() == 1));
    }
}

#[tokio::test]
async fn when_no_source_is_left_the_last_error_is_told() {
    let file = TestFile::new(8, 1000);
    let (one, two) = (server(&file, Habit::Missing).await, server(&file, Habit::Missing).await);
    let request = file.request(&[one.url("f"), two.url("g")], 0..8, 2);
    let fetched = fetch(&client(), &request).await;
    let TransferError::NotFound { url } = fetched.error() else { panic!("{:?}", fetched.error()) };
    assert_eq!(url.as_str(), two.url("g").as_str());
    assert_eq!(fetched.counts().requests, 2);
}

#[tokio::test]
async fn sources_that_all_lie_end_as_corrupt() {
    let file = TestFile::new(8, 1000);
    let (one, two) = (server(&file, Habit::Lying).await, server(&file, Habit::Lying).await);
    let request = file.request(&[one.url("f"), two.url("f")], 0..8, 8);
    let fetched = fetch(&one_at_a_time(), &request).await;
    assert!(matches!(fetched.error(), TransferError::Corrupt { offset: 0, .. }));
    assert!(fetched.sink.0.is_empty());
    // The first lie is not held against the second server.
    assert_eq!((one.log.requests().len(), two.log.requests().len()), (2, 1));
}
