//! `repo receipt`: what an update would cost, before it is published.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use headstart_deliver::{
    Delivery, Finish, Goal, HeldFolder, InstalledVersion, Location, RepositoryAccess, Sharing, Way,
};
use headstart_model::catalog::CatalogPack;
use headstart_model::{Failure, PackId, PackVersion, Verified};
use headstart_pack::plan::HeldVersion;
use headstart_pack::{CompleteTree, FormatError, Level, section};
use headstart_repo::author::{Preparation, PreparedPack, PublishError, Reader};
use headstart_repo::layout;
use headstart_sys::identity::FileStamp;
use headstart_sys::mode::Access;
use headstart_sys::{Action, FileError, durable};
use headstart_transfer::{Client, ClientConfig, Tracking};
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::place::{Repository, Signing};
use super::publish::{check_archives, prepare};
use crate::command::Verdict;
use crate::context::Context;
use crate::output::{size, table};
use crate::{failure, quantity, temporary};

/// Shows what an update would cost devices with each earlier version, before it is published
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo receipt assets-repo textures.assetpack\n  \
    headstart repo receipt assets-repo textures.assetpack --budget 20M\n\n\
    Ends with 1 if a device would have to fetch more than the budget. No key is needed.")]
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
    way: Way,
    requests: u64,
    bytes_down: u64,
    bytes_written: u64,
    peak_extra_disk: u64,
}

impl Receipt {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        check_archives(&self.packs)?;
        let mut reader = self.signing.look(context, &self.repo)?;
        let staging = temporary::folder(context, "receipt")?;
        let how = Preparation {
            staging: staging.path().to_owned(),
            deltas: self.deltas,
            level: self.level,
            app_versions: None,
        };
        let mut costs = Vec::new();
        for path in &self.packs {
            let archives = std::slice::from_ref(path);
            let packs = prepare(context, &mut reader, archives, &how, &context.output.bar())?;
            for pack in packs {
                costs.extend(self.costs(context, &mut reader, &pack, staging.path())?);
            }
        }
        context.output.document(&json!({"packs": costs}), || text(&costs));
        let over = |cost: &&Cost| self.budget.is_some_and(|budget| cost.bytes_down > budget);
        let worst = costs.iter().filter(over).max_by_key(|cost| cost.bytes_down);
        let Some(over) = worst else { return Ok(Verdict::Done) };
        let budget = size(self.budget.unwrap_or_default());
        let (id, from, bytes) = (&over.id, over.from, size(over.bytes_down));
        context.output.remark(format!(
            "over budget: {id} from version {from} costs {bytes}, {budget} are allowed"
        ));
        Ok(Verdict::Failed)
    }

    /// The cost from each version that is still in the repository: what a device that has it would plan.
    fn costs(
        &self,
        context: &Context,
        reader: &mut Reader,
        pack: &PreparedPack,
        scratch: &Path,
    ) -> Result<Vec<Cost>, Failure> {
        let of_repository = |error: PublishError| error.to_failure();
        let versions = reader.versions(&pack.id, usize::MAX).map_err(of_repository)?;
        let preview = reader.preview(pack).map_err(of_repository)?;
        let mut overlay: BTreeMap<String, PathBuf> = preview.files.iter().cloned().collect();
        if let Some((path, bytes)) = &preview.former {
            let file = scratch.join("former");
            std::fs::write(&file, bytes)
                .map_err(|e| failure::of_file(&FileError::new(Action::Write, &file, e)))?;
            overlay.insert(path.clone(), file);
        }
        let client = Client::new(ClientConfig::default(), 0).map_err(|error| {
            Failure::from_error(headstart_model::ErrorKind::InvalidInput, "badAuthority", &error)
                .with_hint(
                    "check that the system has trusted authorities (package ca-certificates)",
                )
        })?;
        let location = Location::Folder(self.repo.folder().to_owned());
        let access = RepositoryAccess::new(location, client, Tracking::new(pack.id.as_str()))
            .with_overlay(overlay);
        let former = versions.iter().filter(|version| version.version != preview.pack.version);
        former.map(|former| self.cost(context, &access, (former, &preview.pack), scratch)).collect()
    }

    fn cost(
        &self,
        context: &Context,
        access: &RepositoryAccess,
        (former, pack): (&CatalogPack, &CatalogPack),
        scratch: &Path,
    ) -> Result<Cost, Failure> {
        let index = |source: FormatError| failure::of_archive(self.repo.folder(), &source);
        let old = read_index(self.repo.folder(), former).map_err(index)?;
        let device = scratch.join(format!("{}-{}", former.id, former.version));
        let goal = Goal {
            pack: pack.clone(),
            held: vec![pretend(&device.join("held"), former, &old)?],
            beside: Vec::new(),
            leftovers: Vec::new(),
            staging: device.join("staging"),
            finish: Finish {
                folder: device.join("done"),
                access: Access::ReadOnly,
                about: Vec::new(),
            },
        };
        let receipt = context.block_on(async {
            let prepared = Delivery::prepare(access.clone(), goal, &CancellationToken::new()).await;
            prepared.map(|delivery| *delivery.receipt()).map_err(|error| error.to_failure())
        })?;
        Ok(Cost {
            id: pack.id.clone(),
            from: former.version,
            to: pack.version,
            way: receipt.way,
            requests: receipt.requests + receipt.index_requests,
            bytes_down: receipt.bytes_down + receipt.index_bytes_down,
            bytes_written: receipt.bytes_written,
            peak_extra_disk: receipt.peak_extra_disk,
        })
    }
}

/// What a device knows of a version that it holds; the files need not be there to plan with it.
fn pretend(
    folder: &Path,
    version: &CatalogPack,
    complete: &CompleteTree,
) -> Result<HeldFolder, Failure> {
    let unknown = FileStamp { device: 0, inode: 0, size_bytes: 0, modified_ns: 0, changed_ns: 0 };
    let stamps = vec![unknown; complete.tree().files().count()];
    durable::create_folders(folder, Access::Shared).map_err(|error| failure::of_file(&error))?;
    InstalledVersion::write_record(folder, complete, &stamps)
        .map_err(|error| error.to_failure())?;
    Ok(HeldFolder {
        version: HeldVersion { version: version.version, content: version.content },
        folder: folder.to_owned(),
        sharing: Sharing::HardLinks,
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
