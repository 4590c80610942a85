//! Failures of the crates below that leave it to the caller how they are told.
//!
//! A file that a person names on the command line and that is missing or malformed is `invalidInput` (exit 2); everything
//! else that goes wrong with files is exit 1. `Spec: cli, common rules`.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use headstart_model::packaging::ManifestError;
use headstart_model::{ErrorKind, Failure};
use headstart_pack::selection::SelectionError;
use headstart_pack::{BuildError, FormatError};
use headstart_sys::FileError;
use headstart_sys::dirs::HomeError;
use headstart_sys::durable::follow_links;

/// Somebody pressed Ctrl-C, or asked the process to end.
pub(crate) fn cancelled() -> Failure {
    Failure::new(ErrorKind::Cancelled, "interrupted", "interrupted").with_hint(
        "the same command goes on where it was, as far as there is something to go on with",
    )
}

/// Arguments that can each be read but make no sense together.
pub(crate) fn usage(message: impl Into<String>) -> Failure {
    Failure::new(ErrorKind::Usage, "usage", message)
}

/// A file or folder of this machine could not be read or written.
pub(crate) fn of_file(error: &FileError) -> Failure {
    of_io(error, error.kind())
}

fn of_io(error: &(dyn Error + 'static), kind: io::ErrorKind) -> Failure {
    let (kind, code, hint) = match kind {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "fileMissing", "check the path"),
        io::ErrorKind::AlreadyExists => {
            (ErrorKind::Conflict, "fileExists", "choose another name, or remove what is there")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (ErrorKind::Refused, "fileRefused", "check the permissions of the file and its folder")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::NoSpace, "diskFull", "free some space, then try again")
        }
        kind if is_other_kind(kind) => (
            ErrorKind::Conflict,
            "fileKind",
            "check whether the path is that of a file or of a folder",
        ),
        _ => (ErrorKind::Internal, "fileFailed", ""),
    };
    Failure::from_error(kind, code, error).with_hint(hint)
}

/// Where an output that a person names is written: where its links lead. `Spec: cli, common rules`.
pub(crate) fn output_place(path: &Path) -> Result<PathBuf, Failure> {
    let place = follow_links(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => {
            Failure::from_error(ErrorKind::InvalidInput, "fileFailed", &error)
                .with_hint("name another place, or remove the links")
        }
        io::ErrorKind::PermissionDenied => {
            of_file(&error).with_hint("name the place that the link leads to, if that is meant")
        }
        _ => of_file(&error),
    })?;
    match place.symlink_metadata() {
        // A new file takes the place of the old one, which nothing else can give away.
        Ok(there) if !there.is_file() => {
            let what = if there.is_dir() { "a folder" } else { "no regular file" };
            let message =
                format!("`{}` is {what}, so no file can be written there", path.display());
            Err(Failure::new(ErrorKind::Conflict, "fileKind", message)
                .with_hint("name a file, one that is there or a new one"))
        }
        _ => Ok(place),
    }
}

/// A folder where a file should be, or the reverse.
const fn is_other_kind(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory)
}

/// There is no home.
pub(crate) fn of_home(error: &HomeError) -> Failure {
    match error {
        HomeError::File(error) => of_file(error),
        _ => Failure::from_error(ErrorKind::Refused, "homeUnusable", error)
            .with_hint("set HEADSTART_HOME to a folder of yours"),
    }
}

/// An input file that is missing or cannot be read.
pub(crate) fn of_input(what: &str, code: &'static str, path: &Path, error: &io::Error) -> Failure {
    let mut failure = match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(ErrorKind::InvalidInput, code, String::new()).with_hint("check the path")
        }
        _ => of_io(error, error.kind()),
    };
    if is_other_kind(error.kind()) {
        failure.kind = ErrorKind::InvalidInput;
    }
    failure.message = format!("the {what} `{}` cannot be read", path.display());
    failure.causes = vec![error.to_string()];
    failure
}

/// A packaging manifest that was refused.
pub(crate) fn of_manifest(path: &Path, error: &ManifestError) -> Failure {
    let message = format!(
        "{}:{}:{}: {}",
        path.display(),
        error.place.line,
        error.place.column,
        error.problem
    );
    Failure::new(ErrorKind::InvalidInput, "manifestMalformed", message)
        .with_hint("`headstart template` writes a manifest that explains every key")
}

/// A manifest that cannot be applied to its folder.
pub(crate) fn of_selection(error: &SelectionError) -> Failure {
    match error {
        SelectionError::Read { source, .. } => of_io(error, source.kind()),
        _ => Failure::from_error(ErrorKind::InvalidInput, "selectionRefused", error)
            .with_hint("`headstart evaluate` shows what the manifest selects"),
    }
}

/// An archive or delta bundle that could not be built.
pub(crate) fn of_build(error: &BuildError) -> Failure {
    match error {
        BuildError::Read { source, .. } | BuildError::Write(source) => of_io(error, source.kind()),
        BuildError::Changed { .. } => {
            Failure::from_error(ErrorKind::Conflict, "sourceChanged", error)
                .with_hint("wait until nothing writes to the source files, then try again")
        }
        BuildError::Cancelled => cancelled(),
        BuildError::TooMany { .. } => {
            Failure::from_error(ErrorKind::InvalidInput, "packTooLarge", error)
                .with_hint("divide it among several packs")
        }
        _ => Failure::from_error(ErrorKind::Internal, "buildFailed", error),
    }
}

/// An archive that cannot be read.
pub(crate) fn of_archive(path: &Path, error: &FormatError) -> Failure {
    let message = format!("`{}` cannot be used", path.display());
    match error {
        FormatError::Io(source) => of_io(source, source.kind()).within(message),
        FormatError::Magic { .. } => {
            Failure::from_error(ErrorKind::InvalidInput, "notAnArchive", error)
                .within(message)
                .with_hint("`headstart pack` makes archives")
        }
        FormatError::Version { .. } => {
            Failure::from_error(ErrorKind::InvalidInput, "archiveTooNew", error)
                .within(message)
                .with_hint("a newer version of Headstart is needed")
        }
        _ => Failure::from_error(ErrorKind::InvalidInput, "archiveDamaged", error)
            .within(message)
            .with_hint("fetch or build the archive again; `headstart verify` says what is damaged"),
    }
}
