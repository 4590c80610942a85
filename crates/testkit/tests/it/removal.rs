//! Packs are removed and downloads cancelled.

use headstart_engine::record::Freshness;
use headstart_engine::{Fact, Reply, explain, view};
use headstart_model::{ContentRequest, ErrorKind, Status};
use headstart_testkit::{Faults, seeds};

use crate::{installed, published};

#[test]
fn a_removed_pack_is_gone_until_somebody_asks_or_an_update_selects_it() {
    seeds::run(
        "removal::a_removed_pack_is_gone_until_somebody_asks_or_an_update_selects_it",
        |seed| {
            let mut world = installed(seed);
            let call = world.remove("game", "levels");
            assert_eq!(world.wait_for(call), Ok(Reply::Removed));
            assert_eq!(world.version_read("game", "levels"), None);
            world.content_request("game", ContentRequest::Periodic);
            world.settle();
            assert_eq!(
                world.version_read("game", "levels"),
                None,
                "a check does not bring it back"
            );
            let key = world.key("game", "levels");
            let explanation = explain(world.state(), &key, world.now()).expect("it is offered");
            assert_eq!(explanation.reasons[0].fact, Fact::RemovedByRequest);
            if world.rng().chance(500) {
                let call = world.ensure("game", &["levels"], Freshness::Any);
                world.wait_for_packs(call);
            } else {
                world.update("game", "2.0");
            }
            world.settle();
            assert_eq!(world.version_read("game", "levels"), Some(1));
        },
    );
}

#[test]
fn removing_and_asking_at_the_same_time_ends_with_the_pack() {
    seeds::run("removal::removing_and_asking_at_the_same_time_ends_with_the_pack", |seed| {
        let mut world = installed(seed);
        if world.rng().chance(500) {
            world.open_reader("game", "levels");
        }
        let removal = world.remove("game", "levels");
        let wait = world.rng().below(300);
        world.run_for(wait);
        let call = world.ensure("game", &["levels"], Freshness::Any);
        let (available, _) = world.wait_for_packs(call);
        assert_eq!(available.len(), 1);
        assert_eq!(world.wait_for(removal), Ok(Reply::Removed));
        world.settle();
        assert_eq!(world.version_read("game", "levels"), Some(1));
    });
}

#[test]
fn what_is_not_there_needs_no_removal_and_what_is_unknown_is_named() {
    seeds::run(
        "removal::what_is_not_there_needs_no_removal_and_what_is_unknown_is_named",
        |seed| {
            let mut world = installed(seed);
            let call = world.remove("game", "extra");
            assert_eq!(world.wait_for(call), Ok(Reply::Removed));
            let call = world.remove("game", "unheard-of");
            let failure = world.wait_for(call).expect_err("nobody knows it");
            assert_eq!(failure.kind, ErrorKind::NotFound);
            assert!(failure.message.contains("unheard-of"));
        },
    );
}

#[test]
fn a_download_can_be_cancelled_until_it_is_put_in_place() {
    seeds::run("removal::a_download_can_be_cancelled_until_it_is_put_in_place", |seed| {
        let mut world = installed(seed);
        let waiting = world.ensure("game", &["extra"], Freshness::Any);
        let wait = world.rng().below(500);
        world.run_for(wait);
        let moving = !view::downloads(world.state()).is_empty();
        let cancel = world.cancel("game", "extra");
        let outcome = world.wait_for(cancel);
        let (_, failed) = world.wait_for_packs(waiting);
        match outcome {
            Ok(reply) => {
                assert_eq!(reply, Reply::Cancelled);
                assert_eq!(
                    failed.values().map(|f| f.kind).collect::<Vec<_>>(),
                    [ErrorKind::Cancelled]
                );
                world.settle();
                assert_eq!(world.version_read("game", "extra"), None);
                // What was cancelled once can be asked for again, and again cancelled.
                world.ensure("game", &["extra"], Freshness::Any);
                let again = world.cancel("game", "extra");
                assert_eq!(world.wait_for(again), Ok(Reply::Cancelled));
            }
            Err(failure) if moving => assert_eq!(failure.code.as_str(), "alreadyFinished"),
            Err(failure) => assert_eq!(failure.code.as_str(), "notScheduled"),
        }
        world.settle();
    });
}

#[test]
fn cancelling_an_essential_pack_lets_the_installation_end() {
    seeds::run("removal::cancelling_an_essential_pack_lets_the_installation_end", |seed| {
        let mut world = published(seed);
        let install = world.install("game");
        world.run_until("the essential download", |world| {
            !view::downloads(world.state()).is_empty()
        });
        let cancel = world.cancel("game", "core");
        world.wait_for(cancel).expect("it has just begun");
        let answer = world.wait_for(install).expect("the app itself is installed");
        let Reply::Launchable { missed, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(missed.values().map(|f| f.kind).collect::<Vec<_>>(), [ErrorKind::Cancelled]);
        world.settle();
        assert_eq!(world.version_read("game", "core"), None, "cancelled means cancelled");
    });
}

#[test]
fn an_obsolete_pack_is_shown_as_such_and_goes_with_the_next_check() {
    seeds::run("removal::an_obsolete_pack_is_shown_as_such_and_goes_with_the_next_check", |seed| {
        let mut world = installed(seed);
        world.publisher("game").withdraw(&["levels"]);
        // Asking for the latest version of another pack fetches the catalog, and removes nothing.
        let call = world.ensure("game", &["core"], Freshness::Latest);
        world.wait_for_packs(call);
        let flags = view::status(world.state(), &world.key("game", "levels"));
        assert!(flags.contains(Status::OBSOLETE.with(Status::DOWNLOADED)));
        assert!(!flags.contains(Status::DOWNLOAD_AVAILABLE));
        world.faults = Faults { disk: 300, ..Faults::none() };
        world.content_request("game", ContentRequest::Periodic);
        world.settle();
        assert_eq!(world.version_read("game", "levels"), None);
        let call = world.ensure("game", &["levels"], Freshness::Any);
        let (_, failed) = world.wait_for_packs(call);
        assert_eq!(failed.values().map(|f| f.kind).collect::<Vec<_>>(), [ErrorKind::NotFound]);
    });
}
