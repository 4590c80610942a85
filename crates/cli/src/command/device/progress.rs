//! Progress as the service tells it.

use headstart::{Phase, Progress};

use crate::output::Advance;

/// As the output shows it.
pub(crate) fn translate(progress: &Progress) -> Advance {
    let phase = match progress.phase {
        Phase::Files => "files",
        Phase::Install => "install",
        Phase::Essential => "essential",
        Phase::Download => "download",
        Phase::Verify => "verify",
        Phase::Repair => "repair",
        _ => "work",
    };
    Advance {
        phase: phase.to_owned(),
        pack: progress.pack.as_ref().map_or_else(String::new, ToString::to_string),
        bytes_done: progress.bytes_done,
        bytes_total: progress.bytes_total,
        fraction: Some(progress.fraction),
    }
}
