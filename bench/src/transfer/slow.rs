//! Through the slow link.

use std::path::Path;

use super::link::{Link, ROUND_TRIP_SECONDS, Side, seconds_at_least};
use super::nginx::Nginx;
use super::timed::{Series, best, cost};
use super::{Figure, Group, Transfer};
use crate::error::BenchError;
use crate::run::{self, PACK, Tools};

/// Round trips before the first byte of a body can be there: the connection and the request.
const FIRST_BYTE_ROUND_TRIPS: f64 = 2.0;
const MEGABYTE: u64 = 1_000_000;
/// What is fetched, in megabytes, and how often by each tool: one lost packet of a short transfer costs as much as ten of a long one.
const FETCHED: [(u64, usize); 3] = [(1, 9), (8, 5), (90, 3)];

pub(super) fn measure(
    tools: &Tools,
    folder: &Path,
    _: &Link,
    transfer: &mut Transfer,
) -> Result<(), BenchError> {
    let served = folder.join("slow-served");
    run::fresh_folder(&served)?;
    for (megabytes, _) in FETCHED {
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
    for (megabytes, times) in FETCHED {
        crate::say(&format!("{megabytes} MB through the slow link, {times} times"));
        one(tools, folder, &nginx, (megabytes, times), transfer)?;
    }
    Ok(())
}

fn one(
    tools: &Tools,
    folder: &Path,
    nginx: &Nginx,
    (megabytes, times): (u64, usize),
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
    let mut taken = vec![Series::default(); lines.len()];
    // Round by round, so that what drifts on the machine is there for all.
    for _ in 0..times {
        for ((_, line), series) in lines.iter().zip(&mut taken) {
            let work = folder.join("slow");
            run::fresh_folder(&work)?;
            series.run(|| cost(Side::Client, &work, line).map(|cost| cost.seconds));
        }
    }
    let figure = |((tool, _), series): (&(&str, String), &Series)| {
        Figure::new(tool, series.median(), note(series, bytes))
    };
    let mut figures: Vec<_> = lines.iter().zip(&taken).map(figure).collect();
    let least = seconds_at_least(bytes) + FIRST_BYTE_ROUND_TRIPS * ROUND_TRIP_SECONDS;
    figures.push(Figure::new("the link itself", Some(least), ""));
    let title = format!("{megabytes} MB over 20 Mbit/s, 40 ms, 1 % loss, median of {times}");
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

/// How much of the link that was, and how far the runs lie apart.
fn note(series: &Series, bytes: u64) -> String {
    let Some(((least, median), most)) = series.least().zip(series.median()).zip(series.most())
    else {
        return String::new();
    };
    let body = median - FIRST_BYTE_ROUND_TRIPS * ROUND_TRIP_SECONDS;
    let share = seconds_at_least(bytes) / body * 100.0;
    format!("{share:.1} % of the link; {least:.2} to {most:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_tells_share_and_spread_and_is_empty_for_a_tool_that_failed() {
        let mut series = Series::default();
        for seconds in [0.71, 0.6, 0.57] {
            series.run(|| Some(seconds));
        }
        assert_eq!(note(&series, MEGABYTE), "79.7 % of the link; 0.57 to 0.71");
        series.run(|| None);
        assert_eq!(note(&series, MEGABYTE), "");
    }
}
