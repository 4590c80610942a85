//! The app, its processes and its downloader extension, as a bench plays them.

use std::collections::BTreeMap;

use headstart_model::app_bundle::{DomainPattern, InitialDownloadRestrictions};
use headstart_model::download::{
    BackgroundAssetsErrorCode, DownloadKind, DownloadPriority, UrlDownload,
};
use headstart_model::protocol::downloads::{AuthenticationMethod, DownloadChallenge};
use headstart_model::{AppGroupId, ContentRequest, ErrorKind, Failure};

use super::{Bench, app_id, bundle};
use crate::record::{Bundle, Setting, Switch};
use crate::{
    Caller, Challenged, ClientId, DownloadId, Effect, Event, ExtensionAnswer, FactsChange,
    FileUpdate, Inquiry, Network, Notice, Order, Origin, Power, Question, Receiver, Reply,
    RequestId,
};

pub(crate) fn group(id: &str) -> AppGroupId {
    AppGroupId::new(id).expect("a good id")
}

/// A download of 100 bytes.
pub(crate) fn file(identifier: &str) -> UrlDownload {
    UrlDownload {
        identifier: identifier.to_owned(),
        unique_identifier: format!("unique-{identifier}"),
        kind: DownloadKind::Url,
        url: format!("https://cdn.example.com/{identifier}"),
        method: "GET".to_owned(),
        headers: BTreeMap::new(),
        file_size: Some(100),
        essential: false,
        app_group: group("group.app"),
        priority: DownloadPriority::DEFAULT,
        pack_version: None,
    }
}

pub(crate) fn essential_file(identifier: &str) -> UrlDownload {
    UrlDownload { essential: true, ..file(identifier) }
}

/// A bundle whose app has an extension and nothing to fetch by itself.
pub(crate) fn with_extension() -> Bundle {
    Bundle {
        repository: None,
        extension: true,
        groups: BTreeMap::from([(group("group.app"), Vec::new())]),
        ..bundle("1")
    }
}

/// A bundle whose extension decides by a manifest.
pub(crate) fn with_manifest() -> Bundle {
    Bundle {
        manifest: Some("https://cdn.example.com/manifest.json".to_owned()),
        ..with_extension()
    }
}

/// A bundle whose packs are kept from a plain download manifest.
pub(crate) fn listing(version: &str) -> Bundle {
    Bundle {
        repository: None,
        download_manifest: Some("https://cdn.example.com/manifest.json".to_owned()),
        ..bundle(version)
    }
}

pub(crate) fn is_read(order: &Order) -> bool {
    matches!(order, Order::ReadManifest { .. })
}

/// What limits an app until its first launch: one domain, and these allowances.
pub(crate) fn limits(allowance_bytes: u64, essential: u64) -> InitialDownloadRestrictions {
    InitialDownloadRestrictions {
        domains: vec![DomainPattern::new("cdn.example.com").expect("a domain")],
        allowance_bytes,
        essential_allowance_bytes: essential,
    }
}

pub(crate) fn a_failure(kind: ErrorKind) -> Failure {
    Failure::new(kind, "offline", "it failed")
}

