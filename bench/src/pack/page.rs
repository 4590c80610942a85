//! The figures as a page.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::pack::record::{Book, Kind, Record};
use crate::pack::targets::{self, Row};
use crate::pack::{Measured, commands};
use crate::pack_memory::PackMemory;
use crate::process::Work;
use crate::report::{grouped, mebibytes};

/// The tables of every input.
pub(crate) fn tables(measured: &[Measured]) -> String {
    let mut text = String::new();
    for one in measured {
        let _ =
            writeln!(text, "### {} {}: {} bytes as a tar\n", one.input, one.to, grouped(one.bytes));
        moved(&mut text, one);
        took(&mut text, one);
    }
    text
}

fn tools(one: &Measured) -> Vec<&str> {
    let mut tools = Vec::new();
    for record in &one.records {
        if !tools.contains(&record.tool.as_str()) {
            tools.push(record.tool.as_str());
        }
    }
    tools
}

/// Bytes that travel.
fn moved(text: &mut String, one: &Measured) {
    text.push_str("| Bytes that travel | nothing held |");
    for from in &one.held {
        let _ = write!(text, " from {from} |");
    }
    let mixture = one.records.iter().find(|record| record.kind == Kind::Mixture);
    let mixture =
        mixture.and_then(|record| record.from.first()).map_or("two halves", String::as_str);
    let oldest = one.held.last().map_or("", String::as_str);
    let _ = writeln!(text, " {mixture} | {oldest}, no delta kept |");
    let _ = writeln!(text, "|---|{}", "--:|".repeat(one.held.len() + 3));
    for tool in tools(one) {
        let _ = write!(text, "| {tool} | {} |", bytes(one.find(Kind::Fresh, tool, None)));
        for from in &one.held {
            let _ = write!(text, " {} |", bytes(one.find(Kind::Update, tool, Some(from))));
        }
        for kind in [Kind::Mixture, Kind::Older] {
            let _ = write!(text, " {} |", bytes(one.find(kind, tool, None)));
        }
        text.push('\n');
    }
    text.push('\n');
    let mut notes = Vec::new();
    for record in one.records.iter().filter(|record| record.kind != Kind::OneFile) {
        if let Some(note) = &record.note {
            let from = if record.from.is_empty() {
                String::new()
            } else {
                format!(" from {}", record.from.join(", "))
            };
            let line = format!("- {}{from}: {note}\n", record.tool);
            if !notes.contains(&line) {
                text.push_str(&line);
                notes.push(line);
            }
        }
    }
    text.push('\n');
}

fn bytes(record: Option<&Record>) -> String {
    record.and_then(|record| record.bytes).map_or_else(|| "–".to_owned(), grouped)
}

/// Time and memory.
fn took(text: &mut String, one: &Measured) {
    let newest = one.held.first().map_or("", String::as_str);
    let _ = writeln!(
        text,
        "| CPU s, wall s, MiB resident (anonymous) | made for fresh installation | made for updates | fresh installation | update from {newest} |\n\
         |---|--:|--:|--:|--:|"
    );
    for tool in tools(one) {
        let _ = write!(text, "| {tool} |");
        let update = Some(newest);
        for (kind, from) in [
            (Kind::Make, None),
            (Kind::MakeUpdate, update),
            (Kind::Fresh, None),
            (Kind::Update, update),
        ] {
            let work = one.find(kind, tool, from).and_then(|record| record.work);
            let _ =
                write!(text, " {} |", work.map_or_else(|| "–".to_owned(), |work| cost(tool, work)));
        }
        text.push('\n');
    }
    text.push('\n');
}

fn cost(tool: &str, work: Work) -> String {
    let mut text = format!(
        "{:.2}, {:.2}, {:.0}",
        work.cpu_seconds,
        work.wall_seconds,
        mebibytes(work.resident_bytes)
    );
    // Other tools run below a shell, whose own memory says nothing.
    if tool.starts_with("headstart") {
        let _ = write!(text, " ({:.0})", mebibytes(work.anonymous_bytes));
    }
    text
}

/// The whole page.
pub(crate) fn page(
    measured: &[Measured],
    (rows, memory): (&[Row], Option<&PackMemory>),
    (facts, book): (&[(&str, String)], &Book),
) -> String {
    let Book { reused, missing, .. } = book;
    let count = |reached| rows.iter().filter(|row| row.reached == reached).count();
    let mut machine = String::from("| Measured with | |\n|---|---|\n");
    for (name, value) in facts {
        let _ = writeln!(machine, "| {name} | {value} |");
    }
    let days = reused.iter().map(String::as_str).collect::<BTreeSet<_>>();
    let days = days.into_iter().collect::<Vec<_>>().join(", ");
    let reused = if days.is_empty() {
        "Every figure on this page is of one run.".to_owned()
    } else {
        format!(
            "Of the sections of this page, {} were taken from earlier runs with the same input and the same build or tool, of {days}.",
            reused.len()
        )
    };
    let missing = missing.iter().fold(String::new(), |mut text, key| {
        let _ = write!(text, "\n- {}", key.chars().take(200).collect::<String>());
        text
    });
    let missing = if missing.is_empty() {
        missing
    } else {
        format!("\n\nNot measured yet (input, digests of versions, tool):\n{missing}")
    };
    format!(
        "# What packs and their updates cost\n\n\
         Written by `bench/run.sh pack`: every tool on the same input, on the same machine, from the same server. {reused}{missing}\n\n\
         ![Bytes of updates as multiples of what zstd -19 --patch-from takes](pack.svg)\n\n\
         ## Targets\n{} demands on inputs are met, {} are not, {} were not measured. Why one is not met: [pack-targets.md](pack-targets.md).\n\n{}\n\
         ## Figures\n{}\n\
         {}\n{}\n\
         ## Machine\n{machine}",
        count(targets::Reached::Yes),
        count(targets::Reached::No),
        count(targets::Reached::Unknown),
        targets::table(rows),
        tables(measured),
        crate::pack_memory::table(memory),
        commands::how(),
    )
}
