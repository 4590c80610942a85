//! Localized packs: which come by themselves, and what a change of the language does.

use headstart_engine::record::Freshness;
use headstart_engine::{Fact, Network, Reply, explain};
use headstart_model::ContentRequest;
use headstart_testkit::{Faults, Recipe, World, seeds};

/// A world whose `game` has voices in three languages, English being its own, and a map for everybody.
fn published(seed: u64) -> World {
    let mut world = World::new(seed);
    world.publisher("game").publish(&[
        ("map", Recipe::essential(30)),
        ("voice-en", Recipe::essential(40).localized("en")),
        ("voice-de", Recipe::essential(50).localized("de")),
        ("voice-fr", Recipe::prefetch(60).localized("fr")),
        ("extra-de", Recipe::on_demand(20).localized("de")),
    ]);
    world
}

fn voices(world: &World) -> Vec<&'static str> {
    let all = ["voice-en", "voice-de", "voice-fr", "extra-de"];
    all.into_iter().filter(|pack| world.version_read("game", pack).is_some()).collect()
}

#[test]
fn only_packs_of_the_resolved_language_come_with_an_installation() {
    seeds::run(
        "languages::only_packs_of_the_resolved_language_come_with_an_installation",
        |seed| {
            for (person, resolved, here) in [
                (&["de-AT"][..], "de", "voice-de"),
                (&["fr-CA", "de"], "fr", "voice-fr"),
                (&["ja"], "en", "voice-en"),
                (&[], "en", "voice-en"),
            ] {
                let mut world = published(seed);
                world.set_languages(person);
                let call = world.install("game");
                world.wait_for(call).expect("it can be installed");
                assert!(here == "voice-fr" || voices(&world) == [here], "essential: {person:?}");
                world.settle();
                assert_eq!(voices(&world), [here], "{person:?}");
                assert_eq!(world.language("game").as_deref(), Some(resolved));
                assert_eq!(world.version_read("game", "map"), Some(1));
            }
        },
    );
}

#[test]
fn a_pack_of_another_language_says_that_it_is_one() {
    seeds::run("languages::a_pack_of_another_language_says_that_it_is_one", |seed| {
        let mut world = published(seed);
        world.set_languages(&["de"]);
        world.install("game");
        world.settle();
        let key = world.key("game", "voice-fr");
        let explanation = explain(world.state(), &key, world.now()).expect("it is offered");
        let text = explanation.reasons[0].fact.to_string();
        assert_eq!(text, "it is localized for `fr`, and the app's language is `de`");
        let key = world.key("game", "extra-de");
        let explanation = explain(world.state(), &key, world.now()).expect("it is offered");
        assert_eq!(explanation.reasons[0].fact, Fact::NotWanted);
    });
}

#[test]
fn when_the_person_changes_the_language_its_packs_come_and_the_old_ones_stay() {
    seeds::run(
        "languages::when_the_person_changes_the_language_its_packs_come_and_the_old_ones_stay",
        |seed| {
            let mut world = published(seed);
            world.set_languages(&["de"]);
            world.install("game");
            world.settle();
            world.faults = Faults { network: 100, crash: 10, ..Faults::none() };
            if world.rng().chance(500) {
                world.set_network(Network::Offline);
                world.set_languages(&["fr"]);
                world.run_for(5_000);
                world.set_network(Network::Online);
            } else {
                world.set_languages(&["fr"]);
            }
            if world.rng().chance(500) {
                world.crash();
            }
            world.settle();
            assert_eq!(voices(&world), ["voice-de", "voice-fr"]);
            assert_eq!(world.language("game").as_deref(), Some("fr"));
        },
    );
}

#[test]
fn what_a_process_of_the_app_says_goes_before_what_the_device_says() {
    seeds::run(
        "languages::what_a_process_of_the_app_says_goes_before_what_the_device_says",
        |seed| {
            let mut world = published(seed);
            world.set_languages(&["fr"]);
            world.install("game");
            world.settle();
            world.tell_languages("game", &["de-CH", "fr"]);
            world.set_languages(&["ja", "fr"]);
            world.tell_languages("game", &[]);
            world.settle();
            assert_eq!(world.language("game").as_deref(), Some("de"));
            assert_eq!(voices(&world), ["voice-de", "voice-fr"]);
        },
    );
}

#[test]
fn setting_the_language_moves_no_byte() {
    seeds::run("languages::setting_the_language_moves_no_byte", |seed| {
        let mut world = published(seed);
        world.set_languages(&["de"]);
        world.install("game");
        world.settle();
        let call = world.choose_language("game", Some("fr-BE"));
        let fr = "fr".parse().expect("a tag");
        assert_eq!(world.wait_for(call), Ok(Reply::LanguageResolved(Some(fr))));
        world.content_request("game", ContentRequest::Periodic);
        world.set_languages(&["en"]);
        world.settle();
        assert_eq!(world.language("game").as_deref(), Some("fr"), "its own word lasts");
        assert_eq!(voices(&world), ["voice-de"]);
        // The next event of an installation selects for it.
        world.update("game", "2.0");
        world.settle();
        assert_eq!(voices(&world), ["voice-de", "voice-fr"]);
        let call = world.choose_language("game", None);
        let en = "en".parse().expect("a tag");
        assert_eq!(world.wait_for(call), Ok(Reply::LanguageResolved(Some(en))));
    });
}

