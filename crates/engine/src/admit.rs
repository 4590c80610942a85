//! The one decision whether bytes move.

use headstart_model::Failure;

use crate::class::Class;
use crate::facts::{DISK_RESERVE_BYTES, Facts};
use crate::failures;
use crate::reason::{Fact, Reason};
use crate::time::Now;

/// How long essential downloads wait for a network that is gone, in milliseconds. `Spec: concepts 6`: a few seconds.
pub const ESSENTIAL_PATIENCE_MS: u64 = 10_000;

/// What a decision is about: one download, or one check for a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Its class.
    pub class: Class,
    /// Reasons of its own: a failure that it is recovering from, metadata that does not hold, work that has to end first.
    pub own: Vec<Reason>,
    /// Bytes that it needs on disk, once that is known.
    pub disk_bytes: Option<u64>,
    /// The transfers it competes with; none for what needs no place among them.
    pub others: Option<Others>,
}

/// The transfers that a download competes with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Others {
    /// Transfers running.
    pub running: u32,
    /// Essential downloads that run or could run.
    pub essential: u32,
    /// Bytes that the running ones will still take on disk.
    pub disk_bytes: u64,
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Bytes move.
    Go,
    /// Not yet, and why. Never empty.
    Wait(Vec<Reason>),
    /// Not at all: whoever waits is told now.
    Refuse(Failure),
}

/// Decides whether bytes move. The only place that does, and pure: `explain` shows its reasons as they are.
///
/// Essential waits a few seconds, foreground not at all, the rest as long as it takes. `Spec: concepts 4.4, 6`.
#[must_use]
pub fn admit(ask: &Ask, facts: &Facts, now: Now) -> Verdict {
    match refusal(ask, facts, now) {
        Some(failure) => Verdict::Refuse(failure),
        None => match reasons(ask, facts) {
            reasons if reasons.is_empty() => Verdict::Go,
            reasons => Verdict::Wait(reasons),
        },
    }
}

fn refusal(ask: &Ask, facts: &Facts, now: Now) -> Option<Failure> {
    if ask.class.is_background() {
        return None;
    }
    let patience_ms = match ask.class {
        Class::Essential => ESSENTIAL_PATIENCE_MS,
        _ => 0,
    };
    if !facts.is_online() && facts.network.since.ms_until(now.wall) >= patience_ms {
        return Some(failures::offline());
    }
    let distrust = ask.own.iter().find_map(|reason| match &reason.fact {
        Fact::Distrusted { failure } => Some(failure.clone()),
        _ => None,
    });
    distrust
        .or_else(|| lacking_disk(ask, facts).map(|lack| failures::no_space(lack.needed, lack.free)))
}

fn reasons(ask: &Ask, facts: &Facts) -> Vec<Reason> {
    let mut reasons = ask.own.clone();
    if !facts.is_online() {
        let offline = Reason::new(Fact::Offline).since(facts.network.since);
        reasons.push(match ask.class {
            Class::Essential => offline.until(facts.network.since.after_ms(ESSENTIAL_PATIENCE_MS)),
            _ => offline,
        });
    }
    if let Some(Lack { needed, free }) = lacking_disk(ask, facts) {
        let fact = Fact::NotEnoughDisk { needed_bytes: needed, free_bytes: free };
        reasons.push(Reason::new(fact).since(facts.disk_free_bytes.since));
    }
    let Some(others) = ask.others else { return reasons };
    if ask.class.is_background() && others.essential > 0 {
        reasons.push(Reason::new(Fact::EssentialFirst));
    }
    if others.running >= facts.transfers_max {
        let (running, allowed) = (others.running, facts.transfers_max);
        reasons.push(Reason::new(Fact::SlotsBusy { running, allowed }));
    }
    reasons
}

struct Lack {
    needed: u64,
    free: u64,
}

fn lacking_disk(ask: &Ask, facts: &Facts) -> Option<Lack> {
    let needed = ask.disk_bytes?;
    let taken = ask.others.map_or(0, |others| others.disk_bytes);
    let free = disk_for_downloads(facts, taken);
    (needed > free).then_some(Lack { needed, free })
}

/// Bytes of the disk that a download may take when those that run will still take `taken` bytes.
pub(crate) const fn disk_for_downloads(facts: &Facts, taken: u64) -> u64 {
    facts.disk_free_bytes.value.saturating_sub(DISK_RESERVE_BYTES).saturating_sub(taken)
}

#[cfg(test)]
mod tests {
    use headstart_model::ErrorKind;

    use super::*;
    use crate::facts::{FactsChange, Network};
    use crate::time::{MonotonicTime, WallTime};

    const MIB: u64 = 1024 * 1024;

