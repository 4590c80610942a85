//! What may be scheduled, by whom and when. `Spec: api 5, 10` and `Spec: concepts 4.4, 14, 16`.

use std::collections::BTreeSet;

use headstart_model::download::{BackgroundAssetsErrorCode as Code, DownloadKind, UrlDownload};
use headstart_model::{AppId, ErrorKind, Failure, UrlPolicy};

use super::{conclude, enter};
use crate::allowance;
use crate::backoff::backoff_ms;
use crate::class::Class;
use crate::effect::Reply;
use crate::event::{Caller, Origin};
use crate::failures;
use crate::id::DownloadId;
use crate::live::Matter;
use crate::record::{App, FileDownload, FilePurpose, Outcome, Switch, Trust};
use crate::transition::{place, unmanaged};
use crate::work::Work;

/// Downloads of one app whose end nobody has taken note of, at most. `Ours:` nothing from outside decides how much memory the
/// service takes.
pub(crate) const DOWNLOADS_MAX: usize = 200_000;
/// Bytes that they may take in memory, at most.
pub(crate) const DOWNLOADS_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Somebody schedules downloads: all of them, or none.
pub(crate) fn requested(
    w: &mut Work<'_>,
    caller: Caller,
    (app, origin): (&AppId, Origin),
    downloads: Vec<UrlDownload>,
    foreground: bool,
) {
    let outcome = check_caller(w, app, origin, foreground)
        .and_then(|()| check_all(w, app, &downloads, foreground));
    if let Err(failure) = outcome {
        return w.answer_at_once(caller.request, Err(failure));
    }
    for download in downloads {
        let known = w.live().files.find(app, &download.identifier);
        let id = known.unwrap_or_else(|| {
            let id = schedule(w, app, download);
            if origin == Origin::Extension {
                slow_down(w, app, id);
            }
            id
        });
        if foreground {
            w.live_mut().files.promote(id, Some(caller.client));
            place::reclass(w, id);
        }
    }
    w.answer_at_once(caller.request, Ok(Reply::Scheduled));
}

fn schedule(w: &mut Work<'_>, app: &AppId, download: UrlDownload) -> DownloadId {
    let charged = download.file_size.unwrap_or(0);
    let limited = w.app(app).is_some_and(|app| app.restrictions().is_some());
    let charged = if limited { charged } else { 0 };
    if charged > 0
        && let Some(record) = w.app_mut(app)
    {
        allowance::charge(record, download.essential, charged);
    }
    let file = FileDownload::new(app.clone(), download, FilePurpose::Scheduled, w.now.wall);
    let id = enter(w, FileDownload { charged, ..file });
    place::place(w, id);
    id
}

/// What the extension schedules again while it is told that it has failed waits as if it were tried again by itself: it would
/// else ask a server as often as the server can refuse. What is essential no more has its chance at once. `Spec: concepts 4.4`.
fn slow_down(w: &mut Work<'_>, app: &AppId, id: DownloadId) {
    let open = w.live().calls.of(app).and_then(|calls| calls.to_extension.as_ref());
    let Some(Matter::Conclusion(told)) = open.map(|open| &open.matter) else { return };
    let Some(told) = w.file(*told).filter(|told| !told.download.essential) else { return };
    let Some(Outcome::Failed(failure)) = told.outcome().cloned() else { return };
    if w.file(id).is_none_or(|file| file.download.identifier != told.download.identifier) {
        return;
    }
    let attempts = told.attempts.max(1);
    let wait_ms = backoff_ms(Class::Nonessential, w.device().seed, id.0, attempts);
    let at = w.now.wall.after_ms(wait_ms);
    if let Some(file) = w.file_mut(id) {
        file.attempts = attempts;
        file.failure = Some(failure);
        file.retry_at = Some(at);
    }
    place::place(w, id);
}

