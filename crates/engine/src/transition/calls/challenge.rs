//! Questions of servers. `Spec: concepts 3 and 14`.

use std::collections::{BTreeMap, VecDeque};

use headstart_model::download::{DownloadKind, DownloadPriority, UrlDownload};
use headstart_model::protocol::downloads::{ChallengeAnswer, DownloadChallenge};
use headstart_model::{AppGroupId, AppId, ServerOrigin};

use crate::effect::{Question, Reply};
use crate::event::{Caller, Challenged};
use crate::id::EffectId;
use crate::live::PendingChallenge;
use crate::record::Owed;
use crate::work::Work;

/// What a download is called that stands for an app's content, to whoever is asked for a credential.
const CONTENT: &str = "content";

/// A server asks for a credential; a transfer waits.
pub(crate) fn challenged(
    w: &mut Work<'_>,
    caller: Caller,
    about: Challenged,
    challenge: DownloadChallenge,
) {
    let Some(app) = app_of(w, about) else {
        let reply = Reply::Challenge(ChallengeAnswer::CancelAuthenticationChallenge);
        return w.answer_at_once(caller.request, Ok(reply));
    };
    let pending = PendingChallenge { request: caller.request, about, challenge };
    w.live_mut().calls.change(&app, |calls| calls.challenges.push_back(pending));
    w.want_ask(&app);
}

/// A transfer waits no longer for the answer to its challenge: it has ended, or has waited long enough.
pub(crate) fn withdrawn(w: &mut Work<'_>, about: Challenged) {
    let Some(app) = app_of(w, about) else { return };
    let withdrawn = take(w, &app, |pending| pending.about == about);
    for challenge in withdrawn {
        let answer = Reply::Challenge(ChallengeAnswer::default());
        w.answer_at_once(challenge.request, Ok(answer));
    }
}

/// Somebody has answered. What was said about an app's content is for everything of it that waits for the same: nobody is asked twice.
pub(super) fn answered(
    w: &mut Work<'_>,
    app: &AppId,
    pending: &PendingChallenge,
    answer: ChallengeAnswer,
) {
    for other in take(w, app, |other| is_same(pending, other)) {
        w.answer_at_once(other.request, Ok(Reply::Challenge(answer.clone())));
    }
    w.answer_at_once(pending.request, Ok(Reply::Challenge(answer)));
}

fn is_same(one: &PendingChallenge, other: &PendingChallenge) -> bool {
    let are_of_content = [one, other].iter().all(|it| matches!(it.about, Challenged::Content(_)));
    are_of_content && one.challenge == other.challenge
}

/// Takes those that nobody has been asked about.
fn take(
    w: &mut Work<'_>,
    app: &AppId,
    which: impl Fn(&PendingChallenge) -> bool,
) -> VecDeque<PendingChallenge> {
    w.live_mut().calls.change(app, |calls| {
        let all = std::mem::take(&mut calls.challenges).into_iter();
        let (taken, kept) = all.partition(which);
        calls.challenges = kept;
        taken
    })
}

/// What somebody is asked; none when what it is about is gone.
pub(super) fn question(w: &Work<'_>, app: &AppId, pending: &PendingChallenge) -> Option<Question> {
    let download = match pending.about {
        Challenged::File(id) => w.file(id)?.download.clone(),
        Challenged::Content(effect) => {
            app_of_effect(w, effect)?;
            content_of(w, app, &pending.challenge.origin)?
        }
    };
    Some(Question::Challenge { download, challenge: pending.challenge.clone() })
}

fn app_of(w: &Work<'_>, about: Challenged) -> Option<AppId> {
    match about {
        Challenged::File(id) => w.file(id).map(|file| file.app.clone()),
        Challenged::Content(effect) => app_of_effect(w, effect),
    }
}

/// The app whose content an effect fetches.
pub(crate) fn app_of_effect(w: &Work<'_>, effect: EffectId) -> Option<AppId> {
    match w.records().owed.get(&effect)? {
        Owed::FetchCatalog { app } => Some(app.clone()),
        Owed::Plan { key, .. } | Owed::Transfer { key, .. } => Some(key.app.clone()),
        _ => None,
    }
}

/// The app's content as whoever is asked knows things: as a download. `Ours:` the original asks about its manifest so, which is a
/// download there. Its address is that of the content where that server asks, else that of the server which asks, such as a mirror.
fn content_of(w: &Work<'_>, app: &AppId, origin: &str) -> Option<UrlDownload> {
    let record = w.app(app)?;
    let asks = |address: &str| ServerOrigin::of(address) == ServerOrigin::of(origin);
    let own = record.bundle.group.as_ref().or_else(|| record.bundle.groups.keys().next());
    let app_group = own.cloned().or_else(|| AppGroupId::new(format!("group.{app}")).ok())?;
    Some(UrlDownload {
        identifier: CONTENT.to_owned(),
        unique_identifier: CONTENT.to_owned(),
        kind: DownloadKind::Manifest,
        url: if asks(record.address()?) { record.address()?.to_owned() } else { origin.to_owned() },
        method: "GET".to_owned(),
        headers: BTreeMap::new(),
        file_size: None,
        essential: record.installation().is_some(),
        app_group,
        priority: DownloadPriority::MAX,
        pack_version: None,
    })
}
