//! What only people are told: what to do next, what was probably meant, and what will not happen by itself.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use headstart_model::DownloadPolicy;
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{
    Ensure, EnsureEvent, EnsureOutcome, Pack, StatusUpdate, Trust,
};

use crate::device::{APP, BUNDLE, Device};
use crate::fake::FakeService;
use crate::world::World;

impl Device {
    /// Installs another app, `com.example.NAME`, with its packs from a repository of this name.
    fn twin(&self, name: &str, repository: &str) {
        let text = std::fs::read_to_string(self.world.path(BUNDLE)).unwrap();
        let url = format!("file://{}", self.world.path(repository).display());
        let text = text.replace(APP, &format!("com.example.{name}"));
        let text = text.replace(&format!("file://{}", self.world.path("repo").display()), &url);
        self.world.write(&format!("{name}/headstart.toml"), text);
        let root = self.world.path(&format!("{name}/root.json"));
        std::fs::copy(self.world.path("repo/metadata/root.json"), root).unwrap();
        // Without a catalog the installation itself does not end well.
        self.run(&["app", "install", name]);
    }
}

#[test]
fn programs_that_cannot_run_and_switches_that_are_off_are_told_at_installation() {
    let device = Device::new();
    device.describe("languages", "extension = \"bin/downloads\"\nlanguages");
    device.run(&["settings", "set", "background-activity", "off"]).succeeds();
    let installed = device.run(&["app", "install", "bundle"]);
    let program = device.world.path("bundle/bin/downloads").canonicalize();
    assert!(program.is_err());
    let bundle = device.world.path("bundle").canonicalize().unwrap();
    let told = format!(
        "warning: the bundle's `extension` is not there: {}",
        bundle.join("bin/downloads").display()
    );
    assert!(installed.err.contains(&told), "{installed:?}");
    assert!(installed.err.contains("note: background activity is switched off: "), "{installed:?}");
    assert!(
        installed.err.contains("`headstart settings set background-activity on`"),
        "{installed:?}"
    );

    let game = device.world.path("bundle/bin/game");
    std::fs::set_permissions(&game, std::fs::Permissions::from_mode(0o644)).unwrap();
    device.world.write("bundle/bin/downloads", "");
    device.run(&["settings", "set", "background-activity"]).succeeds();
    device.run(&["settings", "set", &format!("background-activity.{APP}"), "off"]).succeeds();
    let updated = device.run(&["app", "update", "bundle"]);
    for told in [
        "warning: the bundle's `executable` may not be executed: ",
        "warning: the bundle's `extension` may not be executed: ",
        "note: background activity is switched off for it: ",
    ] {
        assert!(updated.err.contains(told), "{updated:?}");
    }
    let updated = device.json(&["app", "update", "bundle"]);
    assert_eq!(updated.err, "", "programs are told nothing of it");
}

#[test]
fn content_that_is_switched_off_until_the_first_launch_is_told_at_installation() {
    let device = Device::new();
    device.run(&["settings", "set", "in-app-content", "off"]).succeeds();
    let installed = device.run(&["app", "install", "bundle"]).succeeds();
    assert!(installed.err.contains("note: in-app content is switched off: "), "{installed:?}");
    let explained = device.run(&["explain", "Level1"]).succeeds();
    assert!(explained.out.contains("because in-app content is switched off"), "{explained:?}");
}

#[test]
fn a_catalog_that_nobody_has_read_is_awaited_with_its_address_and_the_next_attempt() {
    let device = Device::new();
    let repository = format!("file://{}", device.world.path("repo").display());
    let nowhere = format!("file://{}", device.world.path("nowhere").display());
    device.describe(&repository, &nowhere);
    let installed = device.run(&["app", "install", "bundle"]);
    assert_eq!(installed.code, 1, "{installed:?}");
    let awaited = format!("no catalog has been fetched yet from {nowhere}");
    assert!(installed.out.starts_with("its packs are not known yet: "), "{installed:?}");
    assert!(
        installed.out.contains(&format!("\n{awaited}; it is tried again at 2")),
        "{installed:?}"
    );
    let listed = device.run(&["packs", "list"]).succeeds();
    let line = format!("There are no packs.\n  {APP}: {awaited}; attempt ");
    assert!(listed.out.starts_with(&line), "{listed:?}");
    assert!(listed.out.contains(" failed: cannot fetch "), "{listed:?}");
    assert!(listed.out.contains("; it is tried again at 2"), "{listed:?}");
    let info = device.run(&["app", "info", APP]).succeeds();
    assert!(info.out.contains(&format!("Awaited     {awaited}; attempt ")), "{info:?}");
    let explained = device.run(&["explain", "Level1"]).succeeds();
    assert!(explained.out.starts_with(&format!("Level1: absent\n  because {awaited}\n")));
}

