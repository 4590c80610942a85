//! Who reads packs that are still on their way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use headstart_deliver::Ahead;
use headstart_model::{AppId, PackId};

/// The readers of each pack. Readers and the delivery meet here, whoever comes first.
#[derive(Debug, Default)]
pub struct Readers {
    of: Mutex<HashMap<(AppId, PackId), Weak<Ahead>>>,
}

impl Readers {
    /// The readers of one pack.
    pub(crate) fn of(&self, app: &AppId, pack: &PackId) -> Arc<Ahead> {
        // Nothing panics while it is held, and every state of it is a good one.
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
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
}
