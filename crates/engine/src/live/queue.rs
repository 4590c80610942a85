//! Who goes next: by class; within a class apps take turns; within an app by priority, then age.
//!
//! Every operation takes time in the logarithm of what waits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use headstart_model::AppId;

use crate::class::Class;
use crate::id::DownloadId;

/// Why the background downloads of an app do not take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hold {
    /// Its repository's metadata does not hold.
    Distrust,
    /// Its background activity is off.
    Background,
    /// In-app content is off, and it was never launched.
    Content,
}

#[derive(Debug, Clone)]
struct Entry {
    app: AppId,
    class: Class,
    priority: i32,
}

/// The downloads of one app and class that wait.
#[derive(Debug, Clone, Default)]
struct AppLine {
    turn: u64,
    waiting: BTreeSet<(Reverse<i32>, DownloadId)>,
}

#[derive(Debug, Clone, Default)]
struct Lane {
    apps: BTreeMap<AppId, AppLine>,
    /// Apps with something that waits, the one whose turn it is first; without held apps.
    turns: BTreeMap<u64, AppId>,
    waiting: usize,
}

/// Downloads that wait for nothing but their turn, or for something that all of their class wait for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    lanes: [Lane; Class::ALL.len()],
    entries: BTreeMap<DownloadId, Entry>,
    /// Apps whose background downloads do not take turns.
    held: BTreeMap<AppId, BTreeSet<Hold>>,
    next_turn: u64,
}

impl Queue {
    /// Adds a download, or moves it when it waits with another class or priority.
    pub(crate) fn insert(&mut self, id: DownloadId, app: &AppId, class: Class, priority: i32) {
        self.remove(id);
        self.entries.insert(id, Entry { app: app.clone(), class, priority });
        let lane = &mut self.lanes[class.index()];
        lane.waiting += 1;
        if let Some(line) = lane.apps.get_mut(app) {
            line.waiting.insert((Reverse(priority), id));
            return;
        }
        self.next_turn += 1;
        let waiting = BTreeSet::from([(Reverse(priority), id)]);
        lane.apps.insert(app.clone(), AppLine { turn: self.next_turn, waiting });
        if !(class.is_background() && self.held.contains_key(app)) {
            lane.turns.insert(self.next_turn, app.clone());
        }
    }

    /// Removes a download that may or may not wait.
    pub(crate) fn remove(&mut self, id: DownloadId) {
        let Some(Entry { app, class, priority }) = self.entries.remove(&id) else { return };
        let lane = &mut self.lanes[class.index()];
        lane.waiting -= 1;
        let Some(line) = lane.apps.get_mut(&app) else { return };
        line.waiting.remove(&(Reverse(priority), id));
        if line.waiting.is_empty() {
            lane.turns.remove(&line.turn);
            lane.apps.remove(&app);
        }
    }

    /// Removes a download that was chosen; its app goes to the end of its class.
    pub(crate) fn take(&mut self, id: DownloadId) {
        let Some(Entry { app, class, .. }) = self.entries.get(&id).cloned() else { return };
        self.remove(id);
        self.next_turn += 1;
        let turn = self.next_turn;
        let lane = &mut self.lanes[class.index()];
        if let Some(line) = lane.apps.get_mut(&app) {
            if let Some(app) = lane.turns.remove(&line.turn) {
                lane.turns.insert(turn, app);
            }
            line.turn = turn;
        }
    }

    /// The download of `class` that is to go next.
    pub(crate) fn first(&self, class: Class) -> Option<DownloadId> {
        let lane = &self.lanes[class.index()];
        let (_, app) = lane.turns.first_key_value()?;
        lane.apps.get(app)?.waiting.first().map(|(_, id)| *id)
    }

    /// Downloads of `class` that wait, those of held apps included.
    pub(crate) fn len(&self, class: Class) -> usize {
        self.lanes[class.index()].waiting
    }

