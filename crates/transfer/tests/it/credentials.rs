//! Questions for credentials, and who gets to see the answers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use headstart_model::ErrorKind;
use headstart_model::app_bundle::DomainPattern;
use headstart_transfer::{
    AuthenticationMethod, Authenticator, Challenge, ClientConfig, Credential, Disposition,
    ExtraHeader, FileRequest, HeaderScope, HostPolicy, LoopbackPolicy, Reach, RequestError, Secret,
    SmallRequest, SmallResponse, Tracking, TransferError,
};

use crate::server::{Exchange, Server};
use crate::support::{Collector, TestFile, client, client_with, config};

type Answers = dyn Fn(&Challenge) -> Disposition + Send + Sync;

/// Answers as a test says, and remembers the questions.
struct Person {
    answers: Box<Answers>,
    asked: Mutex<Vec<Challenge>>,
    /// Origins whose answers were good.
    opened: Mutex<Vec<String>>,
}

impl Person {
    fn who(answers: impl Fn(&Challenge) -> Disposition + Send + Sync + 'static) -> Arc<Self> {
        let (asked, opened) = (Mutex::default(), Mutex::default());
        Arc::new(Self { answers: Box::new(answers), asked, opened })
    }

    fn methods(&self) -> Vec<(AuthenticationMethod, u32)> {
        let asked = self.asked.lock().expect("no panic");
        asked.iter().map(|asked| (asked.space.method, asked.previous_failures)).collect()
    }
}

#[async_trait]
impl Authenticator for Person {
    async fn answer(&self, challenge: &Challenge) -> Disposition {
        self.asked.lock().expect("no panic").push(challenge.clone());
        (self.answers)(challenge)
    }

    fn opened(&self, origin: &str, _: &Credential) {
        self.opened.lock().expect("no panic").push(origin.to_owned());
    }
}

fn password(password: &str) -> Disposition {
    let (user, password) = ("me".to_owned(), Secret::new(password));
    Disposition::UseCredential(Credential::Password { user, password })
}

fn token(token: &str) -> Disposition {
    Disposition::UseCredential(Credential::Token(Secret::new(token)))
}

/// A server that gives the file to those whose header `name` is `value`.
async fn guarded(name: &'static str, value: &'static str, question: &'static str) -> Server {
    Server::start(move |mut exchange: Exchange| async move {
        let given = exchange.request.header(name).unwrap_or_default();
        let fits = match value.strip_suffix('*') {
            Some(start) => given.starts_with(start),
            None => given == value,
        };
        if fits {
            exchange.answer(200, &[], b"secret").await;
        } else {
            exchange.answer(401, &[format!("www-authenticate: {question}")], b"who?").await;
        }
        Some(exchange)
    })
    .await
}

async fn fetch(server: &Server, person: &Arc<Person>) -> Result<SmallResponse, TransferError> {
    let tracking = Tracking::new("test").with_authenticator(person.clone());
    client().fetch_small(&SmallRequest::new(server.url("f"), 100), &tracking).await
}

#[tokio::test]
async fn each_kind_of_question_is_met_with_its_credential() {
    for (value, question, answer) in [
        ("Basic bWU6b3Blbg==", "Basic realm=\"r\"", password("open")),
        (
            "Digest username=\"me\"*",
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"",
            password("open"),
        ),
        ("Bearer abc", "Bearer realm=\"r\"", token("abc")),
    ] {
        let server = guarded("authorization", value, question).await;
        let person = Person::who(move |_| answer.clone());
        fetch(&server, &person).await.expect(question);
        let asked = person.asked.lock().expect("no panic").clone();
        assert_eq!(asked.len(), 1, "{question}");
        assert_eq!(asked[0].space.realm.as_deref(), Some("r"));
        assert_eq!(format!("{}/", asked[0].space.origin), server.url("").as_str());
    }
}

