//! The manifest of an app, on its way. `Spec: concepts 4.1, 7`.

use headstart::apps::{InstallEvent, InstallOptions};

use super::server::{Page, Server};
use crate::extension::{Bench, stop};

/// Whoever installs an app sees that its manifest comes, also when it stops in the middle.
#[test]
fn the_progress_of_the_manifest_reaches_whoever_installs_the_app() {
    let (bench, server) = (Bench::new(""), Server::start());
    server.put("manifest", Page::Held(1_000, vec![b'\n'; 2_000]));
    let description = bench.device.bundle.join("headstart.toml");
    let text = std::fs::read_to_string(&description).unwrap();
    let web = format!("{}manifest", bench.web.url);
    assert!(text.contains(&web));
    std::fs::write(&description, text.replace(&web, &server.url("manifest"))).unwrap();
    let service = bench.device.start(&[]);
    let options = InstallOptions { dev: true, ..InstallOptions::default() };
    let mut events = bench.apps().install(&bench.device.bundle, options).unwrap();
    let half = events.any(|event| match event.unwrap() {
        InstallEvent::Progress(at) => at.fraction > 0.12 && at.fraction < 0.13,
        _ => false,
    });
    assert!(half, "half of the phase between 10 % and 15 %");
    server.release();
    assert!(events.any(|event| matches!(event.unwrap(), InstallEvent::Launchable(_))));
    stop(&bench, service);
}
