//! Help, and command lines that are wrong.

use crate::world::World;

#[test]
fn help_and_version_go_to_stdout_and_succeed() {
    let world = World::new();
    for arguments in
        [&["--help"][..], &["pack", "--help"], &["repo", "publish", "-h"], &["--version"]]
    {
        let ran = world.run(arguments).succeeds();
        assert!(!ran.out.is_empty() && ran.err.is_empty(), "{ran:?}");
    }
    let help = world.run(&["repo", "publish", "--help"]).succeeds().out;
    assert!(help.contains("Examples:\n  headstart repo publish "), "{help}");
}

#[test]
fn a_wrong_command_line_is_exit_2_and_told_to_programs_too() {
    let world = World::new();
    let ran = world.run(&["pack", "--nonsense"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    world.json(&["pack", "--nonsense"]).fails(2, "usage", "usage");
    world.json(&["repo", "rollout", "repo", "101"]).fails(2, "usage", "usage");
    world.json(&["repo", "init", "s3://bucket/repo"]).fails(2, "usage", "usage");
    assert_eq!(world.run(&["repo"]).code, 2);
    assert_eq!(world.run(&[]).code, 2);
}

#[test]
fn a_log_filter_that_says_nothing_is_refused() {
    let world = World::new();
    let mut command = world.command(&["template", "--json"]);
    let output = command.env("HEADSTART_LOG", "=,=").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn quiet_says_nothing_but_what_was_asked_for_itself() {
    let world = World::with_sources();
    let ran = world.run(&["evaluate", "pack.jsonc", "--quiet"]).succeeds();
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    assert!(!world.run(&["template", "--quiet"]).succeeds().out.is_empty());
}

#[test]
fn output_that_nobody_reads_does_not_end_the_work() {
    use std::process::Stdio;
    let world = World::with_sources();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = world.command(&["pack", "pack.jsonc", "-o", "out.assetpack", "--json"]);
    let status = command.stdout(writer).stderr(Stdio::null()).status().expect("the binary runs");
    assert_eq!(status.code(), Some(0));
    assert!(world.path("out.assetpack").exists());
}

#[test]
fn completions_name_every_command() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = world.run(&["completions", shell]).succeeds().out;
        assert!(script.contains("download-manifest"), "{shell}");
    }
    let document = world.json(&["completions", "bash"]).succeeds().last();
    assert!(document["script"].as_str().is_some_and(|script| script.contains("headstart")));
}
