//! Who hears what. A subscriber that does not keep up loses notices and is told how many, instead of slowing the core down.

use headstart_engine::Notice;
use headstart_model::{AppId, PackId};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Notices that wait for a subscriber.
const WAITING_MAX: usize = 256;

/// What a subscriber wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Of which app.
    pub app: AppId,
    /// Of which packs; none means all.
    pub packs: Option<Vec<PackId>>,
}

impl Heard {
    fn wants(&self, notice: &Notice) -> bool {
        match notice {
            Notice::Pack { app, pack, .. } => {
                *app == self.app && self.packs.as_ref().is_none_or(|packs| packs.contains(pack))
            }
            Notice::File { app, .. } | Notice::Extension { app, .. } => {
                *app == self.app && self.packs.is_none()
            }
            Notice::Installation { app, .. } | Notice::Launchable { app, .. } => *app == self.app,
        }
    }
}

/// What a subscriber is told.
#[derive(Debug, Clone)]
pub enum Told {
    /// A notice.
    Notice(Notice),
    /// So many notices were lost before the next one.
    Lost(u64),
}

/// The core's end of a subscription.
#[derive(Debug)]
pub struct Subscription {
    heard: Heard,
    sender: mpsc::Sender<Told>,
    lost: u64,
}

impl Subscription {
    /// Both ends.
    pub(super) fn new(heard: Heard) -> (Self, mpsc::Receiver<Told>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self { heard, sender, lost: 0 }, receiver)
    }

    /// Tells a notice; false when nobody listens any more.
    fn tell(&mut self, notice: &Notice) -> bool {
        if !self.heard.wants(notice) {
            return !self.sender.is_closed();
        }
        if self.lost > 0 {
            match self.sender.try_send(Told::Lost(self.lost)) {
                Ok(()) => self.lost = 0,
                Err(TrySendError::Closed(_)) => return false,
                Err(TrySendError::Full(_)) => {}
            }
        }
        match self.sender.try_send(Told::Notice(notice.clone())) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

/// Everybody who listens.
#[derive(Debug, Default)]
pub(crate) struct Subscribers(Vec<Subscription>);

impl Subscribers {
    pub(crate) fn add(&mut self, subscription: Subscription) {
        self.0.push(subscription);
    }

    pub(crate) fn tell(&mut self, notice: &Notice) {
        self.0.retain_mut(|subscription| subscription.tell(notice));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn app() -> AppId {
        AppId::new("a").expect("a good id")
    }

    #[test]
    fn who_does_not_keep_up_is_told_how_much_was_lost() {
        let (subscription, mut told) = Subscription::new(Heard { app: app(), packs: None });
        let mut subscribers = Subscribers::default();
        subscribers.add(subscription);
        let notice = Notice::Launchable { app: app(), missed: BTreeMap::new() };
        for _ in 0..WAITING_MAX + 3 {
            subscribers.tell(&notice);
        }
        for _ in 0..WAITING_MAX {
            assert!(matches!(told.try_recv(), Ok(Told::Notice(_))));
        }
        subscribers.tell(&notice);
        assert!(matches!(told.try_recv(), Ok(Told::Lost(3))));
        assert!(matches!(told.try_recv(), Ok(Told::Notice(_))));
        drop(told);
        subscribers.tell(&notice);
        assert!(subscribers.0.is_empty(), "who went away is forgotten");
    }
}
