//! How an opened form is put together. `docs/format/pack.md`, "Opened forms".

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use super::STREAM_PLAIN_MAX;
use crate::error::FormatError;
use crate::limits::RECIPE_BYTES_MAX;
use crate::numbers::size;
use crate::varint::{self, Cursor};

const MAGIC: &[u8; 4] = b"HSO\x01";
const WHAT: &str = "the recipe of an opened file";

/// The end of an opened form: which of its bytes are plain bytes of deflate streams, and how these were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// As it stands at the end of the form, its length behind it.
    bytes: Vec<u8>,
}

/// A piece of the file as it is, and the deflate stream behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) raw_bytes: u64,
    pub(super) plain_bytes: u64,
    pub(super) corrections: &'a [u8],
}

impl Recipe {
    /// Reads the recipe of the opened form that lies in `range` of `form`.
    ///
    /// # Errors
    /// [`FormatError`] when there is none, or it breaks a rule.
    pub fn of_form<F: Read + Seek>(form: &mut F, range: &Range<u64>) -> Result<Self, FormatError> {
        let whole = range.end.saturating_sub(range.start);
        let before =
            whole.checked_sub(4).ok_or(FormatError::Truncated { what: "an opened file" })?;
        form.seek(SeekFrom::Start(range.start + before))?;
        let mut length = [0; 4];
        form.read_exact(&mut length)?;
        let found = u64::from(u32::from_le_bytes(length));
        if found > RECIPE_BYTES_MAX {
            return Err(FormatError::Limit { what: WHAT, found, limit: RECIPE_BYTES_MAX });
        }
        let start = before.checked_sub(found).ok_or(FormatError::Truncated { what: WHAT })?;
        form.seek(SeekFrom::Start(range.start + start))?;
        let mut bytes = Vec::new();
        form.take(found + 4).read_to_end(&mut bytes)?;
        Self::from_bytes(bytes)
    }

    /// Takes the bytes of [`Recipe::as_bytes`] back, and checks them.
    ///
    /// # Errors
    /// [`FormatError`] when they are no recipe.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, FormatError> {
        let limit = RECIPE_BYTES_MAX;
        let (recipe, length) =
            bytes.split_last_chunk::<4>().ok_or(FormatError::Truncated { what: WHAT })?;
        let found = size(recipe.len());
        if found > limit {
            return Err(FormatError::Limit { what: WHAT, found, limit });
        }
        if u64::from(u32::from_le_bytes(*length)) != found {
            return Err(FormatError::Truncated { what: WHAT });
        }
        let recipe = Self { bytes };
        let mut segments = recipe.segments()?;
        segments.by_ref().try_for_each(|segment| segment.map(drop))?;
        segments.cursor.finish()?;
        Ok(recipe)
    }

    /// The end of the opened form, byte for byte.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn segments(&self) -> Result<Segments<'_>, FormatError> {
        let recipe = self.bytes.split_last_chunk::<4>().map_or(&[][..], |(recipe, _)| recipe);
        let mut cursor = Cursor::new(WHAT, recipe);
        if cursor.array::<4>()? != *MAGIC {
            return Err(FormatError::Magic { what: WHAT });
        }
        let left = cursor.count("the deflate streams of a file", RECIPE_BYTES_MAX, 4)?;
        Ok(Segments { cursor, left })
    }
}

/// The segments of a recipe in order.
#[derive(Debug)]
pub(super) struct Segments<'a> {
    cursor: Cursor<'a>,
    left: usize,
}

impl<'a> Segments<'a> {
    fn segment(&mut self) -> Result<Segment<'a>, FormatError> {
        let raw_bytes = self.cursor.bounded("the bytes before a deflate stream", 1 << 50)?;
        let plain_bytes = self.cursor.bounded("the bytes of a deflate stream", STREAM_PLAIN_MAX)?;
        Ok(Segment { raw_bytes, plain_bytes, corrections: self.cursor.part(WHAT)?.rest() })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.segment())
    }
}

/// A recipe in the making.
#[derive(Debug, Default)]
pub(super) struct RecipeWriter {
    count: u64,
    segments: Vec<u8>,
}

impl RecipeWriter {
    pub(super) fn push(&mut self, segment: &Segment<'_>) {
        self.count += 1;
        varint::put(&mut self.segments, segment.raw_bytes);
        varint::put(&mut self.segments, segment.plain_bytes);
        varint::put_part(&mut self.segments, segment.corrections);
    }

    /// Bytes so far.
    pub(super) const fn bytes(&self) -> u64 {
        size(self.segments.len())
    }

    /// `None` when it is longer than a reader accepts.
    pub(super) fn finish(self) -> Option<Recipe> {
        let mut bytes = MAGIC.to_vec();
        varint::put(&mut bytes, self.count);
        bytes.extend_from_slice(&self.segments);
        let length = u32::try_from(bytes.len()).ok()?;
        bytes.extend_from_slice(&length.to_le_bytes());
        Recipe::from_bytes(bytes).ok()
    }
}
