//! What is told of downloads: while they run, as each ends, and at the end.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use headstart_model::Failure;
use headstart_transfer::{Downloaded, FileRequest, Notice, Tracking, TransferError};
use serde_json::{Value, json};
use tokio::sync::Notify;
use url::Url;

use crate::command::Verdict;
use crate::network;
use crate::output::{Advance, Output, Progress, count, size};

/// How a download ended.
#[derive(Debug)]
pub(super) struct Outcome {
    url: Url,
    path: PathBuf,
    result: Result<Downloaded, Failure>,
    seconds: f64,
}

impl Outcome {
    pub(super) fn new(
        request: &FileRequest,
        result: Result<Downloaded, TransferError>,
        took: Duration,
    ) -> Self {
        let mut url = request.url.clone();
        // Fails only for URLs that have no room for them.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let result = result.map_err(|error| told(&error));
        Self { url, path: request.path.clone(), result, seconds: took.as_secs_f64() }
    }

    fn document(&self) -> Option<Value> {
        let done = self.result.as_ref().ok()?;
        Some(json!({
            "url": self.url,
            "path": self.path,
            "bytes": done.file_bytes,
            "bytesDown": done.bytes_down,
            "resumedFrom": done.resumed_from,
            "seconds": self.seconds,
        }))
    }

    fn text(&self) -> Option<String> {
        let done = self.result.as_ref().ok()?;
        let resumed = match done.resumed_from {
            0 => String::new(),
            bytes => format!(", resumed after {}", size(bytes)),
        };
        Some(format!("{}: {}{resumed}", self.path.display(), size(done.file_bytes)))
    }
}

/// A failure as this command tells it: the digest was typed by somebody, and the server has its file.
fn told(error: &TransferError) -> Failure {
    let failure = network::advised(error.to_failure());
    match error {
        TransferError::OtherHash { .. } => failure.with_hint(
            "the server gave the same file again, so the digest given may be wrong: check it, and that it is that of this file; \
             if it is right, the file on the server is damaged or another one",
        ),
        _ => failure,
    }
}

/// Tells.
pub(super) struct Teller<'a> {
    output: &'a Output,
    progress: Progress<'a>,
    downloads: usize,
    heard: Arc<Heard>,
}

/// What the transfers say from within.
#[derive(Debug, Default)]
struct Heard {
    /// Files whose length is known, the sum of the lengths, and what earlier calls had left of them.
    lengths: AtomicU64,
    total_bytes: AtomicU64,
    held_bytes: AtomicU64,
    /// Downloads that began again, with what was given up; not told yet.
    started_over: Mutex<Vec<(String, u64)>>,
    news: Notify,
}

impl Heard {
    fn hear(&self, notice: &Notice<'_>) {
        match notice {
            Notice::LengthKnown { total_bytes, held_bytes } => {
                self.lengths.fetch_add(1, Ordering::Relaxed);
                self.total_bytes.fetch_add(*total_bytes, Ordering::Relaxed);
                self.held_bytes.fetch_add(*held_bytes, Ordering::Relaxed);
            }
            Notice::StartedOver { url, lost_bytes } => {
                let told = (url.to_string(), *lost_bytes);
                self.started_over.lock().unwrap_or_else(PoisonError::into_inner).push(told);
                self.news.notify_one();
            }
            _ => {}
        }
    }
}

impl<'a> Teller<'a> {
    pub(super) fn new(output: &'a Output, downloads: usize) -> Self {
        Self { output, progress: output.progress(), downloads, heard: Arc::default() }
    }

    /// The account of all downloads.
    pub(super) fn tracking(&self) -> Tracking {
        let heard = Arc::clone(&self.heard);
        Tracking::new("get").with_listener(move |notice| heard.hear(notice))
    }

    /// Tells of bytes as they come.
    pub(super) async fn report(&self, tracking: &Tracking) -> Infallible {
        let mut changes = tracking.meter().subscribe();
        loop {
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                }
                () = self.heard.news.notified() => {}
            }
            self.tell_of_restarts();
            let fetched = changes.borrow_and_update().total().body_bytes;
            self.progress.advance(&self.advance(fetched));
            // Each byte counted is a change; nobody reads faster than this.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn advance(&self, fetched_bytes: u64) -> Advance {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let bytes_done = fetched_bytes + read(&self.heard.held_bytes);
        let known = read(&self.heard.lengths);
        // Files of which nothing is known yet are taken to be like the others.
        let files = self.downloads as u64;
        let expected =
            read(&self.heard.total_bytes).saturating_mul(files).checked_div(known).unwrap_or(0);
        let bytes_total = if expected == 0 { 0 } else { expected.max(bytes_done) };
        let fraction = (expected == 0).then_some(0.0);
        let phase = "download".to_owned();
        Advance { phase, bytes_done, bytes_total, fraction, ..Advance::default() }
    }

    fn tell_of_restarts(&self) {
        let list = &self.heard.started_over;
        let all = std::mem::take(&mut *list.lock().unwrap_or_else(PoisonError::into_inner));
        for (url, lost_bytes) in all {
            self.output
                .event(&json!({"event": "startedOver", "url": url, "lostBytes": lost_bytes}));
            let lost = size(lost_bytes);
            self.output.remark(format!(
                "{url} begins again: what had arrived is not what was asked for, or the server cannot continue it; {lost} are given up"
            ));
        }
    }

    /// Tells of one that ended; of those that failed when others are left to be told of.
    pub(super) fn tell(&self, outcome: &Outcome) {
        match &outcome.result {
            Ok(_) => {
                let mut event = json!({"event": "downloaded"});
                if let (Some(event), Some(Value::Object(fields))) =
                    (event.as_object_mut(), outcome.document())
                {
                    event.extend(fields);
                }
                self.output.event(&event);
            }
            Err(failure) if self.downloads > 1 => {
                let Failure { kind, code, message, hint, .. } = failure;
                let error = json!({"kind": kind, "code": code, "message": message, "hint": hint});
                self.output.event(&json!({"event": "failed", "url": outcome.url, "error": error}));
                self.output.remark(format!("failed: {message}"));
            }
            Err(_) => {}
        }
    }

    /// Tells of all together.
    pub(super) fn conclude(self, outcomes: Vec<Outcome>) -> Result<Verdict, Failure> {
        self.tell_of_restarts();
        self.progress.finish();
        let documents: Vec<_> = outcomes.iter().filter_map(Outcome::document).collect();
        let lines: Vec<_> = outcomes.iter().filter_map(Outcome::text).collect();
        let all = outcomes.len();
        let failures: Vec<_> =
            outcomes.into_iter().filter_map(|outcome| outcome.result.err()).collect();
        let failed = failures.len();
        match failures.into_iter().next() {
            None => {
                self.output.done(json!({"downloads": documents}), || lines.join("\n"));
                Ok(Verdict::Done)
            }
            Some(only) if all == 1 => Err(only),
            Some(first) => {
                for line in &lines {
                    self.output.line(line);
                }
                let told =
                    format!("{failed} of {} failed; the first", count(all as u64, "download"));
                Err(first.within(told))
            }
        }
    }
}
