//! The published examples of extensions, started as the service starts an extension.

use std::os::fd::AsRawFd as _;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use headstart::ContentRequest;
use headstart::extension::AppExtensionInfo;
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::extension::{ExtensionEvent, Return, Returned, Serve};

use crate::build::Built;
use crate::fake_port::FakePort;
use crate::fake_service::{Device, Then};
use crate::published::published;
use crate::samples::pack;

const PATIENCE: Duration = Duration::from_mins(1);

/// An example that runs as an extension.
struct Hosted {
    child: Child,
    _port: FakePort,
    questions: Option<Sender<ExtensionEvent>>,
    answers: Receiver<Return>,
    _device: Device,
}

impl Hosted {
    fn start(program: &std::path::Path) -> Self {
        let device = Device::new();
        let ((questions, asked), (answer, answers)) = (channel(), channel());
        let (asked, answer) = (Mutex::new(asked), Mutex::new(answer));
        let (port, theirs) = FakePort::open(&device, move |call, peer| match call {
            Call::ServeExtension(_) => {
                peer.reply_and_go_on::<Serve>(&ExtensionEvent::Serving {});
                while let Ok(question) = asked.lock().unwrap().recv() {
                    peer.reply_and_go_on::<Serve>(&question);
                }
                Then::HangUp
            }
            Call::ReturnFromExtension(given) => {
                peer.reply::<Return>(&Returned {});
                answer.lock().unwrap().send(given.clone()).unwrap();
                Then::KeepOpen
            }
            _ => Then::HangUp,
        });
        // What the program is started with; this process closes its own at the end.
        rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
        let mut command = Command::new(program);
        command.env_clear().env("HEADSTART_HOME", device.home()).stdout(Stdio::null());
        command.env("HEADSTART_EXTENSION_PORT", theirs.as_raw_fd().to_string());
        let child = command.spawn().unwrap();
        Self { child, _port: port, questions: Some(questions), answers, _device: device }
    }

    fn ask(&self, question: ExtensionEvent) -> Return {
        self.questions.as_ref().unwrap().send(question).unwrap();
        self.answers.recv_timeout(PATIENCE).expect("an answer")
    }

    /// The service is done with it: then it ends, and well.
    fn end(mut self) {
        self.questions = None;
        assert!(self.child.wait().unwrap().success());
    }
}

fn example(name: &str) -> Option<Hosted> {
    let crate_folder = published("0.4.2")?;
    let into = tempfile::tempdir().unwrap();
    let source = crate_folder.join("examples").join(name).with_extension("rs");
    let compiled = Built::with("async").compile(&source, &["--crate-type", "bin"], into.path());
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    Some(Hosted::start(&into.path().join(name)))
}

#[test]
fn the_published_extension_answers_a_content_request_after_its_main_has_returned() {
    let Some(hosted) = example("03_extension_handler") else { return };
    let (manifest, info) = ("/tmp/manifest".to_owned(), AppExtensionInfo::default());
    let request = ContentRequest::Install;
    let wanted = ExtensionEvent::DownloadsRequested { call: 1, request, manifest, info };
    let answer = hosted.ask(wanted.clone());
    assert_eq!((answer.call, answer.downloads.len(), answer.failure), (1, 1, None));
    assert_eq!(answer.downloads[0].file_size, Some(1024));
    assert_eq!(hosted.ask(wanted).downloads.len(), 1, "and the next");
    hosted.end();
}

#[test]
fn the_published_managed_extension_says_which_packs_are_wanted() {
    let Some(hosted) = example("05_managed_extension_handler") else { return };
    let (request, packs) = (ContentRequest::Update, vec![pack("maps")]);
    let answer = hosted.ask(ExtensionEvent::ShouldDownload { call: 7, request, packs });
    assert_eq!((answer.call, answer.failure), (7, None));
    hosted.end();
}
