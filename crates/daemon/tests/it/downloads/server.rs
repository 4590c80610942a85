//! A server on loopback that asks for passwords, sends elsewhere, and stops in the middle of a file when it is told to.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What is at a path.
#[derive(Clone)]
pub enum Page {
    File(Vec<u8>),
    /// A file for those who send this `Authorization`.
    Behind(String, Vec<u8>),
    Redirect(String),
    Status(&'static str),
    /// So many bytes of the file, and the rest when the server is [released](Server::release).
    Held(usize, Vec<u8>),
}

#[derive(Default)]
struct Shared {
    pages: Mutex<HashMap<String, Page>>,
    /// Requests by path: the value of `Range` of each, or nothing.
    requests: Mutex<BTreeMap<String, Vec<String>>>,
    released: Mutex<bool>,
    changed: Condvar,
}

pub struct Server {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let served = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let served = Arc::clone(&served);
                // Whoever breaks off loses only their own answer.
                std::thread::spawn(move || drop(answer(&stream, &served)));
            }
        });
        Self { port, shared }
    }

    /// The address of what is at `name`.
    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    pub fn put(&self, name: &str, page: Page) {
        self.shared.pages.lock().unwrap().insert(name.to_owned(), page);
    }

    /// Files that are held are sent whole from now on.
    pub fn release(&self) {
        *self.shared.released.lock().unwrap() = true;
        self.shared.changed.notify_all();
    }

    /// What was asked for of `name`: the value of `Range` of each request, or nothing.
    pub fn requests(&self, name: &str) -> Vec<String> {
        self.shared.requests.lock().unwrap().get(name).cloned().unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.release();
    }
}

fn answer(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let name = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let (mut range, mut authorization) = (String::new(), String::new());
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        let (header, value) = line.split_once(':').unwrap_or_default();
        match header.to_ascii_lowercase().as_str() {
            "range" => value.trim().clone_into(&mut range),
            "authorization" => value.trim().clone_into(&mut authorization),
            _ => {}
        }
    }
    shared.requests.lock().unwrap().entry(name.clone()).or_default().push(range.clone());
    let page = shared.pages.lock().unwrap().get(&name).cloned();
    match page {
        Some(Page::File(bytes)) => send(stream, &range, &bytes, usize::MAX, shared),
        Some(Page::Held(bytes_first, bytes)) => send(stream, &range, &bytes, bytes_first, shared),
        Some(Page::Behind(wanted, bytes)) if wanted == authorization => {
            send(stream, &range, &bytes, usize::MAX, shared)
        }
        Some(Page::Behind(..)) => {
            head(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"levels\"\r\n", 0)
        }
        Some(Page::Redirect(to)) => head(stream, "302 Found", &format!("Location: {to}\r\n"), 0),
        Some(Page::Status(status)) => head(stream, status, "", 0),
        None => head(stream, "404 Not Found", "", 0),
    }
}

fn send(
    stream: &TcpStream,
    range: &str,
    bytes: &[u8],
    first: usize,
    shared: &Shared,
) -> std::io::Result<()> {
    // `bytes=FROM-` or `bytes=FROM-LAST`.
    let mut asked = range.trim_start_matches("bytes=").split('-').map(str::parse::<usize>);
    let from = asked.next().and_then(Result::ok).unwrap_or(0).min(bytes.len());
    let last = asked.next().and_then(Result::ok).unwrap_or(usize::MAX).min(bytes.len() - 1);
    let rest = &bytes[from..=last];
    let tag = "ETag: \"one\"\r\nAccept-Ranges: bytes\r\n";
    if range.is_empty() {
        head(stream, "200 OK", tag, rest.len())?;
    } else {
        let span = format!("{from}-{last}/{}", bytes.len());
        let headers = format!("{tag}Content-Range: bytes {span}\r\n");
        head(stream, "206 Partial Content", &headers, rest.len())?;
    }
    let mut stream = stream;
    let now = first.saturating_sub(from).min(rest.len());
    stream.write_all(&rest[..now])?;
    if now < rest.len() {
        let released = shared.released.lock().unwrap();
        drop(shared.changed.wait_while(released, |released| !*released).unwrap());
    }
    stream.write_all(&rest[now..])
}

fn head(mut stream: &TcpStream, status: &str, headers: &str, length: usize) -> std::io::Result<()> {
    let text = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(text.as_bytes())
}
