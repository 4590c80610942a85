//! The thread that owns the state.
//!
//! It takes whatever is waiting, lets the engine handle it event by event, commits all changes in one transaction, and then
//! lets the effects begin and the answers go. If the commit fails, what is in memory is dropped and loaded again, and no
//! effect begins: the database is the truth.

mod handle;
mod input;
mod subscribers;

use std::collections::HashMap;
use std::time::Duration;

use headstart_engine::{
    Device, Effect, Effects, Event, MonotonicTime, Notice, Reply, RequestId, State, handle,
};
use headstart_model::Failure;
use headstart_model::record::Change;
use headstart_store::{Database, StoreError};
use tokio::sync::{mpsc, oneshot};

pub use handle::CoreHandle;
pub use input::{Answered, Input};
pub use subscribers::{Heard, Subscription, Told};

use crate::clock::Clock;
use crate::perform::Performer;
use subscribers::Subscribers;

/// Events that are handled before a commit, at most: the more, the fewer commits; the fewer, the sooner an answer.
const BATCH_MAX: usize = 128;
/// How long the thread sleeps when the engine set no timer.
const IDLE: Duration = Duration::from_hours(1);

/// The state, the database, and who waits for what.
pub struct Core {
    state: State,
    database: Database,
    clock: Clock,
    device: Device,
    performer: Performer,
    subscribers: Subscribers,
    waiting: HashMap<RequestId, oneshot::Sender<Result<Reply, Failure>>>,
    next_request: u64,
    timer: Option<MonotonicTime>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

/// Why the state could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Rows in the database are not what the engine wrote.
    #[error("the state of the service cannot be read")]
    State(#[from] headstart_engine::record::LoadError),
}

impl Core {
    /// Loads the state.
    ///
    /// # Errors
    /// [`CoreError`] when the database cannot be read.
    pub fn load(
        database: Database,
        clock: Clock,
        device: Device,
        performer: Performer,
    ) -> Result<Self, CoreError> {
        Ok(Self {
            state: State::load(database.load()?, device)?,
            database,
            clock,
            device,
            performer,
            subscribers: Subscribers::default(),
            waiting: HashMap::new(),
            next_request: 0,
            timer: None,
        })
    }

    /// Works until every handle is gone or the stop is asked for. Blocks: it has a thread of its own.
    pub fn run(
        mut self,
        mut inputs: mpsc::UnboundedReceiver<Input>,
        runtime: &tokio::runtime::Handle,
    ) {
        self.batch(vec![Input::Event(Event::Restarted)]);
        loop {
            let wait = self
                .timer
                .map_or(IDLE, |at| Duration::from_millis(self.clock.now().monotonic.ms_until(at)));
            // The receiver is asked through the runtime because only it can wait with a limit.
            let first = runtime.block_on(async { tokio::time::timeout(wait, inputs.recv()).await });
            let mut batch = match first {
                Ok(Some(Input::Stop) | None) => break,
                Ok(Some(input)) => vec![input],
                Err(_) => {
                    self.timer = None;
                    vec![Input::Event(Event::TimerDue)]
                }
            };
            let mut stop = false;
            while batch.len() < BATCH_MAX {
                match inputs.try_recv() {
                    Ok(Input::Stop) => {
                        stop = true;
                        break;
                    }
                    Ok(input) => batch.push(input),
                    Err(_) => break,
                }
            }
            self.batch(batch);
            if stop {
                break;
            }
        }
        self.performer.stop_all();
    }

    /// Handles what came in, commits, then lets effects begin.
    fn batch(&mut self, inputs: Vec<Input>) {
        let mut all = Effects::default();
        let mut queries = Vec::new();
        for input in inputs {
            let event = match input {
                Input::Event(event) => event,
                Input::Call(call) => {
                    self.next_request += 1;
                    let request = RequestId(self.next_request);
                    self.waiting.insert(request, call.answer);
                    (call.event)(headstart_engine::Caller { request, client: call.client })
                }
                Input::Query(query) => {
                    queries.push(query);
                    continue;
                }
                Input::Subscribe(subscription) => {
                    self.subscribers.add(subscription);
                    continue;
                }
                Input::Stop => continue,
            };
            tracing::trace!(?event, "event");
            let Effects { changes, effects } = handle(&mut self.state, event, self.clock.now());
            all.changes.extend(changes);
            all.effects.extend(effects);
        }
        match self.commit(&all.changes) {
            Ok(()) => all.effects.into_iter().for_each(|effect| self.begin(effect)),
            Err(error) => self.reload(&error),
        }
        // Queries see the state after the events that came before them, and only what was committed.
        let now = self.clock.now();
        for query in queries {
            query(&self.state, now);
        }
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        self.database.commit(changes)
    }

    fn begin(&mut self, effect: Effect) {
        match effect {
            Effect::Order { id, order } => self.performer.begin(id, order),
            Effect::Stop { id } => self.performer.stop(id),
            Effect::Answer { request, outcome } => {
                if let Some(answer) = self.waiting.remove(&request) {
                    // A caller that went away no longer listens.
                    let _ = answer.send(outcome);
                }
            }
            Effect::Tell(notice) => self.tell(&notice),
            Effect::SetTimer { at } => self.timer = Some(at),
        }
    }

    fn tell(&mut self, notice: &Notice) {
        tracing::debug!(?notice, "told");
        self.subscribers.tell(notice);
    }

    /// A commit failed: the database is the truth, so what memory believes is dropped. Whoever waits hears why.
    fn reload(&mut self, error: &StoreError) {
        tracing::error!(%error, "a change could not be committed; the state is loaded again");
        let failure = error.to_failure();
        for (_, answer) in self.waiting.drain() {
            let _ = answer.send(Err(failure.clone()));
        }
        self.database.keep_reserve();
        let loaded = self
            .database
            .load()
            .map_err(CoreError::from)
            .and_then(|rows| State::load(rows, self.device).map_err(CoreError::from));
        match loaded {
            Ok(state) => {
                self.state = state;
                let effects = handle(&mut self.state, Event::Restarted, self.clock.now());
                if self.commit(&effects.changes).is_ok() {
                    effects.effects.into_iter().for_each(|effect| self.begin(effect));
                }
            }
            Err(error) => {
                tracing::error!(%error, "the state cannot be loaded; trying again at the next event");
            }
        }
    }
}
