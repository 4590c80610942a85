//! Extensions: what they are asked, and what the service hears.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use headstart::downloads::{
    AuthenticationMethod, ChallengeAnswer, DownloadChallenge, FinishedFile,
};
use headstart::extension::{
    self, AppExtensionInfo, DownloaderExtension, ManagedDownloaderExtension,
};
use headstart::{
    AssetPack, Connector, ContentRequest, Download, Error, ErrorKind, Failure, UrlDownload,
};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::downloads::{Schedule, Scheduled};
use headstart_model::protocol::extension::{ExtensionEvent, Return, Returned, Serve};

use crate::downloads::{arrived, keep};
use crate::fake_port::FakePort;
use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::samples::{failure, group, on_the_wire, pack, pack_id, url_download};

const PATIENCE: Duration = Duration::from_secs(20);

/// The service of an extension that is asked what a test asks.
pub(crate) struct Asker {
    port: FakePort,
    questions: Option<Sender<ExtensionEvent>>,
    answers: Receiver<Return>,
}

impl Asker {
    pub(crate) fn start(device: &Device) -> (Self, Connector) {
        let (questions, asked) = channel();
        let (answer, answers) = channel();
        let (asked, answer) = (Mutex::new(asked), Mutex::new(answer));
        let (port, connector) = FakePort::start(device, move |call, peer| match call {
            Call::ServeExtension(_) => ask(&asked.lock().unwrap(), peer),
            Call::ReturnFromExtension(given) => {
                let refused = given.downloads.iter().any(|d| d.identifier == "refused");
                if refused {
                    peer.fail(failure());
                } else {
                    peer.reply::<Return>(&Returned {});
                }
                answer.lock().unwrap().send(given.clone()).unwrap();
                Then::KeepOpen
            }
            Call::ScheduleDownloads(_) => {
                peer.reply::<Schedule>(&Scheduled {});
                Then::KeepOpen
            }
            _ => Then::HangUp,
        });
        (Self { port, questions: Some(questions), answers }, connector)
    }

    pub(crate) fn ask(&self, question: ExtensionEvent) -> Return {
        self.questions.as_ref().unwrap().send(question).unwrap();
        self.answer()
    }

    fn answer(&self) -> Return {
        self.answers.recv_timeout(PATIENCE).expect("an answer")
    }

    /// Is done with the extension.
    pub(crate) fn end(&mut self) {
        self.questions = None;
    }
}

fn ask(questions: &Receiver<ExtensionEvent>, peer: &mut Peer) -> Then {
    peer.reply_and_go_on::<Serve>(&ExtensionEvent::Serving {});
    while let Ok(question) = questions.recv() {
        peer.reply_and_go_on::<Serve>(&question);
    }
    Then::HangUp
}

pub(crate) fn wanted(call: u64, request: ContentRequest) -> ExtensionEvent {
    let info = AppExtensionInfo {
        restricted_download_size_remaining: Some(1_000),
        restricted_essential_download_size_remaining: None,
    };
    let manifest = "/tmp/manifest".to_owned();
    ExtensionEvent::DownloadsRequested { call, request, manifest, info }
}

/// Wants as many downloads as it was made for, and does as the identifiers say.
struct Levels {
    count: usize,
    device: std::sync::Arc<Device>,
    connector: Connector,
}

impl DownloaderExtension for Levels {
    fn downloads(
        &mut self,
        request: ContentRequest,
        manifest: &Path,
        info: AppExtensionInfo,
    ) -> Result<Vec<Download>, Error> {
        assert_eq!(manifest, Path::new("/tmp/manifest"));
        assert_eq!(info.restricted_download_size_remaining, Some(1_000));
        match request {
            ContentRequest::Install => {
                let level = |n: usize| url_download(&format!("levels/{n:05}")).essential(true);
                Ok((0..self.count).map(|n| level(n).into()).collect())
            }
            ContentRequest::Update => {
                // As with everything that the library makes an error of.
                UrlDownload::new("", "https://example.com", 1, &group()).map(|d| vec![d.into()])
            }
            ContentRequest::Periodic => {
                let size = UrlDownload::without_size("a", "https://example.com/a", &group())?;
                Ok(vec![size.essential(true).into()])
            }
            ContentRequest::LanguageChange => panic!("level {} is missing", 7),
        }
    }

    fn challenge(&mut self, download: &Download, challenge: &DownloadChallenge) -> ChallengeAnswer {
        assert_eq!((download.identifier(), challenge.host.as_str()), ("a", "example.com"));
        ChallengeAnswer::RejectProtectionSpace
    }

    fn failed(&mut self, download: &Download, error: &Error) {
        assert_eq!(error.code(), "diskFull");
        let downloads = self.connector.downloads_blocking().unwrap();
        downloads.schedule(download.removing_essential()).unwrap();
    }

    fn finished(&mut self, _: &Download, file: &FinishedFile) {
        keep(&self.device, file).unwrap();
    }

