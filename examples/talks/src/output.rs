//! What the viewer says: to a person at a terminal, to a pipe, or to a program.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::{Value, json};

use crate::Error;
use crate::picture::Picture;

/// Whom the viewer speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// A person at a terminal: the list is drawn anew in its place.
    Screen,
    /// Plain lines: one for each change.
    Lines,
    /// One JSON object in each line.
    Json,
}

/// One talk in the list.
#[derive(Debug, Clone)]
pub struct Row {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// Where lines stay, a row is said again when this differs.
    pub key: String,
}

/// The way out.
#[derive(Debug)]
pub struct Output {
    face: Face,
    said: Vec<String>,
    message: String,
    /// Whether the message is another than the one on the screen.
    is_new: bool,
}

impl Output {
    /// For this listener.
    #[must_use]
    pub const fn new(face: Face) -> Self {
        Self { face, said: Vec::new(), message: String::new(), is_new: false }
    }

    /// Whether pictures can be looked at.
    #[must_use]
    pub fn has_screen(&self) -> bool {
        self.face == Face::Screen
    }

    /// Shows the list as it is now: anew on a screen, else what has changed since the last time.
    ///
    /// # Errors
    /// When the terminal or pipe is gone; so for every method.
    pub fn draw(&mut self, rows: &[Row]) -> Result<(), Error> {
        if self.face == Face::Screen {
            // A longer message moves the place where commands are typed.
            return if self.is_new { self.clear(rows) } else { self.repaint(rows) };
        }
        let keys = rows.iter().map(|row| row.key.clone()).collect();
        let before = std::mem::replace(&mut self.said, keys);
        for (row, before) in rows.iter().zip(before) {
            if row.key != before {
                self.line(&row.text, &row.json)?;
            }
        }
        Ok(())
    }

    /// Shows the whole list, because somebody asked for it.
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    pub fn list(&mut self, rows: &[Row]) -> Result<(), Error> {
        let texts: Vec<_> = rows.iter().map(|row| row.text.as_str()).collect();
        let talks: Vec<_> = rows.iter().map(|row| &row.json).collect();
        match self.face {
            Face::Screen => {
                self.message.clear();
                self.clear(rows)
            }
            _ => self.line(&texts.join("\n"), &json!({ "event": "talks", "talks": talks })),
        }
    }

    /// Says something.
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    pub fn say(&mut self, text: &str, json: &Value) -> Result<(), Error> {
        if self.face == Face::Screen {
            text.clone_into(&mut self.message);
            self.is_new = true;
            return Ok(());
        }
        self.line(text, json)
    }

    /// Says that something failed.
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    pub fn complain(&mut self, error: &Error) -> Result<(), Error> {
        let mut text = format!("error: {error}");
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            let _ = write!(text, "\nbecause: {error}"); // a string takes everything
            cause = error.source();
        }
        let mut told = json!({ "message": text.trim_start_matches("error: ") });
        if let Error::Headstart(error) = error {
            told = json!(error.failure());
            if let Some(hint) = error.hint() {
                let _ = write!(text, "\nhint: {hint}");
            }
        }
        match self.face {
            Face::Lines => Ok(writeln!(io::stderr(), "{text}")?),
            _ => self.say(&text, &json!({ "event": "failed", "error": told })),
        }
    }

    /// Shows a picture over everything else, until [`clear`](Self::clear).
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    pub fn picture(&self, picture: &Picture, caption: &str) -> Result<(), Error> {
        write(&format!("\x1b[H{}{caption}\x1b[K", picture.draw()))
    }

    /// Empties the screen and asks for a command.
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    pub fn clear(&mut self, rows: &[Row]) -> Result<(), Error> {
        if self.face != Face::Screen {
            return Ok(());
        }
        self.is_new = false;
        write("\x1b[2J")?;
        self.repaint(rows)?;
        let below = 4 + rows.len() + self.message.lines().count();
        write(&format!("\x1b[{below};1H\x1b[J> "))
    }

    /// Draws the list and the last message where they stand; what is being typed stays.
    fn repaint(&self, rows: &[Row]) -> Result<(), Error> {
        let mut text = format!("\x1b7\x1b[HTalks \u{2013} {}\x1b[K\r\n\r\n", crate::command::USAGE);
        let lines = rows.iter().map(|row| row.text.as_str()).chain(self.message.lines());
        for line in lines {
            text.push_str(line);
            text.push_str("\x1b[K\r\n");
        }
        text.push_str("\x1b8");
        write(&text)
    }

    fn line(&self, text: &str, json: &Value) -> Result<(), Error> {
        let line = if self.face == Face::Json { json.to_string() } else { text.to_owned() };
        write(&format!("{line}\n"))
    }
}

fn write(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