#[test]
fn what_was_probably_meant_is_told_to_people() {
    let device = Device::new();
    device.json(&["app", "install", "bundle"]).succeeds();
    for command in [
        ["packs", "ensure", "Levl1"].as_slice(),
        &["packs", "status", "level1"],
        &["explain", "Level2"],
    ] {
        let ran = device.run(command);
        assert!(ran.err.contains("\nhint: did you mean `Level1`? "), "{ran:?}");
        assert!(!device.json(command).err.contains("did you mean"));
    }
    for command in [["app", "info", "com.example.gam"], ["packs", "list", "--app=com.example.gane"]]
    {
        let ran = device.run(&command);
        assert!(ran.err.contains(&format!("\nhint: did you mean `{APP}`? ")), "{ran:?}");
    }
    let nothing_like_it = device.run(&["packs", "ensure", "music"]);
    assert!(!nothing_like_it.err.contains("did you mean"), "{nothing_like_it:?}");
}

/// `Spec: cli, common rules`: an app without managed packs does not come into question where they are meant.
#[test]
fn the_only_app_that_can_be_meant_needs_no_name() {
    let device = Device::new();
    device.json(&["app", "install", "bundle"]).succeeds();
    let other = "[app]\nid = \"com.example.other\"\nversion = \"1.0\"\nexecutable = \"game\"\n";
    device.world.write("other/headstart.toml", other);
    device.json(&["app", "install", "other"]).succeeds();
    device.json(&["packs", "update"]).succeeds();
    device.json(&["packs", "verify"]).succeeds();
    device.json(&["packs", "path", "text/story.txt"]).succeeds();
    let cat = device.run(&["packs", "cat", "text/story.txt"]).succeeds();
    assert_eq!(cat.out, "Once upon a time.\n".repeat(200));
    // A pack that is not local is nothing to take files from.
    device.run(&["settings", "set", "in-app-content", "off"]).succeeds();
    device.twin("later", "repo");
    device.json(&["packs", "status", "Level1"]).fails(2, "usage", "appAmbiguous");
    let consumed = device.json(&["packs", "consume", "text/story.txt", "story.txt"]).succeeds();
    assert_eq!(consumed.last()["app"], APP);
    device.json(&["app", "uninstall", "com.example.later"]).succeeds();
    device.json(&["app", "uninstall", APP]).succeeds();
    device.json(&["packs", "verify"]).succeeds();
}

/// `Spec: cli, common rules`: only while no packs of any app are known does an unknown pack come from one of them.
#[test]
fn a_mistyped_pack_is_not_taken_for_that_of_an_app_that_awaits_its_catalog() {
    let device = Device::new();
    device.twin("waiting", "nowhere");
    let explained = device.run(&["explain", "Levl1"]).succeeds();
    assert!(explained.out.contains("because no catalog has been fetched yet"), "{explained:?}");
    device.twin("patient", "nowhere");
    device.json(&["explain", "Levl1"]).fails(2, "usage", "appAmbiguous");
    device.json(&["app", "install", "bundle"]).succeeds();
    let mistyped = device.json(&["packs", "ensure", "Levl1"]);
    mistyped.fails(1, "notFound", "assetPackNotFound");
    device.json(&["explain", "Levl1"]).fails(1, "notFound", "assetPackNotFound");
}

#[test]
fn a_pause_without_a_reason_is_not_told() {
    let world = World::new();
    let service = FakeService::start(&world, |call, peer| {
        let Call::Ensure(ensure) = call else { panic!("{call:?}") };
        let pack = Pack {
            id: ensure.packs[0].clone(),
            version: headstart_model::PackVersion(1),
            download_size: 1,
            installed_size: 1,
            user_info: None,
            language: None,
            policy: DownloadPolicy::on_demand(),
            trust: Trust::Signed,
        };
        let paused = StatusUpdate::Paused { pack: pack.clone(), reasons: Vec::new() };
        peer.reply_and_go_on::<Ensure>(&EnsureEvent::Update(paused));
        let outcome = EnsureOutcome { successes: vec![pack], failures: Vec::new() };
        peer.reply::<Ensure>(&EnsureEvent::Done(outcome));
    });
    let ran = service.run(&["packs", "ensure", "textures"]).succeeds();
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("Local: textures 1\n", ""));
}

