//! What each fault looks like to a client.

use crate::world::{SIZE, World, data, plain_client, read_until_end, text};
use headstart_serve::{
    Fault, FaultKind, FaultPlan, FaultRule, Frequency, Outcome, Script, ShutdownOutcome,
};
use reqwest::{Client, StatusCode, redirect::Policy};
use std::time::{Duration, Instant};

async fn world_with(kind: FaultKind) -> World {
    let world = World::new().await;
    world.faults.set_plan(FaultPlan::new(7).with(FaultRule::new(kind, Frequency::Always)));
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_closes_the_connection_after_the_exact_byte() {
    let mut world = World::new().await;
    for at in [0, 1, 1_000, 131_072, 299_999] {
        let cut = Fault::after_bytes(FaultKind::Cut, at);
        world.faults.set_script(Script::of_requests([(1, cut)]));
        let response = world.get("data", &[]).await;
        assert_eq!(response.content_length(), Some(SIZE as u64));
        let (bytes, whole) = read_until_end(response).await;
        assert!(!whole, "cut after {at}");
        assert!(bytes == data()[..usize::try_from(at).unwrap()], "cut after {at}: {}", bytes.len());
        let event = world.event().await;
        assert_eq!((event.fault, event.outcome), (Some(FaultKind::Cut), Outcome::Aborted));
        assert_eq!(event.bytes_sent, at);
    }
    let (bytes, whole) = read_until_end(world.get("data", &[]).await).await;
    assert!(whole && bytes == data(), "the next request is well served");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_over_http2_ends_the_body_early() {
    let world = world_with(FaultKind::Cut).await;
    let client = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let response = client.get(world.url("data")).send().await.unwrap();
    let (bytes, whole) = read_until_end(response).await;
    assert!(!whole);
    assert!(bytes.len() < SIZE * 3 / 4 && data().starts_with(&bytes), "{}", bytes.len());
}

#[tokio::test]
async fn drawn_cuts_fall_into_the_middle_and_let_a_resuming_client_through() {
    let world = world_with(FaultKind::Cut).await;
    let mut bytes: Vec<u8> = Vec::new();
    let mut rounds = 0;
    while bytes.len() < SIZE {
        let range = format!("bytes={}-", bytes.len());
        bytes.extend(read_until_end(world.get("data", &[("range", &range)]).await).await.0);
        rounds += 1;
        assert!(rounds < 100, "{} bytes after {rounds} rounds", bytes.len());
        if SIZE - bytes.len() < 4 {
            world.faults.clear();
        }
    }
    assert!(rounds > 3 && bytes == data());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stall_sends_a_part_and_ends_with_the_server() {
    let world = World::new().await;
    let stall = Fault::after_bytes(FaultKind::Stall, 1_000);
    world.faults.set_script(Script::of_requests([(1, stall)]));
    let mut response = world.get("data", &[]).await;
    let mut bytes = Vec::new();
    while bytes.len() < 1_000 {
        bytes.extend_from_slice(&response.chunk().await.unwrap().unwrap());
    }
    assert_eq!(bytes, data()[..1_000]);
    let (rest, outcome) = tokio::join!(response.chunk(), world.server.shutdown());
    assert!(rest.is_err(), "the body never went on");
    assert_eq!(outcome, ShutdownOutcome::Finished);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_client_that_leaves_is_noticed() {
    for http2 in [false, true] {
        let mut world = world_with(FaultKind::Stall).await;
        let client = if http2 {
            Client::builder().no_proxy().http2_prior_knowledge()
        } else {
            plain_client()
        };
        let client = client.build().unwrap();
        let mut response = client.get(world.url("data")).send().await.unwrap();
        response.chunk().await.unwrap();
        drop((response, client));
        let event = world.event().await;
        assert_eq!((event.fault, event.outcome), (Some(FaultKind::Stall), Outcome::Aborted));
    }
}

#[tokio::test]
async fn slow_body_drips_but_is_whole() {
    let world = world_with(FaultKind::Slow).await;
    let started = Instant::now();
    let body = world.get("data", &[("range", "bytes=0-5119")]).await.bytes().await.unwrap();
    assert!(body == data()[..5_120]);
    // Five drips of a kibibyte with a pause before all but the first.
    assert!(started.elapsed() >= Duration::from_millis(80), "{:?}", started.elapsed());
}

#[tokio::test]
async fn statuses_are_those_asked_for() {
    let world = world_with(FaultKind::Status500).await;
    assert_eq!(world.get("data", &[]).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let world = world_with(FaultKind::Status503).await;
    let response = world.get("data", &[]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(response.headers(), "retry-after"), Some("1"));
}

#[tokio::test]
async fn ignored_range_gets_the_whole_file() {
    let world = world_with(FaultKind::IgnoreRange).await;
    let response = world.get("data", &[("range", "bytes=10-19")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.bytes().await.unwrap() == data());
}

#[tokio::test]
async fn wrong_range_is_honestly_labelled() {
    let world = world_with(FaultKind::WrongRange).await;
    for asked in ["10000-19999", "0-9"] {
        let response = world.get("data", &[("range", &format!("bytes={asked}"))]).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        let label = text(response.headers(), "content-range").unwrap().to_owned();
        let given = label.strip_prefix("bytes ").unwrap().strip_suffix("/300000").unwrap();
        assert_ne!(given, asked);
        let (first, last) = given.split_once('-').unwrap();
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        assert!(response.bytes().await.unwrap() == data()[first..=last]);
    }
}

#[tokio::test]
async fn truncated_body_agrees_with_its_length() {
    let world = world_with(FaultKind::Truncate).await;
    let response = world.get("data", &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let promised = response.content_length().unwrap();
    let body = response.bytes().await.unwrap();
    assert_eq!(promised, body.len() as u64);
    assert!(!body.is_empty() && body.len() < SIZE && data().starts_with(&body));
}

#[tokio::test]
async fn corrupt_body_differs_in_a_few_bytes_only() {
    let world = world_with(FaultKind::Corrupt).await;
    let body = world.get("data", &[]).await.bytes().await.unwrap();
    assert_eq!(body.len(), SIZE);
    let wrong = body.iter().zip(data()).filter(|(got, sent)| *got != sent).count();
    assert!((1..=3).contains(&wrong), "{wrong} bytes differ");
}

#[tokio::test]
async fn changed_tag_never_lets_a_download_resume() {
    let world = world_with(FaultKind::ChangeEtag).await;
    let mut tags = Vec::new();
    for _ in 0..3 {
        let response = world.get("data", &[]).await;
        tags.push(text(response.headers(), "etag").unwrap().to_owned());
    }
    assert!(tags[0] != tags[1] && tags[1] != tags[2]);
    let resume = [("range", "bytes=10-"), ("if-range", tags[2].as_str())];
    assert_eq!(world.get("data", &resume).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn redirect_loop_has_no_end_even_if_only_the_first_request_is_struck() {
    let world = World::new().await;
    let once = FaultRule::new(FaultKind::RedirectLoop, Frequency::First(1));
    world.faults.set_plan(FaultPlan::new(0).with(once));
    let client = plain_client().redirect(Policy::limited(10)).build().unwrap();
    assert!(client.get(world.url("data")).send().await.unwrap_err().is_redirect());
    let response = client.get(world.url("data")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn faults_can_be_set_and_cleared_while_the_server_runs() {
    let mut world = World::new().await;
    let rule = FaultRule::new(FaultKind::Status500, Frequency::First(2)).on_paths("/bundles/");
    world.faults.set_plan(FaultPlan::new(0).with(rule));
    let mut statuses = Vec::new();
    for path in ["data", "bundles/b1", "data", "bundles/b1", "bundles/b1"] {
        statuses.push(world.get(path, &[]).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 500, 200, 500, 200]);
    world.faults.set_plan(FaultPlan::of_kinds(3, FaultKind::ALL));
    world.faults.clear();
    assert_eq!(world.get("bundles/b1", &[]).await.status(), StatusCode::OK);
    assert_eq!(world.event().await.fault, None);
    assert_eq!(world.event().await.fault, Some(FaultKind::Status500));
}

#[tokio::test]
async fn same_seed_makes_the_same_mistakes() {
    let kinds = [FaultKind::Status500, FaultKind::Status503, FaultKind::Corrupt];
    let mut runs = Vec::new();
    for seed in [11, 11, 12] {
        let world = World::new().await;
        world.faults.set_plan(FaultPlan::of_kinds(seed, kinds));
        let mut fates = Vec::new();
        for _ in 0..30 {
            let response = world.get("bundles/b1", &[]).await;
            fates.push((response.status().as_u16(), response.bytes().await.unwrap()));
        }
        runs.push(fates);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}
