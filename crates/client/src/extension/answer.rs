//! From a question of the service to the calls that answer it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use headstart_model::download::DownloadStatus;
use headstart_model::protocol::extension::{ExtensionEvent, Return};
use headstart_model::{ErrorKind, PackId};

use super::{DownloaderExtension, ManagedDownloaderExtension, Question, Reply};
use crate::downloads::FinishedFile;
use crate::downloads::paging::pages;
use crate::error::Error;
use crate::{AssetPack, Download};

/// Has an extension of an app with downloads of its own answer.
pub(super) fn unmanaged(handler: &mut impl DownloaderExtension, question: Question) {
    match question {
        Question::Downloads { request, manifest, info, reply } => {
            reply.give(handler.downloads(request, &manifest, info));
        }
        // Packs are none of its business.
        Question::ShouldDownload { .. } => {}
        Question::Challenged { download, challenge, reply } => {
            reply.answer(handler.challenge(&download, &challenge));
        }
        Question::Failed { download, error, reply } => {
            handler.failed(&download, &error);
            reply.answer(());
        }
        Question::Finished { download, file, reply } => {
            handler.finished(&download, &file);
            reply.answer(());
        }
        Question::WillTerminate => handler.will_terminate(),
    }
}

/// Has an extension of an app with managed packs answer. Packs are the service's business: it asks for
/// nothing else, and is told nothing else.
pub(super) fn managed(handler: &mut impl ManagedDownloaderExtension, question: Question) {
    match question {
        Question::ShouldDownload { pack, reply } => reply.answer(handler.should_download(&pack)),
        Question::Challenged { download, challenge, reply } => {
            reply.answer(handler.challenge(&download, &challenge));
        }
        Question::Failed { reply, .. } | Question::Finished { reply, .. } => reply.answer(()),
        Question::Downloads { .. } | Question::WillTerminate => {}
    }
}

/// The calls that answer `event`, all but the last with `more`; none when it is no question.
pub(super) fn answers(hear: &mut impl FnMut(Question), event: ExtensionEvent) -> Vec<Return> {
    let (call, answer) = match event {
        ExtensionEvent::DownloadsRequested { call, request, manifest, info } => {
            let manifest = manifest.into();
            let question = |reply| Question::Downloads { request, manifest, info, reply };
            let wanted = ask(hear, question).map(Option::unwrap_or_default);
            match wanted.and_then(checked) {
                Ok(wanted) => return in_pages(call, &wanted),
                Err(error) => (call, Err(error)),
            }
        }
        ExtensionEvent::ShouldDownload { call, packs, .. } => {
            let packs = packs.into_iter().map(AssetPack::new);
            (call, dropped(hear, packs).map(|dropped| Return { dropped, ..Return::default() }))
        }
        ExtensionEvent::Challenged { call, download, challenge } => {
            let download = Download::in_state(download, DownloadStatus::Downloading);
            let answer = ask(hear, |reply| Question::Challenged { download, challenge, reply });
            (call, answer.map(|answer| Return { answer, ..Return::default() }))
        }
        ExtensionEvent::Failed { call, download, failure } => {
            let download = Download::in_state(download, DownloadStatus::Failed);
            let error = failure.into();
            (call, told(hear, |reply| Question::Failed { download, error, reply }))
        }
        ExtensionEvent::Finished { call, download, file } => {
            let download = Download::in_state(download, DownloadStatus::Finished);
            let file = FinishedFile::new(file);
            (call, told(hear, |reply| Question::Finished { download, file, reply }))
        }
        ExtensionEvent::WillTerminate {} => {
            // Nobody waits for it, so nobody can be told that it failed.
            let _contained = contained(|| hear(Question::WillTerminate));
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    vec![match answer {
        Ok(answer) => Return { call, ..answer },
        Err(error) => failed(call, &error),
    }]
}

/// The answer that says why there is none.
pub(super) fn failed(call: u64, error: &Error) -> Return {
    Return { call, failure: Some(error.failure().clone()), ..Return::default() }
}

/// Waits for the answer of whoever has the reply; none when nobody will give one.
fn ask<A>(
    hear: &mut impl FnMut(Question),
    question: impl FnOnce(Reply<A>) -> Question,
) -> Result<Option<A>, Error> {
    let (reply, answer) = Reply::channel();
    let heard = contained(|| hear(question(reply)));
    match answer.wait() {
        Some(answer) => answer.map(Some),
        None => heard.map(|()| None),
    }
}

/// The packs that are not wanted.
fn dropped(
    hear: &mut impl FnMut(Question),
    packs: impl Iterator<Item = AssetPack>,
) -> Result<Vec<PackId>, Error> {
    let mut dropped = Vec::new();
    for pack in packs {
        let id = pack.pack_id().clone();
        if ask(hear, |reply| Question::ShouldDownload { pack, reply })? == Some(false) {
            dropped.push(id);
        }
    }
    Ok(dropped)
}

/// Tells an end, which somebody has to say that they dealt with.
fn told(
    hear: &mut impl FnMut(Question),
    end: impl FnOnce(Reply<()>) -> Question,
) -> Result<Return, Error> {
    ask(hear, end)?.map(|()| Return::default()).ok_or_else(|| {
        let text = "the extension did not say that it dealt with the end of a download";
        Error::new(ErrorKind::Internal, "extensionSilent", text).with_hint("answer each `Reply`")
    })
}

fn checked(downloads: Vec<Download>) -> Result<Vec<Download>, Error> {
    downloads.iter().try_for_each(Download::check)?;
    Ok(downloads)
}

fn in_pages(call: u64, downloads: &[Download]) -> Vec<Return> {
    let answer = |downloads| Return { call, downloads, more: true, ..Return::default() };
    let mut answers: Vec<_> = pages(downloads).into_iter().map(answer).collect();
    match answers.last_mut() {
        Some(last) => last.more = false,
        None => answers.push(Return { call, ..Return::default() }),
    }
    answers
}

/// The panic itself is shown by the process's hook.
pub(super) fn contained<T>(call: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = "the extension panicked";
        let error = Error::new(ErrorKind::Internal, "extensionPanicked", text)
            .with_hint("look at the extension's standard error in the service's logs");
        let said = panic.downcast_ref::<String>().map(String::as_str);
        match said.or_else(|| panic.downcast_ref::<&str>().copied()) {
            // A message may be any text: it is cut before it travels.
            Some(said) => error.with_cause(said.chars().take(500).collect()),
            None => error,
        }
    })
}
