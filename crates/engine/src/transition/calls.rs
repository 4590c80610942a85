//! Who is asked what, and when. `Spec: concepts 4, 5, 10, 11`.
//!
//! Ends of downloads and challenges go to the running app that listens, else to the extension; content requests go to the
//! extension. Each is asked one thing at a time. What is to be asked follows from the records, so a new life of the service
//! asks again what was not answered in the last one.

mod answer;
mod challenge;
mod permission;

use std::ops::Bound;

use headstart_model::catalog::CatalogPack;
use headstart_model::protocol::downloads::ChallengeAnswer;
use headstart_model::{AppId, ContentRequest};

use crate::allowance;
use crate::effect::{Effect, ExtensionEnd, Inquiry, Question, Receiver, Reply};
use crate::id::{CallId, ClientId, DownloadId};
use crate::live::{Matter, OpenCall, Timer};
use crate::record::{App, InstallStage, Outcome};
use crate::transition::{content, late, manifest};
use crate::work::Work;

pub(crate) use answer::{acknowledged, extension_failed, extension_returned, not_asked};
pub(crate) use challenge::{app_of_effect, challenged, withdrawn as challenge_withdrawn};
pub(crate) use permission::{Permission, budget, permission};

/// Asks what is to be asked. Runs at the end of every event.
pub(crate) fn run(w: &mut Work<'_>) {
    while let Some(app) = w.next_ask() {
        w.live_mut().step();
        ask_delegate(w, &app);
        ask_extension(w, &app);
    }
}

fn ask_delegate(w: &mut Work<'_>, app: &AppId) {
    let Some(client) = w.live().calls.delegate(app) else { return };
    if w.live().calls.of(app).is_some_and(|calls| calls.to_delegate.is_some()) {
        return;
    }
    let Some(matter) = next_event(w, app) else { return };
    ask(w, app, Receiver::Delegate(client), matter);
}

/// What goes to the app if it listens, and to the extension otherwise: challenges first, for a transfer waits.
fn next_event(w: &mut Work<'_>, app: &AppId) -> Option<Matter> {
    let challenge = w.live_mut().calls.change(app, |calls| calls.challenges.pop_front());
    if let Some(challenge) = challenge {
        return Some(Matter::Challenge(challenge));
    }
    if w.live().calls.of(app).is_some_and(crate::live::AppCalls::is_telling) {
        return None;
    }
    let last = w.live().calls.of(app).and_then(|calls| calls.last_told);
    let concluded = w.live().files.concluded.get(app)?;
    let after =
        last.and_then(|last| concluded.range((Bound::Excluded(last), Bound::Unbounded)).next());
    let next = *after.or_else(|| concluded.first())?;
    w.live_mut().calls.change(app, |calls| calls.last_told = Some(next));
    Some(Matter::Conclusion(next))
}

/// Whether something waits that goes to the app if it listens.
fn has_event(w: &Work<'_>, app: &AppId) -> bool {
    let calls = w.live().calls.of(app);
    let challenged = calls.is_some_and(|calls| !calls.challenges.is_empty());
    let telling = calls.is_some_and(crate::live::AppCalls::is_telling);
    // The batch of what is essential is told when the installation has ended. `Spec: concepts 4.1`.
    let installing = w.app(app).is_some_and(|record| record.installation().is_some());
    challenged || (!telling && !installing && w.live().files.concluded.contains_key(app))
}

