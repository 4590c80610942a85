//! One delivery: prepared, then carried out.

use std::path::PathBuf;
use std::sync::Arc;

use headstart_model::catalog::CatalogPack;
use headstart_model::{Digest, PackId};
use headstart_pack::plan::{self, Alternative, FetchPlan, HeldVersion, LinkCosts};
use headstart_pack::{BlockTable, ChunkSet};
use headstart_store::{Assembly, Built, Finish, Sharing, StoreError};
use headstart_transfer::{
    BlockOptions, BlockRequest, BlockSink as _, BlockSource, CoalescePolicy, DeliveredBlock,
    WantedBlock,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::access::{Location, RepositoryAccess};
use crate::error::DeliverError;
use crate::local;
use crate::parking::Parking;
use crate::receipt::{Receipt, Way};
use crate::way::{self, HeldFolder, Reusable, Route};

/// Blocks between the network and the disk: the network waits for the disk when so many are under way.
const BLOCKS_UNDER_WAY: usize = 4;
/// Longest range of one request: short enough that the ranges under way lie near each other in the file, so that few
/// blocks come before their bases.
const RANGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What is wanted, from what, to where.
#[derive(Debug, Clone)]
pub struct Goal {
    /// The version wanted.
    pub pack: CatalogPack,
    /// Versions that are held.
    pub held: Vec<HeldFolder>,
    /// Where the version is built; what an earlier attempt left there is used.
    pub staging: PathBuf,
    /// Where it goes when it is whole.
    pub finish: Finish,
}

/// Hears how many bytes of the bundle have arrived of how many that are fetched. Called often, from any thread.
pub type ProgressListener = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// A delivery that is planned and not yet carried out.
#[derive(Debug)]
pub struct Delivery {
    access: RepositoryAccess,
    goal: Goal,
    route: Route,
    assembly: Assembly,
    receipt: Receipt,
    /// The ways that have not been tried, best first.
    ways_left: Vec<Alternative>,
}

/// A version that was delivered.
#[derive(Debug)]
pub struct Delivered {
    /// The way that it took in the end.
    pub way: Way,
    /// The version in its place.
    pub built: Built,
    /// Bytes of files that came from what was held, or from an earlier attempt.
    pub bytes_reused: u64,
}

impl Delivery {
    /// Finds the cheapest way that can be gone, fetches its index and says what it costs. A way that turns out impossible
    /// (the server lost a file, a held version is damaged) gives way to the next.
    ///
    /// `stop` ends it soon with [`DeliverError::Cancelled`].
    ///
    /// # Errors
    /// [`DeliverError`] when no way is left, or the network fails in a way that another try may mend.
    pub async fn prepare(
        access: RepositoryAccess,
        goal: Goal,
        stop: &CancellationToken,
    ) -> Result<Self, DeliverError> {
        let versions: Vec<HeldVersion> =
            goal.held.iter().map(|folder| folder.version.clone()).collect();
        let ways = plan::alternatives(&goal.pack, &versions);
        Self::prepare_one_of(access, goal, ways, stop).await
    }

    /// The first of `ways` that can be gone.
    async fn prepare_one_of(
        access: RepositoryAccess,
        goal: Goal,
        ways: Vec<Alternative>,
        stop: &CancellationToken,
    ) -> Result<Self, DeliverError> {
        let mut failed = None;
        let mut ways = ways.into_iter();
        while let Some(way) = ways.next() {
            let explored = tokio::select! {
                biased;
                explored = way::explore(&access, &goal, &way) => explored,
                () = stop.cancelled() => Err(DeliverError::Cancelled),
            };
            let prepared = match explored {
                Ok(route) => Self::with_route(access.clone(), goal.clone(), route).await,
                Err(error) => Err(error),
            };
            match prepared {
                Err(error) if error.is_of_this_way() => {
                    tracing::warn!(%error, ?way, "this way is closed");
                    failed = Some(error);
                }
                Err(error) => return Err(error),
                Ok(delivery) => return Ok(Self { ways_left: ways.collect(), ..delivery }),
            }
        }
        Err(failed.unwrap_or(DeliverError::Broken))
    }

    async fn with_route(
        access: RepositoryAccess,
        goal: Goal,
        route: Route,
    ) -> Result<Self, DeliverError> {
        let (staging, tree, content) =
            (goal.staging.clone(), route.tree.clone(), goal.pack.content);
        let assembly = blocking(move || Assembly::open(&staging, tree, &content)).await??;
        let receipt = receipt(&goal.pack.id, &route, &assembly)?;
        Ok(Self { access, goal, route, assembly, receipt, ways_left: Vec::new() })
    }

    /// What carrying it out costs.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Takes over what is held, fetches the rest, verifies and builds the version and puts it into its place. When the
    /// way turns out impossible on the way, the next is taken; what has arrived is kept.
    ///
    /// `stop` ends it soon with [`DeliverError::Cancelled`], unless everything had arrived already: then it is finished.
    /// Dropping it instead ends the network at once, but leaves a thread that still writes for a moment.
    ///
    /// # Errors
    /// [`DeliverError`]; what had arrived is used by the next attempt.
    pub async fn carry_out(
        self,
        progress: ProgressListener,
        stop: &CancellationToken,
    ) -> Result<Delivered, DeliverError> {
        let mut delivery = self;
        loop {
            let (access, goal) = (delivery.access.clone(), delivery.goal.clone());
            let (way, left) = (delivery.receipt.way, std::mem::take(&mut delivery.ways_left));
            match delivery.attempt(Arc::clone(&progress), stop).await {
                Err(error) if !left.is_empty() && error.is_of_this_way() => {
                    tracing::warn!(%error, ?way, "this way ends here; the next is taken");
                    delivery = Self::prepare_one_of(access, goal, left, stop).await?;
                }
                other => return other,
            }
        }
    }

    async fn attempt(
        self,
        progress: ProgressListener,
        stop: &CancellationToken,
    ) -> Result<Delivered, DeliverError> {
        let Self { access, goal, route, assembly, receipt, ways_left: _ } = self;
        let Route { table, bundle_path, bundle_bytes, head_bytes, reusable, .. } = route;
        let pack = goal.pack.id.clone();
        let (assembly, reused) = blocking(move || take_over(assembly, reusable)).await??;
        let plan = plan_rest(&pack, &assembly, &table, head_bytes)?;
        let parking = Parking::new(goal.staging.join("parked"));
        let builder = Builder { assembly, table, parking };
        let full_path = headstart_model::catalog::bundle_path(&goal.pack.full.digest);
        let sources = access.sources(&bundle_path, &full_path);
        let heads = goal.staging.join("heads");
        let fetch = Fetch { access: &access, sources, heads, bundle_path, bundle_bytes, plan };
        let assembly = fetch.run(&pack, builder, progress, stop).await?;
        let (content, finish) = (goal.pack.content, goal.finish.clone());
        let built = finish_in_thread(assembly, content, finish).await?;
        let bytes_reused = receipt.bytes_reused.max(reused);
        Ok(Delivered { way: receipt.way, built, bytes_reused })
    }
}

async fn finish_in_thread(
    assembly: Assembly,
    content: Digest,
    finish: Finish,
) -> Result<Built, DeliverError> {
    Ok(blocking(move || assembly.finish(&content, &finish)).await??)
}

/// Runs `work` where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DeliverError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| DeliverError::Broken)
}

