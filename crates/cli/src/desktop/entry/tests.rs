use tempfile::TempDir;

use super::*;

/// A data folder, a home and a bundle, with characters that mean something in entries.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().expect("a folder") };
        for folder in ["my $home `100%` \\1\"", "bundle"] {
            std::fs::create_dir(machine.path(folder)).expect("a folder");
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().expect("there").join(name)
    }

    fn home(&self) -> PathBuf {
        self.path("my $home `100%` \\1\"")
    }

    fn entries(&self, home: &Path) -> Entries {
        let home = Home::at(home).expect("a home");
        Entries::new(self.path("data/applications"), &home).expect("plain")
    }

    fn about(&self, more: &str) -> About {
        let text = format!(
            "[app]\nid = \"com.example.game\"\nversion = \"1.0\"\nexecutable = \"game\"\n{more}"
        );
        std::fs::write(self.path("bundle/headstart.toml"), text).expect("a file");
        About::read(&self.path("bundle")).expect("good")
    }

    fn text(&self) -> Option<String> {
        std::fs::read_to_string(self.path("data/applications/com.example.game.desktop")).ok()
    }

    fn put(&self, text: &str) {
        std::fs::create_dir_all(self.path("data/applications")).expect("folders");
        let path = self.path("data/applications/com.example.game.desktop");
        std::fs::write(path, text).expect("a file");
    }
}

fn value<'t>(text: &'t str, key: &str) -> &'t str {
    let line = text.lines().find(|line| line.starts_with(&format!("{key}=")));
    line.expect("there").split_once('=').expect("a pair").1
}

/// The words of a command, read as a desktop reads it: first the value, then quotes, then codes.
fn words(value: &str) -> Vec<String> {
    let mut characters = value.chars();
    let mut command = String::new();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next()).flatten();
        command.push(escaped.unwrap_or(character));
    }
    let (mut words, mut quoted) = (vec![String::new()], false);
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        let word = words.last_mut().expect("begins with one");
        match character {
            '"' => quoted = !quoted,
            '\\' if quoted => word.push(characters.next().expect("something")),
            ' ' if !quoted => words.push(String::new()),
            other => word.push(other),
        }
    }
    words.into_iter().map(|word| word.replace("%%", "%")).collect()
}

#[test]
fn an_entry_starts_the_app_of_its_home_through_the_launch_gate() {
    let machine = Machine::new();
    machine.entries(&machine.home()).write(&machine.about("name = \"Tic\\\\Tac\"\n"));
    let text = machine.text().expect("written");
    assert!(text.starts_with("[Desktop Entry]\nType=Application\n"), "{text}");
    assert_eq!(value(&text, "Name"), "Tic\\\\Tac");
    let program = std::env::current_exe().expect("known");
    let home = format!("HEADSTART_HOME={}", machine.home().to_str().expect("UTF-8"));
    let expected = [
        "env",
        &home,
        program.to_str().expect("UTF-8"),
        "app",
        "launch",
        "com.example.game",
        "--wait",
    ];
    assert_eq!(words(value(&text, "Exec")), expected);
    assert!(!text.contains("Icon="), "{text}");
}

#[test]
fn an_icon_of_the_bundle_is_the_icon_of_the_entry() {
    let machine = Machine::new();
    std::fs::write(machine.path("bundle/icon.png"), "").expect("a file");
    let entries = machine.entries(&machine.home());
    entries.write(&machine.about("icon = \"icon.png\"\n"));
    let text = machine.text().expect("written");
    assert_eq!(Path::new(value(&text, "Icon")), machine.path("bundle/icon.png"));
}

#[test]
fn an_entry_goes_with_its_app_and_is_kept_up_to_date() {
    let machine = Machine::new();
    let entries = machine.entries(&machine.home());
    let about = machine.about("");
    entries.refresh(&about);
    assert_eq!(machine.text(), None, "whoever wanted none gets none by an update");
    entries.write(&about);
    entries.refresh(&machine.about("name = \"Two\"\n"));
    assert_eq!(value(&machine.text().expect("there"), "Name"), "Two");
    entries.remove(&about.id);
    assert_eq!(machine.text(), None);
    entries.remove(&about.id);
}

#[test]
fn an_entry_of_somebody_else_is_left_alone() {
    let machine = Machine::new();
    let other = machine.path("other");
    std::fs::create_dir(&other).expect("a folder");
    machine.entries(&other).write(&machine.about(""));
    let of_other_home = machine.text().expect("written");
    for present in ["[Desktop Entry]\nName=packaged\n", &of_other_home] {
        machine.put(present);
        let entries = machine.entries(&machine.home());
        entries.write(&machine.about("name = \"Mine\"\n"));
        entries.refresh(&machine.about("name = \"Mine\"\n"));
        entries.remove(&machine.about("").id);
        assert_eq!(machine.text().as_deref(), Some(present));
    }
}

#[test]
fn an_entry_of_a_home_that_is_gone_is_replaced() {
    let machine = Machine::new();
    let other = machine.path("other");
    std::fs::create_dir(&other).expect("a folder");
    machine.entries(&other).write(&machine.about(""));
    std::fs::remove_dir(&other).expect("there");
    machine.entries(&machine.home()).write(&machine.about("name = \"Mine\"\n"));
    assert_eq!(value(&machine.text().expect("there"), "Name"), "Mine");
}
