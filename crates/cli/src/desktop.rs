//! What the person's desktop is shown of an installation: an entry among the programs, progress on its icon, and word when
//! the app is ready.
//!
//! The command does this and not the service: only a program that the person started knows the session that they sit at.
//! Nothing here ever fails or delays an installation: a desktop that does not answer is told nothing.

mod about;
mod bus;
mod entry;
mod session;

use std::path::Path;
use std::time::Duration;

use headstart::AppId;
use headstart::apps::AppDetails;

use crate::context::Context;

use about::About;
use bus::{Bus, Notice};
use entry::Entries;
use session::Session;

/// How long a desktop may take to answer before it is told nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// What an installation does about the app's entry among the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryWish {
    /// It is written where a desktop runs.
    Write,
    /// One that is there is kept up to date.
    Refresh,
    /// There is none.
    Nothing,
}

/// What the desktop is shown of one installation.
#[derive(Debug)]
pub(crate) struct Shown {
    seen: Option<Seen>,
    wish: EntryWish,
    bus: Option<Bus>,
}

/// What it takes to show something.
#[derive(Debug)]
struct Seen {
    about: About,
    session: Session,
    entries: Option<Entries>,
}

impl Shown {
    /// For the app of a bundle. Shows nothing before [`begin`](Self::begin).
    pub(crate) fn of(context: &Context, bundle: &Path, wish: EntryWish) -> Self {
        let session = Session::read();
        let about = session.is_desktop().then(|| About::read(bundle)).flatten();
        let seen = about.map(|about| Seen { about, entries: entries(context, &session), session });
        Self { seen, wish, bus: None }
    }

    /// The service has taken the installation on. Runs in the runtime.
    pub(crate) fn begin(&mut self) {
        let Some(seen) = self.seen.as_ref().filter(|_| self.bus.is_none()) else { return };
        if self.wish == EntryWish::Write
            && let Some(entries) = &seen.entries
        {
            entries.write(&seen.about);
        }
        self.bus = Some(Bus::connect(seen.session.bus(), &seen.about.id));
    }

    /// The share that is done.
    pub(crate) fn progress(&self, fraction: f64) {
        if let Some(bus) = &self.bus {
            bus.progress(fraction);
        }
    }

    /// The app can be launched; `complete` says whether all its essential content is there.
    pub(crate) fn ready(&mut self, details: &AppDetails, complete: bool) {
        let Some(seen) = &mut self.seen else { return };
        seen.about.installed(details);
        if let Some(entries) = &seen.entries {
            match self.wish {
                EntryWish::Write => entries.write(&seen.about),
                EntryWish::Refresh => entries.refresh(&seen.about),
                EntryWish::Nothing => {}
            }
        }
        if let Some(bus) = &self.bus {
            bus.notify(notice(&seen.about, self.wish, complete));
        }
    }

    /// The installation has come to nothing: the app is not there.
    pub(crate) fn undone(&self) {
        if let Some(seen) = &self.seen
            && let Some(entries) = &seen.entries
        {
            entries.remove(&seen.about.id);
        }
    }

    /// The app, once [`begin`](Self::begin) was called.
    pub(crate) fn begun(&self) -> Option<&AppId> {
        self.bus.as_ref()?;
        self.seen.as_ref().map(|seen| &seen.about.id)
    }

    /// Takes the progress away again, and waits until what was to be told is told.
    pub(crate) async fn end(self) {
        if let Some(bus) = self.bus {
            bus.end().await;
        }
    }
}

/// The app is gone, and so is its entry, if there is one that we made.
pub(crate) fn forget(context: &Context, app: &AppId) {
    if let Some(entries) = entries(context, &Session::read()) {
        entries.remove(app);
    }
}

fn entries(context: &Context, session: &Session) -> Option<Entries> {
    // Without a home there is no installation to be shown.
    Entries::new(session.applications()?, &context.home().ok()?)
}

fn notice(about: &About, wish: EntryWish, complete: bool) -> Notice {
    let done = if wish == EntryWish::Refresh { "is up to date" } else { "is ready" };
    let body = if complete {
        format!("Version {} can be started.", about.version)
    } else {
        format!("Version {} can be started; some of its content is missing.", about.version)
    };
    Notice {
        summary: format!("{} {done}", about.name),
        body,
        icon: about.icon_file().unwrap_or_default(),
    }
}
