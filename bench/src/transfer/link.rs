//! A slow link between two network namespaces.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::error::BenchError;
use crate::run;

pub(super) const BITS_PER_SECOND: f64 = 20e6;
pub(super) const ROUND_TRIP_SECONDS: f64 = 0.04;
const LOSS_PERMILLE: u32 = 10;
const SERVER: &str = "headstart-bench-server";
const CLIENT: &str = "headstart-bench-client";

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// On this machine as it is.
    Here,
    /// At the server's end of the link, address 192.0.2.1.
    Server,
    /// At the other end.
    Client,
}

impl Side {
    pub(super) fn command(self, program: &str) -> Command {
        let namespace = match self {
            Self::Here => return Command::new(program),
            Self::Server => SERVER,
            Self::Client => CLIENT,
        };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, program]);
        command
    }

    /// The address that a server there has.
    pub(super) const fn address(self) -> &'static str {
        match self {
            Self::Here => "127.0.0.1",
            Self::Server | Self::Client => "192.0.2.1",
        }
    }
}

/// The link; gone when dropped.
#[derive(Debug)]
pub(super) struct Link(Child);

impl Link {
    /// 20 Mbit/s, 40 ms round trip, 1 % loss.
    pub(super) fn up() -> Result<Self, BenchError> {
        down();
        for name in [SERVER, CLIENT] {
            run::run(Command::new("ip").args(["netns", "add", name]))?;
        }
        let (rate, delay) = (BITS_PER_SECOND.to_string(), (ROUND_TRIP_SECONDS * 500.0).to_string());
        let mut command = Command::new("python3");
        command.args(["bench/link.py", SERVER, CLIENT, &rate, &delay, &LOSS_PERMILLE.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|source| {
            BenchError::Start { program: "python3 bench/link.py".to_owned(), source }
        })?;
        let mut line = String::new();
        if let Some(said) = child.stdout.take() {
            BufReader::new(said).read_line(&mut line).map_err(BenchError::file("bench/link.py"))?;
        }
        let link = Self(child);
        if line.trim() == "ready" {
            Ok(link)
        } else {
            Err(run::silent(&command, "that it is ready"))
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // What is left over is taken away by the next run.
        let _ = self.0.kill();
        let _ = self.0.wait();
        down();
    }
}

fn down() {
    for name in [SERVER, CLIENT] {
        let _ = run::run(Command::new("ip").args(["netns", "del", name]));
    }
}

/// Seconds that the link needs at least for so many bytes of content.
pub(super) fn seconds_at_least(bytes: u64) -> f64 {
    bytes as f64 * 8.0 / (BITS_PER_SECOND * 1448.0 / 1500.0)
}
