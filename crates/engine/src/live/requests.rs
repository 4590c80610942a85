//! Calls that wait for their answer, found by what they wait for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use headstart_model::{AppId, Failure, PackId, Urgency};

use crate::event::{Caller, Terms};
use crate::id::{ClientId, DownloadId, EffectId, PackKey, RequestId};

/// What a call waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The app becomes launchable.
    Launch(AppId),
    /// The app is gone.
    Uninstall(AppId),
    /// A check of the app ends.
    Catalog(AppId),
    /// The download concludes.
    Download(DownloadId),
    /// The pack has left the namespace.
    Removal(PackKey),
}

/// A call for packs to be local.
#[derive(Debug, Clone)]
pub(crate) struct EnsureWait {
    pub(crate) terms: Terms,
    pub(crate) purpose: Purpose,
    /// Packs of which it is not known yet what to do: a catalog or a removal has to come first.
    pub(crate) open: BTreeSet<PackId>,
    /// Packs whose download it waits for.
    pub(crate) moving: BTreeMap<PackId, DownloadId>,
    pub(crate) available: BTreeSet<PackId>,
    pub(crate) failed: BTreeMap<PackId, Failure>,
    /// Whether a catalog has come since it was asked.
    pub(crate) catalog: CatalogSeen,
}

/// What the packs of a call are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody needs just them.
    Ensure,
    /// The app's language needs them, and then others may go.
    Reconcile,
}

/// The second half of a [`Purpose::Reconcile`].
#[derive(Debug, Clone)]
pub(crate) struct Clearing {
    pub(crate) available: Vec<PackId>,
    /// Packs that are to go.
    pub(crate) removed: Vec<PackId>,
    /// Those of them that have not gone yet.
    pub(crate) open: BTreeSet<PackId>,
}

/// Whether a call has seen a catalog that was fetched after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CatalogSeen {
    Yes,
    /// Not yet; the check named here was running already and may have looked before the call was made.
    NotYet {
        running: Option<EffectId>,
    },
}

#[derive(Debug, Clone)]
pub(crate) enum Wait {
    Launch,
    Uninstall,
    /// For what a failed installation left behind to be gone; then it is told that it failed.
    Cleared(Failure),
    Check {
        catalog: CatalogSeen,
    },
    Ensure(EnsureWait),
    /// Before it is known what the app's language needs.
    Reconcile {
        catalog: CatalogSeen,
    },
    Clearing(Clearing),
    Removal,
    /// For the exclusive right of the app.
    Exclusive,
}

impl Wait {
    /// How urgently it is waited for.
    const fn urgency(&self) -> Urgency {
        match self {
            Self::Ensure(wait) => wait.terms.urgency,
            _ => Urgency::Foreground,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) client: ClientId,
    pub(crate) app: AppId,
    pub(crate) wait: Wait,
}

/// The calls that wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests {
    open: BTreeMap<RequestId, Request>,
    by_subject: BTreeSet<(Subject, RequestId)>,
    /// The same, the most urgent of a subject first.
    by_urgency: BTreeSet<(Subject, Reverse<Urgency>, RequestId)>,
    subjects: BTreeMap<RequestId, BTreeSet<Subject>>,
    by_client: BTreeSet<(ClientId, RequestId)>,
    by_app: BTreeSet<(AppId, RequestId)>,
}

impl Requests {
    pub(crate) fn open(&mut self, caller: Caller, app: AppId, wait: Wait) {
        let Caller { request, client } = caller;
        self.by_client.insert((client, request));
        self.by_app.insert((app.clone(), request));
        self.open.insert(request, Request { client, app, wait });
    }

    pub(crate) fn find(&self, id: RequestId) -> Option<&Request> {
        self.open.get(&id)
    }

    pub(crate) fn find_mut(&mut self, id: RequestId) -> Option<&mut Request> {
        self.open.get_mut(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Makes `id` wait for `subject` too.
    pub(crate) fn attach(&mut self, id: RequestId, subject: Subject) {
        let Some(urgency) = self.urgency_of(id) else { return };
        self.by_subject.insert((subject.clone(), id));
        self.by_urgency.insert((subject.clone(), Reverse(urgency), id));
        self.subjects.entry(id).or_default().insert(subject);
    }

    pub(crate) fn urgency_of(&self, id: RequestId) -> Option<Urgency> {
        self.open.get(&id).map(|request| request.wait.urgency())
    }

    /// How urgently `subject` is waited for; none when nobody waits.
    pub(crate) fn urgency_for(&self, subject: &Subject) -> Option<Urgency> {
        let from = (subject.clone(), Reverse(Urgency::Immediate), RequestId(0));
        let (found, Reverse(urgency), _) = self.by_urgency.range(from..).next()?;
        (found == subject).then_some(*urgency)
    }

    pub(crate) fn detach(&mut self, id: RequestId, subject: &Subject) {
        self.forget_subject(id, subject);
        if let Some(subjects) = self.subjects.get_mut(&id) {
            subjects.remove(subject);
        }
    }

    /// Closes a call; returns what it waited for.
    pub(crate) fn close(&mut self, id: RequestId) -> Option<(Request, BTreeSet<Subject>)> {
        let subjects = self.subjects.remove(&id).unwrap_or_default();
        for subject in &subjects {
            self.forget_subject(id, subject);
        }
        let request = self.open.remove(&id)?;
        self.by_client.remove(&(request.client, id));
        self.by_app.remove(&(request.app.clone(), id));
        Some((request, subjects))
    }

    fn forget_subject(&mut self, id: RequestId, subject: &Subject) {
        self.by_subject.remove(&(subject.clone(), id));
        if let Some(urgency) = self.urgency_of(id) {
            self.by_urgency.remove(&(subject.clone(), Reverse(urgency), id));
        }
    }

    /// The calls that wait for `subject`.
    pub(crate) fn waiting_for(&self, subject: &Subject) -> Vec<RequestId> {
        let from = (subject.clone(), RequestId(0));
        let found = self.by_subject.range(from..).take_while(|(s, _)| s == subject);
        found.map(|(_, id)| *id).collect()
    }

    /// Whether somebody waits for `subject` who would not do so in the background.
    pub(crate) fn is_hurried(&self, subject: &Subject) -> bool {
        self.urgency_for(subject).is_some_and(|urgency| urgency > Urgency::Background)
    }

    pub(crate) fn of_client(&self, client: ClientId) -> Vec<RequestId> {
        let from = (client, RequestId(0));
        self.by_client.range(from..).take_while(|(c, _)| *c == client).map(|(_, id)| *id).collect()
    }

    pub(crate) fn of_app(&self, app: &AppId) -> Vec<RequestId> {
        let from = (app.clone(), RequestId(0));
        self.by_app.range(from..).take_while(|(a, _)| a == app).map(|(_, id)| *id).collect()
    }
}
