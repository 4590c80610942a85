//! Who hears of an app's downloads, and what is acknowledged.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::StreamExt as _;
use futures_lite::future::block_on;
use headstart::downloads::{
    AuthenticationMethod, ChallengeAnswer, ChallengeCredential, DownloadChallenge, DownloadEvent,
    FinishedFile, WriteProgress,
};
use headstart::{Download, DownloadManagerDelegate, DownloadStatus, Error, ErrorKind};
use headstart_model::download::UrlDownload;
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::downloads::{Acknowledge, Acknowledged, Attend, DelegateEvent};

use crate::downloads::{arrived, keep};
use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::samples::{failure, on_the_wire, url_download};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A service that tells what a test sends it, to one listener after the other.
pub(crate) struct Teller {
    events: Sender<DelegateEvent>,
    acknowledged: Receiver<Acknowledge>,
    script: Arc<Script>,
}

struct Script {
    events: Mutex<Receiver<DelegateEvent>>,
    acknowledged: Mutex<Sender<Acknowledge>>,
}

impl Teller {
    pub(crate) fn new() -> Self {
        let (events, to_tell) = channel();
        let (acknowledge, acknowledged) = channel();
        let (to_tell, acknowledge) = (Mutex::new(to_tell), Mutex::new(acknowledge));
        let script = Arc::new(Script { events: to_tell, acknowledged: acknowledge });
        Self { events, acknowledged, script }
    }

    pub(crate) fn start(&self, device: &Device) -> FakeService {
        let script = Arc::clone(&self.script);
        FakeService::start(device, move |call, peer| script.answer(call, peer))
    }

    pub(crate) fn tell(&self, event: DelegateEvent) {
        self.events.send(event).unwrap();
    }

    /// What is acknowledged next.
    pub(crate) fn acknowledged(&self) -> (u64, Option<ChallengeAnswer>) {
        let acknowledge = self.acknowledged.recv_timeout(PATIENCE).expect("an acknowledgement");
        (acknowledge.callback, acknowledge.answer)
    }
}

impl Script {
    fn answer(&self, call: &Call, peer: &mut Peer) -> Then {
        match call {
            Call::AttendDownloads(_) => {
                peer.reply_and_go_on::<Attend>(&DelegateEvent::Attending {});
                let events = self.events.lock().unwrap();
                while let Ok(event) = events.recv() {
                    // A service that dies, as the tests say it.
                    if event == (DelegateEvent::Lost { count: 0 }) {
                        return Then::HangUp;
                    }
                    peer.reply_and_go_on::<Attend>(&event);
                }
                Then::HangUp
            }
            Call::AcknowledgeDownload(acknowledge) => {
                peer.reply::<Acknowledge>(&Acknowledged {});
                // The test may have ended.
                let _gone = self.acknowledged.lock().unwrap().send(acknowledge.clone());
                Then::KeepOpen
            }
            _ => Then::HangUp,
        }
    }
}

pub(crate) fn wire(identifier: &str) -> UrlDownload {
    on_the_wire(url_download(identifier))
}

pub(crate) fn challenge() -> DownloadChallenge {
    DownloadChallenge {
        origin: "https://assets.example.com".to_owned(),
        host: "assets.example.com".to_owned(),
        method: AuthenticationMethod::Basic,
        realm: Some("assets".to_owned()),
        previous_failure_count: 0,
        certificate_blake3: None,
    }
}

pub(crate) fn finished(callback: u64, download: UrlDownload, file: &str) -> DelegateEvent {
    DelegateEvent::Finished { callback, download, file: file.to_owned() }
}

/// Tells everything to the test, keeps files, and panics where it is told to.
struct Noting {
    heard: Sender<String>,
    device: Arc<Device>,
    panics_on: Mutex<Vec<&'static str>>,
}

impl Noting {
    fn note(&self, what: &str, download: &Download) {
        self.heard.send(format!("{what} {download}")).unwrap();
        let mut panics_on = self.panics_on.lock().unwrap();
        if let Some(at) = panics_on.iter().position(|name| *name == download.identifier()) {
            panics_on.remove(at);
            drop(panics_on);
            std::panic::resume_unwind(Box::new("as the test wants it"));
        }
    }
}

impl DownloadManagerDelegate for Noting {
    fn download_did_begin(&mut self, download: &Download) {
        self.note("began", download);
    }

    fn download_did_pause(&mut self, download: &Download) {
        self.note("paused", download);
    }

