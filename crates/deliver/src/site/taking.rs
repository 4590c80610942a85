//! Blocks on their way to their places: those that are ready are opened beside each other, the others wait.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use headstart_model::Verified;
use headstart_pack::{BaseSource, BaseSpace, BlockReader, FormatError};
use headstart_store::StoreError;
use headstart_transfer::DeliveredBlock;
use tokio::sync::mpsc;

use super::{Site, key_of};
use crate::moving::Moving;
use crate::opening::{Job, Opened, Openers, beside};
use crate::parking::BlockKey;
use crate::route::{Source, index};

impl Site {
    /// Takes blocks until no more come; `done` bytes of `total` came before.
    pub(crate) fn take_blocks(
        &mut self,
        mut receiver: mpsc::Receiver<DeliveredBlock>,
        (mut done, total): (u64, u64),
        moving: &Moving,
    ) -> Result<u64, StoreError> {
        let route = Arc::clone(&self.route);
        beside(&route, self.cores, |openers| {
            loop {
                self.wake(openers)?;
                // What is opened comes first: it gives room, and may be what others wait for.
                let opened = if openers.has_room(0) { openers.ready() } else { openers.wait() };
                let opened = if let Some(opened) = opened {
                    opened
                } else {
                    let next = match receiver.try_recv() {
                        Ok(block) => Some(block),
                        Err(_) if openers.under_way() > 0 => None,
                        Err(_) => receiver.blocking_recv(),
                    };
                    if let Some(DeliveredBlock { tag, bytes }) = next {
                        done += bytes.as_bytes().len() as u64;
                        self.take(key_of(tag), bytes, openers)?;
                        if openers.under_way() == 0 {
                            moving.taken(done, total);
                        }
                        continue;
                    }
                    // As long as something is being opened there is no need to wait for more.
                    let Some(opened) = openers.wait() else { return Ok(done) };
                    opened
                };
                self.place(opened, openers)?;
                self.tell_readers();
                moving.taken(done, total);
            }
        })
    }

    /// Opens the blocks that lie here and whose bases do too.
    pub(super) fn open_parked(&mut self) -> Result<(), StoreError> {
        if self.parking.waiting().next().is_none() {
            return Ok(());
        }
        let route = Arc::clone(&self.route);
        beside(&route, self.cores, |openers| {
            loop {
                self.wake(openers)?;
                if openers.under_way() == 0 {
                    return Ok(());
                }
                self.place_next(openers)?;
            }
        })
    }

    /// A block has come.
    fn take(
        &mut self,
        key: BlockKey,
        stored: Verified<Bytes>,
        openers: &mut Openers<'_>,
    ) -> Result<(), StoreError> {
        self.steps += 1;
        // What is being opened may be what it is based on.
        while !self.is_ready(key) && openers.under_way() > 0 {
            self.place_next(openers)?;
        }
        if self.is_ready(key) {
            self.open_block(key, stored, openers)
        } else {
            self.parking.park(key, &stored)
        }
    }

    /// Begins to open blocks that waited, as far as they are ready and there is room.
    fn wake(&mut self, openers: &mut Openers<'_>) -> Result<(), StoreError> {
        while openers.has_room(0) {
            let ready = self.parking.waiting().find(|key| self.is_ready(*key));
            let Some(key) = ready else { return Ok(()) };
            if let Some(stored) = self.parking.take(key) {
                self.open_block(key, stored, openers)?;
            }
        }
        Ok(())
    }

    /// Reads the bases of a block that is ready, and has it opened.
    fn open_block(
        &mut self,
        key: BlockKey,
        stored: Verified<Bytes>,
        openers: &mut Openers<'_>,
    ) -> Result<(), StoreError> {
        let route = Arc::clone(&self.route);
        let Some(source) = route.sources.get(key.0) else { return Ok(()) };
        let reader = BlockReader::new(&source.tree, &source.table);
        let mut reading = Bases { site: self, source: key.0, lost: None };
        let bases = match (reader.bases(key.1, &mut reading), reading.lost) {
            (Ok(bases), _) => bases,
            (Err(FormatError::Io(_)), Some(piece)) => {
                // The block is good; the base is fetched instead, and the block waits for it.
                self.have.remove(piece);
                self.let_go(piece);
                self.steps += 1;
                return self.parking.park(key, &stored);
            }
            (Err(error), _) => return Err(damaged(source, error)),
        };
        let plain_bytes = self.block(key).map_or(0, |block| block.plain_bytes(&source.tree));
        let bytes = (stored.as_bytes().len() + bases.len()) as u64 + plain_bytes;
        while !openers.has_room(bytes) {
            self.place_next(openers)?;
        }
        openers.open(Job { key, stored, bases, bytes });
        Ok(())
    }

    /// Waits for a block that is being opened, and puts its chunks into place.
    fn place_next(&mut self, openers: &mut Openers<'_>) -> Result<(), StoreError> {
        match openers.wait() {
            Some(opened) => {
                self.place(opened, openers)?;
                self.tell_readers();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Puts the chunks of a block into place.
    fn place(&mut self, opened: Opened, openers: &mut Openers<'_>) -> Result<(), StoreError> {
        let route = Arc::clone(&self.route);
        let Some(source) = route.sources.get(opened.key.0) else { return Ok(()) };
        let block = opened.block.map_err(|error| damaged(source, error))?;
        let pieces = route.pieces.of(source.new);
        let mut goal = Vec::new();
        for (chunk, bytes) in block.chunks() {
            let Some(piece) = pieces.get(index(chunk)).copied() else { continue };
            let mut wanted = self.first.get(index(piece)).copied().flatten();
            if wanted.is_none() && self.wanted_aside.contains(piece) && !self.have.contains(piece) {
                let key = (source.file.digest, chunk);
                self.aside.put(key, bytes.bytes())?;
                self.laid_aside.insert(piece, key);
                self.bytes_aside += bytes.bytes().len() as u64;
                self.have.insert(piece);
            }
            while let Some(chunk) = wanted {
                goal.push((chunk, bytes));
                self.have.insert(piece);
                wanted = self.next.get(index(chunk)).copied().flatten();
            }
        }
        self.assembly.put_chunks(goal)?;
        self.note_peak();
        openers.give_back(block.into_buffer());
        Ok(())
    }
}

fn damaged(source: &Source, error: FormatError) -> StoreError {
    StoreError::Format { path: Path::new(&source.file.path).to_owned(), source: error }
}

/// Reads the bases of a block of one bundle.
struct Bases<'a> {
    site: &'a mut Site,
    source: usize,
    /// The piece that could not be read.
    lost: Option<u32>,
}

impl BaseSource for Bases<'_> {
    fn read_base(
        &mut self,
        space: BaseSpace,
        chunk: u32,
        out: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let piece = self.site.route.base_piece(self.source, space, chunk);
        let piece = piece.ok_or(std::io::ErrorKind::NotFound)?;
        self.site.read_piece(piece, out).inspect_err(|_| self.lost = Some(piece))
    }
}