fn receipt(pack: &PackId, route: &Route, assembly: &Assembly) -> Result<Receipt, DeliverError> {
    let from_scratch = route.reusable_chunks();
    let mut held = from_scratch.clone();
    assembly.held().iter().for_each(|chunk| {
        held.insert(chunk);
    });
    let plan = |held: &ChunkSet| {
        plan::plan_fetch(&route.tree, &route.table, route.head_bytes, held, costs())
            .map_err(|source| DeliverError::Plan { pack: pack.clone(), source })
    };
    let bytes_total = plan(&from_scratch)?.bytes_down;
    let plan = plan(&held)?;
    let staged: u64 =
        assembly.held().iter().map(|chunk| u64::from(route.tree.chunk_bytes(chunk))).sum();
    let installed = route.tree.installed_bytes();
    Ok(Receipt {
        way: route.way,
        requests: plan.ranges.len() as u64,
        bytes_down: plan.bytes_down,
        bytes_total: bytes_total.max(plan.bytes_down),
        index_bytes_down: route.index_bytes_down,
        bytes_reused: plan.bytes_reused,
        bytes_written: installed.saturating_sub(staged).saturating_sub(shared_bytes(route)),
        peak_extra_disk: installed.saturating_sub(staged).saturating_sub(shared_bytes(route)),
    })
}

/// Bytes of files that need no room of their own: every chunk is that of a version which they may share files with.
fn shared_bytes(route: &Route) -> u64 {
    let sharing = route.reusable.iter().filter(|reusable| reusable.sharing == Sharing::HardLinks);
    let Some(same) = sharing.map(|reusable| &reusable.same).next() else { return 0 };
    let is_same = |chunk: &u32| {
        usize::try_from(*chunk).ok().and_then(|chunk| same.get(chunk)).is_some_and(Option::is_some)
    };
    let files = route.tree.files();
    let shared = files.filter(|(_, _, file)| route.tree.chunks_of(file).iter().all(is_same));
    shared.map(|(_, _, file)| file.size).sum()
}

fn costs() -> LinkCosts {
    LinkCosts { range_bytes_max: RANGE_BYTES_MAX, ..LinkCosts::default() }
}

fn take_over(
    mut assembly: Assembly,
    reusable: Vec<Reusable>,
) -> Result<(Assembly, u64), StoreError> {
    let mut reused = 0;
    for Reusable { held, same, sharing } in reusable {
        let taken = assembly.reuse(held, &same, sharing)?;
        reused += taken.bytes_cloned + taken.bytes_copied;
    }
    Ok((assembly, reused))
}

