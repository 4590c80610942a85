//! Which app a bundle is of.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use headstart_model::app_bundle::{AppBundle, DESCRIPTION_BYTES_MAX, PLIST_FILE, TOML_FILE};
use headstart_model::{AppId, ErrorKind};

use crate::error::Error;

/// The app that the bundle in this folder says it is.
pub(crate) fn app_of(folder: &Path) -> Result<AppId, Error> {
    let unreadable = |path: PathBuf, error: io::Error| {
        let text = format!("the description of the app {} cannot be read", path.display());
        Error::new(ErrorKind::InvalidInput, "bundleUnreadable", text)
            .caused_by(&error)
            .with_hint("check the file")
    };
    let (toml, plist) = (folder.join(TOML_FILE), folder.join(PLIST_FILE));
    let bundle = match read(&toml) {
        Ok(bytes) => AppBundle::from_toml(&bytes),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(unreadable(toml, error));
        }
        Err(_) => match read(&plist) {
            Ok(bytes) => AppBundle::from_info_plist(&bytes),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unreadable(plist, error));
            }
            Err(_) => {
                let text = format!("{} is no app bundle", folder.display());
                let hint = "an app bundle is a folder with `headstart.toml` or `Info.plist` in it";
                return Err(Error::new(ErrorKind::InvalidInput, "notABundle", text).with_hint(hint));
            }
        },
    };
    bundle.map(|bundle| bundle.id).map_err(|error| {
        let text = format!("the description of the app in {} is wrong", folder.display());
        Error::new(ErrorKind::InvalidInput, "bundleMalformed", text)
            .caused_by(&error)
            .with_hint("correct what is named")
    })
}

/// At most one byte more than a description may have, so that a larger one is found out.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(DESCRIPTION_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
