//! Single downloads of an app, waiting.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use headstart_model::protocol::downloads::{Attend, CancelDownload, Current, Schedule};
use headstart_model::{AppGroupId, ErrorKind, download as model};

use super::Events;
use crate::Download;
use crate::connection::{Connection, unexpected};
use crate::connector::Connector;
use crate::connector::shared::Shared;
use crate::downloads::DownloadEvent;
use crate::downloads::delegate::{self, DelegateRegistration, DownloadManagerDelegate};
use crate::downloads::exclusive::{self, ExclusiveControl};
use crate::downloads::paging::pages;
use crate::error::Error;
use crate::link::Caller;
use crate::run::Blocking;

/// The single downloads of an app and its extension: [`crate::DownloadManager`] for programs without
/// an executor. `Spec: api 5`.
///
/// Clones are cheap and are one manager; each method may be called from several threads.
#[derive(Debug, Clone)]
pub struct DownloadManager {
    caller: Caller,
    /// What was started in the foreground stays there for as long as this lasts.
    foreground: Arc<Mutex<Option<Connection>>>,
}

impl DownloadManager {
    /// The downloads of the app that this process is, or is the extension of.
    ///
    /// # Errors
    /// As [`Connector::downloads`].
    pub fn connect() -> Result<Self, Error> {
        Connector::new().downloads_blocking()
    }

