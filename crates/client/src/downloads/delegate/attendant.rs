//! The thread that listens for a delegate.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use headstart_model::ErrorKind;
use headstart_model::download::{DownloadStatus, UrlDownload};
use headstart_model::protocol::downloads::{Acknowledge, Attend, ChallengeAnswer, DelegateEvent};

use super::registration::Gate;
use super::{DelegateRegistration, DownloadManagerDelegate};
use crate::Download;
use crate::connection::unexpected;
use crate::downloads::FinishedFile;
use crate::downloads::event::moved;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::link::{Caller, Replies};

/// The wait before the service is looked for again, at first and at last. `Ours:` looking costs one
/// system call, and a service that was started again has news.
const RETRY: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];
/// The longest wait after the delegate has panicked: it will be told the same again.
const AFTER_PANIC_MAX: Duration = Duration::from_mins(1);

/// Makes `delegate` the one who hears; everything from the return on.
pub(crate) fn register(
    caller: &Caller,
    delegate: impl DownloadManagerDelegate,
) -> Result<DelegateRegistration, Error> {
    let gate = Arc::new(Gate::default());
    let listening = caller.with(gate.interrupt.clone());
    let attend = Attend { app: caller.on_behalf_of() };
    let replies = attending(listening.stream(&attend)?)?;
    let attendant = Attendant {
        delegate,
        gate: Arc::clone(&gate),
        listening,
        // What was done is acknowledged even if nobody listens any more.
        acknowledging: caller.with(Interrupt::default()),
        attend,
        done: HashSet::new(),
        panics: 0,
    };
    let builder = std::thread::Builder::new().name("headstart-delegate".to_owned());
    let thread = builder.spawn(move || attendant.run(replies)).map_err(|error| {
        Error::new(ErrorKind::Internal, "noThread", "no thread could be started for the delegate")
            .caused_by(&error)
    })?;
    Ok(DelegateRegistration { gate, thread: Some(thread) })
}

/// Takes the reply that says that everything is heard from here on.
pub(crate) fn attending(mut replies: Replies<Attend>) -> Result<Replies<Attend>, Error> {
    match replies.next().transpose()? {
        Some(DelegateEvent::Attending {}) => Ok(replies),
        _ => Err(unexpected()),
    }
}

struct Attendant<D> {
    delegate: D,
    gate: Arc<Gate>,
    listening: Caller,
    acknowledging: Caller,
    attend: Attend,
    /// What the delegate dealt with, and the service does not know it yet: it will tell it again.
    done: HashSet<(&'static str, String)>,
    /// Panics since the delegate last dealt with something.
    panics: u32,
}

/// The delegate has panicked.
struct Panicked;

impl<D: DownloadManagerDelegate> Attendant<D> {
    fn run(mut self, mut replies: Replies<Attend>) {
        loop {
            let mut wait = RETRY[0];
            if let Err(Panicked) = self.hear(replies) {
                wait = wait.saturating_mul(1 << self.panics.min(16)).min(AFTER_PANIC_MAX);
                self.panics = self.panics.saturating_add(1);
            }
            replies = loop {
                self.gate.wait(wait);
                if self.gate.is_closed() {
                    return;
                }
                // A service that somebody stopped is not started for this: its downloads rest with it.
                let stream = self.listening.stream_running(&self.attend);
                if let Ok(replies) = stream.and_then(attending) {
                    break replies;
                }
                wait = wait.max(wait.saturating_mul(2).min(RETRY[1]));
            };
        }
    }

    /// Hears until the connection ends.
    fn hear(&mut self, replies: Replies<Attend>) -> Result<(), Panicked> {
        for event in replies {
            let Ok(event) = event else { break };
            if self.gate.is_closed() {
                break;
            }
            let handled = match event {
                DelegateEvent::Challenged { callback, download, challenge } => {
                    let download = Download::in_state(download, DownloadStatus::Downloading);
                    let answer = contained(|| {
                        self.delegate.download_did_receive_challenge(&download, &challenge)
                    });
                    answer.map(|answer| drop(self.acknowledge(callback, Some(answer))))
                }
                DelegateEvent::Failed { callback, download, failure } => {
                    let error = failure.into();
                    self.conclude("failed", callback, download, |delegate, download| {
                        delegate.download_failed(download, &error);
                    })
                }
                DelegateEvent::Finished { callback, download, file } => {
                    let file = FinishedFile::new(file);
                    self.conclude("finished", callback, download, |delegate, download| {
                        delegate.download_finished(download, &file);
                    })
                }
                // What nobody has to answer is not told again, whatever becomes of it.
                other => contained(|| tell(&mut self.delegate, other)).or(Ok(())),
            };
            handled?;
        }
        Ok(())
    }

    fn conclude(
        &mut self,
        what: &'static str,
        callback: u64,
        download: UrlDownload,
        call: impl FnOnce(&mut D, &Download),
    ) -> Result<(), Panicked> {
        let key = (what, download.unique_identifier.clone());
        if !self.done.contains(&key) {
            let status =
                if what == "failed" { DownloadStatus::Failed } else { DownloadStatus::Finished };
            let download = Download::in_state(download, status);
            contained(|| call(&mut self.delegate, &download))?;
            self.done.insert(key.clone());
        }
        self.panics = 0;
        // A service that was started anew refuses the number of the one before, and tells the same again.
        if self.acknowledge(callback, None).is_ok() {
            self.done.remove(&key);
        }
        Ok(())
    }

    fn acknowledge(&self, callback: u64, answer: Option<ChallengeAnswer>) -> Result<(), Error> {
        let app = self.attend.app.clone();
        self.acknowledging.call_running(&Acknowledge { app, callback, answer }).map(drop)
    }
}

/// The panic itself is shown by the process's hook.
fn contained<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Panicked)
}

fn tell(delegate: &mut impl DownloadManagerDelegate, event: DelegateEvent) {
    match event {
        DelegateEvent::Began { download } => {
            let download = Download::in_state(download, DownloadStatus::Downloading);
            delegate.download_did_begin(&download);
        }
        DelegateEvent::Paused { download } => {
            delegate.download_did_pause(&Download::in_state(download, DownloadStatus::Waiting));
        }
        DelegateEvent::Progress { download, progress } => {
            delegate.download_did_write_bytes(&moved(download, progress), &progress);
        }
        DelegateEvent::Lost { count } => delegate.events_missed(count),
        _ => {}
    }
}
