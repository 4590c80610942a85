//! From a verified block to the chunks in it.

use headstart_model::Verified;

use crate::codec;
use crate::error::FormatError;
use crate::limits::BASES_BYTES_MAX;
use crate::numbers::{index, size};
use crate::table::{BaseSpace, Block, BlockTable};
use crate::tree::Tree;

/// Gives the bytes of chunks that a block is compressed against.
pub trait BaseSource {
    /// Appends the bytes of `chunk` of the tree `space` to `out`. Bytes that come from disk are verified by whoever
    /// implements this: they are a base for verified bytes.
    ///
    /// # Errors
    /// When the chunk is not at hand or cannot be read.
    fn read_base(&mut self, space: BaseSpace, chunk: u32, out: &mut Vec<u8>)
    -> std::io::Result<()>;
}

/// Opens the blocks of one bundle.
#[derive(Debug, Clone, Copy)]
pub struct BlockReader<'a> {
    tree: &'a Tree,
    table: &'a BlockTable,
}

/// A decompressed block.
#[derive(Debug)]
pub struct PlainBlock<'a> {
    bytes: Vec<u8>,
    block: &'a Block,
    tree: &'a Tree,
}

impl<'a> BlockReader<'a> {
    /// A reader for the bundle that `table` describes.
    #[must_use]
    pub const fn new(tree: &'a Tree, table: &'a BlockTable) -> Self {
        Self { tree, table }
    }

    /// Decompresses block `number`. Memory: its plain bytes and those of its bases.
    ///
    /// # Errors
    /// [`FormatError`] when there is no such block, `stored` is another one, a base is missing, or the bytes do not yield
    /// what the table says.
    pub fn open<B: AsRef<[u8]>>(
        &self,
        number: u32,
        stored: &Verified<B>,
        bases: &mut dyn BaseSource,
    ) -> Result<PlainBlock<'a>, FormatError> {
        let block = self
            .table
            .blocks()
            .get(index(number))
            .filter(|block| block.digest == *stored.digest())
            .ok_or(FormatError::Rule { what: "a block was given that is not the one wanted" })?;
        let prefix = prefix(block, bases)?;
        let plain_bytes = block.plain_bytes(self.tree);
        let bytes = codec::decode(number, block.codec, stored, &prefix, plain_bytes)?;
        Ok(PlainBlock { bytes, block, tree: self.tree })
    }
}

/// The bytes of a block's bases, one after the other.
fn prefix(block: &Block, bases: &mut dyn BaseSource) -> Result<Vec<u8>, FormatError> {
    let mut prefix = Vec::new();
    for base in &block.bases {
        for chunk in base.run.chunks() {
            bases.read_base(base.space, chunk, &mut prefix)?;
            let found = size(prefix.len());
            if found > BASES_BYTES_MAX {
                let what = "the length of a block's bases";
                return Err(FormatError::Limit { what, found, limit: BASES_BYTES_MAX });
            }
        }
    }
    Ok(prefix)
}

impl PlainBlock<'_> {
    /// The chunks of the block with their bytes, in order.
    pub fn chunks(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.block.chunks().map(move |chunk| {
            let length = index(self.tree.chunk_bytes(chunk));
            // The block yielded exactly the sum of these lengths, so the split never fails.
            let (bytes, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            (chunk, bytes)
        })
    }
}
