//! How it was measured, for the page: the very commands.

use std::fmt::Write as _;

use crate::pack::input::{TAR, ZIPS};
use crate::pack::peer::{
    APPLY_WHOLE, MEMORY_MAX_BYTES, PAIRWISE, RSYNC, RSYNC_UPDATE, SERVED, WHOLE,
};

const NOTES: &str = "\
- **Bytes that travel** of headstart, casync, bita, zsync and ostree are the bodies of all answers, counted by the server: `headstart serve` on loopback, the same for \
every tool. For headstart that is one check for updates and the update, with all metadata, catalog and index; its own count (`bytesDown`) is the same number, else the run \
fails. For pairwise tools it is the patch, for tar+zstd the file. For rsync it is what the sending side sent; what the receiving side sent up stands in the notes.
- After every transfer and every patch the result was compared with the release byte by byte. Wrong bytes end the run.
- **CPU** is user and system time of the command with everything that it started. **Resident** is the peak of `ru_maxrss` (file pages included; of a pipeline the largest \
process). **Anonymous** is the peak of `RssAnon` of `/proc/PID/status`, read every 5 ms. Wall time is of one run, on loopback: it tells of processor and disk, not of a network.
- **headstart**: `pack --level LEVEL`, then `repo publish --level LEVEL --deltas 3`. \"Made for fresh installation\" is `pack`; \"made for updates\" is `repo publish`, all \
deltas together. Earlier versions were published with `--deltas 1`, at `fast` for `fast`, else at `balanced`, to save time; a delta does not depend on how hard its old version was compressed. The device ran \
`clone` of the earlier version, then the measured `clone` into the same folder. Two halves: an empty folder and `--seed`. No delta kept: published with `--deltas 1`, or \
`--deltas 0` where there is one earlier version only, and the oldest version on the device.
- **Two halves** are a folder with every second file, in the order of paths, of one version and the rest of another.
- Every tool reads copies in which all times are equal, so that casync and tar, which store times, do not pay for other ones.
- casync, bita, zsync and ostree run with their own chunk and block sizes. bita runs with its default compression and with zstd 19, and the better one counts. ostree makes \
static deltas with all data inline, from every earlier version and from nothing; they are fetched as files and applied, since `ostree pull` (2022.7) fetched many objects a second time \
beside the delta. zsync runs on the tar and on a gzipped tar that it looks into.
- bita 0.15.0 now and then leaves the last chunk out of what it writes: it is made again until it is whole, and its time counts every try.
- `game` is generated: 8 containers of together 1 GiB and 300 scripts, four versions; from one to the next about 4 % of the assets are changed inside, 0.3 % replaced, 0.2 % left \
out, 0.3 % new. A third of the bytes are as media are: nothing to gain.
";

/// The section of the page.
pub(crate) fn how() -> String {
    let mut text = format!("## How\n{NOTES}\n### Commands\n");
    text.push_str("`$OLD` and `$NEW` are tars, `$OLD_DIR` and `$NEW_DIR` folders, `$OUT` an empty folder. Tars are made by\n\n");
    block(&mut text, &[TAR]);
    text.push_str("Zip files (`zips`) are made from cesium by\n\n");
    block(&mut text, &[ZIPS]);
    for tool in WHOLE {
        let _ = writeln!(text, "{}\n", tool.name);
        block(&mut text, &[tool.make, APPLY_WHOLE]);
    }
    for tool in PAIRWISE {
        let _ = writeln!(text, "{}\n", tool.name);
        block(&mut text, &[tool.make, tool.apply]);
    }
    let _ = writeln!(
        text,
        "A pairwise tool that would need more than {} GiB for the old version by its own formula (bsdiff: 17 times its size) is not run, and the table says so.\n",
        MEMORY_MAX_BYTES >> 30
    );
    for tool in SERVED {
        let _ = writeln!(text, "{}\n", tool.name);
        let lines = [tool.make, tool.install.unwrap_or_default(), tool.hold, tool.update];
        block(&mut text, &lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>());
    }
    let _ = writeln!(text, "{RSYNC}\n");
    block(&mut text, &[RSYNC_UPDATE]);
    text
}

fn block(text: &mut String, lines: &[&str]) {
    let _ = writeln!(text, "```sh\n{}\n```\n", lines.join("\n"));
}