fn check_caller(
    w: &Work<'_>,
    app: &AppId,
    origin: Origin,
    foreground: bool,
) -> Result<(), Failure> {
    let record = w.app(app).ok_or_else(|| failures::app_not_found(app))?;
    if record.is_leaving() {
        return Err(failures::app_being_removed(app));
    }
    if !record.bundle.extension {
        return Err(no_extension(app));
    }
    match (origin, foreground) {
        (Origin::Extension, true) => Err(Code::CallFromExtensionNotAllowed
            .failure("an extension cannot start a download in the foreground")
            .with_hint("schedule it; the app may promote it when it runs")),
        (Origin::Extension, false) if is_asked_for_downloads(w, app) => {
            Err(Code::CallFromExtensionNotAllowed
                .failure("nothing can be scheduled while the extension is asked for downloads")
                .with_hint("return the download with the others"))
        }
        (Origin::Administration, true) => Err(Code::CallFromInactiveProcessNotAllowed
            .failure(format!("only app `{app}` itself starts its downloads in the foreground"))
            .with_hint("use `headstart downloads promote`")),
        _ => Ok(()),
    }
}

/// `Spec: concepts 16`: no downloader extension embedded.
fn no_extension(app: &AppId) -> Failure {
    Code::CallerConnectionNotAccepted
        .failure(format!("the bundle of app `{app}` has no downloader extension"))
        .with_hint("name one with `extension` in the bundle and update the app")
}

fn is_asked_for_downloads(w: &Work<'_>, app: &AppId) -> bool {
    let open = w.live().calls.of(app).and_then(|calls| calls.to_extension.as_ref());
    open.is_some_and(|open| matches!(open.matter, Matter::Downloads(_)))
}

fn check_all(
    w: &Work<'_>,
    app: &AppId,
    downloads: &[UrlDownload],
    foreground: bool,
) -> Result<(), Failure> {
    let record = w.app(app).ok_or_else(|| failures::app_not_found(app))?;
    check_count(w, app, downloads)?;
    if !foreground {
        check_switches(w, app)?;
    }
    check_before_launch(w, record, app)?;
    check_archives(w, app, downloads)?;
    let mut named = BTreeSet::new();
    // What the earlier ones of the list take is no longer there for the later ones.
    let mut imagined = record.clone();
    for download in downloads {
        let known = w.live().files.find(app, &download.identifier).is_some();
        if known && foreground && named.insert(download.identifier.as_str()) {
            // It is promoted as it is, whatever is said of it now.
            continue;
        }
        check_one(record, app, download)?;
        if download.essential {
            return Err(Code::EssentialDownloadNotPermitted
                .failure(format!("`{}` is essential, and only the answer to a content request may have such", download.identifier))
                .with_hint("schedule it without `essential`, or return it from the extension at installation or update"));
        }
        if known || !named.insert(download.identifier.as_str()) {
            return Err(already_scheduled(download));
        }
        allowance::check_domain(record, download)?;
        allowance::check_size(&imagined, download)?;
        allowance::charge(&mut imagined, false, download.file_size.unwrap_or(0));
    }
    Ok(())
}

/// Archives of packs are for apps that manage their packs by themselves. `Spec: packs 4.2`.
fn check_archives(w: &Work<'_>, app: &AppId, given: &[UrlDownload]) -> Result<(), Failure> {
    if given.iter().all(|download| download.kind != DownloadKind::AssetPack) {
        return Ok(());
    }
    unmanaged::may_have(w, app)
}

fn already_scheduled(download: &UrlDownload) -> Failure {
    Code::AlreadyScheduled
        .failure(format!("a download `{}` is scheduled already", download.identifier))
        .with_hint("give each download an identifier of its own, or cancel the other one")
}

fn check_count(w: &Work<'_>, app: &AppId, given: &[UrlDownload]) -> Result<(), Failure> {
    let (there, more) = (w.live().files.count(app), given.len());
    let weight: u64 = given.iter().map(UrlDownload::weight_bytes).sum();
    let bytes = w.live().files.weight_bytes(app).saturating_add(weight);
    if there.saturating_add(more) <= DOWNLOADS_MAX && bytes <= DOWNLOADS_BYTES_MAX {
        return Ok(());
    }
    let message = format!(
        "app `{app}` has {there} downloads, and {more} more are too many: {DOWNLOADS_MAX} are allowed, and {DOWNLOADS_BYTES_MAX} bytes for all that they say"
    );
    Err(Failure::new(ErrorKind::Refused, "tooManyDownloads", message)
        .with_hint("schedule the rest when some have ended, or fetch larger files"))
}

/// `Spec: concepts 9`, error 111.
fn check_switches(w: &Work<'_>, app: &AppId) -> Result<(), Failure> {
    let why = if w.records().settings.is_background_off(app) {
        "background activity is switched off"
    } else if w.live().facts.is_low_power() {
        "the device saves power"
    } else {
        return Ok(());
    };
    Err(Code::BackgroundActivityProhibited
        .failure(format!("nothing is scheduled in the background: {why}"))
        .with_hint("start it in the foreground, or try again later"))
}

