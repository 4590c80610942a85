//! Asking apps and their downloader extensions: the extension host. `Spec: concepts 10, 11`.
//!
//! The engine decides who is asked what and when. Here a question goes to the connection of a running app, or to the app's
//! extension, which is started for it: confined, watched while it works, suspended when it has answered, ended when nobody asks
//! it any more.

mod asked;
mod call;
mod clock;
mod history;
mod idle;
mod port;
mod run;
mod start;
mod words;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use headstart_engine::{CallId, ClientId, ExtensionEnd, Inquiry, Receiver};
use headstart_model::AppId;
use headstart_model::protocol::downloads::DelegateEvent;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use asked::{Asked, Ticket};
pub(crate) use clock::ExclusiveTime;
use run::End;
pub(crate) use run::{Returned, Run};
pub(crate) use start::inherited;

use crate::inbox::CoreHandle;
use crate::perform::Context;
use crate::socket::Shared;

/// Questions that wait for one listening app; the engine asks one at a time.
const QUESTIONS_MAX: usize = 8;

/// What holds for every extension.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The program that confines: this one.
    pub launcher: PathBuf,
    /// How long one question may take. `Ours:` the original speaks of an extension that is too slow and names no time.
    pub patience: Duration,
    /// How long one may have exclusive control, or wait for it, while it gives one answer, and after that again. `Ours:` the
    /// original sets no limit, and nothing else could get at the app's downloads meanwhile.
    pub exclusive: Duration,
    /// How long an extension may have nothing to do before it is ended.
    pub idle: Duration,
    /// Anonymous memory that one may use, in bytes. `Spec: concepts 10`: a few megabytes.
    pub memory_bytes: u64,
}

