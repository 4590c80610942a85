//! Video without a codec: y4m with 4:2:0 colour, as `ffmpeg -pix_fmt yuv420p x.y4m` writes it.

/// Most pixels of a side. `Ours:` a terminal shows far less.
const SIDE_MAX: usize = 4096;
const FRAME_MARK: &[u8] = b"FRAME\n";

/// Why some bytes are no video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
    /// Not y4m.
    #[error("it does not begin like a y4m file")]
    NoHeader,
    /// Size, speed or kind of colour are missing or not those that this program shows.
    #[error("its header says nothing that can be shown here (4:2:0, even sides up to 4096)")]
    Header,
    /// It ends in the middle of a frame, or a frame does not begin where it should.
    #[error("frame {0} is not whole")]
    Frame(usize),
}

/// A video in memory, usually mapped there.
#[derive(Debug, Clone, Copy)]
pub struct Video<'a> {
    body: &'a [u8],
    /// Pixels of a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// Frames in a second.
    pub frames_per_second: u32,
}

/// One frame: brightness for each pixel, colour for each four.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Pixels of a line.
    pub width: usize,
    /// Brightness, line by line.
    pub luma: &'a [u8],
    /// Blue less brightness, 128 is none.
    pub blue: &'a [u8],
    /// Red less brightness, 128 is none.
    pub red: &'a [u8],
}

/// The header of a video.
#[must_use]
pub fn header(width: usize, height: usize, frames_per_second: u32) -> String {
    format!("YUV4MPEG2 W{width} H{height} F{frames_per_second}:1 Ip A1:1 C420jpeg\n")
}

/// Adds a frame to a video; the planes have the sizes that its header says.
pub fn push_frame(video: &mut Vec<u8>, frame: &Frame<'_>) {
    for part in [FRAME_MARK, frame.luma, frame.blue, frame.red] {
        video.extend_from_slice(part);
    }
}

impl<'a> Video<'a> {
    /// Reads the header, and checks nothing else.
    ///
    /// # Errors
    /// [`VideoError::NoHeader`], [`VideoError::Header`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, VideoError> {
        let rest = bytes.strip_prefix(b"YUV4MPEG2 ").ok_or(VideoError::NoHeader)?;
        // A header is short: what has no end soon is none.
        let end = rest.iter().take(200).position(|&b| b == b'\n').ok_or(VideoError::NoHeader)?;
        let (words, body) = rest.split_at(end);
        let words = str::from_utf8(words).map_err(|_| VideoError::Header)?;
        let word = |key: char| words.split(' ').find_map(|word| word.strip_prefix(key));
        let side = |key| -> Option<usize> {
            word(key)?.parse().ok().filter(|n| (2..=SIDE_MAX).contains(n) && n % 2 == 0)
        };
        let speed =
            || word('F')?.strip_suffix(":1")?.parse().ok().filter(|n| (1..=240).contains(n));
        let colour = word('C').is_none_or(|kind| kind.starts_with("420"));
        match (side('W'), side('H'), speed(), colour) {
            (Some(width), Some(height), Some(frames_per_second), true) => {
                let body = body.get(1..).unwrap_or_default();
                Ok(Self { body, width, height, frames_per_second })
            }
            _ => Err(VideoError::Header),
        }
    }

    /// Every frame; the last item is an error if the video is cut short or damaged.
    pub fn frames(&self) -> impl Iterator<Item = Result<Frame<'a>, VideoError>> + use<'a> {
        let (width, pixels) = (self.width, self.width * self.height);
        let mut body = self.body;
        let mut number = 0;
        std::iter::from_fn(move || {
            if body.is_empty() {
                return None;
            }
            number += 1;
            let Some((frame, rest)) = split_frame(body, width, pixels) else {
                body = &[];
                return Some(Err(VideoError::Frame(number)));
            };
            body = rest;
            Some(Ok(frame))
        })
    }
}

fn split_frame(body: &[u8], width: usize, pixels: usize) -> Option<(Frame<'_>, &[u8])> {
    let body = body.strip_prefix(FRAME_MARK)?;
    let (luma, body) = body.split_at_checked(pixels)?;
    let (blue, body) = body.split_at_checked(pixels / 4)?;
    let (red, rest) = body.split_at_checked(pixels / 4)?;
    Some((Frame { width, luma, blue, red }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_frames() -> Vec<u8> {
        let mut video = header(4, 2, 12).into_bytes();
        for luma in [[1; 8], [2; 8]] {
            push_frame(&mut video, &Frame { width: 4, luma: &luma, blue: &[3; 2], red: &[4; 2] });
        }
        video
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = two_frames();
        let video = Video::parse(&bytes).unwrap();
        assert_eq!((video.width, video.height, video.frames_per_second), (4, 2, 12));
        let frames: Vec<_> = video.frames().map(Result::unwrap).collect();
        assert_eq!(frames.len(), 2);
        assert_eq!(
            (frames[1].luma, frames[1].blue, frames[1].red),
            (&[2; 8][..], &[3; 2][..], &[4; 2][..])
        );
    }

    #[test]
    fn a_video_that_is_cut_short_says_at_which_frame() {
        let mut bytes = two_frames();
        bytes.pop();
        let last = Video::parse(&bytes).unwrap().frames().last().unwrap();
        assert_eq!(last.unwrap_err(), VideoError::Frame(2));
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(Video::parse(b"RIFF").unwrap_err(), VideoError::NoHeader);
        for header in ["W4 H2\n", "W3 H2 F12:1\n", "W4 H9999 F12:1\n", "W4 H2 F12:1 C444\n"] {
            let bytes = format!("YUV4MPEG2 {header}");
            assert_eq!(Video::parse(bytes.as_bytes()).unwrap_err(), VideoError::Header, "{header}");
        }
    }
}
