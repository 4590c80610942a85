//! Bad input from every side. Each case ends in a failure that names the thing and the way out; the service goes on;
//! nothing that was installed is lost; and when the fault is gone, everything arrives.

mod bundle;
mod content;
mod disk;
mod metadata;
mod peers;
mod server;
mod socket;

use std::path::{Path, PathBuf};

use headstart::apps::{InstallEvent, Launchable};
use headstart::packs::{EnsureEvent, Explanation};
use headstart::{Error, ErrorKind, Failure, PackId, Require};
use headstart_model::catalog::{Catalog, CatalogPack};
use jiff::Timestamp;

use crate::device::{Device, Service};
use crate::publisher::{Policy, Publisher, Web, files};

/// `base` is essential; `music` is what goes wrong; `spare` is what still works meanwhile.
const PACKS: [(&str, Policy); 3] =
    [("base", Policy::Essential), ("music", Policy::OnDemand), ("spare", Policy::OnDemand)];

/// The beginning of a device's id, of which all its random waits come: with this one the first of them are short.
const SHORT_WAITS: u64 = 19_735_224;

/// A repository, a server, a device.
struct Bench {
    folder: tempfile::TempDir,
    publisher: Publisher,
    web: Web,
    device: Device,
}

impl Bench {
    fn new() -> Self {
        Self::at(Timestamp::now())
    }

    /// With a repository that was made and published at `now`.
    fn at(now: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        Self::with_home(folder, &home, now)
    }

    fn with_home(folder: tempfile::TempDir, home: &Path, now: Timestamp) -> Self {
        let publisher = Publisher::new(&folder.path().join("web/game"), now);
        let web = Web::serve(&folder.path().join("web"));
        let url = format!("{}game/repository/", web.url);
        let bundle = folder.path().join("bundle");
        let device = Device::of_app(crate::device::APP, home, &bundle, (&url, &publisher.root()));
        let mut id = SHORT_WAITS.to_le_bytes().to_vec();
        id.resize(32, 0);
        std::fs::write(home.join("device-id"), id).unwrap();
        let bench = Self { folder, publisher, web, device };
        bench.publish(1, now);
        bench
    }

    /// Publishes an edition of every pack.
    fn publish(&self, edition: u64, now: Timestamp) {
        let pack = |(id, policy): &(&str, Policy)| self.publisher.pack(id, *policy, edition);
        let archives: Vec<_> = PACKS.iter().map(pack).collect();
        self.publisher.publish(&archives, now);
    }

    /// The service, with the app installed and `base` in its first edition.
    fn installed(&self) -> Service {
        let service = self.device.start(&[]);
        let launchable = self.install();
        assert!(launchable.failed.is_empty() && launchable.catalog.is_none(), "{launchable:?}");
        self.assert_reads("base", 1);
        service
    }

    /// Installs the app, which ends well whatever becomes of its packs.
    fn install(&self) -> Launchable {
        let events = self.device.install().unwrap();
        let launchable = events.into_iter().find_map(|event| match event {
            InstallEvent::Launchable(launchable) => Some(launchable),
            _ => None,
        });
        launchable.unwrap()
    }

    /// What the newest signed catalog says of a pack.
    fn published(&self, pack: &str) -> CatalogPack {
        let folder = self.publisher.repository().join("catalogs");
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        // The author's own records lie there too.
        let catalogs = entries.filter(|path| path.to_str().unwrap().ends_with(".production.json"));
        let read = |path: PathBuf| Catalog::from_json(&std::fs::read(path).unwrap()).unwrap();
        let newest = catalogs.map(read).max_by_key(|catalog| catalog.release).unwrap();
        let packs = newest.packs_for(b"");
        packs.iter().find(|published| published.id.as_str() == pack).unwrap().clone()
    }

    /// Where a file of the repository lies.
    fn file(&self, path: &str) -> PathBuf {
        self.publisher.repository().join(path)
    }

