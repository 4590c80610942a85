//! Pictures, drawn with characters: each shows two pixels, one above the other.

use std::fmt::Write as _;

use crate::video::Frame;

const PIXELS_MAX: usize = 4096 * 4096;

/// Why some bytes are no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// Not a binary PPM of 8 bits, or cut short.
    #[error("it is no whole PPM (P6) file of 8 bits")]
    NotPpm,
}

/// A picture: red, green and blue for each pixel, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Pixels of a line, and lines.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.pixels.len() / self.width.max(1))
    }

    /// Reads a PPM file as [`to_ppm`](Self::to_ppm) writes it.
    ///
    /// # Errors
    /// [`PictureError::NotPpm`].
    pub fn from_ppm(bytes: &[u8]) -> Result<Self, PictureError> {
        let read = || -> Option<Self> {
            let mut parts = bytes.splitn(4, |&b| b == b'\n');
            let (kind, size, depth) = (parts.next()?, parts.next()?, parts.next()?);
            let (width, height) = str::from_utf8(size).ok()?.split_once(' ')?;
            let (width, height): (usize, usize) = (width.parse().ok()?, height.parse().ok()?);
            let (pixels, rest) = parts.next()?.as_chunks::<3>();
            let told = width.checked_mul(height).filter(|n| (1..=PIXELS_MAX).contains(n))?;
            let whole = kind == b"P6" && depth == b"255" && rest.is_empty();
            (whole && pixels.len() == told).then(|| Self { width, pixels: pixels.to_vec() })
        };
        read().ok_or(PictureError::NotPpm)
    }

    /// As a PPM file.
    #[must_use]
    pub fn to_ppm(&self) -> Vec<u8> {
        let (width, height) = self.size();
        let mut bytes = format!("P6\n{width} {height}\n255\n").into_bytes();
        bytes.extend_from_slice(self.pixels.as_flattened());
        bytes
    }

    /// A frame of a video, with every `step`-th pixel of every `step`-th line.
    #[must_use]
    pub fn of_frame(frame: &Frame<'_>, step: usize) -> Self {
        let step = step.max(1);
        let lines = frame.luma.chunks_exact(frame.width).enumerate().step_by(step);
        let pixels = lines.flat_map(|(y, line)| {
            let colours = (y / 2) * (frame.width / 2);
            line.iter().enumerate().step_by(step).map(move |(x, luma)| {
                let colour = |plane: &[u8]| plane.get(colours + x / 2).copied().unwrap_or(128);
                rgb(*luma, colour(frame.blue), colour(frame.red))
            })
        });
        Self { width: frame.width.div_ceil(step), pixels: pixels.collect() }
    }

    /// As text for a terminal that knows colours.
    #[must_use]
    pub fn draw(&self) -> String {
        let mut text = String::new();
        let lines: Vec<_> = self.pixels.chunks(self.width.max(1)).collect();
        for pair in lines.chunks(2) {
            let upper = pair.first().copied().unwrap_or_default();
            let lower = pair.get(1).copied().unwrap_or(upper);
            for ([r, g, b], [below_r, below_g, below_b]) in upper.iter().zip(lower) {
                // Writing to a string cannot fail.
                let _ = write!(
                    text,
                    "\x1b[38;2;{r};{g};{b};48;2;{below_r};{below_g};{below_b}m\u{2580}"
                );
            }
            text.push_str("\x1b[0m\r\n");
        }
        text
    }
}

/// The colours of a pixel (JPEG's full range, in integers of 1/256).
fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (y, u, v) = (i32::from(luma) * 256, i32::from(blue) - 128, i32::from(red) - 128);
    [y + 359 * v, y - 88 * u - 183 * v, y + 454 * u]
        .map(|channel| u8::try_from((channel / 256).clamp(0, 255)).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_survives_its_file() {
        let picture = Picture { width: 2, pixels: vec![[10, 200, 0], [1, 2, 3], [10; 3], [4; 3]] };
        assert_eq!(Picture::from_ppm(&picture.to_ppm()), Ok(picture));
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        for bytes in
            [&b"P6\n2 2\n255\nabc"[..], b"P6\n0 0\n255\n", b"P5\n1 1\n255\nabc", b"P6", b""]
        {
            assert_eq!(Picture::from_ppm(bytes), Err(PictureError::NotPpm));
        }
    }

    #[test]
    fn a_grey_frame_is_grey() {
        let frame = Frame { width: 4, luma: &[77; 8], blue: &[128; 2], red: &[128; 2] };
        let picture = Picture::of_frame(&frame, 2);
        assert_eq!((picture.size(), picture.pixels[0]), ((2, 1), [77; 3]));
        assert!(picture.draw().contains("38;2;77;77;77"));
    }
}
