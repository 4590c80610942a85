//! The rules, applied to this workspace, and the scripts of `ci/` that can be tried alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(unix)]
mod count_tests;

use std::collections::BTreeMap;
use std::path::Path;

use headstart_rules::{
    Finding, Workspace, citations, codes, dependencies, floors, forbidden, manifests, pages,
    report, rows, size,
};

/// All text files with their text.
fn texts(workspace: &Workspace) -> Vec<(String, String)> {
    let files = workspace.files().unwrap();
    assert!(files.contains(&"crates/model/src/lib.rs".to_owned()), "files are listed at all");
    let texts = files.into_iter().filter_map(|path| {
        let text = workspace.text(&path).unwrap()?;
        Some((path, text))
    });
    texts.collect()
}

fn assert_none(findings: &[Finding]) {
    assert!(findings.is_empty(), "{}", report(findings));
}

#[test]
fn every_dependency_between_crates_points_down() {
    let workspace = Workspace::here();
    let members = workspace.members().unwrap();
    let edge =
        |from, to| members.iter().flat_map(|m| &m.edges).any(|e| e.from == from && e.to == to);
    assert!(edge("crates/pack", "crates/model"), "edges are read at all");
    assert_none(&floors::check(&workspace.toml("ci/floors.toml").unwrap(), &members));
}

#[test]
fn every_dependency_has_an_allowed_licence_and_none_is_banned() {
    let workspace = Workspace::here();
    let deny: dependencies::Deny = workspace.toml("deny.toml").unwrap();
    let tree = workspace.dependency_tree(&deny.graph.targets).unwrap();
    assert_none(&dependencies::check(&deny, &tree));
}

#[test]
fn no_file_contains_forbidden_text() {
    let workspace = Workspace::here();
    let texts = texts(&workspace);
    let files: Vec<_> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_none(&forbidden::check(&workspace.toml("ci/forbidden.toml").unwrap(), &files));
}

#[test]
fn every_cited_section_exists() {
    let texts = texts(&Workspace::here());
    let page = |path: &str| Some(path.strip_prefix("docs/spec/")?.strip_suffix(".md")?.to_owned());
    let pages: BTreeMap<_, _> = texts
        .iter()
        .filter_map(|(path, text)| Some((page(path)?, citations::sections(text))))
        .collect();
    let is_code =
        |path: &Path| path.starts_with("crates") && path.extension() == Some("rs".as_ref());
    let code = texts.iter().filter(|(path, _)| is_code(Path::new(path)));
    let findings: Vec<_> =
        code.flat_map(|(path, text)| citations::check(&pages, path, text)).collect();
    assert_none(&findings);
}

#[test]
fn every_error_code_is_documented_and_every_documented_one_is_used() {
    let texts = texts(&Workspace::here());
    let page = texts.iter().find(|(path, _)| path == "docs/errors.md");
    let documented = codes::documented(&page.expect("the page of codes exists").1);
    // The test kit's failures are those of a pretended network and disk, which nobody is told.
    let is_code = |path: &str| {
        path.starts_with("crates/")
            && path.contains("/src/")
            && Path::new(path).extension() == Some("rs".as_ref())
            && !path.starts_with("crates/testkit/")
            && !path.ends_with("/tests.rs")
            && !path.contains("/tests/")
    };
    let code = texts.iter().filter(|(path, _)| is_code(path));
    let code: Vec<_> = code.map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_none(&codes::check(&documented, &code));
    let api = texts.iter().find(|(path, _)| path == "docs/spec/api.md");
    assert_none(&codes::check_given(&api.expect("the page of the library exists").1, &code));
}

#[test]
fn every_row_of_the_specification_has_a_test() {
    let texts = texts(&Workspace::here());
    let page = texts.iter().find(|(path, _)| path == "docs/spec/tests.md");
    let (path, page) = page.expect("the page of tests exists");
    let pages = texts.iter().filter_map(|(path, text)| {
        Some((path.strip_prefix("docs/spec/")?.strip_suffix(".md")?, text.as_str()))
    });
    let is_code = |path: &Path| path.extension() == Some("rs".as_ref());
    let code = texts.iter().filter(|(path, _)| is_code(Path::new(path)));
    let code = code.map(|(path, text)| (path.as_str(), text.as_str()));
    assert_none(&rows::check((path, page), &pages.collect(), &code.collect()));
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let workspace = Workspace::here();
    let (texts, files) = (texts(&workspace), workspace.files().unwrap());
    let exists = |path: &str| {
        let below = format!("{path}/");
        files.iter().any(|file| file == path || file.starts_with(&below))
    };
    let is_page = |path: &str| Path::new(path).extension() == Some("md".as_ref());
    let pages = texts.iter().filter(|(path, _)| is_page(path));
    let pages: Vec<_> = pages.map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_none(&pages::check(&pages, exists));
}

#[test]
fn every_crate_takes_the_workspaces_lints() {
    let workspace = Workspace::here();
    let manifests = workspace.members().unwrap().into_iter().filter_map(|member| {
        let path = format!("{}/Cargo.toml", member.folder);
        manifests::check_lints(&path, &workspace.toml(&path).unwrap())
    });
    assert_none(&manifests.collect::<Vec<_>>());
}

#[test]
fn the_crates_without_input_and_output_have_clippy_prove_it() {
    let workspace = Workspace::here();
    let common = workspace.toml("clippy.toml").unwrap();
    let findings = ["model", "engine"].map(|name| {
        let path = format!("crates/{name}/clippy.toml");
        manifests::check_clippy(&path, &workspace.toml(&path).unwrap(), &common)
    });
    assert_none(&findings.concat());
}

#[test]
fn every_lib_file_is_a_table_of_contents() {
    let texts = texts(&Workspace::here());
    let libs = texts.iter().filter(|(path, _)| path.ends_with("/src/lib.rs"));
    let findings: Vec<_> = libs.filter_map(|(path, text)| size::check(path, text)).collect();
    assert_none(&findings);
}

#[test]
fn the_crate_of_another_ones_names_is_thin() {
    let texts = texts(&Workspace::here());
    let is_source = |path: &str| {
        path.starts_with("crates/compat/src/")
            && Path::new(path).extension() == Some("rs".as_ref())
            && !path.ends_with("/tests.rs")
    };
    let sources = texts.iter().filter(|(path, _)| is_source(path));
    let sources: Vec<_> = sources.map(|(_, text)| text.as_str()).collect();
    assert!(sources.len() > 10, "its sources are found at all");
    assert_none(&size::check_thin("crates/compat", sources).into_iter().collect::<Vec<_>>());
}
