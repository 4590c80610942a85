//! A disk that is full.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use headstart::{DownloadStatusUpdate, ErrorKind, Failure, Require};
use headstart_model::catalog::bundle_path;
use headstart_serve::{FaultKind, FaultPlan, FaultRule, Frequency};
use jiff::Timestamp;

use super::{Bench, assert_told};
use crate::device::Service;
use crate::skip::skip;

/// A disk of its own for a home: large enough that downloads are admitted, small enough to be filled.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it, if this machine lets us.
    fn mount(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=96m,mode=700", "tmpfs"]).arg(folder);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(folder.to_owned())),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                skip("disk-full", said.lines().next().unwrap_or("no disk can be mounted"));
                None
            }
            Err(error) => {
                skip("disk-full", &format!("`mount` cannot be run: {error}"));
                None
            }
        }
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Leaves no byte free.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.ballast()).unwrap();
        let mut piece = vec![0; 1024 * 1024];
        while piece.len() >= 1024 {
            if file.write_all(&piece).is_err() {
                piece.truncate(piece.len() / 2);
            }
        }
    }

    fn clear(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a service that was not stopped may still hold files.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The service with the app installed, on a small disk. None where no disk can be mounted.
fn on_small_disk() -> Option<(Service, SmallDisk, Bench)> {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let disk = SmallDisk::mount(&home)?;
    let bench = Bench::with_home(folder, &home, Timestamp::now());
    bench.installed().stop(&bench.device);
    let service = bench.device.start(&["--stall-timeout", "1s"]);
    Some((service, disk, bench))
}

fn assert_full(failure: &Failure) {
    assert_eq!(failure.kind, ErrorKind::NoSpace, "{failure:?}");
    assert!(!failure.hint.is_empty(), "{failure:?}");
}

#[test]
fn a_disk_that_fills_up_during_a_download_is_told_and_the_download_goes_on_later() {
    let Some((service, disk, bench)) = on_small_disk() else { return };
    let bundle = Bench::url_path(&bundle_path(&bench.published("music").full.digest));
    let rule = FaultRule::new(FaultKind::Stall, Frequency::Always).on_paths(bundle);
    bench.web.faults.set_plan(FaultPlan::new(7).with(rule));
    let mut updates = bench.device.library().unwrap().status_updates_for("music").unwrap();
    let failure = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| bench.ensure("music", Require::AnyVersion).unwrap_err());
        // Admitted: from here on nobody asks whether there is room.
        let admitted =
            |update: &Result<_, _>| matches!(update, Ok(DownloadStatusUpdate::Downloading(..)));
        updates.find(admitted).unwrap().unwrap();
        disk.fill();
        bench.web.faults.clear();
        waiting.join().unwrap()
    });
    assert_told(&failure, (ErrorKind::NoSpace, "diskFull"), "music");
    bench.assert_alive();
    bench.assert_reads("base", 1);
    assert_full(&bench.ensure("spare", Require::AnyVersion).unwrap_err());

    disk.clear();
    bench.ensure("music", Require::AnyVersion).unwrap();
    bench.assert_reads("music", 1);
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn a_disk_that_is_full_when_something_is_written_down_costs_nothing_but_the_call() {
    let Some((service, disk, bench)) = on_small_disk() else { return };
    // The reserve would let the service write for a while; here it is used up. It is taken while there is no room to
    // keep another one.
    disk.fill();
    std::fs::remove_file(bench.device.home.join("headstart.reserve")).unwrap();
    disk.fill();
    let failure = bench.ensure("spare", Require::AnyVersion).unwrap_err();
    assert_told(&failure, (ErrorKind::NoSpace, "diskFull"), "headstart.db");
    bench.assert_alive();
    bench.assert_reads("base", 1);
    assert_full(&bench.ensure("spare", Require::AnyVersion).unwrap_err());
    bench.assert_alive();
    disk.clear();
    bench.assert_goes_on(1);
    bench.ensure("music", Require::AnyVersion).unwrap();
    let log = service.stop(&bench.device);
    assert!(log.contains("could not be committed"), "{log}");
}

#[test]
fn a_service_starts_on_a_full_disk_and_goes_on_when_there_is_room() {
    let Some((service, disk, bench)) = on_small_disk() else { return };
    service.stop(&bench.device);
    disk.fill();
    let mut service = bench.device.start(&[]);
    if !service.ready {
        panic!("the service did not start:\n{}", service.wait().1);
    }
    bench.assert_alive();
    bench.assert_reads("base", 1);
    assert_full(&bench.ensure("spare", Require::AnyVersion).unwrap_err());
    disk.clear();
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}

#[test]
fn an_app_that_is_installed_on_a_full_disk_is_told_so_and_can_be_installed_later() {
    let Some((service, disk, bench)) = on_small_disk() else { return };
    let other = bench.other_app();
    disk.fill();
    std::fs::remove_file(bench.device.home.join("headstart.reserve")).unwrap();
    disk.fill();
    assert_full(other.install().unwrap_err().failure());
    bench.assert_alive();
    bench.assert_reads("base", 1);
    disk.clear();
    other.install().unwrap();
    super::assert_reads(&other, "other", 1);
    bench.assert_goes_on(1);
    service.stop(&bench.device);
}
