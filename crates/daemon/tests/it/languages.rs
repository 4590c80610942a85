//! Localized packs: which come by themselves, and what a change of the language does, with the real service.

use headstart::apps::{AppDetails, SimulationEvent};
use headstart::blocking::AssetPackManager;
use headstart::{
    AppId, AssetPack, ContentRequest, DownloadStatusUpdate, Language, PackId, Require,
};
use jiff::Timestamp;

use crate::device::{APP, Device};
use crate::publisher::{Policy, Publisher, Web};

struct World {
    _folder: tempfile::TempDir,
    _web: Web,
    device: Device,
}

fn tag(text: &str) -> Language {
    text.parse().unwrap()
}

/// A game with voices in three languages, English being its own, and a map for everybody.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    let archives = [
        publisher.pack("map", Policy::Essential, 1),
        publisher.pack("voice-de", Policy::Essential, 1),
        publisher.pack("voice-en", Policy::Essential, 1),
        publisher.pack("voice-fr", Policy::Prefetch, 1),
        publisher.pack("extra-de", Policy::OnDemand, 1),
    ];
    publisher.publish_altered(&archives, Timestamp::now(), |pack, _| {
        pack.language = pack.id.as_str().split_once('-').map(|(_, language)| tag(language));
    });
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    World { _folder: folder, _web: web, device }
}

fn local(library: &AssetPackManager) -> Vec<&'static str> {
    let all = ["extra-de", "map", "voice-de", "voice-en", "voice-fr"];
    all.into_iter().filter(|id| library.asset_pack_is_available_locally(id)).collect()
}

/// The note of a pack as it is read in a language.
fn note(library: &AssetPackManager, pack: &str, language: &str) -> Option<String> {
    let contents = library.contents_for(&tag(language), &format!("{pack}/note.txt")).ok()?;
    Some(String::from_utf8(contents.to_vec()).unwrap())
}

fn details(device: &Device) -> AppDetails {
    device.apps().unwrap().info(&AppId::new(APP).unwrap()).unwrap()
}

#[test]
fn only_the_language_of_the_person_is_installed_and_read() {
    let world = world();
    let service = world.device.start_in("de_AT.UTF-8", &[]);
    world.device.install().unwrap();
    let library = world.device.library().unwrap();
    assert_eq!(local(&library), ["map", "voice-de"]);
    assert_eq!(library.resolved_language().unwrap(), Some(tag("de")));
    assert_eq!(details(&world.device).resolved_language, Some(tag("de")));
    assert_eq!(library.locally_available_languages().unwrap(), [tag("de")]);
    let manifest = library.manifest().unwrap();
    assert_eq!(manifest.primary_language(), Some(&tag("en")));
    assert_eq!(manifest.available_languages(), ["de", "en", "fr"].map(tag));
    let localized: Vec<_> = manifest.localized_asset_packs().map(AssetPack::id).collect();
    assert_eq!(localized, ["extra-de", "voice-de"]);
    let german = "edition 1 of voice-de\n";
    assert_eq!(note(&library, "voice-de", "de-Latn-DE").as_deref(), Some(german));
    assert_eq!(note(&library, "voice-de", "de-AT"), None, "that is another language");
    assert_eq!(note(&library, "map", "de"), None, "that is in no language");
    let why = world.device.packs().unwrap().explain(&PackId::new("voice-fr").unwrap()).unwrap();
    let text = "it is localized for `fr`, and the app's language is `de`";
    assert_eq!((why.reasons[0].fact.as_str(), why.reasons[0].text.as_str()), ("localized", text));
    service.stop(&world.device);
    // An environment that says nothing changes nothing.
    let service = world.device.start(&[]);
    library.check_for_updates().unwrap();
    assert_eq!(library.resolved_language().unwrap(), Some(tag("de")));
    service.stop(&world.device);
}

#[test]
fn an_app_switches_its_language_and_reconciles() {
    let world = world();
    let service = world.device.start_in("de_DE.UTF-8", &[]);
    world.device.install().unwrap();
    let library = world.device.library().unwrap();
    assert_eq!(library.set_resolved_language(Some(&tag("fr-CA"))).unwrap(), Some(tag("fr")));
    library.check_for_updates().unwrap();
    assert_eq!(local(&library), ["map", "voice-de"], "setting it downloads nothing");
    library.reconcile_preferred_languages().unwrap();
    assert_eq!(local(&library), ["map", "voice-fr"]);
    assert_eq!(library.locally_available_languages().unwrap(), [tag("fr")]);
    // What the app downloads itself stays whatever its language becomes.
    world.device.ensure(&["extra-de"], Require::AnyVersion).unwrap();
    library.reconcile_preferred_languages().unwrap();
    assert_eq!(local(&library), ["extra-de", "map", "voice-fr"]);
    assert_eq!(library.set_resolved_language(None).unwrap(), Some(tag("de")));
    library.reconcile_preferred_languages().unwrap();
    assert_eq!(local(&library), ["extra-de", "map", "voice-de"]);
    service.stop(&world.device);
}

#[test]
fn what_a_process_of_the_app_says_of_its_person_brings_the_packs() {
    let world = world();
    let service = world.device.start(&[]);
    world.device.install().unwrap();
    let library = world.device.library().unwrap();
    assert_eq!(local(&library), ["map", "voice-en"], "nobody said anything: its own language");
    let updates = library.status_updates_for("voice-fr").unwrap();
    let french = world.device.connector().preferred_languages(["fr-FR", "de"].map(tag));
    let french = french.asset_packs_blocking().unwrap();
    assert_eq!(french.resolved_language().unwrap(), Some(tag("fr")));
    let last = updates.map(Result::unwrap).last().unwrap();
    assert!(matches!(last, DownloadStatusUpdate::Finished { .. }), "{last:?}");
    assert_eq!(local(&library), ["map", "voice-en", "voice-fr"]);
    service.stop(&world.device);
}

#[test]
fn a_simulated_language_change_brings_what_is_missing() {
    let world = world();
    let service = world.device.start_in("de_DE.UTF-8", &[]);
    world.device.install().unwrap();
    let library = world.device.library().unwrap();
    library.set_resolved_language(Some(&tag("fr"))).unwrap();
    let apps = world.device.apps().unwrap();
    let app = AppId::new(APP).unwrap();
    let events = apps.simulate_event(&app, ContentRequest::LanguageChange).unwrap();
    let last = events.map(Result::unwrap).last().unwrap();
    assert!(matches!(last, SimulationEvent::Done(_)), "{last:?}");
    assert_eq!(local(&library), ["map", "voice-de", "voice-fr"]);
    service.stop(&world.device);
}
