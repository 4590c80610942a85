//! Through the slow link.

use std::path::Path;

use super::link::{Link, ROUND_TRIP_SECONDS, Side, seconds_at_least};
use super::nginx::Nginx;
use super::timed::{best, cost};
use super::{Figure, Group, Transfer};
use crate::error::BenchError;
use crate::run::{self, PACK, Tools};

/// Round trips before the first byte of a body can be there: the connection and the request.
const FIRST_BYTE_ROUND_TRIPS: f64 = 2.0;
const MEGABYTE: u64 = 1_000_000;

pub(super) fn measure(
    tools: &Tools,
    folder: &Path,
    _: &Link,
    transfer: &mut Transfer,
) -> Result<(), BenchError> {
    let served = folder.join("slow-served");
    run::fresh_folder(&served)?;
    for megabytes in [1, 8, 90] {
        let make = format!(
            "head -c {} /dev/urandom > {}/f{megabytes}",
            megabytes * MEGABYTE,
            served.display()
        );
        best(1, &folder.join("prepare"), &make)?;
    }
    let pack = folder.join("slow-pack");
    run::fresh_folder(&pack)?;
    std::fs::copy(served.join("f90"), pack.join("f90")).map_err(BenchError::file(&pack))?;
    tools.release(&served, &pack)?;
    let nginx = Nginx::start(Side::Server, folder, &served)?;
    for megabytes in [1, 8, 90] {
        crate::say(&format!("{megabytes} MB through the slow link"));
        one(tools, folder, &nginx, megabytes, transfer)?;
    }
    Ok(())
}

fn one(
    tools: &Tools,
    folder: &Path,
    nginx: &Nginx,
    megabytes: u64,
    transfer: &mut Transfer,
) -> Result<(), BenchError> {
    let (url, bytes) = (format!("{}f{megabytes}", nginx.url), megabytes * MEGABYTE);
    let (home, headstart) = (tools.home(), tools.headstart.display());
    let home = home.display();
    let mut lines = vec![
        ("headstart get", format!("HEADSTART_HOME={home} {headstart} get -q --insecure {url}")),
        ("curl", format!("curl -s -O {url}")),
        ("wget", format!("wget -q {url}")),
        ("aria2c -x8", format!("aria2c -q -x8 -s8 -k1M {url}")),
    ];
    if megabytes == 90 {
        let line = format!(
            "HEADSTART_HOME={home} {headstart} clone -q --insecure {}repository {PACK} out",
            nginx.url
        );
        lines.push(("headstart clone", line));
    }
    let mut figures = Vec::new();
    for (tool, line) in lines {
        let work = folder.join("slow");
        run::fresh_folder(&work)?;
        let taken = cost(Side::Client, &work, &line).map(|cost| cost.seconds);
        let share = taken.map(|seconds| {
            let body = seconds - FIRST_BYTE_ROUND_TRIPS * ROUND_TRIP_SECONDS;
            format!("{:.1} % of the link", seconds_at_least(bytes) / body * 100.0)
        });
        figures.push(Figure::new(tool, taken, share.unwrap_or_default()));
    }
    let least = seconds_at_least(bytes) + FIRST_BYTE_ROUND_TRIPS * ROUND_TRIP_SECONDS;
    figures.push(Figure::new("the link itself", Some(least), ""));
    let title = format!("{megabytes} MB over 20 Mbit/s, 40 ms, 1 % loss");
    let group = Group { title, unit: "s", figures };
    let (demanded, limit) = if least >= 30.0 {
        (
            "97 % of the link's rate from the first body byte",
            seconds_at_least(bytes) / 0.97 + FIRST_BYTE_ROUND_TRIPS * ROUND_TRIP_SECONDS,
        )
    } else {
        (
            "4 round trips more than the bytes take",
            seconds_at_least(bytes) + 4.0 * ROUND_TRIP_SECONDS,
        )
    };
    for tool in ["headstart get", "headstart clone"] {
        if group.figures.iter().any(|figure| figure.tool == tool) {
            let what = format!("{megabytes} MB through the slow link, `{tool}`, seconds");
            transfer.demand(&what, demanded, group.of(tool), Some(limit));
        }
    }
    transfer.groups.push(group);
    Ok(())
}
