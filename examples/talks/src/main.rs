//! `talks`: a viewer of talks in the terminal.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::process::ExitCode;

use headstart_example_talks::Error;
use headstart_example_talks::command::{Command, USAGE};
use headstart_example_talks::output::{Face, Output};
use headstart_example_talks::session::{Input, Outcome, Session};

const HELP: &str = "\
Shows talks, downloads them and plays them.

usage: talks [--json] [--once | COMMAND]

Without a command, commands are read from standard input, one a line.
  --once  show the list and end
  --json  one JSON object a line";

fn main() -> ExitCode {
    let (flags, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let is_given = |flag: &str| flags.iter().any(|given| given == flag);
    let unknown =
        flags.iter().find(|flag| !matches!(flag.as_str(), "--json" | "--once" | "--help"));
    if unknown.is_some() || is_given("--help") || (is_given("--once") && !words.is_empty()) {
        // There is nobody to tell that nobody listens.
        let _ = writeln!(io::stderr(), "{HELP}\n\ncommands: {USAGE}");
        return if is_given("--help") { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    let line = if is_given("--once") { "list".to_owned() } else { words.join(" ") };
    let input = if line.is_empty() { Input::Lines } else { Input::Once(line) };
    let face = match &input {
        _ if is_given("--json") => Face::Json,
        Input::Lines if io::stdin().is_terminal() && io::stdout().is_terminal() => Face::Screen,
        _ => Face::Lines,
    };
    if let Input::Once(line) = &input
        && let Err(error) = Command::parse(line)
    {
        return refuse(face, &error);
    }
    match Session::start(Output::new(face), input).and_then(Session::run) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        // Whoever closed the pipe has read what was wanted.
        Err(Error::Io(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => complain(face, &error),
    }
}

fn refuse(face: Face, error: &Error) -> ExitCode {
    complain(face, error);
    ExitCode::from(2)
}

fn complain(face: Face, error: &Error) -> ExitCode {
    let face = if face == Face::Json { Face::Json } else { Face::Lines };
    // Nobody hears it when the pipe is gone too.
    let _ = Output::new(face).complain(error);
    ExitCode::FAILURE
}
