//! The processes of apps that listen, and their extensions: they answer, are slow, crash, come and go.

use std::collections::{BTreeMap, BTreeSet};

use headstart_engine::{
    CallId, Caller, ClientId, Event, ExtensionAnswer, Inquiry, Origin, Question, Receiver,
    RequestId,
};
use headstart_model::download::{DownloadKind, DownloadPriority, UrlDownload};
use headstart_model::{AppId, ContentRequest, ErrorKind, Failure, PackVersion};

use super::{Happening, World, places};

/// Milliseconds until most questions are answered, and until those are that are put at a bad moment.
const ANSWER_MS: u64 = 200;
const SLOW_ANSWER_MS: u64 = 30_000;

/// What apps and extensions of this world want, and what they have heard.
#[derive(Debug, Clone, Default)]
pub(super) struct Hearing {
    /// What was asked and has not been answered.
    pub(super) inquiries: Vec<Inquiry>,
    /// The processes that listen.
    pub(super) delegates: BTreeMap<ClientId, AppId>,
    /// What the extension of an app names at an installation: name, size, whether it is essential.
    pub(super) wanted: BTreeMap<AppId, Vec<(String, u64, bool)>>,
    /// What was ever scheduled, by its unique identifier.
    scheduled: BTreeSet<String>,
    /// What has been taken note of for good, and whether it had arrived.
    acknowledged: BTreeMap<String, bool>,
    /// The same by name, the last one of each.
    outcomes: BTreeMap<(AppId, String), bool>,
}

impl World {
    /// Somebody installs an app whose extension wants these files: name, size, whether it is essential.
    pub fn install_with_extension(&mut self, app: &str, wanted: &[(&str, u64, bool)]) -> RequestId {
        let wanted =
            wanted.iter().map(|(name, size, essential)| ((*name).to_owned(), *size, *essential));
        self.hearing.wanted.insert(places::app_id(app), wanted.collect());
        let bundle = places::bundle_with_extension(app);
        let app = places::app_id(app);
        self.call(|caller| Event::AppInstallRequested {
            caller,
            app,
            bundle: Box::new(bundle),
            headers: headstart_model::Headers::default(),
        })
    }

    /// The app was launched.
    pub fn launch(&mut self, app: &str) {
        self.hear(Event::AppLaunched { app: places::app_id(app) });
    }

    /// A process of the app schedules files: name and size.
    pub fn schedule_files(&mut self, app: &str, files: &[(&str, u64)], hurry: bool) -> RequestId {
        let app = places::app_id(app);
        let downloads =
            files.iter().map(|(name, size)| self.download(&app, name, *size, false)).collect();
        self.call(|caller| Event::DownloadsScheduled {
            caller,
            app,
            origin: Origin::App,
            downloads,
            foreground: hurry,
        })
    }

    /// A process of the app schedules the archive of a version of a pack, of so many bytes.
    pub fn schedule_archive(
        &mut self,
        app: &str,
        (pack, version, size): (&str, u64, u64),
        hurry: bool,
    ) -> RequestId {
        let app = places::app_id(app);
        let download = UrlDownload {
            kind: DownloadKind::AssetPack,
            pack_version: Some(PackVersion(version)),
            ..self.download(&app, pack, size, false)
        };
        self.call(|caller| Event::DownloadsScheduled {
            caller,
            app,
            origin: Origin::App,
            downloads: vec![download],
            foreground: hurry,
        })
    }

    /// A process of the app cancels a file.
    pub fn cancel_file(&mut self, app: &str, name: &str) -> RequestId {
        let (app, identifier) = (places::app_id(app), name.to_owned());
        self.call(|caller| Event::FileCancelRequested { caller, app, identifier })
    }

    /// A process of the app comes and listens.
    pub fn attach(&mut self, app: &str) -> ClientId {
        let client = self.fresh_client();
        let app = places::app_id(app);
        self.hearing.delegates.insert(client, app.clone());
        let life = self.life;
        self.hear(Event::DelegateAttached { client, app });
        if self.life != life {
            self.hearing.delegates.remove(&client);
        }
        client
    }

