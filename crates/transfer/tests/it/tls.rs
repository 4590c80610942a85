//! TLS and HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use headstart_model::ErrorKind;
use headstart_transfer::{
    AuthenticationMethod, Authenticator, Challenge, Client, ClientCertificate, ClientConfig,
    ConfigError, Credential, Disposition, SmallRequest, Tracking, TransferError, Violation,
};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
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
    // With a barrier of two, the eight requests behind the first only get through side by side.
    let (address, connections) = http2_server(acceptor, file.clone(), 2).await;
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

/// Trusts every server, and shows this certificate to those that want one.
#[derive(Clone)]
struct Trusting(Option<ClientCertificate>);

#[async_trait::async_trait]
impl Authenticator for Trusting {
    async fn answer(&self, challenge: &Challenge) -> Disposition {
        match challenge.space.method {
            AuthenticationMethod::ServerTrust => {
                assert_eq!(challenge.trust.as_ref().expect("a chain").chain.len(), 1);
                Disposition::UseCredential(Credential::TrustServer)
            }
            AuthenticationMethod::ClientCertificate => match &self.0 {
                Some(shown) => {
                    Disposition::UseCredential(Credential::ClientCertificate(shown.clone()))
                }
                None => Disposition::DefaultHandling,
            },
            _ => Disposition::DefaultHandling,
        }
    }
}

/// A server that wants to see a certificate, and the certificate that it accepts.
fn demanding() -> (TlsAcceptor, Vec<u8>, ClientCertificate) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let mine = rcgen::generate_simple_self_signed(["me".to_owned()]).expect("a certificate");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(mine.cert.der().clone()).expect("a certificate");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider's versions")
        .with_client_cert_verifier(verifier.build().expect("a root"))
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a fitting key");
    let shown = ClientCertificate {
        chain_pem: mine.cert.pem().into_bytes(),
        key_pem: mine.signing_key.serialize_pem().into_bytes(),
    };
    (TlsAcceptor::from(Arc::new(server)), made.cert.pem().into_bytes(), shown)
}

#[tokio::test]
async fn whoever_is_asked_may_trust_a_certificate_for_one_download() {
    let (acceptor, _) = identity(&[]);
    let server = tls_server(acceptor, "").await;
    let request = SmallRequest::new(server.url("f"), 10);
    let client = client();
    let tracking = Tracking::new("test").with_authenticator(Arc::new(Trusting(None)));
    client.fetch_small(&request, &tracking).await.expect("trusted");
    client.fetch_small(&request, &tracking).await.expect("trusted");
    let other = client.fetch_small(&request, &Tracking::new("other")).await;
    assert!(matches!(other, Err(TransferError::Certificate { .. })), "{other:?}");
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_gets_the_one_that_whoever_is_asked_gives() {
    let (acceptor, _, shown) = demanding();
    let server = tls_server(acceptor, "").await;
    let request = SmallRequest::new(server.url("f"), 10);
    let asked = |shown| Tracking::new("test").with_authenticator(Arc::new(Trusting(shown)));
    client().fetch_small(&request, &asked(Some(shown))).await.expect("let in");
    client().fetch_small(&request, &asked(None)).await.expect_err("refused");
}

#[tokio::test]
async fn a_certificate_of_the_settings_is_shown_to_the_named_server() {
    let (acceptor, pem, shown) = demanding();
    let server = tls_server(acceptor, "").await;
    let request = SmallRequest::new(server.url("f"), 10);
    let settings = |client_certificate| ClientConfig {
        client_certificate,
        extra_authorities: vec![pem.clone()],
        ..config()
    };
    let fetch =
        async |settings| client_with(settings).fetch_small(&request, &Tracking::new("test")).await;
    fetch(settings(Some(shown.clone()))).await.expect("let in");
    fetch(settings(None)).await.expect_err("refused");
    let broken = ClientCertificate { key_pem: b"no key".to_vec(), ..shown };
    let refused = Client::new(settings(Some(broken)), 0);
    assert!(matches!(refused, Err(ConfigError::ClientCertificate)), "{refused:?}");
}
