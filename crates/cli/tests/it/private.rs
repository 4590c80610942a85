//! Private repositories: servers that want a header.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;

use crate::device::{APP, Device};
use crate::world::{Ran, Serving};

const TOKEN: &str = "Authorization: Bearer tok-7f3a";

/// A device whose app has its packs from a server that wants a token.
fn device() -> (Device, Serving) {
    let device = Device::new();
    let server = device.world.serve(&["repo", "--require-header", TOKEN]);
    let folder = format!("file://{}", device.world.path("repo").display());
    device.describe(&folder, &server.url);
    (device, server)
}

fn header_setting(device: &Device) -> serde_json::Value {
    let key = format!("header.{APP}");
    let listed = device.json(&["settings", "list"]).succeeds();
    let settings = listed.last()["settings"].as_array().unwrap().clone();
    let value = |key: &str| {
        settings.iter().find(|it| it["key"] == key).map(|setting| setting["value"].clone())
    };
    value(&key).unwrap_or_default()
}

/// Runs a command that reads this from its standard input.
fn fed(device: &Device, arguments: &[&str], input: &str) -> Ran {
    let mut command = device.world.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn an_app_is_installed_from_a_private_repository_with_its_header() {
    let (device, server) = device();
    device.json(&["app", "install", "bundle", "--dev", "--header", TOKEN]).succeeds();
    device.run(&["packs", "cat", "text/story.txt"]).succeeds();
    assert_eq!(header_setting(&device), "authorization: …", "its value is nobody's business");
    let listed = device.run(&["settings", "list"]).succeeds();
    assert!(!listed.out.contains("tok-7f3a"), "{listed:?}");
    server.stop();
}

#[test]
fn a_header_that_is_missing_is_told_with_the_command_that_gives_it() {
    let (device, server) = device();
    let installed = device.run(&["app", "install", "bundle", "--dev"]);
    assert_eq!(installed.code, 1, "{installed:?}");
    let advice = format!("`headstart settings set header.{APP} 'NAME: VALUE'`,");
    assert!(installed.out.contains(&advice), "{installed:?}");
    device.json(&["packs", "update", "--app", APP]).fails(1, "refused", "serverDenied");
    let key = format!("header.{APP}");
    // From the standard input, so that nobody sees it among the arguments of programs.
    let set = fed(&device, &["settings", "set", &key, "-"], &format!("{TOKEN}\n")).succeeds();
    assert_eq!(set.out, format!("{key} is authorization: …\n"));
    device.json(&["packs", "ensure", "Level1"]).succeeds();
    let own = device.run(&["settings", "get", &format!("{key}@{}", server.url)]).succeeds();
    assert_eq!(own.out, "authorization: …\n");
    // Taken away again.
    device.run(&["settings", "set", &key]).succeeds();
    assert_eq!(header_setting(&device), json!(null));
    assert_eq!(device.run(&["settings", "get", &key]).succeeds().out, "none\n");
    device.json(&["packs", "update", "--app", APP]).fails(1, "refused", "serverDenied");
    device.run(&["packs", "cat", "text/story.txt"]).succeeds();
    server.stop();
}

#[test]
fn headers_that_cannot_be_are_refused_and_not_repeated() {
    let device = Device::new();
    let install = ["app", "install", "bundle", "--header", TOKEN];
    device.json(&install).fails(1, "notFound", "noServer");
    device.json(&["app", "install", "bundle"]).succeeds();
    let key = format!("header.{APP}");
    let mirror = format!("{key}@https://mirror.example.com/game");
    let refusals = [
        (key.as_str(), TOKEN, (1, "notFound", "noServer")),
        (&mirror, "tok-7f3a", (2, "usage", "badSetting")),
        (&mirror, "Range: tok-7f3a", (2, "invalidInput", "badHeader")),
        ("header.com.example.other", TOKEN, (1, "notFound", "appNotFound")),
        ("header.com.example.game@nowhere", TOKEN, (2, "usage", "badUrl")),
        ("header.", TOKEN, (2, "usage", "unknownSetting")),
        (&mirror, "a: tok-7f3a\nA: tok-7f3a", (2, "usage", "badSetting")),
    ];
    for (key, value, (exit, kind, code)) in refusals {
        let refused = device.json(&["settings", "set", key, value]).fails(exit, kind, code);
        assert!(!format!("{refused:?}").contains("tok-7f3a"), "{refused:?}");
    }
    for command in [
        ["app", "install", "bundle", "--header", "tok-7f3a"],
        ["clone", "https://a.example", "p", "--header", "tok-7f3a"],
        ["serve", "repo", "--require-header", "tok-7f3a", "--quiet"],
    ] {
        let refused = device.json(&command);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(!format!("{refused:?}").contains("tok-7f3a"), "{refused:?}");
    }
    let set = device.run(&["settings", "set", &mirror, TOKEN]).succeeds();
    assert_eq!(set.out, format!("{key}@https://mirror.example.com is authorization: …\n"));
    for shown in [mirror.as_str(), "header.com.example.game@https://mirror.example.com"] {
        assert_eq!(device.run(&["settings", "get", shown]).succeeds().out, "authorization: …\n");
    }
    let empty = fed(&device, &["settings", "set", &mirror, "-", "--json"], "\n");
    empty.fails(2, "usage", "badSetting");
    assert_eq!(device.run(&["settings", "get", &mirror]).succeeds().out, "authorization: …\n");
}
