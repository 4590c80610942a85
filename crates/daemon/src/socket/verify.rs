//! `io.headstart.Packs.Verify`.

use headstart_engine::{PackKey, view};
use headstart_model::protocol::packs::{Repair, Verification, VerifiedPack, Verify, VerifyEvent};
use headstart_model::protocol::{PackFailure, Phase, Progress};
use headstart_model::{AppId, ErrorKind, Failure, PackId};
use headstart_store::{InstalledVersion, Namespaces};

use super::packs::app_of;
use super::reply::{Caller, End, Replies};
use crate::perform::blocking;

/// Reads every file of the packs again. Repairing is refused: see the failure.
pub(super) async fn verify(
    caller: Caller<'_>,
    call: Verify,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    if call.repair == Repair::Repair {
        let message = "packs cannot be repaired in place";
        return Err(Failure::new(ErrorKind::Refused, "repairNotSupported", message)
            .with_hint("remove the damaged pack and ensure it again")
            .into());
    }
    let app = app_of(caller, call.app, call.packs.first()).await?;
    let packs = if call.packs.is_empty() { local_packs(caller, &app).await? } else { call.packs };
    let total = packs.len() as u64;
    let mut outcome = Verification::default();
    for (number, pack) in (0..).zip(packs) {
        replies.between::<Verify>(&VerifyEvent::Progress(progress(&pack, number, total))).await?;
        match verify_pack(caller, &app, &pack).await {
            Ok(verified) => outcome.packs.push(verified),
            Err(failure) => outcome.failures.push(PackFailure { pack, failure }),
        }
    }
    replies.last::<Verify>(&VerifyEvent::Done(outcome)).await
}

async fn local_packs(caller: Caller<'_>, app: &AppId) -> Result<Vec<PackId>, Failure> {
    let app = app.clone();
    let views = caller.shared.core.query(move |state, _| view::packs(state, &app)).await?;
    let views = views.unwrap_or_default().into_iter();
    Ok(views.filter(|view| view.local_version.is_some()).map(|view| view.id).collect())
}

fn progress(pack: &PackId, done: u64, total: u64) -> Progress {
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let fraction = done as f64 / total.max(1) as f64;
    Progress {
        phase: Phase::Verify,
        pack: Some(pack.clone()),
        bytes_done: done,
        bytes_total: total,
        bytes_per_second: 0,
        eta_seconds: None,
        fraction,
    }
}

async fn verify_pack(
    caller: Caller<'_>,
    app: &AppId,
    pack: &PackId,
) -> Result<VerifiedPack, Failure> {
    let key = PackKey::new(app.clone(), pack.clone());
    let known = caller.shared.core.query(move |state, _| view::pack(state, &key).is_some());
    let known = known.await?;
    let (layout, app, id) = (caller.shared.context.layout.clone(), app.clone(), pack.clone());
    let found = blocking(move || {
        let live = Namespaces::new(&layout, &app).live().map_err(|e| e.to_failure())?;
        let Some(live) = live.into_iter().find(|live| live.id == id) else {
            return Err(not_local(&id, known));
        };
        let version =
            InstalledVersion::open(&layout.home().join(live.folder)).map_err(|e| e.to_failure())?;
        Ok(version.verify())
    });
    let damaged = found.await??;
    let damaged_files = damaged.into_iter().map(|damage| damage.path).collect();
    Ok(VerifiedPack { id: pack.clone(), damaged_files, bytes_down: 0 })
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
