//! What a launcher or store does: driving installations.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use futures_lite::StreamExt as _;
use futures_lite::future::block_on;
use headstart::apps::{
    AppInfo, AppState, InstallEvent, InstallOptions, InstallationAction, Launchable, UpdateOptions,
};
use headstart::{ErrorKind, Failure};
use headstart_model::protocol::apps::{ControlInstallation, Controlled, Install, Update};
use headstart_model::protocol::dispatch::Call;

use crate::fake_service::{Device, FakeService, Then};
use crate::samples::{app, progress};

fn bundle(device: &Device) -> PathBuf {
    let folder = device.file("bundle");
    std::fs::create_dir_all(&folder).unwrap();
    let toml = "[app]\nid = \"com.example.game\"\nversion = \"1.0\"\nexecutable = \"game\"\n";
    std::fs::write(folder.join("headstart.toml"), toml).unwrap();
    folder
}

fn installed() -> AppInfo {
    AppInfo {
        id: app(),
        version: "1.0".to_owned(),
        state: AppState::Launchable,
        essential_pending: 0,
    }
}

fn control(action: InstallationAction) -> Call {
    Call::ControlInstallation(ControlInstallation { app: app(), action })
}

/// Installs until it is told to cancel.
fn installing(device: &Device) -> FakeService {
    let (cancel, cancelled) = channel();
    let cancelled = std::sync::Mutex::new(cancelled);
    FakeService::start(device, move |call, peer| {
        match call {
            Call::Install(_) => {
                peer.reply_and_go_on::<Install>(&InstallEvent::Progress(progress(0.25)));
                cancelled.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap();
                peer.fail(Failure::new(ErrorKind::Cancelled, "cancelled", "it was cancelled"));
            }
            Call::Update(_) => {
                let launchable = InstallEvent::Launchable(Launchable::default());
                peer.reply_and_go_on::<Update>(&launchable);
                peer.reply::<Update>(&InstallEvent::Done(installed()));
            }
            Call::ControlInstallation(call) => {
                peer.reply::<ControlInstallation>(&Controlled {});
                if call.action == InstallationAction::Cancel {
                    cancel.send(()).unwrap();
                }
            }
            _ => return Then::HangUp,
        }
        Then::KeepOpen
    })
}

#[test]
fn an_installation_is_watched_paused_resumed_and_cancelled() {
    let device = Device::new();
    let service = installing(&device);
    let bundle = bundle(&device);
    let options = InstallOptions { dev: true, ..InstallOptions::default() };
    block_on(async {
        let apps = device.connector().apps().unwrap();
        let mut installation = apps.begin_install(&bundle, options).await.unwrap();
        assert_eq!(*installation.app(), app());
        let first = installation.next().await.unwrap().unwrap();
        assert_eq!(first, InstallEvent::Progress(progress(0.25)));
        installation.pause().await.unwrap();
        installation.resume().await.unwrap();
        installation.cancel().await.unwrap();
        let end = installation.next().await.unwrap().unwrap_err();
        assert_eq!(end.kind(), ErrorKind::Cancelled);
        assert!(installation.next().await.is_none());
    });
    let actions =
        [InstallationAction::Pause, InstallationAction::Resume, InstallationAction::Cancel];
    assert_eq!(service.calls()[1..], actions.map(control));
}

#[test]
fn an_installation_is_driven_from_another_thread_than_the_one_that_waits() {
    let device = Device::new();
    let service = installing(&device);
    let bundle = bundle(&device);
    let apps = device.connector().apps_blocking().unwrap();
    let mut installation = apps.begin_install(&bundle, InstallOptions::default()).unwrap();
    let controls = installation.controls();
    assert!(matches!(installation.next(), Some(Ok(InstallEvent::Progress(_)))));
    let driving = std::thread::spawn(move || {
        controls.pause()?;
        controls.resume()?;
        controls.cancel()
    });
    assert_eq!(installation.next().unwrap().unwrap_err().code(), "cancelled");
    driving.join().unwrap().unwrap();
    assert_eq!(service.calls().len(), 4);
    let update = apps.begin_update(&bundle, UpdateOptions::default()).unwrap();
    assert_eq!(*update.app(), app());
    let events: Vec<_> = update.map(Result::unwrap).collect();
    let ends = [InstallEvent::Launchable(Launchable::default()), InstallEvent::Done(installed())];
    assert_eq!(events, ends);
}

#[test]
fn an_update_is_an_installation_too() {
    let device = Device::new();
    let service = installing(&device);
    let bundle = bundle(&device);
    block_on(async {
        let apps = device.connector().apps().unwrap();
        let update = apps.begin_update(&bundle, UpdateOptions::default()).await.unwrap();
        let events: Vec<_> = update.map(Result::unwrap).collect().await;
        assert_eq!(events.len(), 2);
        apps.control_installation(&app(), InstallationAction::Pause).await.unwrap();
    });
    assert_eq!(service.calls()[1], control(InstallationAction::Pause));
}

#[test]
fn a_folder_that_is_no_bundle_is_refused_without_asking() {
    let device = Device::new();
    let service = installing(&device);
    let apps = device.connector().apps_blocking().unwrap();
    let begin = |folder: &Path| {
        let error = apps.begin_install(folder, InstallOptions::default()).unwrap_err();
        assert!(error.hint().is_some());
        (error.kind(), error.code().to_owned())
    };
    let invalid = |code: &str| (ErrorKind::InvalidInput, code.to_owned());
    let folder = bundle(&device);
    assert_eq!(begin(&device.file("nothing")), invalid("notABundle"));
    std::fs::write(folder.join("headstart.toml"), "id = 7").unwrap();
    assert_eq!(begin(&folder), invalid("bundleMalformed"));
    std::fs::remove_file(folder.join("headstart.toml")).unwrap();
    std::fs::create_dir(folder.join("headstart.toml")).unwrap();
    assert_eq!(begin(&folder), invalid("bundleUnreadable"));
    assert!(service.calls().is_empty());
}
