//! What the command line says, and how: text for people, or JSON for programs. `Spec: cli, common rules`.

mod progress;

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::Mutex;

use headstart_model::{ErrorKind, Failure};
use indicatif::DecimalBytes;
use serde::Serialize;
use serde_json::{Value, json};

use progress::Audience;
pub(crate) use progress::{Advance, Progress};

/// Who is listening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// A person.
    Person,
    /// A person who wants to hear of errors only.
    QuietPerson,
    /// A program.
    Program,
}

/// Says things to whoever listens.
#[derive(Debug)]
pub(crate) struct Output {
    listener: Listener,
    /// Lines of several threads are not mixed.
    lock: Mutex<()>,
}

impl Output {
    /// Output for this listener.
    pub(crate) const fn new(listener: Listener) -> Self {
        Self { listener, lock: Mutex::new(()) }
    }

    /// Who is listening.
    pub(crate) const fn listener(&self) -> Listener {
        self.listener
    }

    /// Whether a program reads what is said.
    pub(crate) fn is_for_program(&self) -> bool {
        self.listener == Listener::Program
    }

    /// A line for people.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if self.listener == Listener::Person {
            self.write(text.as_ref().as_bytes());
        }
    }

    /// The one document of a command that does not stream: JSON for programs, `text` for people.
    pub(crate) fn document(&self, document: &impl Serialize, text: impl FnOnce() -> String) {
        match self.listener {
            Listener::Program => self.json(document),
            Listener::Person => self.text(&text()),
            Listener::QuietPerson => {}
        }
    }

    /// An event of a streaming command: for programs only.
    pub(crate) fn event(&self, event: &impl Serialize) {
        if self.is_for_program() {
            self.json(event);
        }
    }

    /// The last event of a streaming command that succeeded; for people `text`.
    pub(crate) fn done(&self, fields: Value, text: impl FnOnce() -> String) {
        if self.is_for_program() {
            let mut event = json!({"event": "done"});
            if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
                event.extend(fields);
            }
            self.json(&event);
        } else if self.listener == Listener::Person {
            self.text(&text());
        }
    }

    /// A line for people that is neither a result nor an error; on stderr, so that it does not mix with results.
    pub(crate) fn remark(&self, text: impl AsRef<str>) {
        if self.listener == Listener::Person {
            let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
        }
    }

    /// Says what is wrong with the command line; `text` is the whole explanation for people.
    pub(crate) fn usage(&self, text: &str, failure: &Failure) {
        if self.is_for_program() {
            self.json(&error_object(failure));
        }
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Says what failed: on stderr for people, and for programs on stdout too.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.is_for_program() {
            self.json(&error_object(failure));
        }
        let mut text = format!("error: {}\n", failure.message);
        for cause in &failure.causes {
            let _ = writeln!(text, "  because: {cause}");
        }
        if !failure.hint.is_empty() {
            let _ = writeln!(text, "hint: {}", failure.hint);
        }
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Raw bytes on stdout: what was asked for itself, such as the content of a file. Said to everybody, quiet or not.
    ///
    /// # Errors
    /// When stdout is closed or full.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> std::io::Result<()> {
        let _guard = self.lock.lock();
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Progress of a streaming command.
    pub(crate) fn progress(&self) -> Progress<'_> {
        Progress::new(self, Audience::Everybody)
    }

    /// Progress of a command that does not stream: for people only.
    pub(crate) fn bar(&self) -> Progress<'_> {
        Progress::new(self, Audience::People)
    }

    fn json(&self, value: &impl Serialize) {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.write(&bytes),
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "error: cannot write JSON: {error}");
            }
        }
    }

    fn text(&self, text: &str) {
        if !text.is_empty() {
            self.write(text.trim_end().as_bytes());
        }
    }

    fn write(&self, line: &[u8]) {
        let _guard = self.lock.lock();
        let mut out = std::io::stdout().lock();
        // A reader that went away ends the output, not the work: what was begun is finished.
        let _ = out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    }
}

fn error_object(failure: &Failure) -> Value {
    let Failure { kind, code, message, hint, causes: below } = failure;
    let message = causes(message, below);
    json!({"error": {"kind": kind, "code": code, "message": message, "hint": hint}})
}

fn causes(message: &str, causes: &[String]) -> String {
    std::iter::once(message).chain(causes.iter().map(String::as_str)).collect::<Vec<_>>().join(": ")
}

/// Whether a person looks at stderr.
pub(crate) fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// A size for people.
pub(crate) fn size(bytes: u64) -> String {
    DecimalBytes(bytes).to_string()
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Rows of text in columns that line up.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The exit code for a failure. `Spec: cli, common rules`.
pub(crate) const fn exit_code(failure: &Failure) -> u8 {
    match failure.kind {
        ErrorKind::Usage | ErrorKind::InvalidInput => 2,
        ErrorKind::Cancelled => 130,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bbb"], ["cccc", "d"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "a     bbb\ncccc  d");
    }

    #[test]
    fn kinds_of_failure_decide_the_exit_code() {
        let code = |kind| exit_code(&Failure::new(kind, "x", "x"));
        assert_eq!(code(ErrorKind::Usage), 2);
        assert_eq!(code(ErrorKind::InvalidInput), 2);
        assert_eq!(code(ErrorKind::Cancelled), 130);
        assert_eq!(code(ErrorKind::NotFound), 1);
    }

    #[test]
    fn programs_get_the_whole_chain_of_causes_in_one_message() {
        let failure = Failure::new(ErrorKind::Network, "inner", "no route").within("cannot fetch");
        let object = error_object(&failure);
        assert_eq!(object["error"]["message"], "cannot fetch: no route");
        assert_eq!(object["error"]["kind"], "network");
    }
}
