//! Checks for a catalog: when one is made, and what a failed one means.

use headstart_model::{AppId, ContentRequest, ErrorKind, Failure};

use crate::admit::{Verdict, admit};
use crate::ask;
use crate::backoff::{backoff_ms, jitter, lasting_backoff_ms};
use crate::class::Class;
use crate::failures;
use crate::id::{EffectId, RequestId};
use crate::live::{CatalogSeen, Hold, Subject, Timer, Wait};
use crate::record::{App, CheckFailure, InstallStage, Owed, Source};
use crate::transition::fail::ESSENTIAL_ATTEMPTS;
use crate::transition::{ensure, install, languages, manifest, uninstall, unmanaged};
use crate::work::Work;

/// Time between two periodic content requests, in milliseconds: a day. `Spec: concepts 3` leaves it to the device.
pub(crate) const PERIOD_MS: u64 = 24 * 60 * 60 * 1000;

/// Makes a check unless one is running.
pub(crate) fn want(w: &mut Work<'_>, app: &AppId) {
    let Some(record) = w.app(app) else { return };
    if record.check.is_some() || record.is_leaving() {
        return;
    }
    match record.source() {
        Source::Repository(_) => {}
        Source::DownloadManifest(_) => {
            if let Err(failure) = unmanaged::check_alone(w, app) {
                return failed(w, app, &failure, None);
            }
        }
        Source::Manifest(_) => {
            fail_waiters(w, app, &failures::no_repository(app), None);
            return manifest::want(w, app);
        }
        Source::None => {
            fail_waiters(w, app, &failures::no_repository(app), None);
            return;
        }
    }
    w.live_mut().timers.remove(&Timer::Check(app.clone()));
    let ask = ask::of_check(class_of(w, app));
    match admit(&ask, &w.live().facts, w.now) {
        Verdict::Go => start(w, app),
        Verdict::Wait(_) => {
            w.live_mut().checks_waiting.insert(app.clone());
        }
        Verdict::Refuse(failure) => failed(w, app, &failure, None),
    }
}

fn start(w: &mut Work<'_>, app: &AppId) {
    w.live_mut().checks_waiting.remove(app);
    let order = w.order(Owed::FetchCatalog { app: app.clone() });
    if let Some(record) = w.app_mut(app) {
        record.check = Some(order);
    }
    w.issue(order);
}

fn class_of(w: &Work<'_>, app: &AppId) -> Class {
    if w.app(app).is_some_and(|record| record.installation().is_some()) {
        Class::Essential
    } else if w.live().requests.is_hurried(&Subject::Catalog(app.clone())) {
        Class::Foreground
    } else {
        Class::Upkeep
    }
}

/// Asks again for checks that had to wait, while the network may be there or patience has ended.
pub(crate) fn retry_waiting(w: &mut Work<'_>) {
    if w.live().checks_waiting.is_empty() {
        return;
    }
    for app in w.live().checks_waiting.clone() {
        w.live_mut().step();
        let ask = ask::of_check(class_of(w, &app));
        if !matches!(admit(&ask, &w.live().facts, w.now), Verdict::Wait(_)) {
            w.live_mut().checks_waiting.remove(&app);
            want(w, &app);
        }
    }
}

/// Adds a content request to the one that waits for a catalog. The earlier one goes first: a first installation that never
/// saw a catalog stays one.
pub(crate) fn add_request(w: &mut Work<'_>, app: &AppId, request: ContentRequest) {
    if let Some(record) = w.app_mut(app) {
        record.content_request =
            Some(record.content_request.map_or(request, |present| present.min(request)));
    }
}

/// Somebody simulates a content request: the extension may use the run time of a whole day. `Spec: packs 7`.
pub(crate) fn simulated(w: &mut Work<'_>, app: &AppId, request: ContentRequest) {
    if let Some(record) = w.app_mut(app) {
        record.extension.budget.reset();
        record.extension.forgive();
    }
    content_requested(w, app, request);
}

/// A content request is due outside an installation.
pub(crate) fn content_requested(w: &mut Work<'_>, app: &AppId, request: ContentRequest) {
    let decides = w.app(app).is_some_and(|r| matches!(r.source(), Source::Manifest(_)));
    if request == ContentRequest::LanguageChange {
        if !decides {
            return languages::force_change(w, app);
        }
        languages::owe_change(w, app);
    }
    let due = w.app(app).is_some_and(|record| {
        record.installation().is_none() && !record.is_leaving() && record.has_source()
    });
    if due {
        add_request(w, app, request);
        want(w, app);
    }
}

