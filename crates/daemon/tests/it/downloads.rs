//! Single downloads of an app: a real service, the library, a real server on loopback, and a real extension for who does
//! not listen.
#![cfg(target_os = "linux")]

mod archives;
mod limits;
mod manifest;
mod routing;
mod server;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use headstart::apps::{SimulationEvent, WhilePending};
use headstart::blocking::{DownloadManager, Events};
use headstart::downloads::{ChallengeAnswer, ChallengeCredential, DownloadEvent, FinishedDownload};
use headstart::{AppGroupId, AppId, ContentRequest, Download, Error, UrlDownload};

use crate::device::Service;
use crate::extension::{Bench, until};
use crate::publisher::noise;
use server::{Page, Server};

/// A device with an installed app, and a server for its downloads.
struct Game {
    bench: Bench,
    server: Server,
    /// None only while it is started anew.
    service: Option<Service>,
}

impl Game {
    /// Before its first launch.
    fn new() -> Self {
        Self::with(&[])
    }

    /// The same, with a service that was started so.
    fn with(arguments: &[&str]) -> Self {
        let bench = Bench::new("");
        let service = bench.device.start(arguments);
        bench.install();
        Self { bench, server: Server::start(), service: Some(service) }
    }

    /// Launched once: nothing limits it any more. Servers that fail are asked again at once.
    fn launched() -> Self {
        let game = Self::with(&["--retry-delay", "10ms"]);
        let apps = game.bench.apps();
        let app = AppId::new(game.bench.device.app).unwrap();
        apps.prepare_launch(&app, WhilePending::Wait)
            .unwrap()
            .for_each(|event| drop(event.unwrap()));
        game
    }

    fn manager(&self) -> DownloadManager {
        self.bench.device.connector().downloads_blocking().unwrap()
    }

    fn events(&self) -> Events<DownloadEvent> {
        self.manager().events().unwrap()
    }

    fn group(&self) -> AppGroupId {
        AppGroupId::new(format!("group.{}", self.bench.device.app)).unwrap()
    }

    /// A download of what is at `name`.
    fn download(&self, name: &str, bytes: usize) -> Download {
        self.at_url(name, &self.server.url(name), bytes)
    }

    fn at_url(&self, name: &str, url: &str, bytes: usize) -> Download {
        UrlDownload::new(name, url, bytes as u64, &self.group()).unwrap().into_download()
    }

    /// Puts a file on the server; its download.
    fn file(&self, name: &str, bytes: usize) -> Download {
        self.server.put(name, Page::File(noise(3, bytes)));
        self.download(name, bytes)
    }

    /// The same, and the server keeps most of it back.
    fn held(&self, name: &str, bytes: usize) -> Download {
        self.server.put(name, Page::Held(10, noise(3, bytes)));
        self.download(name, bytes)
    }

    /// What the service has been told the device is like.
    fn pretend(&self, key: &str, value: &str) {
        let device = self.bench.device.connector().device_blocking().unwrap();
        device.pretend(BTreeMap::from([(key.to_owned(), value.to_owned())])).unwrap();
    }

    fn set(&self, key: &str, value: &str) {
        let device = self.bench.device.connector().device_blocking().unwrap();
        device.set(key, Some(value)).unwrap();
    }

    fn waiting(&self) -> Vec<String> {
        let downloads = self.manager().current_downloads().unwrap();
        downloads.iter().map(|download| download.identifier().to_owned()).collect()
    }

    /// Kills the service.
    fn kill(&mut self) {
        self.service.take().unwrap().kill();
    }

    /// Starts a service where there is none.
    fn start(&mut self) {
        self.service = Some(self.bench.device.start(&[]));
    }

    /// Has the extension asked, which names what this manifest says.
    fn ask(&self, manifest: &str) {
        self.bench.manifest_text(manifest);
        let app = AppId::new(self.bench.device.app).unwrap();
        let apps = self.bench.apps();
        // What comes of it is told elsewhere; something that is held would have it wait.
        let mut events = apps.simulate_event(&app, ContentRequest::Periodic).unwrap();
        assert!(events.any(|event| matches!(event.unwrap(), SimulationEvent::Scheduled(_))));
    }

    fn until_told(&self, line: &str) {
        until(line, || self.bench.told().iter().any(|told| told == line));
    }

