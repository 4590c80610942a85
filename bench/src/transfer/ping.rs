//! What a background download does to others.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::link::{Link, Side};
use super::nginx::Nginx;
use super::timed::{best, cost, pause};
use super::{Figure, Group, Transfer};
use crate::error::BenchError;
use crate::run::{self, Tools};

/// How long a download has been under way when others are looked at.
const SETTLED: Duration = Duration::from_secs(8);
const FOREGROUND_BYTES: u64 = 20_000_000;

pub(super) fn measure(
    tools: &Tools,
    folder: &Path,
    _: &Link,
    transfer: &mut Transfer,
) -> Result<(), BenchError> {
    crate::say("what a background download does to others");
    let served = folder.join("ping-served");
    run::fresh_folder(&served)?;
    let make = format!(
        "head -c 400000000 /dev/urandom > {0}/long; head -c {FOREGROUND_BYTES} {0}/long > {0}/short",
        served.display()
    );
    best(1, &folder.join("prepare"), &make)?;
    let nginx = Nginx::start(Side::Server, folder, &served)?;
    let (url, home) = (&nginx.url, tools.home());
    let short = format!("aria2c -q -x8 -s8 -k1M --allow-overwrite=true {url}short");
    let lines = [
        ("nothing else", "sleep 1000".to_owned()),
        (
            "headstart get --background",
            format!(
                "env HEADSTART_HOME={} {} get -q --background --insecure {url}long",
                home.display(),
                tools.headstart.display()
            ),
        ),
        ("aria2c -x8", format!("aria2c -q -x8 -s8 -k1M {url}long")),
    ];
    let (mut pings, mut seconds) = (Vec::new(), Vec::new());
    for (name, line) in lines {
        let work = folder.join("ping");
        run::fresh_folder(&work)?;
        let running = Running::start(&work, &line)?;
        pause(SETTLED);
        pings.push(Figure::new(name, median_ping(), ""));
        let foreground = folder.join("foreground");
        run::fresh_folder(&foreground)?;
        let taken = cost(Side::Client, &foreground, &short).map(|cost| cost.seconds);
        seconds.push(Figure::new(name, taken, ""));
        drop(running);
    }
    let pings = Group {
        title: "Median ping through the slow link beside a download".to_owned(),
        unit: "ms",
        figures: pings,
    };
    let seconds = Group {
        title: "20 MB by `aria2c -x8` beside another download".to_owned(),
        unit: "s",
        figures: seconds,
    };
    let limit = pings.of("nothing else").map(|idle| idle + 10.0);
    transfer.demand(
        "Median ping beside a background download, ms",
        "less than 10 ms above idle",
        pings.of("headstart get --background"),
        limit,
    );
    let limit = seconds.of("nothing else").map(|alone| alone * 1.1);
    transfer.demand(
        "A foreground download beside a background one, seconds",
        "within a tenth of the time it takes alone",
        seconds.of("headstart get --background"),
        limit,
    );
    transfer.groups.extend([pings, seconds]);
    Ok(())
}

/// The median of 100 round trips, in milliseconds.
fn median_ping() -> Option<f64> {
    let mut command = Side::Client.command("ping");
    command.args(["-n", "-i", "0.1", "-c", "100", Side::Server.address()]);
    let output = command.stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let time = |line: &str| line.split_once("time=")?.1.split(' ').next()?.parse::<f64>().ok();
    let mut times: Vec<f64> = said.lines().filter_map(time).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

/// A program at the client's end; killed when dropped.
struct Running(Child);

impl Running {
    fn start(folder: &Path, line: &str) -> Result<Self, BenchError> {
        let mut command = Side::Client.command("bash");
        command.args(["-c", &format!("exec {line} >noise.log 2>&1")]).current_dir(folder);
        let child = command.stdin(Stdio::null()).spawn();
        child.map(Self).map_err(|source| BenchError::Start { program: line.to_owned(), source })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // `ip netns exec` and bash become the program itself, so this is it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
