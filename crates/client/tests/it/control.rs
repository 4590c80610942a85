//! The queue, the settings, and what is done to installations: what command lines do.

use std::collections::BTreeMap;
use std::path::Path;

use futures_lite::future::block_on;
use headstart::ErrorKind;
use headstart::apps::{Attached, InstallationAction};
use headstart::device::{Condition, Setting};
use headstart::queue::{
    DownloadExplanation, DownloadPriority, DownloadStatus, QueueAction, QueueEntry, QueueSubject,
};
use headstart_model::protocol::apps::{
    AttachDebugger, ControlInstallation, Controlled, Overridden, Override,
};
use headstart_model::protocol::device::{
    ConditionList, Conditions, Pretend, SetSetting, SettingList, Settings,
};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::downloads::{Change, Changed, ExplainDownload, List, QueuePage};

use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::samples::{app, failure, pack_id};

fn entry(id: u64) -> QueueEntry {
    QueueEntry {
        id,
        app: app(),
        subject: QueueSubject::Pack(pack_id("a")),
        state: DownloadStatus::Waiting,
        priority: DownloadPriority::DEFAULT,
        essential: false,
        foreground: false,
        paused: true,
        bytes_done: 1,
        bytes_total: None,
    }
}

fn setting(value: &str) -> Setting {
    Setting {
        key: "limit".to_owned(),
        value: value.to_owned(),
        default: "none".to_owned(),
        meaning: "bytes a second".to_owned(),
    }
}

fn condition() -> Condition {
    Condition { key: "network".to_owned(), value: "offline".to_owned(), real: "online".to_owned() }
}

fn explanation() -> DownloadExplanation {
    DownloadExplanation { state: DownloadStatus::Downloading, reasons: Vec::new(), eta: None }
}

fn attached() -> Attached {
    Attached { pid: 7, program: "/bundle/downloads".to_owned() }
}

/// A queue of two pages; the second says that it leads on to itself.
fn serve(call: &Call, peer: &mut Peer) -> Then {
    match call {
        Call::ListDownloads(List { after: None, .. }) => {
            peer.reply::<List>(&QueuePage { downloads: vec![entry(1)], next: Some(1) });
        }
        Call::ListDownloads(_) => {
            peer.reply::<List>(&QueuePage { downloads: vec![entry(2)], next: Some(1) });
        }
        Call::ChangeDownload(Change { action: QueueAction::Cancel, .. }) => peer.fail(failure()),
        Call::ChangeDownload(_) => peer.reply::<Change>(&Changed {}),
        Call::ExplainDownload(_) => peer.reply::<ExplainDownload>(&explanation()),
        Call::Settings(_) => {
            peer.reply::<Settings>(&SettingList { settings: vec![setting("none")] });
        }
        Call::SetSetting(set) => {
            peer.reply::<SetSetting>(&setting(set.value.as_deref().unwrap_or("none")));
        }
        Call::Conditions(_) => {
            peer.reply::<Conditions>(&ConditionList { conditions: vec![condition()] });
        }
        Call::Pretend(_) => {
            peer.reply::<Pretend>(&ConditionList { conditions: vec![condition()] });
        }
        Call::ControlInstallation(_) => peer.reply::<ControlInstallation>(&Controlled {}),
        Call::Override(_) => peer.reply::<Override>(&Overridden {}),
        Call::AttachDebugger(_) => peer.reply::<AttachDebugger>(&attached()),
        _ => return Then::HangUp,
    }
    Then::KeepOpen
}

#[test]
fn the_queue_is_read_page_by_page_and_a_page_that_leads_nowhere_is_the_last() {
    let device = Device::new();
    let service = FakeService::start(&device, serve);
    let queue = device.connector().on_behalf_of(app()).queue_blocking().unwrap();
    assert_eq!(queue.list().unwrap(), [entry(1), entry(2)]);
    let page = |after| Call::ListDownloads(List { app: Some(app()), after });
    assert_eq!(service.calls(), [page(None), page(Some(1))]);
    let same = block_on(device.connector().queue().unwrap().list()).unwrap();
    assert_eq!(same.len(), 2);
}

