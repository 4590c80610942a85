//! Whose the containers of app groups are: real files of real extensions.

use std::path::Path;

use headstart::AppId;
use headstart::apps::{Data, InstallOptions};

use super::{Bench, stop, until};

const GAME: &str = "com.example.game";
const STRANGER: &str = "com.example.stranger";

/// Writes the bundle of another app that names the game's group too.
fn write_stranger(bench: &Bench, folder: &Path) {
    bench.bundle(folder, STRANGER, "");
    let description = folder.join("headstart.toml");
    let text = std::fs::read_to_string(&description).unwrap();
    let group = format!("group.{STRANGER}");
    assert!(text.contains(&group));
    std::fs::write(description, text.replace(&group, &format!("group.{GAME}"))).unwrap();
}

/// The code with which an installation is refused.
fn refusal(bench: &Bench, bundle: &Path) -> Option<String> {
    let options = InstallOptions { dev: true, ..InstallOptions::default() };
    let mut events = bench.apps().install(bundle, options).unwrap();
    events.find_map(Result::err).map(|error| error.code().to_owned())
}

#[test]
fn what_an_app_keeps_is_closed_to_strangers_and_its_own_when_it_comes_back() {
    let bench = Bench::new("");
    bench.manifest(&[("level", 3_000, true)]);
    let service = bench.device.start(&[]);
    bench.install();
    let level = bench.group().join("level");
    until("the file", || level.exists());
    bench.apps().uninstall(&AppId::new(GAME).unwrap(), Data::Keep).unwrap();
    stop(&bench, service);
    let service = bench.device.start(&[]);
    let stranger = bench.folder.path().join("stranger");
    write_stranger(&bench, &stranger);
    assert_eq!(refusal(&bench, &stranger).as_deref(), Some("groupTaken"));
    assert_eq!(refusal(&bench, &bench.device.bundle), None);
    assert_eq!(std::fs::metadata(&level).unwrap().len(), 3_000);
    bench.apps().uninstall(&AppId::new(GAME).unwrap(), Data::Remove).unwrap();
    assert!(!bench.group().exists());
    assert_eq!(refusal(&bench, &stranger), None, "nothing is kept any more");
    stop(&bench, service);
}

#[test]
fn a_cancelled_first_installation_plants_nothing_in_a_container() {
    let bench = Bench::new("loop");
    let service = bench.device.start(&[]);
    let options = InstallOptions { dev: true, ..InstallOptions::default() };
    let mut installation = bench.apps().begin_install(&bench.device.bundle, options).unwrap();
    until("its extension writes", || !bench.told().is_empty());
    installation.controls().cancel().unwrap();
    assert!(installation.find_map(Result::err).is_some(), "it is cancelled");
    until("its end", || !bench.group().exists());
    stop(&bench, service);
}
