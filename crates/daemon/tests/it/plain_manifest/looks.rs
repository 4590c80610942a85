//! Reading the manifest and looking at archives: how long that may take, and what is not asked for again.

use headstart_serve::{FaultKind, FaultPlan, FaultRule, Frequency};

use super::World;
use crate::publisher::Policy;

/// What is at this path begins to arrive, and never ends.
fn stalls(path: &str) -> FaultPlan {
    let rule = FaultRule::new(FaultKind::Stall, Frequency::Always);
    FaultPlan::default().with(rule.on_paths(path))
}

#[test]
fn an_archive_that_does_not_say_in_time_what_is_in_it_holds_no_other_back() {
    let world = World::new(&[("base", Policy::Essential), ("slow", Policy::Essential)]);
    world.web.faults.set_plan(stalls("/packs/slow"));
    let service = world.device.start(&["--look-timeout", "2s"]);
    let launchable = world.install();
    assert!(world.reads("base", 1), "the others go on");
    let failed: Vec<_> =
        launchable.failed.iter().map(|it| (it.pack.as_str(), it.failure.code.as_str())).collect();
    assert_eq!(failed, [("slow", "archiveTooSlow")]);
    world.web.faults.clear();
    world.device.library().unwrap().check_for_updates().unwrap();
    world.device.ensure(&["slow"], headstart::Require::AnyVersion).unwrap();
    assert!(world.reads("slow", 1));
    world.stop(service);
}

#[test]
fn a_manifest_that_does_not_arrive_in_time_is_given_up_and_what_is_here_stays() {
    let world = World::new(&[("base", Policy::Essential)]);
    // A service that has time enough installs.
    let service = world.device.start(&[]);
    world.install();
    service.stop(&world.device);
    world.web.faults.set_plan(stalls("/manifest.json"));
    let service = world.device.start(&["--look-timeout", "200ms"]);
    let library = world.device.library().unwrap();
    // Another state of it: one that is as it was has no body that could stall.
    std::fs::write(world.folder.path().join("web/manifest.json"), [b' '; 1_000]).unwrap();
    assert_eq!(library.check_for_updates().unwrap_err().code(), "manifestTooSlow");
    assert!(world.reads("base", 1));
    drop(library);
    world.stop(service);
}

#[test]
fn what_has_not_changed_is_neither_read_nor_looked_at_again() {
    let mut world = World::new(&[("base", Policy::Essential), ("music", Policy::OnDemand)]);
    let service = world.device.start(&[]);
    world.install();
    let library = world.device.library().unwrap();
    for _ in 0..2 {
        let updates = library.check_for_updates().unwrap();
        assert!(updates.updating.is_empty() && updates.removed.is_empty());
        assert!(world.reads("base", 1) && world.state("music").is_some());
    }
    // Another state of it is read, and of the archives only the one that is another.
    world.update("base");
    library.check_for_updates().unwrap();
    world.device.ensure(&["base"], headstart::Require::AnyVersion).unwrap();
    drop(library);
    let requests = world.finish(service);
    let of = |path: &str| {
        let of_path = requests.iter().filter(|(asked, _)| asked == path);
        of_path.map(|(_, status)| status.unwrap_or_default()).collect::<Vec<_>>()
    };
    let manifest = of("/manifest.json");
    assert_eq!(manifest[..4], [200, 304, 304, 200], "{manifest:?}");
    // Header and index, once.
    assert_eq!(of("/packs/music"), [206, 206]);
}

#[test]
fn an_archive_of_another_length_than_it_had_is_told_as_changed() {
    let world = World::new(&[("music", Policy::OnDemand)]);
    let good = std::fs::read(world.archive("music")).unwrap();
    let service = world.device.start(&["--retry-delay", "10ms"]);
    world.install();
    let longer = [&good[..], b"more"].concat();
    for other in [&good[..good.len() / 4], &longer] {
        std::fs::write(world.archive("music"), other).unwrap();
        assert_eq!(world.refusal("music"), "archiveChanged", "{} bytes", other.len());
        std::fs::write(world.archive("music"), &good).unwrap();
        world.device.library().unwrap().check_for_updates().unwrap();
    }
    world.device.ensure(&["music"], headstart::Require::AnyVersion).unwrap();
    assert!(world.reads("music", 1));
    world.stop(service);
}
