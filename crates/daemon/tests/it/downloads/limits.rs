//! What cannot be scheduled, and what cannot be fetched, with the codes of the original.

use headstart::apps::Data;
use headstart::{AppId, UrlDownload};

use super::{Game, Page, end, noise};

/// The code that scheduling a download is refused with.
fn refused(game: &Game, download: &headstart::Download) -> String {
    game.manager().schedule(download).unwrap_err().code().to_owned()
}

#[test]
fn a_download_that_cannot_be_is_refused() {
    let game = Game::launched();
    let level = game.held("level", 5_000);
    game.manager().schedule(&level).unwrap();
    // Another one of its name; the very same once more is no error.
    assert_eq!(refused(&game, &game.held("level", 5_000)), "downloadAlreadyScheduled");
    let essential = UrlDownload::new("first", &game.server.url("first"), 10, &game.group());
    let essential = essential.unwrap().essential(true).into_download();
    assert_eq!(refused(&game, &essential), "downloadEssentialDownloadNotPermitted");
    game.stop();
}

#[test]
fn with_the_switch_off_nothing_is_scheduled_that_nobody_waits_for() {
    let game = Game::launched();
    game.set("background-activity", "off");
    let level = game.file("level", 5_000);
    assert_eq!(refused(&game, &level), "downloadBackgroundActivityProhibited");
    let mut events = game.events();
    // In the foreground for as long as somebody is there who wants it.
    let manager = game.manager();
    manager.start_foreground(&level).unwrap();
    end(&mut events).unwrap().acknowledge_blocking().unwrap();
    game.stop();
}

/// Only the extension schedules before the first launch: what it must not have, it is told of.
#[test]
fn before_the_first_launch_other_hosts_are_refused() {
    let game = Game::new();
    let elsewhere = format!("http://localhost:{}/level", game.server.port);
    game.file("level", 5_000);
    // A redirect leads nowhere else either.
    game.server.put("here", Page::Redirect(elsewhere.clone()));
    let here = game.server.url("here");
    game.ask(&format!("level {elsewhere} 5000\nhere {here} 5000\n"));
    for name in ["level", "here"] {
        game.until_told(&format!("failed {name} \"sessionDownloadDisallowedByDomain\""));
    }
    assert!(game.server.requests("level").is_empty());
    game.stop();
}

#[test]
fn before_the_first_launch_no_more_is_fetched_than_the_allowance() {
    let game = Game::new();
    let url = game.server.url("some");
    // The sum counts, in the order of the answer.
    game.held("some", 9_000_000);
    game.ask(&format!("most {url} 9000000\nmore {url} 1000001\nfits {url} 900000\n"));
    game.until_told("failed more \"downloadWouldExceedAllowance\"");
    assert_eq!(game.waiting(), ["most", "fits"]);
    game.stop();
}

#[test]
fn before_the_first_launch_a_file_of_unknown_size_ends_at_the_allowance() {
    let game = Game::new();
    game.server.put("large", Page::File(noise(3, 10_100_000)));
    game.ask(&format!("large {} ?\n", game.server.url("large")));
    game.until_told("failed large \"sessionDownloadAllowanceExceeded\"");
    game.stop();
}

#[test]
fn an_app_that_runs_has_been_launched() {
    let game = Game::new();
    let mut events = game.events();
    game.file("large", 10_000_001);
    game.manager().schedule(game.download("large", 10_000_001)).unwrap();
    end(&mut events).unwrap().acknowledge_blocking().unwrap();
    game.stop();
}

#[test]
fn a_server_that_fails_for_good_ends_what_somebody_waits_for() {
    let game = Game::launched();
    game.server.put("level", Page::Status("403 Forbidden"));
    let mut events = game.events();
    game.manager().start_foreground(game.download("level", 5_000)).unwrap();
    let error = end(&mut events).unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
    game.stop();
}

#[test]
fn without_a_network_what_somebody_waits_for_fails_at_once() {
    let game = Game::launched();
    game.pretend("network", "offline");
    let mut events = game.events();
    let level = game.file("level", 5_000);
    let told = game.manager().start_foreground(&level);
    let error = told.err().unwrap_or_else(|| end(&mut events).unwrap_err());
    assert_eq!(error.code(), "offline", "{error}");
    game.stop();
}

/// `Spec: cli`, `settings`: what was set for an app outlasts it, and is taken back without it.
#[test]
fn a_setting_of_an_app_that_is_gone_is_taken_back() {
    let game = Game::launched();
    let app = AppId::new(game.bench.device.app).unwrap();
    let key = format!("background-activity.{app}");
    game.set(&key, "off");
    game.bench.apps().uninstall(&app, Data::Remove).unwrap();
    let device = game.bench.device.connector().device_blocking().unwrap();
    let refused = device.set(&key, Some("off")).unwrap_err();
    assert_eq!(refused.code(), "appNotFound");
    let kept = |device: &headstart::blocking::Device| {
        device.settings().unwrap().into_iter().any(|setting| setting.key == key)
    };
    assert!(kept(&device));
    device.set(&key, None).unwrap();
    assert!(!kept(&device));
    game.stop();
}
