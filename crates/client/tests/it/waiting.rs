//! Waiting for packs: on what terms, and for how many.

use futures_lite::StreamExt as _;
use futures_lite::future::block_on;
use headstart::packs::{EnsureEvent, EnsureOutcome};
use headstart::{EnsureOptions, ErrorKind, PackFailure, Require, Urgency};
use headstart_model::Until;
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{Ensure, List, PackList};

use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::installed::{Packs, install};
use crate::samples::{app, failure, pack, pack_id, state};

/// Has `a` and `b`; of those that are asked for, `a` fails and `b` arrives.
fn shelf(call: &Call, peer: &mut Peer) -> Then {
    match call {
        Call::ListPacks(_) => {
            let packs = ["a", "b"].map(|id| state(id, headstart::Status::DOWNLOAD_AVAILABLE));
            peer.reply::<List>(&PackList { packs: packs.to_vec() });
        }
        Call::Ensure(call) => {
            let has = |id: &str| call.packs.contains(&pack_id(id));
            let outcome = EnsureOutcome {
                successes: has("b").then(|| pack("b")).into_iter().collect(),
                failures: has("a")
                    .then(|| PackFailure { pack: pack_id("a"), failure: failure() })
                    .into_iter()
                    .collect(),
            };
            peer.reply::<Ensure>(&EnsureEvent::Done(outcome));
        }
        _ => peer.fail(failure()),
    }
    Then::KeepOpen
}

fn ensure(ids: &[&str], latest: bool, urgency: Urgency, until: Until) -> Call {
    let packs = ids.iter().map(|id| pack_id(id)).collect();
    Call::Ensure(Ensure { app: None, packs, latest, urgency, until })
}

#[test]
fn the_terms_reach_the_service() {
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let all = packs.all_asset_packs().unwrap();
    packs.ensure_local_availability(&all[1]).unwrap();
    packs.ensure_local_availability_with(&all[1], Urgency::Background).unwrap();
    packs.ensure_local_availability_with(&all[1], Require::LatestVersion).unwrap();
    let both = EnsureOptions::new().require(Require::LatestVersion).urgency(Urgency::Immediate);
    packs.ensure_local_availability_of(&all[1..], both).unwrap();
    packs.ensure_any_local_availability(&all, both).unwrap();
    let calls = [
        ensure(&["b"], false, Urgency::Foreground, Until::All),
        ensure(&["b"], false, Urgency::Background, Until::All),
        ensure(&["b"], true, Urgency::Foreground, Until::All),
        ensure(&["b"], true, Urgency::Immediate, Until::All),
        ensure(&["a", "b"], true, Urgency::Immediate, Until::Any),
    ];
    assert_eq!(service.calls()[1..], calls);
}

#[test]
fn any_gives_the_pack_that_arrived_and_fails_when_none_does() {
    let device = Device::new();
    let _service = FakeService::start(&device, shelf);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let all = packs.all_asset_packs().unwrap();
    let arrived = packs.ensure_any_local_availability(&all, EnsureOptions::new()).unwrap();
    assert_eq!(arrived.id(), "b");
    let error = packs.ensure_any_local_availability(&all[..1], EnsureOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NoSpace, "localAvailabilityFailure"));
    let local = error.local_availability().unwrap();
    assert_eq!(local.to_string(), "1 of 1 asset packs are not available");
    assert_eq!(*local.failures[0].1.failure(), failure());
    let error = packs.ensure_any_local_availability(&[], EnsureOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Usage, "nothingToWaitFor"));
}

#[test]
fn any_asks_nobody_when_one_is_here() {
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    let packs = device.connector().app(app()).asset_packs_blocking().unwrap();
    let all = packs.all_asset_packs().unwrap();
    install(&device.home(), 1, &Packs::default().with("b", 1, &[("x", "y")]));
    let here = packs.ensure_any_local_availability(&all, Urgency::Immediate).unwrap();
    assert_eq!((here.id(), service.calls().len()), ("b", 1), "only the list was asked for");
}

#[test]
fn administrators_wait_for_any_too() {
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    let packs = device.connector().packs().unwrap();
    let ids = ["a", "b"].map(pack_id);
    block_on(async {
        let mut events = packs.ensure_any(&ids, Urgency::Background).await.unwrap();
        assert!(matches!(events.next().await, Some(Ok(EnsureEvent::Done(_)))));
    });
    let events: Vec<_> = device
        .connector()
        .packs_blocking()
        .unwrap()
        .ensure_any(&ids, Require::AnyVersion)
        .unwrap()
        .collect();
    assert!(matches!(&events[..], [Ok(EnsureEvent::Done(done))] if done.successes.len() == 1));
    let calls = service.calls();
    assert!(calls.contains(&ensure(&["a", "b"], false, Urgency::Background, Until::Any)));
}
