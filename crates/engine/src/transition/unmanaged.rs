//! Packs that an app brings by itself: archives that it downloads as single files. `Spec: packs 4.2`.
//!
//! The service compares an archive with its own index and keeps what is in it as a pack of the app; it never fetches, updates or
//! removes such a pack by itself. Nothing that is not signed comes beside what is.

use std::collections::BTreeSet;

use headstart_model::catalog::CatalogPack;
use headstart_model::protocol::packs::Trust as PackTrust;
use headstart_model::{AppId, ErrorKind, Failure};

use crate::ask;
use crate::class::Demand;
use crate::failures;
use crate::id::{DownloadId, PackKey};
use crate::live::Progress;
use crate::progress;
use crate::record::{Download, FileStage, LocalVersion, Outcome, Owed, Stage, SwitchItem};
use crate::transition::end::{self, Staged};
use crate::transition::{begin, catalog, files, place, switch, transfer};
use crate::work::Work;

/// How long is waited before a version is built again, in milliseconds.
const AGAIN_MS: u64 = 1_000;
/// How often a version is built before its download has failed.
const ATTEMPTS: u32 = 3;

/// Whether an app may bring packs by itself.
pub(crate) fn may_have(w: &Work<'_>, app: &AppId) -> Result<(), Failure> {
    if w.app(app).is_some_and(crate::record::App::is_managed) {
        return Err(failures::packs_managed(app));
    }
    check_alone(w, app)
}

/// Whether none of the packs that are here is signed.
pub(crate) fn check_alone(w: &Work<'_>, app: &AppId) -> Result<(), Failure> {
    let signed = |pack: &crate::record::Pack| pack.local.is_some_and(|it| it.trust.is_signed());
    match w.records().packs_of(app).find(|(_, pack)| signed(pack)) {
        Some((key, _)) => Err(failures::signed_packs(app, &key.pack)),
        None => Ok(()),
    }
}

/// An archive has arrived, and its version is in its place: it becomes readable at the next switch, and the download ends then.
pub(crate) fn arrived(w: &mut Work<'_>, id: DownloadId, bytes: u64, described: Box<CatalogPack>) {
    let Some(app) = w.file(id).map(|file| file.app.clone()) else { return };
    let key = PackKey::new(app, described.id.clone());
    if let Err(failure) = may_have(w, &key.app) {
        return files::conclude(w, id, Outcome::Failed(failure));
    }
    let version = LocalVersion::of(&described).vouched_by(PackTrust::TransportOnly);
    stay(w, &key);
    let pack = w.pack(&key);
    let leaving = pack.is_some_and(|pack| pack.leaving.is_some());
    let local = pack.and_then(|pack| pack.local).filter(|_| !leaving);
    if let Some(earlier) = pack.and_then(|pack| pack.download) {
        end::conclude_failed(w, earlier, &failures::cancelled(&key.pack), Staged::Keep);
    }
    if w.live().busy.contains_key(&key) || catalog::is_switching(w, &key) {
        // What is being cleared away there, or leaves just now, may be what was just built.
        w.set_file_stage(id, FileStage::Waiting);
        return place::place(w, id);
    }
    let total = described.download_size;
    if local.is_some_and(|local| local.is_same(&version)) {
        w.pack_mut(&key).unmanaged = Some(described);
        return files::conclude(w, id, Outcome::Finished { bytes });
    }
    let download = Download::new(key.clone(), (version, total), Demand::Asked, w.now.wall);
    let download = w.insert_download(Download { described: Some(described), ..download });
    progress::set(w, download, Progress { done: total, total, ..Progress::default() });
    w.set_file_stage(id, FileStage::Installing { pack: download, bytes });
    let retired = w
        .pack(&key)
        .is_some_and(|pack| pack.retired.iter().any(|retired| retired.version.is_same(&version)));
    if !retired {
        w.set_stage(download, Stage::Built);
        w.want_switch(&key.app);
    } else if !begin::revive(w, download) {
        // It is being removed at this moment: the end of that lets it go on.
        w.drop_download(download);
        w.set_file_stage(id, FileStage::Waiting);
        place::place(w, id);
    }
}

/// A pack that was to go is wanted again.
fn stay(w: &mut Work<'_>, key: &PackKey) {
    let leaving = w.pack(key).is_some_and(|pack| pack.leaving.is_some());
    if leaving && !catalog::is_switching(w, key) {
        w.set_leaving(key, None);
        switch::tell_removed(w, key);
    }
}

/// Has the download done again in a moment: the archive is here, and its version is built anew where it is lost.
fn again(w: &mut Work<'_>, id: DownloadId) {
    let at = w.now.wall.after_ms(AGAIN_MS);
    if let Some(file) = w.file_mut(id) {
        file.retry_at = Some(at);
    }
    w.set_file_stage(id, FileStage::Waiting);
    place::place(w, id);
}

/// A version may have been built that nobody wants: it goes.
pub(crate) fn unwanted(w: &mut Work<'_>, key: &PackKey) {
    // One that is being built just now is not to be cleared away with it; its own end comes by here.
    let built = |owed: &Owed| matches!(owed, Owed::FetchFile { app, pack: Some(pack), .. } if *app == key.app && *pack == key.pack);
    let idle = !w.live().busy.contains_key(key) && !w.records().owed.values().any(built);
    if idle && w.pack(key).is_none_or(|pack| pack.download.is_none()) {
        transfer::discard(w, key);
    }
}

