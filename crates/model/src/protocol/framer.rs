//! From a stream of bytes to messages: each message is ended by one NUL byte.

/// Why a stream of bytes is not a stream of messages. Nothing after such an error can be trusted:
/// the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// More bytes than a message may have, and no end.
    #[error("a message on the socket is longer than {limit_bytes} bytes")]
    TooLong {
        /// Bytes that a message may have.
        limit_bytes: usize,
    },
    /// The stream ended inside a message.
    #[error("the connection ended inside a message, after {received_bytes} bytes of it")]
    Truncated {
        /// Bytes of the message that had arrived.
        received_bytes: usize,
    },
}

/// Cuts a stream of bytes into messages.
///
/// Feed it with [`push`](Self::push), then take messages with [`next_frame`](Self::next_frame)
/// until there is none. It holds at most one unfinished message of the limit's size and the bytes
/// of the last `push`, as long as the caller takes every message before it feeds more.
#[derive(Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Where the first message that was not taken begins.
    start: usize,
    /// Up to where the buffer was searched for the end of that message.
    searched: usize,
    limit_bytes: usize,
}

impl Framer {
    /// A framer for messages of at most `limit_bytes` bytes, the NUL not counted.
    #[must_use]
    pub const fn new(limit_bytes: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, searched: 0, limit_bytes }
    }

    /// Takes the bytes that arrived next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message without its NUL, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] when the message is longer than the limit, finished or not; every
    /// later call says so again.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let end = unsearched.iter().position(|byte| *byte == 0).map(|at| self.searched + at);
        if end.unwrap_or(self.buffer.len()) - self.start > self.limit_bytes {
            // `searched` stays where it is, so that the same message is found too long again.
            return Err(FrameError::TooLong { limit_bytes: self.limit_bytes });
        }
        let Some(end) = end else {
            self.searched = self.buffer.len();
            return Ok(None);
        };
        let begin = self.start;
        self.start = end + 1;
        self.searched = self.start;
        Ok(self.buffer.get(begin..end))
    }

    /// To be asked when the stream has ended: whether it ended between two messages.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] when a message has begun and not ended.
    pub fn finish(&self) -> Result<(), FrameError> {
        match self.buffer.len() - self.start {
            0 => Ok(()),
            received_bytes => Err(FrameError::Truncated { received_bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(framer: &mut Framer) -> Result<Vec<Vec<u8>>, FrameError> {
        let mut frames = Vec::new();
        while let Some(frame) = framer.next_frame()? {
            frames.push(frame.to_vec());
        }
        Ok(frames)
    }

    #[test]
    fn a_message_at_the_limit_passes_and_one_byte_more_fails() {
        let mut framer = Framer::new(3);
        framer.push(b"abc\0ab");
        assert_eq!(drain(&mut framer).expect("fits"), [b"abc"]);
        framer.push(b"cd");
        let error = FrameError::TooLong { limit_bytes: 3 };
        assert_eq!(framer.next_frame(), Err(error));
        framer.push(b"\0a\0");
        assert_eq!(framer.next_frame(), Err(error), "the stream stays broken");
    }

    #[test]
    fn an_end_inside_a_message_is_an_error() {
        let mut framer = Framer::new(10);
        assert_eq!(framer.finish(), Ok(()));
        framer.push(b"ab\0cd");
        assert_eq!(drain(&mut framer).expect("fits").len(), 1);
        assert_eq!(framer.finish(), Err(FrameError::Truncated { received_bytes: 2 }));
    }

    proptest! {
        #[test]
        fn messages_survive_any_cutting(
            messages in prop::collection::vec(prop::collection::vec(1_u8.., 0..40), 0..10),
            cuts in prop::collection::vec(1_usize..30, 1..20),
        ) {
            let stream: Vec<u8> =
                messages.iter().flat_map(|m| m.iter().copied().chain([0])).collect();
            let mut framer = Framer::new(40);
            let mut found = Vec::new();
            let mut rest = stream.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                framer.push(now);
                found.extend(drain(&mut framer).expect("every message fits"));
                rest = later;
            }
            prop_assert_eq!(found, messages);
            prop_assert_eq!(framer.finish(), Ok(()));
        }

        #[test]
        fn hostile_bytes_never_make_it_hold_more_than_the_limit(
            pieces in prop::collection::vec(prop::collection::vec(0_u8..4, 0..50), 0..20),
        ) {
            let mut framer = Framer::new(8);
            for piece in &pieces {
                framer.push(piece);
                match drain(&mut framer) {
                    Ok(frames) => prop_assert!(frames.iter().all(|frame| frame.len() <= 8)),
                    Err(error) => {
                        prop_assert_eq!(error, FrameError::TooLong { limit_bytes: 8 });
                        break;
                    }
                }
                prop_assert!(framer.buffer.len() - framer.start <= 8);
            }
        }
    }
}
