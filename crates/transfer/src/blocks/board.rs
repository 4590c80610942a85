//! Who works on which blocks.
//!
//! Every block that was not claimed is in a range that waits or in one that is under way. A block that two fetch is in two
//! ranges; whoever has it first claims it and takes it away from the other. What a range leaves when it ends waits again.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::WantedBlock;
use super::straggler::{self, Help, Progress, Situation};
use crate::{CoalescePolicy, RangePlan, coalesce};

/// The blocks of one range, sorted by offset.
type Job = VecDeque<WantedBlock>;

/// Ranges are not cut shorter than this to share the rest evenly.
const SHARE_BYTES_MIN: u64 = 1024 * 1024;
/// Weight of the newest range in the usual rate.
const NEWEST_WEIGHT: f64 = 0.3;

/// A range under way, as its worker holds it.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) job: u64,
    /// Told when others have taken all blocks of this range.
    pub(super) lost: Arc<Notify>,
}

/// All blocks that are left.
#[derive(Debug)]
pub(super) struct Board {
    policy: CoalescePolicy,
    state: Mutex<State>,
    /// Told when there may be something new to do, or nothing any more.
    pub(super) changed: Notify,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Job>,
    running: BTreeMap<u64, Running>,
    next_job: u64,
    /// Blocks that no sink has taken.
    left: usize,
    /// A server without ranges: the file is read from its first byte to its last, and what is urgent comes in its turn.
    in_one_go: bool,
    /// What was preferred last, by its tag: the lowest goes first.
    urgent: HashMap<u64, usize>,
    usual_rate: Option<f64>,
}

#[derive(Debug)]
struct Running {
    blocks: Job,
    lost: Arc<Notify>,
    began: Duration,
    bytes: u64,
    /// How long the network was waited for in all since the present request was sent, but for what `awaiting` tells.
    waited: Duration,
    /// Since when the network has been waited for; none while it is not.
    awaiting: Option<Duration>,
}

impl Running {
    fn silent(&self, now: Duration) -> Duration {
        self.awaiting.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }

    fn waited(&self, now: Duration) -> Duration {
        self.waited.saturating_add(self.silent(now))
    }

    fn stop_waiting(&mut self, now: Duration) {
        self.waited = self.waited(now);
        self.awaiting = None;
    }
}

