//! Sample assets: textures, sounds and text, made from a seed, the same on every machine.

use std::io::Write;
use std::path::Path;

/// Pixels of a texture's side.
const TEXTURE_PIXELS: u32 = 640;
/// Samples of a sound: eight seconds.
const SOUND_SAMPLES: u32 = 8 * 44_100;

/// Which edition of the assets is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edition {
    /// What version 1 of the game ships.
    First,
    /// A few things changed: a texture is touched up, a sound is new, some lines are rewritten.
    Second,
}

/// A small fast generator (splitmix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Makes all assets below `folder`.
pub(super) fn make(folder: &Path, edition: Edition, seed: u64) -> std::io::Result<()> {
    for number in 0..4 {
        let path = folder.join(format!("ui/panel-{number:02}.bmp"));
        write(&path, &texture(seed + number, None))?;
    }
    for number in 0..12 {
        let touched = (edition == Edition::Second && number == 5).then_some(40);
        let path = folder.join(format!("world/terrain-{number:02}.bmp"));
        write(&path, &texture(seed + 100 + number, touched))?;
    }
    let sounds = if edition == Edition::Second { 11 } else { 10 };
    for number in 0..sounds {
        let path = folder.join(format!("music/theme-{number:02}.wav"));
        write(&path, &sound(seed + 200 + number))?;
    }
    for number in 0..6 {
        let rewritten = edition == Edition::Second && number == 2;
        let path = folder.join(format!("story/chapter-{number:02}.txt"));
        write(&path, story(seed + 300 + number, rewritten).as_bytes())?;
    }
    let tool = folder.join("ui/check.sh");
    write(&tool, b"#!/bin/sh\necho \"the assets are here\"\n")?;
    make_executable(&tool)
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// A BMP of 24 bits: hills of colour under grain. `touched` changes that many rows in the middle.
fn texture(seed: u64, touched: Option<u32>) -> Vec<u8> {
    let side = TEXTURE_PIXELS;
    let bytes = side * side * 3;
    let mut out = Vec::with_capacity(bytes as usize + 54);
    out.extend_from_slice(b"BM");
    for number in [bytes + 54, 0, 54, 40, side, side, 1 | 24 << 16, 0, bytes, 2835, 2835, 0, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    let mut noise = Noise(seed);
    let tint = noise.next().to_le_bytes();
    for y in 0..side {
        let shift = match touched {
            Some(rows) if (side / 2..side / 2 + rows).contains(&y) => 60,
            _ => 0,
        };
        for x in 0..side {
            let grain = noise.next().to_le_bytes();
            let hill = (x * x / 97 + y * y / 61 + x * y / 173) % 256;
            for (channel, grain) in grain.iter().take(3).enumerate() {
                let tint = u32::from(tint.get(channel).copied().unwrap_or(0));
                let value = (hill + tint + u32::from(grain & 7) + shift) & 0xff;
                out.push(u8::try_from(value).unwrap_or(0));
            }
        }
    }
    out
}

/// A WAV of 16 bits, one channel: a few triangle waves under hiss.
fn sound(seed: u64) -> Vec<u8> {
    let bytes = SOUND_SAMPLES * 2;
    let mut out = Vec::with_capacity(bytes as usize + 44);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(bytes + 36).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    for number in [16, 1 | 1 << 16, 44_100, 88_200, 2 | 16 << 16] {
        out.extend_from_slice(&u32::to_le_bytes(number));
    }
    out.extend_from_slice(b"data");
    out.extend_from_slice(&bytes.to_le_bytes());
    let mut noise = Noise(seed);
    let periods = [0, 1, 2].map(|n| 80 + u32::try_from((noise.next() >> n) % 400).unwrap_or(0));
    for sample in 0..SOUND_SAMPLES {
        let wave = |period: &u32| {
            let place = i32::try_from(sample % period).unwrap_or(0);
            let period = i32::try_from(*period).unwrap_or(1);
            (2 * place - period).abs() * 8_000 / period - 4_000
        };
        let hiss = i32::from(noise.next().to_le_bytes().first().copied().unwrap_or(0) & 0x3f);
        let value = periods.iter().map(wave).sum::<i32>() + hiss;
        let value = i16::try_from(value.clamp(-32_000, 32_000)).unwrap_or(0);
        out.extend_from_slice(&value.to_le_bytes());
    }
    out
}

/// A chapter of nonsense.
fn story(seed: u64, rewritten: bool) -> String {
    const WORDS: [&str; 16] = [
        "harbour", "lantern", "granite", "willow", "the", "a", "beneath", "over", "slow", "bright",
        "river", "copper", "orchard", "and", "sings", "waits",
    ];
    let mut noise = Noise(seed);
    let mut out = Vec::new();
    for line in 0..6_000 {
        let mut bits = noise.next();
        let words: Vec<_> = (0..9)
            .map(|_| {
                let word = WORDS.get((bits & 15) as usize).copied().unwrap_or("and");
                bits >>= 4;
                word
            })
            .collect();
        let mark = if rewritten && line % 1_500 == 0 { " (revised)" } else { "" };
        // Writing to memory does not fail.
        let _ = writeln!(out, "{line:05} {}{mark}", words.join(" "));
    }
    String::from_utf8(out).unwrap_or_default()
}
