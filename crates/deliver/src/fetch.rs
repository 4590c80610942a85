//! The network side of a delivery, and how it meets the disk.

use std::path::PathBuf;
use std::sync::Arc;

use headstart_model::PackId;
use headstart_pack::plan::{Choice, FetchPlan};
use headstart_transfer::{
    BlockOptions, BlockRequest, BlockSink as _, CoalescePolicy, DeliveredBlock, Precedence,
    Urgency, WantedBlock,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::access::RepositoryAccess;
use crate::ahead::Ahead;
use crate::delivery::{ProgressListener, blocking, costs, plan_of};
use crate::error::DeliverError;
use crate::local;
use crate::moving::Moving;
use crate::opening::Cores;
use crate::route::Route;
use crate::site::{Site, tag_of};
use crate::steer::steer;

/// Blocks between the network and the disk: the network waits for the disk when so many wait.
const BLOCKS_UNDER_WAY: usize = 2;

/// Where blocks come from.
pub(crate) struct Fetch<'a> {
    pub(crate) access: &'a RepositoryAccess,
    pub(crate) route: &'a Route,
    pub(crate) pack: &'a PackId,
    /// Path in the repository of the version's full bundle, the only one that archives have.
    pub(crate) full_path: String,
    /// Where the beginnings of blocks are kept.
    pub(crate) heads: PathBuf,
    /// Those whose blocks come first.
    pub(crate) readers: Option<&'a Ahead>,
}

impl Fetch<'_> {
    /// Fetches until all that is wanted is there. What was learnt on the way (a bundle is gone, a base was damaged) makes a new plan.
    pub(crate) async fn run(
        &self,
        mut site: Site,
        progress: ProgressListener,
        stop: &CancellationToken,
    ) -> Result<Site, DeliverError> {
        let moving = Arc::new(Moving::new(progress));
        let (mut done, mut steps, mut failed) = (0, None, None);
        loop {
            let plan = match plan_of(self.pack, site.plan(costs())) {
                Ok(plan) => plan,
                // Why the bundle that is needed now was given up says more.
                Err(error) => return Err(failed.unwrap_or(error)),
            };
            let total = done + plan.bytes_down;
            moving.taken(done, total);
            if site.assembly().held().is_complete() {
                return Ok(site);
            }
            if steps.replace(site.steps()) == Some(site.steps()) {
                return Err(failed.unwrap_or(DeliverError::Broken));
            }
            site.use_cores(match self.access.tracking().pace().urgency() {
                Urgency::Foreground => Cores::All,
                Urgency::Background => Cores::One,
            });
            let (back, plan) = begin(site, plan).await?;
            site = back;
            for (source, fetch) in plan.fetches.iter().enumerate() {
                if fetch.blocks.is_empty() {
                    continue;
                }
                let result;
                (site, result) =
                    self.bundle(site, (source, fetch), (done, total), &moving, stop).await?;
                moving.ended();
                match result {
                    Ok(now) => done = now,
                    Err(error) if error.is_of_this_way() => {
                        tracing::warn!(%error, "a bundle is given up");
                        site.give_up(source);
                        failed = Some(error);
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// The blocks of one bundle: network on one side, disk on the other, a short channel between them.
    async fn bundle(
        &self,
        mut site: Site,
        (source, fetch): (usize, &FetchPlan),
        bytes: (u64, u64),
        moving: &Arc<Moving>,
        stop: &CancellationToken,
    ) -> Result<(Site, Result<u64, DeliverError>), DeliverError> {
        let (sender, receiver) = mpsc::channel(BLOCKS_UNDER_WAY);
        let told = Arc::clone(moving);
        let work = tokio::task::spawn_blocking(move || {
            let taken = site.take_blocks(receiver, bytes, &told);
            (site, taken)
        });
        // Only the network is broken off: the thread that writes is always waited for, so that nobody else begins to
        // write in the same folder meanwhile.
        let fetched = tokio::select! {
            biased;
            fetched = self.blocks(source, fetch, sender) => fetched,
            () = stop.cancelled() => Err(DeliverError::Cancelled),
            never = moving.follow(self.access.tracking()) => match never {},
        };
        let (site, taken) = work.await.map_err(|_| DeliverError::Broken)?;
        let result = match (fetched, taken) {
            // The builder's failure is the cause of the network's: it closed the channel.
            (_, Err(error)) => Err(error.into()),
            (Err(error), Ok(_)) => Err(error),
            (Ok(()), Ok(done)) => Ok(done),
        };
        Ok((site, result))
    }

    async fn blocks(
        &self,
        number: usize,
        fetch: &FetchPlan,
        mut sender: mpsc::Sender<DeliveredBlock>,
    ) -> Result<(), DeliverError> {
        let pack = self.pack;
        let Some(source) = self.route.sources.get(number) else { return Ok(()) };
        if let Some(file) = self.access.local(&source.file.path) {
            for block in local::blocks(file, &fetch.blocks) {
                let (block, bytes) = block.map_err(|error| error.into_deliver(pack))?;
                let taken = sender.block(tag_of((number, block)), bytes).await;
                taken.map_err(|_| DeliverError::Cancelled)?;
            }
            return Ok(());
        }
        let (at, file_bytes) = self.access.extent(&source.file.path, source.file.bytes);
        let wanted = fetch.blocks.iter().map(|block| WantedBlock {
            offset: at.saturating_add(block.range.start),
            bytes: u32::try_from(block.range.bytes()).unwrap_or(u32::MAX),
            digest: block.digest,
            tag: tag_of((number, block.number)),
        });
        let transfer =
            |source| DeliverError::Transfer { pack: pack.clone(), source: Box::new(source) };
        let sources = self.access.sources(&source.file.path, &self.full_path);
        let coalesce = CoalescePolicy {
            max_gap_bytes: costs().request_bytes,
            max_range_bytes: costs().range_bytes_max,
        };
        let options = BlockOptions { coalesce, ..BlockOptions::default() };
        let blocks = wanted.collect();
        let request = BlockRequest {
            options,
            // Of each bundle apart: a call throws away what is not its own.
            heads: Some(self.heads.join(source.file.digest.to_string())),
            precedence: self.readers.map(|_| Precedence::new()),
            ..BlockRequest::new(sources, file_bytes, blocks)
        };
        let client = self.access.client();
        // On the heap: its state is large, and callers move this future about.
        let fetching = Box::pin(client.fetch_blocks(&request, &mut sender, self.access.tracking()));
        let fetched = match (self.readers, &request.precedence) {
            (Some(readers), Some(precedence)) => tokio::select! {
                biased;
                never = steer(self.route, (number, fetch), readers, precedence) => match never {},
                fetched = fetching => fetched,
            },
            _ => fetching.await,
        };
        fetched.map_err(transfer)
    }
}

async fn begin(mut site: Site, plan: Choice) -> Result<(Site, Choice), DeliverError> {
    Ok(blocking(move || site.begin(&plan).map(|()| (site, plan))).await??)
}