    fn ask(class: Class) -> Ask {
        Ask { class, own: Vec::new(), disk_bytes: None, others: Some(Others::default()) }
    }

    fn at(ms: u64) -> Now {
        Now { wall: WallTime(ms), monotonic: MonotonicTime(ms) }
    }

    fn facts(news: &FactsChange) -> Facts {
        let mut facts = Facts::default();
        facts.learn(news, WallTime(1_000));
        facts
    }

    fn offline() -> Facts {
        facts(&FactsChange { network: Some(Network::Offline), ..FactsChange::default() })
    }

    fn kind_of(verdict: &Verdict) -> Option<ErrorKind> {
        match verdict {
            Verdict::Refuse(failure) => Some(failure.kind),
            Verdict::Go | Verdict::Wait(_) => None,
        }
    }

    #[test]
    fn everything_goes_when_nothing_is_in_the_way() {
        for class in Class::ALL {
            assert_eq!(admit(&ask(class), &Facts::default(), at(0)), Verdict::Go);
        }
    }

    #[test]
    fn without_a_network_foreground_fails_at_once_and_essential_after_seconds() {
        let facts = offline();
        assert_eq!(
            kind_of(&admit(&ask(Class::Foreground), &facts, at(1_000))),
            Some(ErrorKind::Network)
        );
        let Verdict::Wait(reasons) = admit(&ask(Class::Essential), &facts, at(2_000)) else {
            panic!("essential waits first");
        };
        assert_eq!(reasons[0].until, Some(WallTime(1_000 + ESSENTIAL_PATIENCE_MS)));
        let late = at(1_000 + ESSENTIAL_PATIENCE_MS);
        assert_eq!(kind_of(&admit(&ask(Class::Essential), &facts, late)), Some(ErrorKind::Network));
        assert!(matches!(admit(&ask(Class::Upkeep), &facts, at(u64::MAX)), Verdict::Wait(_)));
    }

    #[test]
    fn a_full_disk_refuses_who_cannot_wait() {
        let facts = facts(&FactsChange {
            disk_free_bytes: Some(DISK_RESERVE_BYTES + 10 * MIB),
            ..FactsChange::default()
        });
        let needing = |class, bytes| Ask { disk_bytes: Some(bytes), ..ask(class) };
        assert_eq!(admit(&needing(Class::Foreground, 10 * MIB), &facts, at(0)), Verdict::Go);
        let more = 10 * MIB + 1;
        for class in [Class::Essential, Class::Foreground] {
            assert_eq!(
                kind_of(&admit(&needing(class, more), &facts, at(0))),
                Some(ErrorKind::NoSpace)
            );
        }
        let Verdict::Wait(reasons) = admit(&needing(Class::Upkeep, more), &facts, at(0)) else {
            panic!("the background waits");
        };
        let fact = Fact::NotEnoughDisk { needed_bytes: more, free_bytes: 10 * MIB };
        assert_eq!(reasons, [Reason::new(fact).since(WallTime(1_000))]);
    }

    #[test]
    fn what_running_transfers_will_take_is_not_free() {
        let facts = facts(&FactsChange {
            disk_free_bytes: Some(DISK_RESERVE_BYTES + 10 * MIB),
            ..FactsChange::default()
        });
        let others = Others { running: 1, essential: 0, disk_bytes: 8 * MIB };
        let asked =
            Ask { disk_bytes: Some(3 * MIB), others: Some(others), ..ask(Class::Nonessential) };
        assert!(matches!(admit(&asked, &facts, at(0)), Verdict::Wait(_)));
    }

    #[test]
    fn the_background_leaves_the_network_to_essential_packs() {
        let others = Others { running: 1, essential: 1, disk_bytes: 0 };
        let asked = |class| Ask { others: Some(others), ..ask(class) };
        let verdict = admit(&asked(Class::Nonessential), &Facts::default(), at(0));
        assert_eq!(verdict, Verdict::Wait(vec![Reason::new(Fact::EssentialFirst)]));
        assert_eq!(admit(&asked(Class::Foreground), &Facts::default(), at(0)), Verdict::Go);
    }

    #[test]
    fn metadata_that_does_not_hold_stops_everything() {
        let failure = Failure::new(ErrorKind::Untrusted, "metadataExpired", "expired");
        let own = vec![Reason::new(Fact::Distrusted { failure })];
        let asked = |class| Ask { own: own.clone(), ..ask(class) };
        let verdict = |class| admit(&asked(class), &Facts::default(), at(0));
        assert_eq!(kind_of(&verdict(Class::Foreground)), Some(ErrorKind::Untrusted));
        assert_eq!(verdict(Class::Upkeep), Verdict::Wait(own.clone()));
    }
}