    fn stop(mut self) -> String {
        self.service.take().unwrap().stop(&self.bench.device)
    }
}

/// What ends a download, of all that is told.
fn end(events: &mut Events<DownloadEvent>) -> Result<FinishedDownload, Error> {
    for event in events {
        match event.unwrap() {
            DownloadEvent::Finished(finished) => return Ok(finished),
            DownloadEvent::Failed(failed) => {
                let error = failed.error().clone();
                failed.acknowledge_blocking().unwrap();
                return Err(error);
            }
            _ => {}
        }
    }
    panic!("the events ended");
}

#[test]
fn a_file_arrives_is_kept_and_is_told_once() {
    let game = Game::launched();
    let mut events = game.events();
    let level = game.file("level", 200_000);
    game.manager().schedule(&level).unwrap();
    let finished = end(&mut events).unwrap();
    assert_eq!(finished.download().unique_identifier(), level.unique_identifier());
    let kept = game.bench.group().join("kept");
    finished.file().move_to(&kept).unwrap();
    assert_eq!(std::fs::read(&kept).unwrap(), noise(3, 200_000));
    finished.acknowledge_blocking().unwrap();
    drop(events);
    // The next who listens hears only of what is new.
    let mut events = game.events();
    game.manager().schedule(game.file("other", 10)).unwrap();
    let finished = end(&mut events).unwrap();
    assert_eq!(finished.download().identifier(), "other");
    finished.acknowledge_blocking().unwrap();
    assert!(game.waiting().is_empty());
    game.stop();
}

#[test]
fn what_is_not_acknowledged_is_told_again_even_after_the_service_was_killed() {
    let mut game = Game::launched();
    let level = game.file("level", 5_000);
    let mut first = game.events();
    game.manager().schedule(&level).unwrap();
    let told = end(&mut first).unwrap();
    // Who listens next hears it when the first has gone.
    let mut second = game.events();
    let first_file = told.file().path().to_owned();
    drop((first, told));
    let again = end(&mut second).unwrap();
    assert_eq!(again.download().unique_identifier(), level.unique_identifier());
    assert_eq!(again.file().path(), first_file);
    game.kill();
    drop((second, again));
    game.start();
    // And now, that nobody does, the extension.
    let kept = game.bench.group().join("level");
    until("the extension keeps it", || kept.exists());
    assert_eq!(std::fs::read(kept).unwrap(), noise(3, 5_000));
    game.stop();
}

/// `Spec: concepts 4`: what has arrived of a file is not fetched again.
#[test]
fn a_killed_service_goes_on_at_the_byte_where_it_was() {
    let mut game = Game::launched();
    let content = noise(3, 3_000_000);
    game.server.put("film", Page::Held(2_000_000, content.clone()));
    let film = game.download("film", 3_000_000);
    let mut events = game.events();
    game.manager().start_foreground(&film).unwrap();
    let arrived = events.find_map(|event| match event.unwrap() {
        DownloadEvent::Progress(_, progress) if progress.total_bytes_written >= 1_000_000 => {
            Some(progress)
        }
        _ => None,
    });
    assert_eq!(arrived.unwrap().total_bytes_expected, Some(3_000_000));
    game.kill();
    game.server.release();
    let before = game.server.requests("film").len();
    game.start();
    // Only who still listens can say that it has dealt with it.
    let mut events = game.events();
    let finished = end(&mut events).unwrap();
    assert_eq!(std::fs::read(finished.file().path()).unwrap(), content);
    finished.acknowledge_blocking().unwrap();
    let again: u64 =
        game.server.requests("film").iter().skip(before).map(|range| bytes_of(range)).sum();
    assert!((1_000_000..=2_000_000).contains(&again), "{again} bytes were asked for again");
    game.stop();
}

