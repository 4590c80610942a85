//! From an opened form back to the file.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use headstart_model::{Digest, DigestHasher};

use super::FormatError;
use super::block::{Block, Coding};
use super::corrections::{BlockKind, Corrections};
use super::deflate::Deflater;
use super::predictor::{LOOKAHEAD, Predictor};
use super::recipe::{Recipe, Segment};
use super::trees;
use crate::numbers::{index, size};

const BUFFER: usize = 64 * 1024;

/// Makes the file again whose opened form lies in `range` of `form`, and writes it to `out`. Gives its digest, which the
/// caller compares. Memory: the recipe, and about 3 MiB. At most `bytes_max` bytes are written.
///
/// # Errors
/// [`FormatError`] when the form breaks a rule, makes more than `bytes_max` bytes, or reading or writing fails. Part of the
/// file may have been written then.
pub fn recreate<F: Read + Seek, W: Write>(
    form: &mut F,
    range: Range<u64>,
    bytes_max: u64,
    out: &mut W,
) -> Result<Digest, FormatError> {
    let recipe = Recipe::of_form(form, &range)?;
    let mut left = range.end - range.start - size(recipe.as_bytes().len());
    form.seek(SeekFrom::Start(range.start))?;
    let mut form = BufReader::with_capacity(BUFFER, form);
    let mut out = Counted { out, hasher: DigestHasher::new(), left: bytes_max };
    for segment in recipe.segments()? {
        let segment = segment?;
        left = left
            .checked_sub(segment.raw_bytes)
            .and_then(|left| left.checked_sub(segment.plain_bytes))
            .ok_or(FormatError::Truncated { what: "an opened file" })?;
        copy(&mut form, segment.raw_bytes, &mut out)?;
        stream(&mut form, &segment, &mut out)?;
    }
    copy(&mut form, left, &mut out)?;
    Ok(out.hasher.finish())
}

/// Hashes what is written, and stops at a limit.
struct Counted<'a, W> {
    out: &'a mut W,
    hasher: DigestHasher,
    left: u64,
}

impl<W: Write> Counted<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        self.left = self.left.checked_sub(size(bytes.len())).ok_or(FormatError::Rule {
            what: "an opened file makes more bytes than the file has",
        })?;
        self.hasher.update(bytes);
        Ok(self.out.write_all(bytes)?)
    }
}

fn copy<F: Read, W: Write>(
    form: &mut F,
    bytes: u64,
    out: &mut Counted<'_, W>,
) -> Result<(), FormatError> {
    let mut buffer = vec![0; BUFFER];
    let mut left = bytes;
    while left > 0 {
        let part = index(u32::try_from(left.min(size(BUFFER))).unwrap_or(0));
        let part = buffer.get_mut(..part).unwrap_or_default();
        form.read_exact(part)?;
        out.put(part)?;
        left -= size(part.len());
    }
    Ok(())
}

/// Plain bytes that go to a predictor as it needs them.
struct Plain<'a, F> {
    form: &'a mut F,
    left: u64,
    buffer: Vec<u8>,
}

impl<F: Read> Plain<'_, F> {
    /// Pushes until `count` bytes and the lookahead are there, or all is pushed.
    fn ensure(&mut self, predictor: &mut Predictor, count: usize) -> Result<(), FormatError> {
        while predictor.ahead() < count + LOOKAHEAD && self.left > 0 {
            let part = index(u32::try_from(self.left.min(size(BUFFER / 4))).unwrap_or(0));
            self.buffer.resize(part, 0);
            self.form.read_exact(&mut self.buffer)?;
            predictor.push(&self.buffer);
            self.left -= size(part);
        }
        Ok(())
    }
}

fn stream<F: Read, W: Write>(
    form: &mut F,
    segment: &Segment<'_>,
    out: &mut Counted<'_, W>,
) -> Result<(), FormatError> {
    let mut corrections = Corrections::new(segment.corrections)?;
    let mut predictor = Predictor::new(corrections.parameters());
    let mut plain = Plain { form, left: segment.plain_bytes, buffer: Vec::new() };
    let mut deflater = Deflater::default();
    loop {
        let head = corrections.block()?;
        let (coding, count) = match head.kind {
            BlockKind::Stored { bytes } => {
                let count = usize::from(bytes);
                plain.ensure(&mut predictor, count)?;
                let stored = predictor.next_bytes(count).to_vec();
                if stored.len() != count {
                    return Err(FormatError::Rule {
                        what: "a stored block has more bytes than there are",
                    });
                }
                let coding = Coding::Stored { bytes };
                deflater.block(&Block { last: head.last, coding, tokens: Vec::new() }, &stored);
                predictor.pass(count);
                out.put(deflater.bytes())?;
                deflater.bytes().clear();
                if head.last {
                    break;
                }
                continue;
            }
            BlockKind::Fixed { tokens } => (Some(Coding::Fixed), tokens),
            BlockKind::Dynamic { tokens, table } => (table.map(Coding::Dynamic), tokens),
        };
        let more = &mut |predictor: &mut Predictor| plain.ensure(predictor, 0);
        let tokens = corrections.tokens(count, &mut predictor, more)?;
        let coding = coding.unwrap_or_else(|| Coding::Dynamic(trees::table_of(&tokens)));
        deflater.block(&Block { last: head.last, coding, tokens }, &[]);
        out.put(deflater.bytes())?;
        deflater.bytes().clear();
        if head.last {
            break;
        }
    }
    corrections.finish()?;
    if plain.left > 0 || predictor.ahead() > 0 {
        return Err(FormatError::Rule { what: "a deflate stream has more bytes than tokens" });
    }
    Ok(())
}
