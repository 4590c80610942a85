//! Having news told to a closure, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use headstart_model::ErrorKind;

use crate::error::Error;
use crate::interrupt::{Interrupt, OnDrop};
use crate::run::{Blocking, run};
use crate::{AssetPackManager, DownloadStatusUpdate, blocking};

/// Keeps a closure [hearing](crate::AssetPackManager::listen). Dropping it ends that; a call of the
/// closure that is under way then goes on and is not waited for.
#[derive(Debug)]
#[must_use = "dropping it ends the hearing"]
pub struct Listening {
    _end: OnDrop,
}

impl blocking::AssetPackManager {
    /// Has `hear` told what happens to the downloads of all packs, or of the one with this id: what
    /// [`status_updates`](Self::status_updates) and [`status_updates_for`](Self::status_updates_for)
    /// give, for programs that wait for something else meanwhile. `Spec: api 2`,
    /// `BAManagedAssetPackDownloadDelegate`.
    ///
    /// One call at a time, on a thread of its own, everything from the return on, until what is given
    /// back is dropped, the pack has concluded, or the service goes away. `hear` is dropped then. A
    /// panic in it is contained, and the next update is told.
    ///
    /// # Errors
    /// As [`status_updates`](Self::status_updates), and for one pack as
    /// [`status_updates_for`](Self::status_updates_for).
    pub fn listen(
        &self,
        pack: Option<&str>,
        mut hear: impl FnMut(DownloadStatusUpdate) + Send + 'static,
    ) -> Result<Listening, Error> {
        let interrupt = Interrupt::default();
        let end = interrupt.on_drop();
        let listening = self.with_caller(self.caller().with(interrupt));
        let updates = match pack {
            Some(id) => listening.status_updates_for(id)?,
            None => listening.status_updates()?,
        };
        let builder = std::thread::Builder::new().name("headstart-listener".to_owned());
        let started = builder.spawn(move || {
            for update in updates.map_while(Result::ok) {
                // The panic itself is shown by the process's hook.
                let _contained = catch_unwind(AssertUnwindSafe(|| hear(update)));
            }
        });
        started.map_err(|error| {
            let text = "no thread could be started for the listener";
            Error::new(ErrorKind::Internal, "noThread", text).caused_by(&error)
        })?;
        Ok(Listening { _end: end })
    }
}

impl AssetPackManager {
    /// Has `hear` told what happens to downloads, for as long as what is given back is kept. See
    /// [`blocking::AssetPackManager::listen`].
    ///
    /// # Errors
    /// As [`blocking::AssetPackManager::listen`].
    pub async fn listen(
        &self,
        pack: Option<&str>,
        hear: impl FnMut(DownloadStatusUpdate) + Send + 'static,
    ) -> Result<Listening, Error> {
        let pack = pack.map(str::to_owned);
        run(&self.to_blocking(), move |packs| packs.listen(pack.as_deref(), hear)).await
    }
}
