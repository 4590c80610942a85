//! One delivery: prepared, then carried out.

use std::path::PathBuf;
use std::sync::Arc;

use headstart_model::PackId;
use headstart_model::catalog::CatalogPack;
use headstart_pack::plan::{self, Alternative, Choice, HeldVersion, LinkCosts};
use headstart_store::{Built, Finish};
use tokio_util::sync::CancellationToken;

use crate::access::RepositoryAccess;
use crate::ahead::Ahead;
use crate::error::DeliverError;
use crate::fetch::Fetch;
use crate::receipt::{self, Receipt, Way};
use crate::route::{Reusable, Route};
use crate::site::Site;
use crate::way::{self, Belief, Direction, Explored, HeldFolder, Spent};

/// Longest range of one request: short enough that the ranges under way lie near each other in the file, so that few
/// blocks come before their bases.
const RANGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What is wanted, from what, to where.
#[derive(Debug, Clone)]
pub struct Goal {
    /// The version wanted.
    pub pack: CatalogPack,
    /// Versions of this pack that are held, and folders that somebody named.
    pub held: Vec<HeldFolder>,
    /// Versions of other packs, the likeliest first: content may have moved from one pack to another. Without anything else that
    /// is held they are looked at only where that costs next to nothing.
    pub beside: Vec<HeldFolder>,
    /// Folders in which other versions were being built when they were broken off: what has arrived there is used.
    pub leftovers: Vec<PathBuf>,
    /// Where the version is built; what an earlier attempt left there is used.
    pub staging: PathBuf,
    /// Where it goes when it is whole.
    pub finish: Finish,
}

/// Versions of other packs that are looked at, at most: each is a tree in memory.
const BESIDE_MAX: usize = 8;
/// They are looked at if what tells which chunks are the same is at most this part of the full bundle.
const NAMES_SHARE: u64 = 50;

impl Goal {
    /// The versions of other packs that are looked at.
    pub(crate) fn beside_worth_it(&self) -> &[HeldFolder] {
        let names = self.pack.index.names_bytes;
        let cheap = names.saturating_mul(NAMES_SHARE) <= self.pack.full.bytes;
        let most = if cheap { BESIDE_MAX } else { 0 };
        self.beside.get(..most).unwrap_or(&self.beside)
    }
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Bytes of blocks that have arrived and were verified. Never fetched again.
    pub done_bytes: u64,
    /// Bytes beyond these that have arrived and are not verified yet: with them progress moves on within a block. The sum never falls
    /// while blocks of one bundle are fetched, and reaches the total only when everything is verified.
    pub arriving_bytes: u64,
    /// Bytes that are fetched in all.
    pub total_bytes: u64,
}

/// Hears how far a delivery is. Called often, from any thread.
pub type ProgressListener = Arc<dyn Fn(Moved) + Send + Sync>;

/// A delivery that is planned and not yet carried out.
#[derive(Debug)]
pub struct Delivery {
    access: RepositoryAccess,
    goal: Goal,
    belief: Belief,
    route: Arc<Route>,
    held: Vec<Reusable>,
    site: Site,
    receipt: Receipt,
    /// The ways that have not been tried, best first.
    ways_left: Vec<Direction>,
    readers: Option<Arc<Ahead>>,
}

