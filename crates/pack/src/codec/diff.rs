//! A diff tells how a block is made of its bases: what is copied, what of that is corrected, and what is new. Columns, so that like
//! stands by like and compresses well. `docs/format/pack.md`, "Diffs".

use super::copies::{self, Copy};
use crate::error::FormatError;
use crate::limits::BLOCK_BYTES_MAX;
use crate::numbers::size;
use crate::varint::{self, Cursor};

const WHAT: &str = "a diff";

/// Most bytes that the diff of a block may have: what a reader sets aside.
pub(super) const fn bytes_max(plain_bytes: u64) -> u64 {
    plain_bytes.saturating_mul(4).saturating_add(1024)
}

/// The diff that makes `plain`; `None` when nothing of it is worth copying.
pub(super) fn make(plain: &[u8], bases: &[u8]) -> Option<Vec<u8>> {
    let copies = copies::find(plain, bases);
    let copied: usize = copies.iter().map(|copy| copy.bytes).sum();
    // With less the other codec wins: it knows the bases for what is new, too.
    if copied * 4 < plain.len() {
        return None;
    }
    let mut columns = Columns::default();
    let mut end = Copy { at: 0, from: 0, bytes: 0 };
    for copy in &copies {
        columns.push(plain, bases, &end, copy);
        end = Copy { at: copy.at + copy.bytes, from: copy.from + copy.bytes, bytes: 0 };
    }
    columns.literals.extend_from_slice(plain.get(end.at..).unwrap_or_default());
    let diff = columns.join(copies.len());
    (size(diff.len()) <= bytes_max(size(plain.len()))).then_some(diff)
}

#[derive(Default)]
struct Columns {
    new: Vec<u8>,
    copied: Vec<u8>,
    seeks: Vec<u8>,
    gaps: Vec<u8>,
    corrections: Vec<u8>,
    literals: Vec<u8>,
    /// Copied bytes since the last correction.
    gap: u64,
}

impl Columns {
    fn push(&mut self, plain: &[u8], bases: &[u8], end: &Copy, copy: &Copy) {
        let literals = plain.get(end.at..copy.at).unwrap_or_default();
        varint::put(&mut self.new, size(literals.len()));
        self.literals.extend_from_slice(literals);
        varint::put(&mut self.copied, size(copy.bytes));
        let seek = copy.from.cast_signed() - end.from.cast_signed();
        varint::put_signed(&mut self.seeks, i64::try_from(seek).unwrap_or(i64::MAX));
        let new = plain.get(copy.at..copy.at + copy.bytes).unwrap_or_default();
        let old = bases.get(copy.from..copy.from + copy.bytes).unwrap_or_default();
        for (new, old) in new.iter().zip(old) {
            if new == old {
                self.gap += 1;
            } else {
                varint::put(&mut self.gaps, self.gap);
                self.corrections.push(new.wrapping_sub(*old));
                self.gap = 0;
            }
        }
    }

    fn join(self, copies: usize) -> Vec<u8> {
        let mut out = Vec::new();
        varint::put(&mut out, size(copies));
        for column in [self.new, self.copied, self.seeks, self.gaps] {
            varint::put_part(&mut out, &column);
        }
        out.extend_from_slice(&self.corrections);
        out.extend_from_slice(&self.literals);
        out
    }
}

/// Makes the block of `plain_bytes` that `diff` describes.
///
/// # Errors
/// [`FormatError`] when it reaches outside of the bases, or does not yield exactly that many bytes. Work and memory are
/// bounded by `plain_bytes` and the length of the diff, whatever it says.
pub(super) fn apply(diff: &[u8], bases: &[u8], plain_bytes: u64) -> Result<Vec<u8>, FormatError> {
    let wrong = || FormatError::Rule { what: "a diff does not make the block it is for" };
    let mut cursor = Cursor::new(WHAT, diff);
    // A copy has a number in each of three columns.
    let copies = cursor.count("the number of copies in a diff", BLOCK_BYTES_MAX, 3)?;
    let mut new = cursor.part(WHAT)?;
    let mut copied = cursor.part(WHAT)?;
    let mut seeks = cursor.part(WHAT)?;
    let gaps = cursor.part(WHAT)?;
    let mut steps = Vec::new();
    let mut literal_bytes = plain_bytes;
    let mut from = 0_u64;
    for _ in 0..copies {
        let (new, bytes) = (new.number()?, copied.number()?);
        from = from.checked_add_signed(seeks.signed()?).ok_or_else(wrong)?;
        // Both lengths count down from the block's, so the sums cannot run over.
        let left = literal_bytes.checked_sub(bytes).filter(|left| *left >= new);
        literal_bytes = left.ok_or_else(wrong)?;
        steps.push((new, from, bytes));
        from = from.checked_add(bytes).filter(|end| *end <= size(bases.len())).ok_or_else(wrong)?;
    }
    for column in [new, copied, seeks] {
        column.finish()?;
    }
    let corrections = size(cursor.rest().len()).checked_sub(literal_bytes).ok_or_else(wrong)?;
    let corrections = cursor.take(corrections)?;
    let mut literals = cursor;
    let mut fix = Corrections::new(gaps, corrections)?;
    let mut out = Vec::with_capacity(usize::try_from(plain_bytes).map_err(|_| wrong())?);
    for (new, from, bytes) in steps {
        out.extend_from_slice(literals.take(new)?);
        let start = out.len();
        let source = usize::try_from(from).ok().and_then(|from| bases.get(from..));
        out.extend_from_slice(Cursor::new(WHAT, source.ok_or_else(wrong)?).take(bytes)?);
        fix.apply(out.get_mut(start..).unwrap_or_default())?;
    }
    out.extend_from_slice(literals.rest());
    if size(out.len()) == plain_bytes && fix.is_done() { Ok(out) } else { Err(wrong()) }
}

/// Differences of copied bytes, by how many copied bytes lie between them.
struct Corrections<'a> {
    gaps: Cursor<'a>,
    values: std::slice::Iter<'a, u8>,
    /// The next difference and how many copied bytes stand before it.
    next: Option<(u64, u8)>,
}

impl<'a> Corrections<'a> {
    fn new(gaps: Cursor<'a>, values: &'a [u8]) -> Result<Self, FormatError> {
        let mut new = Self { gaps, values: values.iter(), next: None };
        new.advance()?;
        Ok(new)
    }

    fn advance(&mut self) -> Result<(), FormatError> {
        self.next = match self.values.next() {
            Some(value) => Some((self.gaps.number()?, *value)),
            None => None,
        };
        Ok(())
    }

    fn apply(&mut self, copied: &mut [u8]) -> Result<(), FormatError> {
        let mut done = 0_usize;
        while let Some((gap, value)) = self.next {
            let left = size(copied.len() - done);
            if gap >= left {
                self.next = Some((gap - left, value));
                break;
            }
            done += usize::try_from(gap).expect("below the length of a slice");
            if let Some(byte) = copied.get_mut(done) {
                *byte = byte.wrapping_add(value);
            }
            done += 1;
            self.advance()?;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.next.is_none() && self.gaps.rest().is_empty()
    }
}
