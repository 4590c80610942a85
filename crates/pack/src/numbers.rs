//! Numbers of different widths, where one width always holds the other.
#![expect(
    clippy::as_conversions,
    reason = "the one place; each is lossless on every supported target"
)]

/// A chunk, entry or block number as an index into memory. Targets with 16-bit memory are not supported.
pub(crate) const fn index(number: u32) -> usize {
    number as usize
}

/// A length in memory as one of the format: no supported target counts further than 64 bits.
pub(crate) const fn size(length: usize) -> u64 {
    length as u64
}
