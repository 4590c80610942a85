//! The one right of each app to change its downloads. `Spec: concepts 12`.

use std::collections::{BTreeMap, VecDeque};

use headstart_model::AppId;

use crate::id::{ClientId, RequestId};

#[derive(Debug, Clone)]
struct Right {
    holder: ClientId,
    waiting: VecDeque<(RequestId, ClientId)>,
}

/// Who has the right, and who waits for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exclusive {
    apps: BTreeMap<AppId, Right>,
    held_by: BTreeMap<ClientId, AppId>,
}

impl Exclusive {
    /// Takes the right if it is free; false when somebody has it, also when that is the same connection.
    pub(crate) fn take(&mut self, app: &AppId, client: ClientId) -> bool {
        if self.apps.contains_key(app) {
            return false;
        }
        self.apps.insert(app.clone(), Right { holder: client, waiting: VecDeque::new() });
        self.held_by.insert(client, app.clone());
        true
    }

    /// Waits for the right.
    pub(crate) fn queue(&mut self, app: &AppId, request: RequestId, client: ClientId) {
        if let Some(right) = self.apps.get_mut(app) {
            right.waiting.push_back((request, client));
        }
    }

    /// Ceases to wait.
    pub(crate) fn unqueue(&mut self, app: &AppId, request: RequestId) {
        if let Some(right) = self.apps.get_mut(app) {
            right.waiting.retain(|(waiting, _)| *waiting != request);
        }
    }

    /// The connection gives its right back, if it has one: the next who waits gets it. Returns whose call is answered.
    pub(crate) fn release(&mut self, client: ClientId) -> Option<RequestId> {
        let app = self.held_by.remove(&client)?;
        let right = self.apps.get_mut(&app).filter(|right| right.holder == client)?;
        if let Some((request, next)) = right.waiting.pop_front() {
            right.holder = next;
            self.held_by.insert(next, app);
            return Some(request);
        }
        self.apps.remove(&app);
        None
    }

    /// Forgets an app that is gone.
    pub(crate) fn forget(&mut self, app: &AppId) {
        self.apps.remove(app);
        self.held_by.retain(|_, of| of != app);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_goes_from_one_to_the_next_in_their_order() {
        let app = AppId::new("a").expect("a good id");
        let mut exclusive = Exclusive::default();
        assert!(exclusive.take(&app, ClientId(1)));
        assert!(!exclusive.take(&app, ClientId(2)));
        for n in [2, 3, 4] {
            exclusive.queue(&app, RequestId(n), ClientId(n));
        }
        exclusive.unqueue(&app, RequestId(3));
        assert_eq!(exclusive.release(ClientId(9)), None, "who has no right gives none");
        assert_eq!(exclusive.release(ClientId(1)), Some(RequestId(2)));
        assert_eq!(exclusive.release(ClientId(2)), Some(RequestId(4)));
        assert_eq!(exclusive.release(ClientId(4)), None);
        assert!(exclusive.take(&app, ClientId(1)), "it is free again");
    }
}
