//! What is told about packs and apps.

mod status;

use headstart_model::DownloadPolicy;

use super::*;
use crate::testing::{Bench, app_id, essential, key, offer, prefetch};
use crate::{Event, Order};

fn names(bench: &Bench, pack: &str) -> Vec<&'static str> {
    status(&bench.state, &key(pack)).names().collect()
}

#[test]
fn flags_follow_a_pack_through_its_life() {
    let mut bench = Bench::installed(vec![
        offer("core", 1, essential()),
        offer("extra", 1, DownloadPolicy::on_demand()),
    ]);
    assert_eq!(names(&bench, "core"), ["downloadAvailable", "upToDate", "downloaded"]);
    assert_eq!(names(&bench, "extra"), ["downloadAvailable"]);
    assert!(names(&bench, "unheard-of").is_empty());
    bench.publish(vec![offer("core", 2, essential())]);
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    let moving = ["downloadAvailable", "updateAvailable", "outOfDate", "downloading", "downloaded"];
    assert_eq!(names(&bench, "core"), moving);
    assert!(names(&bench, "extra").is_empty(), "neither offered nor local");
    bench.finish_everything();
    bench.publish(Vec::new());
    bench.call(|caller| Event::EnsureRequested {
        caller,
        app: app_id("app"),
        packs: vec![key("core").pack],
        terms: crate::record::Freshness::Latest.into(),
    });
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    assert_eq!(names(&bench, "core"), ["obsolete", "downloaded"]);
}

#[test]
fn the_local_status_needs_no_server() {
    let mut bench = Bench::installed(vec![offer("core", 1, essential())]);
    let local =
        |bench: &Bench| local_status(&bench.state, &key("core")).names().collect::<Vec<_>>();
    assert_eq!(local(&bench), ["downloaded"]);
    bench.publish(vec![offer("core", 2, essential())]);
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    assert_eq!(local(&bench), ["outOfDate", "downloaded"]);
}

#[test]
fn a_status_relative_to_an_old_listing_calls_its_version_up_to_date() {
    let mut bench = Bench::installed(vec![offer("core", 1, essential())]);
    bench.publish(vec![offer("core", 2, essential())]);
    bench.periodic();
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    let relative = |version| status_relative_to(&bench.state, &key("core"), PackVersion(version));
    let old = relative(1);
    assert!(old.contains(Status::UP_TO_DATE) && !old.contains(Status::UPDATE_AVAILABLE));
    let new = relative(2);
    assert!(new.contains(Status::OUT_OF_DATE.with(Status::UPDATE_AVAILABLE)));
    let never = relative(3);
    assert!(never.contains(Status::OUT_OF_DATE) && !never.contains(Status::UPDATE_AVAILABLE));
}

#[test]
fn the_gate_opens_when_nothing_essential_is_pending() {
    let mut bench = Bench::new(vec![offer("core", 1, essential()), offer("more", 1, prefetch())]);
    assert!(matches!(launch_gate(&bench.state, &app_id("app")), LaunchGate::Closed(_)));
    bench.install();
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    let pending = LaunchGate::Pending(vec![key("core").pack], Vec::new());
    assert_eq!(launch_gate(&bench.state, &app_id("app")), pending);
    assert_eq!(apps(&bench.state)[0].essential_pending, [key("core").pack]);
    bench.finish(|order| matches!(order, Order::Plan(_)));
    bench.finish(|order| matches!(order, Order::Transfer(_)));
    bench.finish(|order| matches!(order, Order::Switch { .. }));
    assert_eq!(launch_gate(&bench.state, &app_id("app")), LaunchGate::Open);
    assert_eq!(downloads(&bench.state).len(), 1, "the prefetched pack is still on its way");
}

#[test]
fn listings_show_what_is_offered_and_what_is_local() {
    let bench = Bench::installed(vec![offer("core", 1, essential())]);
    let listed = packs(&bench.state, &app_id("app")).expect("it is installed");
    let [view] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((view.version, view.local_version), (Some(PackVersion(1)), Some(PackVersion(1))));
    assert_eq!((view.download_bytes, view.installed_bytes), (Some(100), Some(100)));
    assert_eq!(packs(&bench.state, &app_id("other")), None);
}
