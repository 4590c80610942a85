//! Healing a version in its place: only what is damaged is fetched.

use std::sync::Arc;

use headstart_deliver::{DeliverError, Delivery, Goal, HeldFolder};
use headstart_engine::record::{LocalVersion, ServerAccess};
use headstart_engine::{DISK_RESERVE_BYTES, PackKey, State, Supply};
use headstart_model::catalog::CatalogPack;
use headstart_model::{AppId, ErrorKind, Failure, PackId, PackPath};
use headstart_pack::plan::HeldVersion;
use headstart_store::{
    Finish, InstalledVersion, Layout, Lease, LivePack, Sharing, heal, sweep_repairs,
};
use headstart_sys::mode::Access;
use headstart_sys::space;
use headstart_transfer::{Tracking, Urgency};
use tokio_util::sync::CancellationToken;

use super::archives;
use super::context::{Context, blocking};
use super::deliver::key;

/// What there is to know of a pack that may be repaired.
#[derive(Debug, Clone)]
pub(crate) struct Patient {
    app: AppId,
    pack: PackId,
    local: LocalVersion,
    offer: Option<CatalogPack>,
    /// Where it can be fetched from; none when nobody knows.
    supply: Option<Supply>,
    access: ServerAccess,
}

/// What a repair has done.
#[derive(Debug)]
pub(crate) struct Healed {
    /// The files that were damaged or missing, by path.
    pub(crate) files: Vec<PackPath>,
    /// Bytes that were fetched for them.
    pub(crate) bytes_down: u64,
}

/// What the engine knows of a local pack; `None` when it is not local.
pub(crate) fn patient(state: &State, key: &PackKey) -> Option<Patient> {
    let pack = state.records().pack(key)?;
    let app = state.records().app(&key.app)?;
    let local = pack.local?;
    let offered = pack.offer.as_ref().is_some_and(|offer| local.is(offer));
    let supply = match (&pack.archive, app.repository()) {
        (Some(archive), _) if offered => Some(Supply::Archive(archive.clone())),
        (None, Some(repository)) if offered || local.trust.is_signed() => {
            Some(Supply::Repository(repository))
        }
        _ => None,
    };
    let (offer, access) = (pack.offer.clone(), app.access());
    Some(Patient { app: key.app.clone(), pack: key.pack.clone(), local, offer, supply, access })
}

/// Heals the version that is live: the one that `lease` holds. The person who asked waits for it, so nothing is put off. One at a time: what is
/// built is taken apart when the version is healed.
pub(crate) async fn repair(
    context: &Arc<Context>,
    patient: Patient,
    lease: Lease,
    stop: &CancellationToken,
) -> Result<Healed, Failure> {
    let _alone = tokio::select! {
        biased;
        alone = context.repairs.lock() => alone,
        () = stop.cancelled() => return Err(DeliverError::Cancelled.to_failure()),
    };
    let Patient { app, pack, local, .. } = &patient;
    let folder = context.layout.version(app, pack, key(local));
    let here = LivePack::folder_of(&context.layout, app, pack, key(local));
    if !lease.packs().iter().any(|live| live.id == *pack && live.folder == here) {
        return Err(switched(pack));
    }
    let whole = context.layout.repair(app, pack, key(local)).join("whole");
    let goal = goal(context, &patient)?;
    // On the heap: its state is large.
    let bytes_down = Box::pin(build(context, &patient, goal, stop)).await?;
    let repairs = context.layout.pack_repairs(app, pack);
    let mended = blocking(move || {
        // What is held must not be removed while its files are replaced.
        let _lease = lease;
        let files = heal(&folder, InstalledVersion::open(&whole)?)?;
        sweep_repairs(&repairs, None)?;
        Ok(files)
    });
    let files = mended.await?.map_err(|e: headstart_store::StoreError| e.to_failure())?;
    tracing::info!(%app, %pack, files = files.len(), bytes_down, "repaired");
    Ok(Healed { files, bytes_down })
}

/// Where the undamaged version is built, and what of.
fn goal(context: &Context, patient: &Patient) -> Result<Goal, Failure> {
    let Patient { app, pack, local, .. } = patient;
    let layout = &context.layout;
    let entry = entry_of(layout, patient).ok_or_else(|| unknown(pack))?;
    let held = HeldFolder {
        version: HeldVersion { version: local.version, content: local.content },
        folder: layout.version(app, pack, key(local)),
        sharing: Sharing::HardLinks,
    };
    let place = layout.repair(app, pack, key(local));
    let about = serde_json::to_vec(&entry).unwrap_or_default();
    Ok(Goal {
        pack: entry,
        held: vec![held],
        beside: Vec::new(),
        leftovers: Vec::new(),
        staging: place.join("staging"),
        finish: Finish { folder: place.join("whole"), access: Access::ReadOnly, about },
    })
}

