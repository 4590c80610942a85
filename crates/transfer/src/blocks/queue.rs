//! The blocks that no worker has taken yet, range by range.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::WantedBlock;
use crate::{CoalescePolicy, RangePlan, coalesce};

/// The blocks of one piece of work, sorted by offset; what was handed over is taken off the front.
pub(super) type Job = VecDeque<WantedBlock>;

/// What is left to do, in the order of offsets.
#[derive(Debug)]
pub(super) struct Queue {
    policy: CoalescePolicy,
    jobs: Mutex<VecDeque<Job>>,
}

impl Queue {
    pub(super) fn new(
        blocks: &[WantedBlock],
        ranges: &[RangePlan],
        policy: CoalescePolicy,
    ) -> Self {
        let job = |range: &RangePlan| {
            blocks.get(range.blocks.clone()).unwrap_or_default().iter().copied().collect()
        };
        Self { policy, jobs: Mutex::new(ranges.iter().map(job).collect()) }
    }

    /// The next range.
    pub(super) fn take(&self) -> Option<Job> {
        self.lock().pop_front()
    }

    /// Adds to `job` the waiting ranges behind it, as long as no more than `skip_bytes` lie between the blocks in all: a
    /// whole file is being read, and what comes along need not be asked for.
    pub(super) fn take_along(&self, job: &mut Job, mut skip_bytes: u64) {
        let mut jobs = self.lock();
        while let (Some(last), Some(next)) = (job.back(), jobs.front().and_then(VecDeque::front)) {
            let Some(gap) = next.offset.checked_sub(last.end()).filter(|gap| *gap <= skip_bytes)
            else {
                return;
            };
            skip_bytes -= gap;
            job.extend(jobs.pop_front().unwrap_or_default());
        }
    }

    /// Cuts `job` down to one range and gives back the others, as before it took some along.
    pub(super) fn give_back(&self, job: &mut Job) {
        let ranges = coalesce(job.make_contiguous(), self.policy);
        let mut jobs = self.lock();
        for range in ranges.iter().skip(1).rev() {
            jobs.push_front(job.split_off(range.blocks.start));
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Job>> {
        // Nothing panics while it is held, and every state of the list is a good one.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::Digest;

    use super::*;

    fn queue(offsets: &[u64]) -> Queue {
        let wanted = |(offset, tag): (&u64, u64)| WantedBlock {
            offset: *offset,
            bytes: 10,
            digest: Digest::of(b""),
            tag,
        };
        let blocks: Vec<_> = offsets.iter().zip(0..).map(wanted).collect();
        let policy = CoalescePolicy { max_gap_bytes: 0, max_range_bytes: 20 };
        Queue::new(&blocks, &coalesce(&blocks, policy), policy)
    }

    fn tags(job: &Job) -> Vec<u64> {
        job.iter().map(|block| block.tag).collect()
    }

    #[test]
    fn a_whole_read_takes_along_what_is_near_and_gives_back_the_rest() {
        let queue = queue(&[0, 10, 20, 30, 45, 200]);
        let mut job = queue.take().expect("a range");
        assert_eq!(tags(&job), [0, 1]);
        queue.take_along(&mut job, 5);
        assert_eq!(tags(&job), [0, 1, 2, 3, 4]);
        job.pop_front();
        queue.give_back(&mut job);
        assert_eq!(tags(&job), [1, 2]);
        let rest: Vec<_> = std::iter::from_fn(|| queue.take()).map(|job| tags(&job)).collect();
        assert_eq!(rest, [vec![3], vec![4], vec![5]]);
    }

    #[test]
    fn ranges_before_a_job_are_not_taken_along() {
        let queue = queue(&[0, 100]);
        let (first, mut second) = (queue.take().expect("a range"), queue.take().expect("a range"));
        queue.lock().push_back(first);
        queue.take_along(&mut second, u64::MAX);
        assert_eq!(tags(&second), [1]);
    }
}
