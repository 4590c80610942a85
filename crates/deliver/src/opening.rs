//! Opening blocks beside each other, on all cores: they are decompressed and their chunks hashed. Putting them into place is left to one.

use std::any::Any;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use headstart_model::Verified;
use headstart_pack::{BlockReader, FormatError, NamedBlock, Workbench};

use crate::parking::BlockKey;
use crate::route::Route;

/// The most threads. `Ours:` more than four cores decompress faster than a disk takes it.
const WORKERS_MAX: usize = 4;
/// Blocks given out for each thread: while one is opened the next lies ready.
const JOBS_PER_WORKER: usize = 2;
/// The most bytes of blocks under way, stored and plain and of their bases; one alone may have more. `Ours:` four blocks of a full bundle, or
/// one or two of an update, whose bases have up to 3 MiB: below 48 MiB in all counts for more than the last core.
const BYTES_UNDER_WAY_MAX: u64 = 8 * 1024 * 1024;

/// A verified block, with the bytes of its bases.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) key: BlockKey,
    pub(crate) stored: Verified<Bytes>,
    pub(crate) bases: Vec<u8>,
    /// What it takes of the memory: all three together.
    pub(crate) bytes: u64,
}

/// What became of a block.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) key: BlockKey,
    pub(crate) block: Result<NamedBlock<Bytes>, FormatError>,
}

/// What became of a job, and the bytes that it had; a panic is handed on to whoever waits.
type Report = (u64, Result<Opened, Box<dyn Any + Send>>);

/// How a block is opened with what a thread has at hand.
type Open = dyn Fn(&Route, Job, &mut Workbench) -> Opened + Sync;

/// Those who open blocks, and what is under way.
pub(crate) struct Openers<'w> {
    /// None: there is one core, and blocks are opened by whoever gives them.
    give: Option<Sender<Job>>,
    reports: Receiver<Report>,
    /// Opened here, and not taken yet.
    here: VecDeque<Report>,
    bench: Workbench,
    spare: &'w Mutex<Vec<Vec<u8>>>,
    jobs_max: usize,
    under_way: usize,
    bytes_under_way: u64,
    route: &'w Route,
    open: &'w Open,
}

/// How many cores may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// As many as pay: somebody waits.
    All,
    /// One: what is done in the background leaves the others to whoever works.
    One,
}

/// Does `work` with as many threads as `cores` allow; they are gone when this returns.
pub(crate) fn beside<T>(
    route: &Route,
    cores: Cores,
    work: impl FnOnce(&mut Openers<'_>) -> T,
) -> T {
    let there = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = match cores {
        Cores::All if there > 1 => there.min(WORKERS_MAX),
        // A thread more would only take turns with this one.
        Cores::All | Cores::One => 0,
    };
    with_workers(route, (workers, &open), work)
}

fn open(route: &Route, job: Job, bench: &mut Workbench) -> Opened {
    let (source, number) = job.key;
    let none = || FormatError::Rule { what: "a block of a bundle that is not known" };
    let block = route.sources.get(source).ok_or_else(none).and_then(|source| {
        let reader = BlockReader::new(&source.tree, &source.table);
        reader.open_named(number, job.stored, &job.bases, bench)
    });
    Opened { key: job.key, block }
}

fn with_workers<T>(
    route: &Route,
    (workers, open): (usize, &Open),
    work: impl FnOnce(&mut Openers<'_>) -> T,
) -> T {
    let (give, jobs) = channel();
    let (report, reports) = channel();
    let (jobs, spare) = (Mutex::new(jobs), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        let mut started = 0;
        for _ in 0..workers {
            let (jobs, spare, report) = (&jobs, &spare, report.clone());
            let serve = move || serve(route, (jobs, &report), spare, open);
            let thread = std::thread::Builder::new().name("open-blocks".to_owned());
            started += usize::from(thread.spawn_scoped(scope, serve).is_ok());
        }
        let mut openers = Openers {
            give: (started > 0).then_some(give),
            reports,
            here: VecDeque::new(),
            bench: Workbench::default(),
            spare: &spare,
            jobs_max: (started * JOBS_PER_WORKER).max(1),
            under_way: 0,
            bytes_under_way: 0,
            route,
            open,
        };
        // With the openers goes their sender, also on a panic; then the threads end.
        work(&mut openers)
    })
}

fn serve(
    route: &Route,
    (jobs, report): (&Mutex<Receiver<Job>>, &Sender<Report>),
    spare: &Mutex<Vec<Vec<u8>>>,
    open: &Open,
) {
    let mut bench = Workbench::default();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if let Some(buffer) = spare.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            bench.give_back(buffer);
        }
        let bytes = job.bytes;
        // Whoever waits must be told, or would wait for ever.
        let opened = catch_unwind(AssertUnwindSafe(|| open(route, job, &mut bench)));
        if opened.is_err() {
            bench = Workbench::default();
        }
        if report.send((bytes, opened)).is_err() {
            return;
        }
    }
}

