//! Whole files, resumed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use headstart_model::Digest;
use headstart_transfer::{
    Client, Downloaded, FileHash, FileRequest, Notice, Tracking, TransferError, Violation,
};
use tempfile::TempDir;

use crate::server::{Exchange, Server, content_range};
use crate::support::{TestFile, client, impatient};

/// How a server treats conditional ranges.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ranges {
    /// As the standard says.
    Honest,
    /// Sends the range although `If-Range` does not hold.
    IgnoresIfRange,
    /// Gives no ranges at all.
    None,
}

/// What the server holds at the moment; tests replace it.
#[derive(Clone)]
struct Held {
    bytes: Arc<Vec<u8>>,
    etag: &'static str,
    ranges: Ranges,
    /// Where the connection is cut or falls silent, counted within the body; only in the first answer.
    cut: Option<(usize, Cut)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    Close,
    Hang,
}

struct Holder {
    server: Server,
    held: Arc<Mutex<Held>>,
    folder: TempDir,
}

impl Holder {
    async fn start(held: Held) -> Self {
        let held = Arc::new(Mutex::new(held));
        let shared = held.clone();
        let server = Server::start(move |exchange| {
            let held = {
                let mut shared = shared.lock().expect("no panic");
                let held = shared.clone();
                shared.cut = None;
                held
            };
            answer(exchange, held)
        })
        .await;
        Self { server, held, folder: tempfile::tempdir().expect("a folder") }
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        change(&mut self.held.lock().expect("no panic"));
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    fn request(&self) -> FileRequest {
        FileRequest::new(self.server.url("f?sig=1"), self.path(), 10_000_000)
    }

    fn left_over(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("readable").file_name().into_string().expect("ASCII")
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    /// Starts a download that hangs after `bytes` and drops it there.
    async fn leave(&self, client: &Client, bytes: usize) {
        self.change(|held| held.cut = Some((bytes, Cut::Hang)));
        let tracking = Tracking::new("test");
        let mut counts = tracking.meter().subscribe();
        let request = self.request();
        tokio::select! {
            result = client.download_file(&request, &tracking) => panic!("{result:?}"),
            arrived = counts.wait_for(|ledger| ledger.total().useful_bytes == bytes as u64) => {
                arrived.expect("a living meter");
            }
        }
        // The last write may still be on its way to the file after the drop, and its length says nothing of it.
        let part = self.folder.path().join("file.part");
        let mut sent = Vec::new();
        self.change(|held| sent = held.bytes[..bytes].to_vec());
        while !std::fs::read(&part).expect("a part").starts_with(&sent) {
            tokio::task::yield_now().await;
        }
    }
}

async fn answer(mut exchange: Exchange, held: Held) -> Option<Exchange> {
    let file = &held.bytes[..];
    let etag = format!("etag: {}", held.etag);
    let if_range = exchange.request.header("if-range");
    let holds =
        if_range.is_none_or(|tag| tag == held.etag) || held.ranges == Ranges::IgnoresIfRange;
    let range = exchange.request.range(file.len()).filter(|_| holds && held.ranges != Ranges::None);
    let (status, body, mut headers) = match range {
        Some((start, _)) if start >= file.len() => {
            (416, &file[..0], vec![format!("content-range: bytes */{}", file.len())])
        }
        Some((start, end)) => {
            (206, &file[start..end], vec![content_range(start, end, file.len()), etag])
        }
        None if exchange.request.header("if-none-match") == Some(held.etag) => {
            (304, &file[..0], vec![etag])
        }
        None => (200, file, vec![etag]),
    };
    headers.push(format!("content-length: {}", body.len()));
    exchange.head(status, &headers).await;
    let Some((at, cut)) = held.cut else {
        exchange.body(body).await;
        return Some(exchange);
    };
    exchange.body(&body[..at]).await;
    if cut == Cut::Hang {
        exchange.hang().await;
    }
    None
}

fn held(etag: &'static str) -> Held {
    let bytes = TestFile::new(10, 1000).bytes;
    Held { bytes, etag, ranges: Ranges::Honest, cut: None }
}

/// Bytes of a file that is fetched by several ranges.
const LARGE: u64 = 3_000_000;

fn large() -> Held {
    Held { bytes: TestFile::new(300, 10_000).bytes, ..held("\"one\"") }
}

async fn download(request: &FileRequest) -> (Result<Downloaded, TransferError>, Tracking) {
    let tracking = Tracking::new("test");
    let result = client().download_file(request, &tracking).await;
    if let Ok(done) = &result {
        assert_eq!(done.bytes_down, tracking.meter().ledger().total().body_bytes);
    }
    (result, tracking)
}

fn hash_of(bytes: &[u8]) -> FileHash {
    FileHash::Blake3(Digest::of(bytes))
}

fn content(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a file")
}

#[tokio::test]
async fn a_file_arrives_whole_and_leaves_nothing_beside_it() {
    let holder = Holder::start(held("\"one\"")).await;
    let request = FileRequest {
        expected_bytes: Some(10_000),
        hash: Some(hash_of(&held("").bytes)),
        ..holder.request()
    };
    let done = download(&request).await.0.expect("a file");
    assert_eq!((done.file_bytes, done.bytes_down, done.resumed_from), (10_000, 10_000, 0));
    assert!(content(&holder.path()) == *held("").bytes);
    assert_eq!(holder.left_over(), ["file"]);
}

#[tokio::test]
async fn a_dropped_download_is_resumed_by_the_next_call_even_under_a_new_signature() {
    let holder = Holder::start(held("\"one\"")).await;
    holder.leave(&client(), 4321).await;
    let request = FileRequest { url: holder.server.url("f?sig=2"), ..holder.request() };
    let (done, tracking) = download(&request).await;
    let done = done.expect("a file");
    assert_eq!((done.bytes_down, done.resumed_from), (10_000 - 4321, 4321));
    assert_eq!(tracking.meter().ledger().total().wasted_bytes(), 0);
    assert_eq!(holder.server.log.ranges(), ["bytes=0-262143", "bytes=4321-9999"]);
    assert_eq!(holder.server.log.requests()[1].header("if-range"), Some("\"one\""));
    assert!(content(&holder.path()) == *held("").bytes);
}

#[tokio::test]
async fn cuts_and_stalls_within_a_call_are_resumed() {
    for (cut, client) in [(Cut::Close, client()), (Cut::Hang, impatient(20))] {
        let holder = Holder::start(Held { cut: Some((1234, cut)), ..held("\"one\"") }).await;
        let tracking = Tracking::new("test");
        let done = client.download_file(&holder.request(), &tracking).await.expect("a file");
        assert_eq!((done.bytes_down, done.resumed_from), (10_000, 0), "{cut:?}");
        assert_eq!(holder.server.log.ranges(), ["bytes=0-262143", "bytes=1234-9999"], "{cut:?}");
        assert!(content(&holder.path()) == *held("").bytes);
    }
}

#[tokio::test]
async fn a_changed_file_is_started_over_and_says_so() {
    for ranges in [Ranges::Honest, Ranges::IgnoresIfRange, Ranges::None] {
        let holder = Holder::start(held("\"one\"")).await;
        holder.leave(&client(), 4000).await;
        let newer = TestFile::new(7, 1000).bytes;
        holder.change(|held| {
            *held = Held { bytes: newer.clone(), etag: "\"two\"", ranges, cut: None }
        });
        let lost = Arc::new(Mutex::new(Vec::new()));
        let told = lost.clone();
        let tracking = Tracking::new("test").with_listener(move |notice| {
            if let Notice::StartedOver { lost_bytes, .. } = notice {
                told.lock().expect("no panic").push(*lost_bytes);
            }
        });
        let done = client().download_file(&holder.request(), &tracking).await.expect("a file");
        assert_eq!((done.file_bytes, done.resumed_from), (7000, 0), "{ranges:?}");
        assert_eq!(*lost.lock().expect("no panic"), [4000], "{ranges:?}");
        assert!(content(&holder.path()) == *newer, "{ranges:?}");
    }
}

#[tokio::test]
async fn without_a_strong_tag_nothing_is_resumed() {
    let holder = Holder::start(Held { cut: Some((3000, Cut::Close)), ..held("W/\"one\"") }).await;
    let (done, tracking) = download(&holder.request()).await;
    assert_eq!(done.expect("a file").bytes_down, 13_000);
    assert_eq!(holder.server.log.ranges(), ["bytes=0-262143", "bytes=0-262143"]);
    let counts = tracking.meter().ledger().total();
    assert_eq!((counts.useful_bytes, counts.wasted_bytes()), (10_000, 3000));
}

#[tokio::test]
async fn a_part_that_is_complete_already_only_gets_its_name() {
    let holder = Holder::start(large()).await;
    // Something is in the way of the name.
    std::fs::create_dir_all(holder.path().join("x")).expect("a folder");
    let (result, _) = download(&holder.request()).await;
    assert!(matches!(result, Err(TransferError::File { .. })), "{result:?}");
    std::fs::remove_dir_all(holder.path()).expect("removed");
    let (done, _) = download(&holder.request()).await;
    let done = done.expect("a file");
    assert_eq!((done.file_bytes, done.bytes_down, done.resumed_from), (LARGE, 0, LARGE));
    assert!(content(&holder.path()) == *large().bytes);
    assert_eq!(holder.left_over(), ["file"]);
}

#[tokio::test]
async fn a_file_that_became_shorter_under_the_same_tag_is_started_over() {
    let holder = Holder::start(held("\"one\"")).await;
    holder.leave(&client(), 5000).await;
    let shorter = TestFile::new(3, 1000).bytes;
    holder.change(|held| held.bytes = shorter.clone());
    let (done, _) = download(&holder.request()).await;
    let done = done.expect("a file");
    assert_eq!((done.bytes_down, done.resumed_from), (3_000, 0));
    assert!(content(&holder.path()) == *shorter);
}

#[tokio::test]
async fn a_resumed_part_with_wrong_bytes_is_found_out_and_fetched_anew() {
    let holder = Holder::start(held("\"one\"")).await;
    holder.leave(&client(), 5000).await;
    let part = holder.folder.path().join("file.part");
    std::fs::write(&part, vec![0; 5000]).expect("writable");
    let request = FileRequest { hash: Some(hash_of(&held("").bytes)), ..holder.request() };
    let (done, tracking) = download(&request).await;
    let done = done.expect("a file");
    assert_eq!((done.bytes_down, done.resumed_from), (15_000, 0));
    assert_eq!(tracking.meter().ledger().total().wasted_bytes(), 5000);
    assert!(content(&holder.path()) == *held("").bytes);
}

#[tokio::test]
async fn limits_and_promised_lengths_hold() {
    let holder = Holder::start(held("\"one\"")).await;
    let request = FileRequest { max_bytes: 9_999, ..holder.request() };
    let (result, tracking) = download(&request).await;
    assert!(matches!(result, Err(TransferError::TooLarge { limit_bytes: 9_999, .. })));
    assert_eq!(tracking.meter().ledger().total().body_bytes, 0);
    let request = FileRequest { expected_bytes: Some(9_999), ..holder.request() };
    let (result, _) = download(&request).await;
    let expected = Violation::OtherSize { promised_bytes: 9_999, actual_bytes: 10_000 };
    assert!(
        matches!(result, Err(TransferError::Unusable { violation, .. }) if violation == expected)
    );
    assert!(!holder.path().exists());
}

#[tokio::test]
async fn a_missing_folder_is_a_typed_error_naming_the_file() {
    let holder = Holder::start(held("\"one\"")).await;
    let path = holder.folder.path().join("no/such/file");
    let (result, _) = download(&FileRequest { path: path.clone(), ..holder.request() }).await;
    assert!(matches!(result, Err(TransferError::File { path: named, .. }) if named == path));
}

#[tokio::test]
async fn a_large_file_comes_by_several_ranges_and_each_byte_once() {
    let holder = Holder::start(large()).await;
    let request = FileRequest { hash: Some(hash_of(&large().bytes)), ..holder.request() };
    let (done, tracking) = download(&request).await;
    let done = done.expect("a file");
    assert_eq!((done.file_bytes, done.resumed_from), (LARGE, 0));
    assert_eq!(tracking.meter().ledger().total().useful_bytes, LARGE);
    assert!(content(&holder.path()) == *large().bytes);
    assert!(holder.server.log.connections() > 1);
    assert_eq!(holder.left_over(), ["file"]);
}

#[tokio::test]
async fn one_connection_is_enough_for_a_large_file() {
    let holder = Holder::start(large()).await;
    let tracking = Tracking::new("test");
    let done = crate::support::one_at_a_time().download_file(&holder.request(), &tracking).await;
    assert_eq!(done.expect("a file").bytes_down, LARGE);
    assert_eq!(holder.server.log.connections(), 1);
    assert_eq!(holder.server.log.body_bytes(), LARGE);
}

#[tokio::test]
async fn a_server_that_bears_two_connections_gives_everything_over_two() {
    let busy = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let file = large();
    let shared = busy.clone();
    let server = Server::start(move |mut exchange| {
        let (busy, file) = (shared.clone(), file.clone());
        async move {
            use std::sync::atomic::Ordering::SeqCst;
            if busy.fetch_add(1, SeqCst) >= 2 {
                exchange.answer(503, &[], b"busy").await;
                busy.fetch_sub(1, SeqCst);
                return Some(exchange);
            }
            let exchange = answer(exchange, file).await;
            busy.fetch_sub(1, SeqCst);
            exchange
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let request = FileRequest::new(server.url("f"), path.clone(), LARGE);
    let (done, _) = download(&request).await;
    done.expect("a file");
    assert!(content(&path) == *large().bytes);
}

#[tokio::test]
async fn a_large_download_dropped_again_and_again_goes_on_where_it_was() {
    let holder = Holder::start(large()).await;
    let (mut fetched, mut rounds) = (0, 0);
    let done = loop {
        let tracking = Tracking::new("test");
        let mut counts = tracking.meter().subscribe();
        let (client, request) = (client(), holder.request());
        rounds += 1;
        // Looked at first, so that a download that gets far at once is dropped all the same.
        let result = tokio::select! {
            biased;
            arrived = counts.wait_for(|ledger| ledger.total().body_bytes >= 400_000) => {
                arrived.expect("a living meter");
                None
            }
            result = client.download_file(&request, &tracking) => Some(result),
        };
        fetched += tracking.meter().ledger().total().body_bytes;
        if let Some(result) = result {
            break result.expect("a file");
        }
    };
    assert!(rounds > 1, "{rounds}");
    assert!(done.resumed_from > 0 && done.file_bytes == LARGE);
    assert!(content(&holder.path()) == *large().bytes);
    // At most one buffer for each connection is on its way to the file when a call is dropped.
    assert!(fetched <= LARGE + rounds * 4 * 256 * 1024, "{fetched} in {rounds} rounds");
}

#[tokio::test]
async fn a_server_that_stops_giving_ranges_is_read_whole_and_nothing_is_given_up() {
    let holder = Holder::start(held("\"one\"")).await;
    holder.leave(&client(), 4000).await;
    holder.change(|held| held.ranges = Ranges::None);
    let (done, tracking) = download(&holder.request()).await;
    let done = done.expect("a file");
    assert_eq!((done.file_bytes, done.bytes_down, done.resumed_from), (10_000, 10_000, 0));
    let counts = tracking.meter().ledger().total();
    assert_eq!((counts.useful_bytes, counts.skipped_bytes), (6000, 4000));
    assert!(content(&holder.path()) == *held("").bytes);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let holder = Holder::start(Held { bytes: Arc::default(), ..held("\"one\"") }).await;
    let (done, _) = download(&holder.request()).await;
    assert_eq!(done.expect("a file").file_bytes, 0);
    assert_eq!(holder.left_over(), ["file"]);
}

#[tokio::test]
async fn a_length_that_nobody_tells_ends_in_a_whole_answer() {
    let file = TestFile::new(10, 10_000);
    let original = file.clone();
    let server = Server::start(move |mut exchange| {
        let file = original.clone();
        async move {
            let etag = "etag: \"one\"".to_owned();
            match (exchange.request.number, exchange.request.range(file.bytes.len())) {
                (0, _) => {
                    exchange.head(200, &[etag, "transfer-encoding: chunked".to_owned()]).await;
                    exchange.body(format!("{:x}\r\n", 60_000).as_bytes()).await;
                    exchange.body(&file.bytes[..60_000]).await;
                    return None;
                }
                (_, Some((start, end))) => {
                    let range = format!("content-range: bytes {start}-{}/*", end - 1);
                    exchange.answer(206, &[etag, range], &file.bytes[start..end]).await;
                }
                (_, None) => exchange.answer(200, &[etag], &file.bytes).await,
            }
            Some(exchange)
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let request = FileRequest::new(server.url("file"), folder.path().join("file"), 1 << 20);
    let done = client().download_file(&request, &Tracking::new("test")).await.expect("a file");
    assert_eq!((done.file_bytes, content(&request.path) == *file.bytes), (100_000, true));
}
