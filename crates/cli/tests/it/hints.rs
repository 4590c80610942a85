//! What only people are told: what to do next, what was probably meant, and what will not happen by itself.

use std::os::unix::fs::symlink;

use crate::world::World;

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
    assert_eq!(world.run(&["get", &url, "-o", "circle"]).code, 1);
    server.stop();
}
