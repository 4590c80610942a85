//! Where a repository and its keys lie.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use headstart_model::{ErrorKind, Failure};
use headstart_repo::author::{KeyFolder, Lifetimes, PublishError, Reader, Writer};
use headstart_repo::{Sha256, layout};

use crate::context::Context;
use crate::input;

/// Most bytes of a root file; the crate that reads it has a limit of its own.
const ROOT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A repository as it is named on the command line.
#[derive(Debug, Clone)]
pub(super) struct Repository(PathBuf);

impl FromStr for Repository {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some((scheme, _)) => Err(format!(
                "repositories are written to folders; `{scheme}://` is not supported (publish to a folder, then copy it there)"
            )),
            None => Ok(Self(PathBuf::from(text))),
        }
    }
}

impl Repository {
    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// What names the repository: the digest of its first root.
    fn fingerprint(&self) -> Result<Sha256, Failure> {
        let path = self.0.join(layout::FIRST_ROOT);
        let bytes = input::read(&path, ROOT_BYTES_MAX, ("root", "repositoryMissing"));
        bytes.map(|bytes| Sha256::of(&bytes)).map_err(|_| {
            let message = format!("{} is not a repository", self.0.display());
            Failure::new(ErrorKind::NotFound, "repositoryMissing", message)
                .with_hint("`headstart repo init` makes a new one")
        })
    }
}

/// Where the keys are.
#[derive(Debug, Args)]
pub(super) struct Signing {
    /// The folder of the signing keys [default: below the data folder, named by the root's fingerprint]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

impl Signing {
    /// The folder of the keys of a repository that exists.
    pub(super) fn folder(&self, context: &Context, repo: &Repository) -> Result<PathBuf, Failure> {
        if let Some(folder) = self.found(context, repo)? {
            return Ok(folder);
        }
        let keys = context.home()?.keys_folder();
        let message = format!("there are no keys for {} in {}", repo.0.display(), keys.display());
        Err(Failure::new(ErrorKind::NotFound, "keyMissing", message)
            .with_hint("name the folder that holds the keys with `--keys DIR`"))
    }

    /// The folder that was named, or the one in the data folder, if it is there.
    fn found(&self, context: &Context, repo: &Repository) -> Result<Option<PathBuf>, Failure> {
        if self.keys.is_some() {
            return Ok(self.keys.clone());
        }
        let keys = context.home()?.keys_folder();
        let folder = KeyFolder::default_place(&keys, &repo.fingerprint()?);
        Ok(folder.is_dir().then_some(folder))
    }

    /// The folder that was named, if one was.
    pub(super) fn named(&self) -> Option<&Path> {
        self.keys.as_deref()
    }

    /// Opens a repository to look at it: no key is needed.
    pub(super) fn look(&self, context: &Context, repo: &Repository) -> Result<Reader, Failure> {
        let keys = self.found(context, repo)?;
        context.block_on(async {
            let opened = Reader::open(repo.folder(), keys.as_deref()).await;
            opened.map_err(|error| error.to_failure())
        })
    }

    /// Opens a repository to work a release out: for changes where there are keys that sign releases, else to look at it.
    pub(super) fn try_out(&self, context: &Context, repo: &Repository) -> Result<Desk, Failure> {
        let keys = self.found(context, repo)?;
        let online = keys.as_deref().map_or(Ok(false), KeyFolder::has_online_key);
        if online.map_err(|error| PublishError::from(error).to_failure())? {
            Ok(Desk::Writing(self.open(context, repo)?))
        } else {
            Ok(Desk::Looking(self.look(context, repo)?))
        }
    }

    /// Opens a repository for changes.
    pub(super) fn open(&self, context: &Context, repo: &Repository) -> Result<Writer, Failure> {
        let keys = self.folder(context, repo)?;
        context.block_on(async {
            let opened = Writer::open(repo.folder(), &keys, Lifetimes::default()).await;
            opened.map_err(|error| error.to_failure())
        })
    }
}

/// A repository as it was opened.
pub(super) enum Desk {
    /// With its keys, for changes.
    Writing(Writer),
    /// Without keys.
    Looking(Reader),
}

impl Desk {
    /// What is there.
    pub(super) fn reader(&mut self) -> &mut Reader {
        match self {
            Self::Writing(writer) => writer.reader(),
            Self::Looking(reader) => reader,
        }
    }
}