#[test]
fn reconciling_fetches_what_is_missing_and_then_removes_what_is_not_needed() {
    seeds::run(
        "languages::reconciling_fetches_what_is_missing_and_then_removes_what_is_not_needed",
        |seed| {
            let mut world = published(seed);
            world.set_languages(&["de"]);
            world.install("game");
            world.settle();
            // What the app fetched itself is its own.
            let own = world.rng().chance(500);
            if own {
                let call = world.ensure("game", &["extra-de"], Freshness::Any);
                world.wait_for_packs(call);
            }
            // Asking again for what came by itself does not make it the app's own.
            let call = world.ensure("game", &["voice-de"], Freshness::Any);
            world.wait_for_packs(call);
            let call = world.choose_language("game", Some("fr"));
            world.wait_for(call).expect("it is installed");
            let call = world.reconcile("game");
            let answer = world.wait_for(call).expect("the catalog is at hand");
            let Reply::Reconciled { available, failed, removed } = answer else {
                panic!("{answer:?}")
            };
            assert!(failed.is_empty());
            assert_eq!(available, [world.key("game", "voice-fr").pack]);
            assert_eq!(removed, [world.key("game", "voice-de").pack]);
            let expected = if own { vec!["voice-fr", "extra-de"] } else { vec!["voice-fr"] };
            assert_eq!(voices(&world), expected);
            let call = world.reconcile("game");
            let again = world.wait_for(call).expect("nothing is to be done");
            let Reply::Reconciled { available, removed, .. } = again else { panic!("{again:?}") };
            assert!(available.is_empty() && removed.is_empty());
            world.settle();
        },
    );
}

#[test]
fn reconciling_removes_nothing_while_something_is_missing() {
    seeds::run("languages::reconciling_removes_nothing_while_something_is_missing", |seed| {
        let mut world = published(seed);
        world.set_languages(&["de"]);
        world.install("game");
        world.settle();
        let call = world.choose_language("game", Some("fr"));
        world.wait_for(call).expect("it is installed");
        world.set_network(Network::Offline);
        let call = world.reconcile("game");
        let answer = world.wait_for(call).expect("the catalog is at hand");
        let Reply::Reconciled { available, failed, removed } = answer else { panic!("{answer:?}") };
        assert!(available.is_empty() && removed.is_empty());
        assert_eq!(failed.len(), 1);
        assert_eq!(voices(&world), ["voice-de"]);
        world.set_network(Network::Online);
        world.settle();
    });
}

#[test]
fn reconciling_survives_whatever_goes_wrong() {
    seeds::run("languages::reconciling_survives_whatever_goes_wrong", |seed| {
        let mut world = published(seed);
        world.faults = Faults::everything();
        world.set_languages(&["de"]);
        world.install("game");
        for tag in ["fr", "en", "de-AT", "fr"] {
            let wait = world.rng().below(600);
            world.run_for(wait);
            world.choose_language("game", Some(tag));
            let call = world.reconcile("game");
            if world.rng().chance(300) {
                world.vanish(call);
            }
        }
        world.faults = Faults::none();
        world.settle();
        if world.state().records().apps().next().is_none() {
            world.install("game");
            world.settle();
        }
        world.choose_language("game", Some("fr"));
        let call = world.reconcile("game");
        let answer = world.wait_for(call).expect("nothing goes wrong any more");
        assert!(matches!(answer, Reply::Reconciled { failed, .. } if failed.is_empty()));
        world.settle();
        assert_eq!(voices(&world), ["voice-fr"]);
    });
}

#[test]
fn a_language_that_is_offered_later_comes_when_it_suits_better() {
    seeds::run("languages::a_language_that_is_offered_later_comes_when_it_suits_better", |seed| {
        let mut world = published(seed);
        world.set_languages(&["gsw", "de"]);
        world.install("game");
        world.settle();
        assert_eq!(world.language("game").as_deref(), Some("de"));
        let swiss = Recipe::prefetch(30).localized("gsw");
        world.publisher("game").publish(&[("voice-gsw", swiss)]);
        world.content_request("game", ContentRequest::Periodic);
        world.settle();
        assert_eq!(world.language("game").as_deref(), Some("gsw"));
        assert_eq!(world.version_read("game", "voice-gsw"), Some(1));
    });
}

#[test]
fn a_simulated_change_brings_what_the_language_still_lacks() {
    seeds::run("languages::a_simulated_change_brings_what_the_language_still_lacks", |seed| {
        let mut world = published(seed);
        world.set_languages(&["de"]);
        world.install("game");
        world.settle();
        let call = world.choose_language("game", Some("fr"));
        world.wait_for(call).expect("it is installed");
        world.content_request("game", ContentRequest::LanguageChange);
        world.settle();
        assert_eq!(voices(&world), ["voice-de", "voice-fr"]);
    });
}
