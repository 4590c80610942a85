//! A game that is the same everywhere: a few large containers with many assets, in consecutive versions.
//!
//! Every asset has a number that decides its kind, size and first content, and a history: in each version some are changed a
//! little, some are replaced, some come and some go, which shifts all that follow in their container and changes its directory.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use crate::error::BenchError;
use crate::large::Noise;
use crate::run;

/// Containers, and assets in each in the first version; about 1 GiB in all.
const CONTAINERS: u64 = 8;
const ASSETS: u64 = 960;
/// Of 1000 assets that a version has, so many are changed inside, replaced, left out or joined by a new one in the next.
const CHANGED: u64 = 40;
const REPLACED: u64 = 3;
const REMOVED: u64 = 2;
const ADDED: u64 = 3;
/// Assets begin at multiples of this, as in containers that are mapped into memory.
const ALIGNMENT: usize = 16;
const SCRIPTS: u64 = 300;

/// Writes a version, counted from 0, into `folder`.
pub(crate) fn generate(folder: &Path, version: u64) -> Result<(), BenchError> {
    run::fresh_folder(&folder.join("data"))?;
    run::fresh_folder(&folder.join("scripts"))?;
    for container in 0..CONTAINERS {
        let path = folder.join(format!("data/pak{container:02}.pak"));
        write_container(&path, container, version).map_err(BenchError::file(&path))?;
    }
    for number in 0..SCRIPTS {
        let asset = Asset { id: 1 << 40 | number, kind: Kind::Script };
        let bytes = asset.content(version);
        let path = folder.join(format!("scripts/area{:02}/script{number:03}.lua", number % 12));
        run::write(&path, &bytes)?;
    }
    run::write(&folder.join("version.txt"), format!("1.{version}.0\n").as_bytes())
}

/// Magic, assets, and a directory of (name, offset, length) at the end, as many containers have it.
fn write_container(path: &Path, container: u64, version: u64) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    out.write_all(b"GPAK\x01\0\0\0\0\0\0\0\0\0\0\0")?;
    let (mut offset, mut directory) = (16_u64, Vec::new());
    for asset in assets(container, version) {
        let mut bytes = asset.content(version);
        let length = bytes.len() as u64;
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        out.write_all(&bytes)?;
        for field in [Noise::new(asset.id).next(), offset, length] {
            directory.extend_from_slice(&field.to_le_bytes());
        }
        offset += bytes.len() as u64;
    }
    out.write_all(&directory)?;
    out.write_all(&offset.to_le_bytes())?;
    out.flush()
}

/// The assets of a container in their order.
fn assets(container: u64, version: u64) -> Vec<Asset> {
    let id = |serial: u64| container << 32 | serial;
    let mut assets = (0..ASSETS).map(|serial| Asset::new(id(serial))).collect::<Vec<_>>();
    let mut serial = ASSETS;
    for step in 1..=version {
        let mut next = Vec::with_capacity(assets.len() + 8);
        for asset in assets {
            let mut draw = Noise::new(asset.id.wrapping_mul(31).wrapping_add(step) ^ 0x5eed);
            if draw.next() % 1000 >= REMOVED {
                next.push(asset);
            }
            if draw.next() % 1000 < ADDED {
                next.push(Asset::new(id(serial)));
                serial += 1;
            }
        }
        assets = next;
    }
    assets
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As compressed media are: nothing to gain.
    Packed,
    /// Blocks of 8 bytes, two end colours that drift and an index of few patterns, as graphics cards read them.
    Texture,
    /// Positions, normals and coordinates as 32-bit floats along a surface, then triangles.
    Mesh,
    /// 16-bit samples of a few tones with noise.
    Sound,
    Script,
}

#[derive(Debug, Clone, Copy)]
struct Asset {
    id: u64,
    kind: Kind,
}

impl Asset {
    fn new(id: u64) -> Self {
        let kind = match Noise::new(id ^ 0x0a55_e700).next() % 100 {
            0..34 => Kind::Packed,
            34..60 => Kind::Texture,
            60..80 => Kind::Mesh,
            80..90 => Kind::Sound,
            _ => Kind::Script,
        };
        Self { id, kind }
    }

