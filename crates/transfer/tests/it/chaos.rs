//! A server that does something bad again and again, chosen at random from a seed: the result is the right bytes or a typed
//! error, and the account always holds.

use std::num::NonZeroU32;
use std::sync::Arc;

use headstart_model::Digest;
use headstart_transfer::{
    Client, ClientConfig, FileHash, FileRequest, Jitter, Tracking, TransferError,
};

use crate::server::{Exchange, Server, content_range};
use crate::support::{TestFile, client_with, config, fetch};

const SEEDS: u64 = 60;
const BLOCKS: usize = 24;

/// A number below `bound`.
fn below(random: &Jitter, bound: usize) -> usize {
    usize::try_from(random.next() % bound as u64).expect("below a usize")
}

/// Answers with one fault in two of three cases. None closes the connection.
async fn misbehave(mut exchange: Exchange, file: &[u8], random: &Jitter) -> Option<Exchange> {
    let (start, end) = exchange.request.range(file.len())?;
    let cut = start + below(random, end - start);
    match below(random, 12) {
        0 => return None,
        1 => exchange.answer(503, &["retry-after: 9".to_owned()], b"busy").await,
        2 => {
            exchange.part_head(file).await;
            exchange.body(&file[start..cut]).await;
            return None;
        }
        3 => {
            let named = content_range(start + 1, end + 1, file.len() + 1);
            exchange.answer(206, &[named], &file[start..end]).await;
        }
        4 => {
            let mut lie = file.to_vec();
            lie[cut] ^= 0x40;
            exchange.serve(&lie).await;
        }
        5 => exchange.answer(200, &[], file).await,
        6 if cut > start => {
            let named = content_range(start, cut, file.len());
            exchange.answer(206, &[named], &file[start..cut]).await;
        }
        7 => {
            exchange.raw(b"HTP/1.1 nonsense\r\n\r\n").await;
            return None;
        }
        _ => exchange.serve(file).await,
    }
    Some(exchange)
}

async fn server(file: &TestFile, seed: u64) -> Server {
    let (file, random) = (file.clone(), Arc::new(Jitter::new(seed)));
    Server::start(move |exchange| {
        let (file, random) = (file.clone(), random.clone());
        async move { misbehave(exchange, &file.bytes, &random).await }
    })
    .await
}

fn client(attempts: u32) -> Client {
    let mut config: ClientConfig = config();
    config.retry.attempts = NonZeroU32::new(attempts).expect("not zero");
    config.retry.corrupt_attempts = config.retry.attempts;
    client_with(config)
}

async fn survive(seed: u64, attempts: u32) -> bool {
    let file = TestFile::new(BLOCKS, 3000);
    let (one, two) = (server(&file, seed).await, server(&file, !seed).await);
    let request = file.request(&[one.url("f"), two.url("f")], 0..BLOCKS, 3);
    let fetched = fetch(&client(attempts), &request).await;
    let delivered: usize = fetched.sink.0.values().map(bytes::Bytes::len).sum();
    let counts = fetched.counts();
    assert_eq!(counts.useful_bytes, delivered as u64, "seed {seed}");
    assert!(counts.body_bytes >= counts.useful_bytes + counts.skipped_bytes, "seed {seed}");
    let sent = one.log.body_bytes() + two.log.body_bytes();
    assert!(counts.body_bytes <= sent, "seed {seed}");
    match &fetched.result {
        Ok(()) => {
            let bytes: Vec<u8> = fetched.sink.0.values().flatten().copied().collect();
            assert!(bytes == *file.bytes, "seed {seed}");
            true
        }
        Err(TransferError::Request(_) | TransferError::Sink(_) | TransferError::File { .. }) => {
            panic!("seed {seed}: {:?}", fetched.result)
        }
        Err(error) => {
            assert!(error.is_retryable(), "seed {seed}: {error:?}");
            false
        }
    }
}

