//! The languages of an app and of its packs.

use headstart::packs::{Pack, PackState};
use headstart::{AssetPack, AssetPackManifest, Language, Namespace, PackFailure, Status};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{
    LanguageSet, Languages, LanguagesReply, List, PackList, ReconcileLanguages, Reconciliation,
    SetLanguage,
};

use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::installed::{Packs, install};
use crate::samples::{app, failure, pack, pack_id, state};

fn tag(text: &str) -> Language {
    text.parse().unwrap()
}

fn localized(id: &str, language: Option<&str>) -> PackState {
    let pack = Pack { language: language.map(tag), ..pack(id) };
    PackState { pack, ..state(id, Status::DOWNLOAD_AVAILABLE) }
}

/// A service with voices in four languages, whose app is German by the person's wish.
fn voices(call: &Call, peer: &mut Peer) -> Then {
    match call {
        Call::ListPacks(_) => {
            let packs = vec![
                localized("map", None),
                localized("voice-ca", Some("en-CA")),
                localized("voice-de", Some("de")),
                localized("voice-us", Some("en-US")),
                localized("extra-en", Some("en")),
            ];
            peer.reply::<List>(&PackList { packs });
        }
        Call::Languages(_) => peer.reply::<Languages>(&LanguagesReply {
            primary: Some(tag("en")),
            resolved: Some(tag("de")),
            ..LanguagesReply::default()
        }),
        Call::SetLanguage(set) => {
            peer.reply::<SetLanguage>(&LanguageSet { resolved: set.language.clone() });
        }
        Call::ReconcileLanguages(_) => {
            let failures = vec![PackFailure { pack: pack_id("voice-us"), failure: failure() }];
            let successes = vec![pack("extra-en")];
            let removed = Vec::new();
            peer.reply::<ReconcileLanguages>(&Reconciliation { successes, failures, removed });
        }
        _ => peer.fail(failure()),
    }
    Then::KeepOpen
}

fn ids<'a>(packs: impl Iterator<Item = &'a AssetPack>) -> Vec<&'a str> {
    packs.map(AssetPack::id).collect()
}

#[test]
fn a_manifest_tells_its_languages_and_the_packs_of_the_resolved_one() {
    let device = Device::new();
    let _service = FakeService::start(&device, voices);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let manifest = packs.manifest().unwrap();
    assert_eq!(manifest.primary_language(), Some(&tag("en")));
    assert_eq!(manifest.resolved_language(), Some(&tag("de")));
    assert_eq!(manifest.available_languages(), ["de", "en", "en-CA", "en-US"].map(tag));
    assert_eq!(ids(manifest.localized_asset_packs()), ["voice-de"]);
}

#[test]
fn a_manifest_finds_the_packs_that_are_nearest_to_a_language() {
    let device = Device::new();
    let _service = FakeService::start(&device, voices);
    let manifest = device.connector().asset_packs_blocking().unwrap().manifest().unwrap();
    for (asked, found) in [
        ("en", &["extra-en", "voice-us"][..]),
        ("en-Latn-US", &["extra-en", "voice-us"]),
        ("en-CA", &["voice-ca"]),
        ("en-AU", &["extra-en", "voice-us"]),
        ("gsw", &["voice-de"]),
        ("de-AT", &["voice-de"]),
        ("ja", &[]),
    ] {
        assert_eq!(ids(manifest.localized_asset_packs_for(&tag(asked))), found, "{asked}");
    }
}

#[test]
fn the_language_is_set_and_reconciled_through_the_service() {
    let device = Device::new();
    let service = FakeService::start(&device, voices);
    let packs = device.connector().asset_packs_blocking().unwrap();
    assert_eq!(packs.resolved_language().unwrap(), Some(tag("de")));
    assert_eq!(packs.set_resolved_language(Some(&tag("en"))).unwrap(), Some(tag("en")));
    assert_eq!(packs.set_resolved_language(None).unwrap(), None);
    let set = Call::SetLanguage(SetLanguage { app: None, language: Some(tag("en")) });
    assert_eq!(service.calls()[1], set);
    let error = packs.reconcile_preferred_languages().unwrap_err();
    let local = error.local_availability().expect("it tells each pack's end");
    assert_eq!(ids(local.successes.iter()), ["extra-en"]);
    assert_eq!(ids(local.failures.iter().map(|(pack, _)| pack)), ["voice-us"]);
}

#[test]
fn the_hello_says_what_the_person_reads() {
    let device = Device::new();
    let service = FakeService::start(&device, voices);
    let connector = device.connector().app(app()).preferred_languages(["fr-CA", "en"].map(tag));
    connector.asset_packs_blocking().unwrap().resolved_language().unwrap();
    assert_eq!(service.hellos()[0].languages, ["fr-CA", "en"].map(tag));
}

fn read(namespace: &Namespace, language: &str) -> Option<String> {
    let contents = namespace.contents_for(&tag(language), "voice/hello").ok()?;
    Some(String::from_utf8(contents.to_vec()).unwrap())
}

#[test]
fn a_file_is_read_in_a_language_and_in_what_is_the_same_language() {
    let device = Device::new();
    let with =
        |packs: Packs, id, language| packs.with_language(id, 1, language, &[("voice/hello", id)]);
    let installed =
        [("a", None), ("ca", Some("en-CA")), ("de", Some("de-DE")), ("us", Some("en-US"))];
    let installed = installed.into_iter().fold(Packs::default(), |p, (id, tag)| with(p, id, tag));
    install(&device.home(), 1, &installed);
    let packs = device.connector().app(app()).asset_packs_blocking().unwrap();
    let namespace = packs.namespace().unwrap();
    for (asked, found) in [
        ("en", Some("us")),
        ("en-Latn-US", Some("us")),
        ("en-CA", Some("ca")),
        ("en-GB", None),
        ("de", Some("de")),
        ("de-AT", None),
    ] {
        assert_eq!(read(&namespace, asked).as_deref(), found, "{asked}");
    }
    let here = ["de-DE", "en-CA", "en-US"].map(tag);
    assert_eq!(packs.locally_available_languages().unwrap(), here);
    let empty = Device::new();
    let nothing = empty.connector().app(app()).asset_packs_blocking().unwrap();
    assert_eq!(nothing.locally_available_languages().unwrap(), []);
}

#[test]
fn the_async_manager_answers_the_same() {
    let device = Device::new();
    let _service = FakeService::start(&device, voices);
    futures_lite::future::block_on(async {
        let packs = device.connector().asset_packs().await.unwrap();
        assert_eq!(packs.resolved_language().await.unwrap(), Some(tag("de")));
        assert_eq!(packs.set_resolved_language(Some(&tag("fr"))).await.unwrap(), Some(tag("fr")));
        packs.reconcile_preferred_languages().await.unwrap_err();
        assert_eq!(packs.locally_available_languages().unwrap(), []);
        let manifest: AssetPackManifest = packs.manifest().await.unwrap();
        assert_eq!(ids(manifest.localized_asset_packs()), ["voice-de"]);
    });
}
