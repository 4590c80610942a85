//! Whether somebody sits at a desktop, and where it is reached.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the environment tells of the session.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    /// Something that only a graphical session sets.
    graphical: bool,
    /// The address of the session's bus.
    bus: Option<String>,
    /// Where programs of this user are listed.
    applications: Option<PathBuf>,
}

impl Session {
    /// As this process's environment says. None of it on systems whose desktops know neither entries nor a bus.
    pub(super) fn read() -> Self {
        if cfg!(target_os = "linux") { Self::of(variable) } else { Self::default() }
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let data = path("XDG_DATA_HOME").or_else(|| Some(path("HOME")?.join(".local/share")));
        let named = variable("DBUS_SESSION_BUS_ADDRESS").and_then(|text| text.into_string().ok());
        let usual = || {
            let socket = path("XDG_RUNTIME_DIR")?.join("bus");
            let socket = socket.to_str().filter(|_| socket.exists())?;
            Some(format!("unix:path={socket}"))
        };
        Self {
            graphical: ["WAYLAND_DISPLAY", "DISPLAY", "XDG_CURRENT_DESKTOP"]
                .into_iter()
                .any(|name| variable(name).is_some()),
            bus: named.or_else(usual),
            applications: data.map(|data| data.join("applications")),
        }
    }

    /// Whether there is a desktop to show something on.
    pub(super) const fn is_desktop(&self) -> bool {
        self.graphical
    }

    pub(super) fn bus(&self) -> Option<String> {
        self.bus.clone()
    }

    pub(super) fn applications(&self) -> Option<PathBuf> {
        self.applications.clone()
    }
}

/// A variable that is set to something.
#[expect(clippy::disallowed_methods, reason = "the environment is read here and passed on")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(set: &[(&str, &str)]) -> Session {
        let set = set.to_vec();
        Session::of(move |name| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn a_machine_without_a_screen_is_no_desktop() {
        let set = [("HOME", "/home/a"), ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/bus")];
        assert!(!session(&set).is_desktop());
        for name in ["WAYLAND_DISPLAY", "DISPLAY", "XDG_CURRENT_DESKTOP"] {
            assert!(session(&[(name, "x")]).is_desktop(), "{name}");
        }
    }

    #[test]
    fn entries_lie_in_the_data_folder_of_the_person() {
        let given = session(&[("HOME", "/home/a"), ("XDG_DATA_HOME", "/data")]);
        assert_eq!(given.applications(), Some("/data/applications".into()));
        let usual = session(&[("HOME", "/home/a"), ("XDG_DATA_HOME", "relative")]);
        assert_eq!(usual.applications(), Some("/home/a/.local/share/applications".into()));
        assert_eq!(session(&[]).applications(), None);
    }

    #[test]
    fn the_bus_is_the_one_that_is_named_or_the_usual_one_where_it_is() {
        let named = session(&[("DBUS_SESSION_BUS_ADDRESS", "unix:path=/bus")]);
        assert_eq!(named.bus().as_deref(), Some("unix:path=/bus"));
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = folder.path().to_str().expect("UTF-8").to_owned();
        assert_eq!(session(&[("XDG_RUNTIME_DIR", &runtime)]).bus(), None);
        std::fs::write(folder.path().join("bus"), "").expect("a file");
        let usual = session(&[("XDG_RUNTIME_DIR", &runtime)]).bus();
        assert_eq!(usual, Some(format!("unix:path={runtime}/bus")));
    }
}
