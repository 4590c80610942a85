//! What a clone can reuse.

use std::path::{Path, PathBuf};

use headstart_deliver::{HeldFolder, InstalledVersion, SeedError, Sharing, scan_seed, version_of};
use headstart_model::catalog::CatalogPack;
use headstart_model::{ErrorKind, Failure, PackVersion};
use headstart_pack::plan::HeldVersion;

use super::destination::{Destination, Overwrite};
use super::state::{Note, Workplace};

/// Paths that are named when a folder was changed by hand.
const NAMED_MAX: usize = 5;

/// What the destination holds.
#[derive(Debug)]
pub(super) struct Held {
    folder: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Nothing.
    Nothing,
    /// The version of the record, as it was cloned.
    AsCloned(Box<InstalledVersion>),
    /// Files that nobody cloned, or that somebody changed since.
    Foreign,
}

impl Held {
    /// Looks at the destination. What is there and was not cloned, or was changed, is refused unless it may be overwritten.
    pub(super) fn look(
        destination: &Destination,
        place: &Workplace,
        overwrite: Overwrite,
    ) -> Result<Self, Failure> {
        let folder = destination.folder().to_owned();
        if destination.is_empty() {
            return Ok(Self { folder, content: Content::Nothing });
        }
        let content = match InstalledVersion::open_apart(&place.current, &folder) {
            Ok(version) => {
                let differences = destination.differences(&version);
                if differences.is_empty() {
                    Content::AsCloned(Box::new(version))
                } else if overwrite == Overwrite::Allowed {
                    Content::Foreign
                } else {
                    return Err(changed(&folder, &differences));
                }
            }
            Err(_) if overwrite == Overwrite::Allowed => Content::Foreign,
            Err(_) => return Err(occupied(&folder)),
        };
        Ok(Self { folder, content })
    }

    /// Whether the destination holds exactly `pack` already.
    pub(super) fn is_whole(&self, pack: &CatalogPack) -> bool {
        match &self.content {
            Content::AsCloned(version) => version.complete().content() == pack.content,
            _ => false,
        }
    }

    /// Refuses to go on when the destination was changed since it was looked at: somebody's work would be lost, and files that the
    /// new folder shares with it would have other bytes than were verified.
    pub(super) fn refuse_changed_since(
        destination: &Destination,
        place: &Workplace,
    ) -> Result<(), Failure> {
        let Ok(version) = InstalledVersion::open_apart(&place.current, destination.folder()) else {
            return Ok(());
        };
        match destination.differences(&version) {
            differences if differences.is_empty() => Ok(()),
            differences => Err(changed(destination.folder(), &differences)),
        }
    }

    pub(super) const fn is_as_cloned(&self) -> bool {
        matches!(self.content, Content::AsCloned(_))
    }

    /// Everything that can be reused for `pack`. Blocks: seeds are read, unless what is held makes that needless.
    pub(super) fn reusable(
        self,
        place: &Workplace,
        pack: &CatalogPack,
        seeds: &[PathBuf],
    ) -> Result<Vec<HeldFolder>, Failure> {
        let mut held = Vec::new();
        if let Content::AsCloned(_) = &self.content {
            // The old folder goes when the new one is in its place, so both may share files until then.
            held.extend(recorded(&place.current, pack, Sharing::HardLinks));
        }
        held.extend(recorded(&place.leftover, pack, Sharing::Independent));
        if held.iter().any(|held| is_shortest(held, pack)) {
            return Ok(held);
        }
        let foreign = match self.content {
            Content::Foreign => Some(self.folder),
            _ => None,
        };
        for (number, seed) in foreign.iter().chain(seeds).enumerate() {
            let own = record_of(seed);
            let own = own.and_then(|record| recorded(&record, pack, Sharing::Independent));
            held.push(match own {
                Some(own) => own,
                None => scan_seed(seed, &place.seeds.join(number.to_string()), pack)
                    .map_err(|error| of_seed(&error))?,
            });
        }
        Ok(held)
    }
}

/// A delta is the shortest way, and nothing is shorter than having it.
fn is_shortest(held: &HeldFolder, pack: &CatalogPack) -> bool {
    let HeldVersion { version, content } = &held.version;
    *content == pack.content || pack.delta_from(*version, content).is_some()
}

/// A version that was cloned, if its record and its files are at hand.
fn recorded(folder: &Path, pack: &CatalogPack, sharing: Sharing) -> Option<HeldFolder> {
    let installed = InstalledVersion::open(folder).ok()?;
    let content = installed.complete().content();
    let files = InstalledVersion::files_of(folder).is_dir();
    let version = match version_of(&content, pack) {
        // No delta starts from it, so only the note tells which one it was.
        PackVersion(0) => noted_version(&installed, pack).unwrap_or(PackVersion(0)),
        version => version,
    };
    let version = HeldVersion { version, content };
    files.then(|| HeldFolder { version, folder: folder.to_owned(), sharing })
}

/// The number under which a version of `pack` was cloned.
fn noted_version(installed: &InstalledVersion, pack: &CatalogPack) -> Option<PackVersion> {
    let note: Note = serde_json::from_slice(&installed.about().ok()?).ok()?;
    (note.pack == pack.id).then_some(note.version)
}

/// Where the record of a folder lies that was cloned and not changed since; a changed one is read like any other.
fn record_of(seed: &Path) -> Option<PathBuf> {
    let destination = Destination::at(seed).ok()?;
    let record = Workplace::within(destination.state()).current;
    let version = InstalledVersion::open_apart(&record, destination.folder()).ok()?;
    destination.differences(&version).is_empty().then_some(record)
}

fn changed(folder: &Path, differences: &[String]) -> Failure {
    let named = differences.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = match differences.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!("{} was changed since it was cloned: {named}{more}", folder.display());
    Failure::new(ErrorKind::Conflict, "destinationChanged", message)
        .with_hint("move what you need elsewhere; `--force` replaces the folder")
}

fn occupied(folder: &Path) -> Failure {
    let message = format!("{} is not empty and was not cloned", folder.display());
    Failure::new(ErrorKind::Conflict, "destinationOccupied", message)
        .with_hint("name another folder; `--force` replaces this one, and reuses what it holds")
}

fn of_seed(error: &SeedError) -> Failure {
    let (kind, code, hint) = match error {
        SeedError::Folder { .. } => {
            (ErrorKind::InvalidInput, "seedMissing", "check the path: a seed is a folder")
        }
        SeedError::TooMuch { .. } => (
            ErrorKind::InvalidInput,
            "seedTooLarge",
            "name a smaller folder, one with files like those of the pack",
        ),
        SeedError::Store(error) => return error.to_failure(),
        _ => (ErrorKind::Internal, "seedFailed", "clone without this seed"),
    };
    Failure::from_error(kind, code, error).with_hint(hint)
}
