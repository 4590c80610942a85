//! Where deflate streams may begin: behind the headers of zip members and of gzip.

use std::io::{BufRead, Read, Seek, SeekFrom};

use crate::numbers::{index, size};

const ZIP: [u8; 4] = *b"PK\x03\x04";
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
/// Bytes of a header that are looked at.
const HEADER_BYTES_MAX: u64 = 4096;
/// The method of zip that is deflate.
const DEFLATE: u16 = 8;

/// Where a stream may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its first byte.
    pub(super) start: u64,
    /// Where to look on if it is none, or one that stays as it is.
    pub(super) beyond: u64,
}

/// Whether a file that begins with these bytes is a container.
pub(super) fn is_container(head: &[u8]) -> bool {
    head.starts_with(&ZIP) || head.starts_with(&GZIP)
}

/// The first place from `from` on where a stream may begin.
pub(super) fn next<F: BufRead + Seek>(
    file: &mut F,
    from: u64,
) -> std::io::Result<Option<Candidate>> {
    let mut place = from;
    file.seek(SeekFrom::Start(place))?;
    loop {
        let buffer = file.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let first = buffer.iter().position(|byte| *byte == ZIP[0] || *byte == GZIP[0]);
        let skipped = first.unwrap_or(buffer.len());
        file.consume(skipped);
        place += size(skipped);
        if first.is_none() {
            continue;
        }
        let mut header = Vec::new();
        let mark = place;
        file.by_ref().take(4).read_to_end(&mut header)?;
        if is_container(&header) {
            file.take(HEADER_BYTES_MAX).read_to_end(&mut header)?;
            if let Some((length, beyond)) = zip(&header).or_else(|| gzip(&header)) {
                let start = mark + length;
                return Ok(Some(Candidate { start, beyond: start + beyond }));
            }
        }
        place = mark + 1;
        let back = i64::try_from(size(header.len()) - 1).unwrap_or(0);
        if header.is_empty() {
            return Ok(None);
        }
        file.seek_relative(-back)?;
    }
}

fn number(header: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*header.get(at..)?.first_chunk()?))
}

/// Length of the header, and of the stream if the header tells.
fn zip(header: &[u8]) -> Option<(u64, u64)> {
    let (flags, method) = (number(header, 6)?, number(header, 8)?);
    if !header.starts_with(&ZIP) || method != DEFLATE || flags & 1 != 0 {
        return None;
    }
    let packed = u32::from_le_bytes(*header.get(18..)?.first_chunk()?);
    let names = u64::from(number(header, 26)?) + u64::from(number(header, 28)?);
    let known = flags & 8 == 0 && packed != u32::MAX;
    Some((30 + names, if known { u64::from(packed) } else { 0 }))
}

fn gzip(header: &[u8]) -> Option<(u64, u64)> {
    let flags = *header.get(3)?;
    if !header.starts_with(&GZIP) || flags & 0xe0 != 0 {
        return None;
    }
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + index(u32::from(number(header, at)?));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            at += header.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    Some((size(at), 0))
}
