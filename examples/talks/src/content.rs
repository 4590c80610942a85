//! The talks themselves, painted: a slide that changes, a bar that shows the time, and the grain of
//! a camera. The same arguments give the same bytes on every machine.

use std::io;
use std::path::Path;

use crate::picture::Picture;
use crate::video::{Frame, header, push_frame};

/// The packs with a talk, in the order of the programme, and the colour of each: blue and red.
pub const TALKS: [(&str, [u8; 2]); 4] = [
    ("opening", [150, 110]),
    ("chunks", [110, 150]),
    ("waiting", [100, 115]),
    ("power-cuts", [145, 150]),
];

const WIDTH: usize = 160;
const HEIGHT: usize = 90;
const FRAMES_PER_SECOND: u32 = 12;
const SECONDS_PER_SLIDE: u32 = 2;

/// The second edition of the talks: the speaker of this one has corrected one slide.
pub const CORRECTED: &str = "chunks";

/// What is painted.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// How long each talk is.
    pub seconds: u32,
    /// 1, or 2 for the corrected slide.
    pub edition: u32,
}

/// Writes `talks/ID.y4m` and `thumbnails/ID.ppm` of every talk below `folder`.
///
/// # Errors
/// When a file or folder cannot be written.
pub fn write(folder: &Path, recipe: Recipe) -> io::Result<()> {
    for below in ["talks", "thumbnails"] {
        std::fs::create_dir_all(folder.join(below))?;
    }
    for (id, colour) in TALKS {
        let (video, thumbnail) = paint(id, colour, recipe);
        std::fs::write(folder.join(format!("talks/{id}.y4m")), video)?;
        std::fs::write(folder.join(format!("thumbnails/{id}.ppm")), thumbnail)?;
    }
    Ok(())
}

fn paint(id: &str, colour: [u8; 2], recipe: Recipe) -> (Vec<u8>, Vec<u8>) {
    let count = recipe.seconds.saturating_mul(FRAMES_PER_SECOND).max(1);
    let slides = recipe.seconds / SECONDS_PER_SLIDE;
    let [blue, red] = colour.map(|value| vec![value; WIDTH * HEIGHT / 4]);
    let mut video = header(WIDTH, HEIGHT, FRAMES_PER_SECOND).into_bytes();
    let mut thumbnail = Vec::new();
    for number in 0..count {
        let slide = number / FRAMES_PER_SECOND / SECONDS_PER_SLIDE;
        let corrected = recipe.edition > 1 && id == CORRECTED && slide == slides / 2;
        let words = seed(&[id.as_bytes(), &slide.to_le_bytes(), &[u8::from(corrected)]]);
        let grain = seed(&[id.as_bytes(), &number.to_le_bytes(), b"grain"]);
        let done = WIDTH * number as usize / count as usize;
        let luma = luma(words, grain, done);
        let frame = Frame { width: WIDTH, luma: &luma, blue: &blue, red: &red };
        push_frame(&mut video, &frame);
        if number == 0 {
            thumbnail = Picture::of_frame(&frame, 3).to_ppm();
        }
    }
    (video, thumbnail)
}

/// Brightness of a frame: a dark room, a bright slide with lines of words, the bar of time.
fn luma(mut words: u64, mut grain: u64, done: usize) -> Vec<u8> {
    let lengths: [usize; 6] = std::array::from_fn(|_| 20 + (next(&mut words) % 90) as usize);
    let mut plane = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let slide = (16..144).contains(&x) && (8..76).contains(&y);
            let line = lengths.get(y.wrapping_sub(14) / 10).copied().unwrap_or(0);
            let word =
                slide && y >= 14 && (y - 14) % 10 < 4 && x >= 22 && x < 22 + line && x % 7 != 0;
            let bar = y >= 84 && x < done;
            let bright: u8 = if word {
                50
            } else if slide || bar {
                220
            } else {
                40
            };
            // No camera is without grain, and no video without it is as large as one.
            plane.push(bright + (next(&mut grain) & 7) as u8);
        }
    }
    plane
}

fn seed(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let first = hasher.finalize().as_bytes().first_chunk().copied();
    // Zero is where the generator would stay.
    u64::from_le_bytes(first.unwrap_or_default()) | 1
}

/// Marsaglia's xorshift of 64 bits.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state >> 11
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::Video;

    #[test]
    fn a_talk_is_a_video_and_the_same_each_time() {
        let recipe = Recipe { seconds: 4, edition: 1 };
        let (video, thumbnail) = paint("opening", [128; 2], recipe);
        assert_eq!(Video::parse(&video).unwrap().frames().map(Result::unwrap).count(), 48);
        assert_eq!(Picture::from_ppm(&thumbnail).unwrap().size(), (54, 30));
        assert_eq!(paint("opening", [128; 2], recipe), (video, thumbnail));
    }

    #[test]
    fn the_second_edition_differs_in_one_slide_of_one_talk() {
        let editions =
            |id| [1, 2].map(|edition| paint(id, [128; 2], Recipe { seconds: 8, edition }).0);
        let [first, second] = editions(CORRECTED);
        let frames = |video: &[u8]| {
            let video = Video::parse(video).unwrap();
            video.frames().map(|frame| frame.unwrap().luma.to_vec()).collect::<Vec<_>>()
        };
        let differ = frames(&first).iter().zip(frames(&second)).filter(|(a, b)| *a != b).count();
        assert_eq!(differ, (FRAMES_PER_SECOND * SECONDS_PER_SLIDE) as usize);
        let [first, second] = editions("opening");
        assert!(first == second);
    }
}
