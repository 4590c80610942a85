//! Extensions that a developer looks at.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use headstart::{AppId, ContentRequest};

use super::{APP, Bench, stop, until};

/// Does what a debugger does in the end, when the process has stopped.
fn let_go(pid: u32) {
    let stat = format!("/proc/{pid}/stat");
    // After the name, which may hold anything.
    let is_stopped = |stat: String| stat.rsplit(") ").next().is_some_and(|s| s.starts_with('T'));
    until("it stops", || std::fs::read_to_string(&stat).is_ok_and(is_stopped));
    // The shell has a `kill` of its own; a minimal system has no program of that name.
    let status = Command::new("sh").args(["-c", "kill -CONT \"$0\"", &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_debugger_costs_neither_run_time_nor_the_question_that_is_open() {
    let bench = Bench::new("slow");
    let service = bench.device.start(&[]);
    bench.install();
    let app = AppId::new(APP).unwrap();
    let before = bench.told().len();
    let attached = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let open = scope.spawn(|| bench.simulate(ContentRequest::Periodic));
        until("it is asked", || bench.told().len() > before);
        let attaching = scope.spawn(|| bench.apps().attach_debugger(&app).unwrap());
        let outcome = open.join().unwrap();
        let next = scope.spawn(|| {
            while !attached.load(Ordering::SeqCst) {
                bench.simulate(ContentRequest::Periodic);
            }
        });
        let pid = attaching.join().unwrap().pid;
        attached.store(true, Ordering::SeqCst);
        let_go(pid);
        next.join().unwrap();
        assert!(outcome.extension.is_none(), "it answers all the same: {outcome:?}");
    });
    let extension = bench.info().extension.unwrap();
    assert_eq!(extension.used_milliseconds, 0, "{extension:?}");
    stop(&bench, service);
}
