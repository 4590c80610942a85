//! Progress: a bar on a terminal, a line now and then elsewhere, events for programs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Listener, Output, size, stderr_is_terminal};

/// Programs hear of progress at most so often; beginnings and ends are always told.
const EVENT_EVERY: Duration = Duration::from_millis(100);
/// A log that nobody watches gets a line so often, and none for what is over before.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// The time over which the rate is smoothed.
const RATE_WINDOW: Duration = Duration::from_secs(3);

/// How far something is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Advance {
    /// What is being done: `scan`, `compress`, `files`, `install`, `essential`, `download` …
    pub(crate) phase: String,
    /// The pack concerned; empty for none.
    pub(crate) pack: String,
    /// Bytes done.
    pub(crate) bytes_done: u64,
    /// Bytes in all.
    pub(crate) bytes_total: u64,
    /// The share that is done, 0 to 1, when it is not simply bytes.
    pub(crate) fraction: Option<f64>,
}

/// Who hears of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// People and programs.
    Everybody,
    /// People only: a program gets one document and nothing else.
    People,
}

/// Tells of progress. The fraction that it tells never falls.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    output: &'a Output,
    audience: Audience,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bar: Option<ProgressBar>,
    told: Instant,
    /// What was told last; nothing is told twice.
    last: Option<(String, String, u64)>,
    fraction: f64,
    rate_since: Instant,
    rate_bytes: u64,
    rate: f64,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output, audience: Audience) -> Self {
        let bar = (output.listener() == Listener::Person && stderr_is_terminal()).then(bar);
        let state = State {
            bar,
            told: Instant::now(),
            last: None,
            fraction: 0.0,
            rate_since: Instant::now(),
            rate_bytes: 0,
            rate: 0.0,
        };
        Self { output, audience, state: Mutex::new(state) }
    }

    /// Takes note of how far it is, and tells if it is time.
    pub(crate) fn advance(&self, advance: &Advance) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.measure(advance);
        match self.output.listener() {
            Listener::Program => {
                if self.audience == Audience::Everybody && state.is_event_due(advance) {
                    self.output.event(&state.event(advance));
                }
            }
            Listener::Person => match &state.bar {
                Some(bar) => show(bar, &state, advance),
                None => {
                    if state.is_line_due() {
                        let line = state.line(advance);
                        let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
                    }
                }
            },
            Listener::QuietPerson => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.finish();
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(1000);
    let style = ProgressStyle::with_template("{msg:24!} {bar:40} {prefix}");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

fn show(bar: &ProgressBar, state: &State, advance: &Advance) {
    let name = if advance.pack.is_empty() { &advance.phase } else { &advance.pack };
    bar.set_message(name.clone());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    bar.set_position((state.fraction * 1000.0) as u64);
    let eta =
        state.eta(advance).map_or_else(String::new, |seconds| format!(", {seconds:.0} s left"));
    let (done, total) = (size(advance.bytes_done), size(advance.bytes_total));
    bar.set_prefix(format!("{done} of {total}, {}/s{eta}", size(state.bytes_per_second())));
}

impl State {
    fn measure(&mut self, advance: &Advance) {
        let total = advance.bytes_total.max(1);
        let by_bytes = advance.bytes_done as f64 / total as f64;
        self.fraction = self.fraction.max(advance.fraction.unwrap_or(by_bytes).clamp(0.0, 1.0));
        if advance.bytes_done < self.rate_bytes {
            (self.rate_bytes, self.rate_since) = (advance.bytes_done, Instant::now());
        }
        let elapsed = self.rate_since.elapsed();
        if elapsed >= Duration::from_millis(200) {
            let now = (advance.bytes_done - self.rate_bytes) as f64 / elapsed.as_secs_f64();
            let weight = (elapsed.as_secs_f64() / RATE_WINDOW.as_secs_f64()).min(1.0);
            self.rate = if self.rate == 0.0 { now } else { self.rate + (now - self.rate) * weight };
            (self.rate_bytes, self.rate_since) = (advance.bytes_done, Instant::now());
        }
    }

    fn is_event_due(&mut self, advance: &Advance) -> bool {
        let ended = advance.bytes_total > 0 && advance.bytes_done >= advance.bytes_total;
        let begun = self
            .last
            .as_ref()
            .is_none_or(|(phase, pack, _)| *phase != advance.phase || *pack != advance.pack);
        let now = (advance.phase.clone(), advance.pack.clone(), advance.bytes_done);
        let due = begun || ended || self.told.elapsed() >= EVENT_EVERY;
        if !due || self.last.as_ref() == Some(&now) {
            return false;
        }
        self.told = Instant::now();
        self.last = Some(now);
        true
    }

    fn is_line_due(&mut self) -> bool {
        let due = self.told.elapsed() >= LINE_EVERY;
        if due {
            self.told = Instant::now();
        }
        due
    }

    fn bytes_per_second(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "never negative"
        )]
        let rate = self.rate as u64;
        rate
    }

    /// Seconds left, as far as one can tell.
    fn eta(&self, advance: &Advance) -> Option<f64> {
        let left = advance.bytes_total.saturating_sub(advance.bytes_done) as f64;
        (self.rate > 0.0).then(|| left / self.rate)
    }

    fn event(&self, advance: &Advance) -> serde_json::Value {
        let pack = if advance.pack.is_empty() {
            serde_json::Value::Null
        } else {
            advance.pack.clone().into()
        };
        json!({
            "event": "progress",
            "phase": advance.phase,
            "pack": pack,
            "bytesDone": advance.bytes_done,
            "bytesTotal": advance.bytes_total,
            "bytesPerSecond": self.bytes_per_second(),
            "etaSeconds": self.eta(advance).map(f64::ceil),
            "fraction": self.fraction,
        })
    }

    fn line(&self, advance: &Advance) -> String {
        let (done, total) = (size(advance.bytes_done), size(advance.bytes_total));
        let name = if advance.pack.is_empty() { &advance.phase } else { &advance.pack };
        format!("{name}: {done} of {total} ({:.0} %)\n", self.fraction * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advance(phase: &str, bytes_done: u64) -> Advance {
        Advance { phase: phase.to_owned(), bytes_done, bytes_total: 100, ..Advance::default() }
    }

    #[test]
    fn the_fraction_never_falls() {
        let output = Output::new(Listener::QuietPerson);
        let progress = output.progress();
        let fraction = || progress.state.lock().expect("nobody panicked").fraction;
        progress.advance(&advance("one", 60));
        progress.advance(&advance("two", 10));
        assert!((fraction() - 0.6).abs() < f64::EPSILON);
        progress.advance(&advance("two", 200));
        assert!((fraction() - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn beginnings_and_ends_are_told_at_once_and_nothing_twice() {
        let output = Output::new(Listener::QuietPerson);
        let progress = output.progress();
        let mut state = progress.state.lock().expect("nobody panicked");
        assert!(state.is_event_due(&advance("one", 1)));
        assert!(!state.is_event_due(&advance("one", 1)));
        assert!(state.is_event_due(&advance("two", 1)));
        assert!(state.is_event_due(&advance("two", 100)));
        assert!(!state.is_event_due(&advance("two", 100)));
        assert!(!state.is_line_due());
    }
}
