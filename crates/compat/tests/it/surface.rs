//! Every public item of the published crate is here, with its signature. Both sources are read, and
//! what a program can see of them is written as sorted lines, which are the same but for those that
//! `surface/differences.txt` has with a reason.

mod list;
mod names;
mod source;

use std::collections::BTreeSet;
use std::path::Path;

use self::source::Source;
use crate::published::published;

/// What is in front of a line that only one of them has.
const THEIRS: char = '-';
const OURS: char = '+';

fn surface(folder: &Path, features: &[&str]) -> BTreeSet<String> {
    list::list(&Source::read(&folder.join("src"), features))
}

fn ours(features: &[&str]) -> BTreeSet<String> {
    surface(Path::new(env!("CARGO_MANIFEST_DIR")), features)
}

/// Lines that one of them has alone.
fn differences(theirs: &BTreeSet<String>, ours: &BTreeSet<String>) -> BTreeSet<String> {
    let missing = theirs.difference(ours).map(|line| format!("{THEIRS} {line}"));
    missing.chain(ours.difference(theirs).map(|line| format!("{OURS} {line}"))).collect()
}

/// The lines of a section of the list of differences. Each says its reason.
fn listed(section: &str) -> BTreeSet<String> {
    let text = include_str!("surface/differences.txt");
    let section = text.split("\n## ").find(|part| part.lines().next() == Some(section)).unwrap();
    let lines = section.lines().skip(1).filter(|line| !line.is_empty());
    let lines = lines.map(|line| {
        let (line, reason) = line.split_once("  | ").unwrap_or((line, ""));
        assert!(!reason.trim().is_empty(), "{line}: there is no reason for it");
        line.trim_end().to_owned()
    });
    lines.collect()
}

fn compare(found: &BTreeSet<String>, section: &str) {
    let listed = listed(section);
    let new: Vec<_> = found.difference(&listed).map(String::as_str).collect();
    let gone: Vec<_> = listed.difference(found).map(String::as_str).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "surface/differences.txt, {section}\nnot listed:\n{}\nlisted, and not there:\n{}",
        new.join("\n"),
        gone.join("\n")
    );
}

#[test]
fn every_public_item_of_the_published_crate_is_here_and_nothing_else() {
    let Some(crate_folder) = published("0.4.2") else { return };
    let mut found = BTreeSet::new();
    for features in [&[][..], &["async"]] {
        let theirs = surface(&crate_folder, features);
        assert!(theirs.len() > 300, "only {} lines", theirs.len());
        found.extend(differences(&theirs, &ours(features)));
    }
    compare(&found, "0.4.2");
}

/// What 0.4 has besides stays.
#[test]
fn every_public_item_of_the_version_before_is_here_with_its_feature() {
    let Some(crate_folder) = published("0.3.0") else { return };
    let theirs = surface(&crate_folder, &["async"]);
    assert!(theirs.len() > 300, "only {} lines", theirs.len());
    let mut found = differences(&theirs, &ours(&["async", "v0_3"]));
    found.retain(|line| line.starts_with(THEIRS));
    compare(&found, "0.3.0");
}

/// What a source says in its own way is listed in one way, and what no program can see is not.
#[test]
fn a_source_is_listed_as_programs_see_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src").join(name), text).unwrap();
    };
    write(
        "lib.rs",
        "pub mod shop; mod back; pub use shop::Cake;
        #[cfg(feature = \"sour\")] pub fn lemon() {}
        pub fn bake<T, F>(recipe: F, at: core::time::Duration) -> Option<Cake>
        where F: FnOnce() -> T + Send, T: 'static { None }",
    );
    write(
        "shop.rs",
        "use crate::back::{Secret, Told}; use std::fmt;
        #[derive(Clone)] pub struct Cake { pub slices: u8, secret: Secret }
        pub type Counter = crate::back::Tray<Cake>;
        impl Cake { pub async fn cut(&mut self, by: &str) -> Told<Self> { Ok(()) } fn eat(self) {} }
        impl From<Secret> for Cake { fn from(secret: Secret) -> Self { todo() } }
        impl fmt::Debug for Cake { }",
    );
    write(
        "back.rs",
        "pub struct Secret; pub(crate) type Told<T, E = super::shop::Cake> = Result<(), E>;
        pub struct Tray<T> { all: Vec<T> }
        impl<T: Clone> Tray<T> { pub fn first<'a>(&'a self) -> &'a T { todo() } }",
    );
    let listed = surface(folder.path(), &[]);
    let expected = [
        "async fn Cake::cut(&mut self, &str) -> Result<(), Cake>",
        "field Cake.slices: u8",
        "fn bake<T, F>(F, std::time::Duration) -> Option<Cake> where F: FnOnce() -> T + Send, T: 'static",
        "fn shop::Counter::first<'l0>(&'l0 self) -> &'l0 Cake where Cake: Clone",
        "impl Clone for Cake",
        "impl std::fmt::Debug for Cake",
        "mod shop",
        "struct Cake { private }",
        "type shop::Counter = unnamed_Tray<Cake>",
        "use shop::Cake = Cake",
    ];
    assert_eq!(listed.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let sour = surface(folder.path(), &["sour"]);
    assert_eq!(differences(&listed, &sour), BTreeSet::from(["+ fn lemon() -> ()".to_owned()]));
}
