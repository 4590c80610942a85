//! From the file to its opened form, when the recipe is known.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use super::FormatError;
use super::bits::Stop;
use super::inflate::Inflater;
use super::recipe::{Recipe, Segment};
use crate::numbers::size;

/// Writes the opened form of `file`, from its start on, to `out`. If the file is the one that `recipe` belongs to, the form is the one
/// that it was made from; else it is another one, or an error: the chunks tell. Memory: one block of a deflate stream.
///
/// # Errors
/// [`FormatError`] when the file does not have the streams of the recipe, or reading or writing fails.
pub fn reopen<F: Read + Seek, W: Write>(
    recipe: &Recipe,
    file: &mut F,
    out: &mut W,
) -> Result<(), FormatError> {
    file.seek(SeekFrom::Start(0))?;
    let mut file = BufReader::with_capacity(64 * 1024, file);
    for segment in recipe.segments()? {
        let segment = segment?;
        let raw = std::io::copy(&mut file.by_ref().take(segment.raw_bytes), out)?;
        if raw != segment.raw_bytes {
            return Err(FormatError::Truncated { what: "a file to be opened" });
        }
        let too_many = stream(&mut file, &segment, out)?;
        file.seek_relative(-too_many)?;
    }
    std::io::copy(&mut file, out)?;
    out.write_all(recipe.as_bytes())?;
    Ok(())
}

/// Gives how many bytes behind the stream were taken.
fn stream<F: Read, W: Write>(
    file: &mut BufReader<F>,
    segment: &Segment<'_>,
    out: &mut W,
) -> Result<i64, FormatError> {
    let other =
        || FormatError::Rule { what: "a file does not have the deflate streams that it had" };
    let mut inflater = Inflater::new(file);
    let mut left = segment.plain_bytes;
    loop {
        match inflater.block() {
            Ok(Some(_)) => {
                left = left.checked_sub(size(inflater.plain().len())).ok_or_else(other)?;
                out.write_all(inflater.plain())?;
            }
            Ok(None) if left == 0 => return Ok(inflater.taken_too_many()),
            Ok(None) | Err(Stop::Refused) => return Err(other()),
            Err(Stop::Io(error)) => return Err(error.into()),
        }
    }
}
