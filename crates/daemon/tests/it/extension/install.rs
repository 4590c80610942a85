//! Installations whose content an extension decides on.

use headstart::ContentRequest;

use super::{Bench, stop, until};
use crate::publisher::noise;

/// The sample of the specification: one essential file fails, is scheduled again as nonessential, and arrives; the app may be
/// launched when all essential files have concluded.
#[test]
fn an_essential_download_that_fails_is_scheduled_again_and_arrives() {
    let bench = Bench::new("");
    bench.manifest(&[("level", 300_000, true), ("music", 5_000, false)]);
    let manifest = bench.line("level", 300_000, true)
        + &bench.line("late", 4_000, true)
        + &bench.line("music", 5_000, false);
    bench.manifest_text(&manifest);
    let service = bench.device.start(&[]);
    let launchable = bench.install();
    let failed: Vec<_> = launchable.downloads.iter().map(|d| d.identifier.as_str()).collect();
    assert_eq!(failed, ["late"], "{launchable:?}");
    assert!(launchable.catalog.is_none() && launchable.failed.is_empty());
    until("the extension hears of it", || {
        bench.told().iter().any(|line| line.starts_with("scheduled again"))
    });
    assert!(bench.told().contains(&"scheduled again: true".to_owned()), "{:?}", bench.told());
    // Now the server has it: what failed as absent is not tried again by itself, so the next request names it anew.
    bench.manifest(&[("level", 300_000, false), ("late", 4_000, false), ("music", 5_000, false)]);
    let outcome = bench.simulate(ContentRequest::Periodic);
    assert!(outcome.extension.is_none(), "{outcome:?}");
    for (name, bytes) in [("level", 300_000), ("late", 4_000), ("music", 5_000)] {
        let file = bench.group().join(name);
        until(name, || std::fs::metadata(&file).is_ok_and(|file| file.len() == bytes));
    }
    let log = stop(&bench, service);
    assert!(log.contains("extension asked"), "{log}");
}

#[test]
fn a_file_keeps_its_mark_when_the_extension_moves_it() {
    let bench = Bench::new("");
    bench.manifest(&[("level", 3_000, true)]);
    let service = bench.device.start(&[]);
    bench.install();
    let file = bench.group().join("level");
    until("the file", || file.exists());
    if headstart_sys::purgeable::mark(&bench.group().join("told")).is_ok() {
        assert!(headstart_sys::purgeable::is_marked(&file));
    }
    let inbox = bench.group().join("inbox");
    until("what is left of it", || std::fs::read_dir(&inbox).unwrap().count() == 0);
    stop(&bench, service);
}

/// `Spec: concepts 14`: a file of another size than it was said to have fails.
#[test]
fn a_file_of_another_size_fails() {
    let bench = Bench::new("");
    bench.manifest(&[("short", 3_000, true), ("long", 3_000, true)]);
    let manifest = bench.line("short", 3_001, true) + &bench.line("long", 2_999, true);
    bench.manifest_text(&manifest);
    let service = bench.device.start(&[]);
    let launchable = bench.install();
    let codes: Vec<_> =
        launchable.downloads.iter().map(|d| d.failure.code.as_str().to_owned()).collect();
    assert_eq!(codes, ["otherFileSize", "otherFileSize"], "{launchable:?}");
    stop(&bench, service);
}

#[test]
fn a_kill_of_the_service_loses_no_end_of_a_download() {
    let bench = Bench::new("");
    bench.manifest(&[("level", 300_000, true), ("music", 200_000, false)]);
    let service = bench.device.start(&[]);
    bench.install();
    service.kill();
    let service = bench.device.start(&[]);
    for (name, bytes) in [("level", 300_000), ("music", 200_000)] {
        let file = bench.group().join(name);
        until(name, || std::fs::metadata(&file).is_ok_and(|file| file.len() == bytes));
    }
    stop(&bench, service);
}

#[test]
fn an_app_that_is_removed_takes_its_group_with_it() {
    let bench = Bench::new("");
    bench.manifest(&[("level", 3_000, true)]);
    let service = bench.device.start(&[]);
    bench.install();
    let app = headstart::AppId::new("com.example.game").unwrap();
    let apps = bench.device.apps().unwrap();
    apps.uninstall(&app, headstart::apps::Data::Remove).unwrap();
    assert!(!bench.group().exists());
    stop(&bench, service);
}

/// Numbers of downloads are easily guessed, and every member of the group can write in its container.
#[test]
fn a_file_that_somebody_put_where_it_is_handed_over_is_not_taken_for_it() {
    let bench = Bench::new("");
    bench.manifest(&[("level", 3_000, true)]);
    for number in 1..20 {
        let inbox = bench.group().join("inbox").join(number.to_string());
        std::fs::create_dir_all(&inbox).unwrap();
        std::fs::write(inbox.join("level"), [0; 3_000]).unwrap();
    }
    let service = bench.device.start(&[]);
    bench.install();
    let level = bench.group().join("level");
    until("the file", || level.exists());
    assert!(std::fs::read(&level).unwrap() == noise(7, 3_000), "it is the server's");
    stop(&bench, service);
}
