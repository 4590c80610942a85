//! Which app a call is about. `Spec: cli, common rules`.

use headstart_engine::view::PackView;
use headstart_engine::{PackKey, State, view};
use headstart_model::{AppId, ErrorKind, Failure, PackId};

use super::reply::Caller;

/// What tells which app is meant where none is named.
#[derive(Debug, Clone)]
pub(super) enum Meant {
    /// Nothing: it is the only one that is installed.
    Only,
    /// It has this pack. Where nobody has it, and no packs of any app are known yet: the service keeps its packs.
    Has(PackId),
    /// The service keeps its packs.
    Managed,
    /// Some pack of it is local.
    Local,
}

impl Meant {
    /// By a pack, if one is named.
    pub(super) fn has(pack: Option<&PackId>, other: Self) -> Self {
        pack.cloned().map_or(other, Self::Has)
    }
}

/// The app that a call is about: the one that it names, else the one that calls, else the only one that can be meant.
pub(super) async fn app_of(
    caller: Caller<'_>,
    named: Option<AppId>,
    meant: Meant,
) -> Result<AppId, Failure> {
    if caller.run.is_some() && named.is_some() && named.as_ref() != caller.app {
        let message = "an extension has to do with its own app only";
        return Err(
            Failure::new(ErrorKind::Refused, "otherApp", message).with_hint("leave the app out")
        );
    }
    if let Some(app) = named.or_else(|| caller.app.cloned()) {
        let wanted = app.clone();
        let known = caller.shared.core.query(move |state, _| view::app(state, &wanted).is_some());
        return if known.await? { Ok(app) } else { Err(app_not_found(&app)) };
    }
    let wanted = meant.clone();
    let candidates = caller.shared.core.query(move |state, _| candidates(state, &wanted)).await?;
    match (candidates.as_slice(), meant) {
        ([app], _) => Ok(app.clone()),
        ([], Meant::Has(pack)) => Err(pack_not_found(&pack)),
        ([], _) => Err(Failure::new(ErrorKind::NotFound, "appNotFound", "no app is installed")
            .with_hint("`headstart app install BUNDLE` installs one")),
        (several, _) => {
            let names: Vec<_> = several.iter().map(AppId::as_str).collect();
            let message = format!("several apps come into question: {}", names.join(", "));
            Err(Failure::new(ErrorKind::Usage, "appAmbiguous", message)
                .with_hint("name one with --app"))
        }
    }
}

fn candidates(state: &State, meant: &Meant) -> Vec<AppId> {
    let all: Vec<AppId> = view::apps(state).into_iter().map(|app| app.id).collect();
    let those = |is_meant: &dyn Fn(&AppId) -> bool| -> Vec<AppId> {
        all.iter().filter(|app| is_meant(app)).cloned().collect()
    };
    let found = match meant {
        Meant::Only => Vec::new(),
        Meant::Has(pack) => {
            let key = |app: &AppId| PackKey::new(app.clone(), pack.clone());
            let having = those(&|app| view::pack(state, &key(app)).is_some());
            if !having.is_empty() {
                return having;
            }
            // Where some packs are known, a name that is none of them is rather mistyped than that of an unknown one.
            let managed = those(&|app| view::is_managed(state, app));
            let none_known = managed.iter().all(|app| view::awaits_catalog(state, app));
            return if none_known { managed } else { Vec::new() };
        }
        Meant::Managed => those(&|app| view::is_managed(state, app)),
        Meant::Local => {
            let is_local = |pack: &PackView| pack.local_version.is_some();
            let packs = |app: &AppId| view::packs(state, app).unwrap_or_default();
            those(&|app| packs(app).iter().any(is_local))
        }
    };
    // Where it tells nothing, the call itself says better what is missing.
    if found.is_empty() { all } else { found }
}

fn app_not_found(app: &AppId) -> Failure {
    Failure::new(ErrorKind::NotFound, "appNotFound", format!("app `{app}` is not installed"))
        .with_hint("`headstart app list` shows what is installed")
}

pub(super) fn pack_not_found(pack: &PackId) -> Failure {
    let message = format!("there is no pack `{pack}`");
    Failure::new(ErrorKind::NotFound, "assetPackNotFound", message)
        .with_hint("`headstart packs list` shows what there is")
}
