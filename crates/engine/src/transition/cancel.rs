//! Somebody cancels a download. `Spec: concepts 5.4, 8`.

use crate::effect::Reply;
use crate::event::{Caller, CancelTarget};
use crate::failures;
use crate::id::{ClientId, DownloadId, PackKey};
use crate::record::Stage;
use crate::transition::end::{self, Staged};
use crate::transition::{calls, exclusive, late, place};
use crate::work::Work;

/// Ends a download for good: nobody retries it. A version that is just being put in place can no longer be cancelled.
pub(crate) fn requested(w: &mut Work<'_>, caller: Caller, target: CancelTarget) {
    let outcome = match find(w, target) {
        Ok(id) => cancel(w, id),
        Err(failure) => Err(failure),
    };
    w.answer_at_once(caller.request, outcome.map(|()| Reply::Cancelled));
}

fn find(w: &Work<'_>, target: CancelTarget) -> Result<DownloadId, headstart_model::Failure> {
    match target {
        CancelTarget::Download(id) => {
            w.download(id).map(|_| id).ok_or_else(|| failures::download_not_scheduled(id))
        }
        CancelTarget::Pack(app, pack) => {
            let key = PackKey::new(app, pack);
            let found = w.pack(&key).and_then(|pack| pack.download);
            found.ok_or_else(|| failures::not_scheduled(&format!("pack `{}`", key.pack)))
        }
    }
}

pub(crate) fn cancel(w: &mut Work<'_>, id: DownloadId) -> Result<(), headstart_model::Failure> {
    let Some(download) = w.download(id) else { return Err(failures::download_not_scheduled(id)) };
    let pack = download.key.pack.clone();
    if matches!(download.stage, Stage::Switching(_)) {
        return Err(failures::already_finished(&pack));
    }
    let (key, content) = (download.key.clone(), download.target.content);
    end::conclude_failed(w, id, &failures::cancelled(&pack), Staged::Discard);
    late::forget(w, &key);
    let now = w.now.wall;
    if w.pack(&key).is_some() {
        let pack = w.pack_mut(&key);
        pack.cancelled_at = Some(now);
        pack.declined = pack.local.is_some().then_some(content);
    }
    Ok(())
}

/// A client's connection ended: its calls close, and what it asked for goes on in the background.
pub(crate) fn client_gone(w: &mut Work<'_>, client: ClientId) {
    exclusive::client_gone(w, client);
    calls::detached(w, client);
    for id in w.live_mut().files.demote(client) {
        w.live_mut().step();
        place::reclass(w, id);
    }
    for request in w.live().requests.of_client(client) {
        w.abandon(request);
    }
}
