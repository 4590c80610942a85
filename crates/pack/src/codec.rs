//! Compression of one block.

mod copies;
mod diff;
mod zstd_frame;

use headstart_model::Verified;

use crate::bundle::{BundleKind, Level, Tuning};
use crate::error::{BuildError, FormatError};
use crate::limits::{BASES_BYTES_MAX, BLOCK_BYTES_MAX};
use crate::numbers::size;
use crate::varint::{self, Cursor};

pub(crate) use zstd_frame::Bench;

/// How the bytes of a block are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// As they are.
    Stored,
    /// One zstd frame; the bytes of the bases are its prefix.
    Zstd,
    /// How the block is made of its bases, as one zstd frame without prefix: for programs that were built anew.
    Diff,
}

impl Codec {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Stored => 0,
            Self::Zstd => 1,
            Self::Diff => 2,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Result<Self, FormatError> {
        match byte {
            0 => Ok(Self::Stored),
            1 => Ok(Self::Zstd),
            2 => Ok(Self::Diff),
            other => {
                let found = u64::from(other);
                Err(FormatError::Limit { what: "the codec of a block", found, limit: 2 })
            }
        }
    }
}

/// Bytes of a block that get a long look before all of it does.
const SAMPLE_BYTES: usize = 256 * 1024;
/// Bytes of a block that a quick look takes in.
const LOOK_BYTES: usize = 128 * 1024;

/// The shortest form of `plain` that `level` looks for. Deterministic: nothing but the arguments matters.
///
/// # Errors
/// [`BuildError::Compress`].
pub(crate) fn encode(
    (level, kind): (Level, BundleKind),
    plain: Vec<u8>,
    prefix: &[u8],
) -> Result<(Codec, Vec<u8>), BuildError> {
    if prefix.is_empty() && level.looks_twice() && is_noise(level, &plain)? {
        return Ok((Codec::Stored, plain));
    }
    let tuning = if prefix.is_empty() { level.zstd() } else { level.zstd_with_bases(kind) };
    encode_tuned((level, tuning), plain, prefix)
}

fn encode_tuned(
    (level, tuning): (Level, Tuning),
    plain: Vec<u8>,
    prefix: &[u8],
) -> Result<(Codec, Vec<u8>), BuildError> {
    let zstd = zstd_frame::compress(tuning, &plain, prefix)?;
    let tries_diff = !prefix.is_empty() && level.tries_diffs();
    let diff = tries_diff.then(|| diff::make(&plain, prefix)).flatten();
    let diff = diff.map(|diff| seal_diff(level, &diff)).transpose()?;
    let forms = [(Codec::Zstd, Some(zstd)), (Codec::Diff, diff)];
    let forms = forms.into_iter().filter_map(|(codec, stored)| Some((codec, stored?)));
    // The first of the shortest, and as it is only where none is shorter.
    Ok(match forms.min_by_key(|(_, stored)| stored.len()) {
        Some(best) if best.1.len() < plain.len() => best,
        _ => (Codec::Stored, plain),
    })
}

/// About how many bytes `plain` would have by itself, by a quick look at a part of it.
///
/// # Errors
/// [`BuildError::Compress`].
pub(crate) fn look(plain: &[u8]) -> Result<usize, BuildError> {
    let part = middle(plain, LOOK_BYTES);
    let found = zstd_frame::compress(Level::Fast.zstd(), part, &[])?.len();
    Ok((plain.len() * found.min(part.len())).checked_div(part.len()).unwrap_or(0))
}

/// The form of a block of a delta with `few` of its bases, if it is at most a hundredth larger than that with `all`, and else that; says
/// whether few were enough. Where the level is too slow for trying, a quicker one decides, and diffs are not looked at.
///
/// # Errors
/// [`BuildError::Compress`].
pub(crate) fn encode_with_fewest(
    level: Level,
    plain: Vec<u8>,
    (few, all): (&[u8], &[u8]),
) -> Result<(bool, (Codec, Vec<u8>)), BuildError> {
    let are_enough = |few: usize, all: usize| few <= all + all / 100;
    if level.looks_twice() {
        let tuning = Level::Balanced.zstd_with_bases(BundleKind::Delta);
        let look = |prefix| zstd_frame::compress(tuning, &plain, prefix).map(|it| it.len());
        let enough = are_enough(look(few)?, look(all)?);
        let prefix = if enough { few } else { all };
        return Ok((enough, encode((level, BundleKind::Delta), plain, prefix)?));
    }
    let by_few = encode((level, BundleKind::Delta), plain.clone(), few)?;
    let by_all = encode((level, BundleKind::Delta), plain, all)?;
    let enough = are_enough(by_few.1.len(), by_all.1.len());
    Ok((enough, if enough { by_few } else { by_all }))
}

