//! The way to the core from everywhere else. Cheap to clone.

use headstart_engine::{Caller, ClientId, Event, Now, State};
use headstart_model::{ErrorKind, Failure};
use tokio::sync::{mpsc, oneshot};

use super::input::Call;
use super::subscribers::Heard;
use super::{Answered, Input, Subscription};

/// Sends inputs to the core.
#[derive(Debug, Clone)]
pub struct CoreHandle {
    inputs: mpsc::UnboundedSender<Input>,
}

impl CoreHandle {
    /// A handle and what it feeds.
    ///
    /// `Ours:` the queue has no bound of its own: each connection has at most a few calls under way and each effect reports
    /// once, or in paced steps, so its length is bounded by theirs.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Input>) {
        #[expect(
            clippy::disallowed_methods,
            reason = "bounded by the number of callers, see above"
        )]
        let (inputs, receiver) = mpsc::unbounded_channel();
        (Self { inputs }, receiver)
    }

    /// Tells the engine of an event.
    pub fn event(&self, event: Event) {
        // Only while the service ends is nobody listening; then nothing is lost that is not on record.
        let _ = self.inputs.send(Input::Event(event));
    }

    /// Makes a call and waits for its answer.
    ///
    /// Cancel safe: the call goes on, only nobody hears the answer.
    ///
    /// # Errors
    /// The failure that the engine answers with, or `unavailable` when the service ends meanwhile.
    pub async fn call(
        &self,
        client: ClientId,
        event: impl FnOnce(Caller) -> Event + Send + 'static,
    ) -> Answered {
        let (answer, answered) = oneshot::channel();
        let _ = self.inputs.send(Input::Call(Call { client, event: Box::new(event), answer }));
        answered.await.unwrap_or_else(|_| Err(ending()))
    }

    /// Asks about the state.
    ///
    /// # Errors
    /// `unavailable` when the service is ending.
    pub async fn query<T: Send + 'static>(
        &self,
        question: impl FnOnce(&State, Now) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let query = Box::new(move |state: &State, now: Now| {
            let _ = answer.send(question(state, now));
        });
        let _ = self.inputs.send(Input::Query(query));
        answered.await.map_err(|_| ending())
    }

    /// Hears every notice from now on that `heard` selects. What is asked of the core afterwards is heard of for certain.
    #[must_use]
    pub fn subscribe(&self, heard: Heard) -> mpsc::Receiver<super::Told> {
        let (subscription, receiver) = Subscription::new(heard);
        let _ = self.inputs.send(Input::Subscribe(subscription));
        receiver
    }

    /// Ends the core after what is queued.
    pub fn stop(&self) {
        let _ = self.inputs.send(Input::Stop);
    }
}

fn ending() -> Failure {
    Failure::new(ErrorKind::Unavailable, "serviceStopping", "the service is stopping")
        .with_hint("try again: the next call starts it anew")
}
