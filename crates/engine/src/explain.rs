//! Why a pack is, or is not yet, here; and when it will be. `Spec: cli`, `explain`.

mod absent;

use headstart_model::catalog::CatalogPack;
use headstart_model::download::DownloadStatus;
use headstart_model::{AppId, Failure};

use crate::admit::{Verdict, admit};
use crate::ask;
use crate::effect::Withheld;
use crate::failures;
use crate::id::{DownloadId, PackKey};
use crate::live::{Course, Matter, Timer};
use crate::reason::{Fact, Reason};
use crate::record::{Outcome, Pack, Stage};
use crate::state::State;
use crate::time::{Now, WallTime};
use crate::transition::calls::{Permission, permission};
use crate::view::{awaits_catalog, status_of};

pub use absent::explain_catalog;
use absent::{absence, cancelled, without_catalog};

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
    state.records.app(&key.app).ok_or_else(|| failures::app_not_found(&key.app))?;
    let Some(pack) = state.records.pack(key) else {
        if awaits_catalog(state, &key.app) {
            let reasons = without_catalog(state, &key.app, now);
            return Ok(Explanation { state: PackState::Absent, reasons, missed: None, eta: None });
        }
        return Err(failures::pack_not_found(&key.app, &key.pack));
    };
    Ok(match pack.download {
        Some(id) => on_its_way(state, pack, id, now),
        None => at_rest(state, key, pack, now),
    })
}

/// Where a single download stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileExplanation {
    /// Where it is in its life.
    pub status: DownloadStatus,
    /// What stands in the way; those of [`admit`] word for word while it waits to be fetched.
    pub reasons: Vec<Reason>,
    /// When it is expected to have arrived; none when it has, or nobody can tell.
    pub eta: Option<WallTime>,
}

/// Explains where a download of any kind stands; none when there is no such download.
#[must_use]
pub fn explain_download(state: &State, id: DownloadId, now: Now) -> Option<FileExplanation> {
    if let Some(download) = state.records.download(id) {
        let explained = explain(state, &download.key, now).ok()?;
        let status = match explained.state {
            PackState::Downloading => DownloadStatus::Downloading,
            PackState::Installing | PackState::Local => DownloadStatus::Finished,
            _ => DownloadStatus::Waiting,
        };
        return Some(FileExplanation { status, reasons: explained.reasons, eta: explained.eta });
    }
    let file = state.records.file(id)?;
    let status = status_of(state, id, file);
    let (reasons, eta) = match (status, file.outcome()) {
        (DownloadStatus::Downloading, _) => (Vec::new(), arrival(state, id, now)),
        (_, Some(_)) => (untold(state, id, &file.app, now), None),
        (_, None) => {
            let reasons = waiting_for(state, id, now);
            let eta = latest(&reasons);
            (reasons, eta)
        }
    };
    Some(FileExplanation { status, reasons, eta })
}

/// Why nobody has taken note of the end of a download.
fn untold(state: &State, id: DownloadId, app: &AppId, now: Now) -> Vec<Reason> {
    let failure = state.records.file(id).and_then(|file| match file.outcome()? {
        Outcome::Failed(failure) => Some(failure.clone()),
        Outcome::Finished { .. } => None,
    });
    let ended = failure.map(|failure| Reason::new(Fact::Ended { failure }));
    let calls = state.live.calls.of(app);
    let open = calls.map(|calls| [&calls.to_delegate, &calls.to_extension]);
    let asked = open.into_iter().flatten().flatten();
    let being_told =
        asked.into_iter().any(|open| matches!(open.matter, Matter::Conclusion(told) if told == id));
    let telling = if being_told {
        vec![Reason::new(Fact::BeingTold)]
    } else {
        match permission(state, app, now.wall) {
            Permission::Granted { .. } => vec![Reason::new(Fact::Untold)],
            Permission::Denied(reason) if reason.fact == Fact::Untold => vec![reason],
            Permission::Denied(reason) => vec![Reason::new(Fact::Untold), reason],
        }
    };
    ended.into_iter().chain(telling).collect()
}

