//! The languages of an app: who says what they are, and what changes with them. `Spec: packs 9`.
//!
//! What the app's resolved language is is settled at each of these and at each catalog. When it has changed the newest
//! catalog is looked at, and what it offers for the new language comes by itself; packs of the old one stay until
//! [`reconcile`](super::reconcile), or for good if somebody had asked for them.

use headstart_model::{AppId, ContentRequest, Language};

use crate::effect::Reply;
use crate::event::Caller;
use crate::failures;
use crate::record::{App, Languages, Source, Teller};
use crate::transition::check;
use crate::view;
use crate::work::Work;

/// Languages of a list that are looked at; what comes after decides nothing.
const PREFERRED_MAX: usize = 32;

/// A process of the app has said what its person reads.
pub(crate) fn told(w: &mut Work<'_>, app: &AppId, languages: Vec<Language>) {
    prefer(w, app, languages, Teller::App);
}

/// The device has said so, for apps that have not.
pub(crate) fn told_by_device(w: &mut Work<'_>) {
    let languages = w.live().facts.languages.value.clone();
    for app in w.records().apps.keys().cloned().collect::<Vec<_>>() {
        prefer(w, &app, languages.clone(), Teller::Device);
    }
}

fn prefer(w: &mut Work<'_>, app: &AppId, mut languages: Vec<Language>, teller: Teller) {
    languages.truncate(PREFERRED_MAX);
    let Some(present) = w.app(app).map(|record| &record.languages) else { return };
    let known = present.told_by == Some(teller) && present.preferred == languages;
    if languages.is_empty() || known || present.told_by > Some(teller) {
        return;
    }
    let changed = present.told_by == Some(teller) && !present.preferred.is_empty();
    change(w, app, |present| {
        present.preferred = languages;
        present.told_by = Some(teller);
    });
    if changed && w.app(app).is_some_and(|r| matches!(r.source(), Source::Manifest(_))) {
        // What that means is for the extension to say. `Spec: concepts 3`.
        return check::content_requested(w, app, ContentRequest::LanguageChange);
    }
    settle(w, app);
    if w.app(app).is_some_and(|record| record.languages.changed) {
        check::want(w, app);
    }
}

/// The app has set its language itself. `Spec: packs 9`: that downloads nothing.
pub(crate) fn chosen(w: &mut Work<'_>, caller: Caller, app: &AppId, language: Option<Language>) {
    match w.app(app) {
        None => w.answer_at_once(caller.request, Err(failures::app_not_found(app))),
        Some(record) if record.is_leaving() => {
            w.answer_at_once(caller.request, Err(failures::app_being_removed(app)));
        }
        Some(_) => {
            change(w, app, |present| present.chosen = language);
            settle(w, app);
            change(w, app, |present| present.changed = false);
            let resolved = w.app(app).and_then(|record| record.languages.resolved.clone());
            w.answer_at_once(caller.request, Ok(Reply::LanguageResolved(resolved)));
        }
    }
}

/// Finds out the app's resolved language anew, and notes if it is another one than before.
pub(crate) fn settle(w: &mut Work<'_>, app: &AppId) {
    let Some(view) = view::languages(w.state(), app) else { return };
    let Some(record) = w.app(app) else { return };
    let resolved = record.languages.resolve(&view.available, view.primary.as_ref());
    if resolved != view.resolved {
        change(w, app, |present| {
            present.resolved = resolved;
            present.changed = true;
        });
    }
}

/// Whether the resolved language has changed since this was last asked.
pub(crate) fn take_change(w: &mut Work<'_>, app: &AppId) -> bool {
    let changed = w.app(app).is_some_and(|record| record.languages.changed);
    if changed {
        change(w, app, |present| present.changed = false);
    }
    changed
}

/// Somebody says that the app's language has changed, whether or not it has.
pub(crate) fn force_change(w: &mut Work<'_>, app: &AppId) {
    if w.app(app).is_some_and(|record| !record.is_leaving() && record.has_source()) {
        change(w, app, |present| present.changed = true);
        check::want(w, app);
    }
}

/// The languages have changed, and what that means is for the app's extension to say: it is owed until it was asked, whatever
/// comes first. `Spec: concepts 3`.
pub(crate) fn owe_change(w: &mut Work<'_>, app: &AppId) {
    change(w, app, |present| present.changed = true);
}

/// Makes a content request of the change that the app's extension was not asked about, unless another one goes first.
pub(crate) fn raise_change(w: &mut Work<'_>, app: &AppId) {
    let idle = |record: &App| record.content_request.is_none() && record.installation().is_none();
    if w.app(app).is_some_and(|record| idle(record) && is_change_owed(record)) {
        check::add_request(w, app, ContentRequest::LanguageChange);
    }
}

/// Nothing goes first any more: the extension is asked about a change that it was not asked about.
pub(crate) fn ask_again(w: &mut Work<'_>, app: &AppId) {
    let Some(record) = w.app(app).filter(|record| record.content_request.is_none()) else { return };
    if is_change_owed(record) && matches!(record.source(), Source::Manifest(_)) {
        check::want(w, app);
    }
}

/// A new app knows what the device knows.
pub(crate) fn begin(w: &mut Work<'_>, app: &AppId) {
    let languages = w.live().facts.languages.value.clone();
    prefer(w, app, languages, Teller::Device);
}

fn change(w: &mut Work<'_>, app: &AppId, how: impl FnOnce(&mut Languages)) {
    if let Some(record) = w.app_mut(app) {
        how(&mut record.languages);
    }
}

/// Whether a change of the language still has to meet a catalog, or the extension.
pub(crate) fn is_change_owed(record: &App) -> bool {
    record.languages.changed && !record.is_leaving()
}
