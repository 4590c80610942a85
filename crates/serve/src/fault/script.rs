//! Faults by a program, for tests.

use super::{Fault, RequestFacts};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Decides each request's fate by code. Ours: what a test wants to say exactly ("the third request
/// is cut after 100 bytes") is clumsy as a rule.
#[derive(Clone)]
pub struct Script(Arc<Decide>);

type Decide = dyn Fn(&RequestFacts<'_>) -> Option<Fault> + Send + Sync;

impl Script {
    /// A script that asks `decide` at each request; the requests are counted from 1 since the
    /// script was set. `decide` runs on the server's tasks and must not block.
    pub fn new(
        decide: impl Fn(&RequestFacts<'_>) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(decide))
    }

    /// A script that maps the n-th request (from 1) to a fault.
    #[must_use]
    pub fn of_requests(faults: impl IntoIterator<Item = (u64, Fault)>) -> Self {
        let faults: BTreeMap<u64, Fault> = faults.into_iter().collect();
        Self::new(move |request| faults.get(&request.number).copied())
    }

    pub(super) fn decide(&self, request: &RequestFacts<'_>) -> Option<Fault> {
        (self.0)(request).filter(|fault| fault.kind.applies_to(request))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{FaultKind, Faults};

    #[test]
    fn numbered_requests_meet_their_faults_and_others_none() {
        let faults = Faults::scripted(Script::of_requests([
            (2, Fault::new(FaultKind::Status500)),
            (3, Fault::after_bytes(FaultKind::Cut, 7)),
        ]));
        let facts = RequestFacts { number: 0, method: "GET", path: "/", range: None };
        let fates: Vec<_> = (0..4).map(|_| faults.decide(facts)).collect();
        assert_eq!(
            fates,
            [
                None,
                Some(Fault::new(FaultKind::Status500)),
                Some(Fault::after_bytes(FaultKind::Cut, 7)),
                None
            ]
        );
    }

    #[test]
    fn script_may_use_the_handle_it_serves() {
        let faults = Faults::none();
        let own = faults.clone();
        faults.set_script(Script::new(move |_| {
            own.clear();
            Some(Fault::new(FaultKind::Status503))
        }));
        let facts = RequestFacts { number: 0, method: "GET", path: "/", range: None };
        assert!(faults.decide(facts).is_some());
        assert_eq!(faults.decide(facts), None);
    }
}
