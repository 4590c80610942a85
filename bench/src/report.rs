//! The figures as a page, and whether they are what is demanded.

use std::fmt::Write as _;

use crate::error::BenchError;
use crate::memory::{LIMIT_BYTES, Memory};
use crate::update::{Moved, Update};

/// The transfers as tables.
pub(crate) fn updates(updates: &[Update]) -> String {
    let mut text = String::from(
        "| Update | headstart, bytes | casync, bytes | headstart / casync | headstart, requests | casync, requests | headstart, s | casync, s |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for update in updates {
        row(&mut text, &format!("{} → {}", name(update), update.pair.to), update, |tool| {
            tool.update
        });
    }
    text.push_str(
        "\n| Installation, nothing held | headstart, bytes | casync, bytes | headstart / casync | headstart, requests | casync, requests | headstart, s | casync, s |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut told = Vec::new();
    for update in updates {
        // Several updates begin at the same release.
        if !told.contains(&name(update)) {
            row(&mut text, &name(update), update, |tool| tool.install);
            told.push(name(update));
        }
    }
    text.push_str(
        "\n| Making the newer release ready | headstart, s | casync, s |\n|---|--:|--:|\n",
    );
    for update in updates {
        let (ours, theirs) = (update.headstart.publish_seconds, update.casync.publish_seconds);
        let _ =
            writeln!(text, "| {} → {} | {ours:.1} | {theirs:.1} |", name(update), update.pair.to);
    }
    text
}

fn name(update: &Update) -> String {
    format!("{} {}", update.pair.package, update.pair.from)
}

fn row(text: &mut String, name: &str, update: &Update, of: impl Fn(&crate::update::Tool) -> Moved) {
    let (ours, theirs) = (of(&update.headstart), of(&update.casync));
    let ratio = ours.traffic.bytes as f64 / theirs.traffic.bytes as f64;
    let _ = writeln!(
        text,
        "| {name} | {} | {} | {ratio:.3} | {} | {} | {:.1} | {:.1} |",
        grouped(ours.traffic.bytes),
        grouped(theirs.traffic.bytes),
        ours.traffic.requests,
        theirs.traffic.requests,
        ours.seconds,
        theirs.seconds,
    );
}

/// The memory as a table.
pub(crate) fn memory(memory: &Memory) -> String {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
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
pub(crate) fn page(facts: &[(&str, String)], measured: &[Update], of_memory: &Memory) -> String {
    let mut machine = String::from("| Measured with | |\n|---|---|\n");
    for (name, value) in facts {
        let _ = writeln!(machine, "| {name} | {value} |");
    }
    let (transfers, service) = (updates(measured), memory(of_memory));
    let limit = LIMIT_BYTES >> 20;
    format!(
        "# What an update moves, and what the service takes\n\n\
         Written by `bench/run.sh`, in one run. What has to hold: every update moves fewer bytes than casync moves for the same \
         pair, and the service's anonymous memory stays below {limit} MiB above idle. The run fails otherwise.\n\n\
         ![Bytes moved by updates, and memory over time](update.svg)\n\n\
         ## Transfers\n{transfers}\n\
         - Bytes are those of the bodies of all answers, counted by the server (`headstart serve` on loopback for both tools). \
         For headstart they include metadata, catalog and index; its own count (`bytesDown`) is the same number.\n\
         - headstart: `pack` and `repo publish` with their defaults; `clone` of the older release, then of the newer one into the \
         same folder.\n\
         - casync: `make` with its defaults; `extract --seed-output=no` for the installation, with `--seed=` the older release \
         for the update. Both read copies in which all times are equal, so that casync, which stores times, does not pay for \
         other ones.\n\
         - After each transfer the folder was compared with the release, byte by byte.\n\
         - Seconds are those of one run of the whole command, on loopback: they tell of processor and disk, not of a \
         network, and vary from run to run.\n\n\
         ## Memory\n{service}\n\
         - `headstartd` installs an app whose essential pack has 1 GiB: four large files and many small ones, more than half of it \
         incompressible. `RssAnon` of `/proc/PID/status` is read every 10 ms.\n\n\
         ## Machine\n{machine}"
    )
}

/// Fails if a figure is not what is demanded.
pub(crate) fn judge(updates: &[Update], memory: Option<&Memory>) -> Result<(), BenchError> {
    for update in updates {
        let (ours, theirs) =
            (update.headstart.update.traffic.bytes, update.casync.update.traffic.bytes);
        if ours >= theirs {
            let what =
                format!("{} → {}: {ours} bytes, casync {theirs}", name(update), update.pair.to);
            return Err(BenchError::NotMet(what));
        }
    }
    match memory {
        Some(memory) if memory.above_idle_bytes() >= LIMIT_BYTES => {
            let above = memory.above_idle_bytes();
            Err(BenchError::NotMet(format!("{above} bytes above idle, the limit is {LIMIT_BYTES}")))
        }
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!(["0", "999", "1 000", "12 345 678"], [0, 999, 1_000, 12_345_678].map(grouped));
    }
}
