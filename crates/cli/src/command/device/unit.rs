//! `service install`: units for the user's own systemd, so that the first program that calls wakes the service.

use std::path::{Path, PathBuf};
use std::process::Command;

use headstart_model::{ErrorKind, Failure};
use headstart_sys::dirs::Home;
use headstart_sys::mode::Mode;
use headstart_sys::{durable, process};
use serde_json::json;

use super::super::Verdict;
use crate::context::Context;
use crate::failure;

const SOCKET_UNIT: &str = "headstart.socket";
const SERVICE_UNIT: &str = "headstart.service";

/// Where the user's units lie.
fn units_folder() -> Result<PathBuf, Failure> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and passed on")]
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and passed on")]
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = config.filter(|path| path.is_absolute()).or(home);
    folder.map(|folder| folder.join("systemd/user")).ok_or_else(|| {
        Failure::new(
            ErrorKind::NotFound,
            "noUnitsFolder",
            "there is no folder for units of systemd",
        )
        .with_hint("set HOME or XDG_CONFIG_HOME")
    })
}

/// A path as it stands in a unit: `%` and blanks have a meaning there.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%").replace('"', "\\\""))
}

/// The unit that holds the socket.
fn socket_unit(home: &Home) -> String {
    format!(
        "[Unit]\nDescription=Socket of the Headstart asset service\n\n\
         [Socket]\nListenStream={}\nSocketMode=0600\nDirectoryMode=0700\n\n\
         [Install]\nWantedBy=sockets.target\n",
        home.socket().path().display().to_string().replace('%', "%%")
    )
}

/// The unit that is started when somebody calls.
fn service_unit(program: &Path, home: &Home) -> String {
    let variables = home.variables();
    let environment = variables.iter().map(|(name, value)| {
        format!("Environment=\"{name}={}\"\n", value.to_string_lossy().replace('%', "%%"))
    });
    format!(
        "[Unit]\nDescription=Headstart asset service\nRequires={SOCKET_UNIT}\n\n\
         [Service]\nType=notify\nExecStart={}\n{}Restart=on-failure\n",
        quoted(program),
        environment.collect::<String>()
    )
}

/// Writes both units and turns the socket on, where systemd runs for the user.
pub(super) fn install(context: &Context) -> Result<Verdict, Failure> {
    let home = context.home()?;
    let program = process::sibling_program("headstartd").map_err(|error| {
        Failure::from_error(ErrorKind::NotFound, "daemonMissing", &error)
            .with_hint("`headstartd` has to lie beside `headstart`")
    })?;
    let folder = units_folder()?;
    std::fs::create_dir_all(&folder).map_err(|error| {
        let action = headstart_sys::Action::Create;
        failure::of_file(&headstart_sys::FileError::new(action, folder.clone(), error))
    })?;
    for (name, text) in
        [(SOCKET_UNIT, socket_unit(&home)), (SERVICE_UNIT, service_unit(&program, &home))]
    {
        durable::write_file(&folder.join(name), text.as_bytes(), Mode::SHARED)
            .map_err(|error| failure::of_file(&error))?;
    }
    let enabled = systemctl(&["daemon-reload"]) && systemctl(&["enable", "--now", SOCKET_UNIT]);
    let units = [folder.join(SOCKET_UNIT), folder.join(SERVICE_UNIT)];
    context.output.document(&json!({ "units": units, "enabled": enabled }), || {
        let [socket, service] = &units;
        let written = format!("Written: {}\n         {}", socket.display(), service.display());
        if enabled {
            format!("{written}\nThe service is started by whoever calls it first.")
        } else {
            format!("{written}\nsystemd does not run for this user; turn it on there with\n  systemctl --user enable --now {SOCKET_UNIT}")
        }
    });
    Ok(Verdict::Done)
}

/// Turns the socket off and removes both units.
pub(super) fn uninstall(context: &Context) -> Result<Verdict, Failure> {
    let folder = units_folder()?;
    let _was_on = systemctl(&["disable", "--now", SOCKET_UNIT, SERVICE_UNIT]);
    let mut removed = Vec::new();
    for name in [SOCKET_UNIT, SERVICE_UNIT] {
        let path = folder.join(name);
        if path.exists() {
            durable::remove_tree(&path).map_err(|error| failure::of_file(&error))?;
            removed.push(path);
        }
    }
    let _reloaded = systemctl(&["daemon-reload"]);
    context.output.document(&json!({ "removed": removed }), || {
        if removed.is_empty() {
            "No unit was installed.".to_owned()
        } else {
            "The units are removed. What is installed stays.".to_owned()
        }
    });
    Ok(Verdict::Done)
}

/// Whether the user's systemd did as it was told; false where there is none.
fn systemctl(arguments: &[&str]) -> bool {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(arguments);
    command.output().is_ok_and(|output| output.status.success())
}
