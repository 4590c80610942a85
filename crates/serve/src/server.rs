//! A server: how it is set up, started and ended.

mod connections;

use crate::{
    answer::Answerer,
    conditioner::Link,
    fault::Faults,
    gate::Gate,
    log::{self, RequestLog},
    mount::Site,
    tls::{Tls, TlsError},
};
use connections::Host;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use url::Url;

/// What clients can make a server hold. With the defaults, a thousand idle or slow clients cost a
/// few buffers each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait in the system's queue. At least 1.
    pub connections: usize,
    /// Streams at once within one HTTP/2 connection.
    pub streams: u32,
    /// Bytes of one request's head; 431 beyond. At least 8192.
    pub head_bytes: u32,
    /// Time for the TLS hand-shake, for each request's head, and for idling between requests.
    pub head_time: Duration,
    /// Time that [`Running::shutdown`] grants to answers that are under way.
    pub shutdown_time: Duration,
    /// Events that wait for a reader of the log; further ones are dropped.
    pub unread_events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            streams: 100,
            head_bytes: 64 * 1024,
            head_time: Duration::from_secs(30),
            shutdown_time: Duration::from_secs(5),
            unread_events: 1024,
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; choose another address, or port 0 for any free one")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] TlsError),
    /// The runtime is going down.
    #[error("the runtime is shutting down")]
    RuntimeGone(#[source] tokio::task::JoinError),
}

/// A server that is not started yet. It listens on `127.0.0.1`, port 0, without TLS, faults or
/// conditioner unless told.
#[derive(Debug)]
pub struct Server {
    site: Site,
    listen: SocketAddr,
    tls: Tls,
    link: Link,
    faults: Faults,
    gate: Gate,
    limits: Limits,
}

impl Server {
    /// A server of this site.
    #[must_use]
    pub fn new(site: Site) -> Self {
        Self {
            site,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: Tls::Off,
            link: Link::default(),
            faults: Faults::none(),
            gate: Gate::open(),
            limits: Limits::default(),
        }
    }

    /// Listens on this address; port 0 takes any free port.
    #[must_use]
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Speaks TLS.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Pretends to be behind this link. Keep a clone to change it later.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.link = link;
        self
    }

    /// Misbehaves. Keep a clone to change how.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Wants headers. Keep a clone to change which.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// Replaces the limits.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Starts the server on the runtime that polls this. When it returns, connections are accepted.
    /// If the future is dropped, nothing listens; a new authority may have been made all the same.
    ///
    /// # Errors
    /// [`StartError`] if the address is taken or TLS cannot be set up.
    pub async fn start(self) -> Result<Running, StartError> {
        let Self { site, listen, tls, link, faults, gate, limits } = self;
        let secure = tokio::task::spawn_blocking(move || tls.prepare(listen.ip()))
            .await
            .map_err(StartError::RuntimeGone)??;
        let failed = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let (sender, requests) = log::channel(limits.unread_events);
        let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let scheme = if secure.is_some() { "https" } else { "http" };
        let authority = secure.as_ref().and_then(|ready| ready.authority.clone());
        let host = Host {
            answerer: Arc::new(Answerer::new(site, (faults, gate), link.clone(), sender)),
            link,
            tls: secure.map(|ready| ready.config.into()),
            limits,
            permits: Arc::new(Semaphore::new(limits.connections.max(1))),
            stop: stop.clone(),
            abort: abort.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(Arc::new(host).accept(listener));
        Ok(Running {
            local_addr,
            url: url_of(scheme, local_addr),
            authority,
            requests: Some(requests),
            shutdown_time: limits.shutdown_time,
            tasks,
            stop,
            abort: abort.drop_guard(),
        })
    }
}

fn url_of(scheme: &str, mut address: SocketAddr) -> Url {
    // "Any address" is no place to connect to.
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    // A scope (`fe80::1%eth0`) has no place in a URL.
    let address = SocketAddr::new(address.ip(), address.port());
    Url::parse(&format!("{scheme}://{address}/"))
        .expect("a scheme of ours and an IP address with a port make a URL")
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownOutcome {
    /// All answers that were under way were finished.
    Finished,
    /// Some took longer than [`Limits::shutdown_time`] and were cut.
    Cut,
}

/// A server at work. Dropping it ends it at once, without waiting; connections are cut.
#[derive(Debug)]
pub struct Running {
    local_addr: SocketAddr,
    url: Url,
    authority: Option<PathBuf>,
    requests: Option<RequestLog>,
    shutdown_time: Duration,
    tasks: TaskTracker,
    stop: CancellationToken,
    abort: DropGuard,
}

impl Running {
    /// Where it listens; the port is the real one.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The URL of its `/`. A server on "any address" names the loopback address here.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The certificate that clients have to trust, if the server has its own [`Tls::Auto`].
    #[must_use]
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// The log of requests; nothing if it was taken before.
    pub const fn take_requests(&mut self) -> Option<RequestLog> {
        self.requests.take()
    }

    /// Ends the server: closes its port at once, lets answers finish for a while, then cuts what
    /// is left. Stalled bodies are cut at once. When it returns, no task of the server is left. If
    /// the future is dropped, the server ends at once.
    pub async fn shutdown(self) -> ShutdownOutcome {
        let Self { tasks, stop, abort, shutdown_time, .. } = self;
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(shutdown_time, tasks.wait()).await.is_ok() {
            return ShutdownOutcome::Finished;
        }
        drop(abort);
        tasks.wait().await;
        ShutdownOutcome::Cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_names_an_address_that_can_be_connected_to() {
        let url = |address: &str| url_of("https", address.parse().unwrap()).to_string();
        assert_eq!(url("127.0.0.1:8080"), "https://127.0.0.1:8080/");
        assert_eq!(url("0.0.0.0:80"), "https://127.0.0.1:80/");
        assert_eq!(url("[::]:443"), "https://[::1]/");
        assert_eq!(url("[fe80::1%3]:9"), "https://[fe80::1]:9/");
    }
}
