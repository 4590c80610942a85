//! Extensions that are given their questions as values.

use std::sync::mpsc::channel;

use headstart::downloads::{AuthenticationMethod, ChallengeAnswer, DownloadChallenge};
use headstart::extension::{Question, Reply, check, listen};
use headstart::{ContentRequest, Download, ErrorKind, Failure};
use headstart_model::protocol::extension::{ExtensionEvent, Return};

use crate::downloads::arrived;
use crate::extensions::{Asker, wanted};
use crate::fake_service::Device;
use crate::samples::{failure, on_the_wire, pack, pack_id, url_download};

fn challenged(call: u64) -> ExtensionEvent {
    let challenge = DownloadChallenge {
        origin: "https://example.com".to_owned(),
        host: "example.com".to_owned(),
        method: AuthenticationMethod::Bearer,
        realm: None,
        previous_failure_count: 0,
        certificate_blake3: None,
    };
    ExtensionEvent::Challenged { call, download: on_the_wire(url_download("a")), challenge }
}

fn should_download(call: u64) -> ExtensionEvent {
    let (request, packs) = (ContentRequest::Update, ["a", "b"].map(pack).to_vec());
    ExtensionEvent::ShouldDownload { call, request, packs }
}

fn failed(call: u64) -> ExtensionEvent {
    let (download, failure) = (on_the_wire(url_download("a")), failure());
    ExtensionEvent::Failed { call, download, failure }
}

fn finished(call: u64, device: &Device) -> ExtensionEvent {
    let (download, file) = (on_the_wire(url_download("a")), arrived(device, "a"));
    ExtensionEvent::Finished { call, download, file }
}

#[test]
fn a_question_is_held_until_it_is_answered_on_whatever_thread() {
    let device = Device::new();
    let (mut asker, connector) = Asker::start(&device);
    let (hear, heard) = channel();
    let serving = connector.listen_as_extension(move |asked| hear.send(asked).unwrap()).unwrap();
    let answering = std::thread::spawn(move || {
        let mut manifests = Vec::new();
        for question in heard {
            match question {
                Question::Downloads { request, manifest, info, reply } => {
                    assert_eq!(request, ContentRequest::Install);
                    assert_eq!(info.restricted_download_size_remaining, Some(1_000));
                    manifests.push(manifest);
                    reply.answer(vec![url_download("a").into()]);
                }
                Question::ShouldDownload { pack, reply } => reply.answer(pack.id() == "a"),
                Question::Challenged { challenge, reply, .. } => {
                    assert_eq!(challenge.host, "example.com");
                    reply.answer(ChallengeAnswer::RejectProtectionSpace);
                }
                Question::Failed { error, reply, .. } => reply.fail(error),
                Question::Finished { file, reply, .. } => {
                    assert!(file.path().exists());
                    reply.answer_with(|| ());
                }
                other => assert!(matches!(other, Question::WillTerminate)),
            }
        }
        manifests
    });
    assert_eq!(asker.ask(wanted(1, ContentRequest::Install)).downloads.len(), 1);
    assert_eq!(asker.ask(should_download(2)).dropped, [pack_id("b")]);
    let answer = asker.ask(challenged(3)).answer;
    assert_eq!(answer, Some(ChallengeAnswer::RejectProtectionSpace));
    assert_eq!(asker.ask(failed(4)).failure, Some(failure()), "told again");
    assert_eq!(asker.ask(finished(5, &device)), Return { call: 5, ..Return::default() });
    asker.end();
    serving.join().unwrap();
    assert_eq!(answering.join().unwrap(), [std::path::Path::new("/tmp/manifest")]);
}

#[test]
fn a_question_that_is_dropped_is_answered_as_if_nobody_were_asked_and_no_end_is_lost() {
    let device = Device::new();
    let (mut asker, connector) = Asker::start(&device);
    let serving = connector.listen_as_extension(drop).unwrap();
    let nothing = |call| Return { call, ..Return::default() };
    assert_eq!(asker.ask(wanted(1, ContentRequest::Install)), nothing(1));
    assert_eq!(asker.ask(should_download(2)), nothing(2));
    assert_eq!(asker.ask(challenged(3)), nothing(3));
    for end in [failed(4), finished(4, &device)] {
        let told = asker.ask(end).failure.expect("it is told again");
        assert_eq!((told.kind, told.code.as_str()), (ErrorKind::Internal, "extensionSilent"));
    }
    asker.end();
    serving.join().unwrap();
}

#[test]
fn a_panic_is_contained_and_what_it_loses_is_a_failure_but_an_answer_counts() {
    let device = Device::new();
    let (mut asker, connector) = Asker::start(&device);
    let hear = |question| match question {
        // Its own containment, and that of who asks.
        Question::Failed { reply, .. } => reply.answer_with(|| panic!("not now")),
        Question::Challenged { reply, .. } => {
            reply.answer(ChallengeAnswer::CancelAuthenticationChallenge);
            panic!("too late to matter");
        }
        other => panic!("what is {other:?}"),
    };
    let serving = connector.listen_as_extension(hear).unwrap();
    let questions = [wanted(1, ContentRequest::Update), failed(1), finished(1, &device)];
    for question in questions.into_iter().chain([should_download(1)]) {
        let told = asker.ask(question).failure.expect("a failure");
        assert_eq!(told.code.as_str(), "extensionPanicked");
        let cause = &told.causes[0];
        assert!(cause == "not now" || cause.starts_with("what is "), "{cause}");
    }
    let answer = asker.ask(challenged(2)).answer;
    assert_eq!(answer, Some(ChallengeAnswer::CancelAuthenticationChallenge));
    asker.end();
    serving.join().unwrap();
}

#[test]
fn what_answers_can_be_tested_without_a_service() {
    let (reply, answer) = Reply::channel();
    reply.answer(7);
    assert_eq!(answer.wait().unwrap().unwrap(), 7);
    let (reply, answer) = Reply::<()>::channel();
    reply.fail(Failure::new(ErrorKind::Usage, "badUrl", "no").into());
    assert_eq!(answer.wait().unwrap().unwrap_err().code(), "badUrl");
    let (reply, answer) = Reply::<()>::channel();
    drop(answer);
    reply.answer(());
    assert_eq!(listen(drop).unwrap_err().code(), "notAnExtension");
}

#[test]
fn an_answer_can_be_checked_before_it_is_given() {
    use ContentRequest::{Install, LanguageChange, Periodic, Update};

    let essential: Download = url_download("a").essential(true).into();
    for (request, permitted) in
        [(Install, true), (Update, true), (Periodic, false), (LanguageChange, false)]
    {
        let checked = check(request, [&essential]);
        let code = checked.map_err(|error| error.code().to_owned()).err();
        let expected = (!permitted).then_some("downloadEssentialDownloadNotPermitted");
        assert_eq!(code.as_deref(), expected);
        check(request, [essential.removing_essential()]).unwrap();
    }
    let unsized_one = headstart::UrlDownload::without_size(
        "a",
        "https://example.com/a",
        &crate::samples::group(),
    );
    let invalid = unsized_one.unwrap().essential(true).into_download();
    assert_eq!(check(Install, [invalid]).unwrap_err().code(), "downloadInvalid");
}
