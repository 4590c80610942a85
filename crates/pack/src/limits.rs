//! Sizes that nothing from outside can exceed. Each is checked before memory is set aside.

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
/// Most bytes of bases that a builder gives to one block.
pub const BASES_BYTES_BUDGET: usize = 4 * 1024 * 1024;
/// Most plain bytes of a structure section.
pub const STRUCTURE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Most bytes of a packaging manifest.
pub const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most chunks of a pack.
pub const CHUNKS_MAX: u64 = 1 << 27;
/// Most files and folders of a pack.
pub const ENTRIES_MAX: u64 = 1 << 24;
