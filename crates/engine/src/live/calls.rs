//! What apps and their extensions are being asked.

use std::collections::{BTreeMap, VecDeque};

use headstart_model::protocol::downloads::DownloadChallenge;
use headstart_model::{AppId, ContentRequest};

use crate::event::Challenged;
use crate::id::{CallId, ClientId, DownloadId, RequestId};

/// A challenge of a server; its transfer waits.
#[derive(Debug, Clone)]
pub(crate) struct PendingChallenge {
    pub(crate) request: RequestId,
    pub(crate) about: Challenged,
    pub(crate) challenge: DownloadChallenge,
}

/// What somebody is asked.
#[derive(Debug, Clone)]
pub(crate) enum Matter {
    Downloads(ContentRequest),
    ShouldDownload(ContentRequest),
    Challenge(PendingChallenge),
    Conclusion(DownloadId),
}

/// A question that has not been answered.
#[derive(Debug, Clone)]
pub(crate) struct OpenCall {
    pub(crate) id: CallId,
    /// The connection that was asked; none for an extension.
    pub(crate) client: Option<ClientId>,
    pub(crate) matter: Matter,
}

/// What one app and its extension are being asked: one thing each at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct AppCalls {
    /// Connections that listen, the last one first to be told.
    pub(crate) delegates: Vec<ClientId>,
    pub(crate) to_delegate: Option<OpenCall>,
    pub(crate) to_extension: Option<OpenCall>,
    /// The download whose end was told last: those after it have their turn before it is told again.
    pub(crate) last_told: Option<DownloadId>,
    /// Challenges that nobody has been asked about.
    pub(crate) challenges: VecDeque<PendingChallenge>,
}

impl AppCalls {
    fn is_empty(&self) -> bool {
        self.delegates.is_empty()
            && self.to_delegate.is_none()
            && self.to_extension.is_none()
            && self.last_told.is_none()
            && self.challenges.is_empty()
    }

    /// Whether the end of some download is being told: one at a time, to one receiver.
    pub(crate) fn is_telling(&self) -> bool {
        [&self.to_delegate, &self.to_extension]
            .into_iter()
            .flatten()
            .any(|call| matches!(call.matter, Matter::Conclusion(_)))
    }
}

/// What is being asked, by app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    apps: BTreeMap<AppId, AppCalls>,
    /// The app that a connection listens for.
    listening: BTreeMap<ClientId, AppId>,
    next: u64,
}

impl Calls {
    /// Whether nobody was asked anything in this life of the service.
    pub(crate) const fn is_new(&self) -> bool {
        self.next == 0
    }

    /// Numbers questions from here on.
    pub(crate) const fn number_from(&mut self, first: u64) {
        self.next = first;
    }

    pub(crate) const fn next_id(&mut self) -> CallId {
        self.next += 1;
        CallId(self.next)
    }

    pub(crate) fn of(&self, app: &AppId) -> Option<&AppCalls> {
        self.apps.get(app)
    }

    /// Changes what is known of an app's questions.
    pub(crate) fn change<T>(&mut self, app: &AppId, how: impl FnOnce(&mut AppCalls) -> T) -> T {
        let calls = self.apps.entry(app.clone()).or_default();
        let result = how(calls);
        if calls.is_empty() {
            self.apps.remove(app);
        }
        result
    }

    /// The connection that is told first.
    pub(crate) fn delegate(&self, app: &AppId) -> Option<ClientId> {
        self.apps.get(app)?.delegates.last().copied()
    }

    /// The app that a connection listens for.
    pub(crate) fn listened_for(&self, client: ClientId) -> Option<&AppId> {
        self.listening.get(&client)
    }

    /// A connection that listens for no app listens for this one.
    pub(crate) fn attach(&mut self, client: ClientId, app: &AppId) {
        if self.listening.insert(client, app.clone()).is_none() {
            self.change(app, |calls| calls.delegates.push(client));
        }
    }

    /// A connection is gone; returns the app that it listened for, and what it was asked last if it was the one to answer.
    pub(crate) fn detach(&mut self, client: ClientId) -> Option<(AppId, Option<OpenCall>)> {
        let app = self.listening.remove(&client)?;
        let open = self.change(&app, |calls| {
            calls.delegates.retain(|other| *other != client);
            calls.to_delegate.take_if(|open| open.client == Some(client))
        });
        Some((app, open))
    }

    /// Forgets all of an app that is going, and returns the challenges that still wait.
    pub(crate) fn forget(&mut self, app: &AppId) -> Vec<PendingChallenge> {
        let Some(calls) = self.apps.remove(app) else { return Vec::new() };
        self.listening.retain(|_, of| of != app);
        let open = [calls.to_delegate, calls.to_extension].into_iter().flatten();
        let asked = open.filter_map(|call| match call.matter {
            Matter::Challenge(challenge) => Some(challenge),
            _ => None,
        });
        asked.chain(calls.challenges).collect()
    }
}
