//! What a failure means: by class. `Spec: concepts 4.4, 6`.

use headstart_model::{ErrorKind, Failure, Urgency};

use crate::backoff::backoff_ms;
use crate::class::{Class, Demand};
use crate::id::{DownloadId, PackKey, RequestId};
use crate::live::Subject;
use crate::progress;
use crate::transition::end::Staged;
use crate::transition::{check, end, ensure, install, place, pump};
use crate::work::Work;

/// Attempts after which an essential download has failed, unless they get anywhere.
pub(crate) const ESSENTIAL_ATTEMPTS: u32 = 3;

/// An attempt failed: whoever cannot wait is told, the rest tries again later.
pub(crate) fn attempt_failed(w: &mut Work<'_>, id: DownloadId, failure: &Failure) {
    let progress = w.live().progress.get(&id).copied().unwrap_or_default();
    let got_anywhere = progress.began.is_some_and(|(_, bytes)| progress.done > bytes);
    let Some(download) = w.download_mut(id) else { return };
    download.attempts = if got_anywhere { 1 } else { download.attempts.saturating_add(1) };
    download.failure = Some(failure.clone());
    // What went wrong may have made the plan wrong too.
    download.plan = None;
    let attempts = download.attempts;
    let key = download.key.clone();
    let catalog = catalog_behind(w, &key, failure);
    if catalog == Catalog::MayBeOld && is_archived(w, &key) {
        suspect(w, &key);
    }
    match w.class_of(id) {
        Class::Essential if attempts < ESSENTIAL_ATTEMPTS && failure.kind.is_retryable() => {
            back_off(w, id, Class::Essential);
        }
        Class::Essential => {
            miss(w, id, failure);
            back_off(w, id, Class::Nonessential);
        }
        Class::Foreground => {
            if tell(w, id, failure, (Urgency::Foreground, catalog)) {
                back_off(w, id, Class::Nonessential);
            }
        }
        class @ (Class::Nonessential | Class::Upkeep) => {
            // Who waits in the background waits for as long as waiting can help.
            let lasts = !failure.kind.is_retryable() && failure.kind != ErrorKind::NoSpace;
            if !lasts || tell(w, id, failure, (Urgency::Background, catalog)) {
                back_off(w, id, class);
            }
        }
    }
    if catalog == Catalog::MayBeOld {
        // After the calls, which thus wait for a check that looks from now on.
        check::want(w, &key.app);
    }
}

/// The archive that a download was from is looked at anew, and not by a check that knew it as it was.
fn suspect(w: &mut Work<'_>, key: &PackKey) {
    w.pack_mut(key).suspect = true;
    check::source_changed(w, &key.app);
}

/// Whether what a failed download went by may have been replaced by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Catalog {
    MayBeOld,
    NotToBlame,
}

/// The repository no longer has it: the catalog held is an old one. An archive may have been replaced by another one.
fn catalog_behind(w: &Work<'_>, key: &PackKey, failure: &Failure) -> Catalog {
    match failure.kind {
        ErrorKind::NotFound => Catalog::MayBeOld,
        ErrorKind::Untrusted if is_archived(w, key) => Catalog::MayBeOld,
        _ => Catalog::NotToBlame,
    }
}

fn is_archived(w: &Work<'_>, key: &PackKey) -> bool {
    w.pack(key).is_some_and(|pack| pack.archive.is_some())
}

/// The download was not admitted, and whoever waits cannot wait for it.
pub(crate) fn refused(w: &mut Work<'_>, id: DownloadId, failure: &Failure) {
    if w.class_of(id) == Class::Essential {
        miss(w, id, failure);
    } else if !tell_waiters(w, id, failure) {
        return;
    }
    place::place(w, id);
}

/// An essential download has failed: it concludes as such, and goes on in the background with the reason kept.
pub(crate) fn miss(w: &mut Work<'_>, id: DownloadId, failure: &Failure) {
    let Some(download) = w.download_mut(id) else { return };
    download.failure = Some(failure.clone());
    let key = download.key.clone();
    let total = w.live().progress.get(&id).map_or(0, |progress| progress.total);
    progress::conclude(w, id, total);
    w.set_demand(id, Demand::Missed);
    w.pack_mut(&key).missed = Some(failure.clone());
    tell_waiters(w, id, failure);
    install::conclude_if_done(w, &key.app);
}

/// Tells whoever waits for a download, and not in the background, that it failed. A download that existed for them alone
/// concludes with it (what is staged stays, for the next time somebody asks); false then.
pub(crate) fn tell_waiters(w: &mut Work<'_>, id: DownloadId, failure: &Failure) -> bool {
    tell(w, id, failure, (Urgency::Foreground, Catalog::NotToBlame))
}

/// Tells whoever waits for a download with this urgency or more. A call that has seen no catalog yet looks at the newest one
/// instead, if the one that it went by may be old.
fn tell(
    w: &mut Work<'_>,
    id: DownloadId,
    failure: &Failure,
    (least, catalog): (Urgency, Catalog),
) -> bool {
    let Some(download) = w.download(id) else { return false };
    let (pack, demand) = (download.key.pack.clone(), download.demand);
    let mut all = w.live().requests.waiting_for(&Subject::Download(id));
    if catalog == Catalog::MayBeOld {
        all.retain(|request| !ensure::looks_again(w, *request, (&pack, id)));
    }
    let hurried = |id: &RequestId| w.live().requests.urgency_of(*id) >= Some(least);
    let (waiting, patient): (Vec<_>, Vec<_>) = all.into_iter().partition(hurried);
    if demand == Demand::Asked && !waiting.is_empty() && patient.is_empty() {
        end::conclude_failed(w, id, failure, Staged::Keep);
        return false;
    }
    for request in waiting {
        ensure::told(w, request, (&pack, id), failure);
    }
    true
}

fn back_off(w: &mut Work<'_>, id: DownloadId, class: Class) {
    let seed = w.device().seed;
    let now = w.now.wall;
    let Some(download) = w.download_mut(id) else { return };
    let wait_ms = backoff_ms(class, seed, id.0, download.attempts);
    download.retry_at = Some(now.after_ms(wait_ms));
    place::place(w, id);
    pump::tell_paused(w, id);
}
