//! `clone`: one pack from a repository into a folder, without the service.

mod destination;
mod failures;
mod held;
mod state;
mod told;
mod wanted;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use headstart_deliver::{
    DeliverError, Delivered, Delivery, Finish, Goal, HeldFolder, Location, Mirror,
    ProgressListener, Receipt, RepositoryAccess,
};
use headstart_model::catalog::CatalogPack;
use headstart_model::{ChannelName, ErrorKind, Failure};
use headstart_repo::{
    AheadFetch, Fetch, FetchRequest, Fetched, Freshness, RepoError, Sha256, TrustStore, layout,
};
use headstart_sys::mode::Access;
use headstart_transfer::{Counts, Limit, Pace, Rate, Tracking, Urgency};
use tokio::sync::watch;

use super::Verdict;
use crate::context::Context;
use crate::network::Network;
use crate::output::size;
use crate::{failure, input, network, quantity, temporary};
use destination::{Destination, Overwrite};
use failures::{Basis, of_location, of_repository, of_root, of_signature};
use held::Held;
use state::{Note, Workplace};
use wanted::{Wanted, pick};

/// Most bytes of a root file.
const ROOT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Fetches one pack into a folder; reuses what is there, and resumes
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart clone https://assets.example.com/game Textures assets/textures\n  \
    headstart clone https://assets.example.com/game Textures@3 assets/textures --root root.json\n  \
    headstart clone file:///srv/assets-repo Textures assets/textures --seed ../old/textures --dry-run\n\n\
    Afterwards the folder holds exactly the files of the pack; what is known about them lies beside it in DEST.headstart/. \
    Without --root the root of the repository is trusted at first use, and its fingerprint is printed."
)]
pub(crate) struct Clone {
    /// The repository: an https URL, http on this machine, file:// or a folder
    #[arg(value_name = "REPO-URL")]
    repository: String,
    /// The pack, and its version if it has to be this one
    #[arg(value_name = "PACK[@VERSION]")]
    pack: Wanted,
    /// The folder
    #[arg(value_name = "DEST")]
    destination: PathBuf,
    /// Trust this first root (root.json) and no other
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// Reuse what this folder holds; may be given more than once
    #[arg(long = "seed", value_name = "DIR")]
    seeds: Vec<PathBuf>,
    /// Fetch from here too: another copy of the repository (URL or folder), or an archive (NAME.assetpack); may be given
    /// more than once
    #[arg(long = "mirror", value_name = "PLACE")]
    mirrors: Vec<String>,
    /// Take at most so much from the network, metadata included
    #[arg(long, value_name = "RATE")]
    limit: Option<quantity::TypedRate>,
    /// Give way to everything else that uses the network
    #[arg(long)]
    background: bool,
    /// The channel of the repository
    #[arg(long, value_name = "NAME", default_value = "production")]
    channel: ChannelName,
    /// Say what it would cost, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Replace a folder that was not cloned, or that was changed by hand
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    network: Network,
}

/// Where the trust in the repository comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pinned {
    /// From a root that was named.
    Given,
    /// From an earlier clone.
    Before,
    /// From the repository itself, at first use.
    Now,
}

/// Why a clone did not get to its end.
enum Stopped {
    /// A file of the release is gone.
    Gone(Failure),
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<DeliverError> for Stopped {
    fn from(error: DeliverError) -> Self {
        if matches!(error, DeliverError::Cancelled) {
            return Self::Failed(failure::cancelled());
        }
        let failure = network::advised(error.to_failure());
        if error.is_missing() { Self::Gone(failure) } else { Self::Failed(failure) }
    }
}

impl Stopped {
    fn into_failure(self) -> Failure {
        match self {
            Self::Gone(failure) | Self::Failed(failure) => failure,
        }
    }
}

/// What is known once the repository was asked.
struct Found {
    trust: TrustStore,
    pinned: Pinned,
    pack: CatalogPack,
    note: Note,
    /// What was moved to know it.
    metadata: Counts,
}

impl Clone {
    fn pace(&self) -> Pace {
        let limit = Limit::default();
        let bytes = self.limit.map(|typed| typed.rate.bytes_per_second());
        limit.set_rate(bytes.and_then(Rate::bytes_per_second));
        Pace::new(limit, if self.background { Urgency::Background } else { Urgency::Foreground })
    }

    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let started = Instant::now();
        if self.repository.is_empty() {
            return Err(failure::usage("the address of the repository is empty")
                .with_hint("name an https URL, or a folder"));
        }
        let destination = Destination::at(&self.destination)?;
        quantity::heed(&context.output, "--limit", self.limit);
        let location = Location::parse(&self.repository, self.network.https())
            .map_err(|error| of_location(&error))?;
        let client = self.network.client(context.now())?;
        let mirror = |text: &String| Mirror::parse(text, self.network.https());
        let mirrors = self.mirrors.iter().map(mirror).collect::<Result<Vec<_>, _>>();
        let mirrors = mirrors.map_err(|error| of_location(&error))?;
        let tracking = Tracking::new(self.pack.id.as_str()).with_pace(self.pace());
        let access = RepositoryAccess::new(location, client, tracking).with_mirrors(mirrors);
        let job = Job { command: self, context, access, destination, started };
        if self.dry_run { context.block_on(job.dry_run()) } else { context.block_on(job.clone()) }
    }
}

