//! The memory of the service as a page, and numbers as people read them.

use std::fmt::Write as _;

use crate::error::BenchError;
use crate::memory::{LIMIT_BYTES, Memory};

/// The memory as a table.
pub(crate) fn memory(memory: &Memory) -> String {
    let mib = |bytes: u64| format!("{:.1} MiB", mebibytes(bytes));
    let mut text = String::from("| The service, a pack of 1 GiB | |\n|---|--:|\n");
    for (name, value) in [
        ("Bytes of the pack's files", grouped(memory.pack_bytes)),
        ("Bytes fetched", grouped(memory.traffic.bytes)),
        ("RssAnon, idle", mib(memory.idle_bytes)),
        ("RssAnon, peak", mib(memory.peak_bytes)),
        ("RssAnon, peak above idle", mib(memory.above_idle_bytes())),
        ("RssAnon, two seconds after the end", mib(memory.after_bytes)),
        ("Samples", memory.samples.len().to_string()),
        ("Installation", format!("{:.1} s", memory.install_seconds)),
    ] {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text
}

/// The page.
pub(crate) fn page(facts: &[(&str, String)], of_memory: &Memory) -> String {
    let mut machine = String::from("| Measured with | |\n|---|---|\n");
    for (name, value) in facts {
        let _ = writeln!(machine, "| {name} | {value} |");
    }
    let limit = LIMIT_BYTES >> 20;
    format!(
        "# What the service takes\n\n\
         Written by `bench/run.sh memory`. What has to hold: the service's anonymous memory stays below {limit} MiB above idle. \
         The run fails otherwise.\n\n\
         ![Memory over time](service.svg)\n\n\
         {}\n\
         - `headstartd` installs an app whose essential pack has 1 GiB: four large files and many small ones, more than half of it \
         incompressible. `RssAnon` of `/proc/PID/status` is read every {} ms.\n\n\
         ## Machine\n{machine}",
        memory(of_memory),
        crate::process::SAMPLE_EVERY.as_millis(),
    )
}

/// Fails if the memory is not what is demanded.
pub(crate) fn judge(memory: &Memory) -> Result<(), BenchError> {
    let above = memory.above_idle_bytes();
    if above < LIMIT_BYTES {
        return Ok(());
    }
    Err(BenchError::NotMet(format!("{above} bytes above idle, the limit is {LIMIT_BYTES}")))
}

/// `1 234 567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Bytes in MiB.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!(["0", "999", "1 000", "12 345 678"], [0, 999, 1_000, 12_345_678].map(grouped));
    }
}
