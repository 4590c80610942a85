//! The published examples with the real service: those of apps, with a repository on a real server,
//! and those of extensions, started by the service in an app that is installed.

use std::path::{Path, PathBuf};

use crate::build::Built;
use crate::published::{published, quick_start};
use crate::world::{APP, GROUP, MANIFEST, World, built_example};

const ON_DEMAND: &str = r#"{"onDemand": {}}"#;
const PREFETCH: &str = r#"{"prefetch": {"installationEventTypes": ["firstInstallation"]}}"#;

/// What downloads may take before the app is launched, and from where.
const ALLOWANCES: &str = "\n[background-assets.BAInitialDownloadRestrictions]\n\
     BADownloadDomainAllowList = [\"127.0.0.1\", \"example.com\"]\n\
     BADownloadAllowance = 4096\nBAEssentialDownloadAllowance = 0\n";

/// The published versions, with the feature that has their names.
const VERSIONS: [(&str, &str); 2] = [("0.4.2", "async"), ("0.3.0", "v0_3")];

/// Compiles an example as it was published.
fn example(version: &str, feature: &'static str, name: &str, into: &Path) -> Option<PathBuf> {
    let source = published(version)?.join("examples").join(name).with_extension("rs");
    let compiled = Built::with(feature).compile(&source, &["--crate-type", "bin"], into);
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    Some(into.join(name))
}

/// A world with the app and its pack `maps`, which is on the server only.
fn world_with_a_pack() -> World {
    let mut world = World::new();
    let url = world.serve_pack(ON_DEMAND);
    world.install(&format!("BAHasManagedAssetPacks = true\nBARepositoryURL = \"{url}\"\n"), None);
    world
}

fn is_local(world: &World) -> bool {
    let pack = &world.told(&["packs", "status", "maps", "--app", APP])["packs"][0];
    let flags = pack["status"].as_array().unwrap();
    flags.contains(&"downloaded".into())
}

/// Removes the pack again after a program has brought it in.
fn brought_in(world: &World) {
    assert!(is_local(world));
    let file = world.headstart(&["packs", "cat", "maps/north.txt", "--app", APP]);
    assert_eq!(file, "The north is up.\n");
    world.headstart(&["packs", "remove", "maps", "--app", APP]);
}

fn apps_list_download_and_finish(version: &str, feature: &'static str) {
    let into = tempfile::tempdir().unwrap();
    let compiled = |name| example(version, feature, name, into.path());
    let Some(lists) = compiled("01_list_pack_status") else { return };
    let world = world_with_a_pack();
    let told = world.run_app(&lists, &[]);
    assert!(told.starts_with("maps v1 size="), "{told}");
    assert!(!is_local(&world));
    for name in ["02_download_pack", "04_async_download"] {
        let told = world.run_app(&compiled(name).unwrap(), &[]);
        assert!(told.contains("Began {") && told.contains("Finished {"), "{name}: {told}");
        brought_in(&world);
    }
}

#[test]
fn the_published_apps_list_download_and_finish() {
    apps_list_download_and_finish("0.4.2", "async");
}

#[test]
fn the_apps_of_the_version_before_list_download_and_finish() {
    apps_list_download_and_finish("0.3.0", "v0_3");
}

#[test]
fn the_quick_start_of_each_version_brings_a_pack_in() {
    for (version, feature) in VERSIONS {
        let into = tempfile::tempdir().unwrap();
        let Some(source) = quick_start(version, into.path()) else { return };
        let compiled = Built::with(feature).compile(&source, &["--crate-type", "bin"], into.path());
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let world = world_with_a_pack();
        let told = world.run_app(&source.with_extension(""), &[]);
        assert!(told.starts_with("maps => "), "{told}");
        brought_in(&world);
    }
}

/// The installation asks the extension, and what it answers is scheduled and begun.
#[test]
fn the_published_extension_answers_the_service_when_its_app_is_installed() {
    for (version, feature) in VERSIONS {
        let into = tempfile::tempdir().unwrap();
        let Some(extension) = example(version, feature, "03_extension_handler", into.path()) else {
            return;
        };
        let mut world = World::new();
        let url = world.serve_manifest();
        let keys = format!("BAManifestURL = \"{url}\"\n{ALLOWANCES}");
        world.install(&keys, Some(&extension));
        let log = world.until_logged("request=Install manifest=file://");
        // What the manifest took is gone from the allowance.
        let remaining = format!("remaining=Some({})", 4096 - MANIFEST.len());
        assert!(log.contains(&remaining), "{log}");
        assert!(world.until_asked().starts_with("CONNECT example.com:443 "));
        let downloads = world.told(&["downloads", "list", "--app", APP]);
        let download = &downloads["downloads"][0];
        assert_eq!(download["subject"]["identifier"], "com.example.backgroundassets.sample");
        assert_eq!(
            (&download["essential"], &download["bytesTotal"]),
            (&false.into(), &1024.into())
        );
        let info = world.told(&["app", "info", APP]);
        assert_eq!(info["appGroup"], GROUP);
        assert_eq!(info["extension"]["runs"][0]["calls"].as_u64(), Some(1), "{info:#}");
    }
}

#[test]
fn the_published_managed_extension_is_asked_by_the_service_whether_a_pack_is_wanted() {
    for (version, feature) in VERSIONS {
        let into = tempfile::tempdir().unwrap();
        let name = "05_managed_extension_handler";
        let Some(extension) = example(version, feature, name, into.path()) else { return };
        let mut world = World::new();
        let url = world.serve_pack(PREFETCH);
        let keys = format!("BAHasManagedAssetPacks = true\nBARepositoryURL = \"{url}\"\n");
        world.install(&keys, Some(&extension));
        world.until_logged("considering managed asset pack maps v1");
        world.headstart(&["packs", "ensure", "maps", "--app", APP]);
        brought_in(&world);
    }
}

/// A file that has arrived is told until somebody has dealt with it, under the same name.
#[test]
fn a_handler_that_panics_at_a_finished_file_is_told_again_and_keeps_it() {
    let mut world = World::new();
    let file = "x".repeat(1024);
    let url = world.serve_manifest_of_file(&file);
    let keys = format!("BAManifestURL = \"{url}\"\n{ALLOWANCES}");
    world.install(&keys, Some(&built_example("careless")));
    assert_eq!(world.until_kept("kept"), file);
    assert_told_twice_of_one(&world.until_logged("it was not ready"));
}

/// The same, of the app itself. Its extension, which is told when no delegate listens, deals with
/// no file.
#[test]
fn a_delegate_that_panics_at_a_finished_file_is_told_again_and_keeps_it() {
    let mut world = World::new();
    let file = "x".repeat(1024);
    let manifest = world.serve_manifest_of_file(&file);
    let url = manifest.replace("manifest", "sample");
    let keys = format!("BAManifestURL = \"{manifest}\"\n{ALLOWANCES}");
    world.install(&keys, Some(&built_example("traps")));
    let told = world.run_app(&built_example("careless"), &[&url]);
    assert_eq!(world.read("kept"), file);
    assert_told_twice_of_one(&told);
}

#[track_caller]
fn assert_told_twice_of_one(log: &str) {
    let told: Vec<_> = log.lines().filter_map(|line| line.split("told of ").nth(1)).collect();
    assert_eq!(told.len(), 2, "{log}");
    assert_eq!(told[0], told[1]);
}
