//! Who hears how downloads end. `Spec: concepts 11`.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use headstart::downloads::FinishedFile;
use headstart::{Download, DownloadManagerDelegate};

use super::{Game, end, until};

const PATIENCE: Duration = Duration::from_mins(1);

/// Keeps files, and ends each call when it is told to.
struct Keeping {
    folder: PathBuf,
    heard: Sender<String>,
    may_go_on: Receiver<()>,
}

impl DownloadManagerDelegate for Keeping {
    fn download_finished(&mut self, download: &Download, file: &FinishedFile) {
        let name = download.identifier().to_owned();
        if let Err(error) = file.move_to(&self.folder.join(&name)) {
            return self.heard.send(format!("{name}: {error}")).unwrap();
        }
        self.heard.send(name).unwrap();
        self.may_go_on.recv_timeout(PATIENCE).unwrap();
    }
}

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

/// `Spec: concepts 11`: what the delegate has dealt with is not told to it again, though its acknowledgement goes to another
/// service than the one that asked.
#[test]
fn a_service_that_is_killed_in_the_middle_of_a_call_does_not_make_the_delegate_hear_it_twice() {
    let mut game = Game::launched();
    // The extension would hear of it before the app is back.
    game.set("background-activity", "off");
    let ((heard, hears), (go_on, may_go_on)) = (channel(), channel());
    let delegate = Keeping { folder: game.bench.group(), heard, may_go_on };
    let registration = game.manager().set_delegate(delegate).unwrap();
    let manager = game.manager();
    manager.start_foreground(game.file("level", 5_000)).unwrap();
    assert_eq!(hears.recv_timeout(PATIENCE).unwrap(), "level");
    game.kill();
    game.start();
    go_on.send(()).unwrap();
    let manager = game.manager();
    manager.start_foreground(game.file("next", 10)).unwrap();
    assert_eq!(hears.recv_timeout(PATIENCE).unwrap(), "next");
    go_on.send(()).unwrap();
    registration.unregister();
    game.stop();
}
