//! Calls and their answers.

use headstart::packs::Updates;
use headstart::{AppId, ErrorKind, Failure, PackFailure, PackVersion, Require, Status, Trust};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{
    CheckForUpdates, Ensure, EnsureEvent, EnsureOutcome, Languages, LanguagesReply, List,
    LocalStatus, LocalStatusReply, PackList, Remove, Removed, Status as AskStatus,
};

use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::installed::{Packs, install};
use crate::samples::{app, failure, pack, pack_id, state};

/// A service that has the packs `b`, `a`, and the obsolete `old`.
fn shelf(call: &Call, peer: &mut Peer) -> Then {
    match call {
        Call::ListPacks(_) => {
            let obsolete = Status::OBSOLETE.with(Status::DOWNLOADED);
            let packs = vec![
                state("b", Status::DOWNLOAD_AVAILABLE),
                state("old", obsolete),
                state("a", Status::DOWNLOAD_AVAILABLE),
            ];
            peer.reply::<List>(&PackList { packs });
        }
        Call::PackStatus(ask) => {
            let compared = match ask.relative_to {
                Some(PackVersion(2)) => Status::UP_TO_DATE,
                Some(_) => Status::OUT_OF_DATE,
                None => Status::DOWNLOAD_AVAILABLE,
            };
            peer.reply::<AskStatus>(&state(ask.pack.as_str(), compared));
        }
        Call::LocalStatus(_) => {
            let status = Status::DOWNLOADED.with(Status::OBSOLETE);
            peer.reply::<LocalStatus>(&LocalStatusReply { status });
        }
        Call::Languages(_) => peer.reply::<Languages>(&LanguagesReply::default()),
        Call::Remove(_) => peer.reply::<Remove>(&Removed {}),
        Call::CheckForUpdates(_) => {
            let updates = Updates {
                updating: vec![pack_id("a")],
                removed: vec![pack_id("old")],
                withheld: Vec::new(),
            };
            peer.reply::<CheckForUpdates>(&updates);
        }
        _ => peer.fail(failure()),
    }
    Then::KeepOpen
}

#[test]
fn the_offered_packs_are_listed_by_id_without_obsolete_ones() {
    let device = Device::new();
    let _service = FakeService::start(&device, shelf);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let all = packs.all_asset_packs().unwrap();
    assert_eq!(all.iter().map(headstart::AssetPack::id).collect::<Vec<_>>(), ["a", "b"]);
    let manifest = packs.manifest().unwrap();
    assert_eq!(manifest.asset_packs(), all);
    assert!(manifest.asset_pack("old").is_none());
    assert_eq!(manifest.localized_asset_packs().count(), 0);
    let a = manifest.asset_pack("a").unwrap();
    assert_eq!(
        (a.version(), a.download_size(), a.installed_size()),
        (PackVersion(2), 10, Some(20))
    );
    assert_eq!(a.user_info().unwrap()["title"], "a");
    assert_eq!((a.policy().name(), a.trust(), a.language()), ("onDemand", Trust::Signed, None));
    assert_eq!(a.to_string(), "a (version 2)");
}

#[test]
fn states_are_those_that_the_service_gives() {
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let a = packs.asset_pack("a").unwrap();
    assert_eq!(packs.status_of("a").unwrap(), Status::DOWNLOAD_AVAILABLE);
    assert_eq!(packs.status_relative_to(&a).unwrap(), Status::UP_TO_DATE);
    assert_eq!(packs.local_status("a"), Status::DOWNLOADED.with(Status::OBSOLETE));
    let updates = packs.check_for_updates().unwrap();
    assert_eq!((updates.updating, updates.removed), (vec!["a".into()], vec!["old".into()]));
    packs.remove("a").unwrap();
    assert_eq!(
        service.calls().last(),
        Some(&Call::Remove(Remove { app: None, pack: pack_id("a") }))
    );
}

#[test]
fn an_id_that_no_pack_can_have_is_not_found_without_asking() {
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let asked = [
        ("../x", packs.remove("../x")),
        ("", packs.cancel("")),
        ("a b", packs.status_of("a b").map(drop)),
    ];
    for (id, result) in asked {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "assetPackNotFound"));
        assert_eq!(error.missing(), Some(id));
    }
    assert_eq!(service.calls(), []);
}

#[test]
fn what_the_service_does_not_find_is_named_as_it_was_asked_for() {
    let device = Device::new();
    let _service = FakeService::start(&device, |_, peer| {
        peer.fail(Failure::new(ErrorKind::NotFound, "assetPackNotFound", "there is none"));
        Then::KeepOpen
    });
    let packs = device.connector().asset_packs_blocking().unwrap();
    let asked = [
        packs.asset_pack("b").map(drop),
        packs.status_of("b").map(drop),
        packs.remove("b"),
        packs.cancel("b"),
        packs.status_updates_for("b").map(drop),
        packs.read_ahead("b", "file").map(drop),
    ];
    for result in asked {
        assert_eq!(result.unwrap_err().missing(), Some("b"));
    }
    assert_eq!(packs.all_asset_packs().unwrap_err().missing(), None);
}

