//! Extensions that do what they should not: the service and other apps are unharmed, and each ends with its reason shown.

use headstart::AppId;

use super::{Bench, stop, until};

/// What whoever runs the service may wait for one answer here.
const PATIENCE: [&str; 2] = ["--extension-patience", "500ms"];

/// Installs an app with this extension: that ends, a reason is shown, and another app is installed all the same.
fn assert_unharmed(behaviour: &str, reason: &str) -> Bench {
    let bench = Bench::new(behaviour);
    let service = bench.device.start(&PATIENCE);
    bench.install();
    let shown = |end: &String| end.contains(reason);
    until(reason, || bench.ends().iter().any(shown));
    let other = bench.folder.path().join("other");
    bench.bundle(&other, "com.example.other", "");
    bench.manifest(&[("level", 3_000, true)]);
    let launchable = bench.install_bundle(&other);
    assert!(launchable.downloads.is_empty() && launchable.catalog.is_none(), "{launchable:?}");
    let arrived = bench.device.home.join("groups/group.com.example.other/level");
    until("the other app's file", || arrived.exists());
    let log = stop(&bench, service);
    assert!(log.contains(reason), "the log does not say `{reason}`:\n{log}");
    bench
}

/// Installs an app whose extension tries something and answers: what it has said of its tries.
fn tries(behaviour: &str) -> Vec<String> {
    let bench = Bench::new(behaviour);
    let service = bench.device.start(&PATIENCE);
    bench.install();
    until("an answer", || bench.told().iter().any(|line| line.starts_with("named")));
    stop(&bench, service);
    bench.told()
}

fn assert_all_refused(behaviour: &str, count: usize) {
    let told = tries(behaviour);
    let refused = told.iter().filter(|line| line.ends_with(": PermissionDenied")).count();
    assert_eq!(refused, count, "{told:?}");
    assert!(!told.iter().any(|line| line.ends_with(": done")), "{told:?}");
}

#[test]
fn an_endless_loop_ends_when_its_time_is_over() {
    assert_unharmed("loop", "it gave no answer within 0.5 s");
}

#[test]
fn a_gigabyte_of_memory_is_not_had() {
    let bench = assert_unharmed("memory", "bytes of memory, and 16777216 are allowed");
    assert!(!bench.told().iter().any(|line| line.starts_with("memory")), "{:?}", bench.told());
}

#[test]
fn a_hundred_threads_are_too_many() {
    assert_unharmed("threads", "threads, and 64 are allowed");
}

#[test]
fn no_process_is_made() {
    assert_all_refused("fork", 100);
}

#[test]
fn no_socket_is_made() {
    assert_all_refused("socket", 4);
}

#[test]
fn the_home_is_not_read() {
    assert_all_refused("read-home", 3);
}

#[test]
fn nothing_is_written_outside() {
    assert_all_refused("write-outside", 3);
}

#[test]
fn an_extension_listens_to_nobody() {
    let told = tries("attend");
    assert!(told.contains(&"attend: \"callFromExtensionNotAllowed\"".to_owned()), "{told:?}");
}

#[test]
fn one_that_closes_its_connection_is_ended() {
    assert_unharmed("close", "it broke its connection off");
}

#[test]
fn one_that_sends_garbage_is_ended() {
    assert_unharmed("garbage", "it broke its connection off");
}

#[test]
fn one_that_crashes_is_told() {
    assert_unharmed("crash", "it was ended by signal 6");
}

#[test]
fn one_that_exits_is_told() {
    assert_unharmed("exit", "it ended by itself, with exit code 3");
}

#[test]
fn a_million_downloads_are_refused() {
    let bench = Bench::new("many");
    let service = bench.device.start(&["--extension-patience", "60s"]);
    bench.install();
    let queue = bench.device.connector().queue_blocking().unwrap().list().unwrap();
    assert_eq!(queue.len(), 0, "nothing of it is scheduled");
    let log = stop(&bench, service);
    assert!(log.contains("tooManyDownloads"), "{log}");
}

/// Makes the extension one that ignores SIGTERM: what is ignored stays ignored in the program that takes over.
fn make_stubborn(bench: &Bench) {
    let bin = bench.device.bundle.join("bin");
    std::fs::rename(bin.join("extension"), bin.join("stubborn")).unwrap();
    let script = format!("#!/bin/sh\ntrap '' TERM\nexec {}\n", bin.join("stubborn").display());
    std::fs::write(bin.join("extension"), script).unwrap();
    let runnable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bin.join("extension"), runnable).unwrap();
}

