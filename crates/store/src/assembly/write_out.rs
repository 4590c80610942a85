//! What was written goes to the disk while more comes, so that the sync at the end finds little left to do.
//!
//! Only a hint to the system: what is safe on disk is what that sync brought there.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use headstart_sys::positioned;

/// So much is gathered before the system is told. `Ours:` fewer calls, and the last page of a piece is seldom written twice.
const DUE_BYTES: u64 = 8 * 1024 * 1024;

/// Tells the system, on a thread of its own: where the disk is slow the call waits for it.
#[derive(Debug, Default)]
pub(super) struct WriteOut {
    /// By entry: the first byte written since it was told, and the one after the last.
    written: BTreeMap<u32, (u64, u64)>,
    bytes: u64,
    thread: Option<Thread>,
}

/// Bytes of a file.
#[derive(Debug)]
struct Piece {
    file: File,
    start: u64,
    end: u64,
}

#[derive(Debug)]
struct Thread {
    /// None once it is to end.
    give: Option<SyncSender<Vec<Piece>>>,
    handle: Option<JoinHandle<()>>,
}

impl WriteOut {
    /// Bytes of an entry were written.
    pub(super) fn written(&mut self, entry: u32, (start, end): (u64, u64)) {
        let known = self.written.entry(entry).or_insert((start, end));
        *known = (known.0.min(start), known.1.max(end));
        self.bytes += end - start;
    }

    /// Whether it is time for [`begin`](Self::begin).
    pub(super) const fn is_due(&self) -> bool {
        self.bytes >= DUE_BYTES
    }

    /// Has everything written so far go to the disk, as far as its file is in `open`. While the disk is still busy with what came before
    /// nothing is done: more is gathered.
    pub(super) fn begin(&mut self, open: &HashMap<u32, File>) {
        // A small version is brought to disk at its end, without a thread.
        if self.thread.is_none() && !self.is_due() {
            return;
        }
        let pieces = self.written.iter().filter_map(|(entry, (start, end))| {
            let file = open.get(entry)?.try_clone().ok()?;
            Some(Piece { file, start: *start, end: *end })
        });
        let pieces = pieces.collect();
        let thread = self.thread.get_or_insert_with(Thread::start);
        if thread.give.as_ref().is_some_and(|give| give.try_send(pieces).is_ok()) {
            self.written.clear();
        }
        self.bytes = 0;
    }
}

impl Thread {
    fn start() -> Self {
        let (give, pieces) = sync_channel(1);
        let name = "write-out".to_owned();
        // Where there is no thread to be had, the sync at the end does it all.
        let handle = std::thread::Builder::new().name(name).spawn(move || serve(&pieces)).ok();
        Self { give: Some(give), handle }
    }
}

fn serve(pieces: &Receiver<Vec<Piece>>) {
    for Piece { file, start, end } in pieces.iter().flatten() {
        positioned::begin_write_out(&file, start, end.saturating_sub(start));
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.give = None;
        if let Some(handle) = self.handle.take() {
            // It says nothing, and a panic of it harms nobody: the sync at the end does what it would have done.
            let _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_out_is_taken_off_and_small_versions_start_no_thread() {
        let file = tempfile::tempfile().expect("a file");
        let open = HashMap::from([(3, file)]);
        let mut write_out = WriteOut::default();
        write_out.written(3, (0, 10));
        write_out.begin(&open);
        assert!(write_out.thread.is_none() && !write_out.is_due());
        write_out.written(3, (10, DUE_BYTES));
        assert_eq!(write_out.written.get(&3), Some(&(0, DUE_BYTES)));
        assert!(write_out.is_due());
        write_out.begin(&open);
        assert!(write_out.thread.is_some() && write_out.written.is_empty());
        assert!(!write_out.is_due());
    }
}
