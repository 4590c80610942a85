//! kill -9 at every place where something durable happens, during installation and update.
//!
//! The seed chooses the crash point, so a failing run is replayed by the command that it prints. What is checked after
//! each kill: every pack that can be read is whole and of one edition, and after a restart everything arrives.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use headstart::Require;
use jiff::Timestamp;

use crate::device::Device;
use crate::publisher::{Policy, Publisher, Web, copy_folder, files};

const PACKS: [(&str, Policy); 2] = [("base", Policy::Essential), ("extra", Policy::Prefetch)];
const KILLS_DEFAULT: u64 = 200;
const SEED_DEFAULT: u64 = 1;
const THREADS: u64 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum During {
    Installation,
    Update,
}

#[expect(
    clippy::disallowed_methods,
    reason = "how many, and which one, is said by whoever runs the tests"
)]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Two editions of a repository, served side by side for every run.
struct Stage {
    folder: tempfile::TempDir,
    web: Web,
    runs: AtomicU64,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let author = folder.path().join("author");
        let publisher = Publisher::new(&author, Timestamp::now());
        for edition in [1, 2] {
            let archives: Vec<_> =
                PACKS.iter().map(|(id, policy)| publisher.pack(id, *policy, edition)).collect();
            publisher.publish(&archives, Timestamp::now());
            copy_folder(&publisher.repository(), &folder.path().join(format!("edition-{edition}")));
        }
        std::fs::create_dir(folder.path().join("web")).unwrap();
        let web = Web::serve(&folder.path().join("web"));
        Self { folder, web, runs: AtomicU64::new(0) }
    }

    /// A device of its own with a repository of its own at edition 1.
    fn run(&self) -> Run<'_> {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.path().join(format!("run-{number}"));
        let repository = self.folder.path().join(format!("web/{number}"));
        copy_folder(&self.folder.path().join("edition-1"), &repository);
        let url = format!("{}{number}/", self.web.url);
        let device = Device::new(&folder, &url, &repository.join("metadata/root.json"));
        Run { stage: self, device, folder, repository }
    }
}

struct Run<'a> {
    stage: &'a Stage,
    device: Device,
    folder: std::path::PathBuf,
    repository: std::path::PathBuf,
}

