//! What extensions have done since the service started.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use headstart_model::AppId;
use headstart_model::protocol::apps::ExtensionRun;

use super::run::Run;

/// Runs of one app that are remembered.
const RUNS_MAX: usize = 20;

#[derive(Debug)]
enum Entry {
    Going(SystemTime, Arc<Run>),
    Over(ExtensionRun),
}

/// The runs of every app's extension, newest first.
#[derive(Debug, Default)]
pub(super) struct History {
    apps: HashMap<AppId, VecDeque<Entry>>,
}

impl History {
    /// A run has begun.
    pub(super) fn begin(&mut self, run: Arc<Run>, at: SystemTime) {
        let runs = self.apps.entry(run.app().clone()).or_default();
        runs.push_front(Entry::Going(at, run));
        runs.truncate(RUNS_MAX);
    }

    /// A run has ended: what is left of it is what it took.
    pub(super) fn end(&mut self, run: &Arc<Run>) {
        let Some(runs) = self.apps.get_mut(run.app()) else { return };
        for entry in runs.iter_mut() {
            if let Entry::Going(at, going) = entry
                && Arc::ptr_eq(going, run)
            {
                *entry = Entry::Over(told(*at, run));
                return;
            }
        }
    }

    /// The runs of an app's extension, newest first.
    pub(super) fn of(&self, app: &AppId) -> Vec<ExtensionRun> {
        let runs = self.apps.get(app).into_iter().flatten();
        let all = runs.map(|entry| match entry {
            Entry::Going(at, run) => told(*at, run),
            Entry::Over(run) => run.clone(),
        });
        all.collect()
    }
}

fn told(at: SystemTime, run: &Run) -> ExtensionRun {
    let stats = run.counted();
    ExtensionRun {
        started_at: Some(at),
        calls: stats.calls,
        used_milliseconds: u64::try_from(stats.used.as_millis()).unwrap_or(u64::MAX),
        peak_memory: stats.peak_bytes,
        ended: run.ended().map(|end| end.to_string()),
    }
}