impl Board {
    pub(super) fn new(
        blocks: &[WantedBlock],
        ranges: &[RangePlan],
        policy: CoalescePolicy,
    ) -> Self {
        let job = |range: &RangePlan| {
            blocks.get(range.blocks.clone()).unwrap_or_default().iter().copied().collect()
        };
        let state = State {
            waiting: ranges.iter().map(job).collect(),
            running: BTreeMap::new(),
            next_job: 0,
            left: blocks.len(),
            in_one_go: false,
            urgent: HashMap::new(),
            usual_rate: None,
        };
        Self { policy, state: Mutex::new(state), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and every state of the board is a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether every block was handed over.
    pub(super) fn is_done(&self) -> bool {
        self.lock().left == 0
    }

    /// Ranges under way.
    pub(super) fn busy(&self) -> usize {
        self.lock().running.len()
    }

    /// The next range that waits. Towards the end, ranges are cut so that `workers` end together.
    pub(super) fn take(&self, workers: usize, now: Duration) -> Option<Ticket> {
        let mut state = self.lock();
        let total: u64 = state.waiting.iter().map(span).sum();
        let mut job = state.waiting.pop_front()?;
        if workers > 1 {
            let share = (total / (2 * workers as u64)).max(SHARE_BYTES_MIN);
            let start = job.front().map_or(0, |block| block.offset);
            let fitting = job.iter().take_while(|block| block.end() - start <= share).count();
            let rest = job.split_off(fitting.max(1).min(job.len()));
            if !rest.is_empty() {
                state.put_back(rest);
            }
        }
        Some(state.start(job, now))
    }

    /// A range to help with, if one is far behind; `allowed` also where one only could go faster.
    pub(super) fn help(&self, (rate, best_rate): (f64, f64), now: Duration) -> Option<Ticket> {
        let mut state = self.lock();
        let under_way: Vec<_> =
            state.running.iter().map(|(job, running)| state.progress(*job, running, now)).collect();
        let situation = Situation { rate, best_rate, usual_range_rate: state.usual_rate };
        let taken = match straggler::choose(&under_way, &situation) {
            Help::Nobody => return None,
            Help::Relieve { job, keep } => state.running.get_mut(&job)?.blocks.split_off(keep),
            Help::Race { job } => state.running.get(&job)?.blocks.clone(),
        };
        Some(state.start(taken, now))
    }

    /// The block that a worker is at.
    pub(super) fn front(&self, job: u64) -> Option<WantedBlock> {
        self.lock().running.get(&job)?.blocks.front().copied()
    }

    /// The first block, and the offset after the last one.
    pub(super) fn extent(&self, job: u64) -> Option<(WantedBlock, u64)> {
        let state = self.lock();
        let blocks = &state.running.get(&job)?.blocks;
        Some((*blocks.front()?, blocks.back()?.end()))
    }

    /// Takes a verified block for handing it over; not if somebody else was faster.
    pub(super) fn claim(&self, job: u64, block: &WantedBlock) -> bool {
        let mut state = self.lock();
        let Some(running) = state.running.get_mut(&job) else { return false };
        if running.blocks.front() != Some(block) {
            return false;
        }
        running.blocks.pop_front();
        for (other, running) in &mut state.running {
            if *other != job && running.blocks.front() == Some(block) {
                running.blocks.pop_front();
                if running.blocks.is_empty() {
                    running.lost.notify_one();
                }
            }
        }
        true
    }

    /// A claimed block was handed over.
    pub(super) fn delivered(&self) {
        let mut state = self.lock();
        state.left = state.left.saturating_sub(1);
        if state.left == 0 {
            self.changed.notify_waiters();
        }
    }

    /// A request of this range was sent.
    pub(super) fn asked(&self, job: u64, now: Duration) {
        if let Some(running) = self.lock().running.get_mut(&job) {
            (running.began, running.bytes) = (now, 0);
            (running.waited, running.awaiting) = (Duration::ZERO, Some(now));
        }
    }

    /// The network is waited for from now on.
    pub(super) fn waits(&self, job: u64, now: Duration) {
        if let Some(running) = self.lock().running.get_mut(&job) {
            running.stop_waiting(now);
            running.awaiting = Some(now);
        }
    }

    /// The network is not waited for any more: what takes time now is on this side.
    pub(super) fn stops_waiting(&self, job: u64, now: Duration) {
        if let Some(running) = self.lock().running.get_mut(&job) {
            running.stop_waiting(now);
        }
    }

    /// Bytes of this range came.
    pub(super) fn arrived(&self, job: u64, bytes: u64, now: Duration) {
        if let Some(running) = self.lock().running.get_mut(&job) {
            running.bytes += bytes;
            running.stop_waiting(now);
        }
    }

    /// Bytes a second of the present request, and how long it has run.
    pub(super) fn rate(&self, job: u64, now: Duration) -> Option<(f64, Duration)> {
        let state = self.lock();
        let running = state.running.get(&job)?;
        let age = now.saturating_sub(running.began);
        (running.bytes > 0).then(|| (running.bytes as f64 / age.as_secs_f64().max(1e-3), age))
    }

    /// Adds to the range the waiting ones behind it, as long as no more than `skip_bytes` lie between the blocks in all: a
    /// whole file is being read, and what comes along need not be asked for. Nothing is brought forward from then on.
    pub(super) fn take_along(&self, job: u64, mut skip_bytes: u64) {
        let mut state = self.lock();
        let State { waiting, running, in_one_go, .. } = &mut *state;
        *in_one_go = true;
        let Some(running) = running.get_mut(&job) else { return };
        while let (Some(last), Some(next)) =
            (running.blocks.back(), waiting.front().and_then(VecDeque::front))
        {
            let Some(gap) = next.offset.checked_sub(last.end()).filter(|gap| *gap <= skip_bytes)
            else {
                return;
            };
            skip_bytes -= gap;
            running.blocks.extend(waiting.pop_front().unwrap_or_default());
        }
    }

    /// After a failure: cuts the range down to what one request covers and gives back the rest. Says whether anything is left
    /// of it.
    pub(super) fn give_back(&self, job: u64) -> bool {
        let mut state = self.lock();
        let Some(running) = state.running.get_mut(&job) else { return false };
        running.awaiting = None;
        let ranges = coalesce(running.blocks.make_contiguous(), self.policy);
        let rests = ranges.iter().skip(1).rev();
        let rests: Vec<_> =
            rests.map(|range| running.blocks.split_off(range.blocks.start)).collect();
        let left = !running.blocks.is_empty();
        if !rests.is_empty() {
            self.changed.notify_waiters();
        }
        for rest in rests {
            state.put_back(rest);
        }
        left
    }

    /// Puts the blocks with these tags before all others that wait, the first of them before the second. Where one of them waits behind others
    /// in a range under way, that range ends with the block that it is at.
    pub(super) fn prefer(&self, tags: &[u64]) {
        let ranks: HashMap<u64, usize> = tags.iter().copied().zip(0..).collect();
        let rank = |block: &WantedBlock| ranks.get(&block.tag).copied();
        let mut state = self.lock();
        state.urgent.clone_from(&ranks);
        let waiting = state.waiting.iter().flatten().filter(|block| rank(block).is_some()).count();
        let late = state.running.values().any(|running| is_late(&running.blocks, rank));
        if state.in_one_go || (waiting == 0 && !late) {
            return;
        }
        // Who waits for one block has one range give way, not all of them.
        let mut jobs: Vec<Job> = state.interrupt(rank, waiting);
        jobs.extend(std::mem::take(&mut state.waiting));
        let mut first: Vec<WantedBlock> = Vec::new();
        for job in &mut jobs {
            first.extend(job.iter().filter(|block| rank(block).is_some()));
            job.retain(|block| rank(block).is_none());
        }
        // By offset, so that neighbours make one range; a range is as urgent as the most urgent of its blocks.
        first.sort_unstable_by_key(|block| block.offset);
        first.dedup_by_key(|block| block.tag);
        let mut first = self.ranges_of(&first);
        first.sort_by_key(|job| job.iter().filter_map(rank).min());
        let others = jobs.into_iter().flat_map(|mut job| self.ranges_of(job.make_contiguous()));
        state.waiting = first.into_iter().chain(others).collect();
        drop(state);
        self.changed.notify_waiters();
    }

    fn ranges_of(&self, blocks: &[WantedBlock]) -> Vec<Job> {
        let ranges = coalesce(blocks, self.policy).into_iter();
        let job = |range: RangePlan| blocks.get(range.blocks).unwrap_or_default().to_vec().into();
        ranges.map(job).collect()
    }

    /// Whether others fetch all that is left of this range too.
    pub(super) fn is_held_by_others(&self, job: u64) -> bool {
        let state = self.lock();
        let Some(mine) = state.running.get(&job) else { return true };
        mine.blocks.iter().all(|block| state.is_held(block, job))
    }

    /// A worker is through with a range. What is left of it, and nobody else fetches, waits again.
    pub(super) fn end(&self, job: u64, now: Duration) {
        let rate = self.rate(job, now);
        let mut state = self.lock();
        let mut left = state.running.remove(&job).map_or_else(Job::new, |running| running.blocks);
        left.retain(|block| !state.is_held(block, job));
        for rest in self.ranges_of(left.make_contiguous()).into_iter().rev() {
            state.put_back(rest);
        }
        if let Some((rate, _)) = rate {
            let usual = state.usual_rate.unwrap_or(rate);
            state.usual_rate = Some(usual + NEWEST_WEIGHT * (rate - usual));
        }
    }
}

impl State {
    fn start(&mut self, blocks: Job, now: Duration) -> Ticket {
        let job = self.next_job;
        self.next_job += 1;
        let lost = Arc::new(Notify::new());
        let running = Running {
            blocks,
            lost: Arc::clone(&lost),
            began: now,
            bytes: 0,
            waited: Duration::ZERO,
            awaiting: None,
        };
        self.running.insert(job, running);
        Ticket { job, lost }
    }

    /// Whether a range under way that is not `job` has this block.
    fn is_held(&self, block: &WantedBlock, job: u64) -> bool {
        self.running.iter().any(|(other, found)| *other != job && found.blocks.contains(block))
    }

    /// Puts blocks before all that wait and are not more urgent.
    fn put_back(&mut self, blocks: Job) {
        let rank = |job: &Job| {
            let ranks = job.iter().filter_map(|block| self.urgent.get(&block.tag).copied());
            ranks.min().unwrap_or(usize::MAX)
        };
        // What is fetched in one go keeps the order of the file, whatever is urgent.
        let mine = if self.in_one_go { 0 } else { rank(&blocks) };
        let before = self.waiting.iter().take_while(|job| rank(job) < mine).count();
        self.waiting.insert(before, blocks);
    }

    /// Cuts ranges under way down to the block that each is at, and the urgent ones right behind it; gives the rest. Those in which urgent
    /// blocks wait, and of the others at most `most`. One that others fetch too is left alone.
    fn interrupt(
        &mut self,
        rank: impl Copy + Fn(&WantedBlock) -> Option<usize>,
        mut most: usize,
    ) -> Vec<Job> {
        let fronts: Vec<_> = self.running.values().map(|job| job.blocks.front().copied()).collect();
        let alone = |front: Option<&WantedBlock>| {
            fronts.iter().filter(|other| other.as_ref() == front).count() == 1
        };
        let mut rests = Vec::new();
        for running in self.running.values_mut().filter(|job| alone(job.blocks.front())) {
            if !is_late(&running.blocks, rank) {
                if most == 0 || running.blocks.iter().any(|block| rank(block).is_some()) {
                    continue;
                }
                most -= 1;
            }
            let urgent = running.blocks.iter().skip(1).take_while(|block| rank(block).is_some());
            let keep = (1 + urgent.count()).min(running.blocks.len());
            rests.push(running.blocks.split_off(keep));
        }
        rests.retain(|rest| !rest.is_empty());
        rests
    }

    fn progress(&self, job: u64, running: &Running, now: Duration) -> Progress {
        let first = running.blocks.front();
        let raced = self.running.iter().any(|(other, found)| {
            *other != job && first.is_some() && found.blocks.front() == first
        });
        Progress {
            job,
            blocks_left: running.blocks.len(),
            bytes_left: running.blocks.iter().map(|block| u64::from(block.bytes)).sum(),
            waited: running.waited(now),
            bytes: running.bytes,
            silent: running.silent(now),
            raced,
        }
    }
}

/// Whether an urgent block waits behind one that is not, which is not the one under way.
fn is_late(blocks: &Job, rank: impl Fn(&WantedBlock) -> Option<usize>) -> bool {
    blocks.iter().skip(1).skip_while(|block| rank(block).is_some()).any(|b| rank(b).is_some())
}

/// From the first byte of a range to its last.
fn span(job: &Job) -> u64 {
    match (job.front(), job.back()) {
        (Some(first), Some(last)) => last.end().saturating_sub(first.offset),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
