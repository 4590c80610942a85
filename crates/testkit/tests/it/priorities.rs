//! Who goes first, among packs and among apps.

use headstart_engine::record::Freshness;
use headstart_engine::{Network, Notice, PackUpdate, Terms, view};
use headstart_model::{Until, Urgency};
use headstart_testkit::{Recipe, World, seeds};

use crate::installed;

#[test]
fn an_essential_pack_takes_the_place_of_what_runs_in_the_background() {
    seeds::run(
        "priorities::an_essential_pack_takes_the_place_of_what_runs_in_the_background",
        |seed| {
            let mut world = World::new(seed);
            let many: Vec<String> = (0..4).map(|n| format!("level-{n}")).collect();
            let packs: Vec<_> =
                many.iter().map(|id| (id.as_str(), Recipe::prefetch(300))).collect();
            world.publisher("old").publish(&packs);
            world.publisher("new").publish(&[("core", Recipe::essential(60))]);
            world.install("old");
            world.run_until("the prefetch", |world| world.may_launch("old"));
            let wait = world.rng().below(200);
            world.run_for(wait);
            let call = world.install("new");
            world.wait_for(call).expect("nothing goes wrong");
            let left =
                view::downloads(world.state()).iter().filter(|v| v.app.as_str() == "old").count();
            assert!(left > 0, "the essential pack of the new app overtook them");
            // Rule 1 is checked after every event on the way.
            world.settle();
            assert!(many.iter().all(|pack| world.version_read("old", pack) == Some(1)));
        },
    );
}

#[test]
fn apps_take_turns() {
    seeds::run("priorities::apps_take_turns", |seed| {
        let mut world = World::new(seed);
        let many: Vec<String> = (0..14).map(|n| format!("level-{n}")).collect();
        let packs: Vec<_> = many.iter().map(|id| (id.as_str(), Recipe::prefetch(60))).collect();
        world.publisher("greedy").publish(&packs);
        world.publisher("modest").publish(&[("only", Recipe::prefetch(60))]);
        world.install("greedy");
        world.run_until("the greedy app", |world| world.may_launch("greedy"));
        world.install("modest");
        world.run_until("the modest app's download", |world| {
            view::downloads(world.state()).iter().any(|view| view.app.as_str() == "modest")
        });
        let before = world.notices().len();
        world.settle();
        let begun = world.notices()[before..].iter().filter_map(|(_, notice)| match notice {
            Notice::Pack { app, update: PackUpdate::Began, .. } => Some(app.as_str()),
            _ => None,
        });
        let ahead = begun.take_while(|app| *app == "greedy").count();
        assert!(ahead <= 1, "{ahead} packs of one app began before another app's first");
    });
}

fn terms(urgency: Urgency, until: Until) -> Terms {
    Terms { freshness: Freshness::Any, urgency, until }
}

/// A world with more downloads that somebody waits for than may run at one time.
fn crowded(seed: u64) -> (World, Vec<headstart_engine::RequestId>) {
    let mut world = installed(seed);
    let many: Vec<String> = (0..8).map(|n| format!("level-{n}")).collect();
    let packs: Vec<_> = many.iter().map(|id| (id.as_str(), Recipe::on_demand(300))).collect();
    world.publisher("game").publish(&packs);
    let calls = many[..7].iter().map(|id| world.ensure("game", &[id], Freshness::Any)).collect();
    world.run_until("the downloads", |world| view::downloads(world.state()).len() == 7);
    (world, calls)
}

#[test]
fn an_immediate_call_overtakes_others_that_people_wait_for() {
    seeds::run("priorities::an_immediate_call_overtakes_others_that_people_wait_for", |seed| {
        let (mut world, others) = crowded(seed);
        let hurried = terms(Urgency::Immediate, Until::All);
        let call = world.ensure_on("game", &["level-7"], hurried);
        let (available, _) = world.wait_for_packs(call);
        assert_eq!(available.len(), 1);
        let waiting = others.iter().filter(|other| world.answer(**other).is_none()).count();
        assert!(waiting >= 4, "only {waiting} of 7 earlier calls still wait");
        for other in others {
            assert_eq!(world.wait_for_packs(other).0.len(), 1, "who was overtaken arrives too");
        }
    });
}

