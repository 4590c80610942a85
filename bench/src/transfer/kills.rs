//! What a kill costs: bytes that are sent again.

use std::path::Path;
use std::time::Duration;

use super::link::Side;
use super::nginx::Nginx;
use super::timed::{best, killed_after};
use super::{Figure, Group, Transfer};
use crate::error::BenchError;
use crate::run::{self, Tools};

const BYTES: u64 = 256 * 1024 * 1024;

pub(super) fn measure(
    tools: &Tools,
    folder: &Path,
    transfer: &mut Transfer,
) -> Result<(), BenchError> {
    crate::say("downloads that are killed");
    let served = folder.join("killed-served");
    run::fresh_folder(&served)?;
    let make = format!("head -c {BYTES} /dev/urandom > {}/file", served.display());
    best(1, &folder.join("prepare"), &make)?;
    let chop =
        format!("casync make --store={0}/file.castr {0}/file.caibx {0}/file", served.display());
    best(1, &folder.join("prepare"), &chop)?;
    let nginx = Nginx::start(Side::Here, folder, &served)?;
    let (url, home) = (format!("{}paced/file", nginx.url), tools.home());
    let ours =
        format!("env HEADSTART_HOME={} {} get -q {url}", home.display(), tools.headstart.display());
    let lines = [
        ("headstart get", 10, ours),
        ("curl -C -", 1, format!("curl -s -C - -O {url}")),
        ("aria2c -c -x8", 1, format!("aria2c -q -c -x8 -s8 {url}")),
        (
            "casync extract",
            1,
            format!(
                "casync extract --store={0}paced/file.castr --seed=file {0}paced/file.caibx file",
                nginx.url
            ),
        ),
    ];
    let mut figures = Vec::new();
    for (tool, kills, line) in lines {
        let again = one(&nginx, folder, &line, kills)?;
        let share = again.map(|bytes| bytes as f64 / BYTES as f64 / f64::from(kills) * 100.0);
        figures.push(Figure::new(tool, share, format!("{kills} kills")));
    }
    let title = "Bytes sent again for each kill, share of the file".to_owned();
    let group = Group { title, unit: "%", figures };
    transfer.demand(
        "Killed ten times and resumed, % of the file sent again for each kill",
        "at most 0.5",
        group.of("headstart get"),
        Some(0.5),
    );
    transfer.groups.push(group);
    run::remove(&served)
}

/// Bytes that were sent beyond those of a download that was left alone.
fn one(nginx: &Nginx, folder: &Path, line: &str, kills: u32) -> Result<Option<u64>, BenchError> {
    let work = folder.join("killed");
    let Some(alone) = best(1, &work, line)? else { return Ok(None) };
    let needed = nginx.take_sent_bytes()?;
    run::fresh_folder(&work)?;
    let each = Duration::from_secs_f64(alone.seconds / f64::from(kills + 1));
    for _ in 0..kills {
        if killed_after(&work, line, each)? {
            break;
        }
    }
    if !killed_after(&work, line, Duration::from_secs_f64(alone.seconds * 10.0 + 60.0))? {
        return Ok(None);
    }
    let sent = nginx.take_sent_bytes()?;
    Ok(Some(sent.saturating_sub(needed)))
}
