//! Pictures: what every one is made of, and the curve of the memory.

use std::fmt::Write as _;

use crate::memory::{LIMIT_BYTES, Memory};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 76.0;
const CURVE_HEIGHT: f64 = 170.0;
/// Points of the curve: each the most of what was read in its share of the time.
const POINTS: usize = 350;

/// A whole picture.
pub(crate) fn document((width, height): (f64, f64), title: &str, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#24292f\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// Words at a place, with attributes of the element.
pub(crate) fn text(out: &mut String, (x, y): (f64, f64), attributes: &str, text: &str) {
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>");
}

/// A thin line, with attributes of the element.
pub(crate) fn line(out: &mut String, from: (f64, f64), to: (f64, f64), attributes: &str) {
    let _ = writeln!(
        out,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#57606a\" {attributes}/>",
        from.0, from.1, to.0, to.1
    );
}

/// The memory of the service over time.
pub(crate) fn draw(memory: &Memory) -> String {
    let title = "RssAnon of the service while it installs a pack of 1 GiB";
    let mut body = String::new();
    let out = &mut body;
    let top = 30.0;
    text(out, (20.0, top), "font-weight=\"bold\"", title);
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
        line(out, (LEFT, at), (WIDTH - 20.0, at), dashes);
        text(out, (LEFT - 6.0, at + 4.0), "text-anchor=\"end\"", &name);
    }
    let share = memory.samples.len().div_ceil(POINTS).max(1);
    let points = memory.samples.chunks(share).filter_map(|part| {
        let (at, bytes) = part.iter().max_by_key(|(_, bytes)| *bytes)?;
        Some(format!("{:.1},{:.1}", x(at.as_secs_f64()), y(*bytes)))
    });
    let points = points.collect::<Vec<_>>().join(" ");
    let _ = writeln!(
        out,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"#2f6fde\" stroke-width=\"1.5\"/>"
    );
    text(out, (WIDTH - 20.0, lower + 18.0), "text-anchor=\"end\"", &format!("{end:.1} s"));
    document((WIDTH, lower + 34.0), title, &body)
}
