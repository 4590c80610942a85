//! From the record of an owed effect to the order that the performer gets.

use headstart_model::download::UrlDownload;
use headstart_model::{AppId, PackId};

use crate::allowance;
use crate::effect::{ArchivedOffer, Delivery, FileTransfer, Order, Supply};
use crate::id::{DownloadId, EffectId, PackKey};
use crate::record::{
    App, FileDownload, FileStage, KeepData, LocalVersion, Owed, Pack, Phase, Source,
};
use crate::state::State;
use crate::transition::groups;

/// Other packs that a performer is told of. `Ours:` each is opened to be compared, and the largest are the likeliest.
const BESIDE_MAX: usize = 8;

/// The order of an effect; none when nothing is left to do but to end it: its download no longer waits for it.
pub(crate) fn of(state: &State, id: EffectId, owed: &Owed) -> Option<Order> {
    match owed {
        Owed::PrepareApp { app } => {
            let record = state.records.app(app)?;
            let installation = record.installation()?;
            let bundle = installation.incoming.as_deref().unwrap_or(&record.bundle).clone();
            Some(Order::PrepareApp { app: app.clone(), bundle })
        }
        Owed::FetchCatalog { app } => {
            let record = state
                .records
                .app(app)
                .filter(|record| record.check == Some(id) && !record.is_leaving())?;
            let access = record.access();
            match record.source() {
                Source::Repository(_) => Some(Order::FetchCatalog {
                    app: app.clone(),
                    repository: record.repository()?,
                    channel: record.bundle.channel.clone(),
                    access,
                    held: record.release,
                }),
                Source::DownloadManifest(url) => {
                    let known = known_archives(state, app);
                    let held = held_manifest(state, app, record);
                    Some(Order::ReadManifest {
                        app: app.clone(),
                        url: url.to_owned(),
                        access,
                        known,
                        held,
                    })
                }
                Source::Manifest(_) | Source::None => None,
            }
        }
        Owed::Plan { key, download } => delivery(state, id, key, *download).map(Order::Plan),
        Owed::Transfer { key, download } => {
            delivery(state, id, key, *download).map(Order::Transfer)
        }
        Owed::Switch { app, items } => {
            Some(Order::Switch { app: app.clone(), items: items.clone() })
        }
        Owed::RemoveVersion { key, version } => Some(Order::RemoveVersion {
            app: key.app.clone(),
            pack: key.pack.clone(),
            version: *version,
        }),
        Owed::Discard { key } => {
            Some(Order::Discard { app: key.app.clone(), pack: key.pack.clone() })
        }
        Owed::FetchFile { download, .. } => file_transfer(state, id, *download),
        Owed::DiscardFile { app, download, group } => {
            Some(Order::DiscardFile { app: app.clone(), download: *download, group: group.clone() })
        }
        Owed::RemoveAppData { app, data } => {
            let kept = state.records.packs_of(app).filter_map(|(key, pack)| {
                pack.local.filter(|_| *data == KeepData::Keep).map(|v| (key.pack.clone(), v))
            });
            let groups = groups::left_behind(state, app, *data);
            Some(Order::RemoveAppData { app: app.clone(), keep: kept.collect(), groups })
        }
    }
}

/// What the archives of an app said of themselves when they were last looked at.
fn known_archives(state: &State, app: &AppId) -> Vec<ArchivedOffer> {
    let packs = state.records.packs_of(app).filter(|(_, pack)| !is_to_look_at(state, pack));
    let offers = packs.filter_map(|(_, pack)| {
        let (newest, archive) = match &pack.offer {
            Some(offer) => (offer, &pack.archive),
            None => (pack.withheld.as_deref()?, &pack.withheld_archive),
        };
        Some(ArchivedOffer { pack: newest.clone(), archive: archive.clone()? })
    });
    offers.collect()
}

/// Whether an archive is looked at anew: one that could not be, or from which a download has failed, for there may be another one
/// in its place.
fn is_to_look_at(state: &State, pack: &Pack) -> bool {
    let download = pack.download.and_then(|id| state.records.download(id));
    pack.unreadable.is_some()
        || pack.suspect
        || download.is_some_and(|download| download.failure.is_some())
}