/// The answer among these effects.
pub(crate) fn answer(effects: &[Effect]) -> Result<Reply, Failure> {
    let mut answers = effects.iter().filter_map(|effect| match effect {
        Effect::Answer { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    answers.next_back().expect("it is answered")
}

/// The number that the specification gives to the error among these effects.
pub(crate) fn code(effects: &[Effect]) -> i64 {
    number(&answer(effects).expect_err("it is refused"))
}

/// The number that the specification gives to a failure.
pub(crate) fn number(failure: &Failure) -> i64 {
    BackgroundAssetsErrorCode::of(&failure.code).expect("an error of the specification").number()
}

/// Every news of single downloads among these effects, by identifier.
pub(crate) fn told(effects: &[Effect]) -> Vec<(String, FileUpdate)> {
    let news = effects.iter().filter_map(|effect| match effect {
        Effect::Tell(Notice::File { download, update, .. }) => {
            Some((download.identifier.clone(), update.clone()))
        }
        _ => None,
    });
    news.collect()
}

/// The failures told among these effects: identifiers and codes.
pub(crate) fn failed(effects: &[Effect]) -> Vec<(String, String)> {
    let failures = told(effects).into_iter().filter_map(|(identifier, update)| match update {
        FileUpdate::Failed(failure) => Some((identifier, failure.code.as_str().to_owned())),
        _ => None,
    });
    failures.collect()
}

pub(crate) fn is_fetch(order: &Order) -> bool {
    matches!(order, Order::FetchFile(_))
}

/// What this inquiry is about, in a word or two.
pub(crate) fn subject(inquiry: &Inquiry) -> String {
    match &inquiry.question {
        Question::Downloads { request, .. } => format!("downloads {request:?}"),
        Question::ShouldDownload { request, .. } => format!("packs {request:?}"),
        Question::Challenge { download, .. } => format!("challenge {}", download.identifier),
        Question::Failed { download, .. } => format!("failed {}", download.identifier),
        Question::Finished { download, .. } => format!("finished {}", download.identifier),
    }
}

impl Bench {
    /// Keeps the questions that are open, and checks that nothing is told to two receivers at once.
    pub(super) fn note_questions(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Ask(inquiry) => self.questions.push(inquiry.clone()),
                Effect::Forget { call, .. } => self.questions.retain(|open| open.call != *call),
                _ => {}
            }
        }
        let told = |of: &Inquiry| match &of.question {
            Question::Failed { download, .. } | Question::Finished { download, .. } => {
                Some((of.app.clone(), download.unique_identifier.clone()))
            }
            _ => None,
        };
        let mut being_told: Vec<_> = self.questions.iter().filter_map(told).collect();
        let count = being_told.len();
        being_told.dedup();
        assert_eq!(being_told.len(), count, "two are told at once");
        for app in self.state.records().apps().map(|(id, _)| id) {
            let of_app = being_told.iter().filter(|(of, _)| of == app).count();
            assert!(of_app <= 1, "one end at a time, and {being_told:?} are told");
        }
    }

    /// Installs an app up to the point where its files are in place.
    pub(crate) fn install_bundle(&mut self, bundle: Bundle) -> Vec<Effect> {
        let app = app_id("app");
        self.call(|caller| Event::AppInstallRequested {
            caller,
            app,
            bundle: Box::new(bundle),
            headers: headstart_model::Headers::default(),
        });
        self.finish(|order| matches!(order, Order::PrepareApp { .. }))
    }

    /// Updates an app up to the point where its files are in place.
    pub(crate) fn update(&mut self, bundle: Bundle) -> Vec<Effect> {
        let app = app_id("app");
        self.call(|caller| Event::AppUpdateRequested { caller, app, bundle: Box::new(bundle) });
        self.finish(|order| matches!(order, Order::PrepareApp { .. }))
    }

    /// A bench on which an app is installed and was launched whose extension has nothing to do.
    pub(crate) fn launched(bundle: Bundle) -> Self {
        let mut bench = Self::new(Vec::new());
        bench.install_bundle(bundle);
        bench.launch();
        bench
    }

    /// A bench on which an app is being installed whose extension is just being asked for downloads.
    pub(crate) fn asking(bundle: Bundle) -> Self {
        let mut bench = Self::new(Vec::new());
        bench.install_bundle(bundle);
        bench.finish(is_fetch);
        assert_eq!(bench.subjects(), ["downloads Install"]);
        bench
    }

    pub(crate) fn launch(&mut self) {
        self.hear(Event::AppLaunched { app: app_id("app") });
    }

    /// Makes a call over a connection that is there already.
    pub(crate) fn call_of(
        &mut self,
        client: ClientId,
        event: impl FnOnce(Caller) -> Event,
    ) -> Vec<Effect> {
        self.next_number += 1;
        self.hear(event(Caller { request: RequestId(self.next_number), client }))
    }

    pub(crate) fn schedule(&mut self, downloads: Vec<UrlDownload>) -> Vec<Effect> {
        self.schedule_as(Origin::App, downloads, false)
    }

    pub(crate) fn schedule_as(
        &mut self,
        origin: Origin,
        downloads: Vec<UrlDownload>,
        foreground: bool,
    ) -> Vec<Effect> {
        let app = app_id("app");
        self.call(|caller| Event::DownloadsScheduled { caller, app, origin, downloads, foreground })
    }

    /// A process of the app starts a download in the foreground; its connection.
    pub(crate) fn promote(&mut self, download: UrlDownload) -> (ClientId, Vec<Effect>) {
        let effects = self.schedule_as(Origin::App, vec![download], true);
        (self.last_client(), effects)
    }

    pub(crate) fn cancel(&mut self, identifier: &str) -> Vec<Effect> {
        let (app, identifier) = (app_id("app"), identifier.to_owned());
        self.call(|caller| Event::FileCancelRequested { caller, app, identifier })
    }

    /// A process of the app comes and listens.
    pub(crate) fn attach(&mut self) -> ClientId {
        self.next_number += 1;
        let client = ClientId(self.next_number);
        self.hear(Event::DelegateAttached { client, app: app_id("app") });
        client
    }

    pub(crate) fn gone(&mut self, client: ClientId) -> Vec<Effect> {
        self.questions.retain(|open| open.receiver != Receiver::Delegate(client));
        self.hear(Event::ClientGone { client })
    }

    /// What is being asked, oldest first.
    pub(crate) fn subjects(&self) -> Vec<String> {
        self.questions.iter().map(subject).collect()
    }

    /// The oldest open question.
    pub(crate) fn question(&self) -> Inquiry {
        self.questions.first().expect("somebody is asked something").clone()
    }

    /// The open questions, oldest first.
    pub(crate) fn questions(&self) -> &[Inquiry] {
        &self.questions
    }

    /// The connection that is asked the oldest open question; none where it is the extension.
    pub(crate) fn asked_client(&self) -> Option<ClientId> {
        match self.question().receiver {
            Receiver::Delegate(client) => Some(client),
            Receiver::Extension { .. } => None,
        }
    }

    /// The server of the oldest transfer asks for a credential.
    pub(crate) fn challenge(&mut self) -> Vec<Effect> {
        let orders = self.orders();
        let download = orders.iter().find_map(|(_, order)| match order {
            Order::FetchFile(transfer) => Some(transfer.download),
            _ => None,
        });
        let download = download.expect("it is being fetched");
        let challenge = DownloadChallenge {
            origin: "https://cdn.example.com".to_owned(),
            host: "cdn.example.com".to_owned(),
            method: AuthenticationMethod::Basic,
            realm: None,
            previous_failure_count: 0,
            certificate_blake3: None,
        };
        self.call(|caller| Event::ChallengeRaised {
            caller,
            about: Challenged::File(download),
            challenge,
        })
    }

    /// Whoever was asked first answers.
    pub(crate) fn reply(&mut self, answer: ExtensionAnswer) -> Vec<Effect> {
        self.reply_to(0, answer)
    }

    /// The open question of this index is answered.
    pub(crate) fn reply_to(&mut self, index: usize, answer: ExtensionAnswer) -> Vec<Effect> {
        let Inquiry { app, call, receiver, .. } = self.questions.remove(index);
        match receiver {
            Receiver::Extension { .. } => {
                self.hear(Event::ExtensionReturned { app, call, answer, used_ms: 5 })
            }
            Receiver::Delegate(client) => {
                let answer = match answer {
                    ExtensionAnswer::Challenge(answer) => Some(answer),
                    _ => None,
                };
                self.call_of(client, |caller| Event::Acknowledged { caller, app, call, answer })
            }
        }
    }

    pub(crate) fn heard(&mut self) -> Vec<Effect> {
        self.reply(ExtensionAnswer::Heard)
    }

    /// The extension that was asked first gives no answer.
    pub(crate) fn extension_fails(&mut self, used_ms: u64) -> Vec<Effect> {
        self.extension_fails_as(ErrorKind::Unavailable, used_ms)
    }

    pub(crate) fn extension_fails_as(&mut self, kind: ErrorKind, used_ms: u64) -> Vec<Effect> {
        let Inquiry { app, call, .. } = self.questions.remove(0);
        self.hear(Event::ExtensionFailed { app, call, failure: a_failure(kind), used_ms })
    }

    /// Answers every question that there is and will be.
    pub(crate) fn hear_all(&mut self) {
        while !self.questions.is_empty() {
            self.heard();
        }
    }

    /// The oldest transfer fails.
    pub(crate) fn fetch_fails(&mut self, kind: ErrorKind) -> Vec<Effect> {
        let effect = self.order(is_fetch);
        self.hear(Event::TransferFailed { effect, failure: a_failure(kind) })
    }

    /// The oldest transfer has so many bytes now.
    pub(crate) fn bytes_moved(&mut self, bytes_done: u64) -> Vec<Effect> {
        let effect = self.order(is_fetch);
        self.hear(Event::BytesMoved { effect, bytes_done })
    }

    /// The identifiers of what is being fetched, oldest first.
    pub(crate) fn fetching(&self) -> Vec<String> {
        let fetches = self.orders().into_iter().filter_map(|(_, order)| match order {
            Order::FetchFile(transfer) => Some(transfer.request.identifier),
            _ => None,
        });
        fetches.collect()
    }

    /// The number of the only download of this identifier.
    pub(crate) fn file_id(&self, identifier: &str) -> DownloadId {
        let mut files = self.state.records().files();
        let found = files.find(|(_, file)| file.download.identifier == identifier);
        found.expect("it is on record").0
    }

    pub(crate) fn may_launch(&self) -> bool {
        crate::view::launch_gate(&self.state, &app_id("app")) == crate::view::LaunchGate::Open
    }

    pub(crate) fn set(&mut self, setting: Setting) -> Vec<Effect> {
        self.call(|caller| Event::SettingChanged { caller, setting })
    }

    pub(crate) fn background(&mut self, switch: Switch) -> Vec<Effect> {
        self.set(Setting::BackgroundActivity(None, switch))
    }

    pub(crate) fn network(&mut self, network: Network) -> Vec<Effect> {
        let news = FactsChange { network: Some(network), ..FactsChange::default() };
        self.hear(Event::FactsChanged { news })
    }

    pub(crate) fn power(&mut self, power: Power) -> Vec<Effect> {
        let news = FactsChange { power: Some(power), ..FactsChange::default() };
        self.hear(Event::FactsChanged { news })
    }

    /// The disk has room for so many bytes.
    pub(crate) fn room(&mut self, bytes: u64) -> Vec<Effect> {
        let disk_free_bytes = Some(crate::DISK_RESERVE_BYTES + bytes);
        let news = FactsChange { disk_free_bytes, ..FactsChange::default() };
        self.hear(Event::FactsChanged { news })
    }

    pub(crate) fn request(&mut self, request: ContentRequest) -> Vec<Effect> {
        self.hear(Event::ContentRequested { app: app_id("app"), request })
    }
}
