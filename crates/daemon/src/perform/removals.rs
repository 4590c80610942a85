//! Who takes versions of a pack away: one after another, for each renames what it removes, and a second one would not find it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use headstart_model::{AppId, PackId};

type Key = (AppId, PackId);

/// The removals that run, by pack.
#[derive(Debug, Default)]
pub struct Removals {
    of: Mutex<HashMap<Key, Weak<Mutex<()>>>>,
}

impl Removals {
    /// Does `work` while nobody else takes anything of the pack away. It blocks.
    pub(crate) fn alone<T>(&self, app: &AppId, pack: &PackId, work: impl FnOnce() -> T) -> T {
        let turn = self.turn_of(app, pack);
        // It guards no data: what a removal left is removed by the next.
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    fn turn_of(&self, app: &AppId, pack: &PackId) -> Arc<Mutex<()>> {
        // Nothing panics while it is held.
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (app.clone(), pack.clone());
        if let Some(running) = all.get(&key).and_then(Weak::upgrade) {
            return running;
        }
        all.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        all.insert(key, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_is_removed_of_one_pack_is_removed_in_turn_and_of_others_meanwhile() {
        let removals = Removals::default();
        let app = AppId::new("app").expect("a good id");
        let [one, other] = ["one", "other"].map(|id| PackId::new(id).expect("a good id"));
        let (ended, order) = mpsc::channel();
        std::thread::scope(|threads| {
            let second = removals.alone(&app, &one, || {
                let ended_too = ended.clone();
                let (removals, app, one) = (&removals, &app, &one);
                let second = threads.spawn(move || {
                    removals.alone(app, one, || ended_too.send("second").expect("it is heard"));
                });
                removals.alone(app, &other, || ended.send("other").expect("it is heard"));
                ended.send("first").expect("it is heard");
                second
            });
            second.join().expect("it ends");
        });
        drop(ended);
        assert_eq!(order.iter().collect::<Vec<_>>(), ["other", "first", "second"]);
    }
}