impl Openers<'_> {
    /// Blocks that were given and not taken.
    pub(crate) const fn under_way(&self) -> usize {
        self.under_way
    }

    /// Whether there is room for a block of so many bytes beside those under way.
    pub(crate) const fn has_room(&self, bytes: u64) -> bool {
        let fits = self.bytes_under_way.saturating_add(bytes) <= BYTES_UNDER_WAY_MAX;
        self.under_way == 0 || (self.under_way < self.jobs_max && fits)
    }

    /// Begins to open a block. There must be room for it.
    pub(crate) fn open(&mut self, job: Job) {
        self.under_way += 1;
        self.bytes_under_way += job.bytes;
        let job = match &self.give {
            Some(give) => match give.send(job) {
                Ok(()) => return,
                // Nobody is left to open it.
                Err(refused) => refused.0,
            },
            None => job,
        };
        let bytes = job.bytes;
        self.here.push_back((bytes, Ok((self.open)(self.route, job, &mut self.bench))));
    }

    /// The next block that is opened; none when none is yet.
    pub(crate) fn ready(&mut self) -> Option<Opened> {
        let report = self.here.pop_front().or_else(|| self.reports.try_recv().ok())?;
        Some(self.taken(report))
    }

    /// The next block that is opened, waited for; none when none is under way.
    pub(crate) fn wait(&mut self) -> Option<Opened> {
        if self.under_way == 0 {
            return None;
        }
        let report = self.here.pop_front().or_else(|| self.reports.recv().ok())?;
        Some(self.taken(report))
    }

    fn taken(&mut self, (bytes, opened): Report) -> Opened {
        self.under_way -= 1;
        self.bytes_under_way -= bytes;
        opened.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Takes the memory of a block that is in place, for another one.
    pub(crate) fn give_back(&mut self, buffer: Vec<u8>) {
        if self.give.is_none() {
            return self.bench.give_back(buffer);
        }
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.capacity() > 0 && spare.len() < self.jobs_max {
            spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::Digest;
    use headstart_pack::Tree;

    use super::*;
    use crate::receipt::Way;
    use crate::route::Parts;

    fn route() -> Route {
        let parts = Parts { tree: Some(Tree::default()), ..Parts::default() };
        parts.route(Way::Full, &Digest::of(b""), &[]).expect("an empty one")
    }

    fn job(number: u32, bytes: u64) -> Job {
        let content = Bytes::copy_from_slice(&number.to_le_bytes());
        let digest = Digest::of(&content);
        let stored = Verified::check(content, &digest).expect("equal");
        Job { key: (0, number), stored, bases: Vec::new(), bytes }
    }

    /// No block at all, but one can be told from another.
    #[expect(clippy::needless_pass_by_value, reason = "as blocks are opened")]
    fn refuse(_: &Route, job: Job, _: &mut Workbench) -> Opened {
        Opened { key: job.key, block: Err(FormatError::Decompress { block: job.key.1.into() }) }
    }

    #[test]
    fn every_block_is_opened_once_whoever_opens_it() {
        for workers in [0, 1, 3] {
            let route = route();
            let mut numbers = with_workers(&route, (workers, &refuse), |openers| {
                let mut numbers = Vec::new();
                for number in 0..50 {
                    while !openers.has_room(7) {
                        numbers.push(openers.wait().expect("under way").key.1);
                    }
                    openers.open(job(number, 7));
                    assert!(openers.under_way() <= (workers * JOBS_PER_WORKER).max(1));
                    numbers.extend(openers.ready().map(|opened| opened.key.1));
                }
                numbers.extend(std::iter::from_fn(|| openers.wait()).map(|opened| opened.key.1));
                assert_eq!((openers.under_way(), openers.bytes_under_way), (0, 0));
                numbers
            });
            numbers.sort_unstable();
            assert_eq!(numbers, (0..50).collect::<Vec<u32>>(), "{workers}");
        }
    }

    #[test]
    fn a_panic_while_a_block_is_opened_reaches_whoever_waits() {
        let panics = |route: &Route, job: Job, bench: &mut Workbench| {
            assert_ne!(job.key.1, 3, "the third");
            refuse(route, job, bench)
        };
        for workers in [0, 2] {
            let route = route();
            let waited = catch_unwind(AssertUnwindSafe(|| {
                with_workers(&route, (workers, &panics), |openers| {
                    for number in 0..9 {
                        while !openers.has_room(0) {
                            openers.wait();
                        }
                        openers.open(job(number, 0));
                    }
                    while openers.wait().is_some() {}
                });
            }));
            assert!(waited.is_err(), "{workers}");
        }
    }

    #[test]
    fn no_more_bytes_are_under_way_than_allowed_but_one_block_always_is() {
        let route = route();
        with_workers(&route, (2, &refuse), |openers| {
            openers.open(job(0, 2 * BYTES_UNDER_WAY_MAX));
            assert!(!openers.has_room(0));
            openers.wait().expect("under way");
            openers.open(job(1, BYTES_UNDER_WAY_MAX - 5));
            assert!(openers.has_room(5) && !openers.has_room(6));
        });
    }
}
