//! Reading installed files: the same methods on both managers, since none of them waits for
//! anybody.

/// Methods over a field `namespaces: Arc<Namespaces>`.
macro_rules! reading_methods {
    () => {
        /// The app whose packs these are.
        #[must_use]
        pub fn app(&self) -> &headstart_model::AppId {
            self.namespaces.app()
        }

        /// What can be read now, to be held on to: for reading several files that belong together.
        ///
        /// # Errors
        /// `namespaceNotFound` when nothing was ever installed, `namespaceDamaged` when the index
        /// of the files cannot be used.
        pub fn namespace(&self) -> Result<crate::Namespace, crate::Error> {
            let newest = self.namespaces.newest()?;
            newest.ok_or_else(|| {
                let text = format!("nothing is installed for {}", self.app());
                let kind = headstart_model::ErrorKind::NotFound;
                crate::Error::new(kind, "namespaceNotFound", text)
            })
        }

        /// Whether any version of a pack can be read. Asks nobody; an id that does not exist is not
        /// available. `Spec: packs 8.2`.
        #[must_use]
        pub fn asset_pack_is_available_locally(&self, id: &str) -> bool {
            self.local_version(id).is_ok()
        }

        /// The version of a pack that can be read. `Spec: packs 8`.
        ///
        /// # Errors
        /// `assetPackNotFound` when none can, `namespaceDamaged` when the index of the files cannot
        /// be used.
        pub fn local_version(
            &self,
            id: &str,
        ) -> Result<headstart_model::PackVersion, crate::Error> {
            let newest = self.namespaces.newest()?;
            newest.ok_or_else(|| crate::Error::asset_pack_not_found(id))?.local_version(id)
        }

        /// The languages of the packs that can be read, each once, by tag. Asks nobody. `Spec: packs 9`.
        ///
        /// # Errors
        /// `namespaceDamaged` when the index of the files cannot be used.
        pub fn locally_available_languages(
            &self,
        ) -> Result<Vec<headstart_model::Language>, crate::Error> {
            self.namespaces.newest()?.map_or(Ok(Vec::new()), |newest| newest.languages())
        }

        /// The bytes of a file in any pack, mapped into memory. Asks nobody, as all of these.
        /// `Spec: api 2`.
        ///
        /// Where several packs have the path, the one whose id is lowest in byte order answers.
        ///
        /// # Errors
        /// `fileNotFound`, `invalidPath`; `fileDamaged` when the file on the disk is not the one
        /// that was installed; `namespaceDamaged` when the index of the files cannot be used.
        pub fn contents(&self, path: &str) -> Result<crate::Contents, crate::Error> {
            self.to_read(path)?.contents(path)
        }

        /// As [`contents`](Self::contents), in this pack only.
        ///
        /// # Errors
        /// As [`contents`](Self::contents).
        pub fn contents_in(&self, pack: &str, path: &str) -> Result<crate::Contents, crate::Error> {
            self.to_read(path)?.contents_in(pack, path)
        }

        /// As [`contents`](Self::contents), in packs of this language only: `en` is `en-US`, and is not
        /// `en-CA`. `Spec: packs 9`.
        ///
        /// # Errors
        /// As [`contents`](Self::contents).
        pub fn contents_for(
            &self,
            language: &headstart_model::Language,
            path: &str,
        ) -> Result<crate::Contents, crate::Error> {
            self.to_read(path)?.contents_for(language, path)
        }

        /// A file, open for reading from its beginning. `Spec: api 2`.
        ///
        /// # Errors
        /// As [`contents`](Self::contents).
        pub fn descriptor(&self, path: &str) -> Result<std::fs::File, crate::Error> {
            self.to_read(path)?.descriptor(path)
        }

        /// As [`descriptor`](Self::descriptor), in this pack only.
        ///
        /// # Errors
        /// As [`contents`](Self::contents).
        pub fn descriptor_in(&self, pack: &str, path: &str) -> Result<std::fs::File, crate::Error> {
            self.to_read(path)?.descriptor_in(pack, path)
        }

        /// As [`descriptor`](Self::descriptor), in packs of this language only.
        ///
        /// # Errors
        /// As [`contents`](Self::contents).
        pub fn descriptor_for(
            &self,
            language: &headstart_model::Language,
            path: &str,
        ) -> Result<std::fs::File, crate::Error> {
            self.to_read(path)?.descriptor_for(language, path)
        }

        /// Where a file or folder is, as a path of the file system. `Spec: api 2`.
        ///
        /// A folder of which several packs have a part is shown as one: a folder of links is made
        /// for it, which takes time for many files and goes with the process.
        ///
        /// Good until [`release_paths`](Self::release_paths), or until the last clone of this
        /// manager is gone: what was given away is kept on the disk for so long, also when its pack
        /// is updated or removed. Not to be kept beyond the process.
        ///
        /// # Errors
        /// As [`contents`](Self::contents); `mergedFolderFailed` when the folder of links cannot be
        /// made.
        pub fn path(&self, path: &str) -> Result<std::path::PathBuf, crate::Error> {
            let namespace = self.to_read(path)?;
            let found = namespace.path(path)?;
            self.namespaces.keep(&namespace);
            Ok(found)
        }

        /// As [`path`](Self::path), in this pack only.
        ///
        /// # Errors
        /// As [`contents`](Self::contents).
        pub fn path_in(&self, pack: &str, path: &str) -> Result<std::path::PathBuf, crate::Error> {
            let namespace = self.to_read(path)?;
            let found = namespace.path_in(pack, path)?;
            self.namespaces.keep(&namespace);
            Ok(found)
        }

        /// As [`path`](Self::path), in packs of this language only.
        ///
        /// # Errors
        /// As [`path`](Self::path).
        pub fn path_for(
            &self,
            language: &headstart_model::Language,
            path: &str,
        ) -> Result<std::path::PathBuf, crate::Error> {
            let namespace = self.to_read(path)?;
            let found = namespace.path_for(language, path)?;
            self.namespaces.keep(&namespace);
            Ok(found)
        }

        /// [`path`](Self::path) under the name that it has in the specification. `Spec: api 2`.
        ///
        /// # Errors
        /// As [`path`](Self::path).
        pub fn url(&self, path: &str) -> Result<std::path::PathBuf, crate::Error> {
            self.path(path)
        }

        /// [`path_for`](Self::path_for) under the name that it has in the specification. `Spec: api
        /// 2`.
        ///
        /// # Errors
        /// As [`path`](Self::path).
        pub fn url_for(
            &self,
            language: &headstart_model::Language,
            path: &str,
        ) -> Result<std::path::PathBuf, crate::Error> {
            self.path_for(language, path)
        }

        /// Says that no path that was given away is used any more, so that versions that were
        /// replaced meanwhile can leave the disk. `Ours:` for programs that run for long.
        pub fn release_paths(&self) {
            self.namespaces.release();
        }

        fn to_read(&self, path: &str) -> Result<crate::Namespace, crate::Error> {
            let newest = self.namespaces.newest()?;
            newest.ok_or_else(|| crate::namespace::file_not_found(path))
        }
    };
}
pub(crate) use reading_methods;
