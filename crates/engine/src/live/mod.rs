//! What the engine works out and does not remember: queues, timers, who waits, what is moving.
//!
//! Everything here is rebuilt from the records when a state is loaded, or is lost with good reason: calls end with their
//! connections, and progress comes back with the next plan.

mod calls;
mod exclusive;
mod files;
mod queue;
mod rate;
mod requests;
mod timers;

use std::collections::{BTreeMap, BTreeSet};

use headstart_model::{AppId, Failure, PackId, Urgency};

pub(crate) use calls::{AppCalls, Calls, Matter, OpenCall, PendingChallenge};
pub(crate) use exclusive::Exclusive;
pub(crate) use files::Files;
pub(crate) use queue::{Hold, Queue};
pub(crate) use rate::Rate;
pub(crate) use requests::{CatalogSeen, Clearing, EnsureWait, Purpose, Requests, Subject, Wait};
pub(crate) use timers::{Timer, Timers};

use crate::class::Class;
use crate::facts::Facts;
use crate::id::{DownloadId, EffectId, PackKey};
use crate::record::FileDownload;
use crate::time::MonotonicTime;

/// A plan or transfer that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Active {
    pub(crate) download: DownloadId,
    pub(crate) class: Class,
    pub(crate) course: Course,
}

/// Whether a running effect has been told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    Running,
    Stopping,
}

/// Bytes of a download.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) done: u64,
    /// Bytes beyond these that have arrived and are not verified: they are shown, and nothing else.
    pub(crate) arriving: u64,
    pub(crate) total: u64,
    /// When the present attempt began, and with how many bytes.
    pub(crate) began: Option<(MonotonicTime, u64)>,
    /// Its transfer was heard of in this life of the service.
    pub(crate) heard: bool,
    pub(crate) rate: Rate,
}

impl Progress {
    /// The bytes that are shown as done.
    pub(crate) const fn shown(&self) -> u64 {
        self.done.saturating_add(self.arriving)
    }
}

/// The progress of an installation.
#[derive(Debug, Clone, Default)]
pub(crate) struct InstallTally {
    /// Bytes of the essential downloads that are done, concluded ones whole.
    pub(crate) done: u64,
    pub(crate) total: u64,
    /// The highest fraction told so far.
    pub(crate) told_ppm: u32,
    /// How fast the app's own files get into their place.
    pub(crate) files: Rate,
}

/// An index from apps to sets of things of theirs; apps without any are not in it.
pub(crate) type ByApp<T> = BTreeMap<AppId, BTreeSet<T>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    pub(crate) facts: Facts,
    pub(crate) queue: Queue,
    pub(crate) timers: Timers,
    pub(crate) requests: Requests,
    pub(crate) files: Files,
    pub(crate) calls: Calls,
    pub(crate) exclusive: Exclusive,
    pub(crate) active: BTreeMap<EffectId, Active>,
    pub(crate) progress: BTreeMap<DownloadId, Progress>,
    /// Downloads that wait for disk space, least need first.
    pub(crate) starved: BTreeSet<(u64, DownloadId)>,
    pub(crate) downloads: ByApp<DownloadId>,
    pub(crate) essential: ByApp<DownloadId>,
    pub(crate) built: ByApp<DownloadId>,
    /// Downloads of newer versions of local packs that are not complete yet: they become live together.
    pub(crate) updating: ByApp<DownloadId>,
    pub(crate) leaving: ByApp<PackId>,
    /// Packs that somebody asked for while it was not known whether they are offered.
    pub(crate) asked: ByApp<PackId>,
    pub(crate) owed: ByApp<EffectId>,
    /// The effect that works in a pack's staging folder.
    pub(crate) busy: BTreeMap<PackKey, EffectId>,
    /// Orders that ended without success and will be issued again; nothing works on them now.
    pub(crate) parked: BTreeSet<EffectId>,
    /// How often an order that is owed ended without success.
    pub(crate) order_attempts: BTreeMap<EffectId, u32>,
    pub(crate) installs: BTreeMap<AppId, InstallTally>,
    /// Apps whose check waits until it is admitted.
    pub(crate) checks_waiting: BTreeSet<AppId>,
    /// Checks of where an app's offers came from before; what they bring counts no more.
    pub(crate) stale_checks: BTreeSet<EffectId>,
    /// Checks of an app that failed in a row.
    pub(crate) check_attempts: BTreeMap<AppId, u32>,
    /// Set after the network came back: downloads up to this one have been relieved of their back-off.
    pub(crate) relieving: Option<DownloadId>,
    /// Apps whose servers got other headers: downloads up to this one have been relieved of their back-off.
    pub(crate) refused: BTreeMap<AppId, DownloadId>,
    /// The time last given to the performer.
    pub(crate) timer_told: Option<MonotonicTime>,
    /// Steps of every loop that could grow with the queue; a test holds those of one event small.
    pub(crate) steps: u64,
}

