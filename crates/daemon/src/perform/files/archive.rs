//! The archive of a pack that an app downloads by itself: compared with its own index, and its version built. `Spec: packs 4.2`.

use std::path::Path;
use std::sync::Arc;

use headstart_deliver::{
    Announced, ArchiveLocation, ArchivePlace, DeliverError, Delivery, Goal, HeldFolder, Location,
    OwnIndex, RepositoryAccess,
};
use headstart_engine::FileTransfer;
use headstart_engine::record::ServerAccess;
use headstart_model::catalog::CatalogPack;
use headstart_model::{ErrorKind, Failure, ServerHeaders};
use headstart_pack::plan::HeldVersion;
use headstart_store::{Finish, Sharing};
use headstart_sys::mode::Access;
use headstart_transfer::Tracking;
use tokio_util::sync::CancellationToken;

use super::super::context::{Context, blocking};
use super::super::{deliver, repair};

/// Builds the version that is in the archive at `path`, unless it is in its place; what the archive says of itself. None when the
/// file is no archive of a pack.
pub(super) async fn install(
    context: &Arc<Context>,
    transfer: &FileTransfer,
    path: &Path,
    stop: &CancellationToken,
) -> Result<Option<Box<CatalogPack>>, Failure> {
    let Some((id, version)) = transfer.request.asset_pack() else { return Ok(None) };
    let (here, bytes) = (path.to_owned(), transfer.request.file_size.unwrap_or(0));
    let read = move || OwnIndex::read(&here, Announced { pack: &id, bytes });
    let index = blocking(read).await?.map_err(|error| error.to_failure())?;
    let pack = index.describe(version);
    let (layout, app) = (&context.layout, &transfer.app);
    let folder = layout.version(app, &pack.id, (pack.version, &pack.content));
    let (there, content) = (folder.clone(), pack.content);
    if blocking(move || deliver::is_in_place(&there, &content)).await? {
        return Ok(Some(Box::new(pack)));
    }
    let held = transfer.local.iter().map(|local| HeldFolder {
        version: HeldVersion { version: local.version, content: local.content },
        folder: layout.version(app, &pack.id, (local.version, &local.content)),
        sharing: Sharing::HardLinks,
    });
    let about = serde_json::to_vec(&pack).unwrap_or_default();
    let goal = Goal {
        pack: pack.clone(),
        held: held.collect(),
        beside: Vec::new(),
        leftovers: Vec::new(),
        // Apart from what the service builds of its own accord.
        staging: layout.download(transfer.download.0).join("pack"),
        finish: Finish { folder, access: Access::ReadOnly, about },
    };
    let location = ArchiveLocation::new(ArchivePlace::File(path.to_owned()), &pack);
    // It lies here: no server is asked.
    let nobody = ServerAccess { trust: transfer.trust, headers: ServerHeaders::default() };
    let client = context.clients.for_repository(&nobody)?;
    let tracking = Tracking::new(&format!("archive of {}", pack.id));
    let access = RepositoryAccess::new(Location::Archive(location), client, tracking);
    let failed = |error: DeliverError| failure(&error, &transfer.request.identifier);
    let delivery = Box::pin(Delivery::prepare(access, goal, stop)).await.map_err(failed)?;
    // Only the archive was admitted, and it takes more to have what is in it.
    repair::check_space(context, delivery.receipt().peak_extra_disk)?;
    let built = Box::pin(delivery.carry_out(Arc::new(|_, _| {}), stop)).await.map_err(failed)?;
    tracing::info!(
        %app, pack = %pack.id, version = %pack.version, bytes_reused = built.bytes_reused,
        bytes_written = built.built.bytes_written, "built from its archive"
    );
    Ok(Some(Box::new(pack)))
}

/// What does not agree with the archive's own index was damaged, wherever that was.
fn failure(error: &DeliverError, identifier: &str) -> Failure {
    match error {
        DeliverError::Untrusted { source, .. } => damaged(source, identifier),
        DeliverError::Format { source, .. } => damaged(source, identifier),
        DeliverError::Plan { source, .. } => damaged(source, identifier),
        _ => error.to_failure(),
    }
}

fn damaged(source: &(dyn std::error::Error + 'static), identifier: &str) -> Failure {
    Failure::from_error(ErrorKind::InvalidInput, "archiveDamaged", source)
        .within(format!("what arrived as the archive of pack `{identifier}` is damaged"))
        .with_hint("put the archive on the server again; `headstart verify` says what is damaged")
}
