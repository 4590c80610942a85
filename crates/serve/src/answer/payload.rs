//! The bytes of one answer as a list of pieces, before anything is read.

use super::range::ByteRange;
use crate::mount::ResourceBody;
use bytes::Bytes;
use std::{collections::VecDeque, fs::File, sync::Arc};

/// Consecutive bytes from one place.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Bytes(Bytes),
    File { file: Arc<File>, offset: u64, len: u64 },
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }

    fn shorten(&mut self, most: u64) {
        match self {
            Self::Bytes(bytes) => bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX)),
            Self::File { len, .. } => *len = (*len).min(most),
        }
    }
}

/// All bytes of an answer's body.
#[derive(Debug, Clone, Default)]
pub(super) struct Payload {
    pub(super) pieces: VecDeque<Piece>,
    pub(super) len: u64,
}

impl Payload {
    pub(super) fn of_text(text: impl Into<Bytes>) -> Self {
        let mut payload = Self::default();
        payload.push(Piece::Bytes(text.into()));
        payload
    }

    pub(super) fn whole(body: &ResourceBody) -> Self {
        let mut payload = Self::default();
        payload.push(match body {
            ResourceBody::Bytes(bytes) => Piece::Bytes(bytes.clone()),
            ResourceBody::File { file, len } => {
                Piece::File { file: Arc::clone(file), offset: 0, len: *len }
            }
        });
        payload
    }

    pub(super) fn range(body: &ResourceBody, range: ByteRange) -> Self {
        let mut payload = Self::default();
        payload.push_range(body, range);
        payload
    }

    pub(super) fn push_range(&mut self, body: &ResourceBody, range: ByteRange) {
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        self.push(match body {
            ResourceBody::Bytes(bytes) => {
                // Bytes in memory have usize positions; the range was cut to their length.
                let end = index(range.last).saturating_add(1).min(bytes.len());
                Piece::Bytes(bytes.slice(index(range.first).min(end)..end))
            }
            ResourceBody::File { file, .. } => {
                Piece::File { file: Arc::clone(file), offset: range.first, len: range.len() }
            }
        });
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.len += piece.len();
        self.pieces.push_back(piece);
    }

    /// Forgets everything behind the first `most` bytes.
    pub(super) fn truncate(&mut self, most: u64) {
        let mut left = most;
        for piece in &mut self.pieces {
            piece.shorten(left);
            left -= piece.len();
        }
        self.pieces.retain(|piece| piece.len() > 0);
        self.len = most - left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(payload: &Payload) -> String {
        let pieces = payload.pieces.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Piece::File { .. } => panic!("no files here"),
        });
        pieces.collect()
    }

    #[test]
    fn truncation_stops_within_and_between_pieces() {
        let mut payload = Payload::of_text("hello ");
        let body = ResourceBody::Bytes(Bytes::from_static(b"the world!"));
        payload.push_range(&body, ByteRange { first: 4, last: 8 });
        assert_eq!((text(&payload).as_str(), payload.len), ("hello world", 11));
        let shortened = |most| {
            let mut payload = payload.clone();
            payload.truncate(most);
            (text(&payload), payload.len)
        };
        assert_eq!(shortened(8), ("hello wo".to_owned(), 8));
        assert_eq!(shortened(6), ("hello ".to_owned(), 6));
        assert_eq!(shortened(0), (String::new(), 0));
        assert_eq!(shortened(99), ("hello world".to_owned(), 11));
    }
}
