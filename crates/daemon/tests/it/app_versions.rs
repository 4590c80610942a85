//! Packs for some versions of the app, with the real service.

use headstart::apps::UpdateOptions;
use headstart::{PackVersion, Require, Status};
use headstart_model::app_bundle::AppVersion;
use jiff::Timestamp;

use crate::device::{APP, Device, describe};
use crate::publisher::{Policy, Publisher, Web, files};

/// Publishes an edition of the pack for these versions of the app.
fn publish(publisher: &Publisher, edition: u64, range: Option<&str>) {
    let archive = publisher.pack("music", Policy::Prefetch, edition);
    publisher.publish_altered(&[archive], Timestamp::now(), |pack, _| {
        pack.app_versions = range.map(|range| range.parse().unwrap());
    });
}

fn read(device: &Device, edition: u64) -> bool {
    let read = device.read_pack("music", files("music", edition).into_keys());
    read.is_some_and(|read| read == files("music", edition))
}

#[test]
fn an_old_build_keeps_what_it_has_until_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    publish(&publisher, 1, None);
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    device.ensure(&["music"], Require::AnyVersion).unwrap();
    publish(&publisher, 2, Some(">=2"));
    let library = device.library().unwrap();
    let checked = library.check_for_updates().unwrap();
    assert!(checked.updating.is_empty() && checked.removed.is_empty(), "{checked:?}");
    let [withheld] = checked.withheld.as_slice() else { panic!("{checked:?}") };
    assert_eq!(
        (withheld.version, withheld.app_versions.to_string()),
        (PackVersion(2), ">=2".into())
    );
    assert!(withheld.app_versions.contains(&AppVersion::new("2.0").unwrap()));
    let status = library.status_of("music").unwrap();
    assert!(status.contains(Status::UP_TO_DATE.with(Status::DOWNLOADED)), "{status:?}");
    let state = device.packs().unwrap().status(&withheld.pack, None).unwrap();
    assert_eq!(state.withheld.as_ref(), Some(withheld));
    let explained = device.packs().unwrap().explain(&withheld.pack).unwrap();
    assert_eq!(explained.reasons[0].fact, "otherAppVersion", "{explained:?}");
    // The latest that there is for this build is the one that is here.
    device.ensure(&["music"], Require::LatestVersion).unwrap();
    assert!(read(&device, 1));

    std::fs::write(device.bundle.join("headstart.toml"), describe(APP, &web.url, "2.0.0")).unwrap();
    for event in device.apps().unwrap().update(&device.bundle, UpdateOptions::default()).unwrap() {
        event.unwrap();
    }
    device.ensure(&["music"], Require::LatestVersion).unwrap();
    assert!(read(&device, 2));
    assert!(device.packs().unwrap().status(&withheld.pack, None).unwrap().withheld.is_none());
    drop(library);
    service.stop(&device);
}

#[test]
fn a_new_installation_of_an_old_build_gets_the_version_that_is_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    publish(&publisher, 1, None);
    publish(&publisher, 2, Some(">=2"));
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    device.ensure(&["music"], Require::LatestVersion).unwrap();
    assert!(read(&device, 1), "downloaded from what is still offered to it");
    service.stop(&device);
}
