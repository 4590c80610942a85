//! Files that leave their packs, and copies of packs to write to.

use std::path::Path;

use headstart_model::protocol::packs::Consume;
use headstart_model::{Language, PackId};

use super::AssetPackManager;
use crate::arriving::ArrivingFile;
use crate::checkout::{self, Checkout, Overwrite};
use crate::consume;
use crate::error::Error;

impl AssetPackManager {
    /// Moves a file out of its pack to `destination`, where nothing may be yet: not copied, and the app's own from then on. `Ours:` for
    /// files that an app takes over once and for all.
    ///
    /// No namespace has it any more; a [`Namespace`](crate::Namespace) that was taken before goes on reading it. Then it is cloned instead of
    /// moved, or copied where the disk has no clones, and the pack's own goes when nobody can read it any more: who keeps
    /// paths or contents from before lets go of them first ([`release_paths`](Self::release_paths)). The next version of the pack
    /// brings its file again; removing the pack and asking for it again does too.
    ///
    /// # Errors
    /// `fileNotFound` when no local pack has it (any more), `invalidPath`; `destinationExists`, `destinationMissing`; `diskFull`, `fileRefused`, `fileFailed` when it cannot
    /// be moved there: the same call gives it again. Of kind `unavailable` when the service cannot be had.
    pub fn consume(&self, path: &str, destination: &Path) -> Result<(), Error> {
        self.hand_over(path, (None, None), destination)
    }

    /// As [`consume`](Self::consume), of this pack only.
    ///
    /// # Errors
    /// As [`consume`](Self::consume).
    pub fn consume_in(&self, pack: &str, path: &str, destination: &Path) -> Result<(), Error> {
        let pack = PackId::new(pack).map_err(|_| Error::asset_pack_not_found(pack))?;
        self.hand_over(path, (Some(pack), None), destination)
    }

    /// As [`consume`](Self::consume), of packs of this language only.
    ///
    /// # Errors
    /// As [`consume`](Self::consume).
    pub fn consume_for(
        &self,
        language: &Language,
        path: &str,
        destination: &Path,
    ) -> Result<(), Error> {
        self.hand_over(path, (None, Some(language.clone())), destination)
    }

    fn hand_over(
        &self,
        path: &str,
        (pack, language): (Option<PackId>, Option<Language>),
        destination: &Path,
    ) -> Result<(), Error> {
        consume::check_free(destination)?;
        let app = self.on_behalf_of();
        let call = Consume { app, path: consume::path_of(path)?, pack, language };
        // What this manager keeps open for the next reader is no reason to copy.
        self.namespaces.let_go();
        let handed = self.call(&call).map_err(|error| match &call.pack {
            Some(pack) => error.about_file(path).about_pack(pack.as_str()),
            None => error.about_file(path),
        })?;
        consume::take(Path::new(&handed.path), destination)
    }

    /// Opens a file of a pack that may still be on its way, as soon as its first bytes have arrived; begins the download if there is none. Those
    /// who read go first: the part of the file that is waited for is fetched before everything else of the pack. `Ours:` read ahead of arrival.
    ///
    /// Of a pack that can be read already, the installed file, also while an update is on its way. Files that packing
    /// has opened (zip, gzip) are there when the pack is.
    ///
    /// # Errors
    /// `fileNotFound`, `invalidPath`; `tooManyReaders`; else as [`ensure_local_availability`](Self::ensure_local_availability).
    pub fn read_ahead(&self, pack: &str, path: &str) -> Result<ArrivingFile, Error> {
        ArrivingFile::open(self, pack, path)
    }

    /// Brings a local pack into the folder `destination`, as files of one's own that can be written to: clones where the disk has them, else
    /// copies. `Ours:` for editors and mods.
    ///
    /// The folder stays linked to the pack: the next checkout there brings it up to date. It replaces what is as it was checked
    /// out, leaves alone what somebody changed or added, and where it cannot do both it does nothing and fails. Asks nobody.
    ///
    /// # Errors
    /// `assetPackNotFound` when the pack is not local; `checkoutConflict` when an update would replace what somebody changed;
    /// `checkoutDestination` when the folder is none, or has files that no checkout made; `checkoutBusy`; `diskFull`, `fileFailed`.
    pub fn checkout(
        &self,
        pack: &str,
        destination: &Path,
        overwrite: Overwrite,
    ) -> Result<Checkout, Error> {
        let newest = self.namespaces.newest()?;
        let newest = newest.ok_or_else(|| Error::asset_pack_not_found(pack))?;
        checkout::checkout(&newest, pack, destination, overwrite)
    }
}