impl Run<'_> {
    fn publish_second(&self) {
        copy_folder(&self.stage.folder.path().join("edition-2"), &self.repository);
    }

    /// Installs as far as the service lives.
    fn install(&self) -> Result<(), headstart::Error> {
        match self.device.install() {
            Ok(_) => {}
            // It had ended, and only its answer was lost.
            Err(error) if error.code() == "alreadyInstalled" => {}
            Err(error) => return Err(error),
        }
        self.device.ensure(&["base", "extra"], Require::AnyVersion)
    }

    fn update(&self) -> Result<(), headstart::Error> {
        self.device.library()?.check_for_updates()?;
        self.device.ensure(&["base", "extra"], Require::LatestVersion)
    }

    /// Every pack that can be read is exactly one edition.
    fn assert_whole(&self, editions: &[u64]) {
        for (pack, _) in PACKS {
            let paths = files(pack, 1).into_keys().chain(files(pack, 2).into_keys());
            let Some(found) = self.device.read_pack(pack, paths) else { continue };
            let whole = editions.iter().any(|edition| files(pack, *edition) == found);
            assert!(whole, "pack {pack} is neither of the editions {editions:?}");
        }
    }

    fn assert_edition(&self, edition: u64) {
        for (pack, _) in PACKS {
            let paths = files(pack, 1).into_keys().chain(files(pack, 2).into_keys());
            let found = self.device.read_pack(pack, paths);
            assert!(found == Some(files(pack, edition)), "pack {pack} is not edition {edition}");
        }
    }

    /// The crash points that the service passes; counted where nothing is killed.
    fn count(&self, during: During) -> u64 {
        let never = ["--crash-at", "18446744073709551615"];
        if during == During::Update {
            let service = self.device.start(&[]);
            self.install().unwrap();
            service.stop(&self.device);
            self.publish_second();
        }
        let service = self.device.start(&never);
        match during {
            During::Installation => self.install().unwrap(),
            During::Update => self.update().unwrap(),
        }
        let log = service.stop(&self.device);
        let (_, count) = log.rsplit_once("crash_points=").expect("the service says how many");
        count.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// One kill; gives whether the service was killed, or ended before the point came.
    fn kill_at(&self, during: During, point: u64) -> bool {
        if during == During::Update {
            let service = self.device.start(&[]);
            self.install().unwrap();
            service.stop(&self.device);
            self.publish_second();
        }
        let mut service = self.device.start(&["--crash-at", &point.to_string()]);
        let result = if service.ready {
            match during {
                During::Installation => self.install(),
                During::Update => self.update(),
            }
        } else {
            Ok(())
        };
        let killed = match result {
            // The point may come while the service is at its end.
            Ok(()) if service.ready => {
                let stopped = self.device.connector().service_blocking().unwrap().stop();
                stopped.is_err() || service.was_killed()
            }
            Ok(()) | Err(_) => service.was_killed(),
        };
        match during {
            During::Installation => self.assert_whole(&[1]),
            During::Update => {
                self.assert_whole(&[1, 2]);
                for (pack, _) in PACKS {
                    let paths = files(pack, 1).into_keys();
                    assert!(self.device.read_pack(pack, paths).is_some(), "pack {pack} is lost");
                }
            }
        }
        let service = self.device.start(&[]);
        assert!(service.ready, "the service does not start again");
        match during {
            During::Installation => {
                self.install().unwrap();
                self.assert_edition(1);
            }
            During::Update => {
                self.update().unwrap();
                self.assert_edition(2);
            }
        }
        service.stop(&self.device);
        killed
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
            let _ = std::fs::remove_dir_all(&self.repository);
        }
    }
}

fn clear_of_rubbish(home: &Path) -> bool {
    let staging = home.join("staging");
    let empty =
        |folder: &Path| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    !staging.exists() || std::fs::read_dir(staging).unwrap().flatten().all(|app| empty(&app.path()))
}

#[test]
fn a_kill_never_costs_a_pack_and_never_shows_a_wrong_file() {
    let stage = Stage::new();
    let installation = stage.run().count(During::Installation);
    let update = stage.run().count(During::Update);
    assert!(installation > 20 && update > 20, "{installation} {update}");
    let seed = number("HEADSTART_KILL_SEED").unwrap_or(SEED_DEFAULT);
    let kills = number("HEADSTART_KILLS").unwrap_or(KILLS_DEFAULT);
    let only = number("HEADSTART_KILL");
    let next = AtomicU64::new(0);
    let killed = AtomicU64::new(0);
    let work = || {
        loop {
            let kill = next.fetch_add(1, Ordering::Relaxed);
            if kill >= kills {
                return;
            }
            if only.is_some_and(|only| only != kill) {
                continue;
            }
            let during = if kill.is_multiple_of(2) { During::Installation } else { During::Update };
            let points = if during == During::Installation { installation } else { update };
            let point = mix(seed ^ mix(kill)) % points + 1;
            let run = stage.run();
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let was = run.kill_at(during, point);
                assert!(clear_of_rubbish(&run.device.home), "staging is not empty");
                was
            }));
            match outcome {
                Ok(was) => {
                    killed.fetch_add(u64::from(was), Ordering::Relaxed);
                }
                Err(panic) => {
                    eprintln!(
                        "kill {kill} ({during:?}, crash point {point} of {points}) failed; replay it with\n  \
                         HEADSTART_KILL_SEED={seed} HEADSTART_KILL={kill} cargo test -p headstart-daemon --test it kill::"
                    );
                    std::panic::resume_unwind(panic);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let wanted = if only.is_some() { 1 } else { kills };
    let killed = killed.into_inner();
    assert!(killed * 10 >= wanted * 9, "only {killed} of {wanted} runs were killed in time");
}
