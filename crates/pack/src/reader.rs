//! From a verified block to the chunks in it.

use headstart_model::{Digest, Verified};

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
        let block = self.block(number, stored)?;
        let prefix = prefix(block, bases)?;
        let plain_bytes = block.plain_bytes(self.tree);
        let bytes = codec::decode(number, block.codec, stored, &prefix, plain_bytes)?;
        Ok(PlainBlock { bytes, block, tree: self.tree })
    }

    /// The bytes of the bases of block `number`, for [`open_named`](Self::open_named).
    ///
    /// # Errors
    /// [`FormatError`] when there is no such block, or a base is missing.
    pub fn bases(&self, number: u32, bases: &mut dyn BaseSource) -> Result<Vec<u8>, FormatError> {
        let block = self.table.blocks().get(index(number));
        prefix(block.ok_or(FormatError::Rule { what: OTHER_BLOCK })?, bases)
    }

    /// As [`open`](Self::open), with the bytes of the bases at hand; and names the chunks. What is needed for this alone is
    /// owned, so that it can be done on any thread.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_named<B: AsRef<[u8]>>(
        &self,
        number: u32,
        stored: Verified<B>,
        bases: &[u8],
        workbench: &mut Workbench,
    ) -> Result<NamedBlock<B>, FormatError> {
        let block = self.block(number, &stored)?;
        let (codec, plain_bytes) = ((number, block.codec), block.plain_bytes(self.tree));
        let plain = codec::decode_with(&mut workbench.0, codec, &stored, bases, plain_bytes)?;
        let mut rest = plain.as_deref().unwrap_or(stored.as_bytes());
        let mut chunks = Vec::new();
        for chunk in block.chunks() {
            let length = index(self.tree.chunk_bytes(chunk));
            // The block yielded exactly the sum of these lengths, so the split never fails.
            let (bytes, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            chunks.push((chunk, bytes.len(), Digest::of(bytes)));
            rest = after;
        }
        Ok(NamedBlock { stored, plain, chunks })
    }

    fn block<B: AsRef<[u8]>>(
        &self,
        number: u32,
        stored: &Verified<B>,
    ) -> Result<&'a Block, FormatError> {
        let block = self.table.blocks().get(index(number));
        let block = block.filter(|block| block.digest == *stored.digest());
        block.ok_or(FormatError::Rule { what: OTHER_BLOCK })
    }
}

const OTHER_BLOCK: &str = "a block was given that is not the one wanted";

/// What a thread that opens many blocks uses again.
#[derive(Debug, Default)]
pub struct Workbench(codec::Bench);

impl Workbench {
    /// Takes the memory of a block that is not needed any more, for the next one.
    pub fn give_back(&mut self, buffer: Vec<u8>) {
        self.0.give_back(buffer);
    }
}

/// A decompressed block whose chunks have their names.
#[derive(Debug)]
pub struct NamedBlock<B> {
    stored: Verified<B>,
    /// None: it is stored as it is.
    plain: Option<Vec<u8>>,
    /// Number, length and name.
    chunks: Vec<(u32, usize, Digest)>,
}

/// Bytes with the name that they have: hashed, never told by anybody.
#[derive(Debug, Clone, Copy)]
pub struct NamedBytes<'a> {
    bytes: &'a [u8],
    name: Digest,
}

impl<'a> NamedBytes<'a> {
    /// Hashes `bytes`.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, name: Digest::of(bytes) }
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Their digest.
    #[must_use]
    pub const fn name(&self) -> Digest {
        self.name
    }
}

impl<B: AsRef<[u8]>> NamedBlock<B> {
    /// The chunks of the block with their bytes and names, in order.
    pub fn chunks(&self) -> impl Iterator<Item = (u32, NamedBytes<'_>)> {
        let mut rest = self.plain.as_deref().unwrap_or(self.stored.as_bytes());
        self.chunks.iter().map(move |(chunk, length, name)| {
            let (bytes, after) = rest.split_at_checked(*length).unwrap_or((rest, &[]));
            rest = after;
            (*chunk, NamedBytes { bytes, name: *name })
        })
    }

    /// Its memory, for [`Workbench::give_back`].
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.plain.unwrap_or_default()
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