    /// The process goes, whatever it is doing.
    pub fn leave(&mut self, client: ClientId) {
        if self.hearing.delegates.remove(&client).is_some() {
            let asked = Receiver::Delegate(client);
            self.hearing.inquiries.retain(|open| open.receiver != asked);
            self.hear(Event::ClientGone { client });
        }
    }

    /// Some process that listens, if there is one.
    #[must_use]
    pub fn a_delegate(&self) -> Option<ClientId> {
        self.hearing.delegates.keys().next().copied()
    }

    /// Puts a file where it is looked for, or takes it away.
    pub fn set_absent(&mut self, app: &str, name: &str, absent: bool) {
        let url = places::file_url(&places::app_id(app), name);
        if absent {
            self.absent_files.insert(url);
        } else {
            self.absent_files.remove(&url);
        }
    }

    /// Whether somebody has taken note of the end of a file, and whether it had arrived then.
    #[must_use]
    pub fn outcome(&self, app: &str, name: &str) -> Option<bool> {
        self.hearing.outcomes.get(&(places::app_id(app), name.to_owned())).copied()
    }

    fn download(&mut self, app: &AppId, name: &str, size: u64, essential: bool) -> UrlDownload {
        let unique_identifier = format!("unique-{}", self.fresh_number());
        self.hearing.scheduled.insert(unique_identifier.clone());
        UrlDownload {
            identifier: name.to_owned(),
            unique_identifier,
            kind: DownloadKind::Url,
            url: places::file_url(app, name),
            method: "GET".to_owned(),
            headers: BTreeMap::new(),
            file_size: Some(size),
            essential,
            app_group: places::group(app),
            priority: DownloadPriority::DEFAULT,
            pack_version: None,
        }
    }

    /// Connections and extensions end with the service.
    pub(super) fn lose_receivers(&mut self) {
        self.hearing.inquiries.clear();
        self.hearing.delegates.clear();
    }

    /// Rule 2: what is told is told to one receiver at a time, under the name that it was scheduled with, and no more once
    /// somebody has taken note; and a file is there until then.
    pub(super) fn take_inquiry(&mut self, inquiry: Inquiry) {
        if let Receiver::Delegate(client) = inquiry.receiver {
            let listens = self.hearing.delegates.get(&client) == Some(&inquiry.app);
            assert!(listens, "{client} does not listen and is asked");
        }
        if let Some(unique) = told_of(&inquiry.question) {
            let twice = self
                .hearing
                .inquiries
                .iter()
                .any(|open| told_of(&open.question) == Some(unique) && open.app == inquiry.app);
            assert!(!twice, "{unique} is told to two");
            let known = self.hearing.scheduled.contains(unique) || unique.starts_with("manifest-");
            assert!(known, "nobody has scheduled {unique}");
            let over = self.hearing.acknowledged.contains_key(unique);
            assert!(!over, "{unique} is told after somebody has taken note");
        }
        if let Question::Finished { id, download, .. } = &inquiry.question {
            let bytes = self.disk.read(&places::file(&inquiry.app, *id)).map(<[u8]>::len);
            let size = download.file_size.and_then(|size| usize::try_from(size).ok());
            assert!(bytes.is_some() && bytes == size, "{id} is told and is not there: {bytes:?}");
        }
        let slow = self.rng.chance(self.faults.receivers);
        let most_ms = if slow { SLOW_ANSWER_MS } else { ANSWER_MS };
        let delay_ms = self.rng.between(1, most_ms);
        let call = inquiry.call;
        self.hearing.inquiries.push(inquiry);
        self.schedule(delay_ms, Happening::Answer(call));
    }