#[test]
fn one_that_ignores_a_polite_end_is_killed() {
    let bench = Bench::new("loop");
    make_stubborn(&bench);
    let service = bench.device.start(&PATIENCE);
    bench.install();
    until("its end", || bench.ends().iter().any(|end| end.contains("no answer within")));
    let pid = bench.told();
    assert!(pid.iter().any(|line| line == "asked downloadsRequested"), "it came to work: {pid:?}");
    stop(&bench, service);
}

#[test]
fn one_that_has_nothing_to_do_and_ignores_its_end_is_killed() {
    let bench = Bench::new("linger");
    make_stubborn(&bench);
    let service = bench.device.start(&["--extension-idle", "1ms"]);
    bench.install();
    bench.simulate(headstart::ContentRequest::Periodic);
    until("its end", || bench.ends().first().is_some_and(|end| end == "it had nothing to do"));
    let told = bench.told();
    let pid = told.iter().rev().find_map(|line| line.strip_prefix("pid ")).unwrap();
    until("its process ends", || !std::path::Path::new("/proc").join(pid).exists());
    stop(&bench, service);
}

/// What whoever runs the service may wait for exclusive control here.
const EXCLUSIVE: [&str; 2] = ["--extension-exclusive", "300ms"];
const HELD: &str = "it had or awaited exclusive control for 0.3 s";

/// Its clock stands still while it has exclusive control, and each time is short.
#[test]
fn one_that_takes_exclusive_control_again_and_again_is_ended() {
    let bench = Bench::new("hold");
    let service = bench.device.start(&EXCLUSIVE);
    bench.install();
    until("its end", || bench.ends().iter().any(|end| end == HELD));
    let log = stop(&bench, service);
    assert!(log.contains("extensionTooSlow"), "{log}");
}

/// It is not to blame for who has it.
#[test]
fn one_that_waits_for_exclusive_control_that_the_app_has_is_ended_and_asked_again() {
    let bench = Bench::new("hold");
    let service = bench.device.start(&EXCLUSIVE);
    bench.install();
    let manager = bench.device.connector().downloads_blocking().unwrap();
    let control = manager.exclusive_control(None).unwrap();
    let app = AppId::new("com.example.game").unwrap();
    let apps = bench.apps();
    let events = apps.simulate_event(&app, headstart::ContentRequest::Periodic).unwrap();
    let waited = || {
        let ends = bench.ends();
        ends.iter().filter(|end| *end == "it waited 0.3 s for exclusive control").count()
    };
    until("its ends", || waited() > 3);
    let failure = bench.info().extension.unwrap().failure.unwrap();
    assert_eq!(failure.code.as_str(), "exclusiveControlTaken", "{failure:?}");
    drop((events, control));
    stop(&bench, service);
}

/// Long enough that it computes something, however busy the machine is.
#[test]
fn one_that_keeps_it_after_its_answer_is_ended_and_the_time_counts() {
    let bench = Bench::new("hold-after");
    let service = bench.device.start(&["--extension-exclusive", "3s"]);
    bench.install();
    bench.simulate(headstart::ContentRequest::Periodic);
    let held = |end: &String| end == "it had or awaited exclusive control for 3 s";
    until("its end", || bench.ends().first().is_some_and(held));
    bench.simulate(headstart::ContentRequest::Periodic);
    let extension = bench.info().extension.unwrap();
    assert!(extension.used_milliseconds >= 100, "the time after the answer before: {extension:?}");
    stop(&bench, service);
}

#[test]
fn one_that_never_connects_costs_the_installation_its_content_only() {
    let bench = Bench::new("silent");
    let service = bench.device.start(&["--extension-patience", "500ms"]);
    let launchable = bench.install();
    assert!(launchable.downloads.is_empty(), "{launchable:?}");
    let end = bench.ends();
    assert!(end.iter().all(|end| end.contains("did not connect within")), "{end:?}");
    stop(&bench, service);
}

#[test]
fn a_program_that_cannot_be_run_is_named() {
    let bench = Bench::new("");
    let extension = bench.device.bundle.join("bin/extension");
    std::fs::remove_file(&extension).unwrap();
    std::fs::write(&extension, b"no program").unwrap();
    let service = bench.device.start(&PATIENCE);
    let launchable = bench.install();
    assert!(launchable.downloads.is_empty(), "{launchable:?}");
    let app = AppId::new("com.example.game").unwrap();
    assert_eq!(bench.device.apps().unwrap().info(&app).unwrap().app.id, app);
    let log = stop(&bench, service);
    assert!(log.contains("extensionNotStarted") || log.contains("cannot run"), "{log}");
}
