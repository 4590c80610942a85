//! `packs`: what the library's calls do, from the command line.

mod cat;
mod files;
mod verify;

use std::slice::from_ref;

use clap::{Args, Subcommand};
use futures::StreamExt as _;
use headstart::packs::{EnsureEvent, PackState, Repair, StatusUpdate, StatusUpdateEvent, Withheld};
use headstart::{AppId, Language, PackId, Require, Status};
use headstart_model::{Failure, PackPath};
use serde_json::{Value, json};

use super::super::Verdict;
use super::app::ended;
use super::awaited::no_packs;
use super::nearest::{names, suggest};
use super::{connector, failed, translate};
use crate::context::Context;
use crate::output::{count, size, table};

/// Lists, fetches, reads and removes asset packs
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Packs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists packs and their status
    #[command(
        after_help = "Examples:\n  headstart packs list\n  headstart packs list --app com.example.game --json"
    )]
    List {
        #[command(flatten)]
        of: OfApp,
    },
    /// Says what is known of one pack
    #[command(after_help = "Examples:\n  headstart packs status textures")]
    Status {
        /// The pack
        pack: PackId,
        #[command(flatten)]
        of: OfApp,
    },
    /// Waits until packs are local; fetches what is not
    #[command(
        after_help = "Examples:\n  headstart packs ensure textures sounds\n  headstart packs ensure textures --latest"
    )]
    Ensure {
        /// The packs
        #[arg(required = true)]
        packs: Vec<PackId>,
        /// Wait for an update too, if there is one
        #[arg(long)]
        latest: bool,
        #[command(flatten)]
        of: OfApp,
    },
    /// Removes local packs; they come back when they are asked for
    #[command(after_help = "Examples:\n  headstart packs remove textures")]
    Remove {
        /// The packs
        #[arg(required = true)]
        packs: Vec<PackId>,
        #[command(flatten)]
        of: OfApp,
    },
    /// Brings local packs up to date, and waits for it
    #[command(after_help = "Examples:\n  headstart packs update --app com.example.game")]
    Update {
        #[command(flatten)]
        of: OfApp,
    },
    /// Says where a file lies
    #[command(
        after_help = "Examples:\n  headstart packs path textures/sky.png --app com.example.game"
    )]
    Path(Find),
    /// Prints the bytes of a file
    #[command(
        after_help = "Examples:\n  headstart packs cat story/intro.txt --app com.example.game\n  \
        headstart packs cat films/intro.m4v --pack films --ahead"
    )]
    Cat(cat::Cat),
    /// Makes a folder with the files of a pack that can be written to; brings one up to date that was made so
    #[command(
        after_help = "Examples:\n  headstart packs checkout textures ./textures\n  headstart packs checkout textures ./textures --force\n\n\
        The state lies beside it, in DEST.headstart. What somebody changed in DEST is left alone; where an update would replace it, nothing is done."
    )]
    Checkout(files::Checkout),
    /// Moves a file out of its pack: it is yours from then on
    #[command(
        after_help = "Examples:\n  headstart packs consume videos/intro.m4v ./intro.m4v --app com.example.game"
    )]
    Consume(files::Consume),
    /// Reads local packs again and names what is damaged
    #[command(
        after_help = "Examples:\n  headstart packs verify\n  headstart packs verify textures --repair --json"
    )]
    Verify {
        /// The packs; all local ones if none is named
        packs: Vec<PackId>,
        /// Fetch what is damaged, and nothing else
        #[arg(long)]
        repair: bool,
        #[command(flatten)]
        of: OfApp,
    },
}

#[derive(Debug, Args)]
struct OfApp {
    /// The app, where it is not clear
    #[arg(long)]
    app: Option<AppId>,
}

#[derive(Debug, Args)]
struct Find {
    /// The path in the app's namespace
    path: PackPath,
    /// The app
    #[arg(long)]
    app: Option<AppId>,
    /// Only in this pack
    #[arg(long)]
    pack: Option<PackId>,
    /// Only in packs of this language
    #[arg(long)]
    language: Option<Language>,
}

impl Packs {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let named = self.what.named();
        self.what.run(context).map_err(|failure| suggest(context, failure, &named))
    }
}

impl What {
    /// The packs and the app that are named.
    fn named(&self) -> Vec<&str> {
        match self {
            Self::List { of } | Self::Update { of } => names(&[], of.app.as_ref()),
            Self::Status { pack, of } => names(from_ref(pack), of.app.as_ref()),
            Self::Ensure { packs, of, .. }
            | Self::Remove { packs, of }
            | Self::Verify { packs, of, .. } => names(packs, of.app.as_ref()),
            Self::Path(find) => names(find.pack.as_slice(), find.app.as_ref()),
            Self::Cat(cat) => cat.named(),
            Self::Checkout(checkout) => checkout.named(),
            Self::Consume(consume) => consume.named(),
        }
    }

    fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        match self {
            Self::List { of } => list(context, of),
            Self::Status { pack, of } => status(context, pack, of),
            Self::Ensure { packs, latest, of } => {
                let require = if *latest { Require::LatestVersion } else { Require::AnyVersion };
                context.block_on(ensure(context, packs, require, of))
            }
            Self::Remove { packs, of } => remove(context, packs, of),
            Self::Update { of } => context.block_on(update(context, of)),
            Self::Path(find) => path(context, find),
            Self::Cat(cat) => cat.run(context),
            Self::Checkout(checkout) => checkout.run(context),
            Self::Consume(consume) => consume.run(context),
            Self::Verify { packs, repair, of } => {
                let repair = if *repair { Repair::Repair } else { Repair::Report };
                context.block_on(verify::verify(context, packs, repair, of))
            }
        }
    }
}

fn describe(state: &PackState) -> Value {
    json!({
        "id": state.pack.id,
        "app": state.app,
        "version": state.pack.version,
        "localVersion": state.local_version,
        "status": state.status,
        "downloadSize": state.pack.download_size,
        "installedSize": state.pack.installed_size,
        "policy": state.pack.policy.name(),
        "language": state.pack.language,
        "trust": state.pack.trust,
        "withheld": state.withheld.as_ref().map(described),
    })
}

fn described(withheld: &Withheld) -> Value {
    json!({ "version": withheld.version, "appVersions": withheld.app_versions })
}

fn row(state: &PackState) -> Vec<String> {
    let local = match state.local_version {
        Some(version) if version == state.pack.version => format!("version {version}"),
        Some(version) => format!("version {version} of {}", state.pack.version),
        None => format!("not here (version {})", state.pack.version),
    };
    let flags: Vec<_> = state.status.names().collect();
    // What is signed is the rule, and needs no word.
    let trust = state.pack.trust;
    let trust = if trust.is_signed() { String::new() } else { format!(" ({trust})") };
    vec![
        state.pack.id.to_string(),
        local,
        size(state.pack.installed_size),
        state.pack.policy.name().to_owned(),
        flags.join(" ")
            + &trust
            + &state.withheld.as_ref().map_or_else(String::new, |withheld| {
                format!(" (version {} needs app {})", withheld.version, withheld.app_versions)
            }),
    ]
}

fn list(context: &Context, of: &OfApp) -> Result<Verdict, Failure> {
    let packs = context.block_on(async {
        let packs = connector(context, of.app.as_ref()).packs().map_err(failed)?;
        packs.list().await.map_err(failed)
    })?;
    let document: Vec<_> = packs.iter().map(describe).collect();
    context.output.document(&json!({ "packs": document }), || {
        if packs.is_empty() {
            return no_packs(context, of.app.as_ref());
        }
        // Whose pack it is matters only where there are several.
        let of_several =
            packs.windows(2).any(|pair| matches!(pair, [one, other] if one.app != other.app));
        let app = |state: &PackState| of_several.then(|| state.app.to_string());
        let rows = packs.iter().map(|state| app(state).into_iter().chain(row(state)).collect());
        table(&rows.collect::<Vec<Vec<_>>>())
    });
    Ok(Verdict::Done)
}

fn status(context: &Context, pack: &PackId, of: &OfApp) -> Result<Verdict, Failure> {
    let state = context.block_on(async {
        let packs = connector(context, of.app.as_ref()).packs().map_err(failed)?;
        packs.status(pack, None).await.map_err(failed)
    })?;
    context.output.document(&json!({ "packs": [describe(&state)] }), || table(&[row(&state)]));
    Ok(Verdict::Done)
}

async fn ensure(
    context: &Context,
    wanted: &[PackId],
    require: Require,
    of: &OfApp,
) -> Result<Verdict, Failure> {
    let packs = connector(context, of.app.as_ref()).packs().map_err(failed)?;
    let mut events = packs.ensure(wanted, require).await.map_err(failed)?;
    let output = &context.output;
    let progress = output.progress();
    while let Some(event) = events.next().await {
        match event.map_err(failed)? {
            EnsureEvent::Update(StatusUpdate::Downloading { progress: moved, .. })
            | EnsureEvent::Progress(moved) => progress.advance(&translate(&moved)),
            // Without a reason it goes on at once, or has failed, of which the end tells.
            EnsureEvent::Update(StatusUpdate::Paused { pack, reasons }) if !reasons.is_empty() => {
                let texts: Vec<_> = reasons.iter().map(|reason| reason.text.as_str()).collect();
                output.remark(format!("{} waits: {}", pack.id, texts.join("; ")));
            }
            EnsureEvent::Done(outcome) => {
                progress.finish();
                return concluded(context, &outcome);
            }
            _ => {}
        }
    }
    Err(ended())
}

