//! Sizes that nothing from outside can exceed. Each is checked before memory is set aside.

/// The format that is written.
pub const FORMAT_VERSION: u32 = 2;
/// The oldest format that is read. Format 1 had neither diffs nor opened containers; all else is the same.
pub const FORMAT_VERSION_OLDEST: u32 = 1;
/// Smallest chunk in bytes, but for the last of a file. `Ours:` measured, see `docs/format/pack.md`.
pub const CHUNK_BYTES_MIN: usize = 8 * 1024;
/// Average chunk in bytes.
pub const CHUNK_BYTES_AVERAGE: usize = 32 * 1024;
/// Largest chunk in bytes.
pub const CHUNK_BYTES_MAX: usize = 128 * 1024;
/// A block is closed when it holds this many plain bytes.
pub const BLOCK_BYTES_TARGET: usize = 1024 * 1024;
/// Most plain bytes that a reader accepts in one block.
pub const BLOCK_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Most bytes of bases that a reader accepts for one block.
pub const BASES_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most chunks that a reader accepts as bases of one block, and a builder gives to one.
pub const BASES_CHUNKS_MAX: u64 = 1 << 18;
/// Most chunks that a reader accepts as bases of all blocks of a bundle together: they are walked through one by one.
/// `Ours:` a thousand times what a bundle of 100 GB has.
pub const TABLE_BASES_MAX: u64 = 1 << 28;
/// Most bytes of bases and block together, for which a builder chooses: zstd's tables fit a power of two.
pub const BASES_BYTES_BUDGET: usize = 4 * 1024 * 1024;
/// Most plain bytes of a structure section.
pub const STRUCTURE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Most bytes of a packaging manifest.
pub const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most chunks of a pack.
pub const CHUNKS_MAX: u64 = 1 << 27;
/// Most bytes of all paths of a pack together. In an index each shares its beginning with the one before, so that few bytes
/// could promise many.
pub const PATHS_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most files and folders of a pack.
pub const ENTRIES_MAX: u64 = 1 << 24;
/// Most bytes of the recipe of an opened container: a device holds one in memory.
pub const RECIPE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most bytes of a file that is opened.
pub const FILE_BYTES_MAX: u64 = 1 << 50;
/// Most files and folders in an index that nobody signed. `Ours:` whatever host a manifest names may put anything there, and few bytes
/// unfold to many; it is enough for a million files.
pub const UNSIGNED_ENTRIES_MAX: u64 = 1 << 20;
/// Most chunks of all files together in an index that nobody signed, one that stands in several places counted in each. `Ours:` enough for
/// 32 GiB of the smallest chunks.
pub const UNSIGNED_USES_MAX: u64 = 1 << 22;
/// Most bytes of all paths in an index that nobody signed. `Ours:` 128 for each entry.
pub const UNSIGNED_PATHS_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// What an index may promise: so much memory does it take to read it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexLimits {
    /// Plain bytes of the structure section.
    pub(crate) plain_bytes: u64,
    pub(crate) entries: u64,
    pub(crate) uses: u64,
    pub(crate) paths_bytes: u64,
}

impl IndexLimits {
    /// Those of the format.
    pub(crate) const FORMAT: Self = Self {
        plain_bytes: STRUCTURE_BYTES_MAX,
        entries: ENTRIES_MAX,
        // Each takes a byte.
        uses: STRUCTURE_BYTES_MAX,
        paths_bytes: PATHS_BYTES_MAX,
    };

    /// Those of an index that nobody signed.
    pub(crate) const fn unsigned(plain_bytes: u64) -> Self {
        Self {
            plain_bytes,
            entries: UNSIGNED_ENTRIES_MAX,
            uses: UNSIGNED_USES_MAX,
            paths_bytes: UNSIGNED_PATHS_BYTES_MAX,
        }
    }
}