#[test]
fn a_failure_of_the_service_arrives_unchanged() {
    let device = Device::new();
    let _service = FakeService::start(&device, |_, peer| {
        peer.fail(failure());
        Then::KeepOpen
    });
    let packs = device.connector().asset_packs_blocking().unwrap();
    let error = packs.check_for_updates().unwrap_err();
    assert_eq!(*error.failure(), failure());
    assert_eq!((error.kind(), error.code()), (ErrorKind::NoSpace, "diskFull"));
    assert_eq!(error.hint(), Some("free some space"));
    assert_eq!(error.to_string(), "`a` needs 3 bytes more: quota exceeded: device full");
    assert!(!error.is_retryable());
}

#[test]
fn a_batch_tells_successes_and_failures() {
    let device = Device::new();
    let _service = FakeService::start(&device, |call, peer| {
        match call {
            Call::Ensure(_) => {
                let failures = vec![PackFailure { pack: pack_id("b"), failure: failure() }];
                let outcome = EnsureOutcome { successes: vec![pack("a")], failures };
                peer.reply::<Ensure>(&EnsureEvent::Done(outcome));
            }
            _ => return shelf(call, peer),
        }
        Then::KeepOpen
    });
    let packs = device.connector().asset_packs_blocking().unwrap();
    let all = packs.all_asset_packs().unwrap();
    let error = packs.ensure_local_availability_of(&all, Require::LatestVersion).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NoSpace, "localAvailabilityFailure"));
    let local = error.local_availability().unwrap();
    assert_eq!(local.successes, all[..1]);
    let (failed, why) = &local.failures[0];
    assert_eq!((failed.id(), why.failure()), ("b", &failure()));

    packs.ensure_local_availability(&all[0]).unwrap();
    let error = packs.ensure_local_availability(&all[1]).unwrap_err();
    assert_eq!(*error.failure(), failure(), "of one pack, its own failure");
}

#[test]
fn a_pack_that_can_be_read_needs_no_service_unless_the_latest_is_required() {
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    let packs = device.connector().app(app()).asset_packs_blocking().unwrap();
    let a = packs.asset_pack("a").unwrap();
    drop(service);
    install(&device.home(), 1, &Packs::default().with("a", 1, &[("x", "y")]));
    packs.ensure_local_availability(&a).unwrap();
    packs.ensure_local_availability_of(&[a.clone(), a.clone()], Require::AnyVersion).unwrap();
    let error = packs.ensure_local_availability_with(&a, Require::LatestVersion).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "serviceNotRunning"));
    assert!(error.is_retryable());
}

#[test]
fn the_service_says_which_app_a_process_is() {
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    let packs = device.connector().asset_packs_blocking().unwrap();
    assert_eq!(*packs.app(), app());
    let hello = &service.hellos()[0];
    assert_eq!(hello.client_pid, std::process::id());
    assert_eq!((&hello.app, &hello.app_token), (&None, &None));

    let other = Device::new();
    let _service = FakeService::listen(&other.socket(), &other.home(), None, shelf);
    let error = other.connector().asset_packs_blocking().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Refused, "notAnApp"));
}

#[test]
fn a_claim_goes_into_the_hello_and_an_administrator_names_the_app_in_each_call() {
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    let game = AppId::new("com.example.other").unwrap();
    let claimed = device.connector().app(game.clone()).asset_packs_blocking().unwrap();
    assert_eq!(*claimed.app(), game);
    claimed.all_asset_packs().unwrap();
    assert_eq!(service.hellos()[0].app, Some(game.clone()));
    assert_eq!(service.calls()[0], Call::ListPacks(List { app: None }));

    let acting = device.connector().on_behalf_of(game.clone()).asset_packs_blocking().unwrap();
    acting.all_asset_packs().unwrap();
    assert_eq!(service.hellos()[1].app, None);
    assert_eq!(service.calls()[1], Call::ListPacks(List { app: Some(game) }));
}

#[test]
fn calls_share_a_connection_and_find_a_service_that_was_restarted() {
    let device = Device::new();
    let service = FakeService::start(&device, shelf);
    let packs = device.connector().asset_packs_blocking().unwrap();
    packs.all_asset_packs().unwrap();
    packs.clone().status_of("a").unwrap();
    assert_eq!(service.connections(), 1);
    drop(service);
    let service = FakeService::start(&device, shelf);
    packs.all_asset_packs().unwrap();
    packs.all_asset_packs().unwrap();
    assert_eq!(service.connections(), 1);
}

#[test]
fn a_service_with_another_home_is_not_spoken_to() {
    let device = Device::new();
    let elsewhere = Device::new();
    let service = FakeService::listen(&device.socket(), &elsewhere.home(), None, shelf);
    let packs = device.connector().app(app()).asset_packs_blocking().unwrap();
    let error = packs.all_asset_packs().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "otherHome"));
    assert_eq!(service.calls(), []);
}
