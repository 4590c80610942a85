//! Bits as deflate packs them: the lowest bit of a byte first.

use std::io::{self, BufRead};

/// Why a deflate stream was not read to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is none, or one that cannot be re-created: it stays as it is.
    Refused,
    /// Reading or writing failed.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads bits, and counts the bytes that they came from.
#[derive(Debug)]
pub(super) struct BitReader<R> {
    source: R,
    bits: u64,
    count: u32,
    taken: u64,
}

impl<R: BufRead> BitReader<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { source, bits: 0, count: 0, taken: 0 }
    }

    fn refill(&mut self) -> io::Result<()> {
        while self.count < 56 {
            let buffer = self.source.fill_buf()?;
            let used = if let Some(eight) = buffer.first_chunk::<8>() {
                self.bits |= u64::from_le_bytes(*eight) << self.count;
                (63 - self.count) / 8
            } else if let Some(byte) = buffer.first() {
                self.bits |= u64::from(*byte) << self.count;
                1
            } else {
                return Ok(());
            };
            self.count += used * 8;
            // What was set above the bits counted is cut off, so that the next refill may set it again.
            if self.count < 64 {
                self.bits &= (1 << self.count) - 1;
            }
            self.source.consume(crate::numbers::index(used));
            self.taken += u64::from(used);
        }
        Ok(())
    }

    /// The next bits without using them up, at least 15 of them valid; zeros after the end.
    pub(super) fn peek(&mut self) -> io::Result<u64> {
        if self.count < 15 {
            self.refill()?;
        }
        Ok(self.bits)
    }

    pub(super) fn skip(&mut self, count: u32) -> Result<(), Stop> {
        self.count = self.count.checked_sub(count).ok_or(Stop::Refused)?;
        self.bits >>= count;
        Ok(())
    }

    /// Up to 16 bits.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Stop> {
        if self.count < count {
            self.refill()?;
        }
        let value = self.bits & ((1 << count) - 1);
        self.skip(count)?;
        u32::try_from(value).map_err(|_| Stop::Refused)
    }

    /// Goes on to the next whole byte; the bits on the way have to be 0, for that is how they are written again.
    pub(super) fn align(&mut self) -> Result<(), Stop> {
        match self.take(self.count % 8)? {
            0 => Ok(()),
            _ => Err(Stop::Refused),
        }
    }

    /// Whole bytes taken from the source and not used up.
    pub(super) fn ahead_bytes(&self) -> i64 {
        i64::from(self.count / 8)
    }

    /// Bytes that were used up, the last one counted whole.
    pub(super) fn bytes(&self) -> u64 {
        self.taken - u64::from(self.count / 8)
    }
}

/// Writes bits into memory.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bits: u64,
    count: u32,
    out: Vec<u8>,
}

impl BitWriter {
    /// Appends the lowest `count` bits of `value`, at most 16.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.bits |= (u64::from(value) & ((1 << count) - 1)) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.out.extend(self.bits.to_le_bytes().first_chunk::<4>().into_iter().flatten());
            self.bits >>= 32;
            self.count -= 32;
        }
    }

    /// Fills up the last byte with zeros.
    pub(super) fn align(&mut self) {
        let bytes = self.count.div_ceil(8);
        self.out.extend(self.bits.to_le_bytes().iter().take(crate::numbers::index(bytes)));
        (self.bits, self.count) = (0, 0);
    }

    /// The whole bytes that were written; to be cleared by whoever passes them on.
    pub(super) const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }
}
