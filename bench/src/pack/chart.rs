//! The updates as a picture: how many times the bytes of `zstd -19 --patch-from` each tool moves.

use std::fmt::Write as _;

use crate::pack::Measured;
use crate::pack::ours::Level;
use crate::pack::peer::{CASYNC, PATCH_3, PATCH_19, RSYNC};
use crate::pack::record::Kind;
use crate::plot::{document, line, text};

const WIDTH: f64 = 820.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 24.0;
const ROW: f64 = 30.0;
const TOP: f64 = 92.0;
/// Of the axis, which counts in powers.
const LEAST: f64 = 0.25;
const MOST: f64 = 64.0;

/// Name in the legend, tool, colour, and whether it is one of ours.
const TOOLS: [(&str, &str, &str, Mark); 11] = [
    ("zstd -3 --patch-from", PATCH_3, "#8c959f", Mark::Square),
    ("xdelta3", "xdelta3", "#57606a", Mark::Square),
    ("bsdiff", "bsdiff", "#24292f", Mark::Square),
    ("rsync", RSYNC, "#bf8700", Mark::Ring),
    ("ostree", "ostree", "#8250df", Mark::Ring),
    ("bita, zstd 19", "bita (zstd 19)", "#cf222e", Mark::Ring),
    ("casync", CASYNC, "#e16f24", Mark::Ring),
    ("zsync", "zsync (tar.gz)", "#bf3989", Mark::Ring),
    ("headstart fast", Level::Fast.tool(), "#9ec5fe", Mark::Disc),
    ("headstart balanced", Level::Balanced.tool(), "#5a9cf8", Mark::Disc),
    ("headstart small", Level::Small.tool(), "#0b4fc4", Mark::Disc),
];

#[derive(Debug, Clone, Copy)]
enum Mark {
    Square,
    Ring,
    Disc,
}

/// Draws one row for each update.
pub(crate) fn draw(measured: &[Measured]) -> String {
    let mut body = String::new();
    let title = "Bytes of an update, as multiples of what zstd -19 --patch-from takes (= 1)";
    text(&mut body, (20.0, 28.0), "font-weight=\"bold\"", title);
    legend(&mut body);
    let updates = measured.iter().flat_map(|one| one.held.iter().map(move |from| (one, from)));
    let updates = updates.collect::<Vec<_>>();
    let bottom = TOP + ROW * updates.len() as f64 + 10.0;
    axis(&mut body, bottom);
    for (number, (one, from)) in updates.into_iter().enumerate() {
        let y = TOP + ROW * (number as f64 + 0.6);
        let name = format!("{} {from} → {}", one.input.replace("-datasource-google", ""), one.to);
        text(&mut body, (LEFT - 14.0, y + 4.0), "text-anchor=\"end\"", &name);
        let _ = writeln!(
            body,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#eaeef2\"/>",
            WIDTH - RIGHT
        );
        let bytes = |tool| one.bytes(Kind::Update, tool, Some(from));
        let Some(unit) = bytes(PATCH_19) else { continue };
        for (_, tool, colour, kind) in TOOLS {
            if let Some(bytes) = bytes(tool) {
                mark(&mut body, (x(bytes as f64 / unit as f64), y), colour, kind);
            }
        }
    }
    document((WIDTH, bottom + 36.0), title, &body)
}

fn x(ratio: f64) -> f64 {
    let share = (ratio.clamp(LEAST, MOST) / LEAST).log2() / (MOST / LEAST).log2();
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn axis(body: &mut String, bottom: f64) {
    let mut ratio = LEAST;
    while ratio <= MOST {
        let at = x(ratio);
        let attributes = if (ratio - 1.0).abs() < 0.01 {
            ""
        } else {
            "stroke-dasharray=\"2 4\" opacity=\"0.5\""
        };
        line(body, (at, TOP), (at, bottom), attributes);
        text(body, (at, bottom + 16.0), "text-anchor=\"middle\"", &format!("{ratio}"));
        ratio *= 2.0;
    }
}

fn legend(body: &mut String) {
    let (mut at, mut y) = (26.0, 50.0);
    for (name, _, colour, kind) in TOOLS {
        let width = 24.0 + name.len() as f64 * 6.4;
        if at + width > WIDTH - RIGHT {
            (at, y) = (26.0, y + 20.0);
        }
        mark(body, (at, y - 4.0), colour, kind);
        text(body, (at + 10.0, y), "", name);
        at += width;
    }
}

fn mark(body: &mut String, (x, y): (f64, f64), colour: &str, kind: Mark) {
    let _ = match kind {
        Mark::Square => writeln!(
            body,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"9\" height=\"9\" fill=\"{colour}\"/>",
            x - 4.5,
            y - 4.5
        ),
        Mark::Ring => writeln!(
            body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>"
        ),
        Mark::Disc => {
            writeln!(body, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"{colour}\"/>")
        }
    };
}
