//! Limits and background transfers, over real connections.

use std::num::NonZeroU32;
use std::time::Instant;

use headstart_transfer::{Limit, Notice, Pace, Rate, SmallRequest, Tracking, Urgency};

use crate::server::Server;
use crate::support::{Collector, TestFile, client, client_with, config};

async fn good(file: &TestFile) -> Server {
    let file = file.clone();
    Server::start(move |mut exchange| {
        let file = file.clone();
        async move {
            exchange.serve(&file.bytes).await;
            Some(exchange)
        }
    })
    .await
}

#[tokio::test]
async fn a_limit_holds_for_blocks_and_metadata_together() {
    let file = TestFile::new(10, 50_000);
    let server = good(&file).await;
    let limit = Limit::default();
    limit.set_rate(Rate::bytes_per_second(1_000_000));
    let tracking =
        |name: &str| Tracking::new(name).with_pace(Pace::new(limit.child(), Urgency::Foreground));
    let (blocks, small) = (tracking("blocks"), tracking("metadata"));
    let request = file.request(&[server.url("f")], 0..10, 2);
    let ask = SmallRequest::new(server.url("f"), 1_000_000);
    let (client, mut sink) = (client(), Collector::default());
    let began = Instant::now();
    let (fetched, metadata) = tokio::join!(
        client.fetch_blocks(&request, &mut sink, &blocks),
        client.fetch_small(&ask, &small)
    );
    fetched.expect("the blocks");
    metadata.expect("the metadata");
    assert_eq!(sink.0.len(), 10);
    // A million bytes, less the burst and what was read last, which nobody waits for.
    assert!(began.elapsed().as_secs_f64() > 0.5, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_background_transfer_is_promoted_without_a_new_request() {
    let file = TestFile::new(40, 50_000);
    let server = good(&file).await;
    let pace = Pace::new(Limit::default(), Urgency::Background);
    let tracking = Tracking::new("test").with_pace(pace.clone());
    let request = file.request(&[server.url("f")], 0..40, 40);
    let (client, mut sink) = (client(), Collector::default());
    let promote = async {
        let mut ledger = tracking.meter().subscribe();
        ledger.wait_for(|ledger| ledger.total().useful_bytes > 0).await.expect("counted");
        pace.set_urgency(Urgency::Foreground);
    };
    let (fetched, ()) = tokio::join!(client.fetch_blocks(&request, &mut sink, &tracking), promote);
    fetched.expect("the blocks");
    assert_eq!((sink.0.len(), pace.urgency()), (40, Urgency::Foreground));
    let counts = tracking.meter().ledger().total();
    assert_eq!((counts.requests, counts.wasted_bytes()), (1, 0));
}

#[tokio::test]
async fn a_transfer_for_which_somebody_begins_to_wait_gives_up_as_soon_as_others_that_are_waited_for()
 {
    let server = Server::start(|mut exchange| async move {
        exchange.answer(503, &[], b"sorry").await;
        Some(exchange)
    })
    .await;
    let mut config = config();
    config.retry.attempts = NonZeroU32::new(6).expect("not zero");
    config.retry.urgent_attempts = NonZeroU32::new(2);
    for (begins, promoted, attempts) in [
        (Urgency::Background, false, 6),
        (Urgency::Background, true, 2),
        (Urgency::Foreground, false, 2),
    ] {
        let client = client_with(config.clone());
        let pace = Pace::new(Limit::default(), begins);
        let tracking = Tracking::new("test").with_pace(pace.clone()).with_listener(move |notice| {
            if promoted && matches!(notice, Notice::Retrying { .. }) {
                pace.set_urgency(Urgency::Foreground);
            }
        });
        let request = SmallRequest::new(server.url("f"), 10);
        let result = client.fetch_small(&request, &tracking).await;
        result.expect_err("the server never answers");
        assert_eq!(tracking.meter().ledger().total().requests, attempts, "{begins:?} {promoted}");
    }
}
