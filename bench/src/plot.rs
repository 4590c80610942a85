//! The figures as a picture: bars for the updates, a curve for the memory.

use std::fmt::Write as _;

use crate::memory::{LIMIT_BYTES, Memory};
use crate::report::grouped;
use crate::update::Update;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 76.0;
const BAR: f64 = 16.0;
const CURVE_HEIGHT: f64 = 170.0;
/// Points of the curve: each the most of what was read in its share of the time.
const POINTS: usize = 350;
const OURS: &str = "#2f6fde";
const THEIRS: &str = "#9aa4b2";

/// Draws both, one above the other.
pub(crate) fn draw(updates: &[Update], memory: &Memory) -> String {
    let mut body = String::new();
    let below = bars(&mut body, updates, 30.0);
    let height = curve(&mut body, memory, below + 50.0) + 34.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#24292f\">\n\
         <title>Bytes moved by updates, and memory of the service</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

fn text(out: &mut String, x: f64, y: f64, attributes: &str, text: &str) {
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>");
}

/// Gives how far down it went.
fn bars(out: &mut String, updates: &[Update], top: f64) -> f64 {
    text(out, 20.0, top, "font-weight=\"bold\"", "Bytes moved by an update, counted by the server");
    let most = updates.iter().map(|update| update.casync.update.traffic.bytes).max().unwrap_or(1);
    let scale = (WIDTH - 40.0 - 230.0) / most.max(1) as f64;
    let mut y = top + 28.0;
    for update in updates {
        let pair = update.pair;
        text(out, 20.0, y, "", &format!("{} {} → {}", pair.package, pair.from, pair.to));
        y += 6.0;
        let tools = [("headstart", OURS, update.headstart), ("casync", THEIRS, update.casync)];
        for (name, colour, tool) in tools {
            let bytes = tool.update.traffic.bytes;
            let width = (bytes as f64 * scale).max(1.0);
            let _ = writeln!(
                out,
                "<rect x=\"20\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>"
            );
            let label = format!("{name}: {} bytes", grouped(bytes));
            text(out, 26.0 + width, y + 12.5, "", &label);
            y += BAR + 3.0;
        }
        y += 20.0;
    }
    y - 20.0
}

fn curve(out: &mut String, memory: &Memory, top: f64) -> f64 {
    text(
        out,
        20.0,
        top,
        "font-weight=\"bold\"",
        "RssAnon of the service while it installs a pack of 1 GiB",
    );
    let (upper, lower) = (top + 16.0, top + 16.0 + CURVE_HEIGHT);
    let limit = memory.idle_bytes + LIMIT_BYTES;
    let most = limit.max(memory.peak_bytes) as f64 * 1.1;
    let end = memory.samples.last().map_or(1.0, |(at, _)| at.as_secs_f64()).max(0.001);
    let x = |seconds: f64| LEFT + seconds / end * (WIDTH - LEFT - 20.0);
    let y = |bytes: u64| lower - bytes as f64 / most * (lower - upper);
    for (bytes, name, dashes) in [
        (0, String::new(), ""),
        (memory.idle_bytes, "idle".to_owned(), "stroke-dasharray=\"2 3\""),
        (limit, format!("+{} MiB", LIMIT_BYTES >> 20), "stroke-dasharray=\"6 4\""),
    ] {
        let at = y(bytes);
        let right = WIDTH - 20.0;
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\" stroke=\"#57606a\" {dashes}/>"
        );
        text(out, LEFT - 6.0, at + 4.0, "text-anchor=\"end\"", &name);
    }
    let share = memory.samples.len().div_ceil(POINTS).max(1);
    let points = memory.samples.chunks(share).filter_map(|part| {
        let (at, bytes) = part.iter().max_by_key(|(_, bytes)| *bytes)?;
        Some(format!("{:.1},{:.1}", x(at.as_secs_f64()), y(*bytes)))
    });
    let points = points.collect::<Vec<_>>().join(" ");
    let _ = writeln!(
        out,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{OURS}\" stroke-width=\"1.5\"/>"
    );
    text(out, WIDTH - 20.0, lower + 18.0, "text-anchor=\"end\"", &format!("{end:.1} s"));
    lower
}
