//! Who hears how downloads end. `Spec: concepts 11`.

use super::{Game, end, until};

#[test]
fn while_the_app_listens_its_extension_is_not_asked() {
    let game = Game::launched();
    let mut events = game.events();
    game.manager().schedule(game.file("level", 5_000)).unwrap();
    end(&mut events).unwrap().acknowledge_blocking().unwrap();
    let told = game.bench.told();
    assert!(!told.iter().any(|line| line.starts_with("finished")), "{told:?}");
    game.stop();
}

#[test]
fn where_nobody_listens_the_extension_keeps_the_file() {
    let game = Game::launched();
    game.manager().schedule(game.file("level", 5_000)).unwrap();
    let kept = game.bench.group().join("level");
    until("the extension keeps it", || kept.exists());
    game.stop();
}

/// The app ends before it has acknowledged: its extension hears of it.
#[test]
fn what_an_app_leaves_open_its_extension_hears() {
    let game = Game::launched();
    let mut events = game.events();
    game.manager().schedule(game.file("level", 5_000)).unwrap();
    let finished = end(&mut events).unwrap();
    assert!(!game.bench.group().join("level").exists());
    drop((finished, events));
    let kept = game.bench.group().join("level");
    until("the extension keeps it", || kept.exists());
    game.stop();
}

#[test]
fn the_one_who_listens_last_hears() {
    let game = Game::launched();
    let first = game.events();
    let mut second = game.events();
    game.manager().schedule(game.file("level", 5_000)).unwrap();
    end(&mut second).unwrap().acknowledge_blocking().unwrap();
    drop(first);
    game.stop();
}
