//! Containers opened: zip-like and gzip files as the plain bytes that they compress.
//!
//! One edited letter changes a whole deflate stream. So a container is kept in its *opened form*: everything as it stands,
//! but each deflate stream as its plain bytes, and behind it all a *recipe*, which tells how the streams were written. From
//! it the file is made again bit for bit. Chunks are those of the opened form.
//!
//! `Ours:` the decoder runs on devices on bytes from outside: its memory is the window of deflate, one block of tokens and the
//! recipe, every number has a limit, and whatever the corrections say, the work is at most that of zlib on the same bytes, at the
//! level that the recipe names, and a thousand steps more for each byte. What comes out is compared with size and digest of the
//! file. Why no library does it: `docs/adr/0008-containers.md`.

mod bits;
mod block;
mod corrections;
mod deflate;
mod find;
mod form;
mod huffman;
mod inflate;
mod open;
mod predictor;
mod recipe;
mod recreate;
mod reopen;
#[cfg(test)]
mod tests;
mod trees;

use crate::error::FormatError;

pub use form::check_opened;
pub(crate) use open::{OpenedForm, begins_as_container, open};
pub use recipe::Recipe;
pub use recreate::recreate;
pub use reopen::reopen;

/// How far deflate reaches back.
const WINDOW: usize = 32 * 1024;
/// Most tokens of a block; zlib writes 32767 at most.
const BLOCK_TOKENS_MAX: usize = 1 << 17;
/// Most plain bytes of a block: what the tokens of the longest block of zlib can stand for, doubled.
const BLOCK_PLAIN_MAX: u64 = 16 * 1024 * 1024;
/// Most plain bytes of a stream; a longer one stays as it is.
const STREAM_PLAIN_MAX: u64 = 1 << 30;
/// Most steps of searches for each byte of a stream that are for nothing because another token came than was predicted. One
/// correction of two bytes may cost two million, so that without a limit a recipe could cost hours. `Ours:` the tests make 0.02 of
/// them, and streams of level 9 that were flushed every few thousand bytes, where each flush is mispredicted, 2.6 at most.
const WASTED_STEPS_MAX: u64 = 1024;
/// Bytes that count in addition: the first tokens of a stream may all be corrected.
const WASTED_BYTES_FREE: u64 = 1024;
