//! Planning and carrying out a delivery.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use headstart_deliver::{Delivery, Goal, HeldFolder, Moved, ProgressListener};
use headstart_engine::record::PlanFigures;
use headstart_engine::{Delivery as Ordered, EffectId, Event};
use headstart_model::{Digest, Failure, PackVersion};
use headstart_pack::plan::HeldVersion;
use headstart_store::{Finish, InstalledVersion, Sharing};
use headstart_sys::mode::Access;
use headstart_transfer::Tracking;
use tokio_util::sync::CancellationToken;

use super::archives;
use super::challenges::Challenger;
use super::context::{Context, blocking};
use super::pacing::urgency;
use crate::inbox::CoreHandle;

/// The engine hears of progress at most so often.
const REPORT_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn plan(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    ordered: Ordered,
    stop: &CancellationToken,
) -> Event {
    match prepare(context, core, effect, &ordered, stop).await {
        Ok(Prepared::Ready(delivery)) => {
            let receipt = delivery.receipt();
            let plan = PlanFigures {
                total_bytes: receipt.bytes_total,
                remaining_bytes: receipt.bytes_down,
                disk_bytes: receipt.peak_extra_disk,
            };
            tracing::info!(
                pack = %ordered.target.id, version = %ordered.target.version, way = ?receipt.way,
                bytes_down = receipt.bytes_down, bytes_reused = receipt.bytes_reused, "planned"
            );
            // Whether there is room for it is decided by what is so now.
            core.event(Event::FactsChanged { news: context.free_space() });
            Event::PlanMade { effect, plan }
        }
        Ok(Prepared::InPlace) => {
            let plan = PlanFigures { total_bytes: 0, remaining_bytes: 0, disk_bytes: 0 };
            Event::PlanMade { effect, plan }
        }
        Err(_) if stop.is_cancelled() => Event::Stopped { effect },
        Err(failure) => Event::TransferFailed { effect, failure },
    }
}

pub(super) async fn transfer(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    ordered: Ordered,
    stop: &CancellationToken,
) -> Event {
    match carry_out(context, core, effect, &ordered, stop).await {
        Ok(()) => Event::TransferFinished { effect },
        Err(_) if stop.is_cancelled() => Event::Stopped { effect },
        Err(failure) => Event::TransferFailed { effect, failure },
    }
}

async fn carry_out(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    ordered: &Ordered,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let Prepared::Ready(delivery) = prepare(context, core, effect, ordered, stop).await? else {
        return Ok(());
    };
    let receipt = *delivery.receipt();
    let before = receipt.bytes_total.saturating_sub(receipt.bytes_down);
    let progress = reporter(core.clone(), effect, before);
    let readers = context.readers.of(&ordered.app, &ordered.target.id);
    let delivery = delivery.read_by(readers);
    let delivered = delivery.carry_out(progress, stop).await;
    let delivered = delivered.map_err(|error| archives::failure(&error, &ordered.supply))?;
    tracing::info!(
        pack = %ordered.target.id, version = %ordered.target.version, way = ?delivered.way,
        bytes_down = receipt.bytes_down + receipt.index_bytes_down,
        bytes_reused = delivered.bytes_reused, bytes_written = delivered.built.bytes_written, "built"
    );
    Ok(())
}

enum Prepared {
    Ready(Box<Delivery>),
    /// An earlier life finished it.
    InPlace,
}

async fn prepare(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    ordered: &Ordered,
    stop: &CancellationToken,
) -> Result<Prepared, Failure> {
    let (layout, app, target) = (&context.layout, &ordered.app, &ordered.target);
    let folder = layout.version(app, &target.id, (target.version, &target.content));
    let (there, content) = (folder.clone(), target.content);
    if blocking(move || is_in_place(&there, &content)).await? {
        return Ok(Prepared::InPlace);
    }
    let held = ordered.local.iter().map(|local| HeldFolder {
        version: HeldVersion { version: local.version, content: local.content },
        folder: layout.version(app, &target.id, (local.version, &local.content)),
        sharing: Sharing::HardLinks,
    });
    let beside = ordered.beside.iter().map(|(pack, local)| HeldFolder {
        version: HeldVersion { version: local.version, content: local.content },
        folder: layout.version(app, pack, (local.version, &local.content)),
        // Each pack may be consumed by itself.
        sharing: Sharing::Independent,
    });
    let about = serde_json::to_vec(&**target).unwrap_or_default();
    let staging = layout.staging(app, &target.id, (target.version, &target.content));
    let goal = Goal {
        pack: (**target).clone(),
        held: held.collect(),
        beside: beside.collect(),
        leftovers: leftovers(&staging),
        staging,
        finish: Finish { folder, access: Access::ReadOnly, about },
    };
    let pace = context.pacing.of_effect(effect, app, urgency(ordered.class));
    let tracking = Tracking::new(&format!("download {}", ordered.download)).with_pace(pace);
    let challenger = Challenger::of_content(core.clone(), effect);
    let tracking = tracking.with_authenticator(Arc::new(challenger));
    let from = (&ordered.supply, &goal.pack);
    let access = archives::access(context, from, &ordered.access, tracking)?;
    let delivery = Delivery::prepare(access, goal, stop).await;
    let delivery = delivery.map_err(|error| archives::failure(&error, &ordered.supply))?;
    Ok(Prepared::Ready(Box::new(delivery)))
}

/// Where other versions of the pack were being built when a newer one took their place.
fn leftovers(staging: &Path) -> Vec<PathBuf> {
    let others = staging.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let others = others.into_iter().flatten().flatten().map(|entry| entry.path());
    others.filter(|other| other != staging).collect()
}

pub(super) fn is_in_place(folder: &Path, content: &Digest) -> bool {
    InstalledVersion::open(folder)
        .is_ok_and(|version| version.complete().content() == *content && version.is_unchanged())
}

/// Reports progress ten times a second at most, so that a fast network does not flood the engine; the end always.
fn reporter(core: CoreHandle, effect: EffectId, before: u64) -> ProgressListener {
    let reported = Mutex::new((None::<Instant>, Moved::default()));
    Arc::new(move |moved: Moved| {
        let mut reported = reported.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, last) = *reported;
        let complete = moved.done_bytes == moved.total_bytes;
        if !complete && at.is_some_and(|at| at.elapsed() < REPORT_EVERY) {
            return;
        }
        *reported = (Some(Instant::now()), moved);
        if moved.done_bytes != last.done_bytes || at.is_none() {
            core.event(Event::BytesMoved { effect, bytes_done: before + moved.done_bytes });
        }
        if moved.arriving_bytes != last.arriving_bytes {
            core.event(Event::BytesArriving { effect, bytes: moved.arriving_bytes });
        }
    })
}

/// The key of a version on disk.
pub(super) fn key(version: &headstart_engine::record::LocalVersion) -> (PackVersion, &Digest) {
    (version.version, &version.content)
}
