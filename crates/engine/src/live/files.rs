//! Single downloads, found by what they are asked for.

use std::collections::{BTreeMap, BTreeSet};

use headstart_model::AppId;

use super::{ByApp, index_add, index_remove};
use crate::id::{ClientId, DownloadId};
use crate::record::FileDownload;

/// The indexes over single downloads, and which of them are in the foreground.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// Every record of an app.
    pub(crate) of_app: ByApp<DownloadId>,
    /// Those of an app that have ended and are to be told.
    pub(crate) concluded: ByApp<DownloadId>,
    /// The manifest of an app's content request.
    pub(crate) manifests: BTreeMap<AppId, DownloadId>,
    /// Those that have not ended, by identifier.
    identifiers: BTreeMap<AppId, BTreeMap<String, DownloadId>>,
    /// Those in the foreground, with the connection that it lasts as long as; none lasts until they end.
    foreground: BTreeMap<DownloadId, Option<ClientId>>,
    by_client: BTreeSet<(ClientId, DownloadId)>,
    /// Bytes that the records of an app take, roughly.
    weights: BTreeMap<AppId, u64>,
    weight_of: BTreeMap<DownloadId, u64>,
}

impl Files {
    /// Enters a record, or its news.
    pub(crate) fn enter(&mut self, id: DownloadId, file: &FileDownload) {
        index_add(&mut self.of_app, &file.app, id);
        self.weight_of.entry(id).or_insert_with(|| {
            let weight = file.download.weight_bytes();
            *self.weights.entry(file.app.clone()).or_default() += weight;
            weight
        });
        if file.is_manifest() {
            self.manifests.insert(file.app.clone(), id);
        } else if file.outcome().is_some() {
            self.forget_identifier(&file.app, &file.download.identifier, id);
            index_add(&mut self.concluded, &file.app, id);
        } else {
            let known = self.identifiers.entry(file.app.clone()).or_default();
            known.insert(file.download.identifier.clone(), id);
        }
        if file.outcome().is_some() {
            self.leave_foreground(id);
        }
    }

    /// Forgets a record.
    pub(crate) fn leave(&mut self, id: DownloadId, file: &FileDownload) {
        index_remove(&mut self.of_app, &file.app, &id);
        let weight = self.weight_of.remove(&id).unwrap_or(0);
        if let Some(all) = self.weights.get_mut(&file.app) {
            *all = all.saturating_sub(weight);
            if *all == 0 {
                self.weights.remove(&file.app);
            }
        }
        index_remove(&mut self.concluded, &file.app, &id);
        if self.manifests.get(&file.app) == Some(&id) {
            self.manifests.remove(&file.app);
        }
        self.forget_identifier(&file.app, &file.download.identifier, id);
        self.leave_foreground(id);
    }

    fn forget_identifier(&mut self, app: &AppId, identifier: &str, id: DownloadId) {
        let Some(known) = self.identifiers.get_mut(app) else { return };
        if known.get(identifier) == Some(&id) {
            known.remove(identifier);
        }
        if known.is_empty() {
            self.identifiers.remove(app);
        }
    }

    /// The download of this identifier that has not ended.
    pub(crate) fn find(&self, app: &AppId, identifier: &str) -> Option<DownloadId> {
        self.identifiers.get(app)?.get(identifier).copied()
    }

    pub(crate) fn count(&self, app: &AppId) -> usize {
        self.of_app.get(app).map_or(0, BTreeSet::len)
    }

    /// Bytes that the records of an app take, roughly.
    pub(crate) fn weight_bytes(&self, app: &AppId) -> u64 {
        self.weights.get(app).copied().unwrap_or(0)
    }

    pub(crate) fn is_foreground(&self, id: DownloadId) -> bool {
        self.foreground.contains_key(&id)
    }

    /// Brings a download into the foreground, for as long as `client` is connected.
    pub(crate) fn promote(&mut self, id: DownloadId, client: Option<ClientId>) {
        self.leave_foreground(id);
        self.foreground.insert(id, client);
        if let Some(client) = client {
            self.by_client.insert((client, id));
        }
    }

    pub(crate) fn leave_foreground(&mut self, id: DownloadId) {
        if let Some(Some(client)) = self.foreground.remove(&id) {
            self.by_client.remove(&(client, id));
        }
    }

    /// Takes the downloads of a connection that is gone out of the foreground, and returns them.
    pub(crate) fn demote(&mut self, client: ClientId) -> Vec<DownloadId> {
        let from = (client, DownloadId(0));
        let found = self.by_client.range(from..).take_while(|(c, _)| *c == client);
        let ids: Vec<_> = found.map(|(_, id)| *id).collect();
        for id in &ids {
            self.leave_foreground(*id);
        }
        ids
    }

    /// Whether a new life would know the same: what is in the foreground is not on record.
    #[cfg(test)]
    pub(crate) fn is_as_loaded(&self, loaded: &Self) -> bool {
        self.of_app == loaded.of_app
            && self.concluded == loaded.concluded
            && self.manifests == loaded.manifests
            && self.identifiers == loaded.identifiers
    }
}