/// One clone.
struct Job<'a> {
    command: &'a Clone,
    context: &'a Context,
    access: RepositoryAccess,
    destination: Destination,
    started: Instant,
}

impl Job<'_> {
    async fn clone(self) -> Result<Verdict, Failure> {
        let state = self.destination.lock()?;
        let place = Workplace::within(state.folder());
        let result = Box::pin(self.clone_at(&place)).await;
        if result.is_err() {
            state.give_up();
        }
        result
    }

    async fn clone_at(&self, place: &Workplace) -> Result<Verdict, Failure> {
        self.destination.recover(place)?;
        // What would be refused is refused before anything is asked for.
        let mut held = self.look(place)?;
        let mut found = self.find(place, Freshness::Any).await?;
        loop {
            match Box::pin(self.bring(place, &mut found, held)).await {
                Ok(delivered) => {
                    self.tell_done(&found, delivered.as_ref());
                    return Ok(Verdict::Done);
                }
                Err(Stopped::Failed(failure)) => return Err(failure),
                Err(Stopped::Gone(failure)) => {
                    // Somebody freed what the release needs, so there is a newer one: what has arrived is used for that.
                    let newer = self.find(place, Freshness::FromServer).await?;
                    if newer.pack.content == found.pack.content {
                        return Err(failure);
                    }
                    found = Found { pinned: found.pinned, ..newer };
                    held = self.look(place)?;
                }
            }
        }
    }

    fn look(&self, place: &Workplace) -> Result<Held, Failure> {
        let overwrite = if self.command.force { Overwrite::Allowed } else { Overwrite::Refused };
        Held::look(&self.destination, place, overwrite)
    }

    /// Brings the destination to what was found; nothing when it is that already.
    async fn bring(
        &self,
        place: &Workplace,
        found: &mut Found,
        held: Held,
    ) -> Result<Option<Delivered>, Stopped> {
        if held.is_whole(&found.pack) {
            self.tell_pinned(found);
            return Ok(None);
        }
        let as_cloned = held.is_as_cloned();
        let delivery = self.prepare(place, found, held).await?;
        refuse_full_disk(&self.destination, delivery.receipt())?;
        self.tell_pinned(found);
        let delivered = Box::pin(self.carry_out(delivery, &found.pack)).await?;
        if as_cloned {
            Held::refuse_changed_since(&self.destination, place)?;
        }
        self.destination.replace(place)?;
        Ok(Some(delivered))
    }

    async fn dry_run(self) -> Result<Verdict, Failure> {
        let scratch = temporary::folder(self.context, "clone")?;
        let mut place = Workplace::within(scratch.path());
        place.look_at(&self.destination)?;
        let held = self.look(&place)?;
        let found = self.find(&place, Freshness::Any).await?;
        if held.is_whole(&found.pack) {
            self.tell_done(&found, None);
            return Ok(Verdict::Done);
        }
        let delivery = self.prepare(&place, &found, held).await.map_err(Stopped::into_failure)?;
        self.tell_receipt(&found, delivery.receipt());
        Ok(Verdict::Done)
    }

    /// Asks the repository for the pack.
    async fn find(&self, place: &Workplace, freshness: Freshness) -> Result<Found, Failure> {
        let access = Arc::new(AheadFetch::new(Arc::new(self.access.clone())));
        let (trust, pinned) = self.trust(place, access.as_ref()).await?;
        let (channel, now) = (&self.command.channel, self.context.now());
        let checked = match freshness {
            Freshness::Any => trust.check(access, channel, now).await,
            Freshness::FromServer => trust.check_past_caches(access, channel, now).await,
        };
        let catalog = match checked {
            Ok(checked) => checked.catalog,
            Err(error) => return Err(self.distrust(&error, &trust, pinned).await),
        };
        let pack = pick(&catalog, &self.command.pack)?.clone();
        let note = Note {
            pack: pack.id.clone(),
            version: pack.version,
            channel: catalog.channel,
            release: catalog.release,
            repository: self.command.repository.clone(),
        };
        let metadata = self.access.tracking().meter().ledger().total();
        Ok(Found { trust, pinned, pack, note, metadata })
    }

    /// Where the trust of this destination is kept; not where a dry run keeps what it finds.
    fn trusted(&self) -> PathBuf {
        Workplace::within(self.destination.state()).trust
    }

    async fn distrust(&self, error: &RepoError, trust: &TrustStore, pinned: Pinned) -> Failure {
        let RepoError::WrongSignature { .. } = error else {
            return of_repository(error, self.access.location());
        };
        let before = self.trusted();
        let basis = match (pinned, &self.command.root) {
            (Pinned::Given, Some(root)) => Basis::Given(root),
            (Pinned::Before, _) => Basis::Before(&before),
            _ => Basis::Itself,
        };
        let (path, freshness) = (layout::FIRST_ROOT, Freshness::Any);
        let request = FetchRequest { path, max_bytes: ROOT_BYTES_MAX, held: None, freshness };
        let offered = match self.access.fetch(request).await {
            Ok(Fetched::Body { bytes, .. }) => Some(Sha256::of(&bytes)),
            _ => None,
        };
        of_signature(error, basis, trust.fingerprint(), offered)
    }

    async fn trust(
        &self,
        place: &Workplace,
        access: &dyn Fetch,
    ) -> Result<(TrustStore, Pinned), Failure> {
        if let Some(path) = &self.command.root {
            let root = input::read(path, ROOT_BYTES_MAX, ("root", "rootMissing"))?;
            let trust = TrustStore::pin(&place.trust, &root)
                .map_err(|error| of_root(&error, path, &self.trusted()))?;
            return Ok((trust, Pinned::Given));
        }
        let failed = |error: RepoError| of_repository(&error, self.access.location());
        if let Some(trust) = TrustStore::open(&place.trust).map_err(failed)? {
            return Ok((trust, Pinned::Before));
        }
        let trust = TrustStore::pin_at_first_use(&place.trust, access).await.map_err(failed)?;
        Ok((trust, Pinned::Now))
    }

    async fn prepare(
        &self,
        place: &Workplace,
        found: &Found,
        held: Held,
    ) -> Result<Delivery, Stopped> {
        let held = self.reusable(place, found, held).await?;
        let goal = Goal {
            pack: found.pack.clone(),
            held,
            beside: Vec::new(),
            leftovers: place.broken_off(&found.pack.content),
            staging: place.staging_of(&found.pack.content),
            finish: Finish {
                folder: place.ready.clone(),
                access: Access::Shared,
                about: found.note.to_json(),
            },
        };
        let stop = self.context.interrupted()?;
        let prepared = Delivery::prepare(self.access.clone(), goal, &stop).await;
        prepared.map_err(Stopped::from)
    }

    async fn reusable(
        &self,
        place: &Workplace,
        found: &Found,
        held: Held,
    ) -> Result<Vec<HeldFolder>, Failure> {
        let (pack, seeds, place) = (found.pack.clone(), self.command.seeds.clone(), place.clone());
        // Reads whole folders: on a thread where that holds up nobody.
        let work = move || held.reusable(&place, &pack, &seeds);
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| Failure::from_error(ErrorKind::Internal, "seedFailed", &error))?
    }

    async fn carry_out(
        &self,
        delivery: Delivery,
        pack: &CatalogPack,
    ) -> Result<Delivered, Stopped> {
        let progress = self.context.output.progress();
        let (sender, receiver) = watch::channel((0, delivery.receipt().bytes_down));
        let listener: ProgressListener = Arc::new(move |moved| {
            sender.send_replace((moved.done_bytes + moved.arriving_bytes, moved.total_bytes));
        });
        let newest = receiver.clone();
        let stop = self.context.interrupted()?;
        let delivered = tokio::select! {
            delivered = delivery.carry_out(listener, &stop) => delivered.map_err(Stopped::from),
            never = told::report(receiver, pack, &progress) => match never {},
        }?;
        told::advance(*newest.borrow(), pack, &progress);
        Ok(delivered)
    }
}

fn refuse_full_disk(destination: &Destination, receipt: &Receipt) -> Result<(), Failure> {
    let needed = receipt.peak_extra_disk;
    // Where the space cannot be told, writing tells.
    let Ok(free) = headstart_sys::space::available_bytes(destination.folder()) else {
        return Ok(());
    };
    if free >= needed {
        return Ok(());
    }
    let message = format!("the clone may need {}, and {} are free", size(needed), size(free));
    Err(Failure::new(ErrorKind::NoSpace, "diskFull", message)
        .with_hint("free some space, then try again"))
}
