//! Repositories with mirrors: who is asked, how often, and what is counted.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use headstart_deliver::{Delivery, Location, Mirror, RepositoryAccess};
use headstart_model::ChannelName;
use headstart_repo::{Checked, RepoError, TrustStore, layout};
use headstart_serve::{
    FaultKind, FaultPlan, FaultRule, Faults, Folder, Frequency, Gate, Running, Server, Site,
};
use headstart_transfer::{
    Authenticator, Challenge, Client, ClientConfig, Counts, Credential, Disposition, ExtraHeader,
    HeaderScope, HttpsPolicy, RetryPolicy, Secret, Tracking,
};
use jiff::Timestamp;
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::world::World;

/// Waits between attempts that no test lives to see the end of.
const NEVER: Duration = Duration::from_hours(24);

fn client(base_delay: Duration) -> Client {
    let retry = RetryPolicy {
        attempts: NonZeroU32::new(3).expect("not zero"),
        base_delay,
        max_delay: base_delay,
        ..RetryPolicy::default()
    };
    let https = HttpsPolicy::HttpOnLoopback;
    Client::new(ClientConfig { https, retry, ..ClientConfig::default() }, 0).expect("a client")
}

/// A server of the world's repository.
async fn server(world: &World) -> Running {
    start(world, Faults::none()).await
}

/// One that misbehaves by this rule.
async fn faulty(world: &World, rule: FaultRule) -> Running {
    let faults = Faults::none();
    faults.set_plan(FaultPlan::new(0).with(rule));
    start(world, faults).await
}

async fn start(world: &World, faults: Faults) -> Running {
    let site = Site::new().mount("/", Folder::new(world.path("repo")).expect("it exists"));
    Server::new(site).faults(faults).start().await.expect("a server")
}

/// One that does nothing else.
async fn always(world: &World, kind: FaultKind) -> Running {
    faulty(world, FaultRule::new(kind, Frequency::Always)).await
}

fn access(client: Client, repository: &Url, mirrors: &[&Url]) -> RepositoryAccess {
    access_tracked(client, Tracking::new("test"), repository, mirrors)
}

fn access_tracked(
    client: Client,
    tracking: Tracking,
    repository: &Url,
    mirrors: &[&Url],
) -> RepositoryAccess {
    let location =
        |url: &Url| Location::parse(url.as_str(), HttpsPolicy::HttpOnLoopback).expect("a place");
    let mirrors = mirrors.iter().map(|url| Mirror::Repository(location(url))).collect();
    RepositoryAccess::new(location(repository), client, tracking).with_mirrors(mirrors)
}

async fn check(world: &World, access: &RepositoryAccess) -> Result<Checked, RepoError> {
    let root = std::fs::read(world.repo(layout::FIRST_ROOT)).expect("a root");
    let trust = TrustStore::pin(&world.path("trust"), &root).expect("a good root");
    trust.check(Arc::new(access.clone()), &ChannelName::production(), Timestamp::now()).await
}

/// What was asked of a place.
fn counts(access: &RepositoryAccess, place: &Url) -> Counts {
    let origin = place.origin().ascii_serialization();
    let ledger = access.tracking().meter().ledger();
    let of_place = ledger.sources.iter().find(|source| source.origin == origin);
    of_place.map(|source| source.counts).unwrap_or_default()
}

#[tokio::test]
async fn a_dead_repository_costs_a_check_one_attempt_and_no_wait() {
    let world = World::with_versions(1, 0).await.0;
    let mirror = server(&world).await;
    // Bound but not listening: nobody else can get the port meanwhile.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = socket.local_addr().expect("a bound socket");
    let nobody = Url::parse(&format!("http://{address}/")).expect("a URL");
    let (failing, overloaded) =
        (always(&world, FaultKind::Status500).await, always(&world, FaultKind::Status503).await);
    for repository in [&nobody, failing.url(), overloaded.url()] {
        let access = access(client(NEVER), repository, &[mirror.url()]);
        let checked = check(&world, &access).await.expect("the mirror has it");
        assert_eq!(checked.catalog.packs.len(), 1);
        assert_eq!(counts(&access, repository).requests, 1, "{repository}");
    }
}

#[tokio::test]
async fn mirrors_that_are_dead_too_are_gone_through_as_quickly() {
    let world = World::with_versions(1, 0).await.0;
    let failing = always(&world, FaultKind::Status500).await;
    let mirror = server(&world).await;
    // The same server under two other paths of no use.
    let other = failing.url().join("other/").expect("a URL");
    let access = access(client(NEVER), failing.url(), &[&other, mirror.url()]);
    check(&world, &access).await.expect("the last mirror has it");
    assert_eq!(counts(&access, failing.url()).requests, 2);
}

