//! From the engine's words to those of the socket.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use headstart_engine::record::InstallStage;
use headstart_engine::view::{AppState as EngineAppState, AppView, PackView};
use headstart_engine::{
    Explanation as EngineExplanation, InstallProgress, PackUpdate, Reason as EngineReason,
    WallTime, Withheld as EngineWithheld,
};
use headstart_model::protocol::apps::{AppInfo, AppState};
use headstart_model::protocol::packs::{
    Collision, Explanation, Pack, PackState, StatusUpdate, Withheld,
};
use headstart_model::protocol::{Phase, Progress, Reason};
use headstart_model::{AppId, DownloadPolicy, PackId, PackVersion};

pub(super) fn time(at: WallTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at.0)
}

pub(super) fn reason(reason: &EngineReason) -> Reason {
    Reason {
        fact: reason.fact.name().to_owned(),
        text: reason.fact.to_string(),
        since: reason.since.map(time),
        until: reason.until.map(time),
    }
}

pub(super) fn explanation(
    explanation: &EngineExplanation,
    collisions: Vec<Collision>,
) -> Explanation {
    Explanation {
        state: explanation.state.as_str().to_owned(),
        reasons: explanation.reasons.iter().map(reason).collect(),
        eta: explanation.eta.map(time),
        collisions,
    }
}

pub(super) fn pack(view: &PackView) -> Pack {
    Pack {
        id: view.id.clone(),
        // A pack that is no longer offered is known by the version that is here.
        version: view.version.or(view.local_version).unwrap_or(PackVersion(0)),
        download_size: view.download_bytes.unwrap_or(0),
        installed_size: view.installed_bytes.unwrap_or(0),
        user_info: view.user_info.clone(),
        language: view.language.clone(),
        policy: view.policy.clone().unwrap_or_else(DownloadPolicy::on_demand),
        trust: view.trust,
    }
}

pub(super) fn pack_state(app: &AppId, view: &PackView) -> PackState {
    PackState {
        app: app.clone(),
        pack: pack(view),
        local_version: view.local_version,
        status: view.status,
        withheld: view.withheld.clone().map(withheld),
    }
}

pub(super) fn withheld(withheld: EngineWithheld) -> Withheld {
    let EngineWithheld { pack, version, app_versions } = withheld;
    Withheld { pack, version, app_versions }
}

pub(super) fn app(view: &AppView) -> AppInfo {
    AppInfo {
        id: view.id.clone(),
        version: view.version.clone(),
        state: match view.state {
            EngineAppState::Installing => AppState::Installing,
            EngineAppState::Launchable => AppState::Launchable,
            EngineAppState::Removing => AppState::Removing,
        },
        essential_pending: view.essential_pending.len() as u64,
    }
}

pub(super) fn install_progress(progress: &InstallProgress) -> Progress {
    Progress {
        phase: match progress.stage {
            InstallStage::Files => Phase::Files,
            InstallStage::Install => Phase::Install,
            InstallStage::Essential => Phase::Essential,
        },
        pack: None,
        bytes_done: progress.bytes_done,
        bytes_total: progress.bytes_total,
        bytes_per_second: progress.bytes_per_second.unwrap_or(0),
        eta_seconds: seconds_left(
            progress.bytes_done,
            progress.bytes_total,
            progress.bytes_per_second,
        ),
        fraction: f64::from(progress.fraction_ppm) / 1_000_000.0,
    }
}

/// Seconds until all bytes are done; none when nothing moves, or nobody knows how many there are.
fn seconds_left(done: u64, total: u64, rate: Option<u64>) -> Option<u64> {
    let rate = rate.filter(|rate| *rate > 0 && total > 0)?;
    Some(total.saturating_sub(done).div_ceil(rate))
}

/// Progress of a pack's download.
pub(super) fn pack_progress(pack: &PackId, done: u64, total: u64, rate: Option<u64>) -> Progress {
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let fraction = if total == 0 { 1.0 } else { done as f64 / total as f64 };
    Progress {
        phase: Phase::Download,
        pack: Some(pack.clone()),
        bytes_done: done,
        bytes_total: total,
        bytes_per_second: rate.unwrap_or(0),
        eta_seconds: seconds_left(done, total, rate),
        fraction,
    }
}

pub(super) fn status_update(pack: Pack, update: &PackUpdate) -> StatusUpdate {
    match update {
        PackUpdate::Began => StatusUpdate::Began { pack },
        PackUpdate::Paused(reasons) => {
            StatusUpdate::Paused { pack, reasons: reasons.iter().map(reason).collect() }
        }
        PackUpdate::Downloading { bytes_done, bytes_total, bytes_per_second } => {
            let progress = pack_progress(&pack.id, *bytes_done, *bytes_total, *bytes_per_second);
            StatusUpdate::Downloading { pack, progress }
        }
        PackUpdate::Finished => StatusUpdate::Finished { pack },
        PackUpdate::Failed(failure) => StatusUpdate::Failed { pack, failure: failure.clone() },
    }
}