    fn download_did_write_bytes(&mut self, download: &Download, progress: &WriteProgress) {
        assert_eq!(download.bytes_done(), progress.total_bytes_written);
        self.note("wrote", download);
    }

    fn download_did_receive_challenge(
        &mut self,
        download: &Download,
        challenge: &DownloadChallenge,
    ) -> ChallengeAnswer {
        self.note(challenge.method.as_str(), download);
        let (user, password) = ("me".to_owned(), "secret".to_owned());
        ChallengeAnswer::UseCredential(ChallengeCredential::Password { user, password })
    }

    fn download_failed(&mut self, download: &Download, error: &Error) {
        assert_eq!(*error.failure(), failure());
        self.note("failed", download);
    }

    fn download_finished(&mut self, download: &Download, file: &FinishedFile) {
        self.note("finished", download);
        keep(&self.device, file).unwrap();
    }

    fn events_missed(&mut self, count: u64) {
        self.heard.send(format!("missed {count}")).unwrap();
    }
}

fn noting(device: &Arc<Device>, panics_on: &[&'static str]) -> (Noting, Receiver<String>) {
    let (heard, hears) = channel();
    let panics_on = Mutex::new(panics_on.to_vec());
    (Noting { heard, device: Arc::clone(device), panics_on }, hears)
}

fn next(hears: &Receiver<String>) -> String {
    hears.recv_timeout(PATIENCE).expect("the delegate hears it")
}

#[test]
fn a_delegate_hears_everything_in_order_and_what_it_dealt_with_is_acknowledged() {
    let device = Arc::new(Device::new());
    let teller = Teller::new();
    let _service = teller.start(&device);
    let downloads = device.connector().downloads_blocking().unwrap();
    let (delegate, hears) = noting(&device, &[]);
    let registration = downloads.set_delegate(delegate).unwrap();
    let progress =
        WriteProgress { bytes_written: 3, total_bytes_written: 8, total_bytes_expected: None };
    let file = arrived(&device, "a");
    teller.tell(DelegateEvent::Began { download: wire("a") });
    teller.tell(DelegateEvent::Paused { download: wire("a") });
    teller.tell(DelegateEvent::Progress { download: wire("a"), progress });
    teller.tell(DelegateEvent::Lost { count: 3 });
    let (download, challenge) = (wire("a"), challenge());
    teller.tell(DelegateEvent::Challenged { callback: 1, download, challenge });
    let (download, failure) = (wire("b"), failure());
    teller.tell(DelegateEvent::Failed { callback: 2, download, failure });
    teller.tell(finished(3, wire("a"), &file));
    let heard: Vec<_> = (0..7).map(|_| next(&hears)).collect();
    let expected = [
        "began a (downloading)",
        "paused a (waiting)",
        "wrote a (downloading)",
        "missed 3",
        "basic a (downloading)",
        "failed b (failed)",
        "finished a (finished)",
    ];
    assert_eq!(heard, expected);
    let (callback, answer) = teller.acknowledged();
    assert!(matches!(answer, Some(ChallengeAnswer::UseCredential(_))));
    assert_eq!((callback, teller.acknowledged(), teller.acknowledged()), (1, (2, None), (3, None)));
    let kept = device.home().join("groups/group.com.example.game/a");
    assert_eq!(std::fs::read(kept).unwrap(), b"a", "moved before it was acknowledged");
    registration.unregister();
}

#[test]
fn a_delegate_that_panics_is_told_the_same_again() {
    let device = Arc::new(Device::new());
    let teller = Teller::new();
    let _service = teller.start(&device);
    let downloads = device.connector().downloads_blocking().unwrap();
    let (delegate, hears) = noting(&device, &["began", "fails", "fails", "arrives"]);
    let registration = downloads.set_delegate(delegate).unwrap();
    // Nobody has to answer to this: it is contained, and the connection goes on.
    teller.tell(DelegateEvent::Began { download: wire("began") });
    let (download, failed) = (wire("fails"), failure());
    let fails = DelegateEvent::Failed { callback: 1, download, failure: failed };
    teller.tell(fails.clone());
    assert_eq!(next(&hears), "began began (downloading)");
    assert_eq!(next(&hears), "failed fails (failed)");
    // What this connection sends no longer counts; the next one is told it anew.
    teller.tell(DelegateEvent::Lost { count: 0 });
    teller.tell(fails.clone());
    assert_eq!(next(&hears), "failed fails (failed)");
    teller.tell(DelegateEvent::Lost { count: 0 });
    teller.tell(fails);
    assert_eq!(next(&hears), "failed fails (failed)");
    assert_eq!(teller.acknowledged(), (1, None), "only what was dealt with");
    drop(registration);
}

#[test]
fn a_delegate_hears_on_after_the_service_was_started_anew_and_nothing_twice() {
    let device = Arc::new(Device::new());
    let teller = Teller::new();
    let service = teller.start(&device);
    let downloads = device.connector().downloads_blocking().unwrap();
    let (delegate, hears) = noting(&device, &[]);
    let registration = downloads.set_delegate(delegate).unwrap();
    teller.tell(DelegateEvent::Began { download: wire("a") });
    assert_eq!(next(&hears), "began a (downloading)");
    drop(service);
    teller.tell(DelegateEvent::Lost { count: 0 });
    let _service = teller.start(&device);
    let file = arrived(&device, "a");
    teller.tell(finished(1, wire("a"), &file));
    // The first may still have been written to the connection that ended.
    teller.tell(finished(1, wire("a"), &file));
    assert_eq!(next(&hears), "finished a (finished)");
    assert_eq!(teller.acknowledged().0, 1);
    registration.unregister();
}

#[test]
fn what_the_service_did_not_hear_of_is_acknowledged_without_telling_it_twice() {
    does_not_hear_of_an_acknowledgement(|_| Then::HangUp);
}

#[test]
fn what_a_service_that_was_started_anew_does_not_wait_for_is_not_told_twice_either() {
    does_not_hear_of_an_acknowledgement(|peer| {
        let message = "nobody waits for this acknowledgement";
        peer.fail(headstart::Failure::new(ErrorKind::Conflict, "notAsked", message));
        Then::KeepOpen
    });
}

fn does_not_hear_of_an_acknowledgement(refuse: fn(&mut Peer) -> Then) {
    let device = Arc::new(Device::new());
    let refused = Arc::new(Mutex::new(true));
    let (acknowledged, was_acknowledged) = channel();
    let file = arrived(&device, "a");
    let told = finished(1, wire("a"), &file);
    let refuses = Arc::clone(&refused);
    let _service = FakeService::start(&device, move |call, peer| match call {
        Call::AttendDownloads(_) => {
            peer.reply_and_go_on::<Attend>(&DelegateEvent::Attending {});
            peer.reply_and_go_on::<Attend>(&told);
            was_sent_on(&refuses);
            Then::HangUp
        }
        _ if *refuses.lock().unwrap() => {
            let then = refuse(peer);
            *refuses.lock().unwrap() = false;
            then
        }
        _ => {
            peer.reply::<Acknowledge>(&Acknowledged {});
            let _gone = acknowledged.send(());
            Then::KeepOpen
        }
    });
    let downloads = device.connector().downloads_blocking().unwrap();
    let (delegate, hears) = noting(&device, &[]);
    let registration = downloads.set_delegate(delegate).unwrap();
    was_acknowledged.recv_timeout(PATIENCE).expect("the second one is answered");
    registration.unregister();
    assert_eq!(hears.iter().collect::<Vec<_>>(), ["finished a (finished)"]);
}

/// Keeps the first connection until its acknowledgement was refused.
fn was_sent_on(refuses: &Mutex<bool>) {
    while *refuses.lock().unwrap() {
        std::thread::yield_now();
    }
}

#[test]
fn nothing_is_told_after_the_delegate_was_unregistered() {
    let device = Arc::new(Device::new());
    let (ended, has_ended) = channel();
    let _service = FakeService::start(&device, move |_, peer| {
        peer.reply_and_go_on::<Attend>(&DelegateEvent::Attending {});
        peer.wait_for_end();
        ended.send(()).unwrap();
        Then::HangUp
    });
    let (delegate, hears) = noting(&device, &[]);
    let registration = block_on(async {
        let downloads = device.connector().downloads().unwrap();
        downloads.set_delegate(delegate).await.unwrap()
    });
    drop(registration);
    has_ended.recv_timeout(PATIENCE).expect("the connection was closed");
    assert_eq!(hears.iter().count(), 0, "the delegate is gone with its thread");
}

/// Hears nothing, since it has nothing to say to anything.
struct Deaf;
impl DownloadManagerDelegate for Deaf {}

#[test]
fn a_process_that_is_no_app_gets_no_delegate() {
    let device = Device::new();
    let _service = FakeService::start(&device, |_, peer| {
        peer.fail(headstart::Failure::new(ErrorKind::Refused, "notAnApp", "no app"));
        Then::KeepOpen
    });
    let downloads = device.connector().downloads_blocking().unwrap();
    assert_eq!(downloads.set_delegate(Deaf).unwrap_err().code(), "notAnApp");
}

#[test]
fn events_are_acknowledged_one_by_one() {
    let device = Arc::new(Device::new());
    let teller = Teller::new();
    let _service = teller.start(&device);
    let file = arrived(&device, "a");
    let (download, failure) = (wire("b"), failure());
    teller.tell(DelegateEvent::Began { download: wire("a") });
    teller.tell(DelegateEvent::Failed { callback: 1, download, failure });
    let (download, challenge) = (wire("a"), challenge());
    teller.tell(DelegateEvent::Challenged { callback: 2, download, challenge });
    teller.tell(finished(3, wire("a"), &file));
    block_on(async {
        let downloads = device.connector().downloads().unwrap();
        let mut events = downloads.events().await.unwrap();
        let mut next = async || events.next().await.unwrap().unwrap();
        let began = next().await;
        assert_eq!(began.download().unwrap().identifier(), "a");
        assert!(matches!(began, DownloadEvent::Began(_)));
        let DownloadEvent::Failed(failed) = next().await else { panic!("it failed") };
        assert_eq!(failed.error().kind(), ErrorKind::NoSpace);
        failed.acknowledge().await.unwrap();
        let DownloadEvent::Challenged(asked) = next().await else { panic!("it is asked") };
        assert_eq!(asked.challenge().host, "assets.example.com");
        asked.answer(ChallengeAnswer::CancelAuthenticationChallenge).await.unwrap();
        let DownloadEvent::Finished(finished) = next().await else { panic!("it arrived") };
        assert_eq!(finished.download().status(), DownloadStatus::Finished);
        keep(&device, finished.file()).unwrap();
        finished.acknowledge().await.unwrap();
        teller.tell(DelegateEvent::Lost { count: 4 });
        assert!(matches!(next().await, DownloadEvent::Missed(4)));
    });
    assert_eq!(teller.acknowledged(), (1, None));
    let answer = ChallengeAnswer::CancelAuthenticationChallenge;
    assert_eq!(teller.acknowledged(), (2, Some(answer)));
    assert_eq!(teller.acknowledged(), (3, None));
}

#[test]
fn the_iterator_of_events_gives_the_same_and_ends_with_the_service() {
    let device = Arc::new(Device::new());
    let teller = Teller::new();
    let _service = teller.start(&device);
    let file = arrived(&device, "a");
    teller.tell(DelegateEvent::Paused { download: wire("a") });
    teller.tell(finished(3, wire("a"), &file));
    teller.tell(DelegateEvent::Lost { count: 0 });
    let downloads = device.connector().downloads_blocking().unwrap();
    let mut events = downloads.events().unwrap();
    assert!(matches!(events.next().unwrap().unwrap(), DownloadEvent::Paused(_)));
    let DownloadEvent::Finished(finished) = events.next().unwrap().unwrap() else {
        panic!("it arrived")
    };
    finished.acknowledge_blocking().unwrap();
    assert_eq!(teller.acknowledged(), (3, None));
    assert_eq!(events.next().unwrap().unwrap_err().code(), "serviceGone");
    assert!(events.next().is_none());
}

#[test]
fn a_file_is_moved_and_never_copied() {
    let device = Arc::new(Device::new());
    let teller = Teller::new();
    let _service = teller.start(&device);
    let path = arrived(&device, "a");
    teller.tell(finished(1, wire("a"), &path));
    let downloads = device.connector().downloads_blocking().unwrap();
    let event = downloads.events().unwrap().next().unwrap().unwrap();
    let DownloadEvent::Finished(finished) = event else { panic!("it arrived") };
    let file = finished.file();
    assert_eq!(file.path().to_str(), Some(path.as_str()));
    let number = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&path).unwrap());
    let nowhere = file.move_to(&device.file("no/such/folder")).unwrap_err();
    assert_eq!((nowhere.kind(), nowhere.code()), (ErrorKind::NotFound, "fileNotMoved"));
    let elsewhere = std::path::Path::new("/proc/self/x");
    let refused = file.move_to(elsewhere).unwrap_err();
    assert_eq!(refused.code(), "fileNotMoved");
    assert!(refused.hint().is_some());
    let kept = device.file("kept");
    std::fs::write(&kept, "old").unwrap();
    file.move_to(&kept).unwrap();
    let moved = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&kept).unwrap());
    assert_eq!(moved, number, "it is the same file");
    assert_eq!(file.move_to(&kept).unwrap_err().kind(), ErrorKind::NotFound, "only once");
}
