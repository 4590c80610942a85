//! What a person can say to the viewer.

use crate::Error;

/// All commands, for people.
pub const USAGE: &str =
    "list, show N, get N, later N, play N, cancel N, why N, remove N, update, wait, quit";

/// One command; numbers are those of the list, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Shows every talk and its state.
    List,
    /// Shows the thumbnail of a talk, which is here also when the talk is not.
    Show(usize),
    /// Downloads a talk; somebody waits.
    Get(usize),
    /// Downloads a talk when nothing else is in need of the network.
    Later(usize),
    /// Plays a talk, and has it downloaded before the others if it is not here.
    Play(usize),
    /// Gives the download of a talk up.
    Cancel(usize),
    /// Says why a talk is not here.
    Why(usize),
    /// Removes the video of a talk from this device.
    Remove(usize),
    /// Asks the server for newer talks.
    Update,
    /// Takes no command until what was asked for has come or failed.
    Wait,
    /// Ends the viewer. Downloads go on: they are the service's.
    Quit,
}

impl Command {
    /// Reads a line such as `play 3`.
    ///
    /// # Errors
    /// [`Error::NoCommand`] when it is none.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let refused = || Error::NoCommand(line.trim().chars().take(60).collect());
        let mut words = line.split_whitespace();
        let (verb, number) = (words.next(), words.next());
        if words.next().is_some() {
            return Err(refused());
        }
        let Some(number) = number else {
            return match verb {
                Some("list") => Ok(Self::List),
                Some("update") => Ok(Self::Update),
                Some("wait") => Ok(Self::Wait),
                Some("quit") => Ok(Self::Quit),
                _ => Err(refused()),
            };
        };
        let number = number.parse().map_err(|_| refused())?;
        match verb {
            Some("show") => Ok(Self::Show(number)),
            Some("get") => Ok(Self::Get(number)),
            Some("later") => Ok(Self::Later(number)),
            Some("play") => Ok(Self::Play(number)),
            Some("cancel") => Ok(Self::Cancel(number)),
            Some("why") => Ok(Self::Why(number)),
            Some("remove") => Ok(Self::Remove(number)),
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_with_their_numbers() {
        assert_eq!(Command::parse(" play  3 ").unwrap(), Command::Play(3));
        assert_eq!(Command::parse("update").unwrap(), Command::Update);
    }

    #[test]
    fn anything_else_is_refused_with_the_commands_that_there_are() {
        for line in ["", "play", "play three", "play -1", "play 1 2", "list 1", "sing 1"] {
            let error = Command::parse(line).unwrap_err().to_string();
            assert!(error.contains("play N"), "{error}");
        }
    }
}
