//! One event's work: the only way to change records, so that every change leaves as a row and every index follows.

mod questions;

use std::collections::BTreeSet;

use headstart_model::{AppGroupId, AppId, Failure};

use crate::class::{Class, Demand};
use crate::effect::{Effect, Effects, FileUpdate, Notice, PackUpdate, Reply};
use crate::id::{DownloadId, EffectId, PackKey, RequestId};
use crate::live::{Live, Subject, index_add, index_remove};
use crate::order;
use crate::record::{
    App, Download, FileDownload, FileStage, Freshness, KeptGroup, Leaving, LocalVersion, Owed,
    Pack, Records, RowKey, Settings, Stage, encode,
};
use crate::state::{Device, State};
use crate::time::Now;

/// The state, the time, and what the event has brought about so far.
pub(crate) struct Work<'a> {
    state: &'a mut State,
    pub(crate) now: Now,
    touched: BTreeSet<RowKey>,
    effects: Vec<Effect>,
    switchable: BTreeSet<AppId>,
    askable: BTreeSet<AppId>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(state: &'a mut State, now: Now) -> Self {
        Self {
            state,
            now,
            touched: BTreeSet::new(),
            effects: Vec::new(),
            switchable: BTreeSet::new(),
            askable: BTreeSet::new(),
        }
    }

    /// Ends the event: packs of which nothing is left go, and what was touched becomes rows.
    pub(crate) fn finish(mut self) -> Effects {
        self.set_timer();
        for key in &self.touched {
            if let RowKey::Pack(key) = key
                && self.state.records.packs.get(key).is_some_and(Pack::is_empty)
            {
                self.state.records.packs.remove(key);
                index_remove(&mut self.state.live.leaving, &key.app, &key.pack);
            }
        }
        let changes = self.touched.iter().map(|key| encode(&self.state.records, key)).collect();
        Effects { changes, effects: self.effects }
    }

    fn set_timer(&mut self) {
        let first = self.live().timers.first();
        if let Some(at) = first.filter(|_| first != self.live().timer_told) {
            self.live_mut().timer_told = first;
            self.effects.push(Effect::SetTimer { at });
        }
    }

    pub(crate) fn records(&self) -> &Records {
        &self.state.records
    }

    pub(crate) fn live(&self) -> &Live {
        &self.state.live
    }

    pub(crate) fn live_mut(&mut self) -> &mut Live {
        &mut self.state.live
    }

    pub(crate) fn device(&self) -> Device {
        self.state.device
    }

    pub(crate) fn state(&self) -> &State {
        self.state
    }

    pub(crate) fn app(&self, id: &AppId) -> Option<&App> {
        self.state.records.apps.get(id)
    }

    pub(crate) fn app_mut(&mut self, id: &AppId) -> Option<&mut App> {
        let app = self.state.records.apps.get_mut(id)?;
        self.touched.insert(RowKey::App(id.clone()));
        Some(app)
    }

    pub(crate) fn insert_app(&mut self, id: AppId, app: App) {
        self.touched.insert(RowKey::App(id.clone()));
        self.state.records.apps.insert(id, app);
    }

    pub(crate) fn drop_app(&mut self, id: &AppId) {
        self.touched.insert(RowKey::App(id.clone()));
        self.state.records.apps.remove(id);
        self.state.live.forget_app(id);
    }

    pub(crate) fn pack(&self, key: &PackKey) -> Option<&Pack> {
        self.state.records.packs.get(key)
    }

    /// The record of a pack, made if there is none; an empty one goes at the end of the event.
    pub(crate) fn pack_mut(&mut self, key: &PackKey) -> &mut Pack {
        self.touched.insert(RowKey::Pack(key.clone()));
        self.state.records.packs.entry(key.clone()).or_default()
    }

    pub(crate) fn set_leaving(&mut self, key: &PackKey, leaving: Option<Leaving>) {
        self.pack_mut(key).leaving = leaving;
        let index = &mut self.state.live.leaving;
        match leaving {
            Some(_) => index_add(index, &key.app, key.pack.clone()),
            None => index_remove(index, &key.app, &key.pack),
        }
        self.index_update(key);
    }

    /// Says which version of a pack apps read.
    pub(crate) fn set_local(
        &mut self,
        key: &PackKey,
        to: Option<LocalVersion>,
    ) -> Option<LocalVersion> {
        let before = std::mem::replace(&mut self.pack_mut(key).local, to);
        self.index_update(key);
        before
    }

    /// Enters the download of a pack among those that become live together, or takes it out. With the last of them the others
    /// go on.
    fn index_update(&mut self, key: &PackKey) {
        let records = &self.state.records;
        let Some(pack) = records.packs.get(key) else { return };
        let Some(id) = pack.download else { return };
        let belongs = records.downloads.get(&id).is_some_and(|d| d.is_joint_update(pack));
        let index = &mut self.state.live.updating;
        if belongs {
            index_add(index, &key.app, id);
        } else if index.contains_key(&key.app) {
            index_remove(index, &key.app, &id);
            self.want_switch(&key.app);
        }
    }

    pub(crate) fn set_asked(&mut self, key: &PackKey, asked: Option<Freshness>) {
        self.pack_mut(key).asked = asked;
        let index = &mut self.state.live.asked;
        match asked {
            Some(_) => index_add(index, &key.app, key.pack.clone()),
            None => index_remove(index, &key.app, &key.pack),
        }
    }

    pub(crate) fn download(&self, id: DownloadId) -> Option<&Download> {
        self.state.records.downloads.get(&id)
    }

    /// The record of a download; its demand and stage are changed by [`Self::set_demand`] and [`Self::set_stage`] only.
    pub(crate) fn download_mut(&mut self, id: DownloadId) -> Option<&mut Download> {
        let download = self.state.records.downloads.get_mut(&id)?;
        self.touched.insert(RowKey::Download(id));
        Some(download)
    }

    pub(crate) fn insert_download(&mut self, download: Download) -> DownloadId {
        let counters = &mut self.state.records.counters;
        let id = DownloadId(counters.next_download);
        counters.next_download += 1;
        self.touched.insert(RowKey::Counters);
        self.touched.insert(RowKey::Download(id));
        self.pack_mut(&download.key).download = Some(id);
        index_add(&mut self.state.live.downloads, &download.key.app, id);
        if download.demand == Demand::Essential {
            index_add(&mut self.state.live.essential, &download.key.app, id);
        }
        let key = download.key.clone();
        self.state.records.downloads.insert(id, download);
        self.index_update(&key);
        id
    }

    /// The record of a single download.
    pub(crate) fn file(&self, id: DownloadId) -> Option<&FileDownload> {
        self.state.records.files.get(&id)
    }

    /// The record of a single download; its stage is changed by [`Self::set_file_stage`] only.
    pub(crate) fn file_mut(&mut self, id: DownloadId) -> Option<&mut FileDownload> {
        let file = self.state.records.files.get_mut(&id)?;
        self.touched.insert(RowKey::File(id));
        Some(file)
    }

    pub(crate) fn insert_file(&mut self, file: FileDownload) -> DownloadId {
        let counters = &mut self.state.records.counters;
        let id = DownloadId(counters.next_download);
        counters.next_download += 1;
        self.touched.insert(RowKey::Counters);
        self.touched.insert(RowKey::File(id));
        if file.blocks_launch() {
            index_add(&mut self.state.live.essential, &file.app, id);
        }
        self.state.live.files.enter(id, &file);
        self.state.records.files.insert(id, file);
        id
    }

    pub(crate) fn set_file_stage(&mut self, id: DownloadId, stage: FileStage) {
        let Some(file) = self.file_mut(id) else { return };
        file.stage = stage;
        let file = &self.state.records.files[&id];
        let live = &mut self.state.live;
        live.files.enter(id, file);
        if !file.blocks_launch() {
            index_remove(&mut live.essential, &file.app, &id);
        }
        if file.outcome().is_some() {
            let need = live.need_of_file(id, file);
            live.unplace(id, need);
        }
    }

    pub(crate) fn drop_file(&mut self, id: DownloadId) -> Option<FileDownload> {
        let file = self.state.records.files.remove(&id)?;
        self.touched.insert(RowKey::File(id));
        let live = &mut self.state.live;
        let need = live.need_of_file(id, &file);
        live.unplace(id, need);
        live.progress.remove(&id);
        live.files.leave(id, &file);
        index_remove(&mut live.essential, &file.app, &id);
        Some(file)
    }

    /// What the person at the device has decided, to be changed.
    /// Says whose the container of a group is when no bundle does.
    pub(crate) fn set_kept_group(&mut self, group: &AppGroupId, kept: Option<KeptGroup>) {
        self.touched.insert(RowKey::Groups);
        let groups = &mut self.state.records.kept_groups;
        match kept {
            Some(kept) => drop(groups.insert(group.clone(), kept)),
            None => drop(groups.remove(group)),
        }
    }

    pub(crate) fn settings_mut(&mut self) -> &mut Settings {
        self.touched.insert(RowKey::Settings);
        &mut self.state.records.settings
    }

    /// Looks at the end of the event whether `app` or its extension is to be asked something.
    pub(crate) fn want_ask(&mut self, app: &AppId) {
        self.askable.insert(app.clone());
    }

    /// The next app of those.
    pub(crate) fn next_ask(&mut self) -> Option<AppId> {
        self.askable.pop_first()
    }

    pub(crate) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Removes the record of a download that has concluded.
    pub(crate) fn drop_download(&mut self, id: DownloadId) -> Option<Download> {
        let download = self.state.records.downloads.remove(&id)?;
        self.touched.insert(RowKey::Download(id));
        self.pack_mut(&download.key).download = None;
        let live = &mut self.state.live;
        live.unplace(id, download.plan.map(|plan| plan.disk_bytes));
        live.progress.remove(&id);
        live.files.leave_foreground(id);
        for index in [&mut live.downloads, &mut live.essential, &mut live.built, &mut live.updating]
        {
            index_remove(index, &download.key.app, &id);
        }
        self.want_switch(&download.key.app);
        Some(download)
    }

    pub(crate) fn set_demand(&mut self, id: DownloadId, demand: Demand) {
        let Some(download) = self.download_mut(id) else { return };
        download.demand = demand;
        let key = download.key.clone();
        let index = &mut self.state.live.essential;
        match demand {
            Demand::Essential => index_add(index, &key.app, id),
            _ => index_remove(index, &key.app, &id),
        }
        self.index_update(&key);
    }

    /// Whether updates of local packs are on their way, or complete and not live yet.
    pub(crate) fn is_updating(&self, app: &AppId) -> bool {
        let live = self.live();
        let waits = |id: &DownloadId| {
            let key = self.download(*id).map(|download| &download.key);
            key.and_then(|key| self.pack(key)).is_some_and(|pack| pack.local.is_some())
        };
        live.updating.contains_key(app)
            || live.built.get(app).is_some_and(|built| built.iter().any(waits))
    }

    pub(crate) fn set_stage(&mut self, id: DownloadId, stage: Stage) {
        let Some(download) = self.download_mut(id) else { return };
        download.stage = stage;
        let key = download.key.clone();
        let index = &mut self.state.live.built;
        match stage {
            Stage::Built => index_add(index, &key.app, id),
            _ => index_remove(index, &key.app, &id),
        }
        self.index_update(&key);
    }

    /// The present class of a download.
    pub(crate) fn class_of(&self, id: DownloadId) -> Class {
        let base = self.download(id).map(|d| d.demand.class());
        let base = base.or_else(|| self.file(id).map(FileDownload::class));
        let base = base.unwrap_or(Class::Upkeep);
        self.live().class_of(id, base)
    }

    /// Puts an effect on record and issues it.
    pub(crate) fn order(&mut self, owed: Owed) -> EffectId {
        let counters = &mut self.state.records.counters;
        let id = EffectId(counters.next_effect);
        counters.next_effect += 1;
        self.touched.insert(RowKey::Counters);
        self.touched.insert(RowKey::Owed(id));
        index_add(&mut self.state.live.owed, owed.app(), id);
        if let Some(key) = owed.staging() {
            self.state.live.busy.insert(key.clone(), id);
        }
        self.state.records.owed.insert(id, owed);
        id
    }

    /// Issues an effect that is on record. Called when the records that it draws on are complete.
    pub(crate) fn issue(&mut self, id: EffectId) {
        let order = self.records().owed.get(&id).and_then(|owed| order::of(self.state, id, owed));
        self.effects.push(match order {
            Some(order) => Effect::Order { id, order },
            None => Effect::Stop { id },
        });
    }

    /// Puts an effect on record and issues it at once.
    pub(crate) fn start(&mut self, owed: Owed) -> EffectId {
        let id = self.order(owed);
        self.issue(id);
        id
    }

    /// Takes an effect that has ended off the record; none when it is not owed.
    pub(crate) fn end_order(&mut self, id: EffectId) -> Option<Owed> {
        let owed = self.state.records.owed.remove(&id)?;
        self.touched.insert(RowKey::Owed(id));
        let live = &mut self.state.live;
        index_remove(&mut live.owed, owed.app(), &id);
        if let Some(key) = owed.staging() {
            live.busy.remove(key);
        }
        live.parked.remove(&id);
        live.order_attempts.remove(&id);
        live.timers.remove(&crate::live::Timer::Reissue(id));
        live.active.remove(&id);
        Some(owed)
    }

    /// Looks at the end of the event whether `app` has something to switch: what one event completes switches together.
    pub(crate) fn want_switch(&mut self, app: &AppId) {
        self.switchable.insert(app.clone());
    }

    /// The next app of those.
    pub(crate) fn next_switch(&mut self) -> Option<AppId> {
        self.switchable.pop_first()
    }

    pub(crate) fn emit_stop(&mut self, id: EffectId) {
        self.effects.push(Effect::Stop { id });
    }

    pub(crate) fn tell(&mut self, notice: Notice) {
        self.effects.push(Effect::Tell(notice));
    }

    /// Tells the news of a download that is on record.
    pub(crate) fn tell_pack(&mut self, id: DownloadId, update: PackUpdate) {
        let Some(download) = self.download(id) else { return };
        let notice = Notice::Pack {
            app: download.key.app.clone(),
            pack: download.key.pack.clone(),
            version: download.target.version,
            download: id,
            update,
        };
        self.tell(notice);
    }

    /// Tells the news of a single download that is on record.
    pub(crate) fn tell_file(&mut self, id: DownloadId, update: FileUpdate) {
        let Some(file) = self.file(id).filter(|file| !file.is_manifest()) else { return };
        let (app, download) = (file.app.clone(), Box::new(file.download.clone()));
        self.tell(Notice::File { app, id, download, update });
    }

    /// Answers a call and closes it; one that is no longer open is let be.
    pub(crate) fn answer(&mut self, request: RequestId, outcome: Result<Reply, Failure>) {
        let Some((_, subjects)) = self.live_mut().requests.close(request) else { return };
        self.effects.push(Effect::Answer { request, outcome });
        self.left_alone(subjects);
    }

    /// Answers a call that was never opened.
    pub(crate) fn answer_at_once(&mut self, request: RequestId, outcome: Result<Reply, Failure>) {
        self.effects.push(Effect::Answer { request, outcome });
    }

    /// Closes a call without an answer.
    pub(crate) fn abandon(&mut self, request: RequestId) {
        if let Some((_, subjects)) = self.live_mut().requests.close(request) {
            self.left_alone(subjects);
        }
    }

    /// Downloads that nobody waits for any more fall back to their own class.
    fn left_alone(&mut self, subjects: BTreeSet<Subject>) {
        for subject in subjects {
            if let Subject::Download(id) = subject {
                crate::transition::place::reclass(self, id);
            }
        }
    }
}
