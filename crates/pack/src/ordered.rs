//! Work on several threads whose results are taken in the order in which it was begun.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use crate::error::BuildError;

/// Jobs that are begun before the first of them is taken, at most. Whatever the number of cores: [`Stages::next`] may rely
/// on that everything further back was taken.
pub(crate) const AHEAD_MAX: usize = 16;

/// Threads that can work at the same time.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// What is done before the work and after it, both on the caller's thread.
pub(crate) trait Stages {
    type Job: Send;
    type Done: Send;

    /// The next job; `None` when there is no more.
    fn next(&mut self) -> Result<Option<Self::Job>, BuildError>;

    /// Takes a result, in the order of the jobs.
    fn take(&mut self, done: Self::Done) -> Result<(), BuildError>;
}

/// What came of a job: what a thread panicked with otherwise.
type Outcome<D> = std::thread::Result<D>;

/// Does `work` for every job on `workers` threads, of which at most one more than that are given out at a time. A panic of `work`
/// becomes one of the caller. No more threads are begun than there are jobs to do at a time, and for a single job none is.
pub(crate) fn run<S: Stages>(
    stages: &mut S,
    workers: usize,
    work: impl Fn(S::Job) -> S::Done + Sync,
) -> Result<(), BuildError> {
    let Some(first) = stages.next()? else { return Ok(()) };
    let Some(second) = stages.next()? else { return stages.take(work(first)) };
    let (give, jobs) = channel();
    let (report, results) = channel();
    let jobs = Mutex::new(jobs);
    std::thread::scope(|scope| {
        let mut begun = 0;
        let (jobs, work) = (&jobs, &work);
        let begin_workers = |wanted: usize| {
            while begun < wanted.min(workers) {
                let report = report.clone();
                scope.spawn(move || serve(jobs, &report, work));
                begun += 1;
            }
        };
        // `give` goes with this closure's end, also on an error; then the workers end.
        let give = give;
        let ready = VecDeque::from([first, second]);
        coordinate(stages, ready, (&give, &results, workers + 1), begin_workers)
    })
}

fn serve<J, D>(
    jobs: &Mutex<Receiver<(usize, J)>>,
    report: &Sender<(usize, Outcome<D>)>,
    work: &impl Fn(J) -> D,
) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, job)) = next else { return };
        // A job that nobody reports would be waited for without end, while the other threads wait for jobs. Nothing that a
        // panic left half done is looked at again: the caller panics, too.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(job)));
        if report.send((number, outcome)).is_err() {
            return;
        }
    }
}

/// Where jobs go, where they come back from, and how many may be on the way.
type Channels<'a, S> = (
    &'a Sender<(usize, <S as Stages>::Job)>,
    &'a Receiver<(usize, Outcome<<S as Stages>::Done>)>,
    usize,
);

/// Gives out the jobs of `ready`, then those of `stages`. Asks before each for as many workers as there will be jobs on the way.
fn coordinate<S: Stages>(
    stages: &mut S,
    mut ready: VecDeque<S::Job>,
    (give, results, given_max): Channels<'_, S>,
    mut begin_workers: impl FnMut(usize),
) -> Result<(), BuildError> {
    let (mut begun, mut finished, mut taken) = (0, 0, 0);
    let mut waiting = BTreeMap::new();
    let mut more = true;
    loop {
        while more && begun - finished < given_max && begun - taken < AHEAD_MAX {
            let job = match ready.pop_front() {
                Some(job) => Some(job),
                None => stages.next()?,
            };
            match job {
                Some(job) => {
                    begin_workers(begun + 1 - finished);
                    // The other end is in the hands of the caller.
                    drop(give.send((begun, job)));
                }
                None => more = false,
            }
            begun += usize::from(more);
        }
        if taken == begun {
            return Ok(());
        }
        let Ok((number, outcome)) = results.recv() else { return Err(BuildError::Cancelled) };
        let done = outcome.unwrap_or_else(|panic| resume_unwind(panic));
        finished += 1;
        waiting.insert(number, done);
        while let Some(done) = waiting.remove(&taken) {
            stages.take(done)?;
            taken += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Squares {
        jobs: u64,
        next: u64,
        taken: Vec<u64>,
        fail_at: u64,
    }

    impl Squares {
        fn new(jobs: u64) -> Self {
            Self { jobs, next: 0, taken: Vec::new(), fail_at: u64::MAX }
        }
    }

    impl Stages for Squares {
        type Job = u64;
        type Done = u64;

        fn next(&mut self) -> Result<Option<u64>, BuildError> {
            if self.next == self.fail_at {
                return Err(BuildError::Cancelled);
            }
            let behind = usize::try_from(self.next).expect("small") - self.taken.len();
            assert!(behind < AHEAD_MAX, "all that is further back was taken");
            self.next += 1;
            Ok((self.next <= self.jobs).then_some(self.next))
        }

        fn take(&mut self, done: u64) -> Result<(), BuildError> {
            self.taken.push(done);
            Ok(())
        }
    }

    #[test]
    fn results_come_in_order_from_any_number_of_workers() {
        for workers in [1, 2, 40] {
            let mut squares = Squares::new(1000);
            run(&mut squares, workers, |n| n * n).expect("nothing fails");
            assert!(squares.taken.into_iter().eq((1..=1000).map(|n| n * n)));
        }
    }

    #[test]
    fn a_single_job_is_done_where_it_was_asked_for() {
        let here = std::thread::current().id();
        let mut squares = Squares::new(1);
        let work = |n| if std::thread::current().id() == here { n } else { 0 };
        run(&mut squares, 40, work).expect("nothing fails");
        assert_eq!(squares.taken, [1]);
    }

    #[test]
    fn no_more_workers_are_asked_for_than_there_are_jobs() {
        let (give, jobs) = channel();
        let (report, results) = channel();
        let (jobs, mut squares, mut most) = (Mutex::new(jobs), Squares::new(3), 0);
        let coordinated = std::thread::scope(|scope| {
            scope.spawn(|| serve(&jobs, &report, &|n| n));
            let give = give;
            let asked = |workers: usize| most = most.max(workers);
            coordinate(&mut squares, VecDeque::new(), (&give, &results, 41), asked)
        });
        coordinated.expect("nothing fails");
        assert_eq!(squares.taken, [1, 2, 3]);
        assert!((1..=3).contains(&most), "{most}");
    }

    #[test]
    fn a_panic_of_a_worker_reaches_the_caller() {
        for workers in [1, 2, 3] {
            let mut squares = Squares::new(1000);
            let work = |n| if n == 5 { std::panic::panic_any("five") } else { n };
            let run = catch_unwind(AssertUnwindSafe(|| run(&mut squares, workers, work)));
            let panic = run.expect_err("it goes on to the caller");
            assert_eq!(panic.downcast_ref(), Some(&"five"));
        }
    }

    #[test]
    fn an_error_ends_the_workers() {
        let mut squares = Squares { fail_at: 50, ..Squares::new(1000) };
        assert!(run(&mut squares, 3, |n| n).is_err());
    }
}
