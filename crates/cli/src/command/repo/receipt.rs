//! `repo receipt`: what an update would cost, before it is published.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use headstart_model::catalog::{CatalogPack, DeltaRef};
use headstart_model::{Failure, PackId, PackVersion, Verified};
use headstart_pack::plan::{self, FetchPlan, LinkCosts};
use headstart_pack::{
    ArchiveReader, BlockTable, ChunkSet, CompleteTree, FormatError, Level, Tree, section,
};
use headstart_repo::author::{Preparation, PreparedPack, Staged, Writer};
use headstart_repo::layout;
use serde::Serialize;
use serde_json::json;

use super::place::{Repository, Signing};
use super::publish::prepare;
use crate::command::Verdict;
use crate::context::Context;
use crate::output::{size, table};
use crate::{archive, failure, quantity, temporary};

/// Shows what an update would cost devices with each earlier version, before it is published
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo receipt assets-repo textures.assetpack\n  \
    headstart repo receipt assets-repo textures.assetpack --budget 20M\n\n\
    Ends with 1 if a device would have to fetch more than the budget.")]
pub(crate) struct Receipt {
    /// The repository
    repo: Repository,
    /// The archives
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,
    /// The most bytes that an update may cost a device
    #[arg(long, value_name = "BYTES", value_parser = quantity::bytes)]
    budget: Option<u64>,
    /// As `repo publish` would be given it
    #[arg(long, value_name = "K", default_value_t = 3)]
    deltas: usize,
    /// As `repo publish` would be given it
    #[arg(long, value_name = "LEVEL", default_value = "balanced")]
    level: Level,
    #[command(flatten)]
    signing: Signing,
}

/// What an update costs a device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    id: PackId,
    from: PackVersion,
    to: PackVersion,
    requests: u64,
    bytes_down: u64,
    bytes_written: u64,
    peak_extra_disk: u64,
}

impl Receipt {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        self.packs.iter().try_for_each(|path| archive::open(path).map(drop))?;
        let mut writer = self.signing.open(context, &self.repo)?;
        let staging = temporary::folder(context, "receipt")?;
        let how = Preparation {
            staging: staging.path().to_owned(),
            deltas: self.deltas,
            level: self.level,
        };
        let mut costs = Vec::new();
        for path in &self.packs {
            let archives = std::slice::from_ref(path);
            let packs = prepare(context, &mut writer, archives, &how, &context.output.bar())?;
            let reader = archive::open(path)?;
            for pack in packs {
                costs.extend(self.costs(&mut writer, &pack, &reader)?);
            }
        }
        context.output.document(&json!({"packs": costs}), || text(&costs));
        let over = |cost: &&Cost| self.budget.is_some_and(|budget| cost.bytes_down > budget);
        let Some(over) = costs.iter().find(over) else { return Ok(Verdict::Done) };
        let budget = size(self.budget.unwrap_or_default());
        let (id, from, bytes) = (&over.id, over.from, size(over.bytes_down));
        context.output.remark(format!(
            "over budget: {id} from version {from} costs {bytes}, {budget} are allowed"
        ));
        Ok(Verdict::Failed)
    }

    /// The cost from each version that is still in the repository.
    fn costs(
        &self,
        writer: &mut Writer,
        pack: &PreparedPack,
        reader: &ArchiveReader<File>,
    ) -> Result<Vec<Cost>, Failure> {
        let versions = writer.versions(&pack.id, usize::MAX).map_err(|error| error.to_failure())?;
        let to = match versions.first() {
            Some(newest) if pack.is_same_as(newest) => newest.version,
            newest => PackVersion(newest.map_or(1, |newest| newest.version.0.saturating_add(1))),
        };
        let former = versions.iter().filter(|version| version.version != to);
        former.map(|former| self.cost(former, to, pack, reader)).collect()
    }

    fn cost(
        &self,
        former: &CatalogPack,
        to: PackVersion,
        pack: &PreparedPack,
        reader: &ArchiveReader<File>,
    ) -> Result<Cost, Failure> {
        let new = reader.complete();
        let index = |source: FormatError| failure::of_archive(self.repo.folder(), &source);
        let old = read_index(self.repo.folder(), former).map_err(index)?;
        let delta = pack.deltas.iter().find(|delta| delta.named.from == former.version);
        let (plan, head_bytes, missing) = if former.content == pack.content {
            (FetchPlan::default(), 0, 0)
        } else if let Some(delta) = delta {
            let (table, held) = read_delta(delta, old.tree()).map_err(index)?;
            let head_bytes = delta.named.structure_bytes;
            (fetch(new.tree(), &table, head_bytes, &held)?, head_bytes, missing(new.tree(), &held))
        } else {
            let held = by_name(new, &old);
            let head_bytes = pack.index.named.structure_bytes + pack.index.named.names_bytes;
            (fetch(new.tree(), reader.table(), 0, &held)?, head_bytes, missing(new.tree(), &held))
        };
        let head_requests = u64::from(head_bytes > 0);
        Ok(Cost {
            id: pack.id.clone(),
            from: former.version,
            to,
            requests: plan.ranges.len() as u64 + head_requests,
            bytes_down: plan.bytes_down + head_bytes,
            bytes_written: missing,
            // Until the switch both versions are there; what can be cloned takes no room.
            peak_extra_disk: missing,
        })
    }
}

