//! What ends the process with Apple's framework is an error here, with the code of the specification.
//! `Spec: concepts 16`. A test for each, named by the mistake.

use std::path::PathBuf;

use backgroundassets::{BackgroundAssetsError, DownloadPriority, UrlDownload, UrlDownloadOptions};

use crate::world::{APP, GROUP, World, built_example};

/// The code of what is not valid about a download.
const INVALID: i64 = 0;

#[track_caller]
fn assert_invalid(made: Result<UrlDownload, BackgroundAssetsError>, names: &str) {
    let error = made.unwrap_err();
    assert_eq!((error.domain(), error.code()), ("BAErrorDomain", INVALID), "{error}");
    assert!(error.message_text().contains(names), "{error}");
}

fn of_url(url: &str) -> Result<UrlDownload, BackgroundAssetsError> {
    UrlDownload::new("sample", url, 1024, GROUP)
}

fn with(
    change: impl FnOnce(&mut UrlDownloadOptions),
) -> Result<UrlDownload, BackgroundAssetsError> {
    let mut options = UrlDownloadOptions::default();
    change(&mut options);
    UrlDownload::with_options("sample", "https://example.com/sample", 1024, GROUP, options)
}

#[test]
fn a_size_of_nothing() {
    assert_invalid(UrlDownload::new("sample", "https://example.com/sample", 0, GROUP), "size");
}

#[test]
fn a_size_that_no_file_has() {
    let made = UrlDownload::new("sample", "https://example.com/sample", u64::MAX, GROUP);
    assert_invalid(made, "large");
}

#[test]
fn a_priority_outside_of_its_range() {
    for priority in [DownloadPriority::max().raw_value() + 1, i64::MIN] {
        assert_invalid(with(|it| it.priority = DownloadPriority::new(priority)), "priority");
    }
}

#[test]
fn an_address_that_is_none() {
    assert_invalid(of_url("somewhere"), "somewhere");
}

#[test]
fn an_address_without_encryption() {
    assert_invalid(of_url("http://example.com/sample"), "https");
}

#[test]
fn an_address_with_a_name_and_a_password() {
    assert_invalid(of_url("https://me:secret@example.com/sample"), "password");
}

#[test]
fn a_method_that_fetches_nothing() {
    assert_invalid(with(|it| it.method = "POST".to_owned()), "GET");
}

#[test]
fn a_header_that_cannot_be_sent() {
    let made = with(|it| drop(it.headers.insert("two\r\nlines".to_owned(), String::new())));
    assert_invalid(made, "header");
}

const EXTENSION: &str = "extension = \"bin/extension\"\n";
const ALLOWANCES: &str = "\n[background-assets.BAInitialDownloadRestrictions]\n\
     BADownloadDomainAllowList = [\"127.0.0.1\"]\n\
     BADownloadAllowance = 4096\nBAEssentialDownloadAllowance = 4096\n";

/// A bundle whose extension decides. Tests take away what they are about.
fn unmanaged(url: &str) -> String {
    format!(
        "[app]\nid = \"{APP}\"\nversion = \"1.0.0\"\nexecutable = \"bin/game\"\n{EXTENSION}\n\
         [background-assets]\nBAAppGroupID = \"{GROUP}\"\nBAManifestURL = \"{url}\"\n{ALLOWANCES}"
    )
}

const MANIFEST: &str = "https://assets.example.com/manifest";

/// What is told when the bundle is installed with `from` replaced by `to`.
#[track_caller]
fn assert_bundle_refused(from: &str, to: &str, code: &str) {
    let good = unmanaged(MANIFEST);
    assert!(good.contains(from));
    let world = World::new();
    world.bundle("bundle", &good.replace(from, to), &traps());
    assert_eq!(world.refusal(&["app", "install", "bundle"])["error"]["code"], code);
}

fn traps() -> PathBuf {
    built_example("traps")
}