#[test]
fn a_rate_whose_unit_was_probably_forgotten_is_told_as_it_was_understood() {
    let world = World::with_sources();
    // None of them gets as far as the network.
    for (command, name) in [
        (["get", "http://localhost/x", "--limit", "20", "--ca", "none"].as_slice(), "--limit"),
        (&["clone", "http://localhost/x", "a", "b", "--limit", "20", "--ca", "none"], "--limit"),
        (&["serve", "src", "--bandwidth", "20", "--tls", "none,none"], "--bandwidth"),
    ] {
        let ran = world.run(command);
        let told = format!("warning: {name} is 20 B/s, which is very slow; did you mean 20MB");
        assert!(ran.code == 2 && ran.err.starts_with(&told), "{ran:?}");
        assert!(!world.json(command).err.contains("warning"));
    }
    let service = FakeService::start(&world, crate::answers::serve);
    let set = service.run(&["settings", "set", "limit", "20B"]).succeeds();
    assert_eq!(set.err, "warning: limit is 20 B/s, which is very slow\n");
    assert_eq!(service.run(&["settings", "set", "limit", "20Mbit"]).succeeds().err, "");
}

#[test]
fn the_next_step_is_told_after_a_repository_was_made_and_filled() {
    let world = World::with_sources();
    world.pack("v1");
    let made = world.run(&["repo", "init", "repo"]).succeeds().out;
    assert!(
        made.ends_with("\nnext         headstart repo publish repo PACK.assetpack\n"),
        "{made}"
    );
    let publish = ["repo", "publish", "repo", "v1.assetpack"];
    let dry = world.run(&[&publish[..], &["--dry-run"]].concat()).succeeds().out;
    assert!(!dry.contains("next: "), "{dry}");
    let published = world.run(&publish).succeeds().out;
    assert!(published.ends_with("\nnext: headstart serve repo\n"), "{published}");
    let unchanged = world.run(&publish).succeeds().out;
    assert!(!unchanged.contains("next: "), "{unchanged}");
    let keys = world.run(&["repo", "init", "other", "--keys", "keys"]).succeeds().out;
    assert!(keys.ends_with(" PACK.assetpack --keys keys\n"), "{keys}");
}

#[test]
fn outputs_are_written_where_a_link_leads() {
    let world = World::with_repository();
    let archive = std::fs::read(world.path("v1.assetpack")).unwrap();
    std::fs::create_dir(world.path("far")).unwrap();
    let server = world.serve(&["src"]);
    let url = format!("{}text/story.txt", server.url);
    let base = "https://assets.example.com";
    let list = ["download-manifest", "create", "v1.assetpack", "--download-base-url", base, "-o"];
    for (name, command) in [
        ("template", ["template", "-o"].as_slice()),
        ("archive", &["pack", "pack.jsonc", "--level", "fast", "-o"]),
        ("list", &list),
        ("got", &["get", &url, "-o"]),
    ] {
        let (link, target) = (world.path(name), world.path(&format!("far/{name}")));
        symlink(format!("far/{name}"), &link).unwrap();
        world.run(&[command, &[name]].concat()).succeeds();
        assert!(link.is_symlink() && target.is_file(), "{name}");
        if name != "template" {
            // What is there is replaced beside where it lies.
            std::fs::write(&target, "old").unwrap();
            world.run(&[command, &[name]].concat()).succeeds();
            assert!(link.is_symlink() && std::fs::read(&target).unwrap() != b"old", "{name}");
        }
    }
    assert_eq!(std::fs::read(world.path("far/archive")).unwrap(), archive);
    assert_eq!(std::fs::read_dir(world.path("far")).unwrap().count(), 4, "nothing else is left");
    world.json(&["template", "-o", "template"]).fails(1, "conflict", "fileExists");
    symlink("circle", world.path("circle")).unwrap();
    let circle = world.json(&["get", &url, "-o", "circle"]);
    circle.fails(2, "invalidInput", "fileFailed");
    assert!(world.run(&["template", "-o", "circle"]).err.contains("\nhint: name another place"));
    server.stop();
}
