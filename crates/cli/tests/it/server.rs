//! The development server.

use serde_json::{Value, json};

use crate::golden::assert_golden;
use crate::world::{Signal, World, assert_same_tree};

fn get(world: &World, url: &str) -> Vec<u8> {
    world.run(&["get", url, "-o", "got"]).succeeds();
    std::fs::read(world.path("got")).expect("downloaded")
}

#[test]
fn the_first_line_is_the_url_alone_and_each_request_has_one() {
    let world = World::with_repository();
    let mut server = world.serve(&["repo"]);
    assert!(
        server.url.starts_with("http://127.0.0.1:") && server.url.ends_with('/'),
        "{}",
        server.url
    );
    get(&world, &format!("{}metadata/root.json", server.url));
    let line = server.running.line();
    assert!(line.starts_with("206 GET /metadata/root.json "), "{line}");
    server.stop();
}

#[test]
fn programs_are_told_of_the_start_of_requests_and_of_the_end() {
    let world = World::with_repository();
    let mut running = world.spawn(&["serve", "repo", "--json"]);
    let listening: Value = serde_json::from_str(&running.line()).expect("JSON");
    get(&world, &format!("{}metadata/root.json", listening["url"].as_str().expect("text")));
    let request: Value = serde_json::from_str(&running.line()).expect("JSON");
    assert_eq!((&request["event"], &request["status"]), (&json!("request"), &json!(206)));
    running.signal(Signal::Interrupt);
    let mut ran = running.end().succeeds();
    let lines = ran
        .out
        .lines()
        .filter(|line| !line.contains("\"request\","))
        .map(|line| format!("{line}\n"));
    ran.out = lines.collect();
    assert_golden(&world, "serve", &ran);
}

#[test]
fn archives_become_a_repository_a_manifest_and_downloads() {
    let world = World::with_sources();
    let archive = world.pack("Level1");
    let server = world.serve(&["Level1.assetpack"]);
    let url = &server.url;
    let manifest: Value =
        serde_json::from_slice(&get(&world, &format!("{url}manifest"))).expect("JSON");
    let listed = &manifest["assetPacks"][0];
    assert_eq!((&listed["id"], &listed["version"]), (&json!("Level1"), &json!(1)));
    let at = listed["url"].as_str().expect("text");
    assert_eq!(at, format!("{url}assets/Level1"));
    assert!(get(&world, at) == std::fs::read(&archive).expect("there"));
    world.run(&["clone", url, "Level1", "dest"]).succeeds();
    assert_same_tree(&world.path("src"), &world.path("dest"));
    server.stop();
    let left = std::fs::read_dir(world.path("home/cache")).expect("there");
    assert_eq!(left.count(), 0, "the throw-away repository is gone");
}

#[test]
fn a_changed_archive_is_published_while_the_server_runs() {
    let world = World::with_sources();
    world.pack("Level1");
    let mut running = world.spawn(&["serve", "Level1.assetpack", "--json"]);
    let listening: Value = serde_json::from_str(&running.line()).expect("JSON");
    let url = listening["url"].as_str().expect("text").to_owned();
    world.run(&["clone", &url, "Level1", "dest"]).succeeds();
    world.write("src/text/second.txt", "It goes on.\n");
    world.pack("Level1");
    let published = loop {
        let event: Value = serde_json::from_str(&running.line()).expect("JSON");
        if event["event"] != "request" {
            break event;
        }
    };
    assert_eq!(published, json!({"event": "published", "release": 2}));
    let cloned = world.json(&["clone", &url, "Level1", "dest"]).succeeds().last();
    assert_eq!(cloned["version"], 2);
    assert_same_tree(&world.path("src"), &world.path("dest"));
    running.signal(Signal::Terminate);
    running.end().succeeds();
}

#[test]
fn any_other_folder_is_served_as_it_is() {
    let world = World::with_sources();
    let server = world.serve(&["src"]);
    let bytes = get(&world, &format!("{}text/story.txt", server.url));
    assert!(bytes == std::fs::read(world.path("src/text/story.txt")).expect("there"));
    world.json(&["get", &format!("{}none", server.url)]).fails(1, "notFound", "notOnServer");
    server.stop();
}

