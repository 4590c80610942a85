//! Entries among the programs of a desktop, as freedesktop.org's Desktop Entry Specification has them. `Spec: cli`.
//!
//! An entry belongs to the home that is named in it. One that another program wrote, or that belongs to another home that
//! is there, is left alone.

use std::io;
use std::path::{Path, PathBuf};

use headstart::AppId;
use headstart_sys::dirs::Home;
use headstart_sys::durable;
use headstart_sys::mode::{Access, Mode};

use super::about::About;

/// The key that says whose entry it is.
const OWNER: &str = "X-Headstart-Home";

/// Characters that mean something in a command of an entry, beside those that have to be escaped.
const RESERVED: &str = " \t'><~|&;*?#()\"\\`$";

/// The entries of one home.
#[derive(Debug)]
pub(super) struct Entries {
    folder: PathBuf,
    /// The words before the app's id in the command that starts an app.
    command: Vec<String>,
    home: String,
}

impl Entries {
    /// Entries in this folder, for apps of this home; none when paths of this machine cannot stand in an entry.
    pub(super) fn new(folder: PathBuf, home: &Home) -> Option<Self> {
        let mut command = Vec::new();
        for (name, value) in home.variables() {
            command.push(format!("{name}={}", value.to_str()?));
        }
        if !command.is_empty() {
            command.insert(0, "env".to_owned());
        }
        command.push(std::env::current_exe().ok()?.to_str()?.to_owned());
        let home = home.root().to_str()?.to_owned();
        let plain = |text: &String| !text.chars().any(char::is_control);
        (plain(&home) && command.iter().all(plain)).then_some(Self { folder, command, home })
    }

    fn path(&self, app: &AppId) -> PathBuf {
        self.folder.join(format!("{app}.desktop"))
    }

    /// Writes the entry of an app, unless there is one that is not ours.
    pub(super) fn write(&self, about: &About) {
        let path = self.path(&about.id);
        let present = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return told(&path, &error),
        };
        let text = self.text(about);
        if present.as_ref().is_some_and(|present| *present == text || !self.may_replace(present)) {
            return;
        }
        let written = durable::create_folders(&self.folder, Access::Shared)
            .and_then(|()| durable::write_file(&path, text.as_bytes(), Mode::SHARED));
        if let Err(error) = written {
            told(&path, &error);
        }
    }

    /// Brings an entry of ours up to date.
    pub(super) fn refresh(&self, about: &About) {
        if self.owns(&about.id) {
            self.write(about);
        }
    }

    /// Removes the entry of an app, if it is ours.
    pub(super) fn remove(&self, app: &AppId) {
        let path = self.path(app);
        if self.owns(app)
            && let Err(error) = durable::remove_tree(&path)
        {
            told(&path, &error);
        }
    }

    fn owns(&self, app: &AppId) -> bool {
        let text = std::fs::read_to_string(self.path(app));
        text.is_ok_and(|text| owner(&text).is_some_and(|owner| owner == escaped(&self.home)))
    }

    fn may_replace(&self, present: &str) -> bool {
        let Some(owner) = owner(present) else { return false };
        // A home that is gone leaves its entries behind.
        owner == escaped(&self.home) || !Path::new(&unescaped(owner)).exists()
    }

    fn text(&self, about: &About) -> String {
        let mut words: Vec<_> = self.command.iter().map(|word| quoted(word)).collect();
        words.extend(["app", "launch", about.id.as_str(), "--wait"].map(str::to_owned));
        let mut lines = vec![
            "[Desktop Entry]".to_owned(),
            "Type=Application".to_owned(),
            "Version=1.5".to_owned(),
            format!("Name={}", escaped(&about.name)),
            format!("Exec={}", escaped(&words.join(" "))),
        ];
        if let Some(icon) = about.icon_file() {
            lines.push(format!("Icon={}", escaped(&icon)));
        }
        lines.push("Terminal=false".to_owned());
        lines.push(format!("{OWNER}={}", escaped(&self.home)));
        lines.join("\n") + "\n"
    }
}

/// What could not be done is logged: the installation goes on without it.
fn told(path: &Path, error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(path = %path.display(), error, "the entry among the programs cannot be kept");
}

fn owner(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix(OWNER)?.strip_prefix('='))
}

/// A value as it stands in an entry. Nothing here holds control characters, so that only backslashes mean something.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
}

fn unescaped(text: &str) -> String {
    text.replace("\\\\", "\\")
}

/// A word of a command: quoted if need be, and without codes that a desktop would fill in.
fn quoted(word: &str) -> String {
    let word = word.replace('%', "%%");
    if !word.contains(|character| RESERVED.contains(character)) {
        return word;
    }
    let mut quoted = String::from("\"");
    for character in word.chars() {
        if matches!(character, '"' | '`' | '$' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted + "\""
}

#[cfg(test)]
mod tests;
