//! Work for the disk that many wait for at once.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The most that one call does: each may have a file open meanwhile, and many systems allow a process 1024 of them.
const TOGETHER_MAX: usize = 256;

/// Does in one call what waits to be done, up to [`TOGETHER_MAX`]; while a call runs, whoever comes waits for the next one. Calls run where they may
/// block.
///
/// `Ours:` a thread that is woken for each of thousands of small files costs more than what it does for it. A second call that
/// begins while the first one waits for the disk was tried: the two wait for each other at the folder, and gain nothing.
#[derive(Debug)]
pub(super) struct Batcher<I, O> {
    queue: Mutex<Queue<I, O>>,
    /// The outcomes of all, in their order.
    work: fn(Vec<I>) -> Vec<O>,
}

#[derive(Debug)]
struct Queue<I, O> {
    waiting: Vec<(I, oneshot::Sender<O>)>,
    /// Whether a call runs.
    running: bool,
}

impl<I, O> Batcher<I, O> {
    /// Does `work`, which gives the outcomes of all that it is given, in their order.
    pub(super) const fn new(work: fn(Vec<I>) -> Vec<O>) -> Self {
        let queue = Mutex::new(Queue { waiting: Vec::new(), running: false });
        Self { queue, work }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<I, O>> {
        // Nothing panics while it is held, and every state of it is a good one.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I: Send + 'static, O: Send + 'static> Batcher<I, O> {
    /// Has `item` done. Not cancelled by dropping: it is done in any case.
    ///
    /// # Errors
    /// When the work for it was broken off.
    pub(super) async fn submit(self: &Arc<Self>, item: I) -> io::Result<O> {
        let (done, outcome) = oneshot::channel();
        if self.join(item, done) {
            let mut turn = Turn::new(Arc::clone(self));
            tokio::task::spawn_blocking(move || turn.run());
        }
        outcome.await.map_err(|_| io::ErrorKind::Interrupted.into())
    }

    /// Whether somebody has to begin.
    fn join(&self, item: I, done: oneshot::Sender<O>) -> bool {
        let mut queue = self.lock();
        queue.waiting.push((item, done));
        !std::mem::replace(&mut queue.running, true)
    }
}

/// The call that runs.
struct Turn<I, O> {
    batcher: Arc<Batcher<I, O>>,
    /// Those whose work runs, and those who wait when it breaks off.
    waiting: Vec<oneshot::Sender<O>>,
    /// Whether it has done all that waited.
    ended: bool,
}

impl<I, O> Turn<I, O> {
    const fn new(batcher: Arc<Batcher<I, O>>) -> Self {
        Self { batcher, waiting: Vec::new(), ended: false }
    }

    fn run(&mut self) {
        loop {
            let batch = {
                let mut queue = self.batcher.lock();
                if queue.waiting.is_empty() {
                    queue.running = false;
                    self.ended = true;
                    return;
                }
                let together = queue.waiting.len().min(TOGETHER_MAX);
                let later = queue.waiting.split_off(together);
                std::mem::replace(&mut queue.waiting, later)
            };
            let (items, waiting) = batch.into_iter().unzip();
            self.waiting = waiting;
            let outcomes = (self.batcher.work)(items);
            for (done, outcome) in self.waiting.drain(..).zip(outcomes) {
                // Whoever asked may have gone.
                let _ = done.send(outcome);
            }
        }
    }
}

impl<I, O> Drop for Turn<I, O> {
    /// Work that panicked, or a runtime that ends before it begins, must not leave others waiting for ever. They hear of it
    /// when `waiting` is dropped, after this: whoever comes again then begins a call.
    fn drop(&mut self) {
        if !self.ended {
            let mut queue = self.batcher.lock();
            queue.running = false;
            self.waiting.extend(queue.waiting.drain(..).map(|(_, done)| done));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::OnceLock;
    use std::task::{Context, Wake, Waker};

    use super::*;

    #[test]
    fn each_gets_its_own_outcome_and_those_who_wait_go_together_as_far_as_they_may() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.max_blocking_threads(1).build().expect("a runtime");
        let batcher = Arc::new(Batcher::new(|numbers: Vec<usize>| {
            let together = numbers.len();
            numbers.into_iter().map(|number| (number, together)).collect()
        }));
        runtime.block_on(async {
            // The only thread for such work is busy until all have come.
            let (release, released) = std::sync::mpsc::channel::<()>();
            let busy = tokio::task::spawn_blocking(move || released.recv());
            let all = TOGETHER_MAX * 2 + 7;
            let each = futures::future::join_all((0..all).map(|number| batcher.submit(number)));
            let (outcomes, _) = futures::future::join(each, async { release.send(()) }).await;
            for (number, outcome) in outcomes.into_iter().enumerate() {
                let together = if number < TOGETHER_MAX * 2 { TOGETHER_MAX } else { 7 };
                assert_eq!(outcome.expect("done"), (number, together));
            }
            busy.await.expect("no panic").expect("released");
            assert_eq!(batcher.submit(7).await.expect("done again"), (7, 1));
        });
    }

    #[tokio::test]
    async fn work_that_panics_keeps_nobody_waiting() {
        let batcher = Arc::new(Batcher::new(|numbers: Vec<usize>| {
            assert_ne!(numbers, [7]);
            numbers
        }));
        batcher.submit(7).await.expect_err("it panics");
        assert_eq!(batcher.submit(8).await.expect("done"), 8);
    }

    #[test]
    fn whoever_hears_that_work_broke_off_can_have_it_begun_again() {
        let batcher =
            Arc::new(Batcher::new(|_: Vec<usize>| -> Vec<usize> { panic!("it breaks off") }));
        let (done, mut outcome) = oneshot::channel();
        assert!(batcher.join(7, done));
        let again = Arc::new(Again { batcher: Arc::clone(&batcher), begins: OnceLock::new() });
        let waker = Waker::from(Arc::clone(&again));
        assert!(Pin::new(&mut outcome).poll(&mut Context::from_waker(&waker)).is_pending());
        let mut turn = Turn::new(batcher);
        std::thread::spawn(move || turn.run()).join().expect_err("it panics");
        outcome.blocking_recv().expect_err("nobody did it");
        assert_eq!(again.begins.get(), Some(&true));
    }

    /// Comes again at the very moment when it is told.
    struct Again {
        batcher: Arc<Batcher<usize, usize>>,
        /// Whether it has to begin a call.
        begins: OnceLock<bool>,
    }

    impl Wake for Again {
        fn wake(self: Arc<Self>) {
            let begins = self.batcher.join(8, oneshot::channel().0);
            self.begins.set(begins).expect("told once");
        }
    }

    #[test]
    fn a_runtime_that_ended_keeps_nobody_waiting() {
        let batcher = Arc::new(Batcher::new(|numbers: Vec<usize>| numbers));
        let turn = Turn::new(Arc::clone(&batcher));
        let (done, outcome) = oneshot::channel();
        assert!(batcher.join(7, done));
        drop(turn);
        outcome.blocking_recv().expect_err("nobody will do it");
        assert!(batcher.join(8, oneshot::channel().0));
    }
}
