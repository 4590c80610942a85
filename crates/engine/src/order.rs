//! From the record of an owed effect to the order that the performer gets.

use crate::effect::{Delivery, Order};
use crate::id::{DownloadId, EffectId, PackKey};
use crate::record::{KeepData, Owed, Phase};
use crate::state::State;

/// The order of an effect; none when nothing is left to do but to end it: its download no longer waits for it.
pub(crate) fn of(state: &State, id: EffectId, owed: &Owed) -> Option<Order> {
    match owed {
        Owed::PrepareApp { app } => {
            let record = state.records.app(app)?;
            let installation = record.installation()?;
            let bundle = installation.incoming.as_ref().unwrap_or(&record.bundle).clone();
            Some(Order::PrepareApp { app: app.clone(), bundle })
        }
        Owed::FetchCatalog { app } => {
            let record = state
                .records
                .app(app)
                .filter(|record| record.check == Some(id) && !record.is_leaving())?;
            Some(Order::FetchCatalog {
                app: app.clone(),
                repository: record.bundle.repository.clone()?,
                channel: record.bundle.channel.clone(),
                trust: record.bundle.trust,
                held: record.release,
            })
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
        Owed::RemoveAppData { app, data } => {
            let kept = state.records.packs_of(app).filter_map(|(key, pack)| {
                pack.local.filter(|_| *data == KeepData::Keep).map(|v| (key.pack.clone(), v))
            });
            Some(Order::RemoveAppData { app: app.clone(), keep: kept.collect() })
        }
    }
}

fn delivery(state: &State, id: EffectId, key: &PackKey, download: DownloadId) -> Option<Delivery> {
    let record = state.records.download(download).filter(|d| d.is_in(id))?;
    let pack = state.records.pack(key)?;
    let offer = pack.offer.as_ref().filter(|offer| record.target.is(offer))?;
    let app = state.records.app(&key.app).filter(|a| !matches!(a.phase, Phase::Removing(_)))?;
    Some(Delivery {
        download,
        app: key.app.clone(),
        repository: app.bundle.repository.clone()?,
        trust: app.bundle.trust,
        target: Box::new(offer.clone()),
        local: pack.local,
        class: state.live.class_of(download, record.demand.class()),
    })
}
