//! Values of the messages about single downloads, extensions and the device.

use std::collections::BTreeMap;

use super::{Sample, any_pack, app, failure, pack_id, reason, sample};
use crate::download::{DownloadKind, DownloadPriority, DownloadStatus, UrlDownload};
use crate::protocol::dispatch::Call;
use crate::protocol::downloads::{
    AuthenticationMethod, ChallengeAnswer, ChallengeCredential, DelegateEvent, DownloadChallenge,
    DownloadFailure, QueueAction, QueueEntry, QueueSubject, WriteProgress,
};
use crate::protocol::extension::{AppExtensionInfo, ExtensionEvent};
use crate::protocol::{apps, device, downloads, extension};
use crate::{AppGroupId, ContentRequest, PackVersion};

fn download(kind: DownloadKind) -> UrlDownload {
    UrlDownload {
        identifier: "levels/1".to_owned(),
        unique_identifier: "7f-1".to_owned(),
        kind,
        url: "https://assets.example.com/levels/1".to_owned(),
        method: "HEAD".to_owned(),
        headers: BTreeMap::from([("X-Key".to_owned(), "1".to_owned())]),
        file_size: Some(1024),
        essential: true,
        app_group: AppGroupId::new("group.example").expect("a good id"),
        priority: DownloadPriority::MAX,
        pack_version: Some(PackVersion(3)),
    }
}

fn any_download() -> UrlDownload {
    download(DownloadKind::Url)
}

pub(super) fn download_failure() -> DownloadFailure {
    DownloadFailure { identifier: "levels/1".to_owned(), failure: failure() }
}

pub(super) fn info() -> AppExtensionInfo {
    AppExtensionInfo {
        restricted_download_size_remaining: Some(5),
        restricted_essential_download_size_remaining: Some(6),
    }
}

pub(super) fn extension_details() -> apps::ExtensionDetails {
    let run = apps::ExtensionRun {
        started_at: reason().since,
        calls: 2,
        used_milliseconds: 30,
        peak_memory: 4096,
        ended: Some("idle".to_owned()),
    };
    apps::ExtensionDetails {
        program: "/bundle/extension".to_owned(),
        used_milliseconds: 30,
        allowed_milliseconds: 600_000,
        runs: vec![run],
        held_back: Some(reason()),
        failure: Some(failure()),
    }
}

fn challenge(method: AuthenticationMethod) -> DownloadChallenge {
    DownloadChallenge {
        origin: "https://assets.example.com:443".to_owned(),
        host: "assets.example.com".to_owned(),
        method,
        realm: Some("assets".to_owned()),
        previous_failure_count: 1,
        certificate_blake3: Some("00".to_owned()),
    }
}

fn methods() -> [AuthenticationMethod; 6] {
    use AuthenticationMethod::{Basic, Bearer, ClientCertificate, Digest, Header, ServerTrust};
    [Basic, Digest, Bearer, Header, ClientCertificate, ServerTrust]
}

fn answers() -> Vec<ChallengeAnswer> {
    let text = str::to_owned;
    let credentials = [
        ChallengeCredential::Password { user: text("me"), password: text("secret") },
        ChallengeCredential::Token { token: text("secret") },
        ChallengeCredential::Header { name: text("X-Key"), value: text("secret") },
        ChallengeCredential::TrustServer {},
    ];
    let mut answers: Vec<_> = credentials.map(ChallengeAnswer::UseCredential).to_vec();
    answers.extend([
        ChallengeAnswer::PerformDefaultHandling,
        ChallengeAnswer::CancelAuthenticationChallenge,
        ChallengeAnswer::RejectProtectionSpace,
    ]);
    answers
}

pub(super) fn all() -> Vec<Sample> {
    let mut samples = scheduling();
    samples.extend(attending());
    samples.extend(queue());
    samples.extend(extensions());
    samples.extend(devices());
    samples
}

fn scheduling() -> Vec<Sample> {
    use DownloadStatus::{Created, Downloading, Failed, Finished, Waiting};
    let app = || Some(app());
    let kinds = [DownloadKind::Url, DownloadKind::AssetPack, DownloadKind::Manifest];
    let schedule = downloads::Schedule {
        app: app(),
        downloads: kinds.map(download).to_vec(),
        foreground: true,
    };
    let scheduled = |status| downloads::ScheduledDownload {
        download: any_download(),
        status,
        bytes_done: 1,
        bytes_total: Some(2),
    };
    let page = downloads::CurrentPage {
        downloads: kinds
            .iter()
            .map(|kind| downloads::ScheduledDownload {
                download: download(*kind),
                ..scheduled(Waiting)
            })
            .chain([Failed, Created, Waiting, Downloading, Finished].map(scheduled))
            .collect(),
        next: Some(9),
    };
    let explanation = |state| downloads::DownloadExplanation {
        state,
        reasons: vec![reason()],
        eta: reason().until,
    };
    let cancel = downloads::CancelDownload { app: app(), identifier: "levels/1".to_owned() };
    let acquire = downloads::AcquireExclusiveControl { app: app(), wait_milliseconds: Some(5_000) };
    vec![
        sample(Call::ScheduleDownloads, &schedule, &[downloads::Scheduled {}]),
        sample(Call::CancelDownload, &cancel, &[downloads::CancelledDownload {}]),
        sample(
            Call::CurrentDownloads,
            &downloads::Current { app: app(), after: Some(3) },
            &[page, downloads::CurrentPage::default()],
        ),
        sample(Call::AcquireExclusiveControl, &acquire, &[downloads::ExclusiveControl {}]),
        sample(
            Call::ReleaseExclusiveControl,
            &downloads::ReleaseExclusiveControl {},
            &[downloads::ReleasedExclusiveControl {}],
        ),
        sample(
            Call::ExplainDownload,
            &downloads::ExplainDownload { app: app(), id: "levels/1".to_owned() },
            &[Failed, Created, Waiting, Downloading, Finished].map(explanation),
        ),
    ]
}

