//! What the figures were measured with.

use std::process::Command;

use crate::run::run;

/// Facts as (name, value).
pub(crate) fn facts() -> Vec<(&'static str, String)> {
    let cores =
        std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |n| n.to_string());
    vec![
        ("Date", today()),
        ("Commit", commit()),
        ("Processor", field("/proc/cpuinfo", "model name")),
        ("Cores", cores),
        ("Memory", memory()),
        ("Kernel", first_line("uname", &["-sr"])),
        ("File system", first_line("stat", &["--file-system", "--format=%T", "."])),
        ("Rust", first_line("rustc", &["--version"])),
        ("headstart", env!("CARGO_PKG_VERSION").to_owned()),
        ("tar", first_line("tar", &["--version"])),
        ("zstd", first_line("zstd", &["--version"])),
        ("xdelta3, bsdiff", packages(&["xdelta3", "bsdiff"])),
        ("casync, zsync, ostree, rsync", packages(&["casync", "zsync", "ostree", "rsync"])),
        ("bita", first_line("bita", &["--version"])),
    ]
}

/// The other tools of the transfers, as (name, value).
pub(crate) fn peers() -> Vec<(&'static str, String)> {
    vec![
        ("curl", first_line("curl", &["--version"])),
        ("aria2c", first_line("aria2c", &["--version"])),
        ("wget", first_line("wget", &["--version"])),
        ("bita", first_line("bita", &["--version"])),
        ("zstd", first_line("zstd", &["--version"])),
        ("nginx", first_line("sh", &["-c", "nginx -v 2>&1"])),
    ]
}

/// The day, in UTC.
pub(crate) fn today() -> String {
    first_line("date", &["-u", "+%Y-%m-%d"])
}

/// Versions of packages of Debian.
fn packages(names: &[&str]) -> String {
    let mut query = Command::new("dpkg-query");
    let said = run(query.args(["-W", "-f", "${Version}, "]).args(names));
    said.map_or_else(|_| UNKNOWN.to_owned(), |(said, _)| said.trim_end_matches(", ").to_owned())
}

fn commit() -> String {
    let commit = first_line("git", &["rev-parse", "--short=12", "HEAD"]);
    let changed = first_line("git", &["status", "--porcelain", "--", "crates", "Cargo.lock"]);
    if changed == UNKNOWN { commit } else { format!("{commit} with changes") }
}

const UNKNOWN: &str = "–";

fn first_line(program: &str, arguments: &[&str]) -> String {
    let said = run(Command::new(program).args(arguments)).map(|(said, _)| said).unwrap_or_default();
    let line = said.lines().next().map(str::trim).filter(|line| !line.is_empty());
    line.unwrap_or(UNKNOWN).to_owned()
}

/// The value of the first line `NAME : VALUE` of a file.
fn field(path: &str, name: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line =
        text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.map_or(UNKNOWN, str::trim).to_owned()
}

fn memory() -> String {
    let total = field("/proc/meminfo", "MemTotal");
    let kibibytes: Option<u64> = total.strip_suffix(" kB").and_then(|number| number.parse().ok());
    kibibytes.map_or(total, |kibibytes| format!("{} MiB", kibibytes / 1024))
}
