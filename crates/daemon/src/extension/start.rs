//! Starting an extension.

use std::ffi::OsString;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use headstart_engine::record::Bundle;
use headstart_model::{AppGroupId, AppId, ErrorKind, Failure};
use headstart_store::StoreError;
use headstart_sys::confine::{self, Confinement, Program};
use headstart_sys::durable;
use headstart_sys::mode::Access;

use super::asked::Ticket;
use super::run::{End, Run};
use super::{Inner, port};
use crate::bundle;
use crate::perform::blocking;

/// Where the library finds the descriptor through which it gets connections; see `docs/format/socket.md`.
const PORT_VARIABLE: &str = "HEADSTART_EXTENSION_PORT";
/// Bytes of what an extension prints that go into the log, for each run.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one line of that.
const LINE_BYTES_MAX: usize = 400;
/// Variables that say in what language to write messages; nothing else of the service's environment goes along.
const LOCALE: [&str; 3] = ["LANG", "LC_ALL", "LC_MESSAGES"];

/// Starts the extension of an app.
pub(super) async fn start(
    inner: &Arc<Inner>,
    app: &AppId,
    ticket: Ticket,
) -> Result<Arc<Run>, Failure> {
    let id = app.clone();
    let record =
        inner.core.query(move |state, _| state.records().app(&id).map(|app| app.bundle.clone()));
    let record = record.await?.ok_or_else(|| cannot(app, "its app is not installed"))?;
    // One that waits no longer must not leave an extension behind that nobody lets go on.
    let debugger = inner.debuggers().remove(app).filter(|debugger| !debugger.is_closed());
    let (of, id, debugged) = (Arc::clone(inner), app.clone(), debugger.is_some());
    let (run, service_end) =
        blocking(move || spawn(&of, (&id, ticket), &record, debugged)).await??;
    let run = Arc::new(run);
    inner.history().begin(Arc::clone(&run), started_at());
    await_end(inner, &run);
    if let Err(why) = inner.enter_run(ticket, &run) {
        run.kill(why.clone());
        return Err(why.failure(app));
    }
    port::serve(inner, &run, service_end).map_err(|error| {
        run.kill(End::Disconnected);
        cannot(app, &format!("the service cannot talk to it: {error}"))
    })?;
    tracing::info!(%app, pid = run.pid(), "extension started");
    if let Some(debugger) = debugger {
        let _ = debugger.send(Arc::clone(&run));
    }
    Ok(run)
}

#[expect(clippy::disallowed_methods, reason = "when it was started, for people to see")]
fn started_at() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

fn cannot(app: &AppId, why: &str) -> Failure {
    let message = format!("the extension of app `{app}` cannot be started: {why}");
    Failure::new(ErrorKind::InvalidInput, "extensionNotStarted", message)
        .with_hint("check that the bundle's `extension` is a program that can be run")
}

/// Starts the process, confined to its bundle, its groups and the system's libraries.
fn spawn(
    inner: &Inner,
    (app, ticket): (&AppId, Ticket),
    record: &Bundle,
    debugged: bool,
) -> Result<(Run, UnixStream), Failure> {
    let layout = &inner.context.layout;
    let description = bundle::registered(layout, app)?;
    let below = description.extension.ok_or_else(|| cannot(app, "its bundle names none"))?;
    let folder = bundle::files_folder(layout, app, record);
    let executable = folder.join(below);
    let others = record.groups.keys().filter(|group| Some(*group) != record.group.as_ref());
    let groups = group_folders(inner, (app, ticket), record.group.iter().chain(others))?;
    let (service_end, channel) = UnixStream::pair().map_err(|e| cannot(app, &e.to_string()))?;
    let (reader, writer) = std::io::pipe().map_err(|e| cannot(app, &e.to_string()))?;
    let mut read_execute = confine::system_libraries();
    read_execute.push(folder.clone());
    let confinement = Confinement {
        read_execute,
        write: groups.clone(),
        anonymous_memory_bytes: inner.limits.memory_bytes,
        wait_for_debugger: debugged,
        ..Confinement::default()
    };
    let program = Program {
        executable: executable.clone(),
        arguments: Vec::new(),
        folder: groups.first().cloned().unwrap_or(folder),
        environment: environment(inner, &groups),
        channel: OwnedFd::from(channel),
        output: OwnedFd::from(writer),
    };
    let confined =
        confine::spawn(&inner.limits.launcher, program, &confinement).map_err(|error| {
            Failure::from_error(ErrorKind::InvalidInput, "extensionNotStarted", &error)
                .within(format!("the extension of app `{app}` cannot be started"))
                .with_hint("check that the bundle's `extension` is a program that can be run")
        })?;
    for lack in confined.enforced().missing() {
        tracing::warn!(%app, lack, "the extension is less confined than it should be");
    }
    log_output(app.clone(), reader);
    Ok((Run::new(app.clone(), executable, confined, debugged), service_end))
}

