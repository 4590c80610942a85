//! Cuts blocks out of a body that arrives in chunks of any size. Pure.

use bytes::{Buf, Bytes, BytesMut};

use super::WantedBlock;

/// Where a body stands: what has arrived of the block being gathered, and what of the last chunk is not used yet.
#[derive(Debug)]
pub(super) struct Cutter {
    /// Offset in the file of the first byte of `rest`.
    position: u64,
    rest: Bytes,
    gathered: BytesMut,
    skipped_bytes: u64,
}

impl Cutter {
    /// For a body whose first byte has this offset in the file. `head` is what is there already of the first block that is
    /// going to be asked for.
    pub(super) fn new(position: u64, head: BytesMut) -> Self {
        Self { position, rest: Bytes::new(), gathered: head, skipped_bytes: 0 }
    }

    /// What is there of a block that is not complete.
    pub(super) fn gathered(&self) -> &[u8] {
        &self.gathered
    }

    /// Takes that out, to go on with it in another body.
    pub(super) fn into_gathered(self) -> BytesMut {
        self.gathered
    }

    /// The next bytes of the body. Only to be called when [`Self::cut`] wanted more: then nothing is left of the last ones.
    pub(super) fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.rest.is_empty(), "bytes that were not used would be lost");
        self.rest = chunk;
    }

    /// The bytes of `block`, or none when more of the body is needed; then it is called again with the same block.
    ///
    /// Blocks must be asked for in the order of their offsets. They are copied, each into an allocation of its own length, so
    /// that a small block in a slow sink does not keep a large read buffer alive.
    pub(super) fn cut(&mut self, block: &WantedBlock) -> Option<Bytes> {
        let wanted = block.bytes as usize;
        let have = self.gathered.len() as u64;
        let gap = block.offset.saturating_add(have).saturating_sub(self.position);
        self.skipped_bytes += self.advance(gap);
        if self.rest.is_empty() {
            return None;
        }
        self.gathered.reserve(wanted.saturating_sub(self.gathered.len()));
        let taken = wanted.saturating_sub(self.gathered.len()).min(self.rest.len());
        self.gathered.extend_from_slice(self.rest.get(..taken).unwrap_or_default());
        self.advance(taken as u64);
        (self.gathered.len() == wanted).then(|| std::mem::take(&mut self.gathered).freeze())
    }

    /// Bytes passed over since the last call.
    pub(super) fn take_skipped_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.skipped_bytes)
    }

    /// Leaves out up to `bytes` of what is there; says how many.
    fn advance(&mut self, bytes: u64) -> u64 {
        let length = usize::try_from(bytes).unwrap_or(usize::MAX).min(self.rest.len());
        self.rest.advance(length);
        self.position += length as u64;
        length as u64
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::Digest;
    use proptest::prelude::*;

    use super::*;

    fn at(offset: u64) -> usize {
        usize::try_from(offset).expect("a small file")
    }

    proptest! {
        #[test]
        fn blocks_come_out_whole_however_the_body_is_chunked(
            shape in prop::collection::vec((0_usize..20, 1_u32..30), 1..10),
            start_share in 0_usize..20,
            head_share in 0_usize..30,
            chunk_lengths in prop::collection::vec(1_usize..50, 1..10),
        ) {
            let mut blocks = Vec::new();
            let mut end = 0;
            for (gap, bytes) in shape {
                let offset = (end + gap) as u64;
                blocks.push(WantedBlock { offset, bytes, digest: Digest::of(b""), tag: 0 });
                end += gap + bytes as usize;
            }
            let file: Vec<u8> = (0..end).map(|n| u8::try_from(n % 251).expect("below 251")).collect();
            // A body may begin before the first block, as one that ignores the range does.
            let start = start_share.min(at(blocks[0].offset));
            let mut body = Bytes::copy_from_slice(&file[start..]);
            let mut lengths = chunk_lengths.iter().cycle();
            // What an earlier body gave of the first block is gone on with, or passed over where it comes again.
            let head_bytes = head_share.min(blocks[0].bytes as usize - 1);
            let head = BytesMut::from(&file[at(blocks[0].offset)..][..head_bytes]);
            let mut cutter = Cutter::new(start as u64, head);
            let mut skipped = 0;
            let mut cut = 0;
            for block in &blocks {
                let bytes = loop {
                    if let Some(bytes) = cutter.cut(block) {
                        break bytes;
                    }
                    prop_assert!(!body.is_empty(), "asked for more than there is");
                    let length = (*lengths.next().expect("a cycle")).min(body.len());
                    cutter.push(body.split_to(length));
                };
                let expected = &file[at(block.offset)..at(block.end())];
                prop_assert_eq!(&bytes[..], expected);
                cut += bytes.len();
                skipped += cutter.take_skipped_bytes();
            }
            prop_assert_eq!(cut as u64 + skipped, (end - start + head_bytes) as u64);
        }
    }
}
