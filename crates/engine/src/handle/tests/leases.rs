//! Versions that somebody reads while they are to go.

use headstart_model::{DownloadPolicy, ErrorKind, Failure};

use crate::effect::Order;
use crate::record::{Freshness, Stage};
use crate::testing::{Bench, app_id, key, offer, prefetch};
use crate::{CancelTarget, Effect, EffectId, Event, view};

/// The removals that run or wait of the first version of pack `a`.
fn removals(bench: &Bench) -> Vec<EffectId> {
    let first = |order: &Order| {
        matches!(order, Order::RemoveVersion { pack, version, .. }
            if pack.as_str() == "a" && version.version.0 == 1)
    };
    bench.orders().into_iter().filter(|(_, order)| first(order)).map(|(id, _)| id).collect()
}

/// A bench on which the first version of pack `a` is read, was retired, and has been taken back for a release that goes back to it;
/// it waits to become live together with the next version of `b`, which is on its way.
fn taken_back() -> Bench {
    let mut bench = Bench::installed(vec![offer("a", 1, prefetch()), offer("b", 1, prefetch())]);
    bench.publish(vec![offer("a", 2, prefetch()), offer("b", 2, prefetch())]);
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    while removals(&bench).is_empty() {
        let (effect, _) = bench.orders().swap_remove(0);
        bench.succeed(effect);
    }
    let effect = removals(&bench)[0];
    bench.hear(Event::VersionInUse { effect });
    bench.finish(
        |order| matches!(order, Order::RemoveVersion { pack, .. } if *pack == key("b").pack),
    );
    bench.publish(vec![offer("a", 1, prefetch()), offer("b", 3, prefetch())]);
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    assert_eq!(stage(&bench), Some(Stage::Built), "nothing has to be fetched");
    assert_eq!(removals(&bench), [], "it is not to go any more");
    bench
}

fn stage(bench: &Bench) -> Option<Stage> {
    let records = bench.state.records();
    let id = records.pack(&key("a")).and_then(|pack| pack.download)?;
    records.download(id).map(|download| download.stage)
}

#[test]
fn a_version_that_was_taken_back_and_does_not_become_live_goes_when_its_readers_have_gone() {
    for restarted in [false, true] {
        let mut bench = taken_back();
        if restarted {
            bench.restart();
        }
        let target = CancelTarget::Pack(app_id("app"), key("a").pack);
        bench.call(|caller| Event::CancelRequested { caller, target });
        let [effect] = removals(&bench)[..] else { panic!("it is retired again") };
        bench.hear(Event::VersionInUse { effect });
        assert_eq!(removals(&bench), [effect], "it is looked at again later");
        bench.finish_everything();
    }
}

#[test]
fn a_version_that_was_taken_back_goes_when_another_one_is_offered_even_if_it_is_damaged_meanwhile()
{
    let mut bench = taken_back();
    for kind in ["plan", "transfer"] {
        bench.finish(|order| match order {
            Order::Plan(_) => kind == "plan",
            Order::Transfer(_) => kind == "transfer",
            _ => false,
        });
    }
    let effect = bench.order(|order| matches!(order, Order::Switch { .. }));
    let failure = Failure::new(ErrorKind::Untrusted, "contentDamaged", "it is damaged");
    let damaged = vec![key("a").pack];
    bench.hear(Event::SwitchFailed { effect, failure, damaged });
    assert_eq!(stage(&bench), Some(Stage::Waiting));
    bench.publish(vec![offer("a", 4, prefetch()), offer("b", 3, prefetch())]);
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    assert_eq!(removals(&bench).len(), 1, "it is retired again");
    bench.finish_everything();
}

#[test]
fn a_version_that_is_read_and_was_found_damaged_is_fetched_when_it_is_asked_for_again() {
    let mut bench = Bench::installed(vec![offer("a", 1, DownloadPolicy::on_demand())]);
    let ensure = |bench: &mut Bench| -> Vec<Effect> {
        let (app, packs, terms) = (app_id("app"), vec![key("a").pack], Freshness::Any.into());
        bench.call(|caller| Event::EnsureRequested { caller, app, packs, terms })
    };
    ensure(&mut bench);
    bench.finish_everything();
    let (app, pack) = (app_id("app"), key("a").pack);
    bench.call(|caller| Event::RemoveRequested { caller, app, pack });
    bench.finish(|order| matches!(order, Order::Switch { .. }));
    let effect = removals(&bench)[0];
    bench.hear(Event::VersionInUse { effect });

    ensure(&mut bench);
    let effect = bench.order(|order| matches!(order, Order::Switch { .. }));
    let failure = Failure::new(ErrorKind::Untrusted, "contentDamaged", "it is damaged");
    let damaged = vec![key("a").pack];
    let effects = bench.hear(Event::SwitchFailed { effect, failure, damaged });
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Answer { .. })), "{effects:?}");
    assert_eq!((stage(&bench), removals(&bench)), (None, Vec::new()));

    ensure(&mut bench);
    bench.finish(|order| matches!(order, Order::Plan(_)));
    bench.finish_everything();
    let local = view::pack(&bench.state, &key("a")).and_then(|pack| pack.local_version);
    assert_eq!(local.map(|version| version.0), Some(1));
}
