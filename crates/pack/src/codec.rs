//! Compression of one block.

use headstart_model::Verified;
use zstd::zstd_safe::{CCtx, CParameter, DCtx, DParameter};

use crate::error::FormatError;
use crate::limits::{BASES_BYTES_MAX, BLOCK_BYTES_MAX};
use crate::numbers::size;

/// How the bytes of a block are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// As they are.
    Stored,
    /// One zstd frame; the bytes of the bases are its prefix.
    Zstd,
}

impl Codec {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Stored => 0,
            Self::Zstd => 1,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Result<Self, FormatError> {
        match byte {
            0 => Ok(Self::Stored),
            1 => Ok(Self::Zstd),
            other => {
                let found = u64::from(other);
                Err(FormatError::Limit { what: "the codec of a block", found, limit: 1 })
            }
        }
    }
}

/// Smallest and largest zstd windows that the format uses, as powers of two.
const WINDOW_LOG_MIN: u32 = 17;
const WINDOW_LOG_MAX: u32 = 25;

/// Compresses one block after another; keeps its memory between them.
pub(crate) struct Encoder {
    level: i32,
}

impl Encoder {
    pub(crate) const fn new(level: i32) -> Self {
        Self { level }
    }

    /// The shorter of both forms of `plain`.
    pub(crate) fn encode(&self, plain: &[u8], prefix: &[u8]) -> (Codec, Vec<u8>) {
        match self.compress(plain, prefix) {
            Ok(stored) if stored.len() < plain.len() => (Codec::Zstd, stored),
            _ => (Codec::Stored, plain.to_vec()),
        }
    }

    fn compress(&self, plain: &[u8], prefix: &[u8]) -> Result<Vec<u8>, usize> {
        let mut context = CCtx::create();
        context.set_parameter(CParameter::CompressionLevel(self.level))?;
        context.set_parameter(CParameter::ContentSizeFlag(false))?;
        context.set_parameter(CParameter::ChecksumFlag(false))?;
        let log = window_log(plain.len() + prefix.len());
        context.set_parameter(CParameter::WindowLog(log))?;
        if self.level >= 19 {
            // Longer chains than the level's own find what a far base holds; measured, see docs/format/pack.md.
            context.set_parameter(CParameter::ChainLog((log + 1).min(28)))?;
            context.set_parameter(CParameter::HashLog(log.min(26)))?;
        }
        if !prefix.is_empty() {
            context.ref_prefix(prefix)?;
        }
        let mut out = Vec::with_capacity(zstd::zstd_safe::compress_bound(plain.len()));
        context.compress2(&mut out, plain)?;
        Ok(out)
    }
}

fn window_log(bytes: usize) -> u32 {
    bytes.max(1).next_power_of_two().ilog2().clamp(WINDOW_LOG_MIN, WINDOW_LOG_MAX)
}

/// Decompresses a block. Takes verified bytes only, so that the decompressor never sees what an attacker made.
///
/// # Errors
/// [`FormatError::Decompress`] when the bytes do not yield exactly `plain_bytes`.
pub(crate) fn decode<B: AsRef<[u8]>>(
    number: u32,
    codec: Codec,
    stored: &Verified<B>,
    prefix: &[u8],
    plain_bytes: u64,
) -> Result<Vec<u8>, FormatError> {
    let wrong = || FormatError::Decompress { block: u64::from(number) };
    if plain_bytes > BLOCK_BYTES_MAX {
        let what = "the length of a block";
        return Err(FormatError::Limit { what, found: plain_bytes, limit: BLOCK_BYTES_MAX });
    }
    if size(prefix.len()) > BASES_BYTES_MAX {
        let what = "the length of a block's bases";
        let found = size(prefix.len());
        return Err(FormatError::Limit { what, found, limit: BASES_BYTES_MAX });
    }
    let capacity = usize::try_from(plain_bytes).expect("BLOCK_BYTES_MAX fits memory");
    let plain = match codec {
        Codec::Stored => stored.as_bytes().to_vec(),
        Codec::Zstd => {
            // The output has room for exactly what was promised: a bomb ends here.
            let mut out = Vec::with_capacity(capacity);
            let mut context = DCtx::create();
            context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(|_| wrong())?;
            if !prefix.is_empty() {
                context.ref_prefix(prefix).map_err(|_| wrong())?;
            }
            context.decompress(&mut out, stored.as_bytes()).map_err(|_| wrong())?;
            out
        }
    };
    if plain.len() == capacity { Ok(plain) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use headstart_model::Digest;
    use proptest::prelude::*;

    use super::*;

    fn verified(bytes: &[u8]) -> Verified<&[u8]> {
        Verified::check(bytes, &Digest::of(bytes)).expect("equal")
    }

    proptest! {
        #[test]
        fn blocks_round_trip(plain: Vec<u8>, prefix: Vec<u8>, level in prop::sample::select(vec![1, 3, 9, 19])) {
            let (codec, stored) = Encoder::new(level).encode(&plain, &prefix);
            let read = decode(0, codec, &verified(&stored), &prefix, size(plain.len()));
            prop_assert_eq!(read.expect("own output"), plain);
        }

        #[test]
        fn any_bytes_end_in_an_error_or_the_promised_length(stored: Vec<u8>, promised in 0_u64..5000) {
            if let Ok(plain) = decode(0, Codec::Zstd, &verified(&stored), &[], promised) {
                prop_assert_eq!(size(plain.len()), promised);
            }
        }
    }

    #[test]
    fn a_base_makes_a_block_small() {
        let base: Vec<u8> =
            (0..100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut plain = base.clone();
        plain[50_000] ^= 1;
        let (codec, stored) = Encoder::new(3).encode(&plain, &base);
        assert_eq!(codec, Codec::Zstd);
        assert!(stored.len() < 1_000, "{} bytes", stored.len());
    }

    #[test]
    fn more_than_promised_is_refused() {
        let plain = vec![0; 1 << 20];
        let (codec, stored) = Encoder::new(3).encode(&plain, &[]);
        assert!(decode(0, codec, &verified(&stored), &[], 1 << 10).is_err());
        assert!(decode(0, codec, &verified(&stored), &[], 1 << 21).is_err());
        assert!(decode(0, codec, &verified(&stored), &[], u64::MAX).is_err());
    }
}
