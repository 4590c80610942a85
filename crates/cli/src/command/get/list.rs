//! Lists of URLs.

use std::io::Read as _;
use std::path::Path;

use headstart_model::{ErrorKind, Failure};
use headstart_transfer::FileHash;
use url::Url;

use crate::{input, quantity};

/// The longest list: a million URLs have about a tenth of it.
const LIST_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) url: Url,
    pub(super) name: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) hash: Option<FileHash>,
}

impl Entry {
    pub(super) const fn new(url: Url) -> Self {
        Self { url, name: None, size: None, hash: None }
    }
}

/// Reads a list; `-` is the standard input.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, Failure> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(LIST_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|error| {
            Failure::from_error(ErrorKind::InvalidInput, "listMalformed", &error)
        })?;
        bytes
    } else {
        input::read(path, LIST_BYTES_MAX, ("list", "listMissing"))?
    };
    let text = String::from_utf8_lossy(&bytes);
    parse(&text).map_err(|(line, problem)| {
        let message = format!("{}:{line}: {problem}", path.display());
        Failure::new(ErrorKind::InvalidInput, "listMalformed", message)
            .with_hint("one URL a line; `headstart get --help` tells what may follow it")
    })
}

/// The entries, or the number of the line that is none and why.
fn parse(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries: Vec<Entry> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let word = line.trim();
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        let is_detail = line.starts_with([' ', '\t']) && !word.contains("://");
        let read = match (is_detail, entries.last_mut()) {
            (true, Some(entry)) => detail(entry, word),
            (true, None) => Err("this belongs to a URL, but none stands above".to_owned()),
            (false, _) => Url::parse(word)
                .map(|url| entries.push(Entry::new(url)))
                .map_err(|error| format!("`{}` is no URL: {error}", short(word))),
        };
        read.map_err(|problem| (number, problem))?;
    }
    Ok(entries)
}

fn detail(entry: &mut Entry, word: &str) -> Result<(), String> {
    let unknown = || format!("`{}` is not known", short(word));
    let (key, value) = word.split_once('=').ok_or_else(unknown)?;
    match key {
        "out" => entry.name = Some(value.to_owned()),
        "size" => entry.size = Some(quantity::bytes(value).map_err(|error| error.to_string())?),
        "sha256" => entry.hash = Some(super::sha256(value)?),
        "blake3" => entry.hash = Some(super::blake3(value)?),
        _ => return Err(unknown()),
    }
    Ok(())
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_stand_one_a_line_with_what_belongs_to_them_below() {
        let entries = parse("# two\nhttps://a/x?y\n\n https://a/z\n\tout=name\n  size=2k\n");
        let entries = entries.expect("a list");
        let seen: Vec<_> = entries
            .iter()
            .map(|entry| (entry.url.as_str(), entry.name.as_deref(), entry.size))
            .collect();
        assert_eq!(
            seen,
            [("https://a/x?y", None, None), ("https://a/z", Some("name"), Some(2000))]
        );
    }

    #[test]
    fn mistakes_are_told_by_their_line() {
        for (text, line) in [
            ("https://a/\nnonsense", 2),
            (" out=x", 1),
            ("https://a/\n colour=red", 2),
            ("https://a/\n sha256=12", 2),
        ] {
            assert_eq!(parse(text).expect_err(text).0, line, "{text}");
        }
    }
}
