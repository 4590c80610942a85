//! The pack format: cuts files into chunks, groups chunks into compressed blocks, describes both in an index, and plans
//! what a device has to fetch.
//!
//! Everything is synchronous and works on streams, so memory stays bounded whatever the size of a pack. Every byte of the
//! formats is described in `docs/format/pack.md`. The words: a *file* is cut into *chunks*; a [`Tree`] lists files,
//! folders and chunks; *blocks* of about 1 MiB carry new chunks, some of them compressed against *bases*; a *bundle* is a
//! file of blocks, described by its [`BlockTable`].
//!
//! - Authors: [`selection`] finds the files of a manifest, [`build_archive`] makes the archive of them.
//! - Readers: [`ArchiveReader`]; [`BlockReader`] turns verified blocks into chunks.
//! - Publishers: [`delta::build_delta`] makes the bundle for devices that hold an earlier version.
//! - Devices: [`section`] reads what travels, [`plan`] decides what to fetch. The planner does no I/O.

#![warn(clippy::indexing_slicing, clippy::as_conversions)]

mod archive;
mod bases;
mod blocks;
mod builder;
mod bundle;
mod chunk_set;
mod chunker;
mod codec;
pub mod container;
pub mod delta;
mod error;
mod layout;
pub mod limits;
mod numbers;
mod ordered;
mod places;
pub mod plan;
mod reach;
mod reader;
pub mod section;
pub mod selection;
mod source;
mod table;
mod tree;
mod varint;

pub use archive::{ArchiveHeader, ArchiveIndex, ArchiveReader};
pub use builder::{BuildSummary, build_archive};
pub use bundle::{Level, Progress, UnknownLevel};
pub use chunk_set::ChunkSet;
pub use codec::Codec;
pub use error::{BuildError, FormatError};
pub use places::{Place, Places};
pub use reach::Reach;
pub use reader::{BaseSource, BlockReader, NamedBlock, NamedBytes, PlainBlock, Workbench};
pub use source::{ChunkSource, Containers, FolderChunks, ScratchChunks};
pub use table::{BaseRun, BaseSpace, Block, BlockTable, ChunkRun};
pub use tree::{CompleteTree, Entry, FileKind, FileNode, Node, Tree, TreeBuilder};
