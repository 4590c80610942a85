//! Starting the service when nobody listens.
//!
//! The service says that it listens over the protocol of systemd's `sd_notify`: one datagram
//! `READY=1` to the socket that `NOTIFY_SOCKET` names. So a client waits for exactly that, and the
//! same program runs under systemd as `Type=notify`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use headstart_model::{ErrorKind, Failure};
use headstart_sys::dirs::{HOME_VARIABLE, SOCKET_VARIABLE};
use headstart_sys::durable::create_folders;
use headstart_sys::lock::{FileLock, Sharing};
use headstart_sys::mode::Access;
use headstart_sys::process::{Output, sibling_program, spawn_background};

use crate::connection::{ConnectError, Connection};
use crate::environment::{self, APP_VARIABLE, NOTIFY_VARIABLE, TOKEN_VARIABLE};
use crate::error::Error;
use crate::link::Link;

mod readiness;

use readiness::{Outcome, Readiness};

const PROGRAM: &str = "headstartd";

/// How long the service may take until it listens. `Ours:` long enough to recover a large database
/// on a slow disk.
const START_PATIENCE: Duration = Duration::from_mins(1);

/// Starts the service, unless another client just did, and connects to it.
pub(crate) fn start(link: &Link) -> Result<Connection, Error> {
    let socket = link.home.socket();
    socket.prepare().map_err(|error| failed(&error))?;
    // Held until the service listens: of several clients that find nobody, one starts it and the
    // others find it started.
    let lock = with_ending(socket.path(), ".start");
    let _lock = FileLock::acquire(&lock, Sharing::Exclusive).map_err(|error| failed(&error))?;
    match link.connect_to_running() {
        Err(ConnectError::NobodyListens(_)) => {}
        result => return Ok(result?),
    }
    let program = program(link)?;
    let log = log_file(link)?;
    let log_bytes_before = length_of(&log);
    let notify = with_ending(socket.path(), ".r");
    let readiness = Readiness::bind(&notify).map_err(|error| failed(&error))?;
    let command = command(link, &program, &notify);
    let background = spawn_background(command, &Output::AppendTo(log.clone()))
        .map_err(|error| failed(&error))?;
    let outcome = readiness.wait(background, START_PATIENCE).map_err(|error| failed(&error))?;
    match (link.connect_to_running(), outcome) {
        (Ok(connection), _) => Ok(connection),
        (Err(ConnectError::Other(error)), _)
        | (Err(ConnectError::NobodyListens(error)), Outcome::Ready) => Err(error),
        (Err(ConnectError::NobodyListens(_)), Outcome::Ended(status)) => {
            let text =
                format!("the service {} ended while it started: {status}", program.display());
            Err(with_log(text, &log, log_bytes_before))
        }
        (Err(ConnectError::NobodyListens(_)), Outcome::TimedOut) => {
            let seconds = START_PATIENCE.as_secs();
            let text =
                format!("the service {} did not listen within {seconds} s", program.display());
            Err(with_log(text, &log, log_bytes_before))
        }
    }
}

fn command(link: &Link, program: &Path, notify: &Path) -> Command {
    let mut command = Command::new(program);
    // The service serves every app: nothing that says which one we are may stick to it. Socket and
    // home of our environment may have been overruled by our caller.
    for name in [HOME_VARIABLE, SOCKET_VARIABLE, APP_VARIABLE, TOKEN_VARIABLE] {
        command.env_remove(name);
    }
    command.envs(link.home.variables()).env(NOTIFY_VARIABLE, notify).current_dir(link.home.root());
    command
}

fn program(link: &Link) -> Result<PathBuf, Error> {
    choose([
        &|| link.daemon.clone(),
        &environment::daemon,
        &|| sibling_program(PROGRAM).ok(),
        &|| environment::in_path(&format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX)),
    ])
}

/// The service's program: what the caller named, else what the environment names, else what lies
/// beside this program, else what is in the path.
fn choose(places: [&dyn Fn() -> Option<PathBuf>; 4]) -> Result<PathBuf, Error> {
    let program = places.iter().find_map(|place| place()).ok_or_else(|| {
        let text =
            format!("the program {PROGRAM} was found neither beside this program nor in the path");
        let hint = "install Headstart, or set HEADSTART_DAEMON to the program";
        Error::new(ErrorKind::Unavailable, "serviceNotInstalled", text).with_hint(hint)
    })?;
    std::path::absolute(&program).map_err(|error| failed(&error))
}

fn log_file(link: &Link) -> Result<PathBuf, Error> {
    link.home.prepare().map_err(|error| failed(&error))?;
    let folder = link.home.log_folder();
    create_folders(&folder, Access::Private).map_err(|error| failed(&error))?;
    Ok(folder.join("headstartd.out"))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Error {
    Error::new(ErrorKind::Unavailable, "serviceStartFailed", "the service cannot be started")
        .caused_by(error)
}

fn length_of(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |facts| facts.len())
}

/// The failure with the last line that the service printed as its cause.
fn with_log(text: String, log: &Path, from: u64) -> Error {
    let mut failure = Failure::new(ErrorKind::Unavailable, "serviceStartFailed", text);
    failure.causes.extend(last_line(log, from).ok().flatten());
    failure.with_hint(format!("see {}", log.display())).into()
}

fn last_line(log: &Path, from: u64) -> io::Result<Option<String>> {
    use std::io::{Read as _, Seek as _, SeekFrom};

    const TAIL_BYTES: u64 = 4096;
    let mut file = std::fs::File::open(log)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(from.max(end.saturating_sub(TAIL_BYTES))))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let text = String::from_utf8_lossy(&tail);
    Ok(text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_has_a_program_wins() {
        let nowhere = || None;
        let beside = || Some(PathBuf::from("/beside/headstartd"));
        let in_path = || Some(PathBuf::from("/bin/headstartd"));
        let chosen = choose([&nowhere, &nowhere, &beside, &in_path]).unwrap();
        assert_eq!(chosen, Path::new("/beside/headstartd"));
        let chosen = choose([&nowhere, &nowhere, &nowhere, &in_path]).unwrap();
        assert_eq!(chosen, Path::new("/bin/headstartd"));
    }

    #[test]
    fn a_service_that_is_nowhere_is_told_with_the_way_to_name_it() {
        let nowhere = || None;
        let error = choose([&nowhere, &nowhere, &nowhere, &nowhere]).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "serviceNotInstalled"));
        assert!(error.hint().unwrap().contains("HEADSTART_DAEMON"));
    }
}