#[test]
fn a_call_in_the_background_makes_way_for_one_in_the_foreground() {
    seeds::run(
        "priorities::a_call_in_the_background_makes_way_for_one_in_the_foreground",
        |seed| {
            let mut world = installed(seed);
            let many: Vec<String> = (0..6).map(|n| format!("level-{n}")).collect();
            let packs: Vec<_> =
                many.iter().map(|id| (id.as_str(), Recipe::on_demand(300))).collect();
            world.publisher("game").publish(&packs);
            let names: Vec<_> = many[..5].iter().map(String::as_str).collect();
            let ahead = world.ensure_on("game", &names, terms(Urgency::Background, Until::All));
            world.run_until("the downloads", |world| view::downloads(world.state()).len() == 5);
            let call = world.ensure("game", &["level-5"], Freshness::Any);
            assert_eq!(world.wait_for_packs(call).0.len(), 1);
            assert!(world.answer(ahead).is_none(), "it was overtaken");
            assert_eq!(world.wait_for_packs(ahead).0.len(), 5);
        },
    );
}

#[test]
fn a_call_in_the_background_waits_for_the_network_instead_of_failing() {
    seeds::run(
        "priorities::a_call_in_the_background_waits_for_the_network_instead_of_failing",
        |seed| {
            let mut world = installed(seed);
            world.set_network(Network::Offline);
            let patient = terms(Urgency::Background, Until::All);
            let known = world.ensure_on("game", &["extra"], patient);
            world.publisher("game").publish(&[("unheard-of", Recipe::on_demand(30))]);
            let unknown = world.ensure_on("game", &["unheard-of"], patient);
            let hurried = world.ensure("game", &["extra"], Freshness::Any);
            assert_eq!(world.wait_for_packs(hurried).1.len(), 1, "who is in a hurry is told");
            world.run_for(60_000);
            assert!(world.answer(known).is_none() && world.answer(unknown).is_none());
            world.set_network(Network::Online);
            assert_eq!(world.wait_for_packs(known).0.len(), 1);
            assert_eq!(world.wait_for_packs(unknown).0.len(), 1);
        },
    );
}

#[test]
fn any_of_several_is_answered_by_the_first_and_the_others_arrive_later() {
    seeds::run(
        "priorities::any_of_several_is_answered_by_the_first_and_the_others_arrive_later",
        |seed| {
            let mut world = installed(seed);
            let packs = [("small", Recipe::on_demand(10)), ("large", Recipe::on_demand(900))];
            world.publisher("game").publish(&packs);
            let any = terms(Urgency::Foreground, Until::Any);
            let call = world.ensure_on("game", &["large", "nothing", "small"], any);
            let (available, _) = world.wait_for_packs(call);
            assert_eq!(available.len(), 1);
            world.settle();
            assert_eq!(world.version_read("game", "large"), Some(1));
            assert_eq!(world.version_read("game", "small"), Some(1));
            // One that is there is enough, and nothing else is begun.
            world.publisher("game").publish(&[("more", Recipe::on_demand(10))]);
            let call = world.ensure_on("game", &["more", "small"], any);
            let names = world.wait_for_packs(call).0;
            assert_eq!(
                names.iter().map(headstart_model::PackId::as_str).collect::<Vec<_>>(),
                ["small"]
            );
            world.settle();
            assert_eq!(world.version_read("game", "more"), None);
            // None can be had.
            let call = world.ensure_on("game", &["nothing", "never"], any);
            let (available, failed) = world.wait_for_packs(call);
            assert_eq!((available.len(), failed.len()), (0, 2));
        },
    );
}
