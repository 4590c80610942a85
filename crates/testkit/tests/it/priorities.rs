//! Who goes first, among packs and among apps.

use headstart_engine::{Notice, PackUpdate, view};
use headstart_testkit::{Recipe, World, seeds};

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
