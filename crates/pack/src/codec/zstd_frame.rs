//! One zstd frame with the bytes of the bases as prefix.

use zstd::zstd_safe::{CCtx, CParameter, DCtx, DParameter, compress_bound, get_error_name};

use crate::bundle::{Reach, Tuning};
use crate::error::BuildError;

/// Smallest and largest zstd windows that the format uses, as powers of two.
const WINDOW_LOG_MIN: u32 = 17;
const WINDOW_LOG_MAX: u32 = 25;
/// With [`Reach::Everything`]: a match of so many bytes ends a search. The level's own number, 256, is 0.1 % larger and no faster.
const TARGET_BYTES: u32 = 999;

/// Compresses `plain`. What zstd cannot do for want of memory is an error, never another form: equal files have equal archives.
pub(super) fn compress(tuning: Tuning, plain: &[u8], prefix: &[u8]) -> Result<Vec<u8>, BuildError> {
    let context = CCtx::try_create().ok_or(BuildError::Compress { reason: "out of memory" })?;
    compress_in(context, tuning, plain, prefix)
        .map_err(|code| BuildError::Compress { reason: get_error_name(code) })
}

fn compress_in<'p>(
    mut context: CCtx<'p>,
    tuning: Tuning,
    plain: &[u8],
    prefix: &'p [u8],
) -> Result<Vec<u8>, usize> {
    context.set_parameter(CParameter::CompressionLevel(tuning.level))?;
    context.set_parameter(CParameter::ContentSizeFlag(false))?;
    context.set_parameter(CParameter::ChecksumFlag(false))?;
    let log = window_log(plain.len() + prefix.len());
    context.set_parameter(CParameter::WindowLog(log))?;
    match tuning.reach {
        Reach::OfLevel => {}
        Reach::Tables { log: tables, long_distance } => {
            context.set_parameter(CParameter::ChainLog(tables.min(log + 1)))?;
            context.set_parameter(CParameter::HashLog(tables.min(log + 1)))?;
            context.set_parameter(CParameter::EnableLongDistanceMatching(long_distance))?;
        }
        // Longer chains than the level's own find what a far base holds; measured, see docs/format/pack.md.
        Reach::Everything => {
            context.set_parameter(CParameter::ChainLog((log + 1).min(28)))?;
            context.set_parameter(CParameter::HashLog(log.min(26)))?;
            context.set_parameter(CParameter::TargetLength(TARGET_BYTES))?;
        }
    }
    if !prefix.is_empty() {
        context.ref_prefix(prefix)?;
    }
    let mut out = Vec::with_capacity(compress_bound(plain.len()));
    context.compress2(&mut out, plain)?;
    Ok(out)
}

fn window_log(bytes: usize) -> u32 {
    bytes.max(1).next_power_of_two().ilog2().clamp(WINDOW_LOG_MIN, WINDOW_LOG_MAX)
}

/// A context and a buffer that blocks use one after the other: to make them anew for each costs more than a small block.
#[derive(Default)]
pub(crate) struct Bench {
    context: Option<DCtx<'static>>,
    spare: Vec<u8>,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").field("spare", &self.spare.capacity()).finish_non_exhaustive()
    }
}

impl Bench {
    /// Takes a buffer that is not needed any more, for the next block.
    pub(crate) fn give_back(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() > self.spare.capacity() {
            self.spare = buffer;
        }
    }

    /// Decompresses `stored`, which has to yield exactly `plain_bytes`; the caller has compared that with its limit. A bomb
    /// ends there: the output has room for no more than the longest block so far.
    pub(super) fn decompress(
        &mut self,
        stored: &[u8],
        prefix: &[u8],
        plain_bytes: u64,
    ) -> Option<Vec<u8>> {
        let length = usize::try_from(plain_bytes).ok()?;
        let mut out = std::mem::take(&mut self.spare);
        out.clear();
        out.reserve_exact(length);
        let decompressed = if prefix.is_empty() {
            let mut context = self.context.take().or_else(context)?;
            let decompressed = context.decompress(&mut out, stored);
            // What went wrong in one frame must not reach the next.
            self.context = decompressed.is_ok().then_some(context);
            decompressed
        } else {
            let mut context = context()?;
            context.ref_prefix(prefix).ok()?;
            context.decompress(&mut out, stored)
        };
        decompressed.ok()?;
        (out.len() == length).then_some(out)
    }
}

fn context<'p>() -> Option<DCtx<'p>> {
    let mut context = DCtx::try_create()?;
    context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).ok()?;
    Some(context)
}
