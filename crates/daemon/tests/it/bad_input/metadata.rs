//! Signed metadata that does not hold.

use headstart::{ErrorKind, Require};
use jiff::{SignedDuration, Timestamp};

use super::{Bench, assert_told};
use crate::device::{APP, describe};
use crate::publisher::{Policy, Publisher, copy_folder};

const SIGNATURE: (ErrorKind, &str) = (ErrorKind::Untrusted, "metadataSignature");
const OLDER: (ErrorKind, &str) = (ErrorKind::Untrusted, "metadataOlder");
const EXPIRED: (ErrorKind, &str) = (ErrorKind::Untrusted, "metadataExpired");

fn sixty_days_ago() -> Timestamp {
    Timestamp::now().checked_sub(SignedDuration::from_hours(60 * 24)).unwrap()
}

/// Exchanges what the server hands out under the repository's address.
fn exchange(bench: &Bench, with: &std::path::Path) {
    let repository = bench.publisher.repository();
    std::fs::remove_dir_all(&repository).unwrap();
    copy_folder(with, &repository);
}

/// No news are taken, what is there stays, another app is not concerned, and the reason is shown.
fn assert_distrusted(bench: &Bench, told: (ErrorKind, &str), edition: u64) {
    let error = bench.check_for_updates().unwrap_err();
    assert_told(error.failure(), told, "repository");
    let failure = bench.ensure("music", Require::AnyVersion).unwrap_err();
    assert_told(&failure, told, "repository");
    let failure = bench.ensure("base", Require::LatestVersion).unwrap_err();
    assert_told(&failure, told, "repository");
    // Nobody has to be asked for what is there.
    bench.ensure("base", Require::AnyVersion).unwrap();
    bench.assert_reads("base", edition);
    let [reason] = &bench.reasons("base", "distrusted")[..] else { panic!("no reason is shown") };
    assert!(reason.contains(&error.failure().message), "{reason}");
    bench.assert_alive();
    bench.assert_other_app_installs();
}

#[test]
fn a_repository_signed_by_somebody_else_is_refused() {
    let bench = Bench::new();
    let service = bench.installed();
    let own = bench.folder.path().join("own");
    copy_folder(&bench.publisher.repository(), &own);
    let other = Publisher::new(&bench.folder.path().join("somebody-else"), Timestamp::now());
    other.publish(&[other.pack("base", Policy::Essential, 2)], Timestamp::now());
    other.publish(&[other.pack("music", Policy::OnDemand, 2)], Timestamp::now());
    exchange(&bench, &other.repository());
    assert_distrusted(&bench, SIGNATURE, 1);

    exchange(&bench, &own);
    bench.check_for_updates().unwrap();
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn a_root_of_another_repository_in_the_bundle_is_told_at_installation() {
    let bench = Bench::new();
    let other = Publisher::new(&bench.folder.path().join("somebody-else"), Timestamp::now());
    let root = bench.device.bundle.join("root.json");
    std::fs::copy(other.root(), &root).unwrap();
    let service = bench.device.start(&[]);
    let launchable = bench.install();
    assert_told(&launchable.catalog.unwrap(), SIGNATURE, "repository");
    let failure = bench.ensure("base", Require::AnyVersion).unwrap_err();
    assert_told(&failure, SIGNATURE, "repository");
    assert_eq!(bench.reasons("base", "distrusted").len(), 1);
    bench.assert_alive();
    bench.assert_other_app_installs();

    // What is trusted is never exchanged, so the app is installed anew.
    let app = headstart::AppId::new(APP).unwrap();
    bench.device.apps().unwrap().uninstall(&app, headstart::apps::Data::Remove).unwrap();
    std::fs::copy(bench.publisher.root(), &root).unwrap();
    assert_eq!(bench.install().catalog, None);
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn an_older_release_than_the_one_known_is_refused() {
    let bench = Bench::new();
    let service = bench.installed();
    let first = bench.folder.path().join("first");
    copy_folder(&bench.publisher.repository(), &first);
    bench.publish(2, Timestamp::now());
    bench.check_for_updates().unwrap();
    bench.ensure("base", Require::LatestVersion).unwrap();
    let second = bench.folder.path().join("second");
    copy_folder(&bench.publisher.repository(), &second);
    exchange(&bench, &first);
    assert_distrusted(&bench, OLDER, 2);

    exchange(&bench, &second);
    bench.check_for_updates().unwrap();
    bench.assert_goes_on(2);
    service.stop(&bench.device);
}

#[test]
fn an_installation_from_an_expired_repository_says_so_and_is_completed_later() {
    let bench = Bench::at(sixty_days_ago());
    let service = bench.device.start(&[]);
    let launchable = bench.install();
    assert_told(&launchable.catalog.unwrap(), EXPIRED, "expired at");
    let failure = bench.ensure("base", Require::AnyVersion).unwrap_err();
    assert_told(&failure, EXPIRED, "expired at");
    let [reason] = &bench.reasons("base", "distrusted")[..] else { panic!("no reason is shown") };
    assert!(reason.contains("expired at"), "{reason}");
    bench.assert_alive();
    bench.assert_other_app_installs();

    bench.publish(2, Timestamp::now());
    bench.check_for_updates().unwrap();
    bench.ensure("base", Require::AnyVersion).unwrap();
    bench.assert_goes_on(2);
    service.stop(&bench.device);
}

#[test]
fn after_expiry_what_is_installed_stays_usable_without_updates() {
    let bench = Bench::new();
    let service = bench.installed();
    bench.publish(2, sixty_days_ago());
    assert_distrusted(&bench, EXPIRED, 1);
    service.stop(&bench.device);
    // A new life of the service knows it too.
    let service = bench.device.start(&[]);
    assert_eq!(bench.reasons("base", "distrusted").len(), 1);
    bench.assert_reads("base", 1);

    bench.publish(3, Timestamp::now());
    assert_eq!(bench.check_for_updates().unwrap(), ["base"]);
    bench.ensure("base", Require::LatestVersion).unwrap();
    bench.assert_reads("base", 3);
    service.stop(&bench.device);
}

#[test]
fn a_channel_that_the_repository_does_not_have_is_named() {
    let bench = Bench::new();
    let url = format!("{}game/repository/", bench.web.url);
    let description = bench.device.bundle.join("headstart.toml");
    let channel = "BARepositoryChannel = \"nightly\"\n";
    std::fs::write(&description, describe(APP, &url, "1.0.0") + channel).unwrap();
    let service = bench.device.start(&[]);
    let launchable = bench.install();
    let unknown = (ErrorKind::NotFound, "channelUnknown");
    assert_told(&launchable.catalog.unwrap(), unknown, "`nightly`");
    let failure = bench.ensure("base", Require::AnyVersion).unwrap_err();
    assert_told(&failure, unknown, "`nightly`");
    let [reason] = &bench.reasons("base", "backingOff")[..] else { panic!("no reason is shown") };
    assert!(reason.contains("`nightly`"), "{reason}");
    bench.assert_alive();

    // An update of the app corrects it.
    std::fs::write(&description, describe(APP, &url, "1.0.1")).unwrap();
    let apps = bench.device.apps().unwrap();
    let events = apps.update(&bench.device.bundle, headstart::apps::UpdateOptions::default());
    events.unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}
