//! Redirects, and what must not travel along with them.

use headstart_transfer::{
    Client, ClientConfig, ExtraHeader, HeaderScope, SmallRequest, SmallResponse, Tracking,
    TransferError, Violation,
};
use url::Url;

use crate::server::Server;
use crate::support::{client, client_with, config};

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