fn ask_extension(w: &mut Work<'_>, app: &AppId) {
    w.live_mut().timers.remove(&Timer::Extension(app.clone()));
    if w.live().calls.of(app).is_some_and(|calls| calls.to_extension.is_some()) {
        return;
    }
    let request = next_request(w, app);
    let event = w.live().calls.delegate(app).is_none() && has_event(w, app);
    if request.is_none() && !event {
        return;
    }
    match permission(w.state(), app, w.now.wall) {
        // What a server asks waits for the new program.
        Permission::Granted { .. } if is_being_replaced(w, app) => {}
        Permission::Granted { budget_ms } => {
            let receiver = Receiver::Extension { budget_ms };
            let challenged =
                w.live().calls.of(app).is_some_and(|calls| !calls.challenges.is_empty());
            let matter = match request {
                Some(request) if !(event && challenged) => Some(request),
                _ => next_event(w, app),
            };
            if let Some(matter) = matter {
                ask(w, app, receiver, matter);
            }
        }
        Permission::Denied(reason) => {
            if let Some(until) = reason.until {
                let wait_ms = w.now.wall.ms_until(until);
                let at = w.now.monotonic.after_ms(wait_ms);
                w.live_mut().timers.set(Timer::Extension(app.clone()), at);
            }
            default_challenges(w, app);
            if request.is_some() {
                answer::not_asked(w, app, &reason);
            }
        }
    }
}

/// Whether the app's files, the extension's program among them, are just being put in place.
fn is_being_replaced(w: &Work<'_>, app: &AppId) -> bool {
    let installation = w.app(app).and_then(App::installation);
    installation.is_some_and(|installation| installation.stage == InstallStage::Files)
}

/// The content request that the extension can be asked about now.
fn next_request(w: &Work<'_>, app: &AppId) -> Option<Matter> {
    let record = w.app(app).filter(|record| !record.is_leaving())?;
    if is_being_replaced(w, app) {
        return None;
    }
    if let Some(asking) = &record.asking {
        return Some(Matter::ShouldDownload(asking.request));
    }
    manifest::ready(w, app).map(|(_, request)| Matter::Downloads(request))
}

/// Nobody can be asked: servers are told what they would be told without anybody to ask.
fn default_challenges(w: &mut Work<'_>, app: &AppId) {
    if w.live().calls.delegate(app).is_some() {
        return;
    }
    let challenges = w.live_mut().calls.change(app, |calls| std::mem::take(&mut calls.challenges));
    for challenge in challenges {
        w.answer_at_once(
            challenge.request,
            Ok(Reply::Challenge(ChallengeAnswer::PerformDefaultHandling)),
        );
    }
}

fn ask(w: &mut Work<'_>, app: &AppId, receiver: Receiver, matter: Matter) {
    let Some(question) = question(w, app, &matter) else {
        if let Matter::Challenge(challenge) = matter {
            // Its download is gone: the next thing is asked.
            let answer = Reply::Challenge(ChallengeAnswer::CancelAuthenticationChallenge);
            w.answer_at_once(challenge.request, Ok(answer));
            w.want_ask(app);
        }
        return;
    };
    let call = w.next_call();
    let client = match receiver {
        Receiver::Delegate(client) => Some(client),
        Receiver::Extension { .. } => None,
    };
    let open = OpenCall { id: call, client, matter };
    w.live_mut().calls.change(app, |calls| match receiver {
        Receiver::Delegate(_) => calls.to_delegate = Some(open),
        Receiver::Extension { .. } => calls.to_extension = Some(open),
    });
    w.emit(Effect::Ask(Inquiry { app: app.clone(), call, receiver, question }));
}

fn question(w: &Work<'_>, app: &AppId, matter: &Matter) -> Option<Question> {
    match matter {
        Matter::Downloads(request) => {
            let (manifest, _) = manifest::ready(w, app)?;
            let file = w.file(manifest)?;
            Some(Question::Downloads {
                request: *request,
                manifest,
                group: file.download.app_group.clone(),
                file_name: file.file_name(),
                info: allowance::remaining(w.app(app)?),
            })
        }
        Matter::ShouldDownload(request) => Some(Question::ShouldDownload {
            request: *request,
            packs: asked_about(w, app, *request),
        }),
        Matter::Challenge(pending) => challenge::question(w, app, pending),
        Matter::Conclusion(id) => {
            let file = w.file(*id)?;
            let download = file.download.clone();
            match file.outcome()? {
                Outcome::Finished { .. } => {
                    Some(Question::Finished { id: *id, download, file_name: file.file_name() })
                }
                Outcome::Failed(failure) => {
                    Some(Question::Failed { download, failure: failure.clone() })
                }
            }
        }
    }
}

