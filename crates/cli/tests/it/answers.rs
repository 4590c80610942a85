//! What the service answers: made up, so that each field has a value.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use headstart_model::download::{DownloadPriority, DownloadStatus};
use headstart_model::protocol::Reason;
use headstart_model::protocol::apps::{
    AppDetails, AppInfo, AppState, AttachDebugger, Attached, ControlInstallation, Controlled,
    ExtensionDetails, ExtensionRun, GroupFolder, Info, Install, InstallEvent, Launchable,
    Overridden, Override, SimulateEvent, SimulationEvent, SimulationOutcome, Uninstall,
    Uninstalled,
};
use headstart_model::protocol::device::{
    Condition, ConditionList, Conditions, Pretend, SetSetting, Setting, SettingList, Settings,
};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::downloads::{
    Change, Changed, DownloadExplanation, DownloadFailure, ExplainDownload, List, QueueEntry,
    QueuePage, QueueSubject,
};
use headstart_model::protocol::extension::AppExtensionInfo;
use headstart_model::protocol::packs::{List as ListPacks, PackList};
use headstart_model::{AppGroupId, AppId, ErrorKind, Failure, PackId};

use crate::fake::Peer;

pub const APP: &str = "com.example.game";

pub fn app() -> AppId {
    AppId::new(APP).unwrap()
}

fn not_found(code: &'static str) -> Failure {
    Failure::new(ErrorKind::NotFound, code, "there is no such thing")
}

fn over_allowance() -> DownloadFailure {
    let message = "the download is larger than the app may fetch before its first launch";
    let failure = Failure::new(ErrorKind::Refused, "sessionDownloadAllowanceExceeded", message);
    DownloadFailure { identifier: "level-2".to_owned(), failure }
}