fn on_its_way(state: &State, pack: &Pack, id: DownloadId, now: Now) -> Explanation {
    let stage = state.records.download(id).map(|download| download.stage);
    let (at, reasons) = match stage {
        Some(Stage::Built) if waits_for_release(state, pack, id) => {
            (PackState::Installing, vec![Reason::new(Fact::ReleaseIncomplete)])
        }
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

fn waits_for_release(state: &State, pack: &Pack, id: DownloadId) -> bool {
    let app = state.records.download(id).map(|download| &download.key.app);
    pack.local.is_some() && app.is_some_and(|app| state.live.updating.contains_key(app))
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
    let moved = u128::from(progress.shown().checked_sub(from).filter(|moved| *moved > 0)?);
    let left = u128::from(progress.total.saturating_sub(progress.shown()));
    let span_ms = u128::from(at.ms_until(now.monotonic));
    u64::try_from(left * span_ms / moved).ok().map(|left_ms| now.wall.after_ms(left_ms))
}

fn at_rest(state: &State, key: &PackKey, pack: &Pack, now: Now) -> Explanation {
    let (at, mut reasons) = match (&pack.local, &pack.offer) {
        _ if pack.leaving.is_some() => (PackState::Leaving, Vec::new()),
        (Some(local), None) if pack.withheld.is_some() => {
            let same = pack.withheld.as_ref().is_some_and(|newest| local.is(newest));
            (if same { PackState::Local } else { PackState::Outdated }, Vec::new())
        }
        // Nobody offers what an app brought by itself.
        (Some(_), None) if pack.described().is_some() && !is_listed(state, key) => {
            (PackState::Local, Vec::new())
        }
        (Some(_), None) => (PackState::Obsolete, vec![Reason::new(Fact::NotOffered)]),
        (Some(_), Some(_)) if pack.is_current() => (PackState::Local, Vec::new()),
        (Some(_), Some(offer)) => {
            let declined = pack.declined == Some(offer.content);
            let reasons = cancelled(key, pack).filter(|_| declined).into_iter();
            (PackState::Outdated, reasons.chain([next_check(state, key, now)]).collect())
        }
        (None, _) => (PackState::Absent, absence(state, key, pack)),
    };
    reasons.extend(pack.withheld.as_ref().and_then(|newest| withheld(state, key, newest)));
    reasons.extend(ask::distrust(state, &key.app).map(|reason| {
        let next = state.live.timers.time_of(&Timer::Periodic(key.app.clone()));
        next.map_or(reason.clone(), |at| reason.until(now.wall_at(at)))
    }));
    Explanation { state: at, reasons, missed: pack.missed.clone(), eta: None }
}

/// Whether there is a list of what the app is offered.
fn is_listed(state: &State, key: &PackKey) -> bool {
    state.records.app(&key.app).is_some_and(|app| app.release.is_some())
}

fn withheld(state: &State, key: &PackKey, newest: &CatalogPack) -> Option<Reason> {
    let present = state.records.app(&key.app)?.bundle.version.clone();
    let Withheld { version, app_versions, .. } = Withheld::of(newest)?;
    Some(Reason::new(Fact::OtherAppVersion { version, wanted: app_versions, present }))
}

fn next_check(state: &State, key: &PackKey, now: Now) -> Reason {
    let reason = Reason::new(Fact::NextCheck);
    match state.live.timers.time_of(&Timer::Periodic(key.app.clone())) {
        Some(at) => reason.until(now.wall_at(at)),
        None => reason,
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::{
        DownloadPolicy, ErrorKind, InstallationEventType, InstallationEventTypes,
    };

    use super::*;
    use crate::record::{Bundle, Setting, Switch};
    use crate::testing::{Bench, bundle, key, offer, prefetch, with_manifest};
    use crate::{CancelTarget, Event, FactsChange, Network, Order};

    fn explained(bench: &Bench, pack: &str) -> Explanation {
        explain(&bench.state, &key(pack), bench.now()).expect("it is known")
    }

    fn only_fact(bench: &Bench, pack: &str) -> Fact {
        let reasons = explained(bench, pack).reasons;
        let [reason] = &reasons[..] else { panic!("{reasons:?}") };
        reason.fact.clone()
    }

    #[test]
    fn a_pack_that_is_not_coming_says_why() {
        let updates = InstallationEventTypes {
            installation_event_types: vec![InstallationEventType::SubsequentUpdate],
        };
        let mut localized = offer("german", 1, prefetch());
        localized.language = Some("de".parse().expect("a language"));
        let bench = Bench::installed(vec![
            offer("extra", 1, DownloadPolicy::on_demand()),
            offer("later", 1, DownloadPolicy::Prefetch(updates)),
            localized,
        ]);
        assert_eq!(only_fact(&bench, "extra"), Fact::NotWanted);
        assert_eq!(only_fact(&bench, "later"), Fact::OtherEvent);
        let language = "de".parse().expect("a language");
        assert_eq!(only_fact(&bench, "german"), Fact::Localized { language, resolved: None });
        let failure = explain(&bench.state, &key("unheard-of"), bench.now()).expect_err("unknown");
        assert_eq!(failure.kind, ErrorKind::NotFound);
    }

    #[test]
    fn reasons_are_those_of_the_decision_and_none_when_it_moves() {
        let mut bench = Bench::installed(vec![offer("core", 1, prefetch())]);
        bench.publish(vec![offer("core", 2, prefetch())]);
        bench.periodic();
        bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
        assert_eq!(explained(&bench, "core").state, PackState::Downloading);
        let effect = bench.order(|order| matches!(order, Order::Plan(_)));
        let failure = Failure::new(ErrorKind::Network, "connect", "no connection");
        bench.hear(Event::TransferFailed { effect, failure: failure.clone() });
        let offline = FactsChange { network: Some(Network::Offline), ..FactsChange::default() };
        bench.hear(Event::FactsChanged { news: offline });
        let waiting = explained(&bench, "core");
        assert_eq!(waiting.state, PackState::Waiting);
        let facts: Vec<_> = waiting.reasons.iter().map(|reason| reason.fact.clone()).collect();
        assert_eq!(facts, [Fact::BackingOff { attempts: 1, failure }, Fact::Offline]);
        assert_eq!(waiting.eta, None, "nobody knows when the network comes back");
    }

    #[test]
    fn before_the_first_catalog_the_reason_is_why_there_is_none() {
        for (kind, name) in
            [(ErrorKind::Untrusted, "distrusted"), (ErrorKind::NotFound, "backingOff")]
        {
            let mut bench = Bench::new(Vec::new());
            bench.install();
            bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
            let effect = bench.order(|order| matches!(order, Order::FetchCatalog { .. }));
            let failure = Failure::new(kind, "metadataExpired", "expired");
            bench.hear(Event::CatalogFailed { effect, failure });
            let explained = explained(&bench, "core");
            let facts: Vec<_> = explained.reasons.iter().map(|reason| reason.fact.name()).collect();
            assert_eq!(
                (explained.state, &facts[..]),
                (PackState::Absent, &["noCatalog", name][..])
            );
            assert!(explained.reasons[1].until.is_some(), "it is tried again");
            let from = Some("https://assets.example".to_owned());
            assert_eq!(explained.reasons[0].fact, Fact::NoCatalog { from });
            let app = key("core").app;
            assert_eq!(explain_catalog(&bench.state, &app, bench.now()), explained.reasons);
        }
    }

    #[test]
    fn no_catalog_is_awaited_where_none_comes() {
        for bundle in [with_manifest(), Bundle { repository: None, ..bundle("1") }] {
            let mut bench = Bench::new(Vec::new());
            bench.install_bundle(bundle);
            let failure = explain(&bench.state, &key("core"), bench.now()).expect_err("unknown");
            assert_eq!(failure.code.as_str(), "assetPackNotFound");
        }
    }

    #[test]
    fn a_cancelled_pack_says_so_until_it_begins_again() {
        let mut bench = Bench::installed(vec![
            offer("core", 1, prefetch()),
            offer("extra", 1, DownloadPolicy::on_demand()),
        ]);
        bench.publish(vec![
            offer("core", 2, prefetch()),
            offer("extra", 1, DownloadPolicy::on_demand()),
        ]);
        ensure(&mut bench, "extra");
        assert_eq!(explained(&bench, "extra").state, PackState::Downloading);
        cancel(&mut bench, "extra");
        assert_eq!(only_fact(&bench, "extra"), by_request("extra", false));
        let text = by_request("extra", false).to_string();
        let app = key("extra").app;
        let again = format!("`headstart packs ensure extra --app {app}` begins it again");
        assert!(text.ends_with(&again), "{text}");
        ensure(&mut bench, "extra");
        assert_eq!(explained(&bench, "extra").state, PackState::Downloading);

        bench.periodic();
        bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
        cancel(&mut bench, "core");
        let facts: Vec<_> =
            explained(&bench, "core").reasons.into_iter().map(|reason| reason.fact).collect();
        assert_eq!(facts, [by_request("core", true), Fact::NextCheck]);
    }

    fn by_request(pack: &str, update: bool) -> Fact {
        let PackKey { app, pack } = key(pack);
        Fact::CancelledByRequest { app, pack, update }
    }

    fn ensure(bench: &mut Bench, pack: &str) {
        bench.call(|caller| Event::EnsureRequested {
            caller,
            app: key(pack).app,
            packs: vec![key(pack).pack],
            terms: crate::record::Freshness::Any.into(),
        });
    }

    fn cancel(bench: &mut Bench, pack: &str) {
        let target = CancelTarget::Pack(key(pack).app, key(pack).pack);
        bench.call(|caller| Event::CancelRequested { caller, target });
        bench.finish_everything();
    }

    #[test]
    fn a_pack_that_waits_for_in_app_content_says_so() {
        let mut bench = Bench::new(vec![offer("core", 1, prefetch())]);
        let setting = Setting::InAppContent(Switch::Off);
        bench.call(|caller| Event::SettingChanged { caller, setting });
        bench.install();
        bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
        bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
        assert_eq!(only_fact(&bench, "core"), Fact::InAppContentOff);
    }

    #[test]
    fn an_outdated_pack_says_when_it_is_looked_after() {
        let mut bench = Bench::installed(vec![offer("core", 1, prefetch())]);
        assert_eq!(explained(&bench, "core").state, PackState::Local);
        bench.publish(vec![offer("core", 2, prefetch()), offer("more", 1, prefetch())]);
        bench.call(|caller| Event::EnsureRequested {
            caller,
            app: key("more").app,
            packs: vec![key("more").pack],
            terms: crate::record::Freshness::Any.into(),
        });
        bench.finish_everything();
        let outdated = explained(&bench, "core");
        assert_eq!(outdated.state, PackState::Outdated);
        assert_eq!(outdated.reasons[0].fact, Fact::NextCheck);
        let until = outdated.reasons[0].until.expect("within a day");
        assert!(bench.now().wall.ms_until(until) <= 24 * 60 * 60 * 1000);
    }
}