/// How many bytes `bytes=FROM-LAST` is.
fn bytes_of(range: &str) -> u64 {
    let (from, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    last.parse::<u64>().unwrap() + 1 - from.parse::<u64>().unwrap()
}

#[test]
fn a_download_that_waits_is_promoted() {
    let game = Game::launched();
    let mut events = game.events();
    let level = game.held("level", 5_000);
    let manager = game.manager();
    manager.schedule(&level).unwrap();
    until("it is asked for", || !game.server.requests("level").is_empty());
    game.pretend("power", "low");
    let paused = events.any(|event| matches!(event.unwrap(), DownloadEvent::Paused(_)));
    assert!(paused && game.waiting() == ["level"]);
    game.server.release();
    manager.start_foreground(&level).unwrap();
    end(&mut events).unwrap().acknowledge_blocking().unwrap();
    game.stop();
}

#[test]
fn a_cancelled_download_is_told_and_is_none_any_more() {
    let game = Game::launched();
    let mut events = game.events();
    let film = game.held("film", 5_000);
    let manager = game.manager();
    manager.schedule(&film).unwrap();
    until("it is asked for", || !game.server.requests("film").is_empty());
    manager.cancel(&film).unwrap();
    let error = end(&mut events).unwrap_err();
    assert_eq!(error.kind(), headstart::ErrorKind::Cancelled, "{error}");
    assert_eq!(manager.cancel(&film).unwrap_err().code(), "downloadNotScheduled");
    let inbox = game.bench.group().join("inbox");
    assert!(std::fs::read_dir(inbox).map_or(true, |mut files| files.next().is_none()));
    game.stop();
}

#[test]
fn one_side_at_a_time_has_exclusive_control() {
    let game = Game::launched();
    let (one, other) = (game.manager(), game.manager());
    let control = one.exclusive_control(None).unwrap();
    assert!(other.exclusive_control(Some(SystemTime::UNIX_EPOCH)).is_err());
    let waits = std::thread::spawn(move || {
        // Far off: it is given back at once.
        let deadline = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 1_000);
        other.with_exclusive_control_before(deadline, || "both").unwrap()
    });
    control.release_blocking();
    assert_eq!(waits.join().unwrap(), "both");
    game.stop();
}

#[test]
fn a_server_that_asks_for_a_password_gets_it_from_the_app() {
    let game = Game::launched();
    // `levels:secret`, as RFC 7617 writes it.
    game.server.put("level", Page::Behind("Basic bGV2ZWxzOnNlY3JldA==".to_owned(), noise(3, 500)));
    let mut events = game.events();
    game.manager().start_foreground(game.download("level", 500)).unwrap();
    let mut failures = Vec::new();
    let finished = events.find_map(|event| match event.unwrap() {
        DownloadEvent::Challenged(challenged) => {
            let before = challenged.challenge().previous_failure_count;
            assert_eq!(challenged.challenge().realm.as_deref(), Some("levels"));
            failures.push(before);
            let password = if before == 0 { "guessed" } else { "secret" }.to_owned();
            let user = "levels".to_owned();
            let credential = ChallengeCredential::Password { user, password };
            challenged.answer_blocking(ChallengeAnswer::UseCredential(credential)).unwrap();
            None
        }
        DownloadEvent::Finished(finished) => Some(finished),
        DownloadEvent::Failed(failed) => panic!("{}", failed.error()),
        _ => None,
    });
    assert_eq!(failures, [0, 1]);
    finished.unwrap().acknowledge_blocking().unwrap();
    let log = game.stop();
    assert!(!log.contains("secret") && !log.contains("bGV2ZWxzOnNlY3JldA"), "{log}");
}

#[test]
fn a_challenge_that_is_cancelled_ends_the_download() {
    let game = Game::launched();
    game.server.put("level", Page::Behind("Basic none".to_owned(), noise(3, 500)));
    let mut events = game.events();
    game.manager().start_foreground(game.download("level", 500)).unwrap();
    for event in &mut events {
        if let DownloadEvent::Challenged(challenged) = event.unwrap() {
            let cancel = ChallengeAnswer::CancelAuthenticationChallenge;
            challenged.answer_blocking(cancel).unwrap();
            break;
        }
    }
    let error = end(&mut events).unwrap_err();
    assert_eq!(error.kind(), headstart::ErrorKind::Cancelled, "{error}");
    game.stop();
}

#[test]
fn a_redirect_is_followed() {
    let game = Game::launched();
    game.file("there", 700);
    game.server.put("here", Page::Redirect(game.server.url("there")));
    let mut events = game.events();
    game.manager().start_foreground(game.download("here", 700)).unwrap();
    let finished = end(&mut events).unwrap();
    assert_eq!(std::fs::read(finished.file().path()).unwrap(), noise(3, 700));
    finished.acknowledge_blocking().unwrap();
    game.stop();
}
