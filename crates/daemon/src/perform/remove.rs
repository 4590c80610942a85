//! Taking things away.

use std::path::Path;
use std::sync::Arc;

use headstart_engine::record::LocalVersion;
use headstart_engine::{EffectId, Event};
use headstart_model::namespace::CURRENT_FILE;
use headstart_model::{AppGroupId, AppId, Failure, PackId};
use headstart_store::{Namespaces, Removal, StoreError, discard};
use headstart_sys::{Action, FileError, durable};

use super::context::{Context, blocking};
use super::deliver::key;

pub(super) async fn version(
    context: &Arc<Context>,
    effect: EffectId,
    (app, pack): (AppId, PackId),
    version: LocalVersion,
) -> Event {
    let context = Arc::clone(context);
    let remove = move || {
        let namespaces = Namespaces::new(&context.layout, &app);
        context.removals.alone(&app, &pack, || namespaces.remove_version(&pack, key(&version)))
    };
    match blocking(remove).await {
        Ok(Ok(Removal::Removed)) => Event::Removed { effect },
        Ok(Ok(Removal::InUse)) => Event::VersionInUse { effect },
        Ok(Err(error)) => Event::RemovalFailed { effect, failure: error.to_failure() },
        Err(failure) => Event::RemovalFailed { effect, failure },
    }
}

pub(super) async fn staged(
    context: &Arc<Context>,
    effect: EffectId,
    app: AppId,
    pack: PackId,
) -> Event {
    let context = Arc::clone(context);
    let remove = move || staged_of(&context, &app, &pack);
    ended(effect, blocking(remove).await.and_then(|done| done.map_err(|e| e.to_failure())))
}

/// Removes what is being built of a pack, and what was built and never became live.
pub(super) fn staged_of(context: &Context, app: &AppId, pack: &PackId) -> Result<(), StoreError> {
    let staging = context.layout.pack_staging(app, pack);
    for folder in folders_in(&staging)? {
        discard(&staging.join(folder))?;
    }
    durable::remove_tree(&staging)?;
    let namespaces = Namespaces::new(&context.layout, app);
    context.removals.alone(app, pack, || namespaces.remove_unnamed_versions(pack))
}

pub(super) async fn app_data(
    context: &Arc<Context>,
    effect: EffectId,
    app: AppId,
    (keep, groups): (Vec<(PackId, LocalVersion)>, Vec<AppGroupId>),
) -> Event {
    let context = Arc::clone(context);
    let remove = move || {
        // An extension that was just starting when it had to end makes none after this.
        drop(context.making_containers());
        for group in &groups {
            durable::remove_tree(&context.layout.group(group))?;
        }
        remove_app(&context, &app, &keep)
    };
    ended(effect, blocking(remove).await.and_then(|done| done.map_err(|e| e.to_failure())))
}

fn remove_app(
    context: &Context,
    app: &AppId,
    keep: &[(PackId, LocalVersion)],
) -> Result<(), StoreError> {
    let layout = &context.layout;
    durable::remove_tree(&layout.app_staging(app))?;
    durable::remove_tree(&layout.app_repairs(app))?;
    if keep.is_empty() {
        // Nobody may find a namespace whose files are going.
        durable::remove_tree(&layout.namespaces(app).join(CURRENT_FILE))?;
        durable::remove_tree(&layout.app_packs(app))?;
        return Ok(durable::remove_tree(&layout.app(app))?);
    }
    let kept: Vec<_> =
        keep.iter().map(|(pack, version)| layout.version(app, pack, key(version))).collect();
    let packs = layout.app_packs(app);
    for pack in folders_in(&packs)? {
        for version in folders_in(&packs.join(&pack))? {
            let path = packs.join(&pack).join(version);
            if !kept.contains(&path) {
                durable::remove_tree(&path)?;
            }
        }
    }
    // The namespace says what the versions that stay are; everything else about the app goes.
    let (app_folder, namespaces) = (layout.app(app), layout.namespaces(app));
    for name in entries_in(&app_folder)? {
        let path = app_folder.join(name);
        if path != namespaces {
            durable::remove_tree(&path)?;
        }
    }
    Ok(())
}

fn ended(effect: EffectId, result: Result<(), Failure>) -> Event {
    match result {
        Ok(()) => Event::Removed { effect },
        Err(failure) => Event::RemovalFailed { effect, failure },
    }
}

fn entries_in(folder: &Path) -> Result<Vec<std::ffi::OsString>, StoreError> {
    match std::fs::read_dir(folder) {
        Ok(list) => Ok(list.flatten().map(|entry| entry.file_name()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(FileError::new(Action::Read, folder, error).into()),
    }
}

fn folders_in(folder: &Path) -> Result<Vec<std::ffi::OsString>, StoreError> {
    let mut names = entries_in(folder)?;
    names.retain(|name| folder.join(name).is_dir());
    Ok(names)
}