/// The containers of the app's groups, made if they are not there. Of an app that is being removed none is made: whoever
/// removes them has its extension ended first, and then waits for the lock.
fn group_folders<'a>(
    inner: &Inner,
    (app, ticket): (&AppId, Ticket),
    groups: impl Iterator<Item = &'a AppGroupId>,
) -> Result<Vec<PathBuf>, Failure> {
    let _held = inner.context.making_containers();
    if let Some(why) = inner.asked().ended(ticket) {
        return Err(why.failure(app));
    }
    let mut folders = Vec::new();
    for group in groups {
        let folder = inner.context.layout.group(group);
        durable::create_folders(&folder.join("tmp"), Access::Private)
            .map_err(|error| StoreError::from(error).to_failure())?;
        folders.push(folder);
    }
    Ok(folders)
}

fn environment(inner: &Inner, groups: &[PathBuf]) -> Vec<(OsString, OsString)> {
    let home = inner.context.layout.home();
    let mut variables: Vec<(OsString, OsString)> = vec![
        (PORT_VARIABLE.into(), confine::CHANNEL_DESCRIPTOR.to_string().into()),
        ("HEADSTART_HOME".into(), home.into()),
        ("PATH".into(), "/usr/bin:/bin".into()),
    ];
    if let Some(group) = groups.first() {
        variables.push(("HOME".into(), group.into()));
        variables.push(("TMPDIR".into(), group.join("tmp").into()));
    }
    variables.extend(inner.context.environment.iter().cloned());
    variables
}

/// The variables of this process that go to extensions.
pub(crate) fn inherited() -> Vec<(OsString, OsString)> {
    #[expect(clippy::disallowed_methods, reason = "read once, when the service starts")]
    let read = |name: &str| std::env::var_os(name);
    LOCALE.iter().filter_map(|name| Some(((*name).into(), read(name)?))).collect()
}

/// Puts what an extension prints into the log, as much as is good for a log.
fn log_output(app: AppId, mut reader: std::io::PipeReader) {
    let log = move || {
        let (mut buffer, mut left) = ([0; 4096], OUTPUT_BYTES_MAX);
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            let taken = length.min(left);
            left -= taken;
            let text = String::from_utf8_lossy(buffer.get(..taken).unwrap_or_default());
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                let line: String = line.chars().take(LINE_BYTES_MAX).collect();
                tracing::info!(%app, "extension: {line}");
            }
        }
    };
    // It ends with the extension, whose end of the pipe closes then.
    let thread = std::thread::Builder::new().name("extension output".to_owned());
    if let Err(error) = thread.stack_size(128 * 1024).spawn(log) {
        tracing::warn!(%error, "what the extension prints is lost");
    }
}

/// Notes the end of the process, whatever brings it about.
fn await_end(inner: &Arc<Inner>, run: &Arc<Run>) {
    let (inner, run) = (Arc::clone(inner), Arc::clone(run));
    let wait = move || {
        let end = run.confined().wait();
        run.set_end(End::Itself(end.outcome));
        inner.drop_run(&run);
        inner.history().end(&run);
        let stats = run.counted();
        let reason = run.ended().map(|end| end.to_string()).unwrap_or_default();
        tracing::info!(
            app = %run.app(), pid = run.pid(), reason, calls = stats.calls,
            used_ms = u64::try_from(stats.used.as_millis()).unwrap_or(u64::MAX),
            peak_memory = stats.peak_bytes.max(end.peak_anonymous_bytes), "extension ended"
        );
    };
    let thread = std::thread::Builder::new().name("extension end".to_owned());
    if let Err(error) = thread.stack_size(256 * 1024).spawn(wait) {
        tracing::error!(%error, "the end of the extension will not be noticed");
    }
}