/// Adds to an index.
pub(crate) fn index_add<T: Ord>(index: &mut ByApp<T>, app: &AppId, thing: T) {
    // An app that is known needs no new copy of its id.
    match index.get_mut(app) {
        Some(set) => {
            set.insert(thing);
        }
        None => {
            index.insert(app.clone(), BTreeSet::from([thing]));
        }
    }
}

/// Removes from an index, and the app with its last thing.
pub(crate) fn index_remove<T: Ord>(index: &mut ByApp<T>, app: &AppId, thing: &T) {
    if let Some(set) = index.get_mut(app) {
        set.remove(thing);
        if set.is_empty() {
            index.remove(app);
        }
    }
}

impl Live {
    /// Counts one step of a loop that could grow with the queue.
    pub(crate) const fn step(&mut self) {
        self.steps += 1;
    }

    /// The class of a download: somebody who waits lifts it, unless it is essential anyway.
    pub(crate) fn class_of(&self, id: DownloadId, base: Class) -> Class {
        match base {
            Class::Essential => Class::Essential,
            _ if self.requests.is_hurried(&Subject::Download(id)) => Class::Foreground,
            _ if self.files.is_foreground(id) => Class::Foreground,
            _ => base,
        }
    }

    /// Whether somebody waits for a download before all others in the foreground.
    pub(crate) fn is_immediate(&self, id: DownloadId) -> bool {
        self.requests.urgency_for(&Subject::Download(id)) == Some(Urgency::Immediate)
    }

    /// Essential downloads that run or could run now.
    pub(crate) fn essential_demand(&self) -> usize {
        let moving = self.active.values().filter(|a| a.class == Class::Essential).count();
        moving + self.queue.len(Class::Essential)
    }

    /// The running effect of a download.
    pub(crate) fn order_of(&self, id: DownloadId) -> Option<(EffectId, Active)> {
        self.active.iter().find(|(_, a)| a.download == id).map(|(effect, a)| (*effect, *a))
    }

    /// Takes a download out of every place where it could wait.
    pub(crate) fn unplace(&mut self, id: DownloadId, need: Option<u64>) {
        self.queue.remove(id);
        self.timers.remove(&Timer::Retry(id));
        if let Some(need) = need {
            self.starved.remove(&(need, id));
        }
    }

    /// Bytes of disk that a single download still needs, where that is known: by them it is found when it lacks them.
    pub(crate) fn need_of_file(&self, id: DownloadId, file: &FileDownload) -> Option<u64> {
        let done = self.progress.get(&id).map_or(0, |progress| progress.done);
        file.download.file_size.map(|size| size.saturating_sub(done))
    }

    /// Forgets all of an app that has gone.
    pub(crate) fn forget_app(&mut self, app: &AppId) {
        self.installs.remove(app);
        self.checks_waiting.remove(app);
        self.check_attempts.remove(app);
        self.leaving.remove(app);
        self.asked.remove(app);
        self.built.remove(app);
        // Background activity is a setting, which outlasts the app.
        self.queue.release(app, Hold::Distrust);
        self.queue.release(app, Hold::Content);
        self.exclusive.forget(app);
        self.timers.remove(&Timer::Extension(app.clone()));
        self.timers.remove(&Timer::Check(app.clone()));
        self.timers.remove(&Timer::Periodic(app.clone()));
    }

    /// Essential downloads of `app` that have not concluded.
    pub(crate) fn essential_pending(&self, app: &AppId) -> usize {
        self.essential.get(app).map_or(0, BTreeSet::len)
    }
}

/// The end of a wait for one pack.
#[derive(Debug, Clone)]
pub(crate) enum PackEnd {
    Available,
    Failed(Failure),
}
