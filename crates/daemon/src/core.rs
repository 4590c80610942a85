//! The thread that owns the state.
//!
//! It takes whatever is waiting, lets the engine handle it event by event, commits all changes in one transaction, and then
//! lets the effects begin and the answers go. If the commit fails, what is in memory is dropped and loaded again, and no
//! effect begins: the database is the truth.

use std::collections::HashMap;
use std::time::Duration;

use headstart_engine::{
    Device, Effect, Effects, Event, FactsChange, MonotonicTime, Reply, RequestId, State, handle,
};
use headstart_model::Failure;
use headstart_store::{Database, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::extension::Asker;
use crate::inbox::{Input, Query, Subscribers};
use crate::perform::Performer;

/// Events that are handled before a commit, at most: the more, the fewer commits; the fewer, the sooner an answer.
const BATCH_MAX: usize = 128;
/// How long the core rests after a commit that failed.
const REST_MS: u64 = 5_000;
/// How long the thread sleeps when the engine set no timer.
const IDLE: Duration = Duration::from_hours(1);

/// The state, the database, and who waits for what.
pub struct Core {
    state: State,
    database: Database,
    clock: Clock,
    device: Device,
    performer: Performer,
    asker: Asker,
    subscribers: Subscribers,
    waiting: HashMap<RequestId, oneshot::Sender<Result<Reply, Failure>>>,
    next_request: u64,
    timer: Option<MonotonicTime>,
    /// What is known of the device: told again when the state was loaded again.
    facts: FactsChange,
    /// Why nothing is handled at present.
    resting: Option<Failure>,
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
        (performer, asker): (Performer, Asker),
    ) -> Result<Self, CoreError> {
        Ok(Self {
            state: State::load(database.load()?, device)?,
            database,
            clock,
            device,
            performer,
            asker,
            subscribers: Subscribers::default(),
            waiting: HashMap::new(),
            next_request: 0,
            timer: None,
            facts: FactsChange::default(),
            resting: None,
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
        self.asker.stop_all();
    }

    /// Handles what came in, commits, then lets effects begin.
    fn batch(&mut self, inputs: Vec<Input>) {
        if let Some(failure) = self.resting.clone() {
            // Whoever calls may have made room; what merely ended comes again once the service is awake.
            let may_wake = inputs.iter().any(Input::may_wake);
            if !may_wake || !self.wake() {
                return self.refuse(inputs, &failure);
            }
        }
        let mut all = Effects::default();
        let mut queries = Vec::new();
        for input in inputs {
            let event = match input {
                Input::Event(event) => self.hear(event),
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
        match self.database.commit(&all.changes) {
            Ok(()) => all.effects.into_iter().for_each(|effect| self.begin(effect)),
            Err(error) => self.rest(&error),
        }
        self.answer(queries);
    }

    /// Remembers what the core itself needs of an event.
    fn hear(&mut self, event: Event) -> Event {
        match &event {
            Event::FactsChanged { news } => {
                self.facts = merged(&self.facts, news);
                self.database.keep_reserve();
            }
            // The engine forgets the calls of a client that is gone without answering them.
            Event::ClientGone { .. } => self.waiting.retain(|_, answer| !answer.is_closed()),
            _ => {}
        }
        event
    }

    /// Queries see the state after the events that came before them, and only what was committed.
    fn answer(&self, queries: Vec<Query>) {
        let now = self.clock.now();
        for query in queries {
            query(&self.state, now);
        }
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
            Effect::Reclass { id, class } => self.performer.reclass(id, class),
            Effect::Limit { bytes_per_second } => self.performer.limit(bytes_per_second),
            Effect::Ask(inquiry) => self.asker.ask(inquiry),
            Effect::Forget { app, call } => self.asker.forget(&app, call),
            Effect::EndExtension { app, why } => self.asker.end_extension(&app, why),
            Effect::Tell(notice) => {
                tracing::debug!(?notice, "told");
                self.subscribers.tell(&notice);
            }
            Effect::SetTimer { at } => self.timer = Some(at),
        }
    }

    /// A commit failed: the database is the truth, so what memory believes is dropped and loaded again, and no effect
    /// begins. Whoever waits hears why. Then the core rests: were it to go on at once, every effect that it is owed would
    /// end, fail to be committed, and begin again, as fast as the machine can.
    fn rest(&mut self, error: &StoreError) {
        tracing::error!(%error, "a change could not be committed; the state is loaded again");
        let failure = error.to_failure();
        for (_, answer) in self.waiting.drain() {
            let _ = answer.send(Err(failure.clone()));
        }
        self.resting = Some(failure);
        self.timer = Some(self.clock.now().monotonic.after_ms(REST_MS));
        if let Err(error) = self.reload() {
            tracing::error!(%error, "the state cannot be loaded; this is tried again");
        }
    }

    fn reload(&mut self) -> Result<(), CoreError> {
        self.state = State::load(self.database.load()?, self.device)?;
        Ok(())
    }

    /// Begins anew from what is on record; false when that cannot be committed either.
    fn wake(&mut self) -> bool {
        self.timer = Some(self.clock.now().monotonic.after_ms(REST_MS));
        self.database.keep_reserve();
        if self.reload().is_err() {
            return false;
        }
        let now = self.clock.now();
        let mut effects = handle(&mut self.state, Event::Restarted, now);
        let known = Event::FactsChanged { news: self.facts.clone() };
        let more = handle(&mut self.state, known, now);
        effects.changes.extend(more.changes);
        effects.effects.extend(more.effects);
        if let Err(error) = self.database.commit(&effects.changes) {
            tracing::error!(%error, "changes still cannot be committed");
            return false;
        }
        tracing::info!("changes can be committed again");
        self.resting = None;
        self.asker.lose_rights();
        self.timer = None;
        effects.effects.into_iter().for_each(|effect| self.begin(effect));
        true
    }

    /// While the core rests, calls fail and questions are answered from what is on record.
    fn refuse(&mut self, inputs: Vec<Input>, failure: &Failure) {
        let mut queries = Vec::new();
        for input in inputs {
            match input {
                // What ended is owed still, and is begun again when the core wakes.
                Input::Event(event) => drop(self.hear(event)),
                Input::Call(call) => {
                    let _ = call.answer.send(Err(failure.clone()));
                }
                Input::Query(query) => queries.push(query),
                Input::Subscribe(subscription) => self.subscribers.add(subscription),
                Input::Stop => {}
            }
        }
        self.answer(queries);
    }
}

/// What was known, with the news over it.
fn merged(known: &FactsChange, news: &FactsChange) -> FactsChange {
    FactsChange {
        network: news.network.or(known.network),
        disk_free_bytes: news.disk_free_bytes.or(known.disk_free_bytes),
        power: news.power.or(known.power),
        transfers_max: news.transfers_max.or(known.transfers_max),
        languages: news.languages.clone().or_else(|| known.languages.clone()),
    }
}
