//! What that crate does not wrap, from the same handles.

/// Gives what a handle is made of: languages, batches, the manifest, local versions and sizes, and
/// all else that `headstart` has.
///
/// ```no_run
/// use backgroundassets::AssetPackManager;
/// use backgroundassets::ext::Headstart as _;
/// # fn look(packs: &AssetPackManager) -> Result<(), headstart::Error> {
/// let language = packs.headstart().resolved_language()?;
/// let version = packs.headstart().local_version("maps")?;
/// # drop((language, version)); Ok(()) }
/// ```
pub trait Headstart {
    /// What the handle is made of.
    type Inner;
    /// What this handle is made of.
    fn headstart(&self) -> &Self::Inner;
}

macro_rules! made_of {
    ($($handle:ty: $inner:ty,)*) => {
        $(impl Headstart for $handle {
            type Inner = $inner;
            fn headstart(&self) -> &$inner {
                &self.0
            }
        })*
    };
}

made_of! {
    crate::AssetPack: headstart::AssetPack,
    crate::AssetPackManager: headstart::blocking::AssetPackManager,
    crate::Download: headstart::Download,
    crate::DownloadManager: headstart::blocking::DownloadManager,
    crate::Manifest: headstart::AssetPackManifest,
}
