//! `headstart serve`, which counts what it sends: the same server for every tool.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::error::BenchError;
use crate::run::{self, Tools};

/// What went over the wire.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) requests: u64,
    /// Bytes of the bodies of all answers.
    pub(crate) bytes: u64,
}

/// A server at work.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    log: Option<JoinHandle<Traffic>>,
}

impl Server {
    /// Serves a folder, or a repository.
    pub(crate) fn start(tools: &Tools, folder: &Path) -> Result<Self, BenchError> {
        let mut command = tools.command();
        command.arg("serve").arg(folder).arg("--json").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|source| BenchError::Start {
            program: tools.headstart.display().to_string(),
            source,
        })?;
        let stdout = child.stdout.take().map(BufReader::new);
        let mut server = Self { child, url: String::new(), log: None };
        let silent = || run::silent(&command, "where it listens");
        let mut stdout = stdout.ok_or_else(silent)?;
        let mut line = String::new();
        stdout.read_line(&mut line).map_err(|_| silent())?;
        let event: Value = serde_json::from_str(&line).map_err(|_| silent())?;
        event["url"].as_str().ok_or_else(silent)?.clone_into(&mut server.url);
        server.log = Some(std::thread::spawn(move || count(stdout)));
        Ok(server)
    }

    /// Ends it in order, so that its log is whole.
    pub(crate) fn stop(mut self) -> Result<Traffic, BenchError> {
        run::run(Command::new("sh").arg("-c").arg(format!("kill -INT {}", self.child.id())))?;
        let failed =
            || BenchError::Failed { command: "headstart serve".to_owned(), said: String::new() };
        let status = self.child.wait().map_err(|_| failed())?;
        let traffic = self.log.take().and_then(|log| log.join().ok());
        traffic.filter(|_| status.success()).ok_or_else(failed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn count(stdout: BufReader<ChildStdout>) -> Traffic {
    let mut traffic = Traffic::default();
    for line in stdout.lines().map_while(Result::ok) {
        let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
        if event["event"] == "request" {
            traffic.requests += 1;
            traffic.bytes += event["bytesSent"].as_u64().unwrap_or(0);
        }
    }
    traffic
}