fn queue() -> Vec<QueueEntry> {
    let pack = QueueEntry {
        id: 7,
        app: app(),
        subject: QueueSubject::Pack(PackId::new("textures").unwrap()),
        state: DownloadStatus::Downloading,
        priority: DownloadPriority::DEFAULT,
        essential: true,
        foreground: true,
        paused: false,
        bytes_done: 1_500_000,
        bytes_total: Some(3_000_000),
    };
    let single = QueueEntry {
        id: 12,
        subject: QueueSubject::Identifier("level-2".to_owned()),
        state: DownloadStatus::Waiting,
        priority: DownloadPriority::MAX,
        essential: false,
        foreground: false,
        paused: true,
        bytes_done: 0,
        bytes_total: None,
        ..pack.clone()
    };
    vec![pack, single]
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

pub fn details() -> AppDetails {
    let runs = vec![
        ExtensionRun {
            started_at: Some(at(1_795_000_060)),
            calls: 1,
            used_milliseconds: 250,
            peak_memory: 2_000_000,
            ended: None,
        },
        ExtensionRun {
            started_at: Some(at(1_795_000_000)),
            calls: 2,
            used_milliseconds: 12_050,
            peak_memory: 17_000_000,
            ended: Some("it used more memory than it may".to_owned()),
        },
    ];
    let folder = "/home/groups/group.com.example.game".to_owned();
    let group = AppGroupId::new("group.com.example.game").unwrap();
    AppDetails {
        app: AppInfo {
            id: app(),
            version: "1.0.0".to_owned(),
            state: AppState::Installing,
            essential_pending: 2,
        },
        bundle: "/bundle".to_owned(),
        executable: "/bundle/bin/game".to_owned(),
        dev: true,
        app_group: Some(group.clone()),
        repository_mirrors: Vec::new(),
        repository_url: None,
        channel: None,
        trust: None,
        languages: Vec::new(),
        resolved_language: None,
        groups: vec![GroupFolder { group, folder }],
        manifest_url: Some("https://example.com/manifest.json".to_owned()),
        extension: Some(ExtensionDetails {
            program: "/bundle/bin/downloads".to_owned(),
            used_milliseconds: 12_300,
            allowed_milliseconds: 600_000,
            runs,
            held_back: None,
            failure: None,
        }),
        limits: AppExtensionInfo {
            restricted_download_size_remaining: Some(3_000_000),
            restricted_essential_download_size_remaining: Some(0),
        },
        awaited: Vec::new(),
    }
}

fn settings() -> Vec<Setting> {
    let setting = |key: &str, value: &str, default: &str, meaning: &str| Setting {
        key: key.to_owned(),
        value: value.to_owned(),
        default: default.to_owned(),
        meaning: meaning.to_owned(),
    };
    vec![
        setting("in-app-content", "on", "on", "whether apps fetch content by themselves"),
        setting("limit", "20Mbit", "none", "the most that all downloads together take"),
    ]
}

fn conditions(pretended: &BTreeMap<String, String>) -> ConditionList {
    let condition = |key: &str, real: &str| Condition {
        key: key.to_owned(),
        value: pretended.get(key).map_or(real, String::as_str).to_owned(),
        real: real.to_owned(),
    };
    ConditionList { conditions: vec![condition("network", "online"), condition("power", "normal")] }
}

pub fn serve(call: Call, peer: &mut Peer) {
    match call {
        Call::ListDownloads(_) => {
            peer.reply::<List>(&QueuePage { downloads: queue(), next: None });
        }
        Call::ChangeDownload(change) if change.id == "99" => peer.fail(not_found("notScheduled")),
        Call::ChangeDownload(_) => peer.reply::<Change>(&Changed {}),
        Call::Explain(_) => peer.fail(not_found("assetPackNotFound")),
        Call::ExplainDownload(explain) if ["7", "level-2"].contains(&explain.id.as_str()) => {
            let reason = Reason {
                fact: "offline".to_owned(),
                text: "there is no network".to_owned(),
                since: Some(at(1_795_000_000)),
                until: None,
            };
            peer.reply::<ExplainDownload>(&DownloadExplanation {
                state: DownloadStatus::Waiting,
                reasons: vec![reason],
                eta: Some(at(1_795_000_100)),
            });
        }
        Call::ExplainDownload(_) => peer.fail(not_found("notScheduled")),
        Call::Settings(_) => {
            peer.reply::<Settings>(&SettingList { settings: settings() });
        }
        Call::SetSetting(set) => {
            let mut setting = settings().pop().unwrap();
            setting.value = set.value.unwrap_or_else(|| setting.default.clone());
            peer.reply::<SetSetting>(&setting);
        }
        Call::Conditions(_) => {
            let low = BTreeMap::from([("power".to_owned(), "low".to_owned())]);
            peer.reply::<Conditions>(&conditions(&low));
        }
        Call::Pretend(pretend) => peer.reply::<Pretend>(&conditions(&pretend.conditions)),
        Call::AppInfo(_) => peer.reply::<Info>(&details()),
        Call::ListPacks(_) => peer.reply::<ListPacks>(&PackList { packs: Vec::new() }),
        Call::Uninstall(_) => peer.reply::<Uninstall>(&Uninstalled {}),
        Call::ControlInstallation(_) => peer.reply::<ControlInstallation>(&Controlled {}),
        Call::Override(_) => peer.reply::<Override>(&Overridden {}),
        Call::AttachDebugger(_) => peer.reply::<AttachDebugger>(&Attached {
            pid: 4711,
            program: "/bundle/bin/downloads".to_owned(),
        }),
        Call::Install(_) => {
            let launchable =
                Launchable { downloads: vec![over_allowance()], ..Launchable::default() };
            peer.reply_and_go_on::<Install>(&InstallEvent::Launchable(launchable));
            let app = AppInfo { state: AppState::Launchable, ..details().app };
            peer.reply::<Install>(&InstallEvent::Done(app));
        }
        Call::SimulateEvent(_) => {
            peer.reply_and_go_on::<SimulateEvent>(&SimulationEvent::Scheduled(2));
            let outcome = SimulationOutcome {
                downloads: vec!["level-1".to_owned()],
                failed_downloads: vec![over_allowance()],
                ..SimulationOutcome::default()
            };
            peer.reply::<SimulateEvent>(&SimulationEvent::Done(outcome));
        }
        other => panic!("{other:?} is not expected"),
    }
}
