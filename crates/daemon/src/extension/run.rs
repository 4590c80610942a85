//! One extension from its start to its end.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use headstart_engine::{CallId, ExtensionAnswer};
use headstart_model::download::UrlDownload;
use headstart_model::protocol::extension::{ExtensionEvent, Return};
use headstart_model::{AppId, ErrorKind, Failure};
use headstart_sys::confine::{self, Confined, Usage};
use tokio::sync::{mpsc, oneshot, watch};

use super::clock::{Exclusive, ExclusiveTime};
use super::lock;

/// Why an extension ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It had nothing to do.
    Idle,
    /// Its app was removed.
    AppRemoved,
    /// Its app was replaced.
    AppUpdated,
    /// The installation has ended.
    InstallationDone,
    /// Background activity is not wanted.
    NotAllowed,
    /// A debugger wants the next one.
    Debugger,
    /// Another one took its place.
    Replaced,
    /// The service ends.
    ServiceStopping,
    /// It used too much memory.
    Memory {
        /// Anonymous bytes that were seen.
        used_bytes: u64,
        /// Bytes allowed.
        allowed_bytes: u64,
    },
    /// It ran too many threads.
    Threads {
        /// How many were seen.
        running: u64,
        /// How many are allowed.
        allowed: u64,
    },
    /// It did not answer in time.
    Patience(Duration),
    /// It has used the run time of its day.
    Budget,
    /// It had exclusive control, or waited for it, too long.
    ExclusiveControl(Duration),
    /// It waited for exclusive control, which others had, and never got it.
    AwaitedControl(Duration),
    /// It did not ask what it is wanted for.
    NotServing(Duration),
    /// It broke its connection off.
    Disconnected,
    /// It ended by itself.
    Itself(confine::Outcome),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Idle => f.write_str("it had nothing to do"),
            Self::AppRemoved => f.write_str("its app was removed"),
            Self::AppUpdated => f.write_str("its app was updated"),
            Self::InstallationDone => f.write_str("the installation has ended"),
            Self::NotAllowed => f.write_str("background activity is not wanted"),
            Self::Debugger => f.write_str("a debugger waits for the next run"),
            Self::Replaced => f.write_str("another one took its place"),
            Self::ServiceStopping => f.write_str("the service stopped"),
            Self::Memory { used_bytes, allowed_bytes } => {
                write!(f, "it used {used_bytes} bytes of memory, and {allowed_bytes} are allowed")
            }
            Self::Threads { running, allowed } => {
                write!(f, "it ran {running} threads, and {allowed} are allowed")
            }
            Self::Patience(time) => {
                write!(f, "it gave no answer within {} s", time.as_secs_f32())
            }
            Self::Budget => f.write_str("it has used the run time of its day"),
            Self::ExclusiveControl(time) => {
                write!(f, "it had or awaited exclusive control for {} s", time.as_secs_f32())
            }
            Self::AwaitedControl(time) => {
                write!(f, "it waited {} s for exclusive control", time.as_secs_f32())
            }
            Self::NotServing(time) => {
                write!(f, "it did not connect within {} s", time.as_secs_f32())
            }
            Self::Disconnected => f.write_str("it broke its connection off"),
            Self::Itself(confine::Outcome::Exit(code)) => {
                write!(f, "it ended by itself, with exit code {code}")
            }
            Self::Itself(confine::Outcome::Signal(signal)) => {
                write!(f, "it was ended by signal {signal}")
            }
        }
    }
}

impl End {
    /// The failure of a question that was open then.
    pub(crate) fn failure(&self, app: &AppId) -> Failure {
        let code = match self {
            Self::Memory { .. } => "extensionMemory",
            Self::Threads { .. } => "extensionThreads",
            Self::Patience(_) | Self::NotServing(_) | Self::ExclusiveControl(_) => {
                "extensionTooSlow"
            }
            Self::Budget => "extensionBudget",
            Self::Disconnected | Self::Itself(_) => "extensionCrashed",
            _ => "extensionEnded",
        };
        let message = format!("the extension of app `{app}` gave no answer: {self}");
        if matches!(self, Self::AwaitedControl(_)) {
            return Failure::new(ErrorKind::Conflict, "exclusiveControlTaken", message).with_hint(
                "the app, or another connection of the extension, has it: give it back",
            );
        }
        Failure::new(ErrorKind::Unavailable, code, message).with_hint(
            "the log of the service has what it printed; `headstart app info` shows its runs",
        )
    }
}

/// What came of a [`Return`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returned {
    /// The answer is complete, or one page of it is here.
    Taken,
    /// Nobody asked that, or the answer is not wanted any more.
    Unasked,
}

