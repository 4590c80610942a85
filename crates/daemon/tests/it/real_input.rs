//! The whole story on real releases of assets, each file compared with its source.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use headstart::{FolderEntryKind, Namespace, Require};
use jiff::Timestamp;

use crate::device::Device;
use crate::publisher::{Publisher, Web};
use crate::skip::{environment, skip};

const PACK: &str = "assets";
const ESSENTIAL: &str =
    r#"{"essential":{"installationEventTypes":["firstInstallation","subsequentUpdate"]}}"#;

/// A request of the test's own, between those for the installation and those for the update.
const UPDATE_BEGINS: &str = "/the-update-begins";

/// Two releases of a package of `ci/real-input.txt`.
struct Pair {
    /// The name of its skip.
    name: &'static str,
    package: &'static str,
    versions: [&'static str; 2],
}

impl Pair {
    /// The folders of both releases, or why they are not there.
    fn sources(&self) -> Result<[PathBuf; 2], String> {
        let cache = environment("HEADSTART_REAL_INPUT").ok_or(
            "HEADSTART_REAL_INPUT is not set; ci/fetch-real-input.sh fetches the releases",
        )?;
        let sources =
            self.versions.map(|version| cache.join(format!("{}-{version}", self.package)));
        match sources.iter().find(|source| !source.is_dir()) {
            Some(missing) => Err(format!("{} was not fetched", missing.display())),
            None => Ok(sources),
        }
    }

    fn skip(&self, why: &str) {
        skip(&format!("real-input-{}", self.name), why);
    }

    fn tell(&self, what: &str, since: Instant) {
        eprintln!("{}: {what} ({:.1} s)", self.name, since.elapsed().as_secs_f64());
    }

    fn install_and_update(&self) {
        let [old, new] = match self.sources() {
            Ok(sources) => sources,
            Err(why) => return self.skip(&why),
        };
        let folder = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(folder.path(), Timestamp::now());
        self.publish(&publisher, &old);
        let web = Web::serve(&publisher.repository());
        let device = Device::new(folder.path(), &web.url, &publisher.root());
        let service = device.start(&[]);

        let started = Instant::now();
        device.install().unwrap();
        self.tell("installed", started);
        assert_same(&device, &old);
        web.ask(UPDATE_BEGINS);

        self.publish(&publisher, &new);
        let started = Instant::now();
        let checked = device.library().unwrap().check_for_updates().unwrap();
        assert_eq!(checked.updating.len(), 1, "{checked:?}");
        device.ensure(&[PACK], Require::LatestVersion).unwrap();
        self.tell("updated", started);
        assert_same(&device, &new);

        let log = service.stop(&device);
        assert!(log.contains("way=Delta"), "{log}");
        let requests = web.finish();
        // Requests are numbered as they begin.
        let mark = requests.iter().find(|request| request.path == UPDATE_BEGINS).unwrap().number;
        let moved = |phase: Range<u64>| {
            let requests: Vec<_> = requests.iter().filter(|r| phase.contains(&r.number)).collect();
            (requests.iter().map(|r| r.bytes_sent).sum::<u64>(), requests.len())
        };
        let (installation, first) = moved(0..mark);
        let (update, second) = moved(mark + 1..u64::MAX);
        eprintln!(
            "{}: the installation moved {installation} bytes in {first} requests, the update {update} in {second}",
            self.name
        );
        assert!(
            update < installation,
            "the update moved {update} bytes, the installation {installation}"
        );
    }

    fn publish(&self, publisher: &Publisher, source: &Path) {
        let started = Instant::now();
        let archive = publisher.pack_folder(PACK, ESSENTIAL, source);
        self.tell("packed", started);
        let started = Instant::now();
        publisher.publish(&[archive], Timestamp::now());
        self.tell("published", started);
    }
}

/// What the app reads is the source folder: the same files, no others, the same bytes, executable where they were.
fn assert_same(device: &Device, source: &Path) {
    let started = Instant::now();
    let namespace = device.library().unwrap().namespace().unwrap();
    let mut wanted = BTreeMap::new();
    collect_source(source, "", &mut wanted);
    let mut found = BTreeSet::new();
    collect_installed(&namespace, "", &mut found);
    let missing: Vec<_> = wanted.keys().filter(|path| !found.contains(*path)).collect();
    let extra: Vec<_> = found.iter().filter(|path| !wanted.contains_key(*path)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing: {missing:?}, extra: {extra:?}");
    for (path, from) in &wanted {
        let contents = namespace.contents(path).unwrap();
        assert!(*contents == std::fs::read(from).unwrap(), "`{path}` has other bytes");
        let executable = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o100 != 0;
        assert_eq!(executable(&namespace.path(path).unwrap()), executable(from), "`{path}`");
    }
    eprintln!("{} files compared ({:.1} s)", wanted.len(), started.elapsed().as_secs_f64());
}

fn collect_source(folder: &Path, below: &str, into: &mut BTreeMap<String, PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect_source(&entry.path(), &format!("{path}/"), into);
        } else {
            into.insert(path, entry.path());
        }
    }
}

fn collect_installed(namespace: &Namespace, folder: &str, into: &mut BTreeSet<String>) {
    for entry in namespace.folder(folder).unwrap() {
        match entry.kind {
            FolderEntryKind::Folder => collect_installed(namespace, &entry.path, into),
            _ => assert!(into.insert(entry.path), "a path comes twice"),
        }
    }
}

#[test]
fn the_emoji_releases_are_installed_and_updated_byte_for_byte() {
    let versions = ["15.1.2", "16.0.0"];
    Pair { name: "emoji", package: "emoji-datasource-google", versions }.install_and_update();
}

#[test]
fn the_cesium_releases_are_installed_and_updated_byte_for_byte() {
    let versions = ["1.143.0", "1.144.0"];
    Pair { name: "cesium", package: "cesium", versions }.install_and_update();
}
