//! The figures as a page and a picture.

use std::fmt::Write as _;

use super::{Group, Transfer};
use crate::machine;

const WIDTH: f64 = 760.0;
const OURS: &str = "#2f6fde";
const THEIRS: &str = "#9aa4b2";

pub(super) fn page(transfer: &Transfer) -> String {
    let mut text = String::from(
        "# How bytes move\n\nWritten by `bench/run.sh transfer`, in one run: every tool fetches from the same nginx, on loopback or through the same link. \
         Of several runs on loopback the quickest counts. A time through the link is the median of as many runs as its table says, \
         with the lowest and the highest beside it; the tools take turns.\n\n![Times beside other tools](transfer.svg)\n\n\
         ## What is demanded\n| What | Demanded | Measured | Met |\n|---|---|--:|---|\n",
    );
    for target in &transfer.targets {
        let met = match target.met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not measured",
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {met} |",
            target.what, target.demanded, target.measured
        );
    }
    text.push_str("\n## Figures\n");
    for group in &transfer.groups {
        let _ = writeln!(text, "| {} | {} | |\n|---|--:|---|", group.title, group.unit);
        for figure in &group.figures {
            let value = figure
                .value
                .map_or("not there, or failed".to_owned(), |value| format!("{value:.2}"));
            let _ = writeln!(text, "| {} | {value} | {} |", figure.tool, figure.note);
        }
        text.push('\n');
    }
    text.push_str(
        "- headstart brings what it has fetched safely to disk before it is done; curl, wget, aria2c and tar do not.\n\
         - Bytes sent again are counted by nginx, which gives each connection 4 MB/s: what a kill leaves in the buffers of the system counts.\n\
         - The link drops 1 % of the packets in each direction and has a queue of 250 ms (`bench/link.py`).\n",
    );
    for remark in &transfer.remarks {
        let _ = writeln!(text, "- {remark}");
    }
    text.push_str("\n## Machine\n| Measured with | |\n|---|---|\n");
    for (name, value) in machine::facts().into_iter().chain(machine::peers()) {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text
}

pub(super) fn draw(transfer: &Transfer) -> String {
    let (mut body, mut y) = (String::new(), 30.0);
    for group in &transfer.groups {
        y = bars(&mut body, group, y) + 26.0;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#24292f\">\n\
         <title>Transfers beside other tools; shorter is better</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// Gives how far down it went.
fn bars(out: &mut String, group: &Group, top: f64) -> f64 {
    let title = group.title.replace('`', "");
    let _ = writeln!(
        out,
        "<text x=\"20\" y=\"{top:.0}\" font-weight=\"bold\">{title}, {}</text>",
        group.unit
    );
    let most =
        group.figures.iter().filter_map(|figure| figure.value).fold(f64::MIN_POSITIVE, f64::max);
    let mut y = top + 10.0;
    for figure in &group.figures {
        let Some(value) = figure.value else { continue };
        let width = (value / most * (WIDTH - 320.0)).max(1.0);
        let colour = if figure.tool.starts_with("headstart") { OURS } else { THEIRS };
        let _ = writeln!(
            out,
            "<rect x=\"20\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"14\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{}: {value:.2}</text>",
            26.0 + width,
            y + 11.5,
            figure.tool
        );
        y += 18.0;
    }
    y
}