    fn will_terminate(&mut self) {
        panic!("nobody minds");
    }
}

fn levels(count: usize) -> (Asker, Connector, Levels) {
    let device = std::sync::Arc::new(Device::new());
    let (asker, connector) = Asker::start(&device);
    let levels = Levels { count, device, connector: connector.clone() };
    (asker, connector, levels)
}

#[test]
fn an_extension_answers_until_the_service_is_done_with_it() {
    let (mut asker, connector, levels) = levels(2);
    let device = std::sync::Arc::clone(&levels.device);
    let running = std::thread::spawn(move || connector.run_extension(levels));
    let answer = asker.ask(wanted(1, ContentRequest::Install));
    assert_eq!((answer.call, answer.more, answer.failure), (1, false, None));
    let names: Vec<_> = answer.downloads.iter().map(|d| d.identifier.as_str()).collect();
    assert_eq!(names, ["levels/00000", "levels/00001"]);
    assert!(answer.downloads.iter().all(|download| download.essential));

    let challenge = DownloadChallenge {
        origin: "https://example.com".to_owned(),
        host: "example.com".to_owned(),
        method: AuthenticationMethod::Bearer,
        realm: None,
        previous_failure_count: 1,
        certificate_blake3: None,
    };
    let download = on_the_wire(url_download("a"));
    let asked = ExtensionEvent::Challenged { call: 2, download: download.clone(), challenge };
    assert_eq!(asker.ask(asked).answer, Some(ChallengeAnswer::RejectProtectionSpace));

    let file = arrived(&device, "a");
    let arrived = ExtensionEvent::Finished { call: 3, download, file };
    assert_eq!(asker.ask(arrived), Return { call: 3, ..Return::default() });
    assert!(device.home().join("groups/group.com.example.game/a").exists());

    // Nobody waits for this, and what comes after it is answered all the same.
    asker.questions.as_ref().unwrap().send(ExtensionEvent::WillTerminate {}).unwrap();
    let packs = vec![pack("a")];
    let request = ContentRequest::Install;
    let answer = asker.ask(ExtensionEvent::ShouldDownload { call: 4, request, packs });
    assert_eq!(answer, Return { call: 4, ..Return::default() }, "packs are not its business");
    asker.end();
    running.join().unwrap().unwrap();
}

#[test]
fn what_an_extension_schedules_itself_shares_its_few_connections() {
    let (mut asker, connector, levels) = levels(0);
    let running = std::thread::spawn(move || connector.run_extension(levels));
    for call in 0..100 {
        let download = on_the_wire(url_download("a").essential(true));
        let answer = asker.ask(ExtensionEvent::Failed { call, download, failure: failure() });
        assert_eq!(answer, Return { call, ..Return::default() });
    }
    assert_eq!(asker.port.connections(), 2, "one that is asked on, one for all else");
    let retried = asker.port.calls().iter().any(|call| match call {
        Call::ScheduleDownloads(schedule) => !schedule.downloads[0].essential,
        _ => false,
    });
    assert!(retried);
    asker.end();
    running.join().unwrap().unwrap();
}

#[test]
fn ten_thousand_downloads_are_answered_in_pages() {
    let (mut asker, connector, levels) = levels(10_000);
    let running = std::thread::spawn(move || connector.run_extension(levels));
    let mut answer = asker.ask(wanted(1, ContentRequest::Install));
    let mut names = HashSet::new();
    let mut pages = 1;
    loop {
        assert!(serde_json::to_vec(&answer).unwrap().len() < 512 * 1024 + 100);
        names.extend(answer.downloads.into_iter().map(|download| download.identifier));
        if !answer.more {
            break;
        }
        pages += 1;
        answer = asker.answer();
    }
    assert_eq!((names.len(), answer.call), (10_000, 1));
    assert!(pages >= 10, "{pages}");
    asker.end();
    running.join().unwrap().unwrap();
}

#[test]
fn nothing_wanted_is_an_answer_too() {
    let (mut asker, connector, levels) = levels(0);
    let serving = connector.serve_extension_in_background(levels).unwrap();
    assert_eq!(
        asker.ask(wanted(1, ContentRequest::Install)),
        Return { call: 1, ..Return::default() }
    );
    assert!(!serving.is_finished());
    asker.end();
    serving.join().unwrap();
}

#[test]
fn a_panic_or_an_error_of_the_extension_is_told_as_a_failure() {
    let (mut asker, connector, levels) = levels(1);
    let running = std::thread::spawn(move || connector.run_extension(levels));
    let told = |answer: Return| {
        assert!(answer.downloads.is_empty() && !answer.more);
        answer.failure.expect("a failure")
    };
    let panicked = told(asker.ask(wanted(1, ContentRequest::LanguageChange)));
    assert_eq!((panicked.kind, panicked.code.as_str()), (ErrorKind::Internal, "extensionPanicked"));
    assert_eq!(panicked.causes, ["level 7 is missing"]);
    let refused = told(asker.ask(wanted(2, ContentRequest::Update)));
    assert_eq!(refused.code.as_str(), "downloadInvalid");
    let invalid = told(asker.ask(wanted(3, ContentRequest::Periodic)));
    assert_eq!(invalid.code.as_str(), "downloadInvalid", "essential without a size");
    let missing = arrived_nowhere();
    let finished = told(asker.ask(missing));
    assert_eq!(finished.code.as_str(), "extensionPanicked", "the file could not be kept");
    assert_eq!(asker.ask(wanted(5, ContentRequest::Install)).downloads.len(), 1, "it goes on");
    asker.end();
    running.join().unwrap().unwrap();
}

