//! Who reads packs that are still on their way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use headstart_deliver::Ahead;
use headstart_model::{AppId, PackId};
use tokio::task::AbortHandle;

/// So long after an answer a pack stays as urgent as its reader made it. `Ours:` a player asks again when it has shown what it got; who has
/// put the file away costs the others no more than this.
const LINGER: Duration = Duration::from_secs(15);

type Key = (AppId, PackId);

/// The readers of each pack. Readers and the delivery meet here, whoever comes first.
#[derive(Debug, Default)]
pub struct Readers {
    of: Mutex<HashMap<Key, Weak<Ahead>>>,
    /// What keeps a pack urgent between two questions; one for each pack.
    lingering: Mutex<HashMap<Key, AbortHandle>>,
}

impl Readers {
    /// The readers of one pack.
    pub(crate) fn of(&self, app: &AppId, pack: &PackId) -> Arc<Ahead> {
        let mut all = lock(&self.of);
        let key = (app.clone(), pack.clone());
        if let Some(known) = all.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        // Those of packs that neither a reader nor a delivery has anything to do with any more.
        all.retain(|_, readers| readers.strong_count() > 0);
        let readers = Arc::new(Ahead::new());
        all.insert(key, Arc::downgrade(&readers));
        readers
    }

    /// Keeps `waiting` until a while has passed, or until the next one for the same pack.
    pub(crate) fn linger(&self, app: &AppId, pack: &PackId, waiting: impl Send + 'static) {
        let kept = tokio::spawn(async move {
            let _waiting = waiting;
            tokio::time::sleep(LINGER).await;
        });
        let mut all = lock(&self.lingering);
        all.retain(|_, kept| !kept.is_finished());
        if let Some(before) = all.insert((app.clone(), pack.clone()), kept.abort_handle()) {
            before.abort();
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while one is held, and every state of them is a good one.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