/// Takes a check off the record; none when `effect` is no check.
pub(crate) fn end(w: &mut Work<'_>, effect: EffectId) -> Option<AppId> {
    let Some(Owed::FetchCatalog { app }) = w.records().owed.get(&effect).cloned() else {
        return None;
    };
    w.end_order(effect);
    if let Some(record) = w.app_mut(&app)
        && record.check == Some(effect)
    {
        record.check = None;
    }
    let of_former_source = w.live_mut().stale_checks.remove(&effect);
    if w.app(&app).is_none_or(App::is_leaving) {
        uninstall::go_on(w, &app);
        return None;
    }
    if of_former_source {
        want(w, &app);
        return None;
    }
    Some(app)
}

/// The app's offers come from elsewhere from now on: what a check that is running brings says nothing about that, and another one follows it.
pub(crate) fn source_changed(w: &mut Work<'_>, app: &AppId) {
    let Some(running) = w.app(app).and_then(|record| record.check) else { return };
    if w.live_mut().stale_checks.insert(running) {
        w.emit_stop(running);
    }
}

/// The app has another source: how often the one before failed says nothing about it, and neither does what a check that is running
/// brings.
pub(crate) fn other_source(w: &mut Work<'_>, app: &AppId) {
    w.live_mut().check_attempts.remove(app);
    w.live_mut().timers.remove(&Timer::Check(app.clone()));
    source_changed(w, app);
}

pub(crate) fn reported_failed(w: &mut Work<'_>, effect: EffectId, failure: &Failure) {
    if let Some(app) = end(w, effect) {
        failed(w, &app, failure, Some(effect));
    }
}

/// A check failed. What is installed stays as it is; whoever waits is told; a content request that is owed is tried again.
pub(crate) fn failed(w: &mut Work<'_>, app: &AppId, failure: &Failure, effect: Option<EffectId>) {
    record_failure(w, app, failure);
    let attempts = w.live_mut().check_attempts.entry(app.clone()).or_default();
    *attempts = attempts.saturating_add(1);
    let attempts = *attempts;
    let later = fail_waiters(w, app, failure, effect);
    let installing = is_before_essential(w, app);
    if installing && attempts < ESSENTIAL_ATTEMPTS && failure.kind.is_retryable() {
        retry_later(w, app, Class::Essential, attempts);
    } else {
        schedule(w, app, failure.kind, attempts);
        if installing {
            install::without_catalog(w, app);
        }
    }
    if later {
        want_later(w, app);
    }
}

/// Makes another check for those who asked while the last one was running already.
pub(crate) fn want_later(w: &mut Work<'_>, app: &AppId) {
    let waiting = w.live().requests.waiting_for(&Subject::Catalog(app.clone()));
    let updates = waiting.iter().any(|request| {
        matches!(w.live().requests.find(*request).map(|r| &r.wait), Some(Wait::Check { .. }))
    });
    if updates {
        // The one that has ended took the content request with it.
        add_request(w, app, ContentRequest::Periodic);
    }
    want(w, app);
}

fn record_failure(w: &mut Work<'_>, app: &AppId, failure: &Failure) {
    let now = w.now.wall;
    let Some(record) = w.app_mut(app) else { return };
    let untrusted = failure.kind == ErrorKind::Untrusted;
    match &mut record.check_failure {
        // A check that did not get through says nothing about trust: only one that succeeds restores it.
        Some(earlier) if earlier.failure.kind == ErrorKind::Untrusted && !untrusted => {
            earlier.last = now;
        }
        Some(earlier) if earlier.failure.kind == failure.kind => {
            earlier.last = now;
            earlier.failure = failure.clone();
        }
        other => *other = Some(CheckFailure { failure: failure.clone(), since: now, last: now }),
    }
    if w.app(app).is_some_and(|record| record.distrust().is_some()) {
        w.live_mut().queue.hold(app, Hold::Distrust);
    }
}

fn is_before_essential(w: &Work<'_>, app: &AppId) -> bool {
    let installation = w.app(app).and_then(App::installation);
    installation.is_some_and(|installation| installation.stage == InstallStage::Install)
}

/// Tells whoever waits for the check that has just ended. True when somebody waits for a later one.
fn fail_waiters(
    w: &mut Work<'_>,
    app: &AppId,
    failure: &Failure,
    effect: Option<EffectId>,
) -> bool {
    let mut later = false;
    for request in w.live().requests.waiting_for(&Subject::Catalog(app.clone())) {
        if waits_for_later(w, request, effect) {
            later = true;
            continue;
        }
        match w.live().requests.find(request).map(|r| &r.wait) {
            Some(Wait::Ensure(_)) => ensure::catalog_failed(w, request, failure),
            _ => w.answer(request, Err(failure.clone())),
        }
    }
    later
}