#[test]
fn a_bundle_without_an_identifier() {
    assert_bundle_refused(&format!("id = \"{APP}\"\n"), "", "bundleMalformed");
}

#[test]
fn a_bundle_without_allowances() {
    assert_bundle_refused("BADownloadAllowance = 4096\n", "", "bundleMalformed");
}

#[test]
fn a_bundle_with_a_negative_allowance() {
    assert_bundle_refused("Allowance = 4096", "Allowance = -1", "bundleMalformed");
}

#[test]
fn a_bundle_with_an_empty_list_of_hosts() {
    assert_bundle_refused("[\"127.0.0.1\"]", "[]", "bundleMalformed");
}

#[test]
fn a_bundle_without_the_address_of_a_manifest() {
    assert_bundle_refused(&format!("BAManifestURL = \"{MANIFEST}\"\n"), "", "bundleMalformed");
}

#[test]
fn a_bundle_whose_manifest_comes_without_encryption() {
    assert_bundle_refused(MANIFEST, "http://assets.example.com/manifest", "bundleUrl");
}

#[test]
fn a_bundle_without_an_extension() {
    assert_bundle_refused(EXTENSION, "", "bundleMalformed");
}

#[test]
fn a_bundle_with_managed_packs_and_no_group() {
    let group = format!("BAAppGroupID = \"{GROUP}\"\n");
    assert_bundle_refused(&group, "BAHasManagedAssetPacks = true\n", "bundleMalformed");
}

/// An installed app whose extension makes mistakes too.
fn installed() -> World {
    let mut world = World::new();
    let url = world.serve_manifest();
    world.bundle("bundle", &unmanaged(&url), &traps());
    world.headstart(&["app", "install", "bundle", "--dev"]);
    world
}

#[test]
fn a_group_of_another_app() {
    let world = installed();
    let other = unmanaged(MANIFEST).replace(APP, "com.example.other");
    world.bundle("other", &other, &traps());
    assert_eq!(world.refusal(&["app", "install", "other"])["error"]["code"], "groupTaken");
}

#[test]
fn a_download_of_a_group_that_the_app_is_not_in() {
    let told = installed().run_app(&traps(), &["other-group"]);
    assert!(told.contains("(BAErrorDomain:0)"), "{told}");
}

#[test]
fn an_essential_download_that_is_handed_to_the_manager() {
    let told = installed().run_app(&traps(), &["essential"]);
    assert!(told.contains("(BAErrorDomain:109)"), "{told}");
}

#[test]
fn scheduling_while_the_extension_is_asked() {
    let world = installed();
    let log = world.until_logged("scheduling-while-asked: ");
    assert!(log.contains("(BAErrorDomain:50)"), "{log}");
}

#[test]
fn an_essential_download_in_the_answer_to_a_periodic_request() {
    let world = installed();
    let simulate = ["debug", "simulate", "periodic", "--app", APP];
    let told = world.refusal(&simulate);
    let why = told["extension"]["message"].as_str().unwrap();
    assert!(why.contains("permits no essential downloads (BAErrorDomain:109)"), "{told:#}");
    let downloads = world.told(&["downloads", "list", "--app", APP]);
    assert_eq!(downloads["downloads"], serde_json::json!([]), "nothing of the answer is done");
}

#[test]
fn a_download_of_an_app_without_an_extension() {
    let mut world = World::new();
    let url = world.serve_pack(r#"{"onDemand": {}}"#);
    world.install(&format!("BAHasManagedAssetPacks = true\nBARepositoryURL = \"{url}\"\n"), None);
    let told = world.run_app(&traps(), &["scheduling"]);
    assert!(told.contains("(BAErrorDomain:55)"), "{told}");
}

#[test]
fn a_program_that_is_not_the_app() {
    let world = installed();
    let told = world.run(&traps(), &["packs"]);
    assert!(told.contains("(BackgroundAssetsBridge:-1)"), "{told}");
    assert!(told.contains("install the app"), "the way out: {told}");
}
