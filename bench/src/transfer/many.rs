//! Ten thousand small files.

use std::fmt::Write as _;
use std::path::Path;

use super::link::Side;
use super::nginx::Nginx;
use super::timed::best;
use super::{Figure, Group, Transfer};
use crate::error::BenchError;
use crate::run::{self, Tools};

const FILES: usize = 10_000;
const BYTES: usize = 4096;
const RUNS: u32 = 3;

pub(super) fn measure(
    tools: &Tools,
    folder: &Path,
    transfer: &mut Transfer,
) -> Result<(), BenchError> {
    crate::say("ten thousand small files on loopback");
    let served = folder.join("small");
    run::fresh_folder(&served)?;
    for number in 0..FILES {
        let bytes: Vec<u8> =
            (0..BYTES).map(|at| ((at * 31 + number * 7) % 251).to_le_bytes()[0]).collect();
        let path = served.join(format!("f{number:05}"));
        std::fs::write(&path, bytes).map_err(BenchError::file(&path))?;
    }
    let nginx = Nginx::start(Side::Here, folder, &served)?;
    let (mut list, mut config) = (String::new(), String::new());
    for number in 0..FILES {
        let url = format!("{}f{number:05}", nginx.url);
        let _ = writeln!(list, "{url}");
        let _ = writeln!(config, "url = \"{url}\"\noutput = \"f{number:05}\"");
    }
    run::write(&folder.join("urls"), list.as_bytes())?;
    run::write(&folder.join("curl.conf"), config.as_bytes())?;
    let above = folder.display();
    let home = tools.home();
    let lines = [
        (
            "headstart get",
            format!(
                "HEADSTART_HOME={} {} get -q -i {above}/urls",
                home.display(),
                tools.headstart.display()
            ),
        ),
        ("aria2c -j16", format!("aria2c -q -j16 --allow-overwrite=true -i {above}/urls")),
        ("curl --parallel", format!("curl -s --parallel --parallel-max 16 -K {above}/curl.conf")),
        ("wget", format!("wget -q -i {above}/urls")),
    ];
    let mut figures = Vec::new();
    for (tool, line) in lines {
        let cost = best(RUNS, &folder.join("many"), &line)?;
        let note =
            cost.map_or(String::new(), |cost| format!("processor {:.1} s", cost.processor_seconds));
        figures.push(Figure::new(tool, cost.map(|cost| cost.seconds), note));
    }
    let group = Group { title: "10,000 files of 4 KiB, loopback".to_owned(), unit: "s", figures };
    for tool in ["aria2c -j16", "curl --parallel"] {
        transfer.demand(
            "10,000 files of 4 KiB, seconds",
            &format!("at least as fast as `{tool}`"),
            group.of("headstart get"),
            group.of(tool),
        );
    }
    transfer.groups.push(group);
    run::remove(&folder.join("many"))
}
