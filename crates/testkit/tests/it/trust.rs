//! The repository's metadata expires.

use headstart_engine::record::Freshness;
use headstart_engine::{Fact, Reply, explain, view};
use headstart_model::{ContentRequest, ErrorKind};
use headstart_testkit::{Faults, Recipe, Standing, seeds};

use crate::{installed, published};

#[test]
fn expired_metadata_means_no_updates_and_a_reason_never_an_app_that_cannot_run() {
    seeds::run(
        "trust::expired_metadata_means_no_updates_and_a_reason_never_an_app_that_cannot_run",
        |seed| {
            let mut world = installed(seed);
            world.publisher("game").publish(&[("core", Recipe::essential(70))]);
            world.publisher("game").standing = Standing::Expired;
            let call = world.check("game");
            let failure = world.wait_for(call).expect_err("it is not to be trusted");
            assert_eq!(failure.kind, ErrorKind::Untrusted);
            assert!(world.may_launch("game"));
            assert_eq!(world.version_read("game", "core"), Some(1));
            let call = world.ensure("game", &["core"], Freshness::Any);
            assert_eq!(world.wait_for_packs(call).0.len(), 1, "what is local is readable");
            let call = world.ensure("game", &["extra"], Freshness::Any);
            let (_, failed) = world.wait_for_packs(call);
            assert_eq!(failed.values().map(|f| f.kind).collect::<Vec<_>>(), [ErrorKind::Untrusted]);
            let key = world.key("game", "core");
            let explanation = explain(world.state(), &key, world.now()).expect("it is local");
            let reason = explanation.reasons.first().expect("a reason");
            assert!(matches!(reason.fact, Fact::Distrusted { .. }));
            assert!(reason.since.is_some() && reason.until.is_some());
            world.publisher("game").standing = Standing::Sound;
            let call = world.check("game");
            world.wait_for(call).expect("it was refreshed");
            world.settle();
            assert_eq!(world.version_read("game", "core"), Some(2));
        },
    );
}

#[test]
fn a_lost_connection_does_not_restore_trust() {
    seeds::run("trust::a_lost_connection_does_not_restore_trust", |seed| {
        let mut world = published(seed);
        world.install("game");
        world.run_until("the launch", |world| world.may_launch("game"));
        world.publisher("game").standing = Standing::Expired;
        let call = world.check("game");
        world.wait_for(call).expect_err("it is not to be trusted");
        world.faults = Faults { network: 1_000, ..Faults::none() };
        let call = world.check("game");
        assert_eq!(world.wait_for(call).expect_err("no connection").kind, ErrorKind::Network);
        if world.rng().chance(500) {
            world.crash();
        }
        let app = view::apps(world.state()).remove(0);
        assert_eq!(app.check_failure.map(|f| f.kind), Some(ErrorKind::Untrusted));
        world.publisher("game").standing = Standing::Sound;
        world.faults = Faults::none();
        world.content_request("game", ContentRequest::Periodic);
        world.settle();
        assert_eq!(world.version_read("game", "levels"), Some(1));
    });
}

#[test]
fn an_untrusted_repository_at_installation_leaves_an_app_without_content() {
    seeds::run(
        "trust::an_untrusted_repository_at_installation_leaves_an_app_without_content",
        |seed| {
            let mut world = published(seed);
            world.publisher("game").standing = Standing::Expired;
            let call = world.install("game");
            let answer = world.wait_for(call).expect("the app itself is installed");
            let Reply::Launchable { catalog, .. } = answer else { panic!("{answer:?}") };
            assert_eq!(catalog.map(|f| f.kind), Some(ErrorKind::Untrusted));
            assert!(world.may_launch("game"));
            world.run_for(10_000);
            world.publisher("game").standing = Standing::Sound;
            world.settle();
            assert_eq!(world.version_read("game", "core"), Some(1), "it is made up for");
        },
    );
}