fn attending() -> Vec<Sample> {
    let progress =
        WriteProgress { bytes_written: 1, total_bytes_written: 2, total_bytes_expected: Some(3) };
    let file = "/home/groups/g/inbox/1/file".to_owned();
    let (callback, failure) = (4, failure());
    let mut events = vec![
        DelegateEvent::Attending {},
        DelegateEvent::Lost { count: 2 },
        DelegateEvent::Began { download: any_download() },
        DelegateEvent::Paused { download: any_download() },
        DelegateEvent::Progress { download: any_download(), progress },
        DelegateEvent::Failed { callback, download: any_download(), failure },
        DelegateEvent::Finished { callback, download: any_download(), file },
    ];
    events.extend(methods().map(|method| DelegateEvent::Challenged {
        callback,
        download: any_download(),
        challenge: challenge(method),
    }));
    let kinds = [DownloadKind::AssetPack, DownloadKind::Manifest];
    events.extend(kinds.map(|kind| DelegateEvent::Began { download: download(kind) }));
    let mut samples =
        vec![sample(Call::AttendDownloads, &downloads::Attend { app: Some(app()) }, &events)];
    samples.extend(answers().into_iter().map(|answer| {
        let acknowledge =
            downloads::Acknowledge { app: Some(app()), callback, answer: Some(answer) };
        sample(Call::AcknowledgeDownload, &acknowledge, &[downloads::Acknowledged {}])
    }));
    samples
}

fn queue() -> Vec<Sample> {
    use DownloadStatus::{Created, Downloading, Failed, Finished, Waiting};
    use QueueAction::{Cancel, Pause, Promote, Resume};
    let subjects = [QueueSubject::Pack(pack_id()), QueueSubject::Identifier("levels/1".to_owned())];
    let entry = |(subject, state)| QueueEntry {
        id: 1,
        app: app(),
        subject,
        state,
        priority: DownloadPriority::DEFAULT,
        essential: false,
        foreground: true,
        paused: true,
        bytes_done: 1,
        bytes_total: Some(2),
    };
    let states = [Failed, Created, Waiting, Downloading, Finished];
    let entries = states.into_iter().enumerate().map(|(n, state)| (subjects[n % 2].clone(), state));
    let page = downloads::QueuePage { downloads: entries.map(entry).collect(), next: Some(1) };
    let list = downloads::List { app: Some(app()), after: Some(1) };
    let mut samples = vec![sample(Call::ListDownloads, &list, &[page])];
    samples.extend([Pause, Resume, Promote, Cancel].map(|action| {
        let change = downloads::Change { id: "1".to_owned(), app: Some(app()), action };
        sample(Call::ChangeDownload, &change, &[downloads::Changed {}])
    }));
    samples
}

fn extensions() -> Vec<Sample> {
    use ContentRequest::{Install, LanguageChange, Periodic, Update};
    let (call, download) = (3, any_download());
    let file = "/home/groups/g/inbox/1/file".to_owned();
    let mut events = vec![
        ExtensionEvent::Serving {},
        ExtensionEvent::ShouldDownload { call, request: Install, packs: vec![any_pack()] },
        ExtensionEvent::Failed { call, download: download.clone(), failure: failure() },
        ExtensionEvent::Finished { call, download, file },
        ExtensionEvent::WillTerminate {},
    ];
    events.extend([Install, Update, Periodic, LanguageChange].map(|request| {
        let manifest = "/home/manifest".to_owned();
        ExtensionEvent::DownloadsRequested { call, request, manifest, info: info() }
    }));
    events.extend(methods().map(|method| ExtensionEvent::Challenged {
        call,
        download: any_download(),
        challenge: challenge(method),
    }));
    let kinds = [DownloadKind::Url, DownloadKind::AssetPack, DownloadKind::Manifest];
    events.extend(kinds.map(|kind| ExtensionEvent::Failed {
        call,
        download: self::download(kind),
        failure: failure(),
    }));
    let answer = extension::Return {
        call,
        downloads: kinds.map(self::download).to_vec(),
        more: true,
        dropped: vec![pack_id()],
        answer: Some(ChallengeAnswer::PerformDefaultHandling),
        failure: Some(failure()),
    };
    vec![
        sample(Call::ServeExtension, &extension::Serve {}, &events),
        sample(Call::ReturnFromExtension, &answer, &[extension::Returned {}]),
    ]
}

fn devices() -> Vec<Sample> {
    let text = str::to_owned;
    let setting = || device::Setting {
        key: text("background-activity"),
        value: text("off"),
        default: text("on"),
        meaning: text("whether anything is downloaded that nobody waits for"),
    };
    let condition =
        device::Condition { key: text("network"), value: text("offline"), real: text("online") };
    let conditions = device::ConditionList { conditions: vec![condition] };
    let set = device::SetSetting { key: setting().key, value: Some(text("off")) };
    let pretend =
        device::Pretend { conditions: BTreeMap::from([(text("network"), text("offline"))]) };
    vec![
        sample(
            Call::Settings,
            &device::Settings {},
            &[device::SettingList { settings: vec![setting()] }],
        ),
        sample(Call::SetSetting, &set, &[setting()]),
        sample(Call::Conditions, &device::Conditions {}, std::slice::from_ref(&conditions)),
        sample(Call::Pretend, &pretend, &[conditions]),
    ]
}
