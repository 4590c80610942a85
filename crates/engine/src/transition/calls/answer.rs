//! What apps and extensions answer, and what it means when they do not.

use std::collections::BTreeSet;

use headstart_model::download::UrlDownload;
use headstart_model::protocol::downloads::ChallengeAnswer;
use headstart_model::{AppId, ContentRequest, ErrorKind, Failure, PackId};

use super::{Matter, Side, challenge, close, open_call};
use crate::backoff::backoff_ms;
use crate::class::Class;
use crate::effect::{Notice, Reply};
use crate::event::{Caller, ExtensionAnswer};
use crate::failures;
use crate::id::CallId;
use crate::reason::{Fact, Reason};
use crate::record::App;
use crate::transition::content::{self, Chosen};
use crate::transition::files::{self, Answered};
use crate::transition::{check, install, languages, late, manifest};
use crate::work::Work;

/// Calls for a content request that are not answered, after which it is done without. `Ours:` the original documents no
/// second attempt; a crash at the wrong moment should not cost the content.
const REQUEST_ATTEMPTS: u32 = 3;

/// Who was asked has taken note.
pub(crate) fn acknowledged(
    w: &mut Work<'_>,
    caller: Caller,
    app: &AppId,
    call: CallId,
    answer: Option<ChallengeAnswer>,
) {
    let outcome = match open_call(w, app, call, Side::Delegate) {
        Some(Matter::Challenge(challenge)) => {
            challenge::answered(w, app, &challenge, answer.unwrap_or_default());
            close(w, app, Side::Delegate);
            Ok(Reply::Acknowledged)
        }
        Some(Matter::Conclusion(id)) => {
            close(w, app, Side::Delegate);
            files::forget(w, id);
            Ok(Reply::Acknowledged)
        }
        // Whoever says this must know that the same will be told again.
        Some(Matter::Downloads(_) | Matter::ShouldDownload(_)) | None => {
            Err(failures::callback_not_open())
        }
    };
    w.answer_at_once(caller.request, outcome);
}

fn spend(w: &mut Work<'_>, app: &AppId, used_ms: u64) {
    let now = w.now.wall;
    if used_ms > 0
        && let Some(record) = w.app_mut(app)
    {
        record.extension.budget.spend(used_ms, now);
    }
}

/// An extension has answered.
pub(crate) fn extension_returned(
    w: &mut Work<'_>,
    app: &AppId,
    call: CallId,
    answer: ExtensionAnswer,
    used_ms: u64,
) {
    spend(w, app, used_ms);
    let Some(matter) = open_call(w, app, call, Side::Extension) else { return };
    close(w, app, Side::Extension);
    if w.app(app).is_some_and(|record| record.extension.failure.is_some())
        && let Some(record) = w.app_mut(app)
    {
        record.extension.answered();
    }
    match (matter, answer) {
        (Matter::Downloads(request), ExtensionAnswer::Downloads(downloads)) => {
            downloads_named(w, app, request, Ok(downloads));
        }
        (Matter::Downloads(request), ExtensionAnswer::Refused(failure)) => {
            downloads_named(w, app, request, Err(failure));
        }
        (Matter::Downloads(request), _) => downloads_named(w, app, request, Ok(Vec::new())),
        (Matter::ShouldDownload(request), ExtensionAnswer::Dropped(dropped)) => {
            packs_chosen(w, app, request, &dropped.into_iter().collect());
        }
        (Matter::ShouldDownload(request), _) => packs_chosen(w, app, request, &BTreeSet::new()),
        (Matter::Challenge(challenge), answer) => {
            let answer = match answer {
                ExtensionAnswer::Challenge(answer) => answer,
                _ => ChallengeAnswer::default(),
            };
            challenge::answered(w, app, &challenge, answer);
        }
        (Matter::Conclusion(id), _) => files::forget(w, id),
    }
}

fn downloads_named(
    w: &mut Work<'_>,
    app: &AppId,
    request: ContentRequest,
    downloads: Result<Vec<UrlDownload>, Failure>,
) {
    let installing = w.app(app).is_some_and(|record| record.installation().is_some());
    let allows_essential = matches!(request, ContentRequest::Install | ContentRequest::Update);
    let how = Answered { allows_essential, blocks: installing };
    let result = downloads.and_then(|downloads| files::answered(w, app, downloads, how));
    if let Err(failure) = &result
        && let Some(record) = w.app_mut(app)
    {
        // What cannot be right will not be right the next time either: nothing is asked again for this.
        record.extension.failure = Some(failure.clone());
    }
    w.tell(Notice::Extension { app: app.clone(), result });
    request_done(w, app, request);
}

