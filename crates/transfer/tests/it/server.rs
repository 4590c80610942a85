//! A server that answers byte for byte what a test wants: raw HTTP/1.1, optionally under TLS.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// What a connection runs over.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Counted over all connections, from 0.
    pub(crate) number: usize,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// First byte and byte after the last of the `Range`, within a file of `length` bytes.
    pub(crate) fn range(&self, length: usize) -> Option<(usize, usize)> {
        let (first, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        let first = first.parse().expect("a number");
        let end =
            if last.is_empty() { length } else { last.parse::<usize>().expect("a number") + 1 };
        Some((first, end.min(length)))
    }
}

/// What the server saw and sent.
#[derive(Debug, Default)]
pub(crate) struct Log {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    body_bytes: AtomicU64,
}

impl Log {
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Bytes of bodies written, without heads and chunk frames.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.body_bytes.load(Ordering::SeqCst)
    }

    /// The `Range` headers in the order of the requests.
    pub(crate) fn ranges(&self) -> Vec<String> {
        let range = |request: &Request| request.header("range").unwrap_or("none").to_owned();
        self.requests().iter().map(range).collect()
    }
}

/// A request together with the connection to answer it on. Dropping it closes the connection.
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) log: Arc<Log>,
    wire: Box<dyn Wire>,
}

impl Exchange {
    /// Status line and headers; `headers` are whole lines without their ends.
    pub(crate) async fn head(&mut self, status: u16, headers: &[String]) {
        let mut head = format!("HTTP/1.1 {status} Said\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        self.raw(head.as_bytes()).await;
    }

    /// Bytes of a body.
    pub(crate) async fn body(&mut self, bytes: &[u8]) {
        self.log.body_bytes.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        self.raw(bytes).await;
    }

    /// Bytes of whatever kind. A client that has gone is no fault of the test.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.wire.write_all(bytes).await;
        let _ = self.wire.flush().await;
    }

    /// A whole answer with `Content-Length`.
    pub(crate) async fn answer(&mut self, status: u16, headers: &[String], body: &[u8]) {
        let mut all = headers.to_vec();
        all.push(format!("content-length: {}", body.len()));
        self.head(status, &all).await;
        self.body(body).await;
    }

    /// Answers as a good server does: 206 for a range, else 200.
    pub(crate) async fn serve(&mut self, file: &[u8]) {
        match self.request.range(file.len()) {
            Some((start, end)) => {
                self.answer(206, &[content_range(start, end, file.len())], &file[start..end]).await;
            }
            None => self.answer(200, &[], file).await,
        }
    }

    /// The head of a 206 for the range that was asked for; gives the bytes that belong to it.
    pub(crate) async fn part_head<'f>(&mut self, file: &'f [u8]) -> &'f [u8] {
        let (start, end) = self.request.range(file.len()).expect("a range");
        let length = format!("content-length: {}", end - start);
        self.head(206, &[content_range(start, end, file.len()), length]).await;
        &file[start..end]
    }

    /// Sends nothing more until the client closes the connection.
    pub(crate) async fn hang(&mut self) {
        let mut buffer = [0; 1024];
        while matches!(self.wire.read(&mut buffer).await, Ok(length) if length > 0) {}
    }
}

pub(crate) fn content_range(start: usize, end: usize, length: usize) -> String {
    format!("content-range: bytes {start}-{}/{length}", end - 1)
}

type Answering = Pin<Box<dyn Future<Output = Option<Exchange>> + Send>>;
type Handler = Arc<dyn Fn(Exchange) -> Answering + Send + Sync>;

/// The server; ends when it is dropped.
pub(crate) struct Server {
    url: Url,
    pub(crate) log: Arc<Log>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// A server on a free port of the loopback address. The handler gives the exchange back to keep the connection open, or
    /// none (dropping the exchange) to close it.
    pub(crate) async fn start<F, A>(handler: F) -> Self
    where
        F: Fn(Exchange) -> A + Send + Sync + 'static,
        A: Future<Output = Option<Exchange>> + Send + 'static,
    {
        Self::start_with(handler, None).await
    }

    pub(crate) async fn start_with<F, A>(handler: F, tls: Option<TlsAcceptor>) -> Self
    where
        F: Fn(Exchange) -> A + Send + Sync + 'static,
        A: Future<Output = Option<Exchange>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = listener.local_addr().expect("a bound socket");
        let url = Url::parse(&format!("{scheme}://{address}/")).expect("a URL");
        let log = Arc::new(Log::default());
        let handler: Handler = Arc::new(move |exchange| Box::pin(handler(exchange)));
        let accepting = tokio::spawn(accept(listener, tls, handler, log.clone()));
        Self { url, log, accepting }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        self.url.join(path).expect("a path")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, handler: Handler, log: Arc<Log>) {
    while let Ok((stream, _)) = listener.accept().await {
        log.connections.fetch_add(1, Ordering::SeqCst);
        stream.set_nodelay(true).expect("a TCP socket");
        let (handler, log, tls) = (handler.clone(), log.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => converse(Box::new(stream), &handler, &log).await,
                Some(tls) => {
                    // A client that refuses the certificate ends here.
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(Box::new(stream), &handler, &log).await;
                    }
                }
            }
        });
    }
}

async fn converse(mut wire: Box<dyn Wire>, handler: &Handler, log: &Arc<Log>) {
    while let Some((path, headers)) = read_head(&mut wire).await {
        let request = {
            let mut requests = log.requests.lock().expect("no panic");
            let request = Request { number: requests.len(), path, headers };
            requests.push(request.clone());
            request
        };
        match handler(Exchange { request, log: log.clone(), wire }).await {
            Some(exchange) => wire = exchange.wire,
            None => return,
        }
    }
}

/// The head of the next request; none when the client is gone.
async fn read_head(wire: &mut Box<dyn Wire>) -> Option<(String, Vec<(String, String)>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(wire.read_u8().await.ok()?);
    }
    let text = String::from_utf8(head).expect("an ASCII head");
    let mut lines = text.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Some((path, lines.filter_map(header).collect()))
}
