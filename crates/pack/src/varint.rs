//! Numbers of variable length (LEB128) and a cursor that never reads past its end.

use crate::error::FormatError;
use crate::numbers::size;

/// Appends `value`, seven bits a byte, lowest first.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let byte = u8::try_from(value & 0x7f).expect("seven bits fit a byte");
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// Appends a signed difference, small ones short.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
}

/// Reads from bytes of unknown honesty.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, what }
    }

    pub(crate) fn take(&mut self, count: u64) -> Result<&'a [u8], FormatError> {
        let cut = usize::try_from(count).ok().and_then(|n| self.rest.split_at_checked(n));
        let (taken, rest) = cut.ok_or(FormatError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or(FormatError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number. Longer forms than needed are refused, so that equal values have equal bytes.
    pub(crate) fn number(&mut self) -> Result<u64, FormatError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 || shift > 0 && byte == 0 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(FormatError::Rule { what: "a number is longer than it may be" })
    }

    pub(crate) fn signed(&mut self) -> Result<i64, FormatError> {
        let raw = self.number()?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// A number that may not exceed `limit`.
    pub(crate) fn bounded(&mut self, what: &'static str, limit: u64) -> Result<u64, FormatError> {
        match self.number()? {
            found if found > limit => Err(FormatError::Limit { what, found, limit }),
            found => Ok(found),
        }
    }

    /// A count of things that take at least `least_bytes` each in what is left: a header cannot promise more.
    pub(crate) fn count(
        &mut self,
        what: &'static str,
        limit: u64,
        least_bytes: u64,
    ) -> Result<usize, FormatError> {
        let left = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let found = self.bounded(what, limit)?;
        if found.saturating_mul(least_bytes) > left {
            return Err(FormatError::Truncated { what: self.what });
        }
        usize::try_from(found).map_err(|_| FormatError::Limit { what, found, limit })
    }

    /// A part that says its own length.
    pub(crate) fn part(&mut self, what: &'static str) -> Result<Cursor<'a>, FormatError> {
        let length = self.number()?;
        let bytes = self.take(length)?;
        Ok(Cursor { rest: bytes, what })
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn finish(self) -> Result<(), FormatError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(FormatError::Rule { what: "there are bytes after the end" })
        }
    }
}

/// Appends `part` after its length.
pub(crate) fn put_part(out: &mut Vec<u8>, part: &[u8]) {
    put(out, size(part.len()));
    out.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_round_trip(value: u64, signed: i64) {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            put_signed(&mut bytes, signed);
            let mut cursor = Cursor::new("test", &bytes);
            prop_assert_eq!(cursor.number().expect("own output"), value);
            prop_assert_eq!(cursor.signed().expect("own output"), signed);
            prop_assert!(cursor.finish().is_ok());
        }

        #[test]
        fn any_bytes_end_in_a_number_or_an_error(bytes: Vec<u8>) {
            let mut cursor = Cursor::new("test", &bytes);
            while cursor.number().is_ok() {}
        }
    }

    #[test]
    fn numbers_have_one_form_only() {
        assert!(Cursor::new("test", &[0x80, 0x00]).number().is_err());
        assert!(Cursor::new("test", &[0xff; 10]).number().is_err());
        assert_eq!(Cursor::new("test", &[0]).number().expect("zero"), 0);
    }
}
