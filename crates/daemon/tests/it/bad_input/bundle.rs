//! Bundles that cannot be installed. Nothing of them stays, and they can be corrected and installed again.

use std::path::PathBuf;

use headstart::apps::InstallOptions;
use headstart::{Error, ErrorKind};

use super::{Bench, assert_told};
use crate::device::{APP, Device, Service, describe};

const OTHER: &str = "com.example.other";

/// A device with one app installed, and the good bundle of another one.
struct Case {
    bench: Bench,
    service: Service,
    other: Device,
}

impl Case {
    fn new() -> Self {
        let bench = Bench::new();
        let service = bench.installed();
        let other = Device::of_app(
            OTHER,
            &bench.device.home,
            &bench.folder.path().join("other"),
            (&Self::url(&bench), &bench.publisher.root()),
        );
        Self { bench, service, other }
    }

    fn url(bench: &Bench) -> String {
        format!("{}game/repository/", bench.web.url)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.other.bundle.join(name)
    }

    fn install(&self) -> Result<(), Error> {
        self.other.install().map(drop)
    }

    /// The installation fails in this way and leaves nothing; with `correct` it works.
    fn assert_refused(self, told: (ErrorKind, &str), names: &str, correct: impl FnOnce(&Self)) {
        let error = self.install().unwrap_err();
        assert_told(error.failure(), told, names);
        let apps = self.other.apps().unwrap().list().unwrap();
        assert_eq!(apps.iter().map(|app| app.id.as_str()).collect::<Vec<_>>(), [APP]);
        self.bench.assert_goes_on(1);
        correct(&self);
        self.install().unwrap();
        super::assert_reads(&self.other, "base", 1);
        self.service.stop(&self.bench.device);
    }
}

#[test]
fn a_bundle_without_a_root_is_refused() {
    let case = Case::new();
    std::fs::remove_file(case.path("root.json")).unwrap();
    case.assert_refused((ErrorKind::InvalidInput, "noRoot"), "root.json", |case| {
        std::fs::copy(case.bench.publisher.root(), case.path("root.json")).unwrap();
    });
}

#[test]
fn a_root_that_is_none_is_refused() {
    let case = Case::new();
    std::fs::write(case.path("root.json"), b"{}").unwrap();
    case.assert_refused((ErrorKind::InvalidInput, "rootMalformed"), "root.json", |case| {
        std::fs::copy(case.bench.publisher.root(), case.path("root.json")).unwrap();
    });
}

#[test]
fn a_root_that_was_changed_is_refused() {
    let case = Case::new();
    let root = std::fs::read_to_string(case.bench.publisher.root()).unwrap();
    let changed = root.replacen("\"version\":1", "\"version\":2", 1);
    assert_ne!(root, changed);
    std::fs::write(case.path("root.json"), changed).unwrap();
    case.assert_refused((ErrorKind::Untrusted, "metadataSignature"), "root", |case| {
        std::fs::write(case.path("root.json"), root).unwrap();
    });
}

#[test]
fn a_description_that_is_malformed_is_refused_by_name() {
    let case = Case::new();
    let good = describe(OTHER, &Case::url(&case.bench), "1.0.0");
    std::fs::write(case.path("headstart.toml"), good.replace("version", "vresion")).unwrap();
    let told = (ErrorKind::InvalidInput, "bundleMalformed");
    case.assert_refused(told, "headstart.toml", |case| {
        std::fs::write(case.path("headstart.toml"), good).unwrap();
    });
}

#[test]
fn a_folder_that_is_no_bundle_is_refused() {
    let case = Case::new();
    let good = std::fs::read(case.path("headstart.toml")).unwrap();
    std::fs::remove_file(case.path("headstart.toml")).unwrap();
    case.assert_refused((ErrorKind::InvalidInput, "notABundle"), "other", |case| {
        std::fs::write(case.path("headstart.toml"), good).unwrap();
    });
}

#[test]
fn an_endless_description_is_refused_unread() {
    let case = Case::new();
    let good = std::fs::read(case.path("headstart.toml")).unwrap();
    let file = std::fs::File::create(case.path("headstart.toml")).unwrap();
    file.set_len(1 << 40).unwrap();
    case.assert_refused((ErrorKind::InvalidInput, "bundleTooLarge"), "headstart.toml", |case| {
        std::fs::write(case.path("headstart.toml"), good).unwrap();
    });
}

/// Outside of development an app is its executable, whatever another program says.
#[test]
fn a_program_that_says_it_is_another_app_is_refused() {
    let bench = Bench::new();
    let service = bench.installed();
    let folder = bench.folder.path().join("plain");
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    std::fs::write(folder.join("bin/plain"), "").unwrap();
    let description =
        format!("[app]\nid = \"{OTHER}\"\nversion = \"1\"\nexecutable = \"bin/plain\"\n");
    std::fs::write(folder.join("headstart.toml"), description).unwrap();
    let apps = bench.device.apps().unwrap();
    let events = apps.install(&folder, InstallOptions::default()).unwrap();
    events.for_each(|event| drop(event.unwrap()));
    let other = headstart::AppId::new(OTHER).unwrap();
    let connector = bench.device.connector().app(other);
    let error = connector.downloads_blocking().unwrap().current_downloads().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Refused, "notTheApp"), "{error}");
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn an_address_without_encryption_is_refused_outside_development() {
    let case = Case::new();
    let install = |dev| {
        let options = InstallOptions { dev, ..InstallOptions::default() };
        let events = case.other.apps().unwrap().install(&case.other.bundle, options).unwrap();
        events.collect::<Result<Vec<_>, _>>()
    };
    let error = install(false).unwrap_err();
    assert_told(error.failure(), (ErrorKind::Refused, "bundleUrl"), "BARepositoryURL");
    case.bench.assert_goes_on(1);
    install(true).unwrap();
    case.service.stop(&case.bench.device);
}
