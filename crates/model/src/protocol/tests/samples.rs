//! A value of every message, so that every field and every name of an enum occurs at least once.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::protocol::dispatch::Call;
use crate::protocol::packs::{
    EnsureEvent, EnsureOutcome, Pack, PackState, Repair, StatusUpdate, StatusUpdateEvent, Trust,
};
use crate::protocol::service::AppToken;
use crate::protocol::{
    Method, PackFailure, Phase, Progress, Reason, introspection, packs, service,
};
use crate::{
    AppId, Digest, DownloadPolicy, ErrorKind, Failure, Headers, InstallationEventType,
    InstallationEventTypes, Language, PackId, PackPath, PackVersion, ServerOrigin, Status, Until,
    Urgency,
};

mod apps;
mod downloads;

/// A call and replies to it, as JSON.
pub(super) struct Sample {
    pub(super) call: Call,
    pub(super) parameters: Value,
    pub(super) replies: Vec<Value>,
}

pub(super) fn failure() -> Failure {
    let mut failure =
        Failure::new(ErrorKind::NoSpace, "diskFull", "no room").with_hint("make some");
    failure.causes = vec!["quota".to_owned()];
    failure
}

fn sample<M: Method + Clone>(make: fn(M) -> Call, call: &M, replies: &[M::Reply]) -> Sample {
    let json = |reply| {
        let value = serde_json::to_value(reply).expect("plain data");
        let back: M::Reply = serde_json::from_value(value.clone()).expect("own output");
        assert_eq!(serde_json::to_value(back).expect("plain data"), value);
        value
    };
    Sample {
        call: make(call.clone()),
        parameters: serde_json::to_value(call).expect("plain data"),
        replies: replies.iter().map(json).collect(),
    }
}

fn app() -> AppId {
    AppId::new("com.example.game").expect("a good id")
}

pub(super) fn pack_id() -> PackId {
    PackId::new("level-1").expect("a good id")
}

fn pack(policy: DownloadPolicy, trust: Trust) -> Pack {
    Pack {
        id: pack_id(),
        version: PackVersion(3),
        download_size: 100,
        installed_size: 200,
        user_info: Some(json!({ "title": "Level" })),
        language: Some(Language::new("ja").expect("a good tag")),
        policy,
        trust,
    }
}

fn any_pack() -> Pack {
    let both = InstallationEventTypes {
        installation_event_types: vec![
            InstallationEventType::FirstInstallation,
            InstallationEventType::SubsequentUpdate,
        ],
    };
    pack(DownloadPolicy::Essential(both), Trust::Signed)
}

fn withheld() -> packs::Withheld {
    let app_versions = ">=2".parse().expect("a range");
    packs::Withheld { pack: pack_id(), version: PackVersion(4), app_versions }
}

fn state(pack: Pack) -> PackState {
    let status = (0..7).fold(Status::EMPTY, |status, bit| {
        let flags = [
            Status::DOWNLOAD_AVAILABLE,
            Status::UPDATE_AVAILABLE,
            Status::UP_TO_DATE,
            Status::OUT_OF_DATE,
            Status::OBSOLETE,
            Status::DOWNLOADING,
            Status::DOWNLOADED,
        ];
        status.with(flags[bit])
    });
    PackState {
        app: app(),
        pack,
        local_version: Some(PackVersion(2)),
        status,
        withheld: Some(withheld()),
    }
}

fn progress(phase: Phase) -> Progress {
    Progress {
        phase,
        pack: Some(pack_id()),
        bytes_done: 1,
        bytes_total: 2,
        bytes_per_second: 3,
        eta_seconds: Some(4),
        fraction: 0.5,
    }
}

fn phases() -> [Phase; 6] {
    use Phase::{Download, Essential, Files, Install, Repair, Verify};
    [Files, Install, Essential, Download, Verify, Repair]
}

fn pack_failure() -> PackFailure {
    PackFailure { pack: pack_id(), failure: failure() }
}

fn reason() -> Reason {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    Reason {
        fact: "noNetwork".to_owned(),
        text: "there is no network".to_owned(),
        since: Some(time),
        until: Some(time),
    }
}

pub(super) fn all() -> Vec<Sample> {
    let mut samples = service_samples();
    samples.extend(apps::samples());
    samples.extend(pack_samples());
    samples.extend(language_samples());
    samples.extend(reading_samples());
    samples.extend(downloads::all());
    samples
}