#[tokio::test]
async fn with_attempts_to_spare_the_right_bytes_always_arrive() {
    for seed in 0..SEEDS {
        assert!(survive(seed, 50).await, "seed {seed}");
    }
}

#[tokio::test]
async fn with_few_attempts_the_end_is_right_bytes_or_a_typed_error() {
    let mut arrived = 0;
    for seed in 0..SEEDS {
        arrived += u64::from(survive(seed, 2).await);
    }
    assert!((1..SEEDS).contains(&arrived), "{arrived} of {SEEDS}: both ends should be seen");
}

/// As [`misbehave`], for plain downloads: the answers have tags, and sometimes another one.
async fn misbehave_with_tags(
    mut exchange: Exchange,
    file: &[u8],
    random: &Jitter,
) -> Option<Exchange> {
    let etag = |tag: &str| format!("etag: \"{tag}\"");
    let Some((start, end)) = exchange.request.range(file.len()) else {
        exchange.answer(200, &[etag("one")], file).await;
        return Some(exchange);
    };
    let cut = start + below(random, end - start);
    let named = content_range(start, end, file.len());
    match below(random, 16) {
        0 => return None,
        1 => exchange.answer(503, &["retry-after: 9".to_owned()], b"busy").await,
        2 => {
            let length = format!("content-length: {}", end - start);
            exchange.head(206, &[named, etag("one"), length]).await;
            exchange.body(&file[start..cut]).await;
            return None;
        }
        3 => {
            let other = content_range(start + 1, end + 1, file.len() + 1);
            exchange.answer(206, &[other, etag("one")], &file[start..end]).await;
        }
        4 => {
            let mut lie = file.to_vec();
            lie[cut] ^= 0x40;
            exchange.answer(206, &[named, etag("one")], &lie[start..end]).await;
        }
        5 => exchange.answer(200, &[etag("one")], file).await,
        6 => exchange.answer(200, &[etag("two")], file).await,
        7 => exchange.answer(206, &[named, etag("two")], &file[start..end]).await,
        8 => {
            let none = format!("content-range: bytes */{}", file.len());
            exchange.answer(416, &[none], b"").await;
        }
        9 => {
            exchange.raw(b"HTP/1.1 nonsense\r\n\r\n").await;
            return None;
        }
        _ => exchange.answer(206, &[named, etag("one")], &file[start..end]).await,
    }
    Some(exchange)
}

async fn survive_as_file(seed: u64, blocks: usize, attempts: u32) -> bool {
    let file = TestFile::new(blocks, 30_000);
    let (served, random) = (file.clone(), Arc::new(Jitter::new(seed)));
    let server = Server::start(move |exchange| {
        let (file, random) = (served.clone(), random.clone());
        async move { misbehave_with_tags(exchange, &file.bytes, &random).await }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let mut request = FileRequest::new(server.url("f"), path.clone(), file.bytes.len() as u64);
    request.expected_bytes = Some(file.bytes.len() as u64);
    request.hash = Some(FileHash::Blake3(Digest::of(&file.bytes)));
    let result = client(attempts).download_file(&request, &Tracking::new("test")).await;
    match result {
        Ok(_) => {
            assert!(std::fs::read(&path).expect("a file") == *file.bytes, "seed {seed}");
            true
        }
        Err(TransferError::Request(_) | TransferError::File { .. }) => {
            panic!("seed {seed}: {result:?}")
        }
        Err(error) => {
            assert!(error.is_retryable(), "seed {seed}: {error:?}");
            assert!(!path.exists(), "seed {seed}");
            false
        }
    }
}

#[tokio::test]
async fn a_file_from_a_hostile_server_is_the_right_one_or_a_typed_error() {
    let mut arrived = 0;
    for seed in 0..SEEDS {
        // Short ones and ones that come by several ranges.
        let blocks = if seed % 2 == 0 { 3 } else { 30 };
        arrived += u64::from(survive_as_file(seed, blocks, 4).await);
    }
    assert!((1..SEEDS).contains(&arrived), "{arrived} of {SEEDS}: both ends should be seen");
}