#[tokio::test]
async fn a_wrong_password_is_asked_about_again_and_then_left() {
    let server = guarded("authorization", "Basic bWU6b3Blbg==", "Basic realm=\"r\"").await;
    let right_the_third_time = Person::who(|challenge| {
        password(["shut", "shut", "open"][challenge.previous_failures as usize])
    });
    fetch(&server, &right_the_third_time).await.expect("let in");
    assert_eq!(
        right_the_third_time.methods(),
        [
            (AuthenticationMethod::Basic, 0),
            (AuthenticationMethod::Basic, 1),
            (AuthenticationMethod::Basic, 2)
        ]
    );
    let gives_up = Person::who(|challenge| match challenge.previous_failures {
        0 => password("shut"),
        _ => Disposition::DefaultHandling,
    });
    let error = fetch(&server, &gives_up).await.expect_err("refused");
    assert!(matches!(error, TransferError::Denied { .. }), "{error:?}");
    let stubborn = Person::who(|_| password("shut"));
    assert!(fetch(&server, &stubborn).await.is_err());
    assert!(stubborn.methods().len() < 20, "{:?}", stubborn.methods());
}

#[tokio::test]
async fn only_an_answer_that_lets_a_request_through_is_told_to_be_good() {
    let server = guarded("authorization", "Bearer abc", "Bearer").await;
    let second = Person::who(|challenge| match challenge.previous_failures {
        0 => token("shut"),
        _ => token("abc"),
    });
    fetch(&server, &second).await.expect("let in");
    let origin = second.asked.lock().expect("no panic")[0].space.origin.clone();
    assert_eq!(*second.opened.lock().expect("no panic"), [origin]);
    let wrong = Person::who(|_| token("shut"));
    assert!(fetch(&server, &wrong).await.is_err());
    assert!(wrong.opened.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn a_header_does_where_a_server_names_another_way() {
    let server = guarded("x-api-key", "abc", "Bearer").await;
    let person = Person::who(|_| {
        let (name, value) = ("X-Api-Key".to_owned(), Secret::new("abc"));
        Disposition::UseCredential(Credential::Header { name, value })
    });
    fetch(&server, &person).await.expect("let in");
    assert_eq!(person.methods(), [(AuthenticationMethod::Bearer, 0)]);
}

#[tokio::test]
async fn blocks_come_from_a_server_that_asks() {
    let file = TestFile::new(2, 1_000);
    let bytes = Arc::clone(&file.bytes);
    let server = Server::start(move |mut exchange: Exchange| {
        let bytes = Arc::clone(&bytes);
        async move {
            if exchange.request.header("authorization") == Some("Basic bWU6b3Blbg==") {
                exchange.serve(&bytes).await;
            } else {
                let question = "www-authenticate: Basic realm=\"r\"".to_owned();
                exchange.answer(401, &[question], b"who?").await;
            }
            Some(exchange)
        }
    })
    .await;
    let person = Person::who(|_| password("open"));
    let request = file.request(&[server.url("f")], 0..2, 1);
    let tracking = Tracking::new("test").with_authenticator(person.clone());
    let mut sink = Collector::default();
    client().fetch_blocks(&request, &mut sink, &tracking).await.expect("let in");
    assert_eq!((sink.tags(), person.methods().len()), (vec![0, 1], 1));
}

#[tokio::test]
async fn a_rejected_question_gives_way_to_the_next_and_cancelling_ends() {
    let server = guarded("authorization", "Bearer abc", "Basic realm=\"r\", Bearer").await;
    let picky = Person::who(|challenge| match challenge.space.method {
        AuthenticationMethod::Bearer => Disposition::RejectProtectionSpace,
        _ => password("open"),
    });
    assert!(fetch(&server, &picky).await.is_err());
    assert_eq!(
        picky.methods()[..2],
        [(AuthenticationMethod::Bearer, 0), (AuthenticationMethod::Basic, 0)]
    );
    let tired = Person::who(|_| Disposition::Cancel);
    let error = fetch(&server, &tired).await.expect_err("cancelled");
    assert_eq!((error.error_kind(), error.is_retryable()), (ErrorKind::Cancelled, false));
    assert_eq!(tired.methods().len(), 1);
}

#[tokio::test]
async fn a_refused_header_is_renewed_once() {
    let server = guarded("x-token", "new", "Custom").await;
    let headers = vec![ExtraHeader {
        scope: HeaderScope::EverySource,
        name: "x-token".to_owned(),
        value: "old".to_owned(),
    }];
    let client = client_with(ClientConfig { headers, ..config() });
    for (value, expected) in [("new", true), ("older", false)] {
        let person = Person::who(move |_| {
            let (name, value) = ("x-token".to_owned(), Secret::new(value));
            Disposition::UseCredential(Credential::Header { name, value })
        });
        let tracking = Tracking::new("test").with_authenticator(person.clone());
        let request = SmallRequest::new(server.url("f"), 100);
        let result = client.fetch_small(&request, &tracking).await;
        assert_eq!(result.is_ok(), expected, "{result:?}");
        assert_eq!(person.methods(), [(AuthenticationMethod::Header, 0)]);
        if expected {
            // What was learned is known to the next request of the same download.
            client.fetch_small(&request, &tracking).await.expect("let in");
            assert_eq!(person.methods().len(), 1);
        }
    }
}

#[tokio::test]
async fn many_ranges_of_one_download_ask_once() {
    let file = TestFile::new(300, 10_000);
    let served = file.clone();
    let server = Server::start(move |mut exchange: Exchange| {
        let bytes = served.bytes.clone();
        async move {
            if exchange.request.header("authorization") == Some("Bearer abc") {
                let etag = "etag: \"one\"".to_owned();
                let (start, end) = exchange.request.range(bytes.len()).expect("a range");
                let named = crate::server::content_range(start, end, bytes.len());
                exchange.answer(206, &[named, etag], &bytes[start..end]).await;
            } else {
                exchange.answer(401, &["www-authenticate: Bearer".to_owned()], b"").await;
            }
            Some(exchange)
        }
    })
    .await;
    let person = Person::who(|_| token("abc"));
    let tracking = Tracking::new("test").with_authenticator(person.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let request = FileRequest::new(server.url("f"), path.clone(), 3_000_000);
    client().download_file(&request, &tracking).await.expect("a file");
    assert!(std::fs::read(&path).expect("there") == *file.bytes);
    assert_eq!(person.methods().len(), 1);
}

#[tokio::test]
async fn a_credential_never_crosses_to_another_server() {
    let other = Server::start(|mut exchange: Exchange| async move {
        exchange.answer(401, &["www-authenticate: Basic realm=\"mine\"".to_owned()], b"").await;
        Some(exchange)
    })
    .await;
    let away = other.url("f").to_string();
    let first = Server::start(move |mut exchange: Exchange| {
        let location = format!("location: {away}");
        async move {
            match exchange.request.header("authorization") {
                Some(_) => exchange.answer(302, &[location], b"").await,
                None => exchange.answer(401, &["www-authenticate: Bearer".to_owned()], b"").await,
            }
            Some(exchange)
        }
    })
    .await;
    let person = Person::who(|challenge| match challenge.space.method {
        AuthenticationMethod::Bearer => token("abc"),
        _ => Disposition::DefaultHandling,
    });
    let error = fetch(&first, &person).await.expect_err("the other refuses");
    assert!(matches!(error, TransferError::Denied { .. }), "{error:?}");
    assert!(!other.log.requests().is_empty());
    assert!(other.log.requests().iter().all(|request| request.header("authorization").is_none()));
    assert!(!format!("{error:?} {error}").contains("abc"));
}

#[tokio::test]
async fn hosts_that_are_not_listed_are_reached_neither_first_nor_by_a_redirect() {
    let server = Server::start(|mut exchange: Exchange| async move {
        exchange.answer(302, &["location: http://localhost:9/f".to_owned()], b"").await;
        Some(exchange)
    })
    .await;
    let pattern = DomainPattern::new("127.0.0.1").expect("an address");
    let listed = Reach { hosts: HostPolicy::Only(vec![pattern]), ..Reach::default() };
    let remote = Reach { loopback: LoopbackPolicy::Refused, ..Reach::default() };
    let get = async |reach: Reach, url: url::Url| {
        let client = client_with(ClientConfig { reach, ..config() });
        let request = SmallRequest::new(url, 100);
        client.fetch_small(&request, &Tracking::new("test")).await.expect_err("refused")
    };
    let error = get(listed.clone(), server.url("f")).await;
    assert_eq!(error.to_failure().code.as_str(), "redirectRefused");
    let elsewhere = url::Url::parse("http://localhost:9/").expect("a URL");
    for (reach, url) in [(listed, elsewhere), (remote, server.url("f"))] {
        let error = get(reach, url).await;
        let refused =
            TransferError::Request(RequestError::HostNotAllowed { url: (&server.url("")).into() });
        assert_eq!(error.error_kind(), refused.error_kind());
        assert_eq!(error.to_failure().code.as_str(), "hostNotAllowed");
    }
}