/// A version that was delivered.
#[derive(Debug)]
pub struct Delivered {
    /// The way that it took in the end.
    pub way: Way,
    /// The version in its place.
    pub built: Built,
    /// Bytes of different chunks that came from what was held, or from an earlier attempt.
    pub bytes_reused: u64,
    /// Bytes that were written: of files, of chunks that were kept for a while, and of opened forms that were made again.
    pub bytes_written: u64,
    /// Bytes that it took on disk at its height, beside what it had there before.
    pub peak_extra_disk: u64,
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
        let ways = ways(&goal);
        Self::prepare_one_of(access, goal, (Belief::Records, ways), stop).await
    }

    /// As [`prepare`](Self::prepare), for a version that is held and damaged: only what is damaged is fetched. Nothing held is believed
    /// by its record; every chunk of it is read first. The version is built anew, in the place that the goal names: what is
    /// damaged stays as it is, for its readers and for the caller to remove.
    ///
    /// `goal.held` names the damaged version among what is held, with the content of `goal.pack`. Without one, or if its record is
    /// lost, the pack is fetched as any other.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn prepare_repair(
        access: RepositoryAccess,
        goal: Goal,
        stop: &CancellationToken,
    ) -> Result<Self, DeliverError> {
        let others = ways(&goal).into_iter().filter(|way| {
            matches!(way, Direction::To(Alternative::Mixed | Alternative::Full { .. }))
        });
        let ways = std::iter::once(Direction::Repair).chain(others).collect();
        Self::prepare_one_of(access, goal, (Belief::Nothing, ways), stop).await
    }

    /// The first of `ways` that can be gone.
    async fn prepare_one_of(
        access: RepositoryAccess,
        goal: Goal,
        (belief, ways): (Belief, Vec<Direction>),
        stop: &CancellationToken,
    ) -> Result<Self, DeliverError> {
        let (mut failed, spent) = (None, Spent::new(&access));
        let mut ways = ways.into_iter();
        while let Some(way) = ways.next() {
            let explored = tokio::select! {
                biased;
                explored = way::explore(&spent, &goal, belief, &way) => explored,
                () = stop.cancelled() => Err(DeliverError::Cancelled),
            };
            let prepared = match explored {
                Ok(explored) => Self::with(access.clone(), goal.clone(), belief, explored).await,
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

    async fn with(
        access: RepositoryAccess,
        goal: Goal,
        belief: Belief,
        explored: Explored,
    ) -> Result<Self, DeliverError> {
        blocking(move || {
            let Explored { route, held, index } = explored;
            let route = Arc::new(route);
            let site = Site::open(Arc::clone(&route), &goal.staging, &goal.pack.content)?;
            let plan = plan_of(&goal.pack.id, site.plan(costs()))?;
            let bytes_total = if site.has_leftovers() {
                site.plan_from_scratch(costs()).map_or(plan.bytes_down, |whole| whole.bytes_down)
            } else {
                plan.bytes_down
            };
            let (files, whole) = receipt::file_bytes_written(&site, &route, &held, &goal.staging)?;
            let lasting = files + site.bytes_of(&site.aside_of(&plan));
            let forms = site.forms(&held, &whole, &plan);
            let receipt = Receipt {
                way: route.way,
                requests: plan.requests,
                bytes_down: plan.bytes_down,
                bytes_total: bytes_total.max(plan.bytes_down),
                index_bytes_down: index.bytes_down,
                index_requests: index.requests,
                bytes_reused: site.bytes_here(),
                bytes_written: lasting + forms.written,
                peak_extra_disk: lasting + forms.peak,
            };
            let (ways_left, readers) = (Vec::new(), None);
            Ok(Self { access, goal, belief, route, held, site, receipt, ways_left, readers })
        })
        .await?
    }

    /// Lets `readers` read what has arrived while it is carried out, and fetches first what they wait for.
    #[must_use]
    pub fn read_by(self, readers: Arc<Ahead>) -> Self {
        Self { readers: Some(readers), ..self }
    }

    /// What carrying it out costs.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Takes over what is held, fetches the rest, verifies and builds the version and puts it into its place. A file that is missing or
    /// wrong gives way to another that will do; when none does, the next way is taken. What has arrived is kept.
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
            let (access, goal, belief) =
                (delivery.access.clone(), delivery.goal.clone(), delivery.belief);
            let (way, left) = (delivery.receipt.way, std::mem::take(&mut delivery.ways_left));
            let readers = delivery.readers.clone();
            match delivery.attempt(Arc::clone(&progress), stop).await {
                Err(error) if !left.is_empty() && error.is_of_this_way() => {
                    tracing::warn!(%error, ?way, "this way ends here; the next is taken");
                    delivery = Self::prepare_one_of(access, goal, (belief, left), stop).await?;
                    delivery.readers = readers;
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
        let Self { access, goal, route, held, mut site, receipt, readers, .. } = self;
        let reused = {
            let taken = blocking(move || site.take_over(held).map(|reused| (site, reused)));
            let (back, reused) = taken.await??;
            site = back;
            reused
        };
        if let Some(readers) = &readers {
            site.read_by(readers, &goal);
        }
        let fetch = Fetch {
            readers: readers.as_deref(),
            access: &access,
            route: &route,
            pack: &goal.pack.id,
            full_path: headstart_model::catalog::bundle_path(&goal.pack.full.digest),
            heads: goal.staging.join("heads"),
        };
        let site = fetch.run(site, progress, stop).await?;
        let (aside, peak_extra_disk) = (site.bytes_aside(), site.peak_bytes());
        let (content, finish) = (goal.pack.content, goal.finish.clone());
        // What has arrived is read on until the version is in its place.
        let (assembly, _read_until_the_end) = site.into_assembly();
        let (before, forms) = (assembly.bytes_written(), assembly.form_bytes());
        let built = blocking(move || assembly.finish(&content, &finish)).await??;
        Ok(Delivered {
            way: receipt.way,
            bytes_reused: receipt.bytes_reused.max(reused),
            bytes_written: built.bytes_written + aside + forms.written,
            // Files that were made of their opened forms, which are still there then, and so are those that were made again.
            peak_extra_disk: peak_extra_disk + built.bytes_written - before + forms.peak,
            built,
        })
    }
}

fn ways(goal: &Goal) -> Vec<Direction> {
    let versions: Vec<HeldVersion> =
        goal.held.iter().map(|folder| folder.version.clone()).collect();
    let mut ways = plan::alternatives(&goal.pack, &versions);
    if versions.is_empty() && (!goal.leftovers.is_empty() || !goal.beside_worth_it().is_empty()) {
        ways.insert(0, Alternative::Mixed);
    }
    ways.into_iter().map(Direction::To).collect()
}

/// Runs `work` where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DeliverError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| DeliverError::Broken)
}

/// What requests cost. The service and whoever says beforehand what it will do go by the same.
pub(crate) fn costs() -> LinkCosts {
    LinkCosts { range_bytes_max: RANGE_BYTES_MAX, ..LinkCosts::default() }
}

/// A plan, or why this way has none.
pub(crate) fn plan_of(
    pack: &PackId,
    plan: Result<Choice, plan::PlanError>,
) -> Result<Choice, DeliverError> {
    plan.map_err(|source| DeliverError::Plan { pack: pack.clone(), source })
}