fn arrived_nowhere() -> ExtensionEvent {
    let download = on_the_wire(url_download("a"));
    ExtensionEvent::Finished { call: 4, download, file: "/no/such/file".to_owned() }
}

/// Gives so many downloads that there are several pages, of which the service refuses the first.
struct Refused;

impl DownloaderExtension for Refused {
    fn downloads(
        &mut self,
        _: ContentRequest,
        _: &Path,
        _: AppExtensionInfo,
    ) -> Result<Vec<Download>, Error> {
        let names = std::iter::once("refused".to_owned()).chain((0..3_000).map(|n| n.to_string()));
        Ok(names.map(|name| url_download(&name).into()).collect())
    }
}

#[test]
fn a_page_that_the_service_refuses_ends_the_answer_with_that_failure() {
    let device = Device::new();
    let (mut asker, connector) = Asker::start(&device);
    let serving = connector.serve_extension_in_background(Refused).unwrap();
    let first = asker.ask(wanted(1, ContentRequest::Install));
    assert!(first.more);
    let last = asker.answer();
    let expected = Return { call: 1, failure: Some(failure()), ..Return::default() };
    assert_eq!(last, expected);
    asker.end();
    drop(serving);
}

/// Wants every pack but one.
struct Choosy;

impl ManagedDownloaderExtension for Choosy {
    fn should_download(&mut self, pack: &AssetPack) -> bool {
        pack.id() != "b"
    }
}

#[test]
fn a_managed_extension_drops_packs() {
    let device = Device::new();
    let (mut asker, connector) = Asker::start(&device);
    let serving = connector.serve_managed_extension_in_background(Choosy).unwrap();
    let (request, packs) = (ContentRequest::Update, ["a", "b", "c"].map(pack).to_vec());
    let answer = asker.ask(ExtensionEvent::ShouldDownload { call: 1, request, packs });
    assert_eq!(answer, Return { call: 1, dropped: vec![pack_id("b")], ..Return::default() });
    let (download, failure) = (on_the_wire(url_download("a")), failure());
    let answer = asker.ask(ExtensionEvent::Failed { call: 2, download, failure });
    assert_eq!(answer, Return { call: 2, ..Return::default() });
    assert_eq!(asker.ask(wanted(3, ContentRequest::Update)).downloads, []);
    asker.end();
    serving.join().unwrap();
}

#[test]
fn a_program_that_the_service_did_not_start_is_no_extension() {
    let device = Device::new();
    let service = FakeService::start(&device, |_, _| Then::HangUp);
    let error = device.connector().run_managed_extension(Choosy).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Refused, "notAnExtension"));
    assert!(error.hint().is_some());
    assert_eq!(extension::run_managed(Choosy).unwrap_err().code(), "notAnExtension");
    assert_eq!(extension::run(Refused).unwrap_err().code(), "notAnExtension");
    let refused = extension::serve_in_background(Refused).unwrap_err();
    assert_eq!(refused.code(), "notAnExtension");
    assert!(extension::serve_managed_in_background(Choosy).is_err());
    assert!(service.calls().is_empty());
}

#[test]
fn a_service_that_refuses_the_extension_says_why() {
    let device = Device::new();
    let (_port, connector) = FakePort::start(&device, |_, peer| {
        peer.fail(Failure::new(ErrorKind::Refused, "notServed", "no"));
        Then::KeepOpen
    });
    assert_eq!(connector.run_managed_extension(Choosy).unwrap_err().code(), "notServed");
}

#[test]
fn a_port_whose_service_is_gone_or_gives_no_more_is_unavailable() {
    let device = Device::new();
    let (port, connector) = FakePort::start(&device, |_, peer| {
        peer.wait_for_end();
        Then::HangUp
    });
    let held: Vec<_> = (0..16)
        .map(|_| {
            let downloads = connector.downloads_blocking().unwrap();
            std::thread::spawn(move || downloads.current_downloads().unwrap_err())
        })
        .collect();
    while port.connections() < 16 {
        std::thread::yield_now();
    }
    let error = connector.downloads_blocking().unwrap().current_downloads().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("no further connection"), "{error}");
    drop(port);
    for waiting in held {
        assert_eq!(waiting.join().unwrap().code(), "serviceGone");
    }
    let error = connector.service_blocking().unwrap().status().unwrap_err();
    assert_eq!(error.code(), "serviceGone", "and none is started");
}
