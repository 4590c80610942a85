//! What a person does with the viewer.

use serde_json::Value;

use crate::world::World;

fn ids(talks: &Value) -> Vec<&str> {
    talks["talks"].as_array().unwrap().iter().map(|talk| talk["id"].as_str().unwrap()).collect()
}

#[test]
fn a_talk_is_fetched_played_removed_and_fetched_again() {
    let mut world = World::with_talks_of(4);
    world.say("list");
    let talks = world.hear_event("talks");
    assert_eq!(ids(&talks), ["opening", "chunks", "waiting", "power-cuts"]);
    assert_eq!(talks["talks"][0]["state"], "here", "it was installed with the app");
    assert_eq!(talks["talks"][1]["state"], "notHere", "nobody asked for it");

    // The pictures of all talks are here, those of absent talks too.
    world.say("show 2");
    assert_eq!(world.hear_event("shown")["width"], 54);
    world.say("why 2");
    assert_eq!(world.hear_event("why")["reasons"][0]["fact"], "notWanted");

    // Playing what is not here fetches it first.
    world.say("play 2");
    let played = world.hear_event("played");
    assert_eq!((&played["id"], &played["frames"]), (&"chunks".into(), &48.into()));
    assert_eq!(played["blake3"], world.digest_of("chunks"));

    world.say("remove 2");
    world.hear_local("chunks", None);
    world.say("get 2");
    world.hear_local("chunks", Some(1));

    // Somebody removes it elsewhere: the viewer notices, and asks again.
    world.shell("headstart packs remove chunks");
    world.hear_local("chunks", None);
    world.say("play 2");
    assert_eq!(world.hear_event("played")["blake3"], world.digest_of("chunks"));

    world.say("quit");
    assert!(world.leave());
}

#[test]
fn the_talk_that_is_played_overtakes_those_that_came_before_it() {
    let mut world = World::over_a_link_of("16Mbit", 30);
    world.say("later 2");
    world.hear(|said| said["id"] == "chunks" && said["download"]["state"] == "downloading");
    world.say("play 4");
    let chunks = std::cell::Cell::new(0.0);
    world.hear(|said| {
        if said["event"] == "talk" && said["id"] == "chunks" {
            chunks.set(said["download"]["fraction"].as_f64().unwrap_or(1.0));
        }
        said["event"] == "played"
    });
    // With equal shares of the link, the one that began before it would be done, or all but done.
    assert!(chunks.get() < 0.8, "{}", chunks.get());
    world.hear_local("chunks", Some(1));
    world.say("quit");
    assert!(world.leave());
}

#[test]
fn a_corrected_talk_is_seen_and_comes_with_the_next_check() {
    let mut world = World::with_talks_of(8);
    world.say("play 2");
    let first = world.hear_event("played");
    world.shell(
        r#"make-talks content 8 2
        headstart pack "$talks/packs/chunks.jsonc" --source-root content -o archives/chunks.assetpack
        headstart repo publish repository archives/chunks.assetpack --keys keys"#,
    );
    world.say("update");
    assert_eq!(world.hear_event("checked")["updating"], serde_json::json!(["chunks"]));
    world.hear_local("chunks", Some(2));
    world.say("play 2");
    let second = world.hear_event("played");
    assert_eq!(second["blake3"], world.digest_of("chunks"));
    assert_ne!(second["blake3"], first["blake3"]);
    world.say("quit");
    assert!(world.leave());
}

#[test]
fn a_talk_that_is_withdrawn_leaves_the_list_and_the_others_stay() {
    let mut world = World::with_talks_of(2);
    world.say("get 4");
    world.hear_local("power-cuts", Some(1));
    world.shell("headstart repo remove repository power-cuts --keys keys");
    world.say("update");
    assert_eq!(world.hear_event("checked")["removed"], serde_json::json!(["power-cuts"]));
    world.say("list");
    assert_eq!(ids(&world.hear_event("talks")), ["opening", "chunks", "waiting"]);
    world.say("play 1");
    assert_eq!(world.hear_event("played")["blake3"], world.digest_of("opening"));
    world.say("quit");
    assert!(world.leave());
}

#[test]
fn what_fails_is_told_and_is_the_exit_code_and_the_viewer_goes_on() {
    let mut world = World::with_talks_of(2);
    world.say("play 9");
    let told = world.hear_event("failed");
    assert!(told["error"]["message"].as_str().unwrap().contains("1 to 4"), "{told}");
    world.say("sing 1");
    assert!(world.hear_event("failed")["error"]["message"].as_str().unwrap().contains("play N"));
    world.say("play 1");
    world.hear_event("played");
    assert!(!world.leave(), "something had failed");
}
