//! TLS and HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use headstart_model::ErrorKind;
use headstart_transfer::{Client, ClientConfig, SmallRequest, Tracking, TransferError, Violation};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use url::Url;

use crate::server::Server;
use crate::support::{TestFile, client, client_with, config, fetch};

/// A certificate for the loopback address, as an acceptor and as the PEM that trusts it.
fn identity(protocols: &[&[u8]]) -> (TlsAcceptor, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider's versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a fitting key");
    server.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    (TlsAcceptor::from(Arc::new(server)), made.cert.pem().into_bytes())
}

fn trusting(pem: Vec<u8>) -> Client {
    client_with(ClientConfig { extra_authorities: vec![pem], ..config() })
}

async fn tls_server(acceptor: TlsAcceptor, location: &'static str) -> Server {
    let answer = move |mut exchange: crate::server::Exchange| async move {
        if exchange.request.path == "/away" {
            exchange.answer(302, &[format!("location: {location}")], b"").await;
        } else {
            exchange.answer(200, &[], b"safe").await;
        }
        Some(exchange)
    };
    Server::start_with(answer, Some(acceptor)).await
}

#[tokio::test]
async fn an_extra_authority_is_trusted() {
    let (acceptor, pem) = identity(&[]);
    let server = tls_server(acceptor, "").await;
    let request = SmallRequest::new(server.url("f"), 10);
    trusting(pem).fetch_small(&request, &Tracking::new("test")).await.expect("an answer");
}

#[tokio::test]
async fn an_unknown_certificate_is_typed_and_not_tried_again() {
    let (acceptor, _) = identity(&[]);
    let server = tls_server(acceptor, "").await;
    let tracking = Tracking::new("test");
    let request = SmallRequest::new(server.url("f"), 10);
    let error = client().fetch_small(&request, &tracking).await.expect_err("not trusted");
    assert!(matches!(error, TransferError::Certificate { .. }), "{error:?}");
    assert_eq!(error.error_kind(), ErrorKind::Untrusted);
    assert_eq!(tracking.meter().ledger().total().requests, 1);
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_refused() {
    let (acceptor, pem) = identity(&[]);
    // Plain HTTP to loopback is allowed by the settings, but not as a way down from https.
    let server = tls_server(acceptor, "http://127.0.0.1:9/f").await;
    let request = SmallRequest::new(server.url("away"), 10);
    let error = trusting(pem).fetch_small(&request, &Tracking::new("test")).await;
    let expected = Violation::RedirectRefused { target: "http://127.0.0.1:9/f".to_owned() };
    assert!(
        matches!(error, Err(TransferError::Unusable { violation, .. }) if violation == expected)
    );
}

/// An HTTP/2 server that lets requests after the first wait until `together` of them are there.
async fn http2_server(
    acceptor: TlsAcceptor,
    file: TestFile,
    together: usize,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, barrier) = (connections.clone(), Arc::new(Barrier::new(together)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let stream = acceptor.accept(stream).await.expect("a client that trusts us");
            let (file, requests, barrier) = (file.clone(), requests.clone(), barrier.clone());
            let service = service_fn(move |request| {
                let first = requests.fetch_add(1, Ordering::SeqCst) == 0;
                let (file, barrier) = (file.clone(), barrier.clone());
                async move {
                    if !first {
                        barrier.wait().await;
                    }
                    Ok::<_, Infallible>(part_of(&file, &request))
                }
            });
            let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, connections)
}

fn part_of(file: &TestFile, request: &Request<hyper::body::Incoming>) -> Response<Full<Bytes>> {
    let range = request.headers()["range"].to_str().expect("ASCII");
    let (first, last) = range[6..].split_once('-').expect("a range");
    let (start, end) = (first.parse().expect("first"), last.parse::<usize>().expect("last") + 1);
    let body = Full::new(Bytes::copy_from_slice(&file.bytes[start..end]));
    let named = format!("bytes {start}-{}/{}", end - 1, file.bytes.len());
    Response::builder().status(206).header("content-range", named).body(body).expect("an answer")
}

#[tokio::test]
async fn ranges_share_one_http2_connection() {
    let file = TestFile::new(9, 50_000);
    let (acceptor, pem) = identity(&[b"h2", b"http/1.1"]);
    // With a barrier of four, the eight requests behind the first only get through side by side.
    let (address, connections) = http2_server(acceptor, file.clone(), 4).await;
    let url = Url::parse(&format!("https://{address}/f")).expect("a URL");
    let concurrency = NonZeroUsize::new(4).expect("not zero");
    let client =
        client_with(ClientConfig { concurrency, extra_authorities: vec![pem], ..config() });
    let request = file.request(&[url], 0..9, 1);
    let fetched = fetch(&client, &request).await;
    fetched.assert_complete(&request);
    assert_eq!(fetched.counts().body_bytes, 450_000);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