fn middle(plain: &[u8], bytes: usize) -> &[u8] {
    let start = plain.len().saturating_sub(bytes) / 2;
    let rest = plain.get(start..).unwrap_or_default();
    rest.get(..bytes).unwrap_or(rest)
}

/// Whether neither a quick look at all of it nor a long one at its middle makes `plain` smaller: it is not worth a long look
/// at all of it. The quick one alone would be wrong: it steps over what few matches compressed pictures have.
fn is_noise(level: Level, plain: &[u8]) -> Result<bool, BuildError> {
    let gains = |level: Level, plain: &[u8]| {
        let least = plain.len() / 4096;
        let found = zstd_frame::compress(level.zstd(), plain, &[])?;
        Ok::<_, BuildError>(found.len() + least <= plain.len())
    };
    Ok(!gains(Level::Fast, plain)? && !gains(level, middle(plain, SAMPLE_BYTES))?)
}

fn seal_diff(level: Level, diff: &[u8]) -> Result<Vec<u8>, BuildError> {
    let mut out = Vec::new();
    varint::put(&mut out, size(diff.len()));
    out.extend(zstd_frame::compress(level.zstd(), diff, &[])?);
    Ok(out)
}

/// Decompresses a block. Takes verified bytes only, so that the decompressor never sees what an attacker made.
///
/// # Errors
/// [`FormatError::Decompress`] when the bytes do not yield exactly `plain_bytes`; [`FormatError::Limit`] and
/// [`FormatError::Rule`] for what breaks the format.
pub(crate) fn decode<B: AsRef<[u8]>>(
    number: u32,
    codec: Codec,
    stored: &Verified<B>,
    prefix: &[u8],
    plain_bytes: u64,
) -> Result<Vec<u8>, FormatError> {
    let plain = decode_with(&mut Bench::default(), (number, codec), stored, prefix, plain_bytes)?;
    Ok(plain.unwrap_or_else(|| stored.as_bytes().to_vec()))
}

/// As [`decode`], with what `bench` has left of other blocks; none when the bytes are stored as they are.
pub(crate) fn decode_with<B: AsRef<[u8]>>(
    bench: &mut Bench,
    (number, codec): (u32, Codec),
    stored: &Verified<B>,
    prefix: &[u8],
    plain_bytes: u64,
) -> Result<Option<Vec<u8>>, FormatError> {
    let limits = [
        ("the length of a block", plain_bytes, BLOCK_BYTES_MAX),
        ("the length of a block's bases", size(prefix.len()), BASES_BYTES_MAX),
    ];
    if let Some((what, found, limit)) = limits.into_iter().find(|(_, found, limit)| found > limit) {
        return Err(FormatError::Limit { what, found, limit });
    }
    let wrong = || FormatError::Decompress { block: u64::from(number) };
    let plain = match codec {
        Codec::Stored => None,
        Codec::Zstd => {
            let plain = bench.decompress(stored.as_bytes(), prefix, plain_bytes);
            Some(plain.ok_or_else(wrong)?)
        }
        Codec::Diff => {
            let mut cursor = Cursor::new("a diff", stored.as_bytes());
            let limit = diff::bytes_max(plain_bytes);
            let bytes = cursor.bounded("the length of a diff", limit)?;
            let diff = bench.decompress(cursor.rest(), &[], bytes).ok_or_else(wrong)?;
            Some(diff::apply(&diff, prefix, plain_bytes)?)
        }
    };
    let found = plain.as_ref().map_or(stored.as_bytes().len(), Vec::len);
    if size(found) == plain_bytes { Ok(plain) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests;
