//! Files whose chunks are those of their opened form: the form is made again when a chunk of it is needed.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use headstart_pack::FileNode;
use headstart_pack::container::{self, Recipe};
use headstart_pack::limits::RECIPE_BYTES_MAX;
use headstart_sys::{Action, FileError, positioned};

use crate::error::StoreError;
use crate::numbers::size;

/// Where the recipes of a version lie in its folder, each named by the number of its entry.
pub(crate) const RECIPES: &str = "recipes";
/// Opened forms of one version that are kept at once, at most. `Ours:` chunks are asked for file by file, but for bases.
pub const FORMS_MAX: usize = 4;

/// Bytes of opened forms that were made again, to read chunks from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FormBytes {
    /// Of all of them.
    pub written: u64,
    /// Of those that were there at the same time, at most.
    pub peak: u64,
}

impl std::iter::Sum for FormBytes {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, next| Self {
            written: sum.written.saturating_add(next.written),
            peak: sum.peak.saturating_add(next.peak),
        })
    }
}

/// The opened forms of files in place, in files without names beside them: a kill leaves nothing behind.
#[derive(Debug)]
pub(crate) struct ReopenedForms {
    folder: PathBuf,
    forms: Mutex<Forms>,
}

#[derive(Debug)]
struct Forms {
    /// The last used one first; `None` for a file that cannot be opened.
    kept: Vec<(u32, Option<Form>)>,
    bytes: FormBytes,
}

#[derive(Debug)]
struct Form {
    file: File,
    bytes: u64,
}

impl Forms {
    const NONE: Self = Self { kept: Vec::new(), bytes: FormBytes { written: 0, peak: 0 } };

    fn made(&mut self, form: &Form) {
        let kept = self.kept.iter().filter_map(|(_, form)| form.as_ref());
        let now = kept.map(|form| form.bytes).sum::<u64>().saturating_add(form.bytes);
        self.bytes.peak = self.bytes.peak.max(now);
        self.bytes.written = self.bytes.written.saturating_add(form.bytes);
    }
}

impl ReopenedForms {
    /// For the version in `folder`, which holds the recipes.
    pub(crate) const fn of(folder: PathBuf) -> Self {
        Self { folder, forms: Mutex::new(Forms::NONE) }
    }

    /// What the forms took on disk so far.
    pub(crate) fn bytes(&self) -> FormBytes {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// As if no form had been made yet.
    pub(crate) fn forget(&self) {
        *self.forms.lock().unwrap_or_else(PoisonError::into_inner) = Forms::NONE;
    }

    /// Where the recipe of an entry lies.
    pub(crate) fn recipe_path(folder: &Path, entry: u32) -> PathBuf {
        folder.join(RECIPES).join(entry.to_string())
    }

    /// Reads from the opened form of the file at `path`; false when there is none. What is read is not verified.
    pub(crate) fn read(&self, entry: u32, path: &Path, bytes: &mut [u8], offset: u64) -> bool {
        let mut forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner);
        let known = forms.kept.iter().position(|(number, _)| *number == entry);
        let form = if let Some(known) = known {
            forms.kept.remove(known)
        } else {
            // The oldest goes before there is one more.
            forms.kept.truncate(FORMS_MAX - 1);
            let form = self.reopen(entry, path);
            let form = form.map_err(|error| tracing::debug!(%error, "not opened again")).ok();
            if let Some(form) = &form {
                forms.made(form);
            }
            (entry, form)
        };
        let read = form.1.as_ref().map(|form| positioned::read_exact_at(&form.file, bytes, offset));
        forms.kept.insert(0, form);
        read.is_some_and(|read| read.is_ok())
    }

    fn reopen(&self, entry: u32, path: &Path) -> Result<Form, StoreError> {
        let recipe = load_recipe(&Self::recipe_path(&self.folder, entry))?;
        let broken = |source| StoreError::Format { path: path.to_owned(), source };
        let failed = |action| move |error| FileError::new(action, path, error);
        let mut file = File::open(path).map_err(failed(Action::Open))?;
        let form = tempfile::tempfile_in(&self.folder).map_err(failed(Action::Create))?;
        let mut out = BufWriter::with_capacity(64 * 1024, form);
        container::reopen(&recipe, &mut file, &mut out).map_err(broken)?;
        out.flush().map_err(failed(Action::Write))?;
        let file = out.into_inner().map_err(|error| failed(Action::Write)(error.into_error()))?;
        let bytes = file.metadata().map_err(failed(Action::Read))?.len();
        Ok(Form { file, bytes })
    }
}

fn load_recipe(path: &Path) -> Result<Recipe, StoreError> {
    let failed = |error| FileError::new(Action::Read, path, error);
    let bytes = fs::metadata(path).map_err(failed)?.len();
    let broken = |source| StoreError::Format { path: path.to_owned(), source };
    if bytes > RECIPE_BYTES_MAX + 4 {
        return Err(crate::assembly::format_error(path, "a recipe is too long"));
    }
    Recipe::from_bytes(fs::read(path).map_err(failed)?).map_err(broken)
}

/// Makes the file at `path` from its opened form, keeps the recipe, and compares size and digest. Memory: the recipe, and
/// about 3 MiB.
///
/// # Errors
/// [`StoreError::Format`] when the form makes another file, [`StoreError::File`] when the disk fails.
pub(crate) fn recreate(
    (form, form_bytes): (&Path, u64),
    path: &Path,
    recipe: &Path,
    file: &FileNode,
) -> Result<(), StoreError> {
    let broken = |source| match source {
        headstart_pack::FormatError::Io(error) => {
            StoreError::from(FileError::new(Action::Write, path, error))
        }
        source => StoreError::Format { path: path.to_owned(), source },
    };
    let range = 0..form_bytes;
    let mut form = File::open(form).map_err(|error| FileError::new(Action::Open, form, error))?;
    let kept = Recipe::of_form(&mut form, &range).map_err(broken)?;
    fs::write(recipe, kept.as_bytes())
        .map_err(|error| FileError::new(Action::Write, recipe, error))?;
    drop(kept);
    let failed = |error| FileError::new(Action::Write, path, error);
    let mut out = BufWriter::with_capacity(64 * 1024, File::create(path).map_err(failed)?);
    let digest = container::recreate(&mut form, range, file.size, &mut out).map_err(broken)?;
    out.flush().map_err(failed)?;
    let bytes = out.get_ref().metadata().map_err(failed)?.len();
    if Some(digest) == file.opened && bytes == file.size {
        Ok(())
    } else {
        Err(crate::assembly::format_error(
            path,
            "an opened file does not make the file it promises",
        ))
    }
}

/// Takes the recipe of an old version's file over; without one the file cannot be opened again, and is fetched instead.
pub(crate) fn take_recipe(old: &Path, new: &Path) -> Result<(), StoreError> {
    match fs::read(old) {
        Ok(bytes) if size(bytes.len()) <= RECIPE_BYTES_MAX + 4 => {
            fs::write(new, bytes).map_err(|error| FileError::new(Action::Write, new, error).into())
        }
        _ => Ok(()),
    }
}
