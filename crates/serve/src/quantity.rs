//! Rates, sizes, times and shares as a person writes them: `20Mbit`, `64MiB`, `40ms`, `2.5%`.
//!
//! k, M and G are powers of 1000; Ki, Mi and Gi powers of 1024. Decimals are exact.

use std::{fmt, num::NonZeroU64, str::FromStr, time::Duration};

/// Why a quantity was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// The text does not begin with a plain decimal number of at most 9 decimals.
    #[error("`{text}` does not begin with a number such as 20 or 1.5; expected {expected}")]
    NotANumber {
        /// What was given.
        text: String,
        /// Examples of what is understood.
        expected: &'static str,
    },
    /// The number is followed by something else than a known unit.
    #[error("`{unit}` in `{text}` is not a known unit; expected {expected}")]
    UnknownUnit {
        /// What was given.
        text: String,
        /// The part that was not understood.
        unit: String,
        /// Examples of what is understood.
        expected: &'static str,
    },
    /// The value is well formed, but too small or too large to mean something.
    #[error("`{text}` is out of range: {limit}")]
    OutOfRange {
        /// What was given.
        text: String,
        /// The limit that was met.
        limit: &'static str,
    },
}

const RATES: &str = "a rate such as 20Mbit, 3MB or 500k (bytes)";
const SIZES: &str = "a size such as 500k, 64MiB or 1G";
const TIMES: &str = "a time such as 40ms, 1.5s, 5m or 1h";
const SHARES: &str = "a share from 0% to 100%, such as 2.5%";

/// A number in billionths, so that `1.5M` needs no floating point.
struct Number<'a> {
    text: &'a str,
    billionths: u128,
    unit: &'a str,
    expected: &'static str,
}

const BILLION: u128 = 1_000_000_000;

impl<'a> Number<'a> {
    fn parse(text: &'a str, expected: &'static str) -> Result<Self, QuantityError> {
        let wrong = || QuantityError::NotANumber { text: text.to_owned(), expected };
        let trimmed = text.trim();
        let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(end);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        if decimals.is_empty() || decimals.len() > 9 {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let decimals: u64 = format!("{decimals:0<9}").parse().map_err(|_| wrong())?;
        Ok(Self {
            text,
            billionths: u128::from(whole) * BILLION + u128::from(decimals),
            unit: unit.trim(),
            expected,
        })
    }

    /// The number times `multiplier`, rounded down, if it fits 64 bits.
    fn times(&self, multiplier: u64) -> Result<u64, QuantityError> {
        u64::try_from(self.billionths * u128::from(multiplier) / BILLION)
            .map_err(|_| self.out_of_range("it does not fit 64 bits"))
    }

    fn out_of_range(&self, limit: &'static str) -> QuantityError {
        QuantityError::OutOfRange { text: self.text.to_owned(), limit }
    }

    fn unknown_unit(&self) -> QuantityError {
        QuantityError::UnknownUnit {
            text: self.text.to_owned(),
            unit: self.unit.to_owned(),
            expected: self.expected,
        }
    }

    fn prefix(&self, prefix: &str) -> Result<u64, QuantityError> {
        Ok(match prefix {
            "" => 1,
            "k" | "K" => 1_000,
            "M" => 1_000_000,
            "G" => 1_000_000_000,
            "Ki" => 1 << 10,
            "Mi" => 1 << 20,
            "Gi" => 1 << 30,
            _ => return Err(self.unknown_unit()),
        })
    }
}

/// How fast bytes may move: at least one byte per second.
///
/// Text form: a number, a prefix (k, M, G, Ki, Mi, Gi), `B` or nothing for bytes or `bit` for bits,
/// and an optional `/s`. Spec: cli (`--bandwidth RATE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(NonZeroU64);

impl Rate {
    /// So many bytes in a second.
    #[must_use]
    pub const fn from_bytes_per_second(bytes: NonZeroU64) -> Self {
        Self(bytes)
    }

    /// Bytes in a second.
    #[must_use]
    pub const fn bytes_per_second(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B/s", self.0)
    }
}

impl FromStr for Rate {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = Number::parse(text, RATES)?;
        let unit = number.unit.strip_suffix("/s").unwrap_or(number.unit);
        let bytes = match unit.strip_suffix("bit") {
            Some(prefix) => number.times(number.prefix(prefix)?)? / 8,
            None => number.times(number.prefix(unit.strip_suffix('B').unwrap_or(unit))?)?,
        };
        NonZeroU64::new(bytes)
            .map(Self)
            .ok_or_else(|| number.out_of_range("a rate is at least one byte per second"))
    }
}

/// A number of bytes.
///
/// Text form: a number, a prefix (k, M, G, Ki, Mi, Gi) and an optional `B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B", self.0)
    }
}

impl FromStr for ByteSize {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = Number::parse(text, SIZES)?;
        let prefix = number.unit.strip_suffix('B').unwrap_or(number.unit);
        number.times(number.prefix(prefix)?).map(Self)
    }
}

/// A share of a whole, from 0 % to 100 %, in millionths.
///
/// Text form: a number with up to four decimals that count, and an optional `%`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent {
    millionths: u32,
}

impl Percent {
    const WHOLE: u32 = 1_000_000;

    /// So many whole per cent; above 100 counts as 100.
    #[must_use]
    pub const fn new(percent: u8) -> Self {
        let percent = if percent > 100 { 100 } else { percent };
        Self { millionths: percent as u32 * 10_000 }
    }

    /// Nothing at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.millionths == 0
    }

    /// Whether a draw, uniform over all of `u64`, falls into this share.
    #[must_use]
    pub const fn holds(self, draw: u64) -> bool {
        draw % (Self::WHOLE as u64) < self.millionths as u64
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.millionths / 10_000, self.millionths % 10_000);
        if rest == 0 {
            write!(f, "{whole}%")
        } else {
            write!(f, "{whole}.{}%", format!("{rest:04}").trim_end_matches('0'))
        }
    }
}

impl FromStr for Percent {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = Number::parse(text, SHARES)?;
        if !matches!(number.unit, "" | "%") {
            return Err(number.unknown_unit());
        }
        u32::try_from(number.times(10_000)?)
            .ok()
            .filter(|millionths| *millionths <= Self::WHOLE)
            .map(|millionths| Self { millionths })
            .ok_or_else(|| number.out_of_range("a share is at most 100%"))
    }
}

/// Reads a time such as `250us`, `40ms`, `5s`, `1.5s`, `5m` or `1h`. Spec: cli (`--latency TIME`).
///
/// # Errors
/// [`QuantityError`] if the number or its unit is not understood; a unit is needed except after 0.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let number = Number::parse(text, TIMES)?;
    let nanoseconds = match number.unit {
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" if number.billionths == 0 => 1,
        _ => return Err(number.unknown_unit()),
    };
    number.times(nanoseconds).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests;