/// Every pack has concluded; when some failed, the first failure is that of the command.
fn concluded(
    context: &Context,
    outcome: &headstart::packs::EnsureOutcome,
) -> Result<Verdict, Failure> {
    if let Some(first) = outcome.failures.first() {
        let others = outcome.failures.len() - 1;
        let mut failure = first.failure.clone();
        if others > 0 {
            let message = format!("{} could not be made local", count(others as u64 + 1, "pack"));
            failure = failure.within(message);
        }
        return Err(failure);
    }
    let here: Vec<_> = outcome
        .successes
        .iter()
        .map(|pack| json!({ "id": pack.id, "version": pack.version }))
        .collect();
    context.output.done(json!({ "packs": here }), || {
        let names = outcome.successes.iter().map(|p| format!("{} {}", p.id, p.version));
        format!("Local: {}", names.collect::<Vec<_>>().join(", "))
    });
    Ok(Verdict::Done)
}

fn remove(context: &Context, packs: &[PackId], of: &OfApp) -> Result<Verdict, Failure> {
    context.block_on(async {
        let service = connector(context, of.app.as_ref()).packs().map_err(failed)?;
        for pack in packs {
            service.remove(pack).await.map_err(failed)?;
        }
        Ok(())
    })?;
    context.output.document(&json!({ "removed": packs }), || {
        let names: Vec<_> = packs.iter().map(PackId::as_str).collect();
        format!("Removed: {}", names.join(", "))
    });
    Ok(Verdict::Done)
}

/// Checks, then waits for every download that the check began.
async fn update(context: &Context, of: &OfApp) -> Result<Verdict, Failure> {
    let packs = connector(context, of.app.as_ref()).packs().map_err(failed)?;
    // Listening begins before the check, so that no news of its downloads is missed.
    let mut updates = packs.status_updates(None).await.map_err(failed)?;
    loop {
        match updates.next().await {
            Some(Ok(StatusUpdateEvent::Subscribed {})) => break,
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(failed(error)),
            None => return Err(ended()),
        }
    }
    let found = packs.check_for_updates().await.map_err(failed)?;
    let mut waiting = found.updating.clone();
    // A small update may have concluded while the check was being answered.
    for state in packs.list().await.map_err(failed)? {
        if state.status.contains(Status::UP_TO_DATE) {
            waiting.retain(|pack| *pack != state.pack.id);
        }
    }
    let progress = context.output.progress();
    let mut failure = None;
    while !waiting.is_empty() {
        let Some(event) = updates.next().await else { return Err(ended()) };
        let StatusUpdateEvent::Update(update) = event.map_err(failed)? else { continue };
        let pack = update.pack().id.clone();
        match update {
            StatusUpdate::Downloading { progress: moved, .. } => {
                progress.advance(&translate(&moved));
            }
            StatusUpdate::Finished { .. } => waiting.retain(|waiting| *waiting != pack),
            StatusUpdate::Failed { failure: why, .. } => {
                waiting.retain(|waiting| *waiting != pack);
                failure = failure.or(Some(why));
            }
            _ => {}
        }
    }
    progress.finish();
    if let Some(failure) = failure {
        return Err(failure);
    }
    let withheld: Vec<_> = found
        .withheld
        .iter()
        .map(|one| json!({ "id": one.pack, "version": one.version, "appVersions": one.app_versions }))
        .collect();
    for one in &found.withheld {
        let (pack, version, wanted) = (&one.pack, one.version, &one.app_versions);
        context.output.remark(format!("{pack} {version} is for versions {wanted} of the app"));
    }
    let done =
        json!({ "updating": found.updating, "removed": found.removed, "withheld": withheld });
    context.output.done(done, || {
        let names =
            |packs: &[PackId]| packs.iter().map(PackId::as_str).collect::<Vec<_>>().join(", ");
        match (found.updating.is_empty(), found.removed.is_empty()) {
            (true, true) => "Everything is up to date.".to_owned(),
            (false, true) => format!("Updated: {}", names(&found.updating)),
            (true, false) => format!("Removed: {}", names(&found.removed)),
            (false, false) => {
                format!("Updated: {}\nRemoved: {}", names(&found.updating), names(&found.removed))
            }
        }
    });
    Ok(Verdict::Done)
}

fn locate(context: &Context, find: &Find) -> Result<std::path::PathBuf, Failure> {
    context.block_on(async {
        let packs = connector(context, find.app.as_ref()).packs().map_err(failed)?;
        packs.locate(&find.path, find.pack.clone(), find.language.clone()).await.map_err(failed)
    })
}

fn path(context: &Context, find: &Find) -> Result<Verdict, Failure> {
    let path = locate(context, find)?;
    context.output.document(&json!({ "path": path }), || path.display().to_string());
    Ok(Verdict::Done)
}
