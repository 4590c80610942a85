//! Redirects, and what must not travel along with them.

use std::sync::Arc;

use async_trait::async_trait;
use headstart_transfer::{
    Authenticator, Challenge, Client, ClientConfig, Credential, Disposition, ExtraHeader,
    FileRequest, HeaderScope, Secret, SmallRequest, SmallResponse, Tracking, TransferError,
    Violation,
};
use url::Url;

use crate::server::{Exchange, Server, content_range};
use crate::support::{Collector, TestFile, client, client_with, config};

/// Redirects every path but `/end` to where `to` says.
async fn redirecting(to: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    let to = std::sync::Arc::new(to);
    Server::start(move |mut exchange| {
        let to = to.clone();
        async move {
            if exchange.request.path == "/end" {
                exchange.answer(200, &[], b"arrived").await;
            } else {
                let location = format!("location: {}", to(&exchange.request.path));
                exchange.answer(302, &[location], b"moved").await;
            }
            Some(exchange)
        }
    })
    .await
}

async fn get(client: &Client, url: Url) -> Result<SmallResponse, TransferError> {
    client.fetch_small(&SmallRequest::new(url, 100), &Tracking::new("test")).await
}

fn token(scope: HeaderScope) -> ExtraHeader {
    ExtraHeader { scope, name: "x-token".to_owned(), value: "secret".to_owned() }
}

