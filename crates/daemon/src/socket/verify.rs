//! `io.headstart.Packs.Verify`.

use std::sync::Arc;

use headstart_engine::{PackKey, view};
use headstart_model::protocol::packs::{Repair, Verification, VerifiedPack, Verify, VerifyEvent};
use headstart_model::protocol::{PackFailure, Phase, Progress};
use headstart_model::{AppId, ErrorKind, Failure, PackId, PackPath};
use headstart_store::{InstalledVersion, Lease, Namespaces, StoreError, sweep_repairs};
use tokio_util::sync::CancellationToken;

use super::meant::{Meant, app_of};
use super::reply::{Caller, End, Replies};
use crate::perform::{Healed, blocking, patient, repair};

/// Reads every file of the packs again, and heals what is damaged if that is asked for.
pub(super) async fn verify(
    caller: Caller<'_>,
    call: Verify,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::has(call.packs.first(), Meant::Local)).await?;
    let packs = if call.packs.is_empty() { local_packs(caller, &app).await? } else { call.packs };
    let total = packs.len() as u64;
    let mut outcome = Verification::default();
    for (number, pack) in (0..).zip(packs) {
        let progress = |phase| VerifyEvent::Progress(progress(phase, &pack, (number, total)));
        replies.between::<Verify>(&progress(Phase::Verify)).await?;
        let looked = look(caller, &app, &pack).await;
        if call.repair == Repair::Repair && looked.as_ref().is_ok_and(|looked| !looked.is_whole()) {
            replies.between::<Verify>(&progress(Phase::Repair)).await?;
        }
        let (verified, failure) = treat(caller, &app, &pack, (looked, call.repair)).await;
        outcome.packs.extend(verified);
        outcome.failures.extend(failure.map(|failure| PackFailure { pack, failure }));
    }
    replies.last::<Verify>(&VerifyEvent::Done(outcome)).await
}

async fn local_packs(caller: Caller<'_>, app: &AppId) -> Result<Vec<PackId>, Failure> {
    let app = app.clone();
    let views = caller.shared.core.query(move |state, _| view::packs(state, &app)).await?;
    let views = views.unwrap_or_default().into_iter();
    Ok(views.filter(|view| view.local_version.is_some()).map(|view| view.id).collect())
}

fn progress(phase: Phase, pack: &PackId, (done, total): (u64, u64)) -> Progress {
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let fraction = done as f64 / total.max(1) as f64;
    Progress {
        phase,
        pack: Some(pack.clone()),
        bytes_done: done,
        bytes_total: total,
        bytes_per_second: 0,
        eta_seconds: None,
        fraction,
    }
}

/// Verifies a pack, and heals it if that is wanted and needed. A pack that could be read and not be healed stands in both lists.
async fn treat(
    caller: Caller<'_>,
    app: &AppId,
    pack: &PackId,
    (looked, wanted): (Result<Looked, Failure>, Repair),
) -> (Option<VerifiedPack>, Option<Failure>) {
    let verified =
        |damaged_files, bytes_down| VerifiedPack { id: pack.clone(), damaged_files, bytes_down };
    let Looked { lease, found } = match looked {
        Ok(looked) => looked,
        Err(failure) => return (None, Some(failure)),
    };
    let damaged = match (found, wanted) {
        (Ok(damaged), Repair::Report) => return (Some(verified(damaged, 0)), None),
        (Ok(damaged), Repair::Repair) if damaged.is_empty() => {
            return (Some(verified(damaged, 0)), None);
        }
        (Err(error), Repair::Report) => return (None, Some(error.to_failure())),
        (found, Repair::Repair) => found.ok(),
    };
    match heal(caller, app, pack, lease).await {
        Ok(Healed { files, bytes_down }) => (Some(verified(files, bytes_down)), None),
        Err(failure) => (damaged.map(|damaged| verified(damaged, 0)), Some(failure)),
    }
}

/// What was found of a live version, which is held so that no update takes it away meanwhile.
struct Looked {
    lease: Lease,
    /// Its damaged files; an error when the record of it is damaged too.
    found: Result<Vec<PackPath>, StoreError>,
}

impl Looked {
    fn is_whole(&self) -> bool {
        self.found.as_ref().is_ok_and(Vec::is_empty)
    }
}

/// Reads the live version of a pack.
async fn look(caller: Caller<'_>, app: &AppId, pack: &PackId) -> Result<Looked, Failure> {
    let key = PackKey::new(app.clone(), pack.clone());
    let known = caller.shared.core.query(move |state, _| view::pack(state, &key).is_some());
    let known = known.await?;
    let (context, app, id) = (Arc::clone(&caller.shared.context), app.clone(), pack.clone());
    let looked = blocking(move || {
        let layout = &context.layout;
        let namespaces = Namespaces::new(layout, &app);
        {
            let _alone = context.alone();
            if let Err(error) = namespaces.sweep_consumed() {
                tracing::warn!(%error, "files that were handed over are removed another time");
            }
        }
        let lease = namespaces.lease().map_err(|e| e.to_failure())?;
        let lease = lease.ok_or_else(|| not_local(&id, known))?;
        let live = lease.packs().iter().find(|live| live.id == id);
        let folder = live.map(|live| layout.home().join(&live.folder));
        let folder = folder.ok_or_else(|| not_local(&id, known))?;
        let found = InstalledVersion::open(&folder).map(|version| version.verify());
        let found = found.map(|damaged| {
            damaged.into_iter().map(|damage| damage.path).collect::<Vec<PackPath>>()
        });
        let looked = Looked { lease, found };
        if looked.is_whole()
            && let Ok(_alone) = context.repairs.try_lock()
            && let Err(error) = sweep_repairs(&layout.pack_repairs(&app, &id), None)
        {
            tracing::warn!(%error, "what an earlier repair left is removed another time");
        }
        Ok(looked)
    });
    looked.await?
}

/// Goes to its end, or stops in order, also when the caller goes away: threads that write are always waited for.
async fn heal(
    caller: Caller<'_>,
    app: &AppId,
    pack: &PackId,
    lease: Lease,
) -> Result<Healed, Failure> {
    let key = PackKey::new(app.clone(), pack.clone());
    let known = caller.shared.core.query(move |state, _| patient(state, &key)).await?;
    let known = known.ok_or_else(|| not_local(pack, true))?;
    let (context, stop) = (Arc::clone(&caller.shared.context), CancellationToken::new());
    let _stop_when_gone = stop.clone().drop_guard();
    let healing =
        tokio::spawn(async move { Box::pin(repair(&context, known, lease, &stop)).await });
    healing.await.map_err(|error| {
        Failure::from_error(ErrorKind::Internal, "internal", &error).with_hint("please report this")
    })?
}

fn not_local(pack: &PackId, known: bool) -> Failure {
    let message = if known {
        format!("pack `{pack}` is not local")
    } else {
        format!("there is no pack `{pack}`")
    };
    Failure::new(ErrorKind::NotFound, "assetPackNotFound", message)
        .with_hint("`headstart packs ensure PACK` makes a pack local")
}