#[tokio::test]
async fn without_a_mirror_that_helps_all_attempts_are_made() {
    let world = World::with_versions(1, 0).await.0;
    let failing = always(&world, FaultKind::Status500).await;
    let empty = server(&world).await;
    let nothing = empty.url().join("nothing/").expect("a URL");
    for mirrors in [&[][..], &[&nothing]] {
        let access = access(client(Duration::ZERO), failing.url(), mirrors);
        let error = check(&world, &access).await.expect_err("nobody has it");
        assert!(matches!(error, RepoError::Fetch { .. }), "{error}");
        assert_eq!(counts(&access, failing.url()).requests, 3);
    }
}

#[tokio::test]
async fn after_a_connection_that_broke_the_repository_is_asked_again_before_a_mirror() {
    let world = World::with_versions(1, 0).await.0;
    let cut = FaultRule::new(FaultKind::Cut, Frequency::First(1)).on_paths("/metadata/timestamp");
    let (repository, mirror) = (faulty(&world, cut).await, server(&world).await);
    let access = access(client(Duration::ZERO), repository.url(), &[mirror.url()]);
    check(&world, &access).await.expect("the repository has it");
    assert_eq!(counts(&access, repository.url()).retries, 1, "one connection broke");
    assert_eq!(counts(&access, mirror.url()), Counts::default());
}

/// Knows the header that opens a server, and says it after a day.
struct Slow;

#[async_trait]
impl Authenticator for Slow {
    async fn answer(&self, _challenge: &Challenge) -> Disposition {
        tokio::time::pause();
        for _ in 0..24 {
            tokio::time::advance(Duration::from_hours(1)).await;
        }
        // Whoever counts silence has the last hour too.
        tokio::task::yield_now().await;
        tokio::time::resume();
        let (name, value) = ("x-token".to_owned(), Secret::new("new"));
        Disposition::UseCredential(Credential::Header { name, value })
    }

    fn is_asked_about_certificates(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_repository_that_waits_for_a_credential_is_not_silent() {
    let world = World::with_versions(1, 0).await.0;
    let gate = Gate::open();
    gate.require(vec!["x-token: new".parse().expect("a header")]);
    let site = Site::new().mount("/", Folder::new(world.path("repo")).expect("it exists"));
    let repository = Server::new(site).gate(gate).start().await.expect("a server");
    let mirror = server(&world).await;
    let header = |value: &str| ExtraHeader {
        scope: HeaderScope::EverySource,
        name: "x-token".to_owned(),
        value: value.to_owned(),
    };
    let config = ClientConfig {
        https: HttpsPolicy::HttpOnLoopback,
        headers: vec![header("old")],
        ..ClientConfig::default()
    };
    let client = Client::new(config, 0).expect("a client");
    let tracking = Tracking::new("test").with_authenticator(Arc::new(Slow));
    let access = access_tracked(client, tracking, repository.url(), &[mirror.url()]);
    check(&world, &access).await.expect("the repository has it");
    assert_eq!(counts(&access, mirror.url()), Counts::default());
}

#[tokio::test]
async fn what_is_trusted_at_first_comes_from_the_repository_with_all_its_attempts() {
    let world = World::with_versions(1, 0).await.0;
    let (failing, mirror) = (always(&world, FaultKind::Status500).await, server(&world).await);
    let access = access(client(Duration::ZERO), failing.url(), &[mirror.url()]);
    TrustStore::pin_at_first_use(&world.path("trust"), &access).await.expect_err("it is down");
    assert_eq!(counts(&access, failing.url()).requests, 3);
    assert_eq!(counts(&access, mirror.url()), Counts::default());
}

#[tokio::test]
async fn every_byte_of_an_index_is_counted_whoever_sent_it() {
    let (world, packs) = World::with_versions(1, 0).await;
    let goal = || world.goal("device", &packs[0], Vec::new());
    let rule = |kind, bytes| {
        FaultRule::new(kind, Frequency::Always).on_paths("/indexes/").after_bytes(bytes)
    };
    let length = packs[0].index.structure_bytes;
    // What breaks off after some bytes, and what is wrong, twice: once more from the server itself.
    for (kind, after, in_vain) in [(FaultKind::Cut, 7, 7), (FaultKind::Corrupt, 0, 2 * length)] {
        let (repository, mirror) = (faulty(&world, rule(kind, after)).await, server(&world).await);
        let access = access(client(NEVER), repository.url(), &[mirror.url()]);
        let stop = CancellationToken::new();
        let prepared = Delivery::prepare(access.clone(), goal(), &stop).await.expect("a way");
        let (receipt, all) = (prepared.receipt(), access.tracking().meter().ledger().total());
        assert_eq!(receipt.index_bytes_down, length + in_vain, "{kind}");
        let stated = (receipt.index_requests, receipt.index_bytes_down);
        assert_eq!(stated, (all.requests, all.body_bytes), "{kind}");
        std::fs::remove_dir_all(goal().staging).expect("it was prepared there");
    }
}
