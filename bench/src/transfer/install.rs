//! A fresh install from a local nginx: verified and extracted.

use std::path::Path;

use super::link::Side;
use super::nginx::Nginx;
use super::timed::{Cost, best};
use super::{Figure, Group, Transfer};
use crate::error::BenchError;
use crate::run::{self, PACK, Tools};

const RUNS: u32 = 3;

pub(super) fn measure(
    tools: &Tools,
    folder: &Path,
    transfer: &mut Transfer,
) -> Result<(), BenchError> {
    crate::say("a fresh install on loopback");
    let (tree, served) = (folder.join("tree"), folder.join("served"));
    crate::large::generate(&tree)?;
    run::fresh_folder(&served)?;
    tools.release(&served, &tree)?;
    let prepare = format!(
        "tar -C {tree} -c . | zstd -q -3 -T0 -o {served}/tree.tar.zst && \
         casync make --store={served}/tree.castr {served}/tree.caidx {tree}",
        tree = tree.display(),
        served = served.display()
    );
    best(1, &folder.join("prepare"), &prepare)?;
    // bita is optional: it is built by bench/run.sh where that is possible.
    let bita =
        format!("tar -C {} -c . | bita compress -f {}/tree.cba", tree.display(), served.display());
    best(1, &folder.join("prepare"), &bita)?;
    let nginx = Nginx::start(Side::Here, folder, &served)?;
    let url = &nginx.url;
    let (headstart, home) = (tools.headstart.display(), tools.home());
    let home = home.display();
    let lines = [
        (
            "headstart clone",
            format!("HEADSTART_HOME={home} {headstart} clone -q {url}repository {PACK} out"),
        ),
        (
            "curl, zstd, tar",
            format!("mkdir out && curl -s {url}tree.tar.zst | zstd -dcq | tar -x -C out"),
        ),
        ("casync extract", format!("casync extract --store={url}tree.castr {url}tree.caidx out")),
        (
            "bita, tar",
            format!("bita clone {url}tree.cba out.tar && mkdir out && tar -x -C out -f out.tar"),
        ),
        ("cp -r, sync", format!("cp -r {} out && sync -f out", tree.display())),
        ("download alone (curl)", format!("curl -s -o out {url}tree.tar.zst")),
        (
            "download alone (headstart get)",
            format!("HEADSTART_HOME={home} {headstart} get -q -o out {url}tree.tar.zst"),
        ),
    ];
    let mut costs: Vec<(&str, Option<Cost>)> = Vec::new();
    for (tool, line) in &lines {
        costs.push((tool, best(RUNS, &folder.join("install"), line)?));
    }
    let figures = |of: fn(Cost) -> f64| {
        costs.iter().map(|(tool, cost)| Figure::new(tool, cost.map(of), "")).collect::<Vec<_>>()
    };
    let wall = Group {
        title: "Fresh install of 1 GiB, loopback".to_owned(),
        unit: "s",
        figures: figures(|cost| cost.seconds),
    };
    let processor = Group {
        title: "Fresh install of 1 GiB, loopback: processor time".to_owned(),
        unit: "s",
        figures: figures(|cost| cost.processor_seconds),
    };
    let (ours, theirs) = (wall.of("headstart clone"), wall.of("curl, zstd, tar"));
    transfer.demand(
        "Fresh install, seconds",
        "at least as fast as `curl \\| zstd -d \\| tar x`",
        ours,
        theirs,
    );
    let limit = processor.of("curl, zstd, tar").map(|seconds| seconds * 1.2);
    transfer.demand(
        "Fresh install, processor seconds",
        "at most 1.2 × those of `curl \\| zstd -d \\| tar x`",
        processor.of("headstart clone"),
        limit,
    );
    let floor = wall.of("cp -r, sync").zip(wall.of("download alone (curl)"));
    let limit = floor.map(|(copy, download)| copy.max(download) * 1.5);
    transfer.demand(
        "Fresh install, seconds",
        "within 1.5 × of the larger of plain copy with sync and download alone",
        ours,
        limit,
    );
    transfer.groups.extend([wall, processor]);
    run::remove(&tree)
}
