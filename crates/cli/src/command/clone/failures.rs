//! How what can go wrong with a clone's repository is told: with its address, and with what can be done here.

use std::path::Path;

use headstart_deliver::{Location, LocationError};
use headstart_model::{ErrorKind, Failure};
use headstart_repo::{FetchError, RepoError, Sha256, layout};
use headstart_transfer::{ShownUrl, TransferError};

use crate::network;

/// An address that is none, or that may not be used.
pub(super) fn of_location(error: &LocationError) -> Failure {
    let (kind, code, hint) = match error {
        LocationError::Insecure { .. } => (
            ErrorKind::Refused,
            "insecureUrl",
            "use an https address, or allow plain http with `--insecure`",
        ),
        _ => (ErrorKind::Usage, "repositoryUrl", "name an https URL, or a folder"),
    };
    Failure::from_error(kind, code, error).with_hint(hint)
}

/// A root that a person names is an input: one that is none is told as such. Another one than is trusted lies in `trusted`.
pub(super) fn of_root(error: &RepoError, root: &Path, trusted: &Path) -> Failure {
    let cause = match error {
        RepoError::Malformed { source, .. } => source.to_string(),
        RepoError::WrongSignature { .. } => "it is not signed by its own keys".to_owned(),
        RepoError::OtherRoot { .. } => {
            return error.to_failure().with_hint(way_out(trusted));
        }
        _ => return error.to_failure(),
    };
    let message = format!("`{}` is not the root of a repository", root.display());
    let mut failure = Failure::new(ErrorKind::InvalidInput, "rootMalformed", message)
        .with_hint("`--root` names the first root of the repository, metadata/root.json, from a place that you trust");
    failure.causes.push(cause);
    failure
}

/// Metadata that could not be had, or does not hold. Why a transfer failed for good is told as every command tells it.
pub(super) fn of_repository(error: &RepoError, location: &Location) -> Failure {
    let is_entrance = |path: &str| [layout::FIRST_ROOT, layout::TIMESTAMP].contains(&path);
    match error {
        RepoError::Fetch { source: FetchError::Failed(cause), .. } => {
            match cause.downcast_ref::<TransferError>() {
                Some(cause) if !cause.is_retryable() => {
                    network::advised(cause.to_failure()).within(error.to_string())
                }
                _ => error.to_failure(),
            }
        }
        RepoError::Fetch { path, source: FetchError::NotFound } if is_entrance(path) => {
            no_repository(error, location)
        }
        RepoError::Malformed { path, .. } if is_entrance(path) => no_repository(error, location),
        _ => error.to_failure(),
    }
}

fn no_repository(error: &RepoError, location: &Location) -> Failure {
    let (place, hint) = match location {
        Location::Folder(folder) if !folder.is_dir() => (
            format!("there is no folder `{}`", folder.display()),
            "check the path; the address of a server begins with `https://`",
        ),
        Location::Folder(folder) => (
            format!("there is no repository in `{}`", folder.display()),
            "name the folder that `headstart repo init` made; `metadata` lies in it",
        ),
        Location::Http(url) => (
            format!("there is no repository at {}", ShownUrl::from(url)),
            "check the address: that of a repository is the folder in which its `metadata` lies",
        ),
        Location::Archive(_) => return error.to_failure(),
    };
    error.to_failure().within(place).with_hint(hint)
}

/// Where the trust in a repository came from, and what it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Basis<'a> {
    /// The root named by `--root`.
    Given(&'a Path),
    /// What an earlier clone left in this folder.
    Before(&'a Path),
    /// The repository itself, just now.
    Itself,
}

/// Signatures that do not hold. `offered` is the fingerprint of the root that lies at the address; nobody vouches for it.
pub(super) fn of_signature(
    error: &RepoError,
    basis: Basis<'_>,
    trusted: Sha256,
    offered: Option<Sha256>,
) -> Failure {
    let mut failure = error.to_failure();
    let trusted_place = match basis {
        Basis::Given(root) => root.display().to_string(),
        Basis::Before(folder) => folder.display().to_string(),
        Basis::Itself => return failure.with_hint(CHANGED),
    };
    let Some(offered) = offered.filter(|offered| *offered != trusted) else {
        return failure.with_hint(CHANGED);
    };
    failure.causes.push(format!(
        "the root at the address has the fingerprint {offered}, the one in {trusted_place} has {trusted}"
    ));
    failure.with_hint(match basis {
        Basis::Before(folder) => way_out(folder),
        _ => "give `--root` the first root (metadata/root.json) of this very repository, from a place that you trust"
            .to_owned(),
    })
}

const CHANGED: &str = "somebody changed the repository, or it was copied while it was being written; ask its publisher, who can \
                       run `headstart repo verify`";

fn way_out(trusted: &Path) -> String {
    format!(
        "clone another repository into another folder; if the publisher confirms the new fingerprint, remove {} and clone again",
        trusted.display()
    )
}

#[cfg(test)]
mod tests {
    use headstart_transfer::Violation;

    use super::*;

    #[test]
    fn what_lasts_of_a_transfer_keeps_its_kind_and_code_and_what_passes_is_a_matter_of_the_connection()
     {
        let url = url::Url::parse("https://me:secret@a.example/game/").expect("a URL");
        let location = Location::Http(url.clone());
        let told = |error: TransferError| {
            let source = FetchError::Failed(Box::new(error));
            let error = RepoError::Fetch { path: layout::TIMESTAMP.to_owned(), source };
            of_repository(&error, &location)
        };
        let shown = || ShownUrl::from(&url);
        let violation = Violation::TooManyRedirects { limit: 5 };
        let failure = told(TransferError::Unusable { url: shown(), violation });
        assert_eq!((failure.kind, failure.code.as_str()), (ErrorKind::Network, "badServerAnswer"));
        assert_eq!(failure.message, "cannot fetch `metadata/timestamp.json`");
        assert!(failure.causes.iter().any(|cause| cause == "more than 5 redirects"), "{failure}");
        let target = "http://b.example/".to_owned();
        let violation = Violation::RedirectRefused { target };
        let failure = told(TransferError::Unusable { url: shown(), violation });
        assert_eq!((failure.kind, failure.code.as_str()), (ErrorKind::Refused, "redirectRefused"));
        let how = headstart_transfer::Interruption::EndedEarly;
        let failure = told(TransferError::Interrupted { url: shown(), received_bytes: 3, how });
        assert_eq!(failure.code.as_str(), "repositoryUnreachable");
    }

    #[test]
    fn an_address_without_a_repository_is_named_without_its_secrets() {
        let url = url::Url::parse("https://me:secret@a.example/game/?secret").expect("a URL");
        let error =
            RepoError::Fetch { path: layout::FIRST_ROOT.to_owned(), source: FetchError::NotFound };
        let failure = of_repository(&error, &Location::Http(url));
        assert_eq!(failure.message, "there is no repository at https://a.example/game/?…");
        assert_eq!(failure.code.as_str(), "repositoryFileMissing");
    }
}
