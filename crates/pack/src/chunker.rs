//! Where a file is cut: FastCDC (2020), parameters in [`crate::limits`].
//!
//! The cut points are part of the format: two publications of the same bytes share chunks only because they are cut alike.

use std::io::Read;

use fastcdc::v2020::{Error, StreamCDC};
use headstart_model::Digest;

use crate::limits::{CHUNK_BYTES_AVERAGE, CHUNK_BYTES_MAX, CHUNK_BYTES_MIN};

/// One chunk as cut: its name and its bytes (1 to [`CHUNK_BYTES_MAX`]).
#[derive(Debug)]
pub(crate) struct CutChunk {
    pub(crate) name: Digest,
    pub(crate) bytes: Vec<u8>,
}

/// Cuts `source` to its end, a chunk at a time; an empty source has no chunk.
pub(crate) fn cut<R: Read>(source: R) -> impl Iterator<Item = std::io::Result<CutChunk>> {
    StreamCDC::new(source, CHUNK_BYTES_MIN, CHUNK_BYTES_AVERAGE, CHUNK_BYTES_MAX).map(|chunk| {
        match chunk {
            Ok(chunk) => Ok(CutChunk { name: Digest::of(&chunk.data), bytes: chunk.data }),
            Err(Error::IoError(error)) => Err(error),
            Err(error) => Err(std::io::Error::other(error.to_string())),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes from a fixed linear congruence: the same on every machine.
    fn sample(bytes: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        (0..bytes).map(|_| next()).collect()
    }

    fn lengths(bytes: &[u8]) -> Vec<usize> {
        cut(bytes).map(|chunk| chunk.expect("memory").bytes.len()).collect()
    }

    #[test]
    fn cut_points_are_those_of_the_format() {
        let cuts = lengths(&sample(400_000));
        assert_eq!(cuts.iter().sum::<usize>(), 400_000);
        // Golden: a change here changes the format (docs/format/pack.md).
        assert_eq!(cuts, GOLDEN);
    }

    const GOLDEN: [usize; 10] =
        [46_814, 42_318, 45_564, 28_125, 44_284, 51_948, 8_920, 56_750, 44_108, 31_169];

    #[test]
    fn an_edit_moves_few_cut_points() {
        let mut bytes = sample(1_000_000);
        let names = |bytes: &[u8]| cut(bytes).map(|c| c.expect("memory").name).collect::<Vec<_>>();
        let before = names(&bytes);
        bytes.insert(500_000, 7);
        let after = names(&bytes);
        let new = after.iter().filter(|name| !before.contains(name)).count();
        assert!(new <= 3, "{new} of {} chunks are new", after.len());
    }

    #[test]
    fn nothing_has_no_chunk() {
        assert!(lengths(&[]).is_empty());
    }
}