/// The extension has answered a content request, or was asked often enough.
fn request_done(w: &mut Work<'_>, app: &AppId, request: ContentRequest) {
    if request == ContentRequest::LanguageChange {
        languages::take_change(w, app);
    }
    request_over(w, app, request);
    languages::ask_again(w, app);
}

/// The content request is not owed any more; one that came since and goes first is.
fn request_over(w: &mut Work<'_>, app: &AppId, request: ContentRequest) {
    let now = w.now.wall;
    let mut more = false;
    if let Some(record) = w.app_mut(app) {
        more = record.content_request.is_some_and(|owed| owed < request);
        if !more {
            record.content_request = None;
        }
        record.extension.request_attempts = 0;
        (record.checked_at, record.requested_at) = (Some(now), Some(now));
        record.check_failure = None;
    }
    w.live_mut().check_attempts.remove(app);
    manifest::done(w, app);
    if more {
        return check::want(w, app);
    }
    install::catalog_arrived(w, app);
    check::arm_period(w, app);
}

/// It is known which of the packs are wanted.
fn packs_chosen(
    w: &mut Work<'_>,
    app: &AppId,
    request: ContentRequest,
    dropped: &BTreeSet<PackId>,
) {
    let asked = w.app_mut(app).and_then(|record| record.asking.take());
    if asked.as_ref().is_some_and(|asking| asking.late) {
        late::apply(w, app, request, dropped);
        if w.app(app).is_some_and(|record| record.content_request.is_some()) {
            // One came meanwhile, and could not be asked about.
            return check::want(w, app);
        }
    } else {
        let failed_before = asked.and_then(|asking| asking.failed_before);
        content::apply(w, app, request, &Chosen { failed_before: failed_before.as_ref(), dropped });
    }
    late::go_on(w, app);
    install::catalog_arrived(w, app);
}

/// An extension gives no answer. Ends of downloads are told again later; a content request a few times.
pub(crate) fn extension_failed(
    w: &mut Work<'_>,
    app: &AppId,
    call: CallId,
    failure: &Failure,
    used_ms: u64,
) {
    spend(w, app, used_ms);
    let Some(matter) = open_call(w, app, call, Side::Extension) else { return };
    close(w, app, Side::Extension);
    let (seed, now) = (w.device().seed, w.now.wall);
    let installing = w.app(app).is_some_and(|record| record.installation().is_some());
    let class = if installing { Class::Essential } else { Class::Nonessential };
    let mut request_attempts = 1;
    let is_request = matches!(matter, Matter::Downloads(_));
    // What stood in the way of it says nothing about the extension; only an installation cannot wait until that has gone.
    let counts = is_request && (installing || failure.kind != ErrorKind::Conflict);
    if let Some(record) = w.app_mut(app) {
        let extension = &mut record.extension;
        extension.attempts = extension.attempts.saturating_add(1);
        extension.request_attempts += u32::from(counts);
        request_attempts = extension.request_attempts;
        let wait_ms = backoff_ms(class, seed, call.0, extension.attempts);
        extension.retry_at = Some(now.after_ms(wait_ms));
        extension.failure = Some(failure.clone());
    }
    match matter {
        Matter::Downloads(request) if request_attempts >= REQUEST_ATTEMPTS => {
            w.tell(Notice::Extension { app: app.clone(), result: Err(failure.clone()) });
            request_done(w, app, request);
        }
        // `Spec: api 4`: true where nobody says otherwise.
        Matter::ShouldDownload(request) => packs_chosen(w, app, request, &BTreeSet::new()),
        Matter::Challenge(challenge) => {
            let answer = Reply::Challenge(ChallengeAnswer::default());
            w.answer_at_once(challenge.request, Ok(answer));
        }
        Matter::Downloads(_) | Matter::Conclusion(_) => {}
    }
}

/// The extension may not be asked about a content request.
pub(crate) fn not_asked(w: &mut Work<'_>, app: &AppId, reason: &Reason) {
    let Some(record) = w.app(app) else { return };
    if let Some(asking) = &record.asking {
        let request = asking.request;
        return packs_chosen(w, app, request, &BTreeSet::new());
    }
    // Soon enough for an installation to wait for it.
    if matches!(reason.fact, Fact::ExtensionFailed { .. }) {
        return;
    }
    let failure = super::permission::failure(app, reason);
    w.tell(Notice::Extension { app: app.clone(), result: Err(failure) });
    match w.app(app).and_then(|record| record.content_request) {
        // What an installation brings is owed for as long as it takes; the app need not wait for it.
        Some(ContentRequest::Install | ContentRequest::Update)
            if w.app(app).is_some_and(|record| App::installation(record).is_some()) =>
        {
            install::without_catalog(w, app);
        }
        Some(ContentRequest::Install | ContentRequest::Update) | None => {}
        // A change of the language is owed until the extension may be asked about it.
        Some(request) => request_over(w, app, request),
    }
}
