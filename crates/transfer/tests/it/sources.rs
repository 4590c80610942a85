//! Several copies of one file.

use headstart_transfer::TransferError;

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
async fn the_first_source_gives_everything_while_it_is_good() {
    let file = TestFile::new(8, 1000);
    let (first, second) = (server(&file, Habit::Good).await, server(&file, Habit::Good).await);
    let request = file.request(&[first.url("f"), second.url("f")], 0..8, 2);
    fetch(&client(), &request).await.assert_complete(&request);
    assert!(second.log.requests().is_empty());
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
    assert_eq!((one.log.requests().len(), two.log.requests().len()), (1, 1));
}
