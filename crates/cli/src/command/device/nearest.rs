//! What a person probably meant by a name that nothing has.

use headstart::{AppId, PackId};
use headstart_model::{Failure, nearest_name};

use super::connector;
use crate::context::Context;

/// Adds to the hint which name was probably meant, where it is an app or a pack that is not known. `named` is everything that the
/// command names. Ours: only for people; a program is told what was asked for and nothing else.
pub(super) fn suggest(context: &Context, failure: Failure, named: &[&str]) -> Failure {
    let of_packs = failure.code.as_str() == "assetPackNotFound";
    if context.output.is_for_program() || !(of_packs || failure.code.as_str() == "appNotFound") {
        return failure;
    }
    let known = context.block_on(known(context, of_packs)).unwrap_or_default();
    let unknown = named.iter().filter(|name| !known.iter().any(|known| known == *name));
    let nearest = unknown
        .filter(|name| failure.message.contains(&format!("`{name}`")))
        .find_map(|name| nearest_name(name, known.iter().map(String::as_str)));
    match nearest {
        Some(nearest) => {
            let hint = format!("did you mean `{nearest}`? {}", failure.hint);
            failure.with_hint(hint.trim_end())
        }
        None => failure,
    }
}

async fn known(context: &Context, of_packs: bool) -> Result<Vec<String>, Failure> {
    let connector = connector(context, None);
    let failed = super::failed;
    if of_packs {
        let packs = connector.packs().map_err(failed)?.list().await.map_err(failed)?;
        return Ok(packs.into_iter().map(|state| state.pack.id.to_string()).collect());
    }
    let apps = connector.apps().map_err(failed)?.list().await.map_err(failed)?;
    Ok(apps.into_iter().map(|app| app.id.to_string()).collect())
}

/// The packs and the app that a command names.
pub(super) fn names<'n>(packs: &'n [PackId], app: Option<&'n AppId>) -> Vec<&'n str> {
    packs.iter().map(PackId::as_str).chain(app.map(AppId::as_str)).collect()
}