    /// The bytes in a version: the first ones, and every change up to it.
    fn content(self, version: u64) -> Vec<u8> {
        let history = |step: u64| {
            Noise::new(self.id.wrapping_mul(131).wrapping_add(step) ^ 0xed17).next() % 1000
        };
        // Whatever was done before the last replacement left no trace.
        let replaced = (1..=version).rev().find(|&step| history(step) < REPLACED);
        let mut bytes = self.first(replaced.unwrap_or(0));
        for step in replaced.map_or(1, |step| step + 1)..=version {
            if (REPLACED..REPLACED + CHANGED).contains(&history(step)) {
                self.change(&mut bytes, step);
            }
        }
        bytes
    }

    fn first(self, seed: u64) -> Vec<u8> {
        let mut draw = Noise::new(self.id.wrapping_mul(7919).wrapping_add(seed));
        // 8 KiB to 512 KiB, as likely small as large by order of magnitude.
        let size = match self.kind {
            Kind::Script => 2048 << (draw.next() % 6),
            _ => (8192_usize << (draw.next() % 6)) + (draw.next() % 131_072) as usize,
        } + (draw.next() % 1024) as usize;
        match self.kind {
            Kind::Packed => packed(&mut draw, size),
            Kind::Texture => texture(&mut draw, size),
            Kind::Mesh => mesh(&mut draw, size),
            Kind::Sound => sound(&mut draw, size),
            Kind::Script => script(&mut draw, size),
        }
    }

    /// Changes about a tenth in one to four places; text and meshes change their length as well.
    fn change(self, bytes: &mut Vec<u8>, step: u64) {
        let mut draw = Noise::new(self.id.wrapping_mul(524_287).wrapping_add(step));
        for _ in 0..=draw.next() % 4 {
            let at = draw.below(bytes.len()) & !7;
            let length = (64 + draw.below(bytes.len() / 16 + 64)).min(bytes.len() - at);
            match self.kind {
                Kind::Packed => {
                    let fresh = packed(&mut draw, length);
                    replace(bytes, at, length, &fresh);
                }
                Kind::Texture => {
                    let fresh = texture(&mut draw, length & !7);
                    replace(bytes, at, length & !7, &fresh);
                }
                Kind::Script => {
                    let fresh = script(&mut draw, length / 2 + 40);
                    replace(bytes, at, length / 4, &fresh);
                }
                // The low bits of numbers in a row, as after a vertex was moved or a tone was made louder.
                Kind::Mesh | Kind::Sound => {
                    let width = if self.kind == Kind::Mesh { 4 } else { 2 };
                    for place in (at..at + length).step_by(width * 3) {
                        if let Some(byte) = bytes.get_mut(place) {
                            *byte = byte.wrapping_add((draw.next() % 17).to_le_bytes()[0]);
                        }
                    }
                    if draw.next().is_multiple_of(3) {
                        let fresh =
                            if width == 4 { mesh(&mut draw, 640) } else { sound(&mut draw, 640) };
                        replace(bytes, at, 0, &fresh);
                    }
                }
            }
        }
    }
}

fn replace(bytes: &mut Vec<u8>, at: usize, length: usize, fresh: &[u8]) {
    bytes.splice(at..at + length, fresh.iter().copied());
}

fn packed(draw: &mut Noise, size: usize) -> Vec<u8> {
    fill(size, |out| out.extend_from_slice(&draw.next().to_le_bytes()))
}

fn texture(draw: &mut Noise, size: usize) -> Vec<u8> {
    let patterns: [[u8; 4]; 24] = std::array::from_fn(|_| low_bytes(draw.next()));
    let (mut light, mut dark) = (0x8410_u16, 0x4208_u16);
    fill(size, |out| {
        let step = draw.next();
        if step.is_multiple_of(4) {
            light = light.wrapping_add(u16::from_le_bytes(low_bytes(step >> 8)) & 0x21);
            dark = dark.wrapping_sub(u16::from_le_bytes(low_bytes(step >> 16)) & 0x21);
        }
        out.extend_from_slice(&light.to_le_bytes());
        out.extend_from_slice(&dark.to_le_bytes());
        let mut pattern = *pick(&patterns, step >> 32);
        if (step >> 40).is_multiple_of(3) {
            pattern[1] ^= (step >> 48).to_le_bytes()[0];
        }
        out.extend_from_slice(&pattern);
    })
}