/// A question that has not been answered.
struct Open {
    call: CallId,
    downloads: Vec<UrlDownload>,
    /// Bytes that they take.
    bytes: u64,
    answer: oneshot::Sender<Result<ExtensionAnswer, Failure>>,
    kind: Kind,
}

/// What kind of answer a question has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Downloads,
    Packs,
    Challenge,
    Heard,
}

/// What was counted of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stats {
    pub(super) calls: u64,
    pub(super) used: Duration,
    pub(super) peak_bytes: u64,
    /// Processor time at the last look.
    pub(super) computed: Duration,
}

/// One extension from its start to its end.
pub(crate) struct Run {
    app: AppId,
    program: std::path::PathBuf,
    confined: Confined,
    debugged: bool,
    events: Mutex<Option<mpsc::Sender<ExtensionEvent>>>,
    serving: watch::Sender<bool>,
    open: Mutex<Option<Open>>,
    end: watch::Sender<Option<End>>,
    exclusive: Exclusive,
    stats: Mutex<Stats>,
    /// Counts questions: who waits for idleness sees when there was another. Locked while it is decided what becomes of one
    /// that has nothing to do.
    turn: Mutex<u64>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("app", &self.app)
            .field("pid", &self.pid())
            .finish_non_exhaustive()
    }
}

impl Run {
    pub(super) fn new(
        app: AppId,
        program: std::path::PathBuf,
        confined: Confined,
        debugged: bool,
    ) -> Self {
        Self {
            app,
            program,
            confined,
            debugged,
            events: Mutex::default(),
            serving: watch::Sender::new(false),
            open: Mutex::default(),
            end: watch::Sender::new(None),
            exclusive: Exclusive::default(),
            stats: Mutex::default(),
            turn: Mutex::new(0),
        }
    }

    pub(crate) const fn app(&self) -> &AppId {
        &self.app
    }

    pub(crate) fn program(&self) -> &std::path::Path {
        &self.program
    }

    pub(crate) fn pid(&self) -> u32 {
        self.confined.pid()
    }

    /// Whether a debugger waits for it: nothing that it does takes too long.
    pub(super) const fn is_debugged(&self) -> bool {
        self.debugged
    }

    pub(super) const fn confined(&self) -> &Confined {
        &self.confined
    }

    // --- its end ---

    pub(super) fn ended(&self) -> Option<End> {
        self.end.borrow().clone()
    }

