//! A server that misbehaves.

use headstart::{ErrorKind, Require};
use headstart_model::catalog::bundle_path;
use headstart_serve::{FaultKind, FaultPlan, FaultRule, Frequency};

use super::{Bench, assert_told, replace};
use crate::device::Service;

/// So long may a server be silent in these tests.
const PATIENCE: [&str; 2] = ["--stall-timeout", "200ms"];

struct Case {
    bench: Bench,
    service: Service,
    /// Where the bundle of `music` is handed out.
    bundle: String,
}

impl Case {
    fn new() -> Self {
        let bench = Bench::new();
        bench.installed().stop(&bench.device);
        let service = bench.device.start(&PATIENCE);
        let bundle = Bench::url_path(&bundle_path(&bench.published("music").full.digest));
        Self { bench, service, bundle }
    }

    /// From now on requests below a path meet this fault.
    fn strike(&self, kind: FaultKind, how_often: Frequency, path: &str) {
        let rule = FaultRule::new(kind, how_often).on_paths(path);
        self.bench.web.faults.set_plan(FaultPlan::new(7).with(rule));
    }

    /// Every request for the bundle meets the fault: the pack fails in this way, the rest goes on, and without the fault it
    /// arrives.
    fn assert_fails(self, kind: FaultKind, told: (ErrorKind, &str)) {
        self.strike(kind, Frequency::Always, &self.bundle);
        let failure = self.bench.ensure("music", Require::AnyVersion).unwrap_err();
        assert_told(&failure, told, "pack `music`");
        self.bench.assert_goes_on(1);
        self.bench.web.faults.clear();
        self.assert_arrives();
    }

    /// The first requests for the bundle meet the fault: the pack arrives all the same.
    fn assert_survives(self, kind: FaultKind, how_often: Frequency) {
        self.strike(kind, how_often, &self.bundle);
        self.assert_arrives();
    }

    fn assert_arrives(self) {
        self.bench.ensure("music", Require::AnyVersion).unwrap();
        self.bench.assert_reads("music", 1);
        self.bench.assert_goes_on(1);
        self.service.stop(&self.bench.device);
    }
}

#[test]
fn a_server_that_closes_early_is_told_after_several_attempts() {
    Case::new().assert_fails(FaultKind::Cut, (ErrorKind::Network, "transferInterrupted"));
}

#[test]
fn a_server_that_closes_early_twice_is_survived() {
    Case::new().assert_survives(FaultKind::Cut, Frequency::First(2));
}

#[test]
fn a_server_that_sends_too_little_is_told() {
    Case::new().assert_fails(FaultKind::Truncate, (ErrorKind::Network, "transferInterrupted"));
}

#[test]
fn the_whole_file_instead_of_a_range_is_used() {
    Case::new().assert_survives(FaultKind::IgnoreRange, Frequency::Always);
}

#[test]
fn another_range_than_the_one_asked_for_is_refused() {
    Case::new().assert_fails(FaultKind::WrongRange, (ErrorKind::Network, "badServerAnswer"));
}

#[test]
fn a_file_that_ends_before_the_range_is_told() {
    let case = Case::new();
    let bundle = case.bench.file(&bundle_path(&case.bench.published("music").full.digest));
    let before = std::fs::read(&bundle).unwrap();
    replace(&bundle, b"");
    let failure = case.bench.ensure("music", Require::AnyVersion).unwrap_err();
    assert_told(&failure, (ErrorKind::Network, "fileTooShort"), "pack `music`");
    case.bench.assert_goes_on(1);
    replace(&bundle, &before);
    case.assert_arrives();
}

#[test]
fn a_file_that_is_gone_is_told() {
    let case = Case::new();
    let bundle = case.bench.file(&bundle_path(&case.bench.published("music").full.digest));
    let before = std::fs::read(&bundle).unwrap();
    std::fs::remove_file(&bundle).unwrap();
    let failure = case.bench.ensure("music", Require::AnyVersion).unwrap_err();
    assert_told(&failure, (ErrorKind::NotFound, "notOnServer"), "pack `music`");
    case.bench.assert_goes_on(1);
    replace(&bundle, &before);
    case.assert_arrives();
}

