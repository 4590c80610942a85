//! A folder of known files, a server of it, and clients.

use headstart_serve::{
    CacheRules, Faults, Folder, Limits, Link, RequestEvent, RequestLog, Routes, Running, Server,
    Site, Tls,
};
use reqwest::{Client, ClientBuilder, Response, header::HeaderMap, redirect::Policy};
use std::path::Path;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Bytes of `data`: more than two of the pieces in which files are read.
pub(crate) const SIZE: usize = 300_000;

/// The bytes of `data`.
pub(crate) fn data() -> Vec<u8> {
    (0_u32..).take(SIZE).map(|n| n.wrapping_mul(0x9E37_79B1).to_be_bytes()[0]).collect()
}

/// What a test wants changed before the server starts.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) tls: Tls,
    pub(crate) link: Link,
    pub(crate) limits: Limits,
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: Running,
    pub(crate) log: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) routes: Routes,
    pub(crate) client: Client,
}

pub(crate) fn plain_client() -> ClientBuilder {
    Client::builder().no_proxy().redirect(Policy::none()).http1_only()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("data"), data()).unwrap();
        std::fs::write(folder.path().join("empty"), "").unwrap();
        std::fs::create_dir(folder.path().join("bundles")).unwrap();
        std::fs::write(folder.path().join("bundles/b1"), "bundle").unwrap();
        let (faults, routes) = (Faults::none(), Routes::new());
        let files = Folder::new(folder.path()).unwrap().with_cache(CacheRules::repository());
        let site = Site::new().mount("/", routes.clone()).mount("/", files);
        let mut server = Server::new(site)
            .tls(setup.tls)
            .link(setup.link)
            .faults(faults.clone())
            .limits(setup.limits)
            .start()
            .await
            .unwrap();
        let log = server.take_requests().unwrap();
        let client = plain_client().build().unwrap();
        Self { folder, server, log, faults, routes, client }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        ask(&self.client, reqwest::Method::GET, &self.url(path), headers).await
    }

    pub(crate) async fn head(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        ask(&self.client, reqwest::Method::HEAD, &self.url(path), headers).await
    }

    /// The next event of the log.
    pub(crate) async fn event(&mut self) -> RequestEvent {
        self.log.recv().await.expect("the server is running")
    }

    /// Opens a bare connection.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.local_addr()).await.unwrap()
    }

    /// Sends bytes as they are and returns everything that comes back until the server closes.
    pub(crate) async fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

pub(crate) async fn ask(
    client: &Client,
    method: reqwest::Method,
    url: &str,
    headers: &[(&str, &str)],
) -> Response {
    let request = client.request(method, url);
    let request = headers.iter().fold(request, |r, (name, value)| r.header(*name, *value));
    request.send().await.unwrap()
}

pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

/// All bytes that come before the body ends, and whether it ended as it should.
pub(crate) async fn read_until_end(mut response: Response) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, true),
            Err(_) => return (bytes, false),
        }
    }
}

/// A file that takes no room on disk.
pub(crate) fn sparse_file(path: &Path, len: u64) {
    std::fs::File::create(path).unwrap().set_len(len).unwrap();
}
