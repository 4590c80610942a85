//! Where things lie below the home folder. `docs/format/home.md` draws it.

use std::path::{Path, PathBuf};

use headstart_model::{AppGroupId, AppId, Digest, DigestHasher, PackId, PackPath, PackVersion};

/// Paths below one home. Pure: nothing is touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    home: PathBuf,
}

impl Layout {
    /// The paths below `home`.
    #[must_use]
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into() }
    }

    /// The home folder itself.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.home.join("headstart.db")
    }

    /// Everything of an app but its packs: pinned root, trust, namespaces.
    #[must_use]
    pub fn app(&self, app: &AppId) -> PathBuf {
        self.home.join("apps").join(app.as_str())
    }

    /// What has arrived of a single download while it is fetched. On the same file system as [`inbox`](Self::inbox), where
    /// a rename moves it.
    #[must_use]
    pub fn download(&self, number: u64) -> PathBuf {
        self.home.join("downloads").join(number.to_string())
    }

    /// What the members of an app group share.
    #[must_use]
    pub fn group(&self, group: &AppGroupId) -> PathBuf {
        self.home.join("groups").join(group.as_str())
    }

    /// Where a single download is handed over: in the container of its group, so that its members can move it.
    #[must_use]
    pub fn inbox(&self, group: &AppGroupId, number: u64) -> PathBuf {
        self.group(group).join("inbox").join(number.to_string())
    }

    /// What is known of the app's repository: trusted metadata and the last catalog.
    #[must_use]
    pub fn app_trust(&self, app: &AppId) -> PathBuf {
        self.app(app).join("trust")
    }

    /// The generations of the app's namespace.
    #[must_use]
    pub fn namespaces(&self, app: &AppId) -> PathBuf {
        self.app(app).join("namespace")
    }

    /// Where a file of a pack lies that is handed over to the app, until it is taken.
    #[must_use]
    pub fn handed_over(&self, app: &AppId, pack: &PackId, path: &PackPath) -> PathBuf {
        let mut named = DigestHasher::new();
        named.update(pack.as_str().as_bytes());
        named.update(&[0]);
        named.update(path.as_str().as_bytes());
        self.app(app).join("consumed").join(named.finish().short())
    }

    /// All installed versions of an app.
    #[must_use]
    pub fn app_packs(&self, app: &AppId) -> PathBuf {
        self.home.join("packs").join(app.as_str())
    }

    /// Every version of a pack that is in place.
    #[must_use]
    pub fn pack(&self, app: &AppId, pack: &PackId) -> PathBuf {
        self.app_packs(app).join(pack.as_str())
    }

    /// An installed version: `files/` with the files, and the record of it. The content is part of the name: a repository
    /// that was made anew counts its versions from 1 again.
    #[must_use]
    pub fn version(
        &self,
        app: &AppId,
        pack: &PackId,
        (version, content): (PackVersion, &Digest),
    ) -> PathBuf {
        self.pack(app, pack).join(version_name(version, content))
    }

    /// All versions of an app that are being built.
    #[must_use]
    pub fn app_staging(&self, app: &AppId) -> PathBuf {
        self.home.join("staging").join(app.as_str())
    }

    /// Every version of a pack that is being built.
    #[must_use]
    pub fn pack_staging(&self, app: &AppId, pack: &PackId) -> PathBuf {
        self.app_staging(app).join(pack.as_str())
    }

    /// A version that is being built. On the same file system as [`version`](Self::version), where a rename moves it.
    #[must_use]
    pub fn staging(
        &self,
        app: &AppId,
        pack: &PackId,
        (version, content): (PackVersion, &Digest),
    ) -> PathBuf {
        self.pack_staging(app, pack).join(version_name(version, content))
    }

    /// What is fetched and built to repair an app's packs.
    #[must_use]
    pub fn app_repairs(&self, app: &AppId) -> PathBuf {
        self.home.join("repair").join(app.as_str())
    }

    /// What is fetched and built to repair a pack: a folder for each version.
    #[must_use]
    pub fn pack_repairs(&self, app: &AppId, pack: &PackId) -> PathBuf {
        self.app_repairs(app).join(pack.as_str())
    }

    /// Where a version is built to take from it what is damaged of the one in place.
    #[must_use]
    pub fn repair(
        &self,
        app: &AppId,
        pack: &PackId,
        (version, content): (PackVersion, &Digest),
    ) -> PathBuf {
        self.pack_repairs(app, pack).join(version_name(version, content))
    }
}

fn version_name(version: PackVersion, content: &Digest) -> String {
    format!("{version}-{}", content.short())
}
