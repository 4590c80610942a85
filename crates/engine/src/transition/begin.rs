//! The start of a download, and its turn to another version.

use headstart_model::AppId;

use crate::class::Demand;
use crate::id::{DownloadId, EffectId, PackKey};
use crate::live::Progress;
use crate::progress;
use crate::record::{Download, LocalVersion, Stage};
use crate::transition::{place, pump, removal};
use crate::work::Work;

/// Downloads the offered version of a pack: joins the download that there is, or begins one. None when nothing is offered.
pub(crate) fn begin(w: &mut Work<'_>, key: &PackKey, demand: Demand) -> Option<DownloadId> {
    let pack = w.pack(key)?;
    let (offer, target) = (pack.offer.as_ref()?, pack.offered()?);
    if let Some(id) = pack.download {
        join(w, id, demand);
        retarget(w, id);
        return Some(id);
    }
    let total = offer.download_size;
    let download = Download::new(key.clone(), (target, total), demand, w.now.wall);
    let first = pack.local.is_some() && !w.is_updating(&key.app);
    let id = w.insert_download(download);
    let pack = w.pack_mut(key);
    (pack.declined, pack.cancelled_at) = (None, None);
    if pack.unreadable.is_none() {
        pack.owed = None;
    }
    progress::set(w, id, Progress { total, ..Progress::default() });
    if !revive(w, id) {
        place::place(w, id);
    }
    if first && demand != Demand::Essential {
        others(w, &key.app);
    }
    Some(id)
}

/// Begins the updates of all local packs of an app: those of a release become live together, so that none is left behind.
pub(crate) fn others(w: &mut Work<'_>, app: &AppId) {
    let behind: Vec<PackKey> = w
        .records()
        .packs_of(app)
        .filter(|(_, pack)| pack.download.is_none() && pack.joint_update().is_some())
        .map(|(key, _)| key.clone())
        .collect();
    for key in behind {
        begin(w, &key, Demand::Update);
    }
}

/// Adds a reason to a download. One that somebody asked for adds nothing: it lasts only as long as they wait, while the
/// others last until the pack is there.
fn join(w: &mut Work<'_>, id: DownloadId, demand: Demand) {
    let Some(present) = w.download(id).map(|download| download.demand) else { return };
    let joined = match (present, demand) {
        (present, Demand::Asked) => present,
        (Demand::Asked, demand) => demand,
        (present, demand) => present.min(demand),
    };
    if joined == present {
        return;
    }
    progress::leave_tally(w, id);
    w.set_demand(id, joined);
    progress::join_tally(w, id);
    if joined == Demand::Essential
        && let Some(download) = w.download_mut(id)
    {
        download.attempts = 0;
        download.retry_at = None;
    }
    place::reclass(w, id);
}

/// Turns a download to the version that is offered now. One that is built already goes on, and its update follows it; but
/// not where it waits to become live together with others, which turn as well.
pub(crate) fn retarget(w: &mut Work<'_>, id: DownloadId) {
    let Some(download) = w.download(id) else { return };
    let Some(pack) = w.pack(&download.key) else { return };
    let Some(offer) = pack.offer.as_ref() else { return };
    if download.target.is(offer) {
        // The very content that is on its way; only who vouches for it may be another.
        let target = download.target.vouched_by(pack.offer_trust());
        if target != download.target
            && let Some(download) = w.download_mut(id)
        {
            download.target = target;
        }
        return;
    }
    let built = download.stage == Stage::Built && pack.local.is_some();
    if !download.is_open() && !built {
        return;
    }
    let given_up = built.then(|| (download.key.clone(), download.target));
    let target = LocalVersion::of(offer).vouched_by(pack.offer_trust());
    let download_bytes = offer.download_size;
    let need = download.plan.map(|plan| plan.disk_bytes);
    w.live_mut().unplace(id, need);
    if let Some((order, _)) = w.live().order_of(id) {
        // The order outlives the stage that waited for it; the download is placed again when it has ended.
        pump::stop(w, order);
    }
    w.set_stage(id, Stage::Waiting);
    if let Some(download) = w.download_mut(id) {
        download.target = target;
        download.download_bytes = download_bytes;
        download.plan = None;
        download.attempts = 0;
        download.retry_at = None;
        download.failure = None;
    }
    progress::set(w, id, Progress { total: download_bytes, ..Progress::default() });
    if let Some((key, version)) = given_up {
        removal::retire(w, &key, version);
    }
    if !revive(w, id) {
        place::place(w, id);
    }
}

/// Takes a version back that is retired but not removed, because somebody still reads it. Nothing has to be fetched then.
/// A removal that is running cannot be taken back: the download waits for its end.
pub(crate) fn revive(w: &mut Work<'_>, id: DownloadId) -> bool {
    let Some(download) = w.download(id).filter(|download| download.stage == Stage::Waiting) else {
        return false;
    };
    let key = download.key.clone();
    let Some(removal) = parked_removal(w, &key, id) else { return false };
    w.end_order(removal);
    w.pack_mut(&key).retired.retain(|retired| retired.removal != removal);
    w.set_stage(id, Stage::Built);
    w.want_switch(&key.app);
    true
}

fn parked_removal(w: &Work<'_>, key: &PackKey, id: DownloadId) -> Option<EffectId> {
    let (pack, download) = (w.pack(key)?, w.download(id)?);
    if w.live().busy.contains_key(key) {
        return None;
    }
    let same = pack.retired.iter().find(|retired| retired.version.is_same(&download.target))?;
    w.live().parked.contains(&same.removal).then_some(same.removal)
}