#[test]
fn a_server_that_fails_is_told() {
    Case::new().assert_fails(FaultKind::Status500, (ErrorKind::Network, "serverError"));
}

#[test]
fn a_server_that_fails_for_a_while_is_survived() {
    Case::new().assert_survives(FaultKind::Status500, Frequency::First(3));
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    Case::new().assert_survives(FaultKind::Status503, Frequency::First(2));
}

#[test]
fn a_body_with_wrong_bytes_is_refused() {
    Case::new().assert_fails(FaultKind::Corrupt, (ErrorKind::Untrusted, "corruptDownload"));
}

#[test]
fn a_body_with_wrong_bytes_is_fetched_again() {
    Case::new().assert_survives(FaultKind::Corrupt, Frequency::First(2));
}

#[test]
fn a_server_that_redirects_without_end_is_told() {
    Case::new().assert_fails(FaultKind::RedirectLoop, (ErrorKind::Network, "badServerAnswer"));
}

#[test]
fn other_entity_tags_change_nothing() {
    Case::new().assert_survives(FaultKind::ChangeEtag, Frequency::Always);
}

#[test]
fn a_server_that_stops_sending_is_told() {
    Case::new().assert_fails(FaultKind::Stall, (ErrorKind::Network, "transferStalled"));
}

#[test]
fn a_server_that_stops_sending_twice_is_survived() {
    Case::new().assert_survives(FaultKind::Stall, Frequency::First(2));
}

#[test]
fn a_server_that_fails_for_metadata_is_told_and_forgotten() {
    let case = Case::new();
    case.bench.publish(2, jiff::Timestamp::now());
    for kind in [FaultKind::Status500, FaultKind::RedirectLoop] {
        case.strike(kind, Frequency::Always, &Bench::url_path("metadata/"));
        let error = case.bench.check_for_updates().unwrap_err();
        let told = (ErrorKind::Network, "repositoryUnreachable");
        assert_told(error.failure(), told, "metadata/timestamp.json");
        // The catalog held is good enough for what it offers.
        case.bench.assert_goes_on(1);
    }
    case.bench.web.faults.clear();
    assert_eq!(case.bench.check_for_updates().unwrap(), ["base", "spare"]);
    case.bench.ensure("base", Require::LatestVersion).unwrap();
    case.bench.assert_reads("base", 2);
    case.service.stop(&case.bench.device);
}

#[test]
fn metadata_with_wrong_bytes_is_refused() {
    let case = Case::new();
    case.bench.publish(2, jiff::Timestamp::now());
    case.strike(FaultKind::Corrupt, Frequency::Always, &Bench::url_path("metadata/"));
    let error = case.bench.check_for_updates().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
    assert!(error.hint().is_some(), "{error}");
    case.bench.assert_alive();
    case.bench.assert_reads("base", 1);
    case.bench.web.faults.clear();
    assert_eq!(case.bench.check_for_updates().unwrap(), ["base"]);
    case.bench.ensure("base", Require::LatestVersion).unwrap();
    case.bench.assert_goes_on(2);
    case.service.stop(&case.bench.device);
}

#[test]
fn an_essential_pack_that_cannot_be_had_is_named_and_follows_later() {
    let bench = Bench::new();
    let bundle = Bench::url_path(&bundle_path(&bench.published("base").full.digest));
    let rule = FaultRule::new(FaultKind::Corrupt, Frequency::Always).on_paths(bundle);
    bench.web.faults.set_plan(FaultPlan::new(7).with(rule));
    let service = bench.device.start(&PATIENCE);
    let launchable = bench.install();
    let [missed] = &launchable.failed[..] else { panic!("{launchable:?}") };
    assert_eq!(missed.pack.as_str(), "base");
    assert_told(&missed.failure, (ErrorKind::Untrusted, "corruptDownload"), "pack `base`");
    // While an attempt is running there is none.
    let mut reasons = std::iter::repeat_with(|| bench.reasons("base", "backingOff"));
    let reasons = reasons.find(|reasons| !reasons.is_empty()).unwrap();
    assert!(reasons[0].contains("wrong bytes"), "{reasons:?}");
    bench.ensure("spare", Require::AnyVersion).unwrap();

    bench.web.faults.clear();
    bench.ensure("base", Require::AnyVersion).unwrap();
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}
