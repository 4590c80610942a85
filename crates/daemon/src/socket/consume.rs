//! `io.headstart.Packs.Consume`.

use std::sync::Arc;

use headstart_model::namespace::{EntryKind, Snapshot};
use headstart_model::protocol::packs::{Consume, Consumed};
use headstart_model::{AppId, ErrorKind, Failure, PackId};
use headstart_store::{HandedOver, Layout, Namespaces};
use headstart_sys::map::MappedFile;

use super::meant::{Meant, app_of};
use super::reply::{Caller, End, Replies};
use crate::perform::blocking;

/// Takes the file out of the namespace, and puts it where the caller fetches it. The service writes nowhere but in its home: a program
/// that may talk to it and is kept from a folder must not reach that folder by it.
pub(super) async fn consume(
    caller: Caller<'_>,
    call: Consume,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app =
        app_of(caller, call.app.clone(), Meant::has(call.pack.as_ref(), Meant::Local)).await?;
    let context = Arc::clone(&caller.shared.context);
    let handed = blocking(move || {
        let _alone = context.alone();
        let namespaces = Namespaces::new(&context.layout, &app);
        for pack in candidates(&namespaces, &context.layout, &app, &call)? {
            let place = context.layout.handed_over(&app, &pack, &call.path);
            let handed = namespaces.consume(&pack, &call.path, &place);
            if let Some(handed) = handed.map_err(|error| error.to_failure())? {
                told(&app, &pack, &call, handed);
                let path = place.to_string_lossy().into_owned();
                return Ok(Consumed { pack, path });
            }
        }
        Err(not_found(&call))
    });
    let handed: Result<Consumed, Failure> = handed.await?;
    replies.last::<Consume>(&handed?).await
}

fn told(app: &AppId, pack: &PackId, call: &Consume, handed: HandedOver) {
    tracing::info!(%app, %pack, path = %call.path, ?handed, "handed over");
}

/// The packs that may have the file: the one that is read, else those to which it was handed over and not taken.
fn candidates(
    namespaces: &Namespaces,
    layout: &Layout,
    app: &AppId,
    call: &Consume,
) -> Result<Vec<PackId>, Failure> {
    let unreadable = |error: &(dyn std::error::Error + 'static)| {
        Failure::from_error(ErrorKind::Internal, "namespaceUnreadable", error)
            .with_hint("stop the service (`headstart service stop`): the next call starts it anew")
    };
    let current = namespaces.current().map_err(|error| error.to_failure())?;
    let Some(generation) = current else { return Err(not_found(call)) };
    let map = MappedFile::open(&namespaces.snapshot(generation)).map_err(|e| unreadable(&e))?;
    let snapshot = Snapshot::open(map).map_err(|error| unreadable(&error))?;
    let path = call.path.as_str();
    let entry = match (&call.pack, &call.language) {
        (Some(pack), _) => snapshot.lookup_in(pack, path),
        (None, Some(language)) => snapshot.lookup_for(language, path),
        (None, None) => snapshot.lookup(path),
    };
    if let Some(entry) = entry.map_err(|error| unreadable(&error))? {
        if entry.kind == EntryKind::Folder {
            let message = format!("`{path}` is a folder; only files are handed over");
            return Err(Failure::new(ErrorKind::NotFound, "fileNotFound", message)
                .with_hint("name each file"));
        }
        return Ok(PackId::new(entry.pack.id).into_iter().collect());
    }
    let waits = |pack: &PackId| layout.handed_over(app, pack, &call.path).is_file();
    let live = namespaces.live().map_err(|error| error.to_failure())?;
    let wanted = live.into_iter().filter(|live| {
        let named = call.pack.as_ref().is_none_or(|pack| *pack == live.id);
        let language = call.language.as_ref();
        named && language.is_none_or(|language| live.language.as_ref() == Some(language))
    });
    Ok(wanted.map(|live| live.id).filter(waits).collect())
}

fn not_found(call: &Consume) -> Failure {
    let message = format!("no local pack has a file `{}`, or it was handed over", call.path);
    Failure::new(ErrorKind::NotFound, "fileNotFound", message)
        .with_hint("`headstart packs remove PACK` and `headstart packs ensure PACK` bring it again")
}