#[test]
fn a_download_is_changed_and_explained_by_number_or_identifier() {
    let device = Device::new();
    let service = FakeService::start(&device, serve);
    let queue = device.connector().queue_blocking().unwrap();
    queue.change("7", QueueAction::Pause).unwrap();
    assert_eq!(queue.explain("level").unwrap(), explanation());
    let change = |action| Change { id: "7".to_owned(), app: None, action };
    let explain = ExplainDownload { app: None, id: "level".to_owned() };
    let pause = Call::ChangeDownload(change(QueueAction::Pause));
    assert_eq!(service.calls(), [pause, Call::ExplainDownload(explain)]);
    let queue = device.connector().queue().unwrap();
    let refused = block_on(queue.change("7", QueueAction::Cancel)).unwrap_err();
    assert_eq!(refused.failure(), &failure());
    assert_eq!(block_on(queue.explain("level")).unwrap(), explanation());
}

#[test]
fn settings_are_read_set_and_given_their_default_again() {
    let device = Device::new();
    let service = FakeService::start(&device, serve);
    let settings = device.connector().device_blocking().unwrap();
    assert_eq!(settings.settings().unwrap(), [setting("none")]);
    assert_eq!(settings.set("limit", Some("1MB")).unwrap(), setting("1MB"));
    let settings = device.connector().device().unwrap();
    assert_eq!(block_on(settings.settings()).unwrap(), [setting("none")]);
    assert_eq!(block_on(settings.set("limit", None)).unwrap(), setting("none"));
    let reset = Call::SetSetting(SetSetting { key: "limit".to_owned(), value: None });
    assert_eq!(service.calls().last(), Some(&reset));
}

#[test]
fn conditions_are_shown_and_pretended() {
    let device = Device::new();
    let service = FakeService::start(&device, serve);
    let blocking = device.connector().device_blocking().unwrap();
    assert_eq!(blocking.conditions().unwrap(), [condition()]);
    let wanted = BTreeMap::from([("network".to_owned(), "offline".to_owned())]);
    assert_eq!(blocking.pretend(wanted.clone()).unwrap(), [condition()]);
    let device = device.connector().device().unwrap();
    assert_eq!(block_on(device.conditions()).unwrap(), [condition()]);
    assert_eq!(block_on(device.pretend(BTreeMap::new())).unwrap(), [condition()]);
    let pretend = |conditions| Call::Pretend(Pretend { conditions });
    assert_eq!(service.calls()[1], pretend(wanted));
    assert_eq!(service.calls()[3], pretend(BTreeMap::new()));
}

#[test]
fn installations_are_paused_sources_overridden_and_debuggers_waited_for() {
    let device = Device::new();
    let service = FakeService::start(&device, serve);
    let apps = device.connector().apps_blocking().unwrap();
    apps.control_installation(&app(), InstallationAction::Pause).unwrap();
    let root = Path::new("root.json");
    apps.override_source(&app(), Some("http://localhost:1"), Some(root)).unwrap();
    assert_eq!(apps.attach_debugger(&app()).unwrap(), attached());
    let absolute = std::env::current_dir().unwrap().join(root);
    let over = Override {
        app: app(),
        url: Some("http://localhost:1".to_owned()),
        root: Some(absolute.to_str().unwrap().to_owned()),
    };
    let pause = ControlInstallation { app: app(), action: InstallationAction::Pause };
    assert_eq!(service.calls()[..2], [Call::ControlInstallation(pause), Call::Override(over)]);
    let apps = device.connector().apps().unwrap();
    block_on(apps.control_installation(&app(), InstallationAction::Cancel)).unwrap();
    block_on(apps.override_source(&app(), None, None)).unwrap();
    assert_eq!(block_on(apps.attach_debugger(&app())).unwrap(), attached());
    let nowhere = apps_error(&device);
    assert_eq!(nowhere, ErrorKind::Usage);
}

fn apps_error(device: &Device) -> ErrorKind {
    let apps = device.connector().apps_blocking().unwrap();
    apps.override_source(&app(), None, Some(Path::new(""))).unwrap_err().kind()
}