/// The version of a download has become live: what is known of it is what its archive said of itself, if it came by one.
pub(crate) fn described(w: &mut Work<'_>, key: &PackKey, id: DownloadId) {
    let described = w.download_mut(id).and_then(|download| download.described.take());
    let target = w.download(id).map(|download| download.target);
    // Earlier programs wrote it down when the archive had arrived.
    let is_its_own = |known: &CatalogPack| {
        let version = LocalVersion::of(known).vouched_by(PackTrust::TransportOnly);
        target.is_some_and(|target| target == version)
    };
    let known = w.pack(key).and_then(|pack| pack.unmanaged.as_deref());
    if described.is_some() || known.is_some_and(|known| !is_its_own(known)) {
        w.pack_mut(key).unmanaged = described;
    }
}

/// Whether a single download may begin. Clearing its pack away, where that has failed, is left to the archive.
pub(crate) fn has_way(w: &mut Work<'_>, id: DownloadId) -> bool {
    let Some(file) = w.file(id) else { return true };
    if ask::is_held_back(w.state(), file) {
        return false;
    }
    let Some((pack, _)) = file.download.asset_pack() else { return true };
    let key = PackKey::new(file.app.clone(), pack);
    if w.pack(&key).is_none_or(|pack| pack.download.is_none())
        && let Some(parked) = w.live().busy.get(&key).copied()
    {
        w.end_order(parked);
    }
    true
}

/// A step of these packs has ended: archives that waited for it go on.
pub(crate) fn step_ended<'a>(w: &mut Work<'_>, packs: impl IntoIterator<Item = &'a PackKey>) {
    for key in packs {
        if let Some(archive) = awaiting(w, key) {
            place::place(w, archive);
        }
    }
}

/// The archive that waits to be fetched, or built, until nothing else is done with its pack.
pub(crate) fn awaiting(w: &Work<'_>, key: &PackKey) -> Option<DownloadId> {
    let id = w.live().files.find(&key.app, key.pack.as_str())?;
    let file = w.file(id)?;
    (file.stage == FileStage::Waiting && file.download.asset_pack().is_some()).then_some(id)
}

/// The download of a pack has ended; so does that of its archive, if it came by one.
pub(crate) fn concluded(
    w: &mut Work<'_>,
    key: &PackKey,
    ended: DownloadId,
    result: Result<(), Failure>,
) {
    let Some(id) = w.live().files.find(&key.app, key.pack.as_str()) else { return };
    let Some(FileStage::Installing { pack, bytes }) = w.file(id).map(|file| file.stage.clone())
    else {
        return;
    };
    if pack != ended || w.app(&key.app).is_none_or(crate::record::App::is_leaving) {
        return;
    }
    let failure = match result {
        Ok(()) => return files::conclude(w, id, Outcome::Finished { bytes }),
        Err(failure) => failure,
    };
    let attempts = w.file(id).map_or(ATTEMPTS, |file| file.attempts.saturating_add(1));
    // Nobody wants it, or it may not be here: building it again changes nothing.
    let settled = matches!(failure.kind, ErrorKind::Cancelled | ErrorKind::Conflict);
    if settled || attempts >= ATTEMPTS {
        return files::conclude(w, id, Outcome::Failed(failure));
    }
    if let Some(file) = w.file_mut(id) {
        file.attempts = attempts;
        file.failure = Some(failure);
    }
    again(w, id);
}

/// The archive of a pack is cancelled while its pack waits to become readable: so is that. One that is just becoming readable is not
/// cancelled any more; false then.
pub(crate) fn cancel(w: &mut Work<'_>, id: DownloadId) -> bool {
    let Some(FileStage::Installing { pack, .. }) = w.file(id).map(|file| file.stage.clone()) else {
        return true;
    };
    let Some(download) = w.download(pack) else { return true };
    if download.stage != Stage::Built {
        return false;
    }
    let failure = failures::cancelled(&download.key.pack);
    end::conclude_failed(w, pack, &failure, Staged::Discard);
    true
}

/// Whether something signed is readable, or becomes so with `built`.
fn is_signed_beside(w: &Work<'_>, app: &AppId, built: &BTreeSet<DownloadId>) -> bool {
    let signed = |id: &DownloadId| w.download(*id).is_some_and(|it| it.target.trust.is_signed());
    check_alone(w, app).is_err() || built.iter().any(signed)
}

/// Of what is complete and is to become readable, what is not signed ends here if something signed is readable or becomes so: it never comes
/// beside it.
pub(crate) fn turn_away(w: &mut Work<'_>, app: &AppId, built: &mut BTreeSet<DownloadId>) {
    if !is_signed_beside(w, app, built) {
        return;
    }
    let unsigned = |w: &Work<'_>, id: DownloadId| {
        let download = w.download(id).filter(|download| !download.target.trust.is_signed())?;
        Some(download.key.pack.clone())
    };
    for id in built.clone() {
        if let Some(pack) = unsigned(w, id) {
            built.remove(&id);
            end::conclude_failed(w, id, &failures::signed_packs(app, &pack), Staged::Discard);
        }
    }
}

/// What is not signed leaves in the step in which something signed becomes readable, or in the next where it was vouched for: it never
/// shadows it.
pub(crate) fn giving_way(
    w: &Work<'_>,
    app: &AppId,
    (built, items): (&BTreeSet<DownloadId>, &[SwitchItem]),
) -> Vec<SwitchItem> {
    if !is_signed_beside(w, app, built) {
        return Vec::new();
    }
    let unsigned = w.records().packs_of(app).filter(|(key, pack)| {
        pack.local.is_some_and(|local| !local.trust.is_signed())
            && items.iter().all(|item| item.pack != key.pack)
    });
    unsigned.map(|(key, _)| SwitchItem { pack: key.pack.clone(), to: None }).collect()
}