/// Whether a call was made while the check that has ended was running already: that one may have looked too early.
pub(crate) fn waits_for_later(
    w: &mut Work<'_>,
    request: RequestId,
    ended: Option<EffectId>,
) -> bool {
    let Some(catalog) = catalog_seen(w, request) else { return false };
    let early = matches!(catalog, CatalogSeen::NotYet { running: Some(id) } if Some(*id) == ended);
    if early {
        *catalog = CatalogSeen::NotYet { running: None };
    }
    early
}

/// Whether a call has seen the catalog that it waits for.
pub(crate) fn catalog_seen<'a>(
    w: &'a mut Work<'_>,
    request: RequestId,
) -> Option<&'a mut CatalogSeen> {
    match &mut w.live_mut().requests.find_mut(request)?.wait {
        Wait::Check { catalog } | Wait::Reconcile { catalog } => Some(catalog),
        Wait::Ensure(wait) => Some(&mut wait.catalog),
        Wait::Launch
        | Wait::Uninstall
        | Wait::Cleared(_)
        | Wait::Clearing(_)
        | Wait::Removal
        | Wait::Exclusive => None,
    }
}

/// When to check again: soon for a content request of an installation, else at the next period.
fn schedule(w: &mut Work<'_>, app: &AppId, kind: ErrorKind, attempts: u32) {
    let Some(record) = w.app(app) else { return };
    match record.content_request {
        Some(ContentRequest::Install | ContentRequest::Update) if record.has_source() => {
            retry_upkeep(w, app, kind, attempts);
        }
        request => {
            if request.is_some()
                && let Some(record) = w.app_mut(app)
            {
                record.content_request = None;
            }
            if is_sought(w, app) {
                retry_upkeep(w, app, kind, attempts);
            }
        }
    }
    arm_period(w, app);
}

/// Whether a catalog or manifest is wanted, beyond any content request: somebody asked for a pack that only a catalog can
/// tell about, and has gone since, the app's language has changed, or an archive that is listed could not be looked at.
pub(crate) fn is_sought(w: &Work<'_>, app: &AppId) -> bool {
    w.live().asked.contains_key(app)
        || w.app(app).is_some_and(languages::is_change_owed)
        || w.records().packs_of(app).any(|(_, pack)| pack.unreadable.is_some())
}

fn retry_later(w: &mut Work<'_>, app: &AppId, class: Class, attempts: u32) {
    retry_after(w, app, backoff_ms(class, w.device().seed, salt(app), attempts));
}

/// Whether it may pass without anybody mending something elsewhere.
fn may_pass(kind: ErrorKind) -> bool {
    kind.is_retryable() || matches!(kind, ErrorKind::NoSpace | ErrorKind::Internal)
}

/// Nobody waits for it; what somebody has to mend first is tried less and less.
fn retry_upkeep(w: &mut Work<'_>, app: &AppId, kind: ErrorKind, attempts: u32) {
    if may_pass(kind) {
        retry_later(w, app, Class::Upkeep, attempts);
    } else {
        retry_after(w, app, lasting_backoff_ms(w.device().seed, salt(app), attempts));
    }
}

fn retry_after(w: &mut Work<'_>, app: &AppId, wait_ms: u64) {
    let at = w.now.monotonic.after_ms(wait_ms);
    w.live_mut().timers.set(Timer::Check(app.clone()), at);
}

/// Checks again, at first before the next period is over: archives that are listed could not be looked at, for these reasons. As soon as
/// one of them may pass by itself it is not waited longer than for that.
pub(crate) fn want_soon(w: &mut Work<'_>, app: &AppId, reasons: &[ErrorKind], attempts: u32) {
    w.live_mut().check_attempts.insert(app.clone(), attempts);
    let soonest = reasons.iter().copied().find(|kind| may_pass(*kind));
    if let Some(kind) = soonest.or(reasons.first().copied()) {
        retry_upkeep(w, app, kind, attempts);
    }
}

/// Sets the time of the app's next periodic content request: a day after the last content request, or after a check that has
/// failed since; earlier by up to an hour so that devices spread.
pub(crate) fn arm_period(w: &mut Work<'_>, app: &AppId) {
    let Some(record) = w.app(app).filter(|record| record.has_source()) else {
        return;
    };
    let last = record.period_began().unwrap_or(w.now.wall);
    let earlier_ms = jitter(w.device().seed, salt(app), last.0) % (PERIOD_MS / 24);
    let due = last.after_ms(PERIOD_MS - earlier_ms);
    let wait_ms = w.now.wall.ms_until(due).min(PERIOD_MS);
    let at = w.now.monotonic.after_ms(wait_ms);
    w.live_mut().timers.set(Timer::Periodic(app.clone()), at);
}

/// A number that stands for an app where waits are drawn.
fn salt(app: &AppId) -> u64 {
    app.as_str().bytes().fold(0, |sum, byte| jitter(sum, u64::from(byte), 1))
}
