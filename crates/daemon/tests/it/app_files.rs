//! Installing and updating an app's own files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use headstart::AppId;
use headstart::apps::{InstallOptions, UpdateOptions};

use crate::device::{APP, Device};

const THREADS: u64 = 4;

/// A device with two versions of an app without content.
struct World {
    folder: tempfile::TempDir,
    device: Device,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        for version in ["1.0.0", "2.0.0"] {
            write_bundle(&folder.path().join(version), version);
        }
        let device = Device { home, bundle: folder.path().join("1.0.0"), app: APP };
        Self { folder, device }
    }

    fn bundle(&self, version: &str) -> PathBuf {
        self.folder.path().join(version)
    }

    fn install(&self) {
        let options = InstallOptions { copy: true, dev: true, ..InstallOptions::default() };
        let events = self.device.apps().unwrap().install(&self.device.bundle, options).unwrap();
        events.for_each(|event| drop(event.unwrap()));
    }

    fn update(&self) -> Result<(), headstart::Error> {
        let bundle = self.bundle("2.0.0");
        let mut events = self.device.apps()?.update(&bundle, UpdateOptions::default())?;
        events.try_for_each(|event| event.map(drop))
    }

    fn app_folder(&self) -> PathBuf {
        self.device.home.join("apps").join(APP)
    }

    /// Every place that says which version is there.
    fn versions(&self) -> [String; 3] {
        let app = AppId::new(APP).unwrap();
        let apps = self.device.apps().unwrap();
        let wait = headstart::apps::WhilePending::Wait;
        // An update that cannot be brought to its end is told to who waits for it; then the app may be launched.
        let _ = apps.prepare_launch(&app, wait).unwrap().find(Result::is_err);
        for event in apps.prepare_launch(&app, wait).unwrap() {
            event.unwrap();
        }
        let on_record = apps.info(&app).unwrap().app.version;
        let description = self.app_folder().join("description/headstart.toml");
        let description = std::fs::read_to_string(description).unwrap();
        let described = description.split('"').nth(3).unwrap().to_owned();
        let game = std::fs::read_to_string(self.app_folder().join("files/bin/game")).unwrap();
        [on_record, described, game]
    }

    /// What of the app's folder is neither its files nor its description.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.app_folder()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("incoming") || name.ends_with(".new")).collect()
    }
}

fn write_bundle(folder: &Path, version: &str) {
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    std::fs::create_dir_all(folder.join("data/levels")).unwrap();
    let description =
        format!("[app]\nid = \"{APP}\"\nversion = \"{version}\"\nexecutable = \"bin/game\"\n");
    std::fs::write(folder.join("headstart.toml"), description).unwrap();
    std::fs::write(folder.join("bin/game"), version).unwrap();
    std::fs::write(folder.join("data/levels/first"), version).unwrap();
}

/// Updates with a kill at this crash point, after which the bundle is gone: the old version is there, or the new one.
fn assert_whole_after_kill(point: u64) {
    let world = World::new();
    let service = world.device.start(&[]);
    world.install();
    service.stop(&world.device);
    let mut service = world.device.start(&["--crash-at", &point.to_string()]);
    if service.ready && world.update().is_ok() {
        let _ = world.device.connector().service_blocking().unwrap().stop();
    }
    let _ = service.wait();
    std::fs::remove_dir_all(world.bundle("2.0.0")).unwrap();
    let service = world.device.start(&[]);
    let versions = world.versions();
    assert!(
        versions == ["1.0.0"; 3] || versions == ["2.0.0"; 3],
        "killed at crash point {point}: record, description and files are of {versions:?}"
    );
    assert_eq!(world.left(), [""; 0], "killed at crash point {point}");
    service.stop(&world.device);
}

#[test]
fn a_kill_during_an_update_leaves_one_version_whole_even_if_the_bundle_is_gone() {
    let world = World::new();
    let service = world.device.start(&[]);
    world.install();
    service.stop(&world.device);
    let service = world.device.start(&["--crash-at", "18446744073709551615"]);
    world.update().unwrap();
    let log = service.stop(&world.device);
    let (_, count) = log.rsplit_once("crash_points=").expect("the service says how many");
    let points: u64 = count.split_whitespace().next().unwrap().parse().unwrap();
    assert!(points > 10, "{points}");
    let next = AtomicU64::new(1);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let point = next.fetch_add(1, Ordering::Relaxed);
                    if point > points {
                        return;
                    }
                    assert_whole_after_kill(point);
                }
            });
        }
    });
}

#[test]
fn an_update_replaces_files_and_description_and_leaves_nothing() {
    let world = World::new();
    let service = world.device.start(&[]);
    world.install();
    assert_eq!(world.versions(), ["1.0.0"; 3]);
    world.update().unwrap();
    assert_eq!(world.versions(), ["2.0.0"; 3]);
    assert_eq!(world.left(), [""; 0]);
    service.stop(&world.device);
}