fn plan_rest(
    pack: &PackId,
    assembly: &Assembly,
    table: &BlockTable,
    head_bytes: u64,
) -> Result<FetchPlan, DeliverError> {
    let held: &ChunkSet = assembly.held();
    plan::plan_fetch(assembly.tree(), table, head_bytes, held, costs())
        .map_err(|source| DeliverError::Plan { pack: pack.clone(), source })
}

/// The blocks to fetch and where from.
struct Fetch<'a> {
    access: &'a RepositoryAccess,
    sources: Vec<BlockSource>,
    /// Where the beginnings of blocks are kept.
    heads: PathBuf,
    bundle_path: String,
    bundle_bytes: u64,
    plan: FetchPlan,
}

impl Fetch<'_> {
    /// Network on one side, disk on the other, a short channel between them.
    async fn run(
        self,
        pack: &PackId,
        builder: Builder,
        progress: ProgressListener,
        stop: &CancellationToken,
    ) -> Result<Assembly, DeliverError> {
        let total = self.plan.bytes_down;
        progress(0, total);
        if self.plan.blocks.is_empty() {
            return Ok(builder.assembly);
        }
        let (sender, receiver) = mpsc::channel(BLOCKS_UNDER_WAY);
        let work = tokio::task::spawn_blocking(move || builder.build(receiver, total, &progress));
        // Only the network is broken off: the thread that writes is always waited for, so that nobody else begins to
        // write in the same folder meanwhile.
        let fetched = tokio::select! {
            biased;
            fetched = self.fetch(pack, sender) => fetched,
            () = stop.cancelled() => Err(DeliverError::Cancelled),
        };
        let built = work.await.map_err(|_| DeliverError::Broken)?;
        match (fetched, built) {
            // The builder's failure is the cause of the network's: it closed the channel.
            (_, Err(error)) => Err(error.into()),
            (Err(error), Ok(_)) => Err(error),
            (Ok(()), Ok(assembly)) => Ok(assembly),
        }
    }

    async fn fetch(
        &self,
        pack: &PackId,
        mut sender: mpsc::Sender<DeliveredBlock>,
    ) -> Result<(), DeliverError> {
        if let Location::Folder(folder) = self.access.location() {
            let blocks = local::blocks(folder.join(&self.bundle_path), &self.plan.blocks);
            for block in blocks {
                let (number, bytes) = block.map_err(|error| error.into_deliver(pack))?;
                let taken = sender.block(u64::from(number), bytes).await;
                taken.map_err(|_| DeliverError::Cancelled)?;
            }
            return Ok(());
        }
        let wanted = self.plan.blocks.iter().map(|block| WantedBlock {
            offset: block.range.start,
            bytes: u32::try_from(block.range.bytes()).unwrap_or(u32::MAX),
            digest: block.digest,
            tag: u64::from(block.number),
        });
        let transfer =
            |source| DeliverError::Transfer { pack: pack.clone(), source: Box::new(source) };
        let coalesce = CoalescePolicy {
            max_gap_bytes: costs().request_bytes,
            max_range_bytes: costs().range_bytes_max,
        };
        let options = BlockOptions { coalesce, ..BlockOptions::default() };
        let blocks = wanted.collect();
        let request = BlockRequest {
            options,
            heads: Some(self.heads.clone()),
            ..BlockRequest::new(self.sources.iter().cloned(), self.bundle_bytes, blocks)
        };
        let client = self.access.client();
        client.fetch_blocks(&request, &mut sender, self.access.tracking()).await.map_err(transfer)
    }
}

/// The disk side: opens blocks as they come and puts their chunks into place.
struct Builder {
    assembly: Assembly,
    table: BlockTable,
    parking: Parking,
}

impl Builder {
    fn build(
        mut self,
        mut receiver: mpsc::Receiver<DeliveredBlock>,
        total: u64,
        progress: &ProgressListener,
    ) -> Result<Assembly, StoreError> {
        let mut done = 0;
        while let Some(DeliveredBlock { tag, bytes }) = receiver.blocking_recv() {
            let number = u32::try_from(tag).unwrap_or(u32::MAX);
            done += bytes.as_bytes().len() as u64;
            let block = self.table.blocks().get(number as usize);
            if block.is_some_and(|block| Parking::is_ready(block, self.assembly.held())) {
                self.assembly.put_block(&self.table, number, &bytes)?;
                drop(bytes);
                while let Some((number, stored)) =
                    self.parking.take_ready(self.table.blocks(), self.assembly.held())?
                {
                    self.assembly.put_block(&self.table, number, &stored)?;
                }
            } else {
                self.parking.park(number, &bytes)?;
            }
            progress(done.min(total), total);
        }
        Ok(self.assembly)
    }
}
