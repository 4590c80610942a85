//! Private repositories: servers that want a header, and apps that renew it. `Spec: cli`, the device.

use std::sync::mpsc;

use headstart::apps::{InstallEvent, InstallOptions};
use headstart::blocking::{DownloadManager, Events};
use headstart::downloads::{ChallengeAnswer, ChallengeCredential, DownloadEvent};
use headstart::{DownloadStatusUpdate, Failure, Headers, Require};
use jiff::Timestamp;

use crate::device::{Device, describe};
use crate::publisher::{Policy, Publisher, Web, files};

/// A publisher whose server wants a token, and a device.
struct World {
    folder: tempfile::TempDir,
    publisher: Publisher,
    web: Web,
    device: Device,
}

impl World {
    fn new(policy: Policy, token: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(folder.path(), Timestamp::now());
        let web = Web::serve(&publisher.repository());
        let device = Device::new(folder.path(), &web.url, &publisher.root());
        let world = Self { folder, publisher, web, device };
        world.publish(policy, 1);
        want(&world.web, token);
        world
    }

    fn publish(&self, policy: Policy, edition: u64) {
        let pack = self.publisher.pack("levels", policy, edition);
        self.publisher.publish(&[pack], Timestamp::now());
    }

    /// Installs the app with a token; why there is no catalog, if there is none.
    fn install(&self, headers: Headers) -> Option<Failure> {
        let options = InstallOptions { dev: true, headers, ..InstallOptions::default() };
        let events = self.device.apps().unwrap().install(&self.device.bundle, options).unwrap();
        let launchable = events.map(Result::unwrap).find_map(|event| match event {
            InstallEvent::Launchable(launchable) => Some(launchable),
            _ => None,
        });
        launchable.unwrap().catalog
    }

    fn give(&self, server: Option<&str>, headers: Headers) {
        self.device.library().unwrap().set_server_headers(server, headers).unwrap();
    }

    /// The newest version comes, and is this edition.
    fn gets(&self, edition: u64) {
        self.device.ensure(&["levels"], Require::LatestVersion).unwrap();
        assert!(self.reads(edition));
    }

    fn reads(&self, edition: u64) -> bool {
        let expected = files("levels", edition);
        self.device.read_pack("levels", expected.keys().cloned()) == Some(expected)
    }

    /// The code of the failure with which the server's refusal is told.
    fn refusal(&self) -> String {
        let refused = self.device.library().unwrap().check_for_updates().unwrap_err();
        refused.code().to_owned()
    }
}

fn bearer(token: &str) -> Headers {
    [("Authorization", format!("Bearer {token}"))].into_iter().collect()
}

/// From now on the server wants this token.
fn want(web: &Web, token: &str) {
    web.gate.require(vec![format!("Authorization: Bearer {token}").parse().unwrap()]);
}

#[test]
fn a_private_repository_is_installed_with_its_header_which_outlasts_the_service() {
    let world = World::new(Policy::OnDemand, "tok-7f3a");
    let service = world.device.start(&[]);
    assert_eq!(world.install(bearer("tok-7f3a")), None);
    world.gets(1);
    let mut log = service.stop(&world.device);
    let service = world.device.start(&[]);
    world.publish(Policy::OnDemand, 2);
    world.gets(2);
    want(&world.web, "tok-91bc");
    assert_eq!(world.refusal(), "serverDenied");
    assert!(world.reads(2), "what is here stays");
    world.publish(Policy::OnDemand, 3);
    world.give(None, bearer("tok-91bc"));
    world.gets(3);
    log += &service.stop(&world.device);
    assert!(!log.contains("tok-7f3a") && !log.contains("tok-91bc"), "{log}");
}

#[test]
fn what_a_private_server_refused_comes_by_itself_once_there_is_a_token() {
    let world = World::new(Policy::Essential, "tok-7f3a");
    let service = world.device.start(&[]);
    let refused = world.install(Headers::default()).expect("nobody knows what there is");
    assert_eq!(refused.code.as_str(), "serverDenied");
    assert!(refused.hint.contains("header"), "{}", refused.hint);
    let updates = world.device.library().unwrap().status_updates_for("levels").unwrap();
    world.give(None, bearer("tok-7f3a"));
    let last = updates.map(Result::unwrap).find(|update| {
        matches!(
            update,
            DownloadStatusUpdate::Finished { .. } | DownloadStatusUpdate::Failed { .. }
        )
    });
    assert!(matches!(last, Some(DownloadStatusUpdate::Finished { .. })), "{last:?}");
    assert!(world.reads(1));
    service.stop(&world.device);
}

/// Answers every challenge with this token, and tells how many there were, until the service is gone.
fn answer_with(token: &str, mut events: Events<DownloadEvent>) -> mpsc::Receiver<String> {
    let (told, heard) = mpsc::channel();
    let token = token.to_owned();
    std::thread::spawn(move || {
        while let Some(Ok(event)) = events.next() {
            if let DownloadEvent::Challenged(challenged) = event {
                let _ = told.send(challenged.download().url().to_owned());
                let credential = ChallengeCredential::Token { token: token.clone() };
                let answer = ChallengeAnswer::UseCredential(credential);
                let _ = challenged.answer_blocking(answer);
            }
        }
    });
    heard
}

#[test]
fn an_app_that_listens_is_asked_for_a_token_and_what_it_says_is_kept() {
    let world = World::new(Policy::OnDemand, "tok-7f3a");
    let service = world.device.start(&[]);
    assert_eq!(world.install(bearer("tok-7f3a")), None);
    let manager: DownloadManager = world.device.connector().downloads_blocking().unwrap();
    want(&world.web, "tok-91bc");
    let asked = answer_with("tok-91bc", manager.events().unwrap());
    world.gets(1);
    assert_eq!(asked.recv().unwrap(), world.web.url);
    // What ran beside it may have asked as well.
    drop(asked.try_iter().collect::<Vec<_>>());
    world.publish(Policy::OnDemand, 2);
    world.gets(2);
    assert_eq!(asked.try_iter().count(), 0, "it is known now");
    let log = service.stop(&world.device);
    assert!(!log.contains("tok-91bc"), "{log}");
}

#[test]
fn a_mirror_gets_the_header_that_was_given_for_it() {
    let world = World::new(Policy::OnDemand, "own");
    let mirror = Web::serve(&world.publisher.repository());
    want(&mirror, "other");
    let empty = world.folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let gone = Web::serve(&empty);
    let description = describe(world.device.app, &gone.url, "1.0.0");
    let line = format!("BARepositoryURL = \"{}\"\n", gone.url);
    assert!(description.contains(&line));
    let mirrors = format!("{line}BARepositoryMirrorURLs = [{:?}]\n", mirror.url);
    let description = description.replace(&line, &mirrors);
    std::fs::write(world.device.bundle.join("headstart.toml"), description).unwrap();
    let service = world.device.start(&["--retry-delay", "10ms"]);
    // That of the repository opens the repository alone.
    assert!(world.install(bearer("other")).is_some());
    world.give(Some(&format!("{}anything", mirror.url)), bearer("other"));
    world.gets(1);
    service.stop(&world.device);
}
