//! The person at the device decides. `Spec: concepts 9`.

use headstart_model::AppId;

use crate::ask;
use crate::effect::{Effect, ExtensionEnd, Reply};
use crate::event::Caller;
use crate::live::Hold;
use crate::record::{Setting, Switch};
use crate::transition::{calls, check, languages, pump, queue};
use crate::work::Work;

pub(crate) fn changed(w: &mut Work<'_>, caller: Caller, setting: Setting) {
    w.settings_mut().set(setting.clone());
    match setting {
        Setting::InAppContent(_) => content_switched(w),
        Setting::BackgroundActivity(app, switch) => {
            if let Some(app) = app {
                hold(w, &app, switch);
            }
            switched(w);
        }
        Setting::BytesPerSecond(bytes_per_second) => w.emit(Effect::Limit { bytes_per_second }),
        Setting::TransfersMax(transfers) => {
            let transfers = transfers.unwrap_or(crate::facts::TRANSFERS_MAX_DEFAULT);
            w.live_mut().facts.transfers_max = transfers.max(1);
        }
    }
    w.answer_at_once(caller.request, Ok(Reply::Changed));
}

fn hold(w: &mut Work<'_>, app: &AppId, switch: Switch) {
    let queue = &mut w.live_mut().queue;
    match switch {
        Switch::Off => queue.hold(app, Hold::Background),
        Switch::On => queue.release(app, Hold::Background),
    }
}

/// What may go on in the background has changed: what must not is stopped, what waited for it goes on.
pub(crate) fn switched(w: &mut Work<'_>) {
    stop_what_may_not_go_on(w);
    for app in w.records().apps.keys().cloned().collect::<Vec<_>>() {
        let off = w.records().settings.is_background_off(&app) || w.live().facts.is_low_power();
        if off && w.app(&app).is_some_and(|record| record.bundle.extension) {
            calls::end_extension(w, &app, ExtensionEnd::NotAllowed);
        }
        if w.app(&app).is_some_and(|record| record.content_request.is_some()) {
            check::want(w, &app);
        } else if !off {
            languages::ask_again(w, &app);
        }
        w.want_ask(&app);
    }
}

/// In-app content may come, or may not, before apps are launched.
fn content_switched(w: &mut Work<'_>) {
    for app in w.records().apps.keys().cloned().collect::<Vec<_>>() {
        hold_content(w, &app);
        if w.app(&app).is_some_and(|record| record.content_request.is_some()) {
            check::want(w, &app);
        }
        w.want_ask(&app);
    }
}

/// Holds back what an app that was never launched fetches while in-app content is off, or lets it go on. An installation goes on
/// without what has not arrived. `Spec: concepts 9`.
pub(crate) fn hold_content(w: &mut Work<'_>, app: &AppId) {
    let Some(record) = w.app(app) else { return };
    let off = w.records().settings.in_app_content == Switch::Off;
    if !off || record.first_launch.is_some() {
        return w.live_mut().queue.release(app, Hold::Content);
    }
    w.live_mut().queue.hold(app, Hold::Content);
    if record_has_extension(w, app) {
        calls::end_extension(w, app, ExtensionEnd::NotAllowed);
    }
    queue::do_without(w, app);
    let running = w.live().active.iter().map(|(order, active)| (*order, active.download));
    for (order, id) in running.collect::<Vec<_>>() {
        let of = w.file(id).map(|file| &file.app);
        let of = of.or_else(|| w.download(id).map(|download| &download.key.app));
        if of == Some(app) && w.class_of(id).is_background() {
            pump::stop(w, order);
        }
    }
}

fn record_has_extension(w: &Work<'_>, app: &AppId) -> bool {
    w.app(app).is_some_and(|record| record.bundle.extension)
}

fn stop_what_may_not_go_on(w: &mut Work<'_>) {
    let low = w.live().facts.is_low_power();
    let running = w.live().active.iter().filter(|(_, active)| active.class.is_background());
    let running: Vec<_> = running.map(|(order, active)| (*order, active.download)).collect();
    for (order, id) in running {
        let manifest = w.file(id).is_some_and(crate::record::FileDownload::is_manifest);
        let app = ask::app_of(w.state(), id);
        let off = app.is_some_and(|app| w.records().settings.is_background_off(&app));
        if (low || off) && !manifest {
            pump::stop(w, order);
        }
    }
}
