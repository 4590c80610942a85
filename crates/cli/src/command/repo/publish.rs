//! `repo publish`: one atomic release of several packs.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use headstart_model::protocol::packs::COLLISIONS_TOLD_MAX;
use headstart_model::{AppVersions, ChannelName, Failure, PackId};
use headstart_pack::Level;
use headstart_repo::author::{
    ChangeError, Collision, Doing, Mode, Outcome, Preparation, PrepareError, PreparedPack,
    PublishError, Reader, ReleaseRequest, Released, Step,
};
use serde_json::{Value, json};

use super::place::{Desk, Repository, Signing};
use super::{outcome, sentence};
use crate::command::Verdict;
use crate::context::Context;
use crate::output::{Advance, Progress, size};
use crate::{archive, failure, quantity, temporary};

/// Collisions that people are told of by name.
const COLLISIONS_NAMED_MAX: usize = 10;

/// Publishes archives as one release: devices see all of it or nothing
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo publish assets-repo textures.assetpack\n  \
    headstart repo publish assets-repo textures.assetpack music.assetpack --channel beta --rollout 10\n  \
    headstart repo publish assets-repo textures.assetpack --dry-run\n\n\
    Packs that are not named stay live. A pack with the content and manifest of its newest version makes no new one.")]
pub(crate) struct Publish {
    /// The repository
    repo: Repository,
    /// The archives
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,
    /// The channel that gets the release
    #[arg(long, value_name = "NAME", default_value = "production")]
    channel: ChannelName,
    /// The share of devices that get it
    #[arg(long, value_name = "PERCENT", default_value = "100", value_parser = quantity::percent)]
    rollout: u8,
    /// Make delta bundles from so many of the last versions
    #[arg(long, value_name = "K", default_value_t = 3)]
    deltas: usize,
    /// How much work goes into small delta bundles: fast, balanced or small
    #[arg(long, value_name = "LEVEL", default_value = "balanced")]
    level: Level,
    /// The versions of the app that these packs are for, such as ">=1.4, <2", whatever their manifests say
    #[arg(long, value_name = "RANGE")]
    app_versions: Option<AppVersions>,
    /// Work out everything, write nothing; without keys it is not tried whether they would do
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    signing: Signing,
}

impl Publish {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        check_archives(&self.packs)?;
        let mut desk = if self.dry_run {
            self.signing.try_out(context, &self.repo)?
        } else {
            Desk::Writing(self.signing.open(context, &self.repo)?)
        };
        let staging = temporary::folder(context, "publish")?;
        let how = Preparation {
            staging: staging.path().to_owned(),
            deltas: self.deltas,
            level: self.level,
            app_versions: self.app_versions.clone(),
        };
        let progress = context.output.progress();
        let packs = prepare(context, desk.reader(), &self.packs, &how, &progress)?;
        progress.finish();
        let request =
            ReleaseRequest { channel: self.channel.clone(), rollout_percent: self.rollout, packs };
        let mode = if self.dry_run { Mode::DryRun } else { Mode::Commit };
        let collisions = desk.reader().collisions(&self.channel, &request.packs);
        let now = context.now();
        let (released, has_keys) = match &mut desk {
            Desk::Writing(writer) => (writer.publish(&request, mode, now), true),
            Desk::Looking(reader) => (reader.try_publish(&request, now), false),
        };
        let released = released.map_err(|error| error.to_failure())?;
        let signing = match released.committed.outcome {
            Outcome::Unchanged => Signed::Nothing,
            _ if has_keys => Signed::Yes,
            _ => Signed::WithoutKeys,
        };
        for Collision { path, packs } in collisions.iter().take(COLLISIONS_NAMED_MAX) {
            let names: Vec<_> = packs.iter().map(PackId::as_str).collect();
            context
                .output
                .remark(format!("warning: `{path}` is in several packs: {}", names.join(", ")));
        }
        if let Some(more) =
            collisions.len().checked_sub(COLLISIONS_NAMED_MAX).filter(|more| *more > 0)
        {
            context.output.remark(format!("warning: {more} more paths are in several packs"));
        }
        let mut done = self.done(&released, &collisions);
        if self.dry_run {
            done["signingTried"] = (signing == Signed::Yes).into();
        }
        context.output.done(done, || self.text(&released, signing));
        Ok(Verdict::Done)
    }

    fn done(&self, released: &Released, collisions: &[Collision]) -> Value {
        let collisions = collisions.iter().take(COLLISIONS_TOLD_MAX);
        let collisions =
            collisions.map(|Collision { path, packs }| json!({"path": path, "packs": packs}));
        let packs = released.packs.iter().map(|pack| {
            let deltas = pack.deltas.iter();
            let deltas = deltas.map(|delta| json!({"from": delta.from, "bytes": delta.bytes}));
            json!({
                "id": pack.id, "version": pack.version, "newBytes": pack.new_bytes,
                "deltas": deltas.collect::<Vec<_>>(),
            })
        });
        json!({
            "release": released.committed.release,
            "outcome": outcome(released.committed.outcome),
            "channel": self.channel,
            "rollout": self.rollout,
            "packs": packs.collect::<Vec<_>>(),
            "collisions": collisions.collect::<Vec<_>>(),
        })
    }

    fn text(&self, released: &Released, signing: Signed) -> String {
        let mut lines = vec![sentence(&released.committed, &format!("channel {}", self.channel))];
        for pack in &released.packs {
            let deltas = pack.deltas.iter();
            let deltas =
                deltas.map(|delta| format!(", from version {} {}", delta.from, size(delta.bytes)));
            let deltas: String = deltas.collect();
            let new = size(pack.new_bytes);
            lines.push(format!("  {} version {}: {new} new{deltas}", pack.id, pack.version));
        }
        if signing == Signed::WithoutKeys {
            lines.push("signing was not tried: there is no online key here".to_owned());
        }
        if !matches!(released.committed.outcome, Outcome::Unchanged | Outcome::WouldRelease) {
            let repo = self.repo.folder().display();
            lines.push(format!("next: headstart serve {repo}"));
        }
        lines.join("\n")
    }
}

