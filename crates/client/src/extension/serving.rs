//! Hearing the service's questions and answering them.

use std::fmt;
use std::thread::JoinHandle;

use headstart_model::ErrorKind;
use headstart_model::protocol::extension::{ExtensionEvent, Serve};

use super::Question;
use super::answer::{answers, failed};
use crate::connection::unexpected;
use crate::error::Error;
use crate::link::{Caller, Replies};

/// An extension that answers on a thread of its own. Dropping it waits until the service is done
/// with this process, and until every [`Reply`](super::Reply) that was given away is used or dropped: a
/// queue of questions has to go before it.
#[must_use = "dropping it waits until the service is done with this process"]
pub struct ServingThread {
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl ServingThread {
    /// Waits until the service is done with this process.
    ///
    /// # Errors
    /// As [`extension::run`](super::run).
    pub fn join(mut self) -> Result<(), Error> {
        self.wait()
    }

    /// Whether the service is done with this process.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn wait(&mut self) -> Result<(), Error> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        // Panics of a handler are contained; any other would be a fault of this library.
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for ServingThread {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Who wants to know how it ended joins.
            let _ended = self.wait();
        }
    }
}

impl fmt::Debug for ServingThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServingThread")
    }
}

pub(super) fn run(caller: &Caller, mut hear: impl FnMut(Question)) -> Result<(), Error> {
    serve(caller, serving(caller)?, &mut hear)
}

pub(super) fn in_background(
    caller: &Caller,
    mut hear: impl FnMut(Question) + Send + 'static,
) -> Result<ServingThread, Error> {
    let questions = serving(caller)?;
    let caller = caller.clone();
    let builder = std::thread::Builder::new().name("headstart-extension".to_owned());
    let thread = builder.spawn(move || serve(&caller, questions, &mut hear)).map_err(|error| {
        Error::new(ErrorKind::Internal, "noThread", "no thread could be started for the extension")
            .caused_by(&error)
    })?;
    Ok(ServingThread { thread: Some(thread) })
}

/// Becomes the one who answers for the app.
fn serving(caller: &Caller) -> Result<Replies<Serve>, Error> {
    if caller.link().port.is_none() {
        let text = "the service did not start this program as an extension";
        return Err(Error::new(ErrorKind::Refused, "notAnExtension", text).with_hint(
            "name it as the app's extension and install the app; `headstart debug event` asks it",
        ));
    }
    let mut questions = caller.stream(&Serve {})?;
    match questions.next().transpose()? {
        Some(ExtensionEvent::Serving {}) => Ok(questions),
        _ => Err(unexpected()),
    }
}

fn serve(
    caller: &Caller,
    questions: Replies<Serve>,
    hear: &mut impl FnMut(Question),
) -> Result<(), Error> {
    for question in questions {
        let asked = match question {
            Ok(question) => answer(caller, hear, question),
            Err(error) => Err(error),
        };
        match asked {
            Ok(()) => {}
            // The end of the connection is how the service says that it is done.
            Err(error) if error.code() == "serviceGone" => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn answer(
    caller: &Caller,
    hear: &mut impl FnMut(Question),
    question: ExtensionEvent,
) -> Result<(), Error> {
    for answer in answers(hear, question) {
        let Err(error) = caller.call(&answer) else { continue };
        if error.code() == "serviceGone" || error.code() == "protocolViolated" {
            return Err(error);
        }
        // The service refuses this answer, and still waits for one, unless this was the last word.
        if answer.more {
            return caller.call(&failed(answer.call, &error)).map(drop);
        }
        return Ok(());
    }
    Ok(())
}