fn mesh(draw: &mut Noise, size: usize) -> Vec<u8> {
    let slope = 0.002 + (draw.next() % 100) as f32 * 0.000_2;
    let (mut vertex, width) = (0_u32, 64 + (draw.next() % 64) as u32);
    let mut bytes = fill(size * 3 / 4, |out| {
        let (x, y) = ((vertex % width) as f32 * 0.25, (vertex / width) as f32 * 0.25);
        let height = wave(x * slope) * 3.0 + wave(y * slope) + (draw.next() % 64) as f32 / 4096.0;
        for number in [x, height, y, 0.0, 1.0, slope, x / 64.0, y / 64.0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        vertex += 1;
    });
    let mut corner = 0_u32;
    let triangles = fill(size - bytes.len(), |out| {
        for number in [corner, corner + 1, corner + width] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        corner += 1;
    });
    bytes.extend(triangles);
    bytes
}

fn sound(draw: &mut Noise, size: usize) -> Vec<u8> {
    let tones: [f32; 3] = std::array::from_fn(|_| 0.001 + (draw.next() % 1000) as f32 * 0.000_03);
    let mut at = 0.0_f32;
    fill(size, |out| {
        let tone = tones.iter().map(|tone| wave(at * tone) * 6000.0).sum::<f32>();
        #[expect(clippy::cast_possible_truncation, reason = "at most 18 256 either way")]
        let sample = (tone + (draw.next() % 256) as f32) as i16;
        out.extend_from_slice(&sample.to_le_bytes());
        at += 1.0;
    })
}

/// From -1 to 1 and back with every whole number, nearly as a sine; of sums and products alone, so that every machine gets the
/// same bits.
fn wave(turns: f32) -> f32 {
    let place = (turns - turns.floor()) * 2.0 - 1.0;
    4.0 * place * (1.0 - place.abs())
}

fn script(draw: &mut Noise, size: usize) -> Vec<u8> {
    const WORDS: [&str; 24] = [
        "player",
        "enemy",
        "spawn",
        "health",
        "local",
        "function",
        "return",
        "if",
        "then",
        "end",
        "position",
        "target",
        "distance",
        "update",
        "timer",
        "door",
        "open",
        "sound",
        "play",
        "light",
        "quest",
        "item",
        "inventory",
        "random",
    ];
    fill(size, |out| {
        let drawn = draw.next();
        let word = |shift: u32| *pick(&WORDS, drawn >> shift);
        let line = match drawn % 4 {
            0 => format!("local {} = {}.{}({})\n", word(8), word(16), word(24), drawn >> 50),
            1 => {
                format!("  if {}.{} > {} then {}() end\n", word(8), word(16), drawn >> 52, word(24))
            }
            2 => format!("-- {} {} {} {}\n", word(8), word(16), word(24), word(32)),
            _ => format!(
                "  {}:{}(\"{}_{}\", {})\n",
                word(8),
                word(16),
                word(24),
                drawn >> 54,
                word(32)
            ),
        };
        out.extend_from_slice(line.as_bytes());
    })
}

/// One of them; `all` is not empty.
fn pick<T>(all: &[T], drawn: u64) -> &T {
    &all[usize::try_from(drawn % all.len() as u64).unwrap_or(0)]
}

/// The low bytes of a number.
fn low_bytes<const N: usize>(number: u64) -> [u8; N] {
    std::array::from_fn(|at| number.to_le_bytes()[at])
}

/// Exactly `size` bytes.
fn fill(size: usize, mut more: impl FnMut(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + 128);
    while out.len() < size {
        more(&mut out);
    }
    out.truncate(size);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_version_shares_most_assets_with_the_one_before() {
        let ids =
            |version| assets(0, version).iter().map(|asset| asset.id).collect::<BTreeSet<_>>();
        let (first, second) = (ids(0), ids(1));
        let both = first.intersection(&second).collect::<Vec<_>>();
        assert!(
            both.len() < first.len() && both.len() < second.len() && both.len() > first.len() - 20
        );
        let sample = || both.iter().take(200).map(|&&id| Asset::new(id));
        let changed = sample().filter(|asset| asset.content(0) != asset.content(1)).count();
        assert!((1..40).contains(&changed), "{changed}");
    }

    #[test]
    fn a_version_is_the_same_each_time() {
        let asset = Asset::new(77);
        assert_eq!(asset.content(3), asset.content(3));
    }
}
