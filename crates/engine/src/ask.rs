//! What the decision whether bytes move is asked about a download.

use headstart_model::AppId;

use crate::admit::{Ask, Others};
use crate::class::{Class, Demand};
use crate::id::{DownloadId, EffectId, PackKey};
use crate::reason::{Fact, Reason};
use crate::record::{App, Download, FileDownload, FileStage, Owed, Stage, Switch};
use crate::state::State;

/// The question for a download of any kind, with every reason of its own. None when there is no such download.
pub(crate) fn of_download(state: &State, id: DownloadId) -> Option<Ask> {
    let Some(download) = state.records.download(id) else { return of_file(state, id) };
    let class = state.live.class_of(id, download.demand.class());
    let mut own = own_reasons(state, download);
    own.extend(background_reason(state, &download.key.app, class));
    if download.paused {
        own.push(Reason::new(Fact::Paused));
    }
    if download.demand == Demand::Essential {
        own.extend(pause_of_installation(state, &download.key.app));
    }
    Some(Ask {
        class,
        own,
        disk_bytes: download.plan.map(|plan| plan.disk_bytes),
        others: Some(others(state, id)),
    })
}

fn of_file(state: &State, id: DownloadId) -> Option<Ask> {
    let file = state.records.file(id)?;
    let class = state.live.class_of(id, file.class());
    let backing_off = file.retry_at.zip(file.failure.clone()).map(|(until, failure)| {
        Reason::new(Fact::BackingOff { attempts: file.attempts, failure }).until(until)
    });
    let winding_down = file.stage == FileStage::Waiting && is_held_back(state, file);
    let winding_down = winding_down.then(|| Reason::new(Fact::WindingDown));
    let mut own: Vec<Reason> = backing_off.into_iter().chain(winding_down).collect();
    if file.paused {
        own.push(Reason::new(Fact::Paused));
    }
    if file.blocks_launch() {
        own.extend(pause_of_installation(state, &file.app));
    }
    // What its repository says holds the app back as a whole.
    own.extend(distrust(state, &file.app).filter(|_| class.is_background()));
    // A manifest is small, and the extension that it is for has switches of its own.
    if !file.is_manifest() {
        own.extend(background_reason(state, &file.app, class));
    }
    let disk_bytes = state.live.need_of_file(id, file);
    Some(Ask { class, own, disk_bytes, others: Some(others(state, id)) })
}

/// The app that a download of any kind belongs to.
pub(crate) fn app_of(state: &State, id: DownloadId) -> Option<AppId> {
    let pack = state.records.download(id).map(|download| &download.key.app);
    pack.or_else(|| state.records.file(id).map(|file| &file.app)).cloned()
}

/// Why nothing moves for an app that nobody waits for. `Spec: concepts 9`.
pub(crate) fn background_reason(state: &State, app: &AppId, class: Class) -> Option<Reason> {
    if !class.is_background() {
        return None;
    }
    let settings = &state.records.settings;
    let new = state.records.app(app).is_some_and(|app| app.first_launch.is_none());
    if new && settings.in_app_content == Switch::Off {
        return Some(Reason::new(Fact::InAppContentOff));
    }
    if settings.is_background_off(app) {
        return Some(Reason::new(Fact::BackgroundOff));
    }
    let facts = &state.live.facts;
    facts.is_low_power().then(|| Reason::new(Fact::LowPower).since(facts.power.since))
}

fn pause_of_installation(state: &State, app: &AppId) -> Option<Reason> {
    let paused = state.records.app(app).is_some_and(App::is_paused);
    paused.then(|| Reason::new(Fact::InstallationPaused))
}

/// The question for a check: it needs no place among the transfers and next to no disk.
pub(crate) fn of_check(class: Class) -> Ask {
    Ask { class, own: Vec::new(), disk_bytes: None, others: None }
}

fn own_reasons(state: &State, download: &Download) -> Vec<Reason> {
    let backing_off = download.retry_at.zip(download.failure.clone()).map(|(until, failure)| {
        Reason::new(Fact::BackingOff { attempts: download.attempts, failure }).until(until)
    });
    let winding_down = is_winding_down(state, download).then(|| Reason::new(Fact::WindingDown));
    let distrusted = distrust(state, &download.key.app);
    [backing_off, winding_down, distrusted].into_iter().flatten().collect()
}

/// The reason that holds everything of an app whose repository's metadata does not hold.
pub(crate) fn distrust(state: &State, app: &AppId) -> Option<Reason> {
    let failed = state.records.app(app)?.distrust()?;
    let fact = Fact::Distrusted { failure: failed.failure.clone() };
    Some(Reason::new(fact).since(failed.since))
}

/// Whether something else still works on the pack's staging folder, or the very version is just being removed.
pub(crate) fn is_winding_down(state: &State, download: &Download) -> bool {
    let Some(pack) = state.records.pack(&download.key) else { return false };
    let busy = state.live.busy.contains_key(&download.key);
    let removed = pack.retired.iter().any(|retired| retired.version.is_same(&download.target));
    (busy || removed) && download.stage == Stage::Waiting
}

/// Whether an archive waits: while its version is removed, or what is left of its pack cleared away, for it might be taken for that, and
/// while a step of the pack is made, for that may take away what the archive brings. Removing and clearing away that have
/// failed and are to be tried later are not waited for: what they left is built upon.
pub(crate) fn is_held_back(state: &State, file: &FileDownload) -> bool {
    let Some((pack, version)) = file.download.asset_pack() else { return false };
    let key = PackKey::new(file.app.clone(), pack);
    let record = state.records.pack(&key);
    let runs = |order: &EffectId| !state.live.parked.contains(order);
    let mut retired = record.into_iter().flat_map(|pack| &pack.retired);
    let removed = retired.any(|it| it.version.version == version && runs(&it.removal));
    // A download of the pack gives way when the archive is here.
    let busy = state.live.busy.get(&key).is_some_and(runs)
        && record.is_none_or(|pack| pack.download.is_none());
    removed || busy || is_switching(state, &key)
}

/// Whether the switch that is running changes this pack.
pub(crate) fn is_switching(state: &State, key: &PackKey) -> bool {
    let order = state.records.app(&key.app).and_then(|record| record.switch);
    match order.and_then(|order| state.records.owed.get(&order)) {
        Some(Owed::Switch { items, .. }) => items.iter().any(|item| item.pack == key.pack),
        _ => false,
    }
}

fn others(state: &State, id: DownloadId) -> Others {
    let running = state.live.active.values().filter(|active| active.download != id).count();
    Others {
        running: count(running),
        essential: count(state.live.essential_demand()),
        disk_bytes: disk_taken(state, Some(id)),
    }
}

fn count(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX)
}

/// Bytes that the running transfers, without `except`, will still take on disk.
pub(crate) fn disk_taken(state: &State, except: Option<DownloadId>) -> u64 {
    let running = state.live.active.values().map(|active| active.download);
    let needs = running.filter(|id| Some(*id) != except).filter_map(|id| {
        let progress = state.live.progress.get(&id).copied().unwrap_or_default();
        if let Some(file) = state.records.file(id) {
            return state.live.need_of_file(id, file);
        }
        let plan = state.records.download(id)?.plan?;
        let written = progress.began.map_or(0, |(_, bytes)| progress.done.saturating_sub(bytes));
        Some(plan.disk_bytes.saturating_sub(written))
    });
    needs.fold(0, u64::saturating_add)
}
