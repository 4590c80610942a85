//! Sizes and times as they are typed. `Spec: cli, common rules`.

use std::str::FromStr;
use std::time::Duration;

use headstart_serve::{ByteSize, QuantityError, Rate, parse_duration};

use crate::output::Output;

/// Rates below this many bytes a second are hardly ever meant.
const SLOW_BYTES_PER_SECOND: u64 = 1000;

/// A rate as somebody typed it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TypedRate {
    /// What it means.
    pub(crate) rate: Rate,
    has_unit: bool,
}

impl FromStr for TypedRate {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.trim();
        let number = number.strip_suffix("/s").unwrap_or(number).trim_end();
        let has_unit = !number.ends_with(|last: char| last.is_ascii_digit());
        Ok(Self { rate: text.parse()?, has_unit })
    }
}

/// Warns of a rate that is so low that it is hardly meant; `name` is what it was given for.
pub(crate) fn heed(output: &Output, name: &str, rate: Option<TypedRate>) {
    if let Some(warning) = rate.and_then(|rate| slow(name, rate)) {
        output.remark(warning);
    }
}

fn slow(name: &str, TypedRate { rate, has_unit }: TypedRate) -> Option<String> {
    let bytes = rate.bytes_per_second();
    let warning = format!("warning: {name} is {bytes} B/s, which is very slow");
    (bytes < SLOW_BYTES_PER_SECOND).then(|| {
        if has_unit {
            warning
        } else {
            format!("{warning}; did you mean {bytes}MB or {bytes}Mbit?")
        }
    })
}

const DAY: Duration = Duration::from_hours(24);

/// A time such as `40ms`, `2h` or `30d`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let days = text.trim().strip_suffix('d').and_then(|days| days.trim_end().parse::<u32>().ok());
    match days {
        Some(days) => DAY.checked_mul(days).ok_or_else(|| format!("`{text}` is too long")),
        None => parse_duration(text).map_err(|error| match error {
            QuantityError::UnknownUnit { .. } => format!("{error}, or `d` for days"),
            error => error.to_string(),
        }),
    }
}

/// A size such as `500k` or `64MiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, QuantityError> {
    text.parse::<ByteSize>().map(|size| size.0)
}

/// A share from 0 to 100 percent, with or without the sign.
pub(crate) fn percent(text: &str) -> Result<u8, String> {
    let number = text.trim().strip_suffix('%').unwrap_or(text.trim()).trim_end();
    let percent = number.parse::<u8>().ok().filter(|percent| *percent <= 100);
    percent.ok_or_else(|| format!("`{text}` is no whole percentage from 0 to 100"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_be_days() {
        assert_eq!(time("30d"), Ok(DAY * 30));
        assert_eq!(time("40ms"), Ok(Duration::from_millis(40)));
        assert!(time("30").is_err() && time("d").is_err());
    }

    #[test]
    fn rates_without_a_unit_are_told_as_they_are_understood() {
        let told = |text: &str| slow("--limit", text.parse().expect("a rate"));
        let warning = told("20").expect("slow");
        assert!(warning.contains("--limit is 20 B/s") && warning.contains("20MB"), "{warning}");
        assert!(told("20/s").expect("slow").contains("20Mbit"));
        for with_unit in ["7kbit", "20B", "20 B/s"] {
            assert!(told(with_unit).expect("slow").ends_with("which is very slow"), "{with_unit}");
        }
        assert!(told("1k").is_none() && told("20Mbit").is_none());
    }

    #[test]
    fn shares_are_whole_percents() {
        assert_eq!(percent("25%"), Ok(25));
        assert_eq!(percent("100"), Ok(100));
        assert!(percent("101").is_err() && percent("-1").is_err() && percent("2.5").is_err());
    }
}