/// `Ours:` the specification does not say when error 206 is given. Here: when in-app content is switched off and the app was
/// never launched.
fn check_before_launch(w: &Work<'_>, record: &App, app: &AppId) -> Result<(), Failure> {
    let off = w.records().settings.in_app_content == Switch::Off;
    if off && record.first_launch.is_none() {
        let message = format!("in-app content is switched off, and app `{app}` was never launched");
        return Err(Code::NotPermittedBeforeAppLaunch
            .failure(message)
            .with_hint("schedule it once the app was launched"));
    }
    Ok(())
}

/// What has to hold for every download, wherever it comes from.
fn check_one(record: &App, app: &AppId, download: &UrlDownload) -> Result<(), Failure> {
    let invalid = |problem: headstart_model::download::DownloadProblem| {
        problem.to_failure(&download.identifier)
    };
    download.check().map_err(invalid)?;
    download.check_url(url_policy(record.bundle.trust)).map_err(invalid)?;
    if download.kind == DownloadKind::Manifest {
        let message = "only the service itself fetches a manifest";
        return Err(Code::Invalid.failure(message).with_hint("schedule it as an ordinary file"));
    }
    if !record.bundle.groups.contains_key(&download.app_group) {
        let message = format!(
            "app `{app}` does not belong to the group `{}` of `{}`",
            download.app_group, download.identifier
        );
        return Err(Code::Invalid
            .failure(message)
            .with_hint("name the group with BAAppGroupID or in [appGroups] of the bundle"));
    }
    Ok(())
}

pub(crate) const fn url_policy(trust: Trust) -> UrlPolicy {
    match trust {
        Trust::Ordinary => UrlPolicy::Secure,
        Trust::Development => UrlPolicy::Development,
        Trust::Insecure => UrlPolicy::Insecure,
    }
}

/// In which circumstances an extension has answered a content request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answered {
    /// Whether the request allows essential downloads. `Spec: concepts 3`.
    pub(crate) allows_essential: bool,
    /// Whether an installation waits for the answer. `Ours:` where it went on without, nothing can block it any more, and what
    /// is essential comes in the background.
    pub(crate) blocks: bool,
}

/// An extension has said which downloads it wants: all of them are scheduled, or none when one cannot be right. Those that the
/// allowances or the list of domains do not let through end at once, as failed. Returns how many are scheduled.
///
/// `Ours:` one that is scheduled already is left as it is: an extension may well name everything that it needs each time.
pub(crate) fn answered(
    w: &mut Work<'_>,
    app: &AppId,
    downloads: Vec<UrlDownload>,
    how: Answered,
) -> Result<u64, Failure> {
    let record = w.app(app).ok_or_else(|| failures::app_not_found(app))?;
    check_count(w, app, &downloads)?;
    check_archives(w, app, &downloads)?;
    let mut named = BTreeSet::new();
    for download in &downloads {
        check_one(record, app, download)?;
        if download.essential && !how.allows_essential {
            return Err(Code::EssentialDownloadNotPermitted
                .failure(format!(
                    "`{}` is essential, and this content request allows none",
                    download.identifier
                ))
                .with_hint("return essential downloads at installation and update only"));
        }
        if !named.insert(download.identifier.as_str()) {
            return Err(already_scheduled(download));
        }
    }
    let mut scheduled = 0;
    for mut download in downloads {
        if w.live().files.find(app, &download.identifier).is_some() {
            continue;
        }
        download.essential &= how.blocks;
        scheduled += 1;
        if let Err(failure) = check_limits(w, app, &download) {
            // Nothing is set aside for what never begins.
            let purpose = FilePurpose::Scheduled;
            let id = enter(w, FileDownload::new(app.clone(), download, purpose, w.now.wall));
            conclude(w, id, Outcome::Failed(failure));
        } else {
            schedule(w, app, download);
        }
    }
    Ok(scheduled)
}

fn check_limits(w: &Work<'_>, app: &AppId, download: &UrlDownload) -> Result<(), Failure> {
    let record = w.app(app).ok_or_else(|| failures::app_not_found(app))?;
    allowance::check_domain(record, download)?;
    allowance::check_size(record, download)
}
