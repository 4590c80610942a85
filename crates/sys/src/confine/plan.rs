//! What the service and the launcher say to each other.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfineError, Confinement, Enforced};
use crate::socket::{receive, send_with_descriptor};

/// The most that a plan may take, in bytes. As much as Linux lets arguments and environment take
/// with a stack of 8 MiB, so that nothing fits here that would not fit there.
pub(super) const LIMIT_BYTES: usize = 2 << 20;

/// The most that a launcher may answer, in bytes: two lines, one with a path.
const REPORT_LIMIT_BYTES: u64 = 64 << 10;

/// What the launcher is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) executable: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) folder: OsString,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) confinement: Confinement,
    /// The process whose end is to be the end of the program.
    pub(super) service: u32,
}

/// What the launcher says: one of these a line, and then nothing, because its end of the socket
/// closes when the program takes over.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    Confined(Enforced),
    Failed(Failure),
}

/// A step of the launcher that failed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) step: Step,
    /// The system's number of the error, if there is one.
    pub(super) code: Option<i32>,
    pub(super) message: String,
}

/// Where the launcher failed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Step {
    Program,
    Folder,
    Grant(OsString),
    Confine(String),
}

impl Failure {
    pub(super) fn at(step: Step) -> impl FnOnce(io::Error) -> Self {
        move |error| Self { step, code: error.raw_os_error(), message: error.to_string() }
    }

    pub(super) fn confining(step: &str) -> impl FnOnce(io::Error) -> Self {
        Self::at(Step::Confine(step.to_owned()))
    }

    pub(super) fn into_error(self, plan: &Plan) -> ConfineError {
        let source =
            self.code.map_or_else(|| io::Error::other(self.message), io::Error::from_raw_os_error);
        match self.step {
            Step::Program => {
                ConfineError::Program { executable: plan.executable.clone().into(), source }
            }
            Step::Folder => ConfineError::Folder { folder: plan.folder.clone().into(), source },
            Step::Grant(path) => ConfineError::Grant { path: PathBuf::from(path), source },
            Step::Confine(step) => ConfineError::Confine { step, source },
        }
    }
}

/// The plan as it is sent: its length in four bytes, then JSON.
pub(super) fn encode(plan: &Plan) -> Result<Vec<u8>, ConfineError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, plan).map_err(|error| ConfineError::Means(error.into()))?;
    let length = bytes.len() - 4;
    let Some(prefix) = u32::try_from(length).ok().filter(|_| length <= LIMIT_BYTES) else {
        return Err(ConfineError::TooLong { length, limit: LIMIT_BYTES });
    };
    bytes[..4].copy_from_slice(&prefix.to_le_bytes());
    Ok(bytes)
}

/// Sends a plan, and with it the channel.
pub(super) fn send(mut socket: &UnixStream, bytes: &[u8], channel: &OwnedFd) -> io::Result<()> {
    let sent = send_with_descriptor(socket, bytes, channel.as_fd())?;
    socket.write_all(&bytes[sent..])
}

/// Receives what [`send`] sends.
pub(super) fn take(mut socket: &UnixStream) -> io::Result<(Plan, OwnedFd)> {
    let mut prefix = [0; 4];
    let first = receive(socket, &mut prefix)?;
    let channel = first.descriptor.ok_or_else(|| invalid("no channel came"))?;
    socket.read_exact(&mut prefix[first.length..])?;
    let length = u32::from_le_bytes(prefix) as usize;
    if length > LIMIT_BYTES {
        return Err(invalid("the plan is too long"));
    }
    let mut bytes = vec![0; length];
    socket.read_exact(&mut bytes)?;
    Ok((serde_json::from_slice(&bytes)?, channel))
}

/// Says how far the launcher got.
pub(super) fn report(mut socket: &UnixStream, report: &Report) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    socket.write_all(&line)
}

/// Hears what the launcher says, until it says no more, or, if it is to stop for a debugger, until
/// it says that it is confined.
pub(super) fn hear(socket: &UnixStream, stops: bool) -> io::Result<Result<Enforced, Failure>> {
    let mut heard = Vec::new();
    let mut enforced = None;
    let mut bytes = io::BufReader::new(socket.take(REPORT_LIMIT_BYTES)).bytes();
    while let Some(byte) = bytes.next().transpose()? {
        if byte != b'\n' {
            heard.push(byte);
            continue;
        }
        match serde_json::from_slice(&heard)? {
            Report::Failed(failure) => return Ok(Err(failure)),
            Report::Confined(report) if stops => return Ok(Ok(report)),
            Report::Confined(report) => enforced = Some(report),
        }
        heard.clear();
    }
    enforced.map(Ok).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
