//! A folder of any size whose packing is hard on memory, but not on patience.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::BenchError;
use crate::large::Noise;
use crate::run;

/// Bytes of one piece; a file has [`PIECES`] of them.
const PIECE: usize = 1 << 20;
const PIECES: u64 = 128;

/// Writes `gib` GiB in files of 128 MiB. Of 16 pieces of 1 MiB, 5 are noise, 10 are earlier ones again, with an edit in the
/// middle that shifts the rest, and one is text. `version` 0 is the old one; in the new one a piece of 50 has another edit.
pub(crate) fn generate(folder: &Path, gib: u64, version: u64) -> Result<(), BenchError> {
    run::fresh_folder(folder)?;
    for file in 0..gib * 8 {
        let path = folder.join(format!("part{file:03}.bin"));
        write(&path, file * PIECES, version).map_err(BenchError::file(&path))?;
    }
    Ok(())
}

fn write(path: &Path, first: u64, version: u64) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(PIECE, File::create(path)?);
    for number in first..first + PIECES {
        let mut bytes = match number % 16 {
            0..5 => noise(number),
            15 => text(number),
            // One of the noise pieces before, all over the folder.
            _ => {
                let mut draw = Noise::new(number ^ 0xb0b);
                let group = draw.next() % (number / 16 + 1);
                let mut bytes = noise(group * 16 + draw.next() % 5);
                edit(&mut bytes, &mut draw);
                bytes
            }
        };
        let mut draw = Noise::new(number ^ 0xed17);
        if version > 0 && draw.next().is_multiple_of(50) {
            edit(&mut bytes, &mut draw);
        }
        out.write_all(&bytes)?;
    }
    out.flush()
}

fn edit(bytes: &mut Vec<u8>, draw: &mut Noise) {
    let at = draw.below(bytes.len());
    let fresh: [u8; 7] = std::array::from_fn(|_| draw.next().to_le_bytes()[0]);
    bytes.splice(at..at, fresh);
}

fn noise(number: u64) -> Vec<u8> {
    let mut draw = Noise::new(number);
    (0..PIECE / 8).flat_map(|_| draw.next().to_le_bytes()).collect()
}

fn text(number: u64) -> Vec<u8> {
    let mut draw = Noise::new(number);
    let mut bytes = Vec::with_capacity(PIECE + 64);
    while bytes.len() < PIECE {
        let drawn = draw.next();
        let line = format!(
            "entry{} = {{ size = {}, kind = {} }}\n",
            drawn % 4096,
            drawn >> 48,
            drawn >> 40 & 15
        );
        bytes.extend_from_slice(line.as_bytes());
    }
    bytes
}