/// Asks apps and extensions. Clones ask the same ones.
#[derive(Debug, Clone)]
pub struct Asker {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    runtime: Handle,
    core: CoreHandle,
    context: Arc<Context>,
    limits: Limits,
    /// What connections of extensions are served with; set when the service listens.
    shared: OnceLock<Weak<Shared>>,
    runs: Mutex<HashMap<AppId, Arc<Run>>>,
    /// Locked before `runs` where both are needed.
    asked: Mutex<Asked>,
    delegates: Mutex<HashMap<ClientId, mpsc::Sender<DelegateEvent>>>,
    debuggers: Mutex<HashMap<AppId, oneshot::Sender<Arc<Run>>>>,
    history: Mutex<history::History>,
    /// Run time that counts and was used when no question was open: it goes with the next.
    owed_time: Mutex<HashMap<AppId, Duration>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Asker {
    /// An asker that starts extensions on `runtime` and reports to `core`.
    #[must_use]
    pub fn new(runtime: Handle, core: CoreHandle, context: Arc<Context>, limits: Limits) -> Self {
        let inner = Inner {
            runtime,
            core,
            context,
            limits,
            shared: OnceLock::new(),
            runs: Mutex::default(),
            asked: Mutex::default(),
            delegates: Mutex::default(),
            debuggers: Mutex::default(),
            history: Mutex::default(),
            owed_time: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Serves the connections of extensions with this. Before it no extension can be asked.
    pub fn serve_with(&self, shared: &Arc<Shared>) {
        // Only the first call counts, and there is one.
        let _ = self.inner.shared.set(Arc::downgrade(shared));
    }

    /// Asks. The answer reaches the engine as an event.
    pub fn ask(&self, inquiry: Inquiry) {
        match inquiry.receiver {
            Receiver::Delegate(client) => {
                let layout = &self.inner.context.layout;
                let Some(event) = words::to_delegate(layout, inquiry.call, inquiry.question) else {
                    return;
                };
                let delegates = self.inner.delegates();
                // One that is gone is reported by the end of its connection.
                if let Some(to) = delegates.get(&client)
                    && to.try_send(event).is_err()
                {
                    tracing::debug!(client = client.0, "an app does not hear");
                }
            }
            Receiver::Extension { budget_ms } => {
                let inner = Arc::clone(&self.inner);
                let ticket = inner.asked().expect(inquiry.app.clone(), inquiry.call);
                let budget = Duration::from_millis(budget_ms);
                self.inner.runtime.spawn(async move {
                    call::perform(&inner, ticket, inquiry, budget).await;
                });
            }
        }
    }

    /// The answer to a question is not wanted any more.
    pub fn forget(&self, app: &AppId, call: CallId) {
        let mut asked = self.inner.asked();
        if !asked.forget(app, call)
            && let Some(run) = self.inner.run(app)
        {
            run.forget(call);
        }
    }

    /// Ends the extension of an app, if it is there or just being started.
    pub fn end_extension(&self, app: &AppId, why: ExtensionEnd) {
        let end = match why {
            ExtensionEnd::AppRemoved => End::AppRemoved,
            ExtensionEnd::AppUpdated => End::AppUpdated,
            ExtensionEnd::InstallationDone => End::InstallationDone,
            ExtensionEnd::NotAllowed => End::NotAllowed,
        };
        let mut asked = self.inner.asked();
        asked.end(|asked| asked == app, &end);
        if let Some(run) = self.inner.take_run(app) {
            let inner = Arc::clone(&self.inner);
            self.inner.runtime.spawn(async move { idle::end(&inner, &run, end).await });
        }
    }

    /// Ends every extension at once: the service ends.
    pub fn stop_all(&self) {
        let mut asked = self.inner.asked();
        asked.end(|_| true, &End::ServiceStopping);
        for (_, run) in self.inner.runs().drain() {
            run.kill(End::ServiceStopping);
        }
    }

    /// The engine has forgotten who listens and who has exclusive control.
    pub(crate) fn lose_rights(&self) {
        if let Some(shared) = self.inner.shared.get().and_then(Weak::upgrade) {
            shared.lose_rights();
        }
    }

    /// Hears what the app of this connection is asked, until the receiver is dropped.
    pub(crate) fn attend(&self, client: ClientId) -> mpsc::Receiver<DelegateEvent> {
        let (sender, receiver) = mpsc::channel(QUESTIONS_MAX);
        self.inner.delegates().insert(client, sender);
        receiver
    }

    /// The connection hears no more.
    pub(crate) fn leave(&self, client: ClientId) {
        self.inner.delegates().remove(&client);
    }

    /// The next run of the app's extension, stopped before its first instruction for a debugger. An earlier wait for the same
    /// app ends.
    pub(crate) fn debug_next(&self, app: &AppId) -> oneshot::Receiver<Arc<Run>> {
        let (sender, receiver) = oneshot::channel();
        self.inner.debuggers().insert(app.clone(), sender);
        // One that is being asked may answer: it is ended for the next question.
        if let Some(run) = self.inner.run(app).filter(|run| !run.is_asked()) {
            run.kill(End::Debugger);
        }
        receiver
    }

    /// What the app's extension has done since the service started, newest first.
    pub(crate) fn runs_of(
        &self,
        app: &AppId,
    ) -> Vec<headstart_model::protocol::apps::ExtensionRun> {
        self.inner.history().of(app)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn runs(&self) -> MutexGuard<'_, HashMap<AppId, Arc<Run>>> {
        lock(&self.runs)
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        lock(&self.asked)
    }

    fn delegates(&self) -> MutexGuard<'_, HashMap<ClientId, mpsc::Sender<DelegateEvent>>> {
        lock(&self.delegates)
    }

    fn debuggers(&self) -> MutexGuard<'_, HashMap<AppId, oneshot::Sender<Arc<Run>>>> {
        lock(&self.debuggers)
    }

    /// Whether somebody waits to debug the next run of the app's extension.
    fn is_debugger_waiting(&self, app: &AppId) -> bool {
        self.debuggers().get(app).is_some_and(|debugger| !debugger.is_closed())
    }

    fn history(&self) -> MutexGuard<'_, history::History> {
        lock(&self.history)
    }

    fn owe_time(&self, app: &AppId, time: Duration) {
        if !time.is_zero() {
            *lock(&self.owed_time).entry(app.clone()).or_default() += time;
        }
    }

    fn take_owed_time(&self, app: &AppId) -> Duration {
        lock(&self.owed_time).remove(app).unwrap_or_default()
    }

    /// The extension of an app that is there and has not ended.
    fn run(&self, app: &AppId) -> Option<Arc<Run>> {
        self.runs().get(app).filter(|run| run.ended().is_none()).cloned()
    }

    /// Enters an extension that has been started for a question, unless it had to end meanwhile.
    fn enter_run(&self, ticket: Ticket, run: &Arc<Run>) -> Result<(), End> {
        let asked = self.asked();
        if let Some(why) = asked.ended(ticket) {
            return Err(why);
        }
        // Where the engine began anew a question may wait still that nobody remembers.
        if let Some(before) = self.runs().insert(run.app().clone(), Arc::clone(run)) {
            before.kill(End::Replaced);
        }
        Ok(())
    }

    fn take_run(&self, app: &AppId) -> Option<Arc<Run>> {
        self.runs().remove(app)
    }

    /// Forgets a run that has ended, unless another has taken its place.
    fn drop_run(&self, run: &Arc<Run>) {
        let mut runs = self.runs();
        if runs.get(run.app()).is_some_and(|known| Arc::ptr_eq(known, run)) {
            runs.remove(run.app());
        }
    }
}
