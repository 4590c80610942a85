//! The link conditioner over a real connection. Exact pacing is tested on virtual time beside the
//! code; here only that it takes at least the time it must.

use crate::world::{Setup, World, data};
use headstart_serve::{Link, LinkConditions, Percent};
use std::time::{Duration, Instant};

#[tokio::test]
async fn slow_link_takes_its_time_and_can_be_mended() {
    let link = Link::new(LinkConditions {
        bandwidth: Some("2MB".parse().unwrap()),
        latency: Duration::from_millis(20),
        loss: Percent::new(1),
        seed: 1,
    });
    let world = World::with(Setup { link: link.clone(), ..Setup::default() }).await;
    let started = Instant::now();
    assert!(world.get("data", &[]).await.bytes().await.unwrap() == data());
    // 300 kB at 2 MB/s, less the 50 ms that the link may run ahead, after the latency.
    assert!(started.elapsed() >= Duration::from_millis(120), "{:?}", started.elapsed());
    link.set(LinkConditions::default());
    assert_eq!(link.conditions(), LinkConditions::default());
    assert!(world.get("data", &[]).await.bytes().await.unwrap() == data());
}