fn service_samples() -> Vec<Sample> {
    let text = str::to_owned;
    let interface =
        introspection::GetInterfaceDescription { interface: text("io.headstart.Packs") };
    let description = introspection::describe(&interface).expect("it exists");
    let hello = service::Hello {
        oldest_protocol: 1,
        newest_protocol: 1,
        home: text("/home"),
        client_name: text("game"),
        client_pid: 7,
        app: Some(app()),
        app_token: Some(AppToken::new("secret")),
        languages: vec![Language::new("de-AT").expect("a good tag")],
    };
    let welcome = service::Welcome {
        protocol: 1,
        service_version: text("0.1.0"),
        home: text("/home"),
        pid: 8,
        uptime_seconds: 9,
        app: Some(app()),
    };
    let status = service::ServiceStatus {
        pid: 8,
        version: text("0.1.0"),
        home: text("/home"),
        uptime_seconds: 9,
    };
    vec![
        sample(Call::GetInfo, &introspection::GetInfo {}, &[introspection::info("0.1.0")]),
        sample(Call::GetInterfaceDescription, &interface, &[description]),
        sample(Call::Hello, &hello, &[welcome]),
        sample(Call::ServiceStatus, &service::Status {}, &[status]),
        sample(Call::Stop, &service::Stop {}, &[service::Stopping {}]),
    ]
}

fn updates() -> Vec<StatusUpdate> {
    vec![
        StatusUpdate::Began { pack: any_pack() },
        StatusUpdate::Paused { pack: any_pack(), reasons: vec![reason()] },
        StatusUpdate::Downloading { pack: any_pack(), progress: progress(Phase::Download) },
        StatusUpdate::Finished { pack: any_pack() },
        StatusUpdate::Failed { pack: any_pack(), failure: failure() },
    ]
}

fn pack_samples() -> Vec<Sample> {
    let app = Some(app());
    let prefetch = InstallationEventTypes {
        installation_event_types: vec![InstallationEventType::FirstInstallation],
    };
    let list = packs::PackList {
        packs: vec![
            state(any_pack()),
            state(pack(DownloadPolicy::Prefetch(prefetch), Trust::TransportOnly)),
            state(pack(DownloadPolicy::on_demand(), Trust::Signed)),
        ],
    };
    let local = packs::LocalStatusReply { status: Status::DOWNLOADED };
    let mut ensured: Vec<_> = updates().into_iter().map(EnsureEvent::Update).collect();
    ensured.extend(phases().map(|phase| EnsureEvent::Progress(progress(phase))));
    ensured.push(EnsureEvent::Done(EnsureOutcome {
        successes: vec![any_pack()],
        failures: vec![pack_failure()],
    }));
    let mut told = vec![StatusUpdateEvent::Subscribed {}, StatusUpdateEvent::Lost { count: 3 }];
    told.extend(updates().into_iter().map(StatusUpdateEvent::Update));
    let ensure = |urgency, until| packs::Ensure {
        app: app.clone(),
        packs: vec![pack_id()],
        latest: true,
        urgency,
        until,
    };
    let hurried = ensure(Urgency::Immediate, Until::Any);
    let ahead = ensure(Urgency::Background, Until::All);
    let usual = ensure(Urgency::Foreground, Until::All);
    let status =
        packs::Status { app: app.clone(), pack: pack_id(), relative_to: Some(PackVersion(1)) };
    let found = packs::Updates {
        updating: vec![pack_id()],
        removed: vec![pack_id()],
        withheld: vec![withheld()],
    };
    vec![
        sample(Call::ListPacks, &packs::List { app: app.clone() }, &[list]),
        sample(Call::PackStatus, &status, &[state(any_pack())]),
        sample(
            Call::LocalStatus,
            &packs::LocalStatus { app: app.clone(), pack: pack_id() },
            &[local],
        ),
        sample(Call::Ensure, &hurried, &ensured),
        sample(Call::Ensure, &ahead, &[]),
        sample(Call::Ensure, &usual, &[]),
        sample(Call::CheckForUpdates, &packs::CheckForUpdates { app: app.clone() }, &[found]),
        sample(
            Call::Remove,
            &packs::Remove { app: app.clone(), pack: pack_id() },
            &[packs::Removed {}],
        ),
        sample(
            Call::Cancel,
            &packs::Cancel { app: app.clone(), pack: pack_id() },
            &[packs::Cancelled {}],
        ),
        sample(Call::StatusUpdates, &packs::StatusUpdates { app, pack: Some(pack_id()) }, &told),
    ]
}