    /// Passes the background downloads of `app` over until it is released from everything that holds it.
    pub(crate) fn hold(&mut self, app: &AppId, hold: Hold) {
        self.held.entry(app.clone()).or_default().insert(hold);
        for lane in self.lanes.iter_mut().skip(Class::Nonessential.index()) {
            if let Some(line) = lane.apps.get(app) {
                lane.turns.remove(&line.turn);
            }
        }
    }

    /// Ends [`Self::hold`].
    pub(crate) fn release(&mut self, app: &AppId, hold: Hold) {
        let Some(holds) = self.held.get_mut(app) else { return };
        holds.remove(&hold);
        if !holds.is_empty() {
            return;
        }
        self.held.remove(app);
        for lane in &mut self.lanes {
            if let Some(line) = lane.apps.get(app) {
                lane.turns.insert(line.turn, app.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(name: &str) -> AppId {
        AppId::new(name).expect("a good id")
    }

    fn drain(queue: &mut Queue, class: Class) -> Vec<u64> {
        let mut order = Vec::new();
        while let Some(id) = queue.first(class) {
            queue.take(id);
            order.push(id.0);
        }
        order
    }

    #[test]
    fn within_an_app_priority_goes_before_age() {
        let mut queue = Queue::default();
        for (id, priority) in [(1, 0), (2, 3), (3, 0), (4, 3)] {
            queue.insert(DownloadId(id), &app("a"), Class::Nonessential, priority);
        }
        assert_eq!(drain(&mut queue, Class::Nonessential), [2, 4, 1, 3]);
        assert_eq!(queue.len(Class::Nonessential), 0);
    }

    #[test]
    fn apps_take_turns_however_much_one_of_them_wants() {
        let mut queue = Queue::default();
        for id in 1..=4 {
            queue.insert(DownloadId(id), &app("greedy"), Class::Upkeep, 0);
        }
        queue.insert(DownloadId(5), &app("modest"), Class::Upkeep, 0);
        queue.insert(DownloadId(6), &app("third"), Class::Upkeep, 0);
        assert_eq!(drain(&mut queue, Class::Upkeep), [1, 5, 6, 2, 3, 4]);
    }

    #[test]
    fn a_held_app_is_passed_over_in_the_background_only() {
        let mut queue = Queue::default();
        queue.insert(DownloadId(1), &app("held"), Class::Upkeep, 0);
        queue.hold(&app("held"), Hold::Distrust);
        queue.insert(DownloadId(2), &app("held"), Class::Nonessential, 0);
        queue.insert(DownloadId(3), &app("held"), Class::Essential, 0);
        queue.insert(DownloadId(4), &app("other"), Class::Upkeep, 0);
        assert_eq!(queue.first(Class::Upkeep), Some(DownloadId(4)));
        assert_eq!(queue.first(Class::Nonessential), None);
        assert_eq!(queue.first(Class::Essential), Some(DownloadId(3)));
        queue.hold(&app("held"), Hold::Background);
        queue.release(&app("held"), Hold::Distrust);
        assert_eq!(queue.first(Class::Nonessential), None, "one reason is left");
        queue.release(&app("held"), Hold::Background);
        assert_eq!(queue.first(Class::Upkeep), Some(DownloadId(1)));
        assert_eq!(queue.first(Class::Nonessential), Some(DownloadId(2)));
    }

    #[test]
    fn moving_to_another_class_leaves_nothing_behind() {
        let mut queue = Queue::default();
        queue.insert(DownloadId(1), &app("a"), Class::Upkeep, 0);
        queue.insert(DownloadId(1), &app("a"), Class::Foreground, 0);
        assert_eq!((queue.len(Class::Upkeep), queue.len(Class::Foreground)), (0, 1));
        queue.remove(DownloadId(1));
        assert!(queue.entries.is_empty());
        assert_eq!(queue.first(Class::Foreground), None);
    }
}
