//! Clones that are refused: why, in words that name the way out.

use crate::world::{Ran, World};

/// The hint of the failure.
fn hint(ran: &Ran) -> String {
    ran.last()["error"]["hint"].as_str().expect("text").to_owned()
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_as_such_with_the_option_that_helps() {
    let world = World::with_repository();
    let server = world.serve(&["repo", "--tls", "auto"]);
    let root = format!("{}metadata/root.json", server.url);
    let elsewhere = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.arg("--json").env("HEADSTART_HOME", world.path("other-home"));
        Ran::of(command.output().expect("runs"))
    };
    for command in [["clone", &server.url, "Level1", "dest"].as_slice(), &["get", &root]] {
        let refused = elsewhere(command).fails(1, "untrusted", "certificateNotTrusted");
        assert!(hint(&refused).contains("`--ca FILE`"), "{refused:?}");
        assert!(refused.err.contains("the certificate of https://"), "{refused:?}");
    }
    server.stop();
}

#[test]
fn a_place_that_is_no_repository_is_named() {
    let world = World::with_sources();
    let server = world.serve(&["src"]);
    let at = format!("there is no repository at {}", server.url);
    for (place, message) in [
        ("nowhere", "there is no folder `nowhere`"),
        ("127.0.0.1:18080", "there is no folder `127.0.0.1:18080`"),
        ("src", "there is no repository in `src`"),
        (&server.url, at.as_str()),
    ] {
        let ran = world.json(&["clone", place, "Level1", "dest"]);
        let ran = ran.fails(1, "notFound", "repositoryFileMissing");
        assert!(ran.err.starts_with(&format!("error: {message}\n")), "{ran:?}");
        assert!(!world.path("dest.headstart").exists());
    }
    let schemeless = world.json(&["clone", "127.0.0.1:18080", "Level1", "dest"]);
    assert!(hint(&schemeless).contains("`https://`"), "{schemeless:?}");
    world.json(&["clone", "", "Level1", "dest"]).fails(2, "usage", "usage");
    server.stop();
}