fn headers() -> Headers {
    [("Authorization", "Bearer abc")].into_iter().collect()
}

fn language_samples() -> Vec<Sample> {
    let app = Some(app());
    let tag = |text| Language::new(text).expect("a good tag");
    let languages = packs::LanguagesReply {
        primary: Some(tag("en")),
        available: vec![tag("de"), tag("en")],
        local: vec![tag("en")],
        chosen: Some(tag("de-AT")),
        resolved: Some(tag("de")),
    };
    let set = packs::SetLanguage { app: app.clone(), language: Some(tag("de-AT")) };
    let resolved = packs::LanguageSet { resolved: Some(tag("de")) };
    let reconciled = packs::Reconciliation {
        successes: vec![any_pack()],
        failures: vec![pack_failure()],
        removed: vec![pack_id()],
    };
    vec![
        sample(
            Call::Languages,
            &packs::Languages { app: app.clone() },
            &[languages, packs::LanguagesReply::default()],
        ),
        sample(Call::SetLanguage, &set, &[resolved]),
        sample(Call::ReconcileLanguages, &packs::ReconcileLanguages { app }, &[reconciled]),
    ]
}

fn reading_samples() -> Vec<Sample> {
    let app = Some(app());
    let path = PackPath::new("a/b").expect("a good path");
    let locate = packs::Locate {
        app: app.clone(),
        path: path.clone(),
        pack: Some(pack_id()),
        language: Some(Language::new("ja").expect("a good tag")),
    };
    let snapshot = packs::NamespaceSnapshot { generation: 4, path: "/home/4.ns".to_owned() };
    let explanation = packs::Explanation {
        state: "waiting".to_owned(),
        reasons: vec![reason()],
        eta: reason().until,
        collisions: vec![packs::Collision {
            path: PackPath::new("a/b").expect("a good path"),
            packs: vec![pack_id()],
        }],
    };
    let verified = packs::VerifiedPack { id: pack_id(), damaged_files: vec![path], bytes_down: 5 };
    let verification =
        packs::Verification { packs: vec![verified], failures: vec![pack_failure()] };
    let events = [
        packs::VerifyEvent::Progress(progress(Phase::Verify)),
        packs::VerifyEvent::Done(verification),
    ];
    let verify = |repair| packs::Verify { app: app.clone(), packs: vec![pack_id()], repair };
    vec![
        sample(
            Call::Consume,
            &packs::Consume {
                app: locate.app.clone(),
                path: locate.path.clone(),
                pack: locate.pack.clone(),
                language: locate.language.clone(),
            },
            &[packs::Consumed { pack: pack_id(), path: "/home/a/b".to_owned() }],
        ),
        sample(
            Call::SetServerHeaders,
            &packs::SetServerHeaders {
                app: app.clone(),
                server: Some("https://mirror.example.com/game".to_owned()),
                headers: headers(),
            },
            &[packs::ServerHeadersSet {
                server: ServerOrigin::of("https://mirror.example.com").expect("a server"),
            }],
        ),
        sample(
            Call::ReadAhead,
            &packs::ReadAhead {
                app: locate.app.clone(),
                pack: pack_id(),
                path: locate.path.clone(),
                offset: 4096,
                bytes: 65_536,
                urgency: Urgency::Immediate,
            },
            &[
                packs::Readable::Arrived(packs::ArrivedPart {
                    file: "/home/a/b".to_owned(),
                    device: 1,
                    inode: 2,
                    version: PackVersion(3),
                    content: Digest::of(b"content"),
                    size: 1 << 30,
                    end: 1 << 20,
                }),
                packs::Readable::Installed {},
            ],
        ),
        sample(Call::Locate, &locate, &[packs::Located { path: "/home/a/b".to_owned() }]),
        sample(Call::OpenNamespace, &packs::OpenNamespace { app: app.clone() }, &[snapshot]),
        sample(
            Call::Explain,
            &packs::Explain { app: app.clone(), pack: pack_id() },
            &[explanation],
        ),
        sample(Call::Verify, &verify(Repair::Report), &events),
        sample(Call::Verify, &verify(Repair::Repair), &events),
    ]
}