fn violation(result: Result<SmallResponse, TransferError>) -> Violation {
    match result {
        Err(TransferError::Unusable { violation, .. }) => violation,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn relative_redirects_are_followed_and_counted() {
    let server = redirecting(|path| if path == "/a" { "b".into() } else { "/end".into() }).await;
    let tracking = Tracking::new("test");
    let request = SmallRequest::new(server.url("a"), 100);
    let body = client().fetch_small(&request, &tracking).await.expect("an answer");
    assert!(matches!(body, SmallResponse::Body(body) if body.bytes == "arrived"));
    let counts = tracking.meter().ledger().total();
    assert_eq!((counts.requests, counts.body_bytes, counts.useful_bytes), (3, 5 + 5 + 7, 7));
    assert_eq!(server.log.body_bytes(), counts.body_bytes);
}

#[tokio::test]
async fn a_loop_ends_after_five_redirects() {
    let server = redirecting(|_| "/again".into()).await;
    let refused = violation(get(&client(), server.url("a")).await);
    assert_eq!(refused, Violation::TooManyRedirects { limit: 5 });
    assert_eq!(server.log.requests().len(), 6, "and is not tried again");
}

#[tokio::test]
async fn forbidden_targets_are_not_followed() {
    for target in ["http://192.0.2.1/x?token=1", "file:///etc/passwd", "http://"] {
        let server = redirecting(|_| target.to_owned()).await;
        let refused = violation(get(&client(), server.url("a")).await);
        let Violation::RedirectRefused { target: shown } = refused else { panic!("{refused:?}") };
        assert!(!shown.contains("token"), "{shown}");
        assert_eq!(server.log.requests().len(), 1);
    }
}

#[tokio::test]
async fn credentials_stay_with_the_host_that_they_are_for() {
    let other = redirecting(|_| "/end".into()).await;
    let target = other.url("end").to_string();
    let first =
        redirecting(move |path| if path == "/a" { "/b".into() } else { target.clone() }).await;
    let client =
        client_with(ClientConfig { headers: vec![token(HeaderScope::EverySource)], ..config() });
    let mut url = first.url("a");
    url.set_username("me").expect("a host");
    url.set_password(Some("secret")).expect("a host");
    get(&client, url).await.expect("an answer");
    for seen in first.log.requests() {
        assert_eq!(seen.header("x-token"), Some("secret"), "{}", seen.path);
        assert!(seen.header("authorization").is_some(), "{}", seen.path);
    }
    let [seen] = &other.log.requests()[..] else { panic!("one request") };
    assert_eq!((seen.header("x-token"), seen.header("authorization")), (None, None));
    assert_eq!((seen.header("referer"), seen.header("cookie")), (None, None));
}

#[tokio::test]
async fn a_header_for_one_origin_reaches_only_that_one() {
    let (one, two) = (redirecting(|_| "/end".into()).await, redirecting(|_| "/end".into()).await);
    let headers = vec![token(HeaderScope::Origin(one.url("whatever")))];
    let client = client_with(ClientConfig { headers, ..config() });
    get(&client, one.url("end")).await.expect("an answer");
    get(&client, two.url("end")).await.expect("an answer");
    assert_eq!(one.log.requests()[0].header("x-token"), Some("secret"));
    assert_eq!(two.log.requests()[0].header("x-token"), None);
}

/// Renews a header.
struct Renewing;

#[async_trait]
impl Authenticator for Renewing {
    async fn answer(&self, _: &Challenge) -> Disposition {
        let (name, value) = ("x-token".to_owned(), Secret::new("secret"));
        Disposition::UseCredential(Credential::Header { name, value })
    }
}

/// The file, or the part that is asked for.
async fn answer_file(exchange: &mut Exchange, file: &[u8]) {
    let etag = "etag: \"one\"".to_owned();
    match exchange.request.range(file.len()) {
        Some((start, end)) => {
            let range = content_range(start, end, file.len());
            exchange.answer(206, &[range, etag], &file[start..end]).await;
        }
        None => exchange.answer(200, &[etag], file).await,
    }
}

/// A server that is private at its address and open under its name. `/near` is redirected to the file there, `/named` to the same
/// by name, `/far` to `away`.
async fn private(file: &TestFile, away: Url) -> Server {
    let bytes = Arc::clone(&file.bytes);
    Server::start(move |mut exchange| {
        let (bytes, away) = (Arc::clone(&bytes), away.clone());
        async move {
            let host = exchange.request.header("host").unwrap_or_default();
            let is_opened = exchange.request.header("x-token") == Some("secret");
            let to = match exchange.request.path.as_str() {
                "/near" => "/end".to_owned(),
                "/named" => format!("http://{}/end", host.replace("127.0.0.1", "localhost")),
                "/far" => away.to_string(),
                _ => String::new(),
            };
            if !is_opened && host.starts_with("127.") {
                exchange.answer(401, &[], b"who?").await;
            } else if to.is_empty() {
                answer_file(&mut exchange, &bytes).await;
            } else {
                exchange.answer(302, &[format!("location: {to}")], b"moved").await;
            }
            Some(exchange)
        }
    })
    .await
}

/// A server that gives the file to everybody.
async fn open(file: &TestFile) -> Server {
    let bytes = Arc::clone(&file.bytes);
    Server::start(move |mut exchange| {
        let bytes = Arc::clone(&bytes);
        async move {
            answer_file(&mut exchange, &bytes).await;
            Some(exchange)
        }
    })
    .await
}

/// Fetches the file at `url` in each way there is.
async fn get_all_ways(client: &Client, url: &Url, file: &TestFile) {
    let tracking = Tracking::new("test").with_authenticator(Arc::new(Renewing));
    let length = file.bytes.len() as u64;
    client.fetch_small(&SmallRequest::new(url.clone(), length), &tracking).await.expect("small");
    let folder = tempfile::tempdir().expect("a folder");
    let request = FileRequest::new(url.clone(), folder.path().join("file"), length);
    client.download_file(&request, &tracking).await.expect("a file");
    let request = file.request(std::slice::from_ref(url), 0..40, 10);
    let mut sink = Collector::default();
    client.fetch_blocks(&request, &mut sink, &tracking).await.expect("blocks");
}

#[tokio::test]
async fn the_header_of_a_private_server_follows_only_redirects_within_it() {
    // Long enough for several ranges.
    let file = TestFile::new(40, 10_000);
    // One that the app gave, and one that it renews when the server asks.
    for given in ["secret", "old"] {
        let other = open(&file).await;
        let first = private(&file, other.url("end")).await;
        let scope = HeaderScope::Origin(first.url(""));
        let headers = vec![ExtraHeader { value: given.to_owned(), ..token(scope) }];
        let client = client_with(ClientConfig { headers, ..config() });
        for start in ["near", "named", "far"] {
            get_all_ways(&client, &first.url(start), &file).await;
        }
        let (near, named): (Vec<_>, Vec<_>) = first
            .log
            .requests()
            .into_iter()
            .partition(|seen| seen.header("host").is_some_and(|host| host.starts_with("127.")));
        assert!(near.iter().any(|seen| seen.path == "/end"), "a redirect was followed there");
        assert!(near.iter().all(|seen| seen.header("x-token").is_some()));
        for elsewhere in [named, other.log.requests()] {
            assert!(elsewhere.len() >= 3, "once for each way at least");
            assert!(elsewhere.iter().all(|seen| seen.header("x-token").is_none()));
        }
    }
}
