//! From the engine's questions to those of the socket.

use headstart_engine::{CallId, Question};
use headstart_model::AppGroupId;
use headstart_model::catalog::CatalogPack;
use headstart_model::protocol::downloads::DelegateEvent;
use headstart_model::protocol::extension::ExtensionEvent;
use headstart_model::protocol::packs::{Pack, Trust};
use headstart_store::Layout;

use super::run::Kind;

/// The path of a file that is handed over.
fn handed_over(layout: &Layout, group: &AppGroupId, number: u64, name: &str) -> String {
    layout.inbox(group, number).join(name).to_string_lossy().into_owned()
}

/// What a running app is asked; none for what only extensions are asked.
pub(super) fn to_delegate(
    layout: &Layout,
    call: CallId,
    question: Question,
) -> Option<DelegateEvent> {
    let callback = call.0;
    Some(match question {
        Question::Challenge { download, challenge } => {
            DelegateEvent::Challenged { callback, download, challenge }
        }
        Question::Failed { download, failure } => {
            DelegateEvent::Failed { callback, download, failure }
        }
        Question::Finished { id, download, file_name } => {
            let file = handed_over(layout, &download.app_group, id.0, &file_name);
            DelegateEvent::Finished { callback, download, file }
        }
        Question::Downloads { .. } | Question::ShouldDownload { .. } => return None,
    })
}

/// What an extension is asked.
pub(super) fn to_extension(
    layout: &Layout,
    call: CallId,
    question: Question,
) -> (Kind, ExtensionEvent) {
    let call = call.0;
    match question {
        Question::Downloads { request, manifest, group, file_name, info } => {
            let manifest = handed_over(layout, &group, manifest.0, &file_name);
            let event = ExtensionEvent::DownloadsRequested { call, request, manifest, info };
            (Kind::Downloads, event)
        }
        Question::ShouldDownload { request, packs } => {
            let packs = packs.iter().map(pack).collect();
            (Kind::Packs, ExtensionEvent::ShouldDownload { call, request, packs })
        }
        Question::Challenge { download, challenge } => {
            (Kind::Challenge, ExtensionEvent::Challenged { call, download, challenge })
        }
        Question::Failed { download, failure } => {
            (Kind::Heard, ExtensionEvent::Failed { call, download, failure })
        }
        Question::Finished { id, download, file_name } => {
            let file = handed_over(layout, &download.app_group, id.0, &file_name);
            (Kind::Heard, ExtensionEvent::Finished { call, download, file })
        }
    }
}

fn pack(offer: &CatalogPack) -> Pack {
    Pack {
        id: offer.id.clone(),
        version: offer.version,
        download_size: offer.download_size,
        installed_size: offer.installed_size,
        user_info: offer.user_info.clone(),
        language: offer.language.clone(),
        policy: offer.download_policy.clone(),
        trust: Trust::Signed,
    }
}
