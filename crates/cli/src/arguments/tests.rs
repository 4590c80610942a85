use super::*;

/// Every command, with the words that lead to it.
fn commands(command: &clap::Command, words: &str, found: &mut Vec<(String, clap::Command)>) {
    let words = format!("{words}{} ", command.get_name());
    if command.has_subcommands() {
        let below = command.get_subcommands().filter(|sub| sub.get_name() != "help");
        below.for_each(|sub| commands(sub, &words, found));
    } else {
        found.push((words, command.clone()));
    }
}

/// The words of an example: blanks part them, quotes hold them together.
fn words(line: &str) -> Vec<OsString> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("begins with one").push(other),
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).map(Into::into).collect()
}

#[test]
fn every_command_has_a_description_and_examples_that_can_be_typed() {
    let mut all = Vec::new();
    commands(&Arguments::command(), "", &mut all);
    assert!(all.len() > 20, "{}", all.len());
    for (name, command) in all {
        assert!(command.get_about().is_some(), "{name} says nothing about itself");
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let (_, examples) =
            help.split_once("Examples:\n").unwrap_or_else(|| panic!("{name} has no examples"));
        let examples: Vec<_> =
            examples.lines().map(str::trim).filter(|line| line.starts_with("headstart ")).collect();
        assert!(!examples.is_empty(), "{name} has no examples");
        for example in examples {
            assert!(example.starts_with(name.trim_end()), "an example of `{name}` is `{example}`");
            if let Err(Refusal::Usage { text, .. }) = parse(&words(example)) {
                panic!("`{example}` cannot be typed: {text}");
            }
        }
    }
}

#[test]
fn the_definition_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn flags_of_every_command_may_stand_anywhere() {
    for line in ["headstart --json template", "headstart template --json"] {
        let arguments = parse(&words(line)).expect("can be typed");
        assert_eq!(arguments.global.listener(), Listener::Program);
    }
}

#[test]
fn what_is_wrong_is_told_to_programs_in_one_line() {
    let Err(Refusal::Usage { failure, .. }) = parse(&words("headstart pack --nonsense")) else {
        panic!("this is no command line");
    };
    assert_eq!(failure.kind, ErrorKind::Usage);
    assert_eq!(failure.message, "unexpected argument '--nonsense' found");
}