    /// Whoever was asked answers, or does not.
    pub(super) fn answer_inquiry(&mut self, call: CallId) {
        let Some(index) = self.hearing.inquiries.iter().position(|open| open.call == call) else {
            return;
        };
        let inquiry = self.hearing.inquiries[index].clone();
        let crashes = self.rng.chance(self.faults.receivers);
        match inquiry.receiver {
            Receiver::Delegate(client) if crashes => self.leave(client),
            Receiver::Delegate(client) => {
                self.hearing.inquiries.remove(index);
                let request = RequestId(self.fresh_number());
                self.note_call(request, client);
                let (app, caller) = (inquiry.app.clone(), Caller { request, client });
                self.hear(Event::Acknowledged { caller, app, call, answer: None });
                self.note_heard(&inquiry);
            }
            Receiver::Extension { .. } if crashes => {
                self.hearing.inquiries.remove(index);
                let failure =
                    Failure::new(ErrorKind::Unavailable, "extensionEnded", "it has crashed");
                let app = inquiry.app;
                self.hear(Event::ExtensionFailed { app, call, failure, used_ms: 5 });
            }
            Receiver::Extension { .. } => self.extension_answers(index, &inquiry),
        }
    }

    fn extension_answers(&mut self, index: usize, inquiry: &Inquiry) {
        let app = inquiry.app.clone();
        let answer = match &inquiry.question {
            Question::Downloads { request, .. } => {
                ExtensionAnswer::Downloads(self.named(&app, *request))
            }
            Question::ShouldDownload { .. } => ExtensionAnswer::Dropped(Vec::new()),
            Question::Failed { download, .. } if download.essential => {
                // What is recommended: it comes again as one that is not essential. `Spec: concepts 4.4`.
                if download.kind == DownloadKind::Url {
                    self.schedule_again(&app, download);
                }
                ExtensionAnswer::Heard
            }
            _ => ExtensionAnswer::Heard,
        };
        // Scheduling may have ended the life in which it was asked.
        let open = self.hearing.inquiries.get(index).is_some_and(|open| open.call == inquiry.call);
        if !open {
            return;
        }
        self.hearing.inquiries.remove(index);
        self.hear(Event::ExtensionReturned { app, call: inquiry.call, answer, used_ms: 5 });
        self.note_heard(inquiry);
    }

    fn named(&mut self, app: &AppId, request: ContentRequest) -> Vec<UrlDownload> {
        if !matches!(request, ContentRequest::Install | ContentRequest::Update) {
            return Vec::new();
        }
        let wanted = self.hearing.wanted.get(app).cloned().unwrap_or_default();
        wanted
            .into_iter()
            .map(|(name, size, essential)| self.download(app, &name, size, essential))
            .collect()
    }

    fn schedule_again(&mut self, app: &AppId, failed: &UrlDownload) {
        let size = failed.file_size.unwrap_or(1);
        let download = self.download(app, &failed.identifier, size, false);
        let app = app.clone();
        self.call(|caller| Event::DownloadsScheduled {
            caller,
            app,
            origin: Origin::Extension,
            downloads: vec![download],
            foreground: false,
        });
    }

    /// Notes an end that somebody has taken note of, if that has been written down.
    fn note_heard(&mut self, inquiry: &Inquiry) {
        let Some(unique) = told_of(&inquiry.question) else { return };
        let mut files = self.state.records().files();
        let kept = files
            .any(|(_, file)| file.download.unique_identifier == unique && file.app == inquiry.app);
        if kept {
            return;
        }
        let arrived = matches!(inquiry.question, Question::Finished { .. });
        let (unique, app) = (unique.to_owned(), inquiry.app.clone());
        let identifier = match &inquiry.question {
            Question::Finished { download, .. } | Question::Failed { download, .. } => {
                download.identifier.clone()
            }
            _ => return,
        };
        self.hearing.acknowledged.insert(unique, arrived);
        self.hearing.outcomes.insert((app, identifier), arrived);
    }
}

/// The unique identifier of the download whose end a question tells.
fn told_of(question: &Question) -> Option<&str> {
    match question {
        Question::Finished { download, .. } | Question::Failed { download, .. } => {
            Some(&download.unique_identifier)
        }
        _ => None,
    }
}