/// The packs that the extension is asked about.
fn asked_about(w: &Work<'_>, app: &AppId, request: ContentRequest) -> Vec<CatalogPack> {
    if w.app(app).and_then(|record| record.asking.as_ref()).is_some_and(|asking| asking.late) {
        return late::candidates(w, app, request);
    }
    content::candidates(w, app, request)
}

/// A process of the app listens from now on.
pub(crate) fn attached(w: &mut Work<'_>, client: ClientId, app: &AppId) {
    if w.app(app).is_none() {
        return;
    }
    if w.live().calls.listened_for(client).is_some_and(|other| other != app) {
        detached(w, client);
    }
    w.live_mut().calls.attach(client, app);
    w.want_ask(app);
}

/// A connection is gone: what it was asked is asked somebody else.
pub(crate) fn detached(w: &mut Work<'_>, client: ClientId) {
    let Some((app, open)) = w.live_mut().calls.detach(client) else { return };
    if let Some(open) = open {
        put_back(w, &app, open);
    }
    w.want_ask(&app);
}

/// A question that will not be answered by whom it was put to: whoever is asked next is asked the same. What it was about is
/// on record, but for challenges.
fn put_back(w: &mut Work<'_>, app: &AppId, open: OpenCall) {
    w.live_mut().calls.change(app, |calls| match open.matter {
        Matter::Challenge(challenge) => calls.challenges.push_front(challenge),
        Matter::Conclusion(DownloadId(number)) => {
            calls.last_told = Some(DownloadId(number.saturating_sub(1)));
        }
        Matter::Downloads(_) | Matter::ShouldDownload(_) => {}
    });
}

/// Has the extension ended, and forgets what it was being asked: it is asked again if it may be.
pub(crate) fn end_extension(w: &mut Work<'_>, app: &AppId, why: ExtensionEnd) {
    let open = w.live_mut().calls.change(app, |calls| calls.to_extension.take());
    if let Some(open) = open {
        w.emit(Effect::Forget { app: app.clone(), call: open.id });
        put_back(w, app, open);
    }
    w.emit(Effect::EndExtension { app: app.clone(), why });
}

/// The app goes: nobody is asked anything.
pub(crate) fn forget_all(w: &mut Work<'_>, app: &AppId) {
    if w.app(app).is_some_and(|record| record.bundle.extension) {
        w.emit(Effect::EndExtension { app: app.clone(), why: ExtensionEnd::AppRemoved });
    }
    w.live_mut().timers.remove(&Timer::Extension(app.clone()));
    for challenge in w.live_mut().calls.forget(app) {
        let reply = Reply::Challenge(ChallengeAnswer::CancelAuthenticationChallenge);
        w.answer_at_once(challenge.request, Ok(reply));
    }
}

/// The open question of this number to this side.
fn open_call(w: &Work<'_>, app: &AppId, call: CallId, side: Side) -> Option<Matter> {
    let calls = w.live().calls.of(app)?;
    let open = match side {
        Side::Delegate => calls.to_delegate.as_ref(),
        Side::Extension => calls.to_extension.as_ref(),
    };
    open.filter(|open| open.id == call).map(|open| open.matter.clone())
}

/// Which of the two was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Delegate,
    Extension,
}

fn close(w: &mut Work<'_>, app: &AppId, side: Side) {
    w.live_mut().calls.change(app, |calls| match side {
        Side::Delegate => calls.to_delegate = None,
        Side::Extension => calls.to_extension = None,
    });
    w.want_ask(app);
}

/// Whether the extension has a say in what a content request selects.
pub(crate) fn has_say(record: &App, request: ContentRequest) -> bool {
    let events = [ContentRequest::Install, ContentRequest::Update, ContentRequest::LanguageChange];
    record.bundle.extension && events.contains(&request)
}