fn missing(tree: &Tree, held: &ChunkSet) -> u64 {
    let files = tree
        .files()
        .filter(|(_, _, file)| tree.chunks_of(file).iter().any(|chunk| !held.contains(*chunk)));
    files.map(|(_, _, file)| file.size).sum()
}

fn fetch(
    tree: &Tree,
    table: &BlockTable,
    head_bytes: u64,
    held: &ChunkSet,
) -> Result<FetchPlan, Failure> {
    plan::plan_fetch(tree, table, head_bytes, held, LinkCosts::default()).map_err(|error| {
        Failure::from_error(headstart_model::ErrorKind::Internal, "planFailed", &error)
    })
}

/// The index of a version that is in the repository.
fn read_index(repo: &Path, pack: &CatalogPack) -> Result<CompleteTree, FormatError> {
    let path = layout::join(repo, &pack.index_path())
        .expect("paths of a catalog are made of checked names");
    let limit = pack.index.structure_bytes.saturating_add(pack.index.names_bytes);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    let cut_short = || FormatError::Truncated { what: "the index" };
    let head = usize::try_from(pack.index.structure_bytes).map_err(|_| cut_short())?;
    let (structure, names) = bytes.split_at_checked(head).ok_or_else(cut_short)?;
    let damaged = |source| FormatError::Damaged { what: "the index", source };
    let structure = Verified::check(structure, &pack.index.digest).map_err(damaged)?;
    section::decode_names(section::decode_full(&structure)?.tree, names, &pack.content)
}

/// The blocks of a delta bundle, and the chunks that it takes from the old version.
fn read_delta(delta: &Staged<DeltaRef>, old: &Tree) -> Result<(BlockTable, ChunkSet), FormatError> {
    let mut head = Vec::new();
    File::open(&delta.path)?.take(delta.named.structure_bytes).read_to_end(&mut head)?;
    let damaged = |source| FormatError::Damaged { what: "the delta", source };
    let head = Verified::check(head, &delta.named.structure_digest).map_err(damaged)?;
    let structure = section::decode_delta(&head, old)?;
    let mut held = ChunkSet::empty(structure.tree.chunk_count());
    for (chunk, same) in (0..).zip(&structure.same_as_old) {
        if same.is_some() {
            held.insert(chunk);
        }
    }
    Ok((structure.table, held))
}

fn by_name(new: &CompleteTree, old: &CompleteTree) -> ChunkSet {
    let names: std::collections::HashSet<_> = old.names().iter().collect();
    let mut held = ChunkSet::empty(new.tree().chunk_count());
    for (chunk, name) in (0..).zip(new.names()) {
        if names.contains(name) {
            held.insert(chunk);
        }
    }
    held
}

fn text(costs: &[Cost]) -> String {
    if costs.is_empty() {
        return "no earlier version is in the repository".to_owned();
    }
    let head = ["PACK", "FROM", "TO", "REQUESTS", "DOWN", "WRITTEN", "EXTRA DISK"];
    let rows = costs.iter().map(|cost| {
        vec![
            cost.id.to_string(),
            cost.from.to_string(),
            cost.to.to_string(),
            cost.requests.to_string(),
            size(cost.bytes_down),
            size(cost.bytes_written),
            size(cost.peak_extra_disk),
        ]
    });
    table(&std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect::<Vec<_>>())
}
