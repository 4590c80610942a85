//! Running this very program as a person would, and reading what it says.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use headstart_model::{ErrorKind, Failure};
use serde_json::Value;

/// The program, with the home of the demo's device.
#[derive(Debug, Clone)]
pub(super) struct Program {
    executable: PathBuf,
    home: PathBuf,
}

fn broken(what: &str, error: &std::io::Error) -> Failure {
    Failure::from_error(ErrorKind::Internal, "demoFailed", error).within(what.to_owned())
}

impl Program {
    pub(super) fn new(home: &Path) -> Result<Self, Failure> {
        let executable = std::env::current_exe()
            .map_err(|error| broken("this program does not know where it lies", &error))?;
        Ok(Self { executable, home: home.to_owned() })
    }

    /// Where the program lies.
    pub(super) fn executable(&self) -> &Path {
        &self.executable
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(arguments).arg("--json").stdin(Stdio::null());
        command.env("HEADSTART_HOME", &self.home);
        for inherited in ["HEADSTART_SOCKET", "HEADSTART_APP", "HEADSTART_APP_TOKEN"] {
            command.env_remove(inherited);
        }
        // A demo leaves nothing on the desktop.
        for session in ["WAYLAND_DISPLAY", "DISPLAY", "XDG_CURRENT_DESKTOP"] {
            command.env_remove(session);
        }
        command
    }

    /// Runs a command to its end; every JSON line goes to `hear`, and the last one is the result.
    pub(super) fn run(
        &self,
        arguments: &[&str],
        mut hear: impl FnMut(&Value),
    ) -> Result<Value, Failure> {
        let mut child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| broken("a command of the demo could not be started", &error))?;
        let complaints = child.stderr.take().map(collect);
        let mut last = Value::Null;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                let line = line.map_err(|error| broken("a command broke off", &error))?;
                if let Ok(value) = serde_json::from_str::<Value>(&line) {
                    hear(&value);
                    last = value;
                }
            }
        }
        let status =
            child.wait().map_err(|error| broken("a command could not be waited for", &error))?;
        let complaints = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
        if status.success() { Ok(last) } else { Err(told(arguments, &last, &complaints)) }
    }

    /// Starts a server; it ends when the result is dropped.
    pub(super) fn serve(&self, arguments: &[&str]) -> Result<Server, Failure> {
        let mut child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| broken("the server could not be started", &error))?;
        let stdout = child.stdout.take();
        let mut server = Server { child, url: String::new(), sent: Arc::default() };
        let Some(stdout) = stdout else { return Ok(server) };
        let mut lines = BufReader::new(stdout).lines();
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        let first: Value = serde_json::from_str(&first).unwrap_or_default();
        let Some(url) = first.get("url").and_then(Value::as_str) else {
            return Err(told(arguments, &first, ""));
        };
        url.clone_into(&mut server.url);
        let sent = Arc::clone(&server.sent);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let request: Value = serde_json::from_str(&line).unwrap_or_default();
                let bytes = request.get("bytesSent").and_then(Value::as_u64).unwrap_or(0);
                sent.fetch_add(bytes, Ordering::Relaxed);
            }
        });
        Ok(server)
    }
}

fn collect(mut stream: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // What a failing command says fits; more is cut.
        let _ = (&mut stream).take(64 * 1024).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// What a command said about its failure.
fn told(arguments: &[&str], last: &Value, complaints: &str) -> Failure {
    let command = format!("`headstart {}` failed", arguments.join(" "));
    let told = last.get("error").cloned();
    if let Some(failure) = told.and_then(|error| serde_json::from_value::<Failure>(error).ok()) {
        return failure.within(command);
    }
    let mut failure = Failure::new(ErrorKind::Internal, "demoFailed", command);
    failure.causes.extend(complaints.lines().take(5).map(ToOwned::to_owned));
    failure
}

/// The development server of the demo.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    url: String,
    sent: Arc<AtomicU64>,
}

impl Server {
    /// Where it answers.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Bytes of all bodies that it has sent: what went over the wire.
    pub(super) fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
