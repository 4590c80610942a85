//! A folder of 1 GiB that is the same everywhere: large and small files, some compressible, some not.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::BenchError;
use crate::run;

const MIB: u64 = 1024 * 1024;
/// Files of 4 MiB and less, in all as much as the large ones leave of 1 GiB.
const SMALL_BYTES: u64 = 320 * MIB;

/// Fills `folder`; gives the bytes of all files.
pub(crate) fn generate(folder: &Path) -> Result<u64, BenchError> {
    run::fresh_folder(folder)?;
    let large = [
        ("video.bin", 256 * MIB, Kind::Noise),
        ("textures.bin", 192 * MIB, Kind::Mixed),
        ("levels.json", 192 * MIB, Kind::Text),
        ("voices.bin", 64 * MIB, Kind::Noise),
    ];
    let mut total = 0;
    for (seed, (name, bytes, kind)) in (1..).zip(large) {
        write(&folder.join(name), bytes, kind, seed)?;
        total += bytes;
    }
    let mut draw = Noise::new(99);
    let (mut left, mut number) = (SMALL_BYTES, 0_u64);
    while left > 0 {
        let bytes = (1024 << (draw.next() % 13)).min(left);
        let kind = [Kind::Noise, Kind::Mixed, Kind::Text][(number % 3) as usize];
        let below = folder.join(format!("scene-{:02}", number % 20));
        std::fs::create_dir_all(&below).map_err(BenchError::file(&below))?;
        write(&below.join(format!("asset-{number:04}")), bytes, kind, 1000 + number)?;
        left -= bytes;
        total += bytes;
        number += 1;
    }
    Ok(total)
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// As compressed media are.
    Noise,
    /// Words with numbers between them: becomes about a third.
    Text,
    /// Half of each 64 KiB is noise.
    Mixed,
}

fn write(path: &Path, bytes: u64, kind: Kind, seed: u64) -> Result<(), BenchError> {
    let file = File::create(path).map_err(BenchError::file(path))?;
    let mut out = BufWriter::with_capacity(256 * 1024, file);
    let (mut noise, mut left) = (Noise::new(seed), bytes);
    let mut piece = Vec::new();
    let mut plain = 0_u64;
    while left > 0 {
        piece.clear();
        let text = match kind {
            Kind::Noise => false,
            Kind::Text => true,
            Kind::Mixed => plain.is_multiple_of(2),
        };
        plain += 1;
        while piece.len() < 32 * 1024 {
            let drawn = noise.next();
            if text {
                let _ = write!(
                    piece,
                    "{{\"node{}\": [{}, \"word{}\"]}}, ",
                    drawn % 4096,
                    drawn >> 52,
                    drawn >> 32 & 511
                );
            } else {
                piece.extend_from_slice(&drawn.to_le_bytes());
            }
        }
        let take = left.min(piece.len() as u64);
        let part = piece.get(..usize::try_from(take).unwrap_or(usize::MAX)).unwrap_or_default();
        out.write_all(part).map_err(BenchError::file(path))?;
        left -= take;
    }
    out.flush().map_err(BenchError::file(path))
}

/// xorshift64*.
#[derive(Debug)]
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`; 0 if there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let drawn = usize::try_from(self.next() >> 1).unwrap_or(usize::MAX);
        drawn.checked_rem(end).unwrap_or(0)
    }
}
