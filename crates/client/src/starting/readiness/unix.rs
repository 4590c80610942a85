//! A datagram socket on which the program reports.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use headstart_sys::process::Background;

use super::Outcome;

/// What our own thread reports when the program has ended; the program itself has no reason to say
/// it.
const ENDED: &str = "HEADSTART_ENDED=";

/// The socket on which a program says that it is ready. Removed when dropped.
#[derive(Debug)]
pub(in crate::starting) struct Readiness {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Readiness {
    /// Listens on `path`. What is left there by a client that was killed is replaced: the caller
    /// holds the lock of starters.
    pub(in crate::starting) fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixDatagram::bind(path)?;
        Ok(Self { socket, path: path.to_owned() })
    }

    /// Waits until `program` is ready, or has ended, or `patience` is over. The program is left
    /// alone in any case.
    pub(in crate::starting) fn wait(
        self,
        program: Background,
        patience: Duration,
    ) -> io::Result<Outcome> {
        tell_when_ended(program, self.path.clone())?;
        let begun = Instant::now();
        let mut buffer = [0; 4096];
        loop {
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(Outcome::TimedOut);
            }
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.recv(&mut buffer) {
                Ok(count) => {
                    let text = String::from_utf8_lossy(buffer.get(..count).unwrap_or_default());
                    if let Some(outcome) = text.lines().find_map(outcome_of) {
                        return Ok(outcome);
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock
                    | io::ErrorKind::TimedOut
                    | io::ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
        }
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        // What stays behind is replaced by the next one.
        let _left_behind = std::fs::remove_file(&self.path);
    }
}

fn outcome_of(line: &str) -> Option<Outcome> {
    match line.strip_prefix(ENDED) {
        Some(status) => Some(Outcome::Ended(status.to_owned())),
        None => (line == "READY=1").then_some(Outcome::Ready),
    }
}

/// Waits for the end of the program, for as long as it lives: also so that it leaves the table of
/// processes when it ends.
fn tell_when_ended(mut program: Background, path: PathBuf) -> io::Result<()> {
    let wait = move || {
        let status = match program.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        // Nobody listens any more once the program was ready.
        let _nobody = UnixDatagram::unbound()
            .and_then(|socket| socket.send_to(format!("{ENDED}{status}").as_bytes(), path));
    };
    std::thread::Builder::new().name("headstartd-end".to_owned()).spawn(wait).map(drop)
}