/// The manifest that is held, unless it is to be read again whatever it says: there are archives to look at, or another version of
/// the app chooses anew.
fn held_manifest(state: &State, app: &AppId, record: &App) -> Option<String> {
    record.release?;
    let complete = !state.records.packs_of(app).any(|(_, pack)| is_to_look_at(state, pack));
    record.manifest_tag.clone().filter(|_| complete)
}

/// Where a pack that is offered is fetched from.
fn supply_of(app: &App, pack: &Pack) -> Option<Supply> {
    match (app.source(), &pack.archive) {
        (Source::DownloadManifest(_), Some(archive)) => Some(Supply::Archive(archive.clone())),
        (Source::Repository(_), None) => app.repository().map(Supply::Repository),
        _ => None,
    }
}

fn file_transfer(state: &State, id: EffectId, download: DownloadId) -> Option<Order> {
    let file = state.records.file(download)?;
    if file.stage != FileStage::Transferring(id) {
        return None;
    }
    let app = state.records.app(&file.app).filter(|app| !app.is_leaving())?;
    let pack = file.download.asset_pack().map(|(id, _)| PackKey::new(file.app.clone(), id));
    let local = pack.and_then(|key| state.records.pack(&key)?.local);
    Some(Order::FetchFile(Box::new(FileTransfer {
        download,
        app: file.app.clone(),
        request: request_of(app, file),
        file_name: file.file_name(),
        trust: app.bundle.trust,
        limit: allowance::limit_of(app, file),
        restrictions: app.restrictions().cloned(),
        class: state.live.class_of(download, file.class()),
        local,
    })))
}

/// What is asked for. A manifest is the service's own request: it is made with the headers that its server wants, the others with those
/// that they were scheduled with.
fn request_of(app: &App, file: &FileDownload) -> UrlDownload {
    let mut request = file.download.clone();
    if file.is_manifest() {
        request.headers = app.server_headers.of(&request.url).into_map();
    }
    request
}

fn delivery(state: &State, id: EffectId, key: &PackKey, download: DownloadId) -> Option<Delivery> {
    let record = state.records.download(download).filter(|d| d.is_in(id))?;
    let pack = state.records.pack(key)?;
    let offer = pack.offer.as_ref().filter(|offer| record.target.is(offer))?;
    let app = state.records.app(&key.app).filter(|a| !matches!(a.phase, Phase::Removing(_)))?;
    Some(Delivery {
        download,
        app: key.app.clone(),
        supply: supply_of(app, pack)?,
        access: app.access(),
        target: Box::new(offer.clone()),
        local: pack.local,
        beside: beside(state, key),
        class: state.live.class_of(download, record.demand.class()),
    })
}

/// The local versions of the other packs of an app, the largest first. Costs one pass over the packs of the app.
fn beside(state: &State, key: &PackKey) -> Vec<(PackId, LocalVersion)> {
    let others = state.records.packs_of(&key.app).filter(|(other, _)| *other != key);
    let local = others.filter_map(|(other, pack)| Some((other.pack.clone(), pack.local?)));
    let mut local: Vec<_> = local.collect();
    // Stable: equal ones stay in the order of their ids.
    local.sort_by_key(|(_, version)| std::cmp::Reverse(version.installed_bytes));
    local.truncate(BESIDE_MAX);
    local
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Records;
    use crate::testing::{DEVICE, app_id, offer, prefetch};

    #[test]
    fn the_largest_local_packs_of_the_same_app_are_named_and_not_the_pack_itself() {
        let mut records = Records::default();
        let mut put = |app: &str, number: u64, bytes: Option<u64>| {
            let id = format!("pack-{number:02}");
            let version = LocalVersion::of(&offer(&id, number, prefetch()));
            let local = bytes.map(|installed_bytes| LocalVersion { installed_bytes, ..version });
            let key = PackKey::new(app_id(app), PackId::new(id).expect("a good id"));
            records.packs.insert(key.clone(), Pack { local, ..Pack::default() });
            key
        };
        let wanted = put("game", 0, Some(1_000));
        for number in 1..=12 {
            put("game", number, Some(number * 10));
        }
        put("game", 13, None);
        put("other", 14, Some(9_000));
        let beside = beside(&State::of(records, DEVICE), &wanted);
        let sizes: Vec<_> = beside.iter().map(|(_, local)| local.installed_bytes).collect();
        assert_eq!(sizes, [120, 110, 100, 90, 80, 70, 60, 50]);
    }
}