    /// Notes why it ends; the first reason is the true one.
    pub(super) fn set_end(&self, end: End) {
        self.end.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(end);
            }
            first
        });
        *lock(&self.events) = None;
    }

    /// Waits until it has ended. Cancel safe.
    pub(super) async fn until_ended(&self) {
        // It cannot fail: the sender lives as long as this.
        let _ = self.end.subscribe().wait_for(Option::is_some).await;
    }

    /// Ends it at once.
    pub(crate) fn kill(&self, end: End) {
        self.set_end(end);
        self.confined.kill();
    }

    /// Its connection is gone: it cannot be asked any more. One that has just ended by itself says so a moment later, and that
    /// is the better reason.
    pub(crate) async fn disconnected(&self) {
        let _ = tokio::time::timeout(LAST_WORD, self.until_ended()).await;
        self.kill(End::Disconnected);
    }

    // --- what it is asked ---

    /// What it is asked from now on; none when somebody hears that already.
    pub(crate) fn serve(&self) -> Option<mpsc::Receiver<ExtensionEvent>> {
        let (sender, receiver) = mpsc::channel(4);
        if self.serving.send_replace(true) {
            return None;
        }
        *lock(&self.events) = Some(sender);
        Some(receiver)
    }

    /// Waits until it has asked what it is wanted for. Cancel safe.
    pub(super) async fn until_serving(&self) {
        let _ = self.serving.subscribe().wait_for(|serving| *serving).await;
    }

    /// Says something; false when nobody hears it.
    pub(super) fn tell(&self, event: ExtensionEvent) -> bool {
        lock(&self.events).as_ref().is_some_and(|sender| sender.try_send(event).is_ok())
    }

    /// Begins a question: whatever comes as its answer comes through the receiver.
    pub(super) fn begin(
        &self,
        call: CallId,
        kind: Kind,
    ) -> oneshot::Receiver<Result<ExtensionAnswer, Failure>> {
        let (answer, receiver) = oneshot::channel();
        *lock(&self.open) = Some(Open { call, downloads: Vec::new(), bytes: 0, answer, kind });
        receiver
    }

    /// Whether it has not answered yet.
    pub(super) fn is_asked(&self) -> bool {
        lock(&self.open).is_some()
    }

    /// The number of questions so far.
    pub(super) fn turn(&self) -> u64 {
        *lock(&self.turn)
    }

    /// Lets it go on for another question; false when it has ended. One that a debugger holds goes on when that lets it.
    pub(super) fn wake(&self) -> bool {
        let mut turn = lock(&self.turn);
        if self.ended().is_some() {
            return false;
        }
        *turn += 1;
        if !self.debugged {
            self.confined.resume();
        }
        true
    }

    /// Suspends it, unless there was another question after `turn`; false then.
    pub(super) fn suspend_after(&self, turn: u64) -> bool {
        let present = lock(&self.turn);
        let rests = *present == turn;
        if rests {
            self.confined.suspend();
        }
        rests
    }

    /// Notes that it ends for having nothing to do, unless there was another question after `turn`; false then.
    pub(super) fn end_after(&self, turn: u64) -> bool {
        let present = lock(&self.turn);
        let rests = *present == turn;
        if rests {
            self.tell(ExtensionEvent::WillTerminate {});
            self.set_end(End::Idle);
        }
        rests
    }

    /// The answer to a question is not wanted any more.
    pub(super) fn forget(&self, call: CallId) {
        let mut open = lock(&self.open);
        if open.as_ref().is_some_and(|open| open.call == call) {
            *open = None;
        }
    }

    /// Takes an answer, or a page of one.
    pub(crate) fn take(&self, given: Return) -> Returned {
        let mut slot = lock(&self.open);
        let Some(mut open) = slot.take_if(|open| open.call.0 == given.call) else {
            return Returned::Unasked;
        };
        open.bytes += given.downloads.iter().map(UrlDownload::weight_bytes).sum::<u64>();
        open.downloads.extend(given.downloads);
        if open.downloads.len() > DOWNLOADS_MAX || open.bytes > DOWNLOADS_BYTES_MAX {
            let failure = too_many(&self.app);
            let _ = open.answer.send(Ok(ExtensionAnswer::Refused(failure)));
            return Returned::Taken;
        }
        if given.more {
            *slot = Some(open);
            return Returned::Taken;
        }
        let answer = match (given.failure, open.kind) {
            (Some(failure), _) => Err(failure.shortened(FAILURE_CHARS_MAX)),
            (None, Kind::Downloads) => Ok(ExtensionAnswer::Downloads(open.downloads)),
            (None, Kind::Packs) => Ok(ExtensionAnswer::Dropped(given.dropped)),
            (None, Kind::Challenge) => {
                Ok(ExtensionAnswer::Challenge(given.answer.unwrap_or_default()))
            }
            (None, Kind::Heard) => Ok(ExtensionAnswer::Heard),
        };
        // Whoever asked may have given up meanwhile.
        let _ = open.answer.send(answer);
        Returned::Taken
    }

    /// It asks for exclusive control, or has it: its clock stands still until the guard is dropped.
    pub(crate) fn begin_exclusive(self: &Arc<Self>) -> ExclusiveTime {
        ExclusiveTime::begin(self)
    }

    pub(super) const fn exclusive(&self) -> &Exclusive {
        &self.exclusive
    }

    // --- what it takes ---

    pub(super) fn count(&self, used: Duration) {
        let mut stats = self.stats();
        stats.calls += 1;
        stats.used += used;
    }

    fn stats(&self) -> MutexGuard<'_, Stats> {
        lock(&self.stats)
    }

    pub(super) fn counted(&self) -> Stats {
        *self.stats()
    }

    /// Looks at what it uses now; nothing where the system does not tell, or when it has ended.
    pub(super) fn sample(&self) -> Usage {
        let Some(usage) = self.confined.usage() else { return Usage::default() };
        let mut stats = self.stats();
        stats.peak_bytes = stats.peak_bytes.max(usage.peak_anonymous_bytes);
        stats.computed = usage.processor_time;
        usage
    }
}

/// How long an extension that is no longer connected may take to be gone.
const LAST_WORD: Duration = Duration::from_millis(300);
/// Downloads in one answer, at most; the engine has the same limit for all of an app.
const DOWNLOADS_MAX: usize = 200_000;
/// Bytes that they may take in memory, at most.
const DOWNLOADS_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Characters of each text of a failure that an extension tells: it is kept, logged and shown.
const FAILURE_CHARS_MAX: usize = 300;

fn too_many(app: &AppId) -> Failure {
    let message = format!(
        "the extension of app `{app}` named too many downloads at once: {DOWNLOADS_MAX} are allowed, and \
         {DOWNLOADS_BYTES_MAX} bytes for all that they say"
    );
    Failure::new(ErrorKind::Refused, "tooManyDownloads", message)
        .with_hint("fetch larger files, or schedule some of them later")
}