    /// Where the server hands a file of the repository out.
    fn url_path(path: &str) -> String {
        format!("/game/repository/{path}")
    }

    /// Waits until a pack is local, or for the failure that is told.
    fn ensure(&self, pack: &str, require: Require) -> Result<(), Failure> {
        ensure(&self.device, pack, require)
    }

    fn check_for_updates(&self) -> Result<Vec<String>, Error> {
        Ok(self.device.library()?.check_for_updates()?.updating)
    }

    fn explain(&self, pack: &str) -> Explanation {
        self.device.packs().unwrap().explain(&PackId::new(pack).unwrap()).unwrap()
    }

    /// The texts of the reasons with this name.
    fn reasons(&self, pack: &str, fact: &str) -> Vec<String> {
        let reasons = self.explain(pack).reasons.into_iter();
        reasons.filter(|reason| reason.fact == fact).map(|reason| reason.text).collect()
    }

    /// The app reads exactly this edition of a pack.
    fn assert_reads(&self, pack: &str, edition: u64) {
        assert_reads(&self.device, pack, edition);
    }

    /// The service answers, `base` is as it was, and another pack can still be had.
    fn assert_goes_on(&self, edition: u64) {
        self.assert_alive();
        self.assert_reads("base", edition);
        self.ensure("spare", Require::AnyVersion).unwrap();
        self.assert_reads("spare", edition);
    }

    /// The service answers.
    fn assert_alive(&self) {
        let status = self.device.connector().service_blocking().unwrap().status().unwrap();
        assert_eq!(status.unwrap().home, self.device.home.to_str().unwrap());
    }

    /// Another app, of another publisher.
    fn other_app(&self) -> Device {
        let publisher = Publisher::new(&self.folder.path().join("web/other"), Timestamp::now());
        let archive = publisher.pack("other", Policy::Essential, 1);
        publisher.publish(&[archive], Timestamp::now());
        let url = format!("{}other/repository/", self.web.url);
        let bundle = self.folder.path().join("other-bundle");
        let root = publisher.root();
        Device::of_app("com.example.other", &self.device.home, &bundle, (&url, &root))
    }

    /// That app can be installed with its content.
    fn assert_other_app_installs(&self) {
        let device = self.other_app();
        device.install().unwrap();
        assert_reads(&device, "other", 1);
    }
}

fn ensure(device: &Device, pack: &str, require: Require) -> Result<(), Failure> {
    let wanted = [PackId::new(pack).unwrap()];
    for event in device.packs().unwrap().ensure(&wanted, require).unwrap() {
        if let EnsureEvent::Done(outcome) = event.map_err(|error| error.failure().clone())? {
            return match outcome.failures.into_iter().next() {
                Some(failed) => Err(failed.failure),
                None => Ok(()),
            };
        }
    }
    panic!("the call ended without its result");
}

fn assert_reads(device: &Device, pack: &str, edition: u64) {
    // The other editions' files too: none of them may be there.
    let paths = (1..4).flat_map(|edition| files(pack, edition).into_keys());
    let found = device.read_pack(pack, paths).unwrap_or_default();
    assert!(found == files(pack, edition), "pack {pack} is not edition {edition}");
}

/// The failure is this one, names the thing and says what to do.
fn assert_told(failure: &Failure, (kind, code): (ErrorKind, &str), names: &str) {
    assert_eq!((failure.kind, failure.code.as_str()), (kind, code), "{failure:?}");
    assert!(failure.to_string().contains(names), "`{names}` is not named: {failure}");
    assert!(!failure.hint.is_empty(), "no way out: {failure:?}");
}

/// Changes one byte of a file and gives what it was before.
fn flip(path: &Path, at: usize) -> Vec<u8> {
    let before = std::fs::read(path).unwrap();
    let mut after = before.clone();
    after[at] ^= 0x55;
    replace(path, &after);
    before
}

/// Replaces a file that may be read-only.
fn replace(path: &Path, bytes: &[u8]) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).unwrap();
}
