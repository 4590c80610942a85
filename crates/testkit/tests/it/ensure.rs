//! An app asks for packs.

use headstart_engine::Network;
use headstart_engine::record::Freshness;
use headstart_engine::{Class, view};
use headstart_model::{ErrorKind, PackId};
use headstart_testkit::{Recipe, seeds};

use crate::installed;

#[test]
fn a_local_pack_is_answered_at_once_without_the_server() {
    seeds::run("ensure::a_local_pack_is_answered_at_once_without_the_server", |seed| {
        let mut world = installed(seed);
        world.publisher("game").publish(&[("core", Recipe::essential(70))]);
        world.set_network(Network::Offline);
        let call = world.ensure("game", &["core", "levels"], Freshness::Any);
        assert!(world.answer(call).is_some(), "no time has passed");
        let (available, failed) = world.wait_for_packs(call);
        assert_eq!((available.len(), failed.len()), (2, 0));
        assert_eq!(world.version_read("game", "core"), Some(1), "nobody looked for updates");
    });
}

#[test]
fn the_latest_version_is_waited_for_when_it_is_asked_for() {
    seeds::run("ensure::the_latest_version_is_waited_for_when_it_is_asked_for", |seed| {
        let mut world = installed(seed);
        world.publisher("game").publish(&[("core", Recipe::essential(70))]);
        let call = world.ensure("game", &["core", "levels"], Freshness::Latest);
        let (available, failed) = world.wait_for_packs(call);
        assert_eq!((available.len(), failed.len()), (2, 0));
        assert_eq!(world.version_read("game", "core"), Some(2));
    });
}

#[test]
fn a_batch_says_which_packs_can_be_read_and_why_others_cannot() {
    seeds::run("ensure::a_batch_says_which_packs_can_be_read_and_why_others_cannot", |seed| {
        let mut world = installed(seed);
        let call = world.ensure("game", &["core", "extra", "unheard-of"], Freshness::Any);
        let (available, failed) = world.wait_for_packs(call);
        let names: Vec<_> = available.iter().map(PackId::as_str).collect();
        assert_eq!(names, ["core", "extra"]);
        let kinds: Vec<_> = failed.values().map(|failure| failure.kind).collect();
        assert_eq!(kinds, [ErrorKind::NotFound]);
        assert_eq!(world.version_read("game", "extra"), Some(1));
    });
}

#[test]
fn a_pack_published_a_moment_ago_is_found() {
    seeds::run("ensure::a_pack_published_a_moment_ago_is_found", |seed| {
        let mut world = installed(seed);
        world.publisher("game").publish(&[("brand-new", Recipe::on_demand(30))]);
        let call = world.ensure("game", &["brand-new"], Freshness::Any);
        let (available, _) = world.wait_for_packs(call);
        assert_eq!(available.len(), 1);
    });
}

#[test]
fn without_a_network_the_caller_is_told_at_once() {
    seeds::run("ensure::without_a_network_the_caller_is_told_at_once", |seed| {
        let mut world = installed(seed);
        world.set_network(Network::Offline);
        let calls = [
            world.ensure("game", &["extra"], Freshness::Any),
            world.ensure("game", &["core"], Freshness::Latest),
            world.ensure("game", &["unheard-of"], Freshness::Any),
        ];
        for call in calls {
            assert!(world.answer(call).is_some(), "no time has passed");
            let (_, failed) = world.wait_for_packs(call);
            assert!(failed.values().all(|failure| failure.code.as_str() == "offline"));
            assert_eq!(failed.len(), 1);
        }
        world.set_network(Network::Online);
        world.settle();
        assert_eq!(
            world.version_read("game", "extra"),
            None,
            "it failed, so it is not fetched later"
        );
    });
}

#[test]
fn who_waits_lifts_a_download_and_loses_no_byte() {
    seeds::run("ensure::who_waits_lifts_a_download_and_loses_no_byte", |seed| {
        let mut world = installed(seed);
        let many: Vec<String> = (0..6).map(|n| format!("level-{n}")).collect();
        let packs: Vec<_> = many.iter().map(|id| (id.as_str(), Recipe::prefetch(120))).collect();
        world.publisher("game").publish(&packs);
        world.update("game", "2.0");
        world.run_until("the downloads", |world| view::downloads(world.state()).len() == 6);
        let wait = world.rng().below(500);
        world.run_for(wait);
        let done = |world: &headstart_testkit::World| {
            let views = view::downloads(world.state());
            views
                .into_iter()
                .find(|v| v.subject == view::Subject::Pack(world.key("game", "level-5").pack))
        };
        let Some(before) = done(&world) else { return };
        let call = world.ensure("game", &["level-5"], Freshness::Any);
        let after = done(&world).expect("it is on its way");
        assert_eq!(after.class, Class::Foreground);
        assert_eq!(after.id, before.id, "it is the same download");
        assert!(after.bytes_done >= before.bytes_done);
        let (available, _) = world.wait_for_packs(call);
        assert_eq!(available.len(), 1);
    });
}