/// Whether anything was signed, and so the keys are known to do; in a dry run nothing is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signed {
    Yes,
    /// Nothing is to be released.
    Nothing,
    /// There are no keys for it here.
    WithoutKeys,
}

/// Refuses files that are no archives, and two of one pack, before anything is waited for.
pub(super) fn check_archives(archives: &[PathBuf]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for path in archives {
        let reader = archive::open(path)?;
        let id = archive::manifest(path, &reader)?.asset_pack_id;
        if let Some(id) = seen.replace(id) {
            return Err(PublishError::from(ChangeError::Duplicate { id }).to_failure());
        }
    }
    Ok(())
}

/// Makes every archive ready, with progress; may be interrupted.
pub(super) fn prepare(
    context: &Context,
    reader: &mut Reader,
    archives: &[PathBuf],
    how: &Preparation,
    progress: &Progress<'_>,
) -> Result<Vec<PreparedPack>, Failure> {
    let interrupted = context.interrupted()?;
    let mut work =
        Work { packs: archives.len(), steps: how.deltas + 1, pack: 0, step: 0, doing: None };
    let mut prepared = Vec::new();
    for archive in archives {
        let mut steps = |step: Step| {
            progress.advance(&work.advance(step));
            if interrupted.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let pack = reader.prepare(archive, how, &mut steps).map_err(|error| match error {
            PrepareError::Cancelled => failure::cancelled(),
            error => error.to_failure(),
        })?;
        prepared.push(pack);
        work.next_pack();
    }
    Ok(prepared)
}

/// How far the preparation of several packs is; each step of each pack counts the same.
struct Work {
    packs: usize,
    steps: usize,
    pack: usize,
    step: usize,
    doing: Option<Doing>,
}

impl Work {
    fn next_pack(&mut self) {
        self.pack += 1;
        self.step = 0;
        self.doing = None;
    }

    fn advance(&mut self, step: Step) -> Advance {
        if self.doing.is_some_and(|doing| doing != step.doing) {
            self.step += 1;
        }
        self.doing = Some(step.doing);
        let phase = match step.doing {
            Doing::MakingDelta { .. } => "delta",
            _ => "check",
        };
        let within = step.bytes_done as f64 / step.bytes_total.max(1) as f64;
        let of_pack = (self.step as f64 + within) / self.steps as f64;
        Advance {
            phase: phase.to_owned(),
            pack: String::new(),
            bytes_done: step.bytes_done,
            bytes_total: step.bytes_total,
            fraction: Some((self.pack as f64 + of_pack) / self.packs.max(1) as f64),
        }
    }
}
