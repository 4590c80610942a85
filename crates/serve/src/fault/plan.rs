//! Faults by rules: which kind, how often, on which paths.

use super::{Fault, FaultKind, FaultPoint, RequestFacts};
use crate::{quantity::Percent, seed::mix};
use std::num::NonZeroU64;

/// How often a rule strikes, counted over the requests that it applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frequency {
    /// Each request.
    Always,
    /// The n-th, the 2n-th, and so on.
    Every(NonZeroU64),
    /// The first n.
    First(u64),
    /// This share, chosen by the seed.
    Share(Percent),
}

/// One kind of fault, how often, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    kind: FaultKind,
    frequency: Frequency,
    path_prefix: Option<String>,
    after_bytes: Option<u64>,
}

impl FaultRule {
    /// A rule for all paths, striking in the middle of bodies.
    #[must_use]
    pub const fn new(kind: FaultKind, frequency: Frequency) -> Self {
        Self { kind, frequency, path_prefix: None, after_bytes: None }
    }

    /// Restricts the rule to paths that begin so, such as `/bundles/`. Compared with the path as
    /// the client sent it. Other requests are not counted.
    #[must_use]
    pub fn on_paths(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = Some(prefix.into());
        self
    }

    /// Strikes after exactly so many bytes of the body instead of at a drawn place.
    #[must_use]
    pub const fn after_bytes(mut self, bytes: u64) -> Self {
        self.after_bytes = Some(bytes);
        self
    }

    fn covers(&self, request: &RequestFacts<'_>) -> bool {
        self.kind.applies_to(request)
            && self.path_prefix.as_ref().is_none_or(|prefix| request.path.starts_with(prefix))
    }

    fn strikes(&self, count: u64, draw: u64) -> bool {
        match self.frequency {
            Frequency::Always => true,
            Frequency::Every(n) => count % n == 0,
            Frequency::First(n) => count <= n,
            Frequency::Share(share) => share.holds(draw),
        }
    }
}

/// A list of rules and the seed of their draws. Of several rules that strike, the first wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    seed: u64,
    rules: Vec<FaultRule>,
}

impl FaultPlan {
    /// How often each kind strikes in [`FaultPlan::of_kinds`].
    ///
    /// Ours: often enough to be seen in a short session, rare enough that a client that retries
    /// gets through.
    pub const SHARE: Percent = Percent::new(20);

    /// A plan without rules.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, rules: Vec::new() }
    }

    /// Each of these kinds on a fifth of the requests that it applies to. Spec: cli
    /// (`serve --fault KIND… --seed N`).
    #[must_use]
    pub fn of_kinds(seed: u64, kinds: impl IntoIterator<Item = FaultKind>) -> Self {
        kinds.into_iter().fold(Self::new(seed), |plan, kind| {
            plan.with(FaultRule::new(kind, Frequency::Share(Self::SHARE)))
        })
    }

    /// Adds a rule after those that are there.
    #[must_use]
    pub fn with(mut self, rule: FaultRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The rules in order.
    #[must_use]
    pub fn rules(&self) -> &[FaultRule] {
        &self.rules
    }
}

/// A plan at work: how many requests each rule has seen.
#[derive(Debug)]
pub(super) struct PlanState {
    seed: u64,
    rules: Vec<(FaultRule, u64)>,
}

impl PlanState {
    pub(super) fn new(plan: FaultPlan) -> Self {
        Self { seed: plan.seed, rules: plan.rules.into_iter().map(|rule| (rule, 0)).collect() }
    }

    /// Every rule counts every request that it covers, also when an earlier rule has struck: so
    /// that adding a rule does not shift what the others do.
    pub(super) fn decide(&mut self, request: &RequestFacts<'_>) -> Option<Fault> {
        let mut decided = None;
        for (place, (rule, count)) in (0_u64..).zip(&mut self.rules) {
            if !rule.covers(request) {
                continue;
            }
            *count += 1;
            let draw = mix(self.seed, place, *count);
            if decided.is_none() && rule.strikes(*count, draw) {
                decided = Some(Fault {
                    kind: rule.kind,
                    point: rule.after_bytes.map_or_else(
                        || FaultPoint::Drawn(mix(draw, place, *count)),
                        FaultPoint::AfterBytes,
                    ),
                });
            }
        }
        decided
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Faults;

    fn get(path: &str) -> RequestFacts<'_> {
        RequestFacts { number: 0, method: "GET", path, range: None }
    }

    fn struck(plan: FaultPlan, requests: u64) -> Vec<u64> {
        let faults = Faults::planned(plan);
        (1..=requests).filter(|_| faults.decide(get("/a")).is_some()).collect()
    }

    fn one(kind: FaultKind, frequency: Frequency) -> FaultPlan {
        FaultPlan::new(1).with(FaultRule::new(kind, frequency))
    }

    #[test]
    fn frequencies_strike_the_requests_they_name() {
        let cut = |frequency| struck(one(FaultKind::Cut, frequency), 6);
        assert_eq!(cut(Frequency::Always), [1, 2, 3, 4, 5, 6]);
        assert_eq!(cut(Frequency::Every(NonZeroU64::new(3).unwrap())), [3, 6]);
        assert_eq!(cut(Frequency::First(2)), [1, 2]);
        assert_eq!(cut(Frequency::Share(Percent::new(0))), [0_u64; 0]);
    }

    #[test]
    fn shares_repeat_with_the_seed() {
        let run = |seed| struck(FaultPlan::of_kinds(seed, [FaultKind::Cut]), 1_000);
        assert_eq!(run(9), run(9));
        assert_ne!(run(9), run(10));
        assert!((150..250).contains(&run(9).len()), "{}", run(9).len());
    }

    #[test]
    fn rules_count_only_requests_that_they_cover() {
        let faults = Faults::planned(
            FaultPlan::new(0)
                .with(FaultRule::new(FaultKind::IgnoreRange, Frequency::First(1)))
                .with(FaultRule::new(FaultKind::Cut, Frequency::First(1)).on_paths("/bundles/")),
        );
        assert_eq!(faults.decide(get("/metadata/root.json")), None);
        let ranged = RequestFacts { range: Some("bytes=0-1"), ..get("/metadata/root.json") };
        let kind = |facts| faults.decide(facts).map(|fault| fault.kind);
        assert_eq!(kind(ranged), Some(FaultKind::IgnoreRange));
        assert_eq!(kind(ranged), None);
        assert_eq!(kind(get("/bundles/x")), Some(FaultKind::Cut));
        assert_eq!(kind(get("/bundles/x")), None);
        let head = RequestFacts { method: "HEAD", ..get("/bundles/x") };
        faults.set_plan(one(FaultKind::Cut, Frequency::Always));
        assert_eq!(kind(head), None);
    }

    #[test]
    fn clearing_ends_all_faults() {
        let faults = Faults::planned(one(FaultKind::Status500, Frequency::Always));
        assert!(faults.decide(get("/a")).is_some());
        faults.clear();
        assert_eq!(faults.decide(get("/a")), None);
    }
}
