//! A server that does something bad again and again, chosen at random from a seed: the result is the right bytes or a typed
//! error, and the account always holds.

use std::num::NonZeroU32;
use std::sync::Arc;

use headstart_transfer::{Client, ClientConfig, Jitter, TransferError};

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