#[test]
fn tls_of_this_home_is_trusted_here_and_nowhere_else() {
    let world = World::with_repository();
    let server = world.serve(&["repo", "--tls", "auto"]);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    world.run(&["clone", &server.url, "Level1", "dest"]).succeeds();
    let elsewhere = |arguments: &[&str]| {
        let mut command = world.command(&["clone", &server.url, "Level1", "stranger"]);
        command.args(arguments).env("HEADSTART_HOME", world.path("other-home"));
        command.output().expect("runs").status.code()
    };
    assert_eq!(elsewhere(&[]), Some(1));
    assert!(!world.path("stranger").exists());
    let authority = world.path("home/authority/ca.pem");
    assert_eq!(elsewhere(&["--ca", authority.to_str().expect("UTF-8")]), Some(0));
    world.json(&["clone", &server.url, "Level1", "x", "--ca", "none.pem"]).fails(
        2,
        "invalidInput",
        "authorityMissing",
    );
    world.json(&["clone", &server.url, "Level1", "x", "--ca", "pack.jsonc"]).fails(
        2,
        "invalidInput",
        "badAuthority",
    );
    server.stop();
}

#[test]
fn what_cannot_be_served_is_refused() {
    let world = World::with_repository();
    world.json(&["serve", "repo", "src"]).fails(2, "usage", "usage");
    world.json(&["serve", "pack.jsonc"]).fails(2, "invalidInput", "notAnArchive");
    let server = world.serve(&["repo"]);
    let taken = server.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    world.json(&["serve", "repo", "--listen", &taken]).fails(1, "conflict", "cannotListen");
    server.stop();
}

#[test]
fn a_download_goes_on_where_it_was() {
    let world = World::new();
    let bytes = crate::world::noise(5, 3_000_000);
    world.write("files/large.bin", &bytes);
    let slow = world.serve(&["files", "--bandwidth", "2MB"]);
    let address = slow.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let url = format!("{}large.bin", slow.url);
    let mut running = world.spawn(&["get", &url, "--json"]);
    let part = world.path("large.bin.part");
    loop {
        let event: Value = serde_json::from_str(&running.line()).expect("JSON");
        assert_eq!(event["event"], "progress");
        if event["bytesDone"].as_u64().expect("a number") >= 1_000_000 {
            break;
        }
    }
    running.signal(Signal::Interrupt);
    assert_eq!(running.end().code, 130);
    slow.stop();
    let fast = world.serve(&["files", "--listen", &address]);
    let ran = world.json(&["get", &url]).succeeds();
    assert_golden(&world, "get", &normal(ran.out));
    assert!(std::fs::read(world.path("large.bin")).expect("downloaded") == bytes);
    assert!(!part.exists());
    fast.stop();
}

/// How much had arrived is not the same each time; that something had is.
fn normal(out: String) -> crate::world::Ran {
    let mut objects = crate::world::Ran { code: 0, out, err: String::new() }.objects();
    for object in &mut objects {
        let downloads = match object["event"].as_str() {
            Some("downloaded") => std::slice::from_mut(object),
            Some("done") => object["downloads"].as_array_mut().expect("a list").as_mut_slice(),
            _ => continue,
        };
        for download in downloads {
            let number = |key: &str| download[key].as_u64().expect("a number");
            assert!(number("resumedFrom") > 0, "{download}");
            assert_eq!(number("resumedFrom") + number("bytesDown"), 3_000_000, "{download}");
            download["resumedFrom"] = "<bytes>".into();
        }
    }
    let lines = objects.iter().map(|object| format!("{object}\n"));
    crate::world::Ran { code: 0, out: lines.collect(), err: String::new() }
}

#[test]
fn files_of_several_addresses_never_overwrite_each_other() {
    let world = World::new();
    world.json(&["get", "https://a.example/x", "https://b.example/x"]).fails(2, "usage", "usage");
    world.json(&["get", "https://a.example/"]).fails(2, "usage", "usage");
    world.json(&["get", "http://a.example/x"]).fails(1, "refused", "insecureUrl");
}
