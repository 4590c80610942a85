//! Why a pack is, or is not yet, here; and when it will be. `Spec: cli`, `explain`.

use headstart_model::{ContentRequest, Failure};

use crate::admit::{Fact, Reason, Verdict, admit};
use crate::ask;
use crate::failures;
use crate::id::{DownloadId, PackKey};
use crate::live::{Course, Timer};
use crate::record::{Pack, Stage};
use crate::state::State;
use crate::time::{Now, WallTime};
use crate::transition::content;

/// Where a pack stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PackState {
    /// Not here and not on its way.
    Absent,
    /// On its way, and waits.
    Waiting,
    /// On its way, and moves.
    Downloading,
    /// Complete; is being put in place.
    Installing,
    /// Here, and the version that is offered.
    Local,
    /// Here; another version is offered.
    Outdated,
    /// Here; no longer offered.
    Obsolete,
    /// Being taken away.
    Leaving,
}

impl PackState {
    /// The name in listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Waiting => "waiting",
            Self::Downloading => "downloading",
            Self::Installing => "installing",
            Self::Local => "local",
            Self::Outdated => "outdated",
            Self::Obsolete => "obsolete",
            Self::Leaving => "leaving",
        }
    }
}

/// Where a pack stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Where it stands.
    pub state: PackState,
    /// What stands in the way; those of [`admit`] word for word when it is on its way.
    pub reasons: Vec<Reason>,
    /// Why the installation went on without it, if it did.
    pub missed: Option<Failure>,
    /// When it is expected to be here; none when that cannot be told or it is not on its way.
    pub eta: Option<WallTime>,
}

/// Explains where a pack stands.
///
/// # Errors
/// A [`Failure`] when the app is not installed, or neither has the pack nor is offered it.
pub fn explain(state: &State, key: &PackKey, now: Now) -> Result<Explanation, Failure> {
    let app = state.records.app(&key.app).ok_or_else(|| failures::app_not_found(&key.app))?;
    let Some(pack) = state.records.pack(key) else {
        if app.checked_at.is_none() {
            let reasons = vec![Reason::new(Fact::NoCatalog)];
            return Ok(Explanation { state: PackState::Absent, reasons, missed: None, eta: None });
        }
        return Err(failures::pack_not_found(&key.app, &key.pack));
    };
    Ok(match pack.download {
        Some(id) => on_its_way(state, pack, id, now),
        None => at_rest(state, key, pack, now),
    })
}

fn on_its_way(state: &State, pack: &Pack, id: DownloadId, now: Now) -> Explanation {
    let stage = state.records.download(id).map(|download| download.stage);
    let (at, reasons) = match stage {
        Some(Stage::Built | Stage::Switching(_)) => {
            (PackState::Installing, vec![Reason::new(Fact::Switching)])
        }
        Some(Stage::Planning(_) | Stage::Transferring(_)) if is_running(state, id) => {
            (PackState::Downloading, Vec::new())
        }
        Some(_) => (PackState::Waiting, waiting_for(state, id, now)),
        None => (PackState::Absent, Vec::new()),
    };
    let eta = match at {
        PackState::Downloading => arrival(state, id, now),
        PackState::Waiting => latest(&reasons),
        _ => None,
    };
    Explanation { state: at, reasons, missed: pack.missed.clone(), eta }
}

/// When the last of the reasons has ended; none when one of them cannot tell.
fn latest(reasons: &[Reason]) -> Option<WallTime> {
    let ends: Option<Vec<WallTime>> = reasons.iter().map(|reason| reason.until).collect();
    ends?.into_iter().max()
}

fn is_running(state: &State, id: DownloadId) -> bool {
    state.live.order_of(id).is_some_and(|(_, active)| active.course == Course::Running)
}

fn waiting_for(state: &State, id: DownloadId, now: Now) -> Vec<Reason> {
    let Some(ask) = ask::of_download(state, id) else { return Vec::new() };
    match admit(&ask, &state.live.facts, now) {
        Verdict::Wait(reasons) => reasons,
        Verdict::Go | Verdict::Refuse(_) => ask.own,
    }
}

/// When the bytes that are left will have arrived at the present rate.
fn arrival(state: &State, id: DownloadId, now: Now) -> Option<WallTime> {
    let progress = state.live.progress.get(&id)?;
    let (at, from) = progress.began?;
    let moved = u128::from(progress.done.checked_sub(from).filter(|moved| *moved > 0)?);
    let left = u128::from(progress.total.saturating_sub(progress.done));
    let span_ms = u128::from(at.ms_until(now.monotonic));
    u64::try_from(left * span_ms / moved).ok().map(|left_ms| now.wall.after_ms(left_ms))
}

fn at_rest(state: &State, key: &PackKey, pack: &Pack, now: Now) -> Explanation {
    let (at, mut reasons) = match (&pack.local, &pack.offer) {
        _ if pack.leaving.is_some() => (PackState::Leaving, Vec::new()),
        (Some(_), None) => (PackState::Obsolete, vec![Reason::new(Fact::NotOffered)]),
        (Some(_), Some(_)) if pack.is_current() => (PackState::Local, Vec::new()),
        (Some(_), Some(_)) => (PackState::Outdated, vec![next_check(state, key, now)]),
        (None, _) => (PackState::Absent, absence(state, key, pack)),
    };
    reasons.extend(ask::distrust(state, &key.app).map(|reason| {
        let next = state.live.timers.time_of(&Timer::Periodic(key.app.clone()));
        next.map_or(reason.clone(), |at| reason.until(now.wall_at(at)))
    }));
    Explanation { state: at, reasons, missed: pack.missed.clone(), eta: None }
}

fn next_check(state: &State, key: &PackKey, now: Now) -> Reason {
    let reason = Reason::new(Fact::NextCheck);
    match state.live.timers.time_of(&Timer::Periodic(key.app.clone())) {
        Some(at) => reason.until(now.wall_at(at)),
        None => reason,
    }
}

/// Why a pack that is not here is not on its way either.
fn absence(state: &State, key: &PackKey, pack: &Pack) -> Vec<Reason> {
    let Some(offer) = &pack.offer else {
        let asked = state.records.app(&key.app).is_some_and(|app| app.checked_at.is_none());
        let fact = if asked { Fact::NoCatalog } else { Fact::NotOffered };
        return vec![Reason::new(fact)];
    };
    if let Some(at) = pack.removed_at {
        return vec![Reason::new(Fact::RemovedByRequest).since(at)];
    }
    if offer.language.is_some() {
        return vec![Reason::new(Fact::Localized)];
    }
    let events = [ContentRequest::Install, ContentRequest::Update];
    let selected = events
        .iter()
        .any(|event| content::selection(offer, *event) != headstart_model::Selection::NotSelected);
    let fact = if selected { Fact::OtherEvent } else { Fact::NotWanted };
    vec![Reason::new(fact)]
}