/// The catalog's entry of the version that is local: today's, or the one by which it was installed. What it says of digests is signed
/// either way or leads nowhere: what is built must have the content that the engine has on record.
fn entry_of(layout: &Layout, patient: &Patient) -> Option<CatalogPack> {
    let Patient { app, pack, local, offer, .. } = patient;
    let is_local = |entry: &CatalogPack| entry.id == *pack && local.is(entry);
    offer.clone().filter(is_local).or_else(|| {
        let version = InstalledVersion::open(&layout.version(app, pack, key(local))).ok()?;
        serde_json::from_slice(&version.about().ok()?).ok().filter(is_local)
    })
}

/// Fetches what is damaged and builds the version beside the damaged one; gives the bytes that were fetched.
async fn build(
    context: &Arc<Context>,
    patient: &Patient,
    goal: Goal,
    stop: &CancellationToken,
) -> Result<u64, Failure> {
    let Patient { app, pack, local, supply, access: allowed, .. } = patient;
    let nowhere = || if local.trust.is_signed() { no_repository(app) } else { unknown(pack) };
    let supply = supply.as_ref().ok_or_else(nowhere)?;
    let pace = context.pacing.of_app(app, Urgency::Foreground);
    let tracking = Tracking::new(&format!("repair of {pack}")).with_pace(pace);
    let access = archives::access(context, (supply, &goal.pack), allowed, tracking)?;
    let tracking = access.tracking().clone();
    let failed = |error: DeliverError| {
        if error.is_missing() { freed(pack, &error) } else { archives::failure(&error, supply) }
    };
    let (repairs, place) =
        (context.layout.pack_repairs(app, pack), goal.staging.parent().map(ToOwned::to_owned));
    let swept = blocking(move || sweep_repairs(&repairs, place.as_deref())).await?;
    swept.map_err(|error| error.to_failure())?;
    let delivery = Delivery::prepare_repair(access, goal, stop).await.map_err(failed)?;
    check_space(context, delivery.receipt().peak_extra_disk)?;
    delivery.carry_out(Arc::new(|_, _| {}), stop).await.map_err(failed)?;
    Ok(tracking.meter().ledger().total().body_bytes)
}

/// Whether the disk has room for so many bytes, beside what is left alone.
pub(super) fn check_space(context: &Context, bytes: u64) -> Result<(), Failure> {
    let needed = bytes.saturating_add(DISK_RESERVE_BYTES);
    match space::available_bytes(context.layout.home()) {
        Ok(free) if free < needed => Err(no_space(needed, free)),
        _ => Ok(()),
    }
}

fn switched(pack: &PackId) -> Failure {
    let message = format!("another version of pack `{pack}` became live meanwhile");
    Failure::new(ErrorKind::Conflict, "versionSwitched", message).with_hint("verify it again")
}

fn unknown(pack: &PackId) -> Failure {
    let message =
        format!("it is not known any more where version and content of pack `{pack}` came from");
    Failure::new(ErrorKind::NotFound, "repairImpossible", message).with_hint(
        "`headstart packs remove PACK` and `headstart packs ensure PACK` fetch the newest version whole",
    )
}

fn freed(pack: &PackId, error: &DeliverError) -> Failure {
    let within =
        format!("the repository has the version of pack `{pack}` no more that is installed");
    Failure::from_error(ErrorKind::NotFound, "repairImpossible", error)
        .within(within)
        .with_hint("`headstart packs update` brings the newest version")
}

fn no_repository(app: &AppId) -> Failure {
    let message = format!("the bundle of `{app}` names no repository");
    Failure::new(ErrorKind::NotFound, "noRepository", message)
        .with_hint("set `BARepositoryURL` in the bundle and update the app")
}

fn no_space(needed: u64, free: u64) -> Failure {
    let message = format!("{needed} bytes are needed on disk and {free} are free");
    Failure::new(ErrorKind::NoSpace, "noSpace", message)
        .with_hint("remove packs that are not needed, or free space on the disk")
}