    /// The one manager of this process, [connected](Self::connect) when it is first asked for. What
    /// it [started in the foreground](Self::start_foreground) stays there for as long as the process
    /// lasts. `Spec: api 5`, `shared`.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); who asks again tries again.
    pub fn shared() -> Result<Self, Error> {
        static SHARED: Shared<DownloadManager> = Shared::new();
        SHARED.get_or(Self::connect)
    }

    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller, foreground: Arc::default() }
    }

    /// Schedules a download: the service starts it when it finds the time right, and finishes it
    /// whatever becomes of this process. It is on record when this returns. `Spec: concepts 4.1`.
    ///
    /// # Errors
    /// With a [code of the original](crate::downloads::BackgroundAssetsErrorCode):
    /// `downloadInvalid`, `downloadAlreadyScheduled` when another download has the identifier,
    /// `downloadEssentialDownloadNotPermitted`, `downloadBackgroundActivityProhibited`;
    /// `callFromExtensionNotAllowed` while the extension is asked for downloads; before the first
    /// launch also `downloadWouldExceedAllowance`, `sessionDownloadDisallowedByDomain` and
    /// `sessionDownloadDisallowedByAllowance`. Of kind `unavailable` when the service cannot be had.
    pub fn schedule(&self, download: impl AsRef<Download>) -> Result<(), Error> {
        self.schedule_all(std::slice::from_ref(download.as_ref()))
    }

    /// Schedules downloads, in their order.
    ///
    /// As many as a message holds (up to a thousand) are one call, which schedules all of them or
    /// none. Where it takes several calls and one fails, those of the calls before are scheduled:
    /// [`current_downloads`](Self::current_downloads) tells them.
    ///
    /// # Errors
    /// As [`schedule`](Self::schedule), of the first call that fails. Nothing is scheduled when one
    /// of the downloads is not as it has to be.
    pub fn schedule_all(&self, downloads: &[Download]) -> Result<(), Error> {
        for page in checked_pages(downloads)? {
            self.caller.call(&self.scheduling(page, false))?;
        }
        Ok(())
    }

    /// Starts a download now, whatever network and battery say. It fails at once where there is no
    /// network. One that is scheduled already goes on from the byte where it is; for one that is in
    /// the foreground nothing changes. `Spec: concepts 4.3`.
    ///
    /// It stays in the foreground for as long as this manager, or a clone of it, is there, and goes
    /// on in the background then; so too when the service is started anew.
    ///
    /// # Errors
    /// As [`schedule`](Self::schedule); `callFromExtensionNotAllowed` in an extension.
    pub fn start_foreground(&self, download: impl AsRef<Download>) -> Result<(), Error> {
        self.start_foreground_all(std::slice::from_ref(download.as_ref()))
    }

    /// Starts downloads now, as [`start_foreground`](Self::start_foreground) does one, and in calls
    /// like those of [`schedule_all`](Self::schedule_all).
    ///
    /// # Errors
    /// As [`start_foreground`](Self::start_foreground).
    pub fn start_foreground_all(&self, downloads: &[Download]) -> Result<(), Error> {
        let pages = checked_pages(downloads)?;
        let mut held = self.foreground.lock().unwrap_or_else(PoisonError::into_inner);
        for page in pages {
            if !held.as_mut().is_some_and(Connection::is_usable) {
                *held = Some(self.caller.link().take()?);
            }
            let connection = held.as_mut().ok_or_else(unexpected)?;
            connection.call(&self.scheduling(page, true))?;
        }
        Ok(())
    }

    /// Cancels a download, by its identifier. Whoever hears of the app's downloads is told that it
    /// failed, of kind `cancelled`. `Spec: concepts 8`.
    ///
    /// # Errors
    /// `downloadNotScheduled` when it was never scheduled or has concluded; `unavailable`.
    pub fn cancel(&self, download: impl AsRef<Download>) -> Result<(), Error> {
        let identifier = download.as_ref().identifier().to_owned();
        self.caller.call(&CancelDownload { app: self.caller.on_behalf_of(), identifier }).map(drop)
    }

    /// The downloads of the app and its extension that have not concluded, oldest first. Also those
    /// that were scheduled by processes that are gone.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had.
    pub fn current_downloads(&self) -> Result<Vec<Download>, Error> {
        let mut downloads = Vec::new();
        let mut after = None;
        loop {
            let page = self.caller.call(&Current { app: self.caller.on_behalf_of(), after })?;
            downloads.extend(page.downloads.into_iter().map(Download::from));
            match page.next {
                None => return Ok(downloads),
                // Pages that do not advance would never end.
                next if next <= after => return Err(unexpected()),
                next => after = next,
            }
        }
    }

    /// Takes the one right of app and extension to look at their downloads and change them, waiting
    /// until it is free. `Spec: concepts 12`.
    ///
    /// It is a lock that both sides have to take: it stops nobody who does not. It is held until
    /// what is given back is dropped, or this process ends. With a `deadline` it waits no longer
    /// than that; one that has passed tries once.
    ///
    /// Who holds it and asks again waits for itself.
    ///
    /// # Errors
    /// What the service says when it was not had in time; `unavailable`.
    pub fn exclusive_control(
        &self,
        deadline: Option<SystemTime>,
    ) -> Result<ExclusiveControl, Error> {
        exclusive::acquire(&self.caller, deadline)
    }

    /// As [`exclusive_control`](Self::exclusive_control), and none when somebody else had it until the
    /// deadline: for programs that do something else then. *Ours*, as `try_lock` is beside `lock`.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had; whatever else the service says.
    pub fn try_exclusive_control(
        &self,
        deadline: Option<SystemTime>,
    ) -> Result<Option<ExclusiveControl>, Error> {
        match self.exclusive_control(deadline) {
            Ok(control) => Ok(Some(control)),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs `body` with [exclusive control](Self::exclusive_control): it is given back when `body`
    /// has ended or panics. `Spec: concepts 12`.
    ///
    /// # Errors
    /// As [`exclusive_control`](Self::exclusive_control), and `body` has not begun then. What `body`
    /// gives is given on, its own error too.
    pub fn with_exclusive_control<R>(&self, body: impl FnOnce() -> R) -> Result<R, Error> {
        self.controlled(None, body)
    }

    /// As [`with_exclusive_control`](Self::with_exclusive_control), waiting no longer than until
    /// `deadline`; one that has passed tries once.
    ///
    /// # Errors
    /// As [`with_exclusive_control`](Self::with_exclusive_control).
    pub fn with_exclusive_control_before<R>(
        &self,
        deadline: SystemTime,
        body: impl FnOnce() -> R,
    ) -> Result<R, Error> {
        self.controlled(Some(deadline), body)
    }

    fn controlled<R>(
        &self,
        deadline: Option<SystemTime>,
        body: impl FnOnce() -> R,
    ) -> Result<R, Error> {
        let control = self.exclusive_control(deadline)?;
        let given = body();
        control.release_blocking();
        Ok(given)
    }

    /// Makes `delegate` hear of the app's downloads, for as long as what is given back is kept, in
    /// place of the extension and of whoever was set before. `Spec: concepts 11`.
    ///
    /// When the service ends, it hears on as soon as one runs again, which this does not start. What
    /// the service could not be told to be done is not told to the delegate twice.
    ///
    /// # Errors
    /// Of kind `refused` when this process is no app, `unavailable` when the service cannot be had.
    pub fn set_delegate(
        &self,
        mut delegate: impl DownloadManagerDelegate,
    ) -> Result<DelegateRegistration, Error> {
        self.listen(move |event| delegate::tell(&mut delegate, event))
    }

    /// Has `hear` told what a [delegate](Self::set_delegate) hears, as events that are its own until
    /// it has acknowledged them, here or elsewhere. In place of a delegate, and as long as what is
    /// given back is kept. *Ours:* for programs that deal with an event where they can wait.
    ///
    /// One call at a time, on a thread of its own. No end is told before the one before is
    /// acknowledged. What has to be acknowledged and is dropped instead is told again, after a while
    /// that grows; so it is when `hear` panics, which is contained. What was acknowledged is not told
    /// twice, whatever acknowledging it says. What is still held when the service is started anew is
    /// told once more: who hands ends to other threads knows them by their unique identifier.
    /// `Spec: concepts 11`.
    ///
    /// ```no_run
    /// # fn load(levels: std::path::PathBuf) -> Result<(), headstart::Error> {
    /// use headstart::blocking::DownloadManager;
    /// use headstart::downloads::DownloadEvent;
    ///
    /// let listening = DownloadManager::shared()?.listen(move |event| {
    ///     if let DownloadEvent::Finished(finished) = &event {
    ///         let name = finished.download().unique_identifier();
    ///         if finished.file().move_to(&levels.join(name)).is_err() {
    ///             return; // It is kept, and told again.
    ///         }
    ///     }
    ///     let _told = event.acknowledge_blocking();
    /// })?;
    /// # drop(listening); Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`set_delegate`](Self::set_delegate).
    pub fn listen(
        &self,
        hear: impl FnMut(DownloadEvent) + Send + 'static,
    ) -> Result<DelegateRegistration, Error> {
        delegate::register(&self.caller, hear)
    }

    /// What a [delegate](Self::set_delegate) hears, as events, and in place of one. *Ours:* for programs
    /// that wait for events anyway.
    ///
    /// What arrived, failed or is asked has to be acknowledged, failures too: until then these events
    /// tell of no other end, and the next who listens is told it again. `Spec: concepts 11`.
    ///
    /// # Errors
    /// As [`set_delegate`](Self::set_delegate); so ends the iterator when the service goes away.
    pub fn events(&self) -> Result<Events<DownloadEvent>, Error> {
        let attend = Attend { app: self.caller.on_behalf_of() };
        let replies = delegate::attending(self.caller.stream(&attend)?)?;
        let caller = self.caller.clone();
        Ok(Events::new(replies.filter_map(move |reply| match reply {
            Ok(event) => DownloadEvent::in_stream(event, &caller).map(Ok),
            Err(error) => Some(Err(error)),
        })))
    }

    /// The folder that app and extension share by this group; files arrive in it. Asks nobody: it is
    /// there when the service has made it, which it does for the groups of installed apps.
    #[must_use]
    pub fn group_container(&self, group: &AppGroupId) -> PathBuf {
        self.caller.link().home.root().join("groups").join(group.as_str())
    }

    fn scheduling(&self, downloads: Vec<model::UrlDownload>, foreground: bool) -> Schedule {
        Schedule { app: self.caller.on_behalf_of(), downloads, foreground }
    }
}

fn checked_pages(downloads: &[Download]) -> Result<Vec<Vec<model::UrlDownload>>, Error> {
    downloads.iter().try_for_each(Download::check)?;
    Ok(pages(downloads))
}

impl Blocking for DownloadManager {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn with_caller(&self, caller: Caller) -> Self {
        Self { caller, foreground: Arc::clone(&self.foreground) }
    }
}
